//! Whose turn it is on a scheduler, and the how manieth.
//!
//! The worker and the code in the turn ask for it all the time, by plain loads. Other threads ask seldom: the watchdog,
//! whether a turn lasts too long. They find the words through [`Shown`], as long as the worker's thread runs.
//!
//! The words change one after another while somebody reads them. A turn begins with its number, and whoever sees more of
//! it sees the number too; a reader looks at the number before and after, and takes nothing if it moved between.

use crate::sync::{Acquire, AtomicPtr, AtomicU32, AtomicUsize, Mutex, Relaxed, Release};
use std::ptr;

/// The task that runs, its generation, and the number of its turn.
#[derive(Debug)]
pub(crate) struct Turn<T: 'static> {
    number: AtomicUsize,
    generation: AtomicU32,
    task: AtomicPtr<T>,
}

/// What a thread saw of another's turn.
#[derive(Debug)]
pub(crate) struct Seen<T: 'static> {
    pub(crate) number: usize,
    pub(crate) task: &'static T,
    pub(crate) generation: u32,
}

impl<T> Turn<T> {
    pub(crate) fn new() -> Self {
        Turn { number: AtomicUsize::new(0), generation: AtomicU32::new(0), task: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Owner only: the next turn is this task's.
    #[inline]
    pub(crate) fn begin(&self, task: &'static T, generation: u32) {
        let number = self.number().wrapping_add(1);
        // Ordering: Release (of all three) pairs with the Acquires of `see`.
        if !cfg!(mutant) {
            self.number.store(number, Release);
        }
        self.generation.store(generation, Release);
        self.task.store(ptr::from_ref(task).cast_mut(), Release);
        if cfg!(mutant) {
            self.number.store(number, Release); // the mutant: the number comes last
        }
    }

    /// Owner only: the turn is over.
    #[inline]
    pub(crate) fn end(&self) {
        self.task.store(ptr::null_mut(), Relaxed);
    }

    /// Owner only: the task whose turn it is, and its generation.
    #[inline]
    pub(crate) fn get(&self) -> Option<(&'static T, u32)> {
        // SAFETY: it is null or what `begin` was given, which lives for ever.
        let task: Option<&'static T> = unsafe { self.task.load(Relaxed).as_ref() };
        Some((task?, self.generation.load(Relaxed)))
    }

    /// Owner only: how many turns there were, with the one that runs.
    #[inline]
    pub(crate) fn number(&self) -> usize {
        self.number.load(Relaxed)
    }

    /// Any thread: the turn that runs, unless it begins or ends just now.
    pub(crate) fn see(&self) -> Option<Seen<T>> {
        let number = self.number.load(Acquire);
        let task = self.task.load(Acquire);
        let generation = self.generation.load(Acquire);
        // SAFETY: as in `get`.
        let task = unsafe { task.as_ref() }?;
        (self.number.load(Acquire) == number).then_some(Seen { number, task, generation })
    }
}

/// Where others find a worker's turn, as long as its thread runs.
#[derive(Debug)]
pub(crate) struct Shown<T: 'static>(Mutex<Option<Pointer<T>>>);

#[derive(Debug)]
struct Pointer<T: 'static>(*const Turn<T>);

// SAFETY: a `Turn` is made of atomics, and is alive while it is shown.
unsafe impl<T: Sync> Send for Pointer<T> {}

/// While it lasts, the turn is shown.
pub(crate) struct Showing<'a, T: 'static>(&'a Shown<T>);

impl<T> Shown<T> {
    pub(crate) fn new() -> Self {
        Shown(Mutex::new(None))
    }

    pub(crate) fn show<'a>(&'a self, turn: &'a Turn<T>) -> Showing<'a, T> {
        *self.0.lock() = Some(Pointer(turn));
        Showing(self)
    }

    /// The turn that runs, unless it begins or ends just now.
    pub(crate) fn see(&self) -> Option<Seen<T>> {
        let shown = self.0.lock();
        // SAFETY: it is shown no longer than it lives, and the lock keeps it so.
        unsafe { &*shown.as_ref()?.0 }.see()
    }
}

impl<T> Drop for Showing<'_, T> {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::sync::Arc;

    static TASKS: [u32; 2] = [10, 20];

    /// Somebody looks while one turn ends and the next begins: what is seen is one of them, and whole.
    #[test]
    fn model_see_against_the_next_turn() {
        loom::model(|| {
            let turn = Arc::new(Turn::new());
            turn.begin(&TASKS[0], 1);
            let owner = {
                let turn = turn.clone();
                loom::thread::spawn(move || {
                    turn.end();
                    turn.begin(&TASKS[1], 2);
                })
            };
            if let Some(Seen { number, task, generation }) = turn.see() {
                assert!(matches!((number, *task, generation), (1, 10, 1) | (2, 20, 2)), "{number} {task} {generation}");
            }
            owner.join().unwrap();
        });
    }
}

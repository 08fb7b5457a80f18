//! A stack that any thread pushes to and one thread takes whole: the inbox of a scheduler.
//!
//! Tasks that are pinned to a scheduler, and are woken by another one, come this way. The stack is linked through the
//! tasks themselves (a task is in at most one queue, so one link is enough), pushes are one compare-and-swap, and the
//! owner takes everything in one swap and turns it round, so that the oldest comes first.

use crate::sync::{AcqRel, Acquire, AtomicPtr, Relaxed, Release};
use std::{marker::PhantomData, ptr};

/// What can lie in a [`Stack`]: it lends it a link.
///
/// # Safety
///
/// 1. `link` returns the same place each time.
/// 2. Nobody else uses the link from `push` until the item has come out of the owner's hands.
pub(crate) unsafe trait Linked {
    fn link(&self) -> &AtomicPtr<Self>
    where
        Self: Sized;
}

/// The stack; see the module's text.
#[derive(Debug)]
pub(crate) struct Stack<T> {
    newest: AtomicPtr<T>,
}

impl<T: Linked> Stack<T> {
    pub(crate) fn new() -> Self {
        Stack { newest: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Adds an item; true if the stack was empty, so that the owner may have to be told.
    pub(crate) fn push(&self, item: &T) -> bool {
        let mut newest = self.newest.load(Relaxed);
        loop {
            item.link().store(newest, Relaxed);
            // Ordering: Release publishes the item and its link to `take`.
            match self.newest.compare_exchange_weak(newest, ptr::from_ref(item).cast_mut(), Release, Relaxed) {
                Ok(_) => return newest.is_null(),
                Err(now) => newest = now,
            }
        }
    }

    /// True if there is something to take.
    #[inline]
    pub(crate) fn is_filled(&self) -> bool {
        !self.newest.load(Acquire).is_null()
    }

    /// Takes everything, oldest first.
    pub(crate) fn take(&self) -> Taken<T> {
        let mut newest = self.newest.swap(ptr::null_mut(), AcqRel);
        let mut oldest = ptr::null_mut();
        while !newest.is_null() {
            // SAFETY: an item in the stack is alive (obligation of `push`'s caller: tasks are never unmapped), and its
            // link is ours since the swap.
            let link = unsafe { &*newest }.link();
            let older = link.load(Relaxed);
            link.store(oldest, Relaxed);
            (oldest, newest) = (newest, older);
        }
        Taken { next: oldest, items: PhantomData }
    }
}

/// What [`Stack::take`] took.
#[derive(Debug)]
pub(crate) struct Taken<T> {
    next: *mut T,
    items: PhantomData<T>,
}

impl<T: Linked> Iterator for Taken<T> {
    type Item = *mut T;

    fn next(&mut self) -> Option<*mut T> {
        let item = self.next;
        if item.is_null() {
            return None;
        }
        // SAFETY: as in `take`; the link is read before the item is handed out.
        self.next = unsafe { &*item }.link().load(Relaxed);
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item {
        number: usize,
        link: AtomicPtr<Item>,
    }

    // SAFETY: 1. a field; 2. the tests leave it alone.
    unsafe impl Linked for Item {
        fn link(&self) -> &AtomicPtr<Item> {
            &self.link
        }
    }

    fn item(number: usize) -> &'static Item {
        Box::leak(Box::new(Item { number, link: AtomicPtr::new(ptr::null_mut()) }))
    }

    fn numbers(stack: &Stack<Item>) -> Vec<usize> {
        // SAFETY: the items are leaked.
        stack.take().map(|item| unsafe { &*item }.number).collect()
    }

    #[cfg(not(loom))]
    #[test]
    fn what_was_pushed_comes_out_oldest_first() {
        let stack = Stack::new();
        assert!(stack.push(item(1)), "the first one finds it empty");
        assert!(!stack.push(item(2)));
        assert!(!stack.push(item(3)));
        assert_eq!(numbers(&stack), [1, 2, 3]);
        assert!(!stack.is_filled());
    }

    #[cfg(loom)]
    #[test]
    fn model_two_pushers_and_a_taker() {
        loom::model(|| {
            let stack = loom::sync::Arc::new(Stack::new());
            let pushers: Vec<_> = (1..=2)
                .map(|n| {
                    let stack = stack.clone();
                    loom::thread::spawn(move || stack.push(item(n)))
                })
                .collect();
            let mut got = numbers(&stack);
            let told = pushers.into_iter().map(|p| p.join().unwrap()).filter(|first| *first).count();
            got.extend(numbers(&stack));
            got.sort_unstable();
            assert_eq!(got, [1, 2]);
            assert!((1..=2).contains(&told), "whoever found it empty tells the owner");
        });
    }
}

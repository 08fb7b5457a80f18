//! Whose turn it is on a scheduler.
//!
//! The worker and the code in the turn ask for it all the time, by plain loads. Another thread asks once in the life of
//! a pool, when that is to stop and a turn does not end: it finds the word through [`Shown`], and what it reads is then a
//! fact, because that turn goes on.

use crate::slot::{Slot, TaskId};
use parking_lot::Mutex;
use std::{
    ptr,
    sync::atomic::{AtomicPtr, AtomicU32, Ordering::Relaxed},
};

/// The task that runs, and its generation; or none.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    slot: AtomicPtr<Slot>,
    generation: AtomicU32,
}

impl Turn {
    #[inline]
    pub(crate) fn begin(&self, slot: &'static Slot, generation: u32) {
        self.generation.store(generation, Relaxed);
        self.slot.store(ptr::from_ref(slot).cast_mut(), Relaxed);
    }

    #[inline]
    pub(crate) fn end(&self) {
        self.slot.store(ptr::null_mut(), Relaxed);
    }

    #[inline]
    pub(crate) fn get(&self) -> Option<(&'static Slot, u32)> {
        // SAFETY: it is null or a slot, and slots are never unmapped.
        let slot: Option<&'static Slot> = unsafe { self.slot.load(Relaxed).as_ref() };
        Some((slot?, self.generation.load(Relaxed)))
    }
}

/// Where others find a worker's turn, as long as its thread runs.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<Option<Pointer>>);

#[derive(Debug)]
struct Pointer(*const Turn);

// SAFETY: a `Turn` is made of atomics, and is alive while it is shown.
unsafe impl Send for Pointer {}

/// While it lasts, the turn is shown.
pub(crate) struct Showing<'a>(&'a Shown);

impl Shown {
    pub(crate) fn show<'a>(&'a self, turn: &'a Turn) -> Showing<'a> {
        *self.0.lock() = Some(Pointer(turn));
        Showing(self)
    }

    /// The task whose turn it is.
    pub(crate) fn task(&self) -> Option<(&'static Slot, TaskId)> {
        let shown = self.0.lock();
        // SAFETY: it is shown no longer than it lives, and the lock keeps it so.
        let (slot, generation) = unsafe { &*shown.as_ref()?.0 }.get()?;
        Some((slot, TaskId { slot: slot.id().slot, generation }))
    }
}

impl Drop for Showing<'_> {
    fn drop(&mut self) {
        *self.0.0.lock() = None;
    }
}

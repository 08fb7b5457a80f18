//! The queue that all schedulers share: what came from outside, and what did not fit into a ring.
//!
//! A lock around a list that is linked through the tasks. It is off every hot path: rings hand over half of themselves
//! at a time, and a scheduler looks here once in a while and when it has nothing else.

use crate::slot::Slot;
use parking_lot::Mutex;
use std::{
    ptr,
    sync::atomic::{
        AtomicUsize,
        Ordering::{Acquire, Relaxed, Release},
    },
};

#[derive(Debug)]
struct List {
    head: *mut Slot,
    tail: *mut Slot,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Injector {
    list: Mutex<List>,
    len: AtomicUsize,
}

// SAFETY: the pointers are to slots, which are `Sync` and never unmapped.
unsafe impl Send for Injector {}
// SAFETY: as above; the list is behind a lock.
unsafe impl Sync for Injector {}

impl Injector {
    pub(crate) fn new() -> Self {
        Injector { list: Mutex::new(List { head: ptr::null_mut(), tail: ptr::null_mut() }), len: AtomicUsize::new(0) }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Acquire)
    }

    /// Adds tasks at the end, in their order.
    pub(crate) fn push(&self, slots: &[*mut Slot]) {
        let mut list = self.list.lock();
        for &slot in slots {
            // SAFETY: slots are never unmapped, and the caller took this one from a queue.
            unsafe { &*slot }.next.store(ptr::null_mut(), Relaxed);
            match list.tail.is_null() {
                true => list.head = slot,
                // SAFETY: the tail is in this list.
                false => unsafe { &*list.tail }.next.store(slot, Relaxed),
            }
            list.tail = slot;
        }
        // Ordering: Release pairs with the Acquire in `len`; the list itself is behind the lock.
        self.len.store(self.len.load(Relaxed) + slots.len(), Release);
    }

    /// Takes up to `most` tasks from the front. `each` is called without the lock: a full ring sends tasks back here.
    pub(crate) fn pop(&self, most: usize, mut each: impl FnMut(&'static Slot)) -> usize {
        if self.len() == 0 {
            return 0;
        }
        let mut list = self.list.lock();
        let (first, mut taken) = (list.head, 0);
        while taken < most && !list.head.is_null() {
            // SAFETY: what is in the list is a slot.
            list.head = unsafe { &*list.head }.next.load(Relaxed);
            taken += 1;
        }
        if list.head.is_null() {
            list.tail = ptr::null_mut();
        }
        self.len.store(self.len.load(Relaxed) - taken, Release);
        drop(list);
        let mut next = first;
        for _ in 0..taken {
            // SAFETY: as above; what was taken is ours, and its link is read before it is given away.
            let slot: &'static Slot = unsafe { &*next };
            next = slot.next.load(Relaxed);
            each(slot);
        }
        taken
    }
}

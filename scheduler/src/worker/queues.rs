//! A worker's queues: which task is next, and where a task that was woken goes. Here are those of normal priority; the
//! others are in `levels`.
//!
//! The task that was woken last is next (its data are warm: a message's receiver follows its sender), but not more often
//! than [`STREAK_MAX`] times in a row; then by turns the pinned ones and the ring, oldest first.

use super::Worker;
use crate::{priority::Priority, ring, slot::Slot};
use std::{
    ptr,
    sync::atomic::Ordering::{AcqRel, Relaxed},
};

/// Turns in a row that the task woken last may have before the queue has one.
const STREAK_MAX: u32 = 32;

impl Worker {
    /// The next task of the worker's own.
    #[inline]
    pub(super) fn next(&self) -> Option<&'static Slot> {
        match self.is_mixed() {
            true => self.next_by_priority(),
            false => self.next_normal(),
        }
    }

    /// The next one of normal priority.
    #[inline]
    pub(super) fn next_normal(&self) -> Option<&'static Slot> {
        if self.streak.get() < STREAK_MAX
            && let Some(slot) = self.take_woken()
        {
            self.streak.set(self.streak.get() + 1);
            return Some(slot);
        }
        self.streak.set(0);
        self.oldest().or_else(|| self.take_woken())
    }

    #[inline]
    pub(super) fn oldest(&self) -> Option<&'static Slot> {
        let own = || self.own.borrow_mut().pop_front();
        if self.alone {
            return own();
        }
        // SAFETY: (both) what is in a ring is a slot.
        let ring = || self.remote().ring_of(Priority::Normal).pop().map(|slot| unsafe { &*slot });
        match self.current.number().is_multiple_of(2) {
            true => own().or_else(ring),
            false => ring().or_else(own),
        }
    }

    #[inline]
    pub(super) fn take_woken(&self) -> Option<&'static Slot> {
        let next = &self.remote().next;
        let mut slot = next.load(Relaxed);
        if slot.is_null() {
            return None;
        }
        match self.alone {
            true => next.store(ptr::null_mut(), Relaxed),
            // Ordering: Acquire and Release hand the task over if the sentinel takes it meanwhile.
            false => slot = next.swap(ptr::null_mut(), AcqRel),
        }
        // SAFETY: what is in `next` is a slot.
        unsafe { slot.as_ref() }
    }

    /// Queues a task that was woken here, to run soon.
    #[inline]
    pub(crate) fn queue_woken(&self, slot: &'static Slot) {
        let may_be_next = if self.alone { slot.is_normal() } else { slot.is_ordinary() };
        if !may_be_next {
            return self.queue_last(slot);
        }
        let (next, slot) = (&self.remote().next, ptr::from_ref(slot).cast_mut());
        let displaced = next.load(Relaxed);
        match self.alone {
            true => next.store(slot, Relaxed),
            // Ordering: as in `take_woken`. What is displaced is what the swap finds.
            false => {
                let displaced = next.swap(slot, AcqRel);
                // SAFETY: what is in `next` is a slot.
                return unsafe { displaced.as_ref() }.into_iter().for_each(|slot| self.queue_last(slot));
            }
        }
        // SAFETY: as above.
        unsafe { displaced.as_ref() }.into_iter().for_each(|slot| self.queue_last(slot));
    }

    /// Queues a task behind all others of its priority.
    #[inline]
    pub(crate) fn queue_last(&self, slot: &'static Slot) {
        if self.alone {
            return match slot.is_normal() {
                true => self.own.borrow_mut().push_back(slot),
                false => self.queue_own(slot),
            };
        }
        match slot.pin() {
            None => self.queue_in_ring(slot),
            Some(scheduler) if scheduler == self.index => self.queue_own(slot),
            Some(scheduler) => self.pool.hand_to(scheduler, slot),
        }
    }

    #[inline]
    pub(super) fn queue_in_ring(&self, slot: &'static Slot) {
        match slot.is_normal() {
            true => self.queue_in(Priority::Normal, slot),
            false => self.queue_by_priority(slot),
        }
    }

    #[inline]
    pub(super) fn queue_in(&self, priority: Priority, slot: &'static Slot) {
        if let Err(slot) = self.remote().ring_of(priority).push(ptr::from_ref(slot).cast_mut()) {
            return self.overflow(priority, slot);
        }
        if self.pool.idle.is_unwatched() {
            self.pool.call_helper(); // idle.rs, rule 5
        }
    }

    #[cold]
    pub(super) fn overflow(&self, priority: Priority, slot: *mut Slot) {
        let mut half = [ptr::null_mut(); ring::CAPACITY as usize / 2 + 1];
        let count = self.remote().ring_of(priority).take_half(&mut half[..ring::CAPACITY as usize / 2]) as usize;
        half[count] = slot;
        self.pool.injector.push(priority, &half[..=count]);
        self.pool.call_helper();
    }
}

//! A worker's free slots: it takes and gives them without asking anybody, and evens out with the pool's stock in batches.

use super::Worker;
use crate::{slot::Slot, stock::BATCH};
use std::{ptr, sync::atomic::Ordering::Relaxed};

/// Free slots beyond this go back to the pool, a batch at a time.
const FREE_MAX: u32 = 8 * BATCH;

/// Entries for which the queue of a scheduler's own tasks keeps room while it sleeps.
const OWN_KEPT: usize = 4096;

impl Worker {
    pub(crate) fn take_free(&self) -> Option<&'static Slot> {
        if self.free.get().is_null() {
            let Some((chain, count)) = self.pool.take_batch() else { return self.pool.take_spare() };
            self.free.set(chain.as_ptr());
            self.free_len.set(count);
        }
        // SAFETY: the free list holds slots.
        let slot: &'static Slot = unsafe { &*self.free.get() };
        self.free.set(slot.next.load(Relaxed));
        self.free_len.set(self.free_len.get() - 1);
        Some(slot)
    }

    pub(super) fn give_free(&self, slot: &'static Slot) {
        if slot.is_worn_out() {
            return; // 256 bytes for each four thousand million tasks
        }
        slot.next.store(self.free.get(), Relaxed);
        self.free.set(ptr::from_ref(slot).cast_mut());
        self.free_len.set(self.free_len.get() + 1);
        if self.free_len.get() >= FREE_MAX {
            self.return_batch();
        }
    }

    #[cold]
    pub(super) fn return_batch(&self) {
        let chain = self.free.get();
        let mut last = chain;
        for _ in 1..BATCH {
            // SAFETY: the free list is longer than a batch.
            last = unsafe { &*last }.next.load(Relaxed);
        }
        // SAFETY: as above.
        let rest = unsafe { &*last }.next.swap(ptr::null_mut(), Relaxed);
        self.free.set(rest);
        self.free_len.set(self.free_len.get() - BATCH);
        self.pool.return_chain(chain);
    }

    /// Before it sleeps: a scheduler that keeps free slots keeps their chunks, and there may be room enough.
    pub(super) fn give_back(&self) {
        if self.pool.is_roomy() && self.free_len.get() > 0 {
            self.free_len.set(0);
            self.pool.return_chain(self.free.replace(ptr::null_mut())); // stock.rs, rule 1
        }
        let mut own = self.own.borrow_mut();
        if own.is_empty() && own.capacity() > OWN_KEPT {
            own.shrink_to(OWN_KEPT);
        }
    }
}

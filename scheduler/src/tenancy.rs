//! Who lives in a slot: a generation, which counts the tasks that have, and the tag of the one that does.
//!
//! ```text
//!   owner:   settle(tag) ─► … the task runs … ─► close the door ─► retire() ─► settle(next tag) ─► …
//!   anybody: generation is mine?  ─►  read the tag  ─►  generation is still mine?  ─►  the tag is my task's
//! ```
//!
//! A tag is written after the generation moved on from the task before. Whoever reads a tag of a later task therefore
//! also reads a later generation behind it, and throws the tag away: *the second look*. Nobody waits, nobody counts.
//!
//! A waker makes the first look only. If its task ends right then it wakes the slot's next task, for nothing, which a
//! future must bear; what it can never do is put a task into two queues, because the door says who may (`door.rs`).

use crate::sync::{Acquire, AtomicPtr, AtomicU32, Relaxed, Release};
use std::ptr::NonNull;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Tenancy {
    generation: AtomicU32,
    tag: AtomicPtr<()>,
}

impl Tenancy {
    /// As zeroed memory has it.
    #[cfg(all(test, loom))]
    pub(crate) fn new() -> Self {
        Tenancy { generation: AtomicU32::new(0), tag: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// The generation that lives here now.
    #[inline]
    pub(crate) fn generation(&self) -> u32 {
        // Ordering: Acquire pairs with the Release in `retire`; see `tag_of`.
        self.generation.load(Acquire)
    }

    /// The generation, for whoever holds the slot or only compares.
    #[inline]
    pub(crate) fn generation_relaxed(&self) -> u32 {
        self.generation.load(Relaxed)
    }

    /// The tag, for whoever holds the slot.
    #[inline]
    pub(crate) fn tag(&self) -> Option<NonNull<()>> {
        NonNull::new(self.tag.load(Relaxed))
    }

    /// The tag of the task of this generation, if that is the one that lives here.
    #[inline]
    pub(crate) fn tag_of(&self, generation: u32) -> Option<NonNull<()>> {
        if self.generation() != generation {
            return None;
        }
        // Ordering: Acquire pairs with the Release in `settle`. A tag of a later task is written after the generation
        // moved on, so whoever reads that tag also reads the later generation below.
        let tag = self.tag.load(Acquire);
        // The mutant: no second look.
        (cfg!(mutant) || self.generation() == generation).then_some(tag).and_then(NonNull::new)
    }

    /// The slot's next generation: for whoever holds a slot that nobody knows by a generation as late as this.
    pub(crate) fn begin_at(&self, generation: u32) {
        self.generation.store(generation, Relaxed);
    }

    /// A new task moves in.
    #[inline]
    pub(crate) fn settle(&self, tag: *mut ()) {
        // Ordering: Release pairs with the Acquire in `tag_of`.
        self.tag.store(tag, Release);
    }

    /// The task has ended: from here on its name is nobody's.
    #[inline]
    pub(crate) fn retire(&self) {
        let next = self.generation.load(Relaxed).wrapping_add(1);
        // Ordering: Release pairs with the Acquire in `generation`.
        self.generation.store(next, Release);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::door::{Door, Left};
    use loom::{cell::UnsafeCell, sync::Arc};
    use std::ptr;

    fn tag(number: usize) -> *mut () {
        ptr::without_provenance_mut(number)
    }

    /// Somebody asks for the tag of a task while it ends and two others follow it: its own, or none.
    #[test]
    fn model_tag_of_against_reuse() {
        loom::model(|| {
            let tenancy = Arc::new(Tenancy::new());
            tenancy.settle(tag(1));
            let asker = {
                let tenancy = tenancy.clone();
                loom::thread::spawn(move || tenancy.tag_of(0))
            };
            for number in 2..=3 {
                tenancy.retire();
                tenancy.settle(tag(number));
            }
            let got = asker.join().unwrap();
            assert!(got.is_none_or(|got| got.as_ptr() == tag(1)), "the tag of another task: {got:?}");
        });
    }

    /// A waker of a task that ends while the slot's next task moves in and is queued: whatever it wakes, nobody runs the
    /// next task beside the one who queued it.
    #[test]
    fn model_waker_against_end_and_reuse() {
        struct Slot {
            door: Door,
            tenancy: Tenancy,
            body: UnsafeCell<u32>,
        }
        impl Slot {
            /// One turn; loom sees a second thread in it.
            fn turn(&self) {
                self.door.shared().begin();
                self.body.with_mut(|body| {
                    // SAFETY: whoever must queue the task, or has queued it, holds it; that is what is tested.
                    unsafe { *body += 1 }
                });
            }
        }
        loom::model(|| {
            let slot = Arc::new(Slot { door: Door::closed(), tenancy: Tenancy::new(), body: UnsafeCell::new(0) });
            slot.tenancy.settle(tag(1));
            slot.door.open_queued();
            let waker = {
                let slot = slot.clone();
                loom::thread::spawn(move || {
                    if slot.tenancy.generation() == 0 && slot.door.shared().wake() == Left::MustQueue {
                        slot.turn();
                    }
                })
            };
            slot.turn();
            slot.door.shared().close();
            slot.tenancy.retire();
            slot.tenancy.settle(tag(2));
            match cfg!(mutant) {
                // The mutant: the door opens as that of an idle task, and the opener queues it all the same.
                true => slot.door.open(),
                false => slot.door.open_queued(),
            }
            slot.turn();
            waker.join().unwrap();
        });
    }
}

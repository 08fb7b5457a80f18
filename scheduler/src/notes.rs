//! Notes: what the crate above publishes of a task, beside its body.
//!
//! A body may be touched by its own turns only, and gives way to the next task's. The notes are never anything but
//! atomic words, so that anyone may read them at any time, of a task that does not run too; whoever does asks before and
//! after whether it is still the same task ([`crate::Slot::notes_of`]).
//!
//! | word | written | what it means is up to the crate above |
//! | --- | --- | --- |
//! | label | once, at the spawn | |
//! | count | by the task's own turns | it is added to and taken from |
//! | figures | by the task's own turns | |

use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};

/// See the module's text.
#[derive(Debug)]
#[repr(C)]
pub struct Notes {
    label: AtomicU64,
    count: AtomicU64,
    figures: AtomicU64,
}

/// What the notes said at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// What the task was spawned with: [`crate::Spec::label`].
    pub label: u64,
    /// The count.
    pub count: u64,
    /// The figures.
    pub figures: u64,
}

impl Notes {
    /// A new task moves in.
    #[inline]
    pub(crate) fn begin(&self, label: u64) {
        // Ordering: Release, for `read`: whoever sees a word of this task also sees that the generation before is over.
        self.label.store(label, Release);
        self.count.store(0, Release);
        self.figures.store(0, Release);
    }

    /// Ordering: Acquire pairs with the Release in `begin`, so that the caller's second look at the generation is not
    /// older than what was read here.
    pub(crate) fn read(&self) -> Noted {
        let (label, count) = (self.label.load(Acquire), self.count.load(Acquire));
        Noted { label, count, figures: self.figures.load(Acquire) }
    }

    /// Adds to the count, and gives it; only for the task's own turn.
    #[inline]
    pub fn add(&self, count: u64) -> u64 {
        let count = self.count.load(Relaxed) + count;
        self.count.store(count, Relaxed);
        count
    }

    /// Sets the count; only for the task's own turn.
    pub fn set_count(&self, count: u64) {
        self.count.store(count, Relaxed);
    }

    /// Takes one from the count; only for the task's own turn.
    #[inline]
    pub fn take_one(&self) {
        self.count.store(self.count.load(Relaxed).wrapping_sub(1), Relaxed);
    }

    /// Sets the figures; only for the task's own turn.
    #[inline]
    pub fn set_figures(&self, figures: u64) {
        self.figures.store(figures, Relaxed);
    }
}

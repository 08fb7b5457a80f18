//! A worker's tasks of other than normal priority.
//!
//! They lie in queues of their own, a ring that others steal from and a list of pinned ones for each priority, and are
//! looked at only while `mixed` is set: a program that asks for no priorities pays one load and one branch a turn. Who is
//! next among them is decided in [`priority`](crate::priority).

use super::Worker;
use crate::{
    priority::{Priority, Turns},
    slot::Slot,
};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
};

/// What a worker keeps for them.
#[derive(Debug, Default)]
pub(super) struct Levels {
    /// Some task that is not of normal priority may wait here; set whenever one is queued.
    mixed: Cell<bool>,
    turns: Cell<Turns>,
    /// The pinned ones, or all on a scheduler that is alone; by priority, with the normal ones elsewhere.
    own: [RefCell<VecDeque<&'static Slot>>; 4],
}

impl Worker {
    /// True if the next task has to be chosen by priority.
    #[inline]
    pub(super) fn is_mixed(&self) -> bool {
        self.levels.mixed.get()
    }

    /// The next task by priority.
    #[cold]
    pub(super) fn next_by_priority(&self) -> Option<&'static Slot> {
        let turns = self.levels.turns.get();
        let next = turns.order().into_iter().find_map(|priority| Some((self.next_of(priority)?, priority)));
        self.levels.mixed.set(self.has_levelled());
        let (slot, priority) = next?;
        self.levels.turns.set(turns.after(priority));
        Some(slot)
    }

    fn next_of(&self, priority: Priority) -> Option<&'static Slot> {
        if priority == Priority::Normal {
            return self.next_normal();
        }
        let own = || self.levels.own[priority as usize].borrow_mut().pop_front();
        // SAFETY: what is in a ring is a slot.
        let ring = || self.remote().ring_of(priority).pop().map(|slot| unsafe { &*slot });
        match self.current.number().is_multiple_of(2) {
            true => own().or_else(ring),
            false => ring().or_else(own),
        }
    }

    fn has_levelled(&self) -> bool {
        let waits = |&priority: &Priority| {
            !self.levels.own[priority as usize].borrow().is_empty() || self.remote().ring_of(priority).len() > 0
        };
        Priority::DESCENDING.iter().filter(|&&priority| priority != Priority::Normal).any(waits)
    }

    /// Tasks of this priority are in a queue of this worker.
    #[inline]
    pub(super) fn note_priority(&self, priority: Priority) {
        if priority != Priority::Normal {
            self.levels.mixed.set(true);
        }
    }

    /// Queues a task that any scheduler may run.
    #[cold]
    pub(super) fn queue_by_priority(&self, slot: &'static Slot) {
        self.note_priority(slot.priority());
        self.queue_in(slot.priority(), slot);
    }

    /// Queues a task that this scheduler alone runs.
    pub(super) fn queue_own(&self, slot: &'static Slot) {
        match slot.priority() {
            Priority::Normal => self.own.borrow_mut().push_back(slot),
            priority => {
                self.levels.mixed.set(true);
                self.levels.own[priority as usize].borrow_mut().push_back(slot);
            }
        }
    }
}

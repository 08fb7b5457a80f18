//! The door of a task: one word that says whether the task waits to run, and holds what was left for it.
//!
//! ```text
//! | 63                                   3 | 2    | 1        | 0      |
//! |  newest parcel (a stack, linked back)  | OPEN | NOTIFIED | QUEUED |
//! ```
//!
//! * `OPEN`: the task lives. A word of zero is a closed door, so that untouched memory is a closed door too.
//! * `QUEUED`: the task is in a run queue or running. Whoever sets this bit must put the task into a queue.
//! * `NOTIFIED`: somebody woke the task while it was `QUEUED`; the turn that runs may have missed why.
//! * the pointer: parcels, newest first. What a parcel holds is for the crate above; here it is a link.
//!
//! Parcel and wake travel in **one** compare-and-swap: a sender that finds `QUEUED` clear sets it in the same step
//! that adds its parcel, and so knows that it is the one who must queue the task. The owner goes to rest by one
//! compare-and-swap from exactly `OPEN|QUEUED` to `OPEN`, which fails if anything came meanwhile. No wake is lost,
//! because there is no second word to look at in the wrong order.
//!
//! Two ways to do each step: [`Door::shared`] with locked instructions, and [`Door::alone`] with plain loads and
//! stores, for a pool of one scheduler whose doors no other thread touches.
//!
//! Set aside: a state word beside a separate queue head (tokio's task, BEAM's message queue) needs a fence between
//! the two on either side and one more locked instruction for each turn.

use crate::sync::{AcqRel, Acquire, AtomicUsize, Relaxed, Release};
use std::{cell::Cell, ptr};

const QUEUED: usize = 1;
const NOTIFIED: usize = 2;
const OPEN: usize = 4;
const FLAGS: usize = 7;

/// What can be left at a door: the link at the head of a larger value, which the crate above knows.
///
/// Aligned so that a pointer to it leaves three bits for the flags.
#[derive(Debug)]
#[repr(C, align(8))]
pub struct Parcel {
    next: Cell<*mut Parcel>,
    label: Cell<u64>,
}

impl Parcel {
    /// A parcel that is in no stack, with a word for whoever unpacks it.
    #[inline]
    pub const fn new(label: u64) -> Self {
        Parcel { next: Cell::new(ptr::null_mut()), label: Cell::new(label) }
    }

    /// The word it was made with.
    #[inline]
    pub fn label(&self) -> u64 {
        self.label.get()
    }

    /// The link to the parcel behind this one; the owner of a taken parcel may use it for a queue of its own.
    #[inline]
    pub fn next(&self) -> *mut Parcel {
        self.next.get()
    }

    /// Sets the link; only for the owner of a taken parcel.
    #[inline]
    pub fn set_next(&self, next: *mut Parcel) {
        self.next.set(next);
    }
}

/// What became of a parcel or a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// The task was idle; the caller has set `QUEUED` and must queue it.
    MustQueue,
    /// The task is queued or running and will see it.
    Seen,
    /// The door is closed; a parcel is still the caller's.
    Closed,
}

/// The word itself.
#[derive(Debug)]
pub(crate) struct Door(AtomicUsize);

/// The steps for a door that several threads touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a>(&'a AtomicUsize);

/// The steps for a door that one thread touches; see [`Door::alone`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alone<'a>(&'a AtomicUsize);

impl Door {
    /// A closed door.
    #[cfg(test)]
    pub(crate) fn closed() -> Self {
        Door(AtomicUsize::new(0))
    }

    /// Opens the door of a new task, which is idle: it runs when it is woken.
    #[inline]
    pub(crate) fn open(&self) {
        debug_assert_eq!(self.0.load(Relaxed), 0, "only a closed door opens");
        // Ordering: the task is published by the queue that takes it, or by the word's next change.
        self.0.store(OPEN, Release);
    }

    /// Opens the door of a new task that the caller queues at once.
    #[inline]
    pub(crate) fn open_queued(&self) {
        debug_assert_eq!(self.0.load(Relaxed), 0, "only a closed door opens");
        self.0.store(OPEN | QUEUED, Release);
    }

    /// The steps with locked instructions.
    #[inline]
    pub(crate) fn shared(&self) -> Shared<'_> {
        Shared(&self.0)
    }

    /// The steps with plain loads and stores: correct only while one thread touches the door.
    #[inline]
    pub(crate) fn alone(&self) -> Alone<'_> {
        Alone(&self.0)
    }

    /// True while the task lives.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.0.load(Acquire) & OPEN != 0
    }

    /// True while the task is in a run queue or running.
    pub(crate) fn is_queued(&self) -> bool {
        self.0.load(Relaxed) & QUEUED != 0
    }

    /// True if parcels lie here. A cheap look for the owner; `rest` catches what comes after it.
    #[inline]
    pub(crate) fn has_parcels(&self) -> bool {
        self.0.load(Relaxed) & !FLAGS != 0
    }
}

impl Shared<'_> {
    /// Leaves a parcel, and wakes the task if it was idle.
    #[inline]
    pub(crate) fn leave(self, parcel: *mut Parcel) -> Left {
        let mut word = self.0.load(Relaxed);
        loop {
            let Some((next, left)) = with_parcel(word, parcel) else { return Left::Closed };
            // Ordering: Release publishes the parcel to `take`; Acquire pairs with `rest`, so that whoever queues an
            // idle task has seen the turn before end.
            match self.0.compare_exchange_weak(word, next, AcqRel, Relaxed) {
                Ok(_) => return left,
                Err(now) => word = now,
            }
        }
    }

    /// Wakes the task: queue it, or tell the turn that runs.
    #[inline]
    pub(crate) fn wake(self) -> Left {
        let mut word = self.0.load(Relaxed);
        loop {
            if word & OPEN == 0 {
                return Left::Closed;
            }
            let (next, left) = woken(word);
            // Ordering: as in `leave`. The exchange is done even if it changes no bit: it publishes what the waker
            // wrote before to the turn that clears `NOTIFIED`.
            match self.0.compare_exchange_weak(word, next, AcqRel, Relaxed) {
                Ok(_) => return left,
                Err(now) => word = now,
            }
        }
    }

    /// A turn begins: wakes up to here are answered by it.
    #[inline]
    pub(crate) fn begin(self) {
        if self.0.load(Relaxed) & NOTIFIED != 0 {
            // Ordering: Acquire pairs with the Release in `wake`.
            self.0.fetch_and(!NOTIFIED, AcqRel);
        }
    }

    /// Takes all parcels, newest first.
    #[inline]
    pub(crate) fn take(self) -> *mut Parcel {
        // Ordering: Acquire pairs with the Release in `leave`.
        parcels(self.0.fetch_and(FLAGS, AcqRel))
    }

    /// The turn has ended without an end of the task: true if the task is idle now, false if it must be queued again.
    #[inline]
    pub(crate) fn rest(self) -> bool {
        // Ordering: Release hands the task's memory to the next turn, wherever that runs.
        self.0.compare_exchange(OPEN | QUEUED, OPEN, AcqRel, Relaxed).is_ok()
    }

    /// Closes the door for good and gives back the parcels that nobody took, newest first.
    #[inline]
    pub(crate) fn close(self) -> *mut Parcel {
        parcels(self.0.swap(0, AcqRel))
    }
}

impl Alone<'_> {
    #[inline]
    pub(crate) fn leave(self, parcel: *mut Parcel) -> Left {
        let Some((next, left)) = with_parcel(self.0.load(Relaxed), parcel) else { return Left::Closed };
        self.0.store(next, Relaxed);
        left
    }

    #[inline]
    pub(crate) fn wake(self) -> Left {
        let word = self.0.load(Relaxed);
        if word & OPEN == 0 {
            return Left::Closed;
        }
        let (next, left) = woken(word);
        self.0.store(next, Relaxed);
        left
    }

    #[inline]
    pub(crate) fn begin(self) {
        self.0.store(self.0.load(Relaxed) & !NOTIFIED, Relaxed);
    }

    #[inline]
    pub(crate) fn take(self) -> *mut Parcel {
        let word = self.0.load(Relaxed);
        self.0.store(word & FLAGS, Relaxed);
        parcels(word)
    }

    #[inline]
    pub(crate) fn rest(self) -> bool {
        let idle = self.0.load(Relaxed) == OPEN | QUEUED;
        if idle {
            self.0.store(OPEN, Relaxed);
        }
        idle
    }

    #[inline]
    pub(crate) fn close(self) -> *mut Parcel {
        let word = self.0.load(Relaxed);
        self.0.store(0, Relaxed);
        parcels(word)
    }
}

/// The word with a parcel more, or nothing if the door is closed.
#[inline]
fn with_parcel(word: usize, parcel: *mut Parcel) -> Option<(usize, Left)> {
    if word & OPEN == 0 {
        return None;
    }
    // SAFETY: the caller owns the parcel until it is published.
    unsafe { &*parcel }.set_next(parcels(word));
    let flags = (word & FLAGS) | QUEUED;
    Some((parcel.expose_provenance() | flags, if word & QUEUED == 0 { Left::MustQueue } else { Left::Seen }))
}

#[inline]
fn woken(word: usize) -> (usize, Left) {
    match word & QUEUED {
        0 => (word | QUEUED, Left::MustQueue),
        _ => (word | NOTIFIED, Left::Seen),
    }
}

#[inline]
fn parcels(word: usize) -> *mut Parcel {
    ptr::with_exposed_provenance_mut(word & !FLAGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel() -> *mut Parcel {
        Box::into_raw(Box::new(Parcel::new(0)))
    }

    fn free(mut stack: *mut Parcel) -> usize {
        let mut count = 0;
        while !stack.is_null() {
            // SAFETY: made by `parcel`, taken from the door, freed once.
            let parcel = unsafe { Box::from_raw(stack) };
            stack = parcel.next();
            count += 1;
        }
        count
    }

    #[cfg(not(loom))]
    #[test]
    fn a_parcel_for_an_idle_task_asks_for_a_queue_once() {
        let door = Door::closed();
        door.open();
        assert_eq!(door.shared().leave(parcel()), Left::MustQueue);
        assert_eq!(door.shared().leave(parcel()), Left::Seen);
        assert_eq!(free(door.shared().take()), 2);
        assert!(door.shared().rest(), "all was taken");
        assert_eq!(door.shared().wake(), Left::MustQueue);
    }

    #[cfg(not(loom))]
    #[test]
    fn a_wake_during_a_turn_is_not_slept_over() {
        macro_rules! check {
            ($steps:ident) => {
                let door = Door::closed();
                door.open_queued();
                door.$steps().begin();
                assert_eq!(door.$steps().wake(), Left::Seen);
                assert!(!door.$steps().rest(), "woken during the turn");
                door.$steps().begin();
                assert!(door.$steps().rest(), "the second turn answered it");
            };
        }
        check!(shared);
        check!(alone);
    }

    #[cfg(not(loom))]
    #[test]
    fn a_closed_door_takes_nothing_and_gives_back_what_lay_there() {
        let door = Door::closed();
        door.open_queued();
        door.shared().leave(parcel());
        assert_eq!(free(door.shared().close()), 1);
        let late = parcel();
        assert_eq!(door.shared().leave(late), Left::Closed);
        assert_eq!(door.shared().wake(), Left::Closed);
        assert_eq!(free(late), 1);
    }

    /// Two senders and an owner: every parcel is taken exactly once, and the owner never rests over one.
    #[cfg(loom)]
    #[test]
    fn model_no_parcel_is_slept_over() {
        loom::model(|| {
            let door = loom::sync::Arc::new(Door::closed());
            door.open();
            let senders: Vec<_> = (0..2)
                .map(|_| {
                    let door = door.clone();
                    loom::thread::spawn(move || door.shared().leave(parcel()) == Left::MustQueue)
                })
                .collect();
            let queued = senders.into_iter().map(|s| s.join().unwrap()).filter(|must| *must).count();
            assert_eq!(queued, 1, "exactly one sender queues the task");
            door.shared().begin();
            assert_eq!(free(door.shared().take()), 2);
            assert!(door.shared().rest());
        });
    }

    /// An owner that goes to rest while a sender comes: either it stays up, or the sender must queue it.
    #[cfg(loom)]
    #[test]
    fn model_rest_against_leave() {
        loom::model(|| {
            let door = loom::sync::Arc::new(Door::closed());
            door.open_queued();
            let sender = {
                let door = door.clone();
                loom::thread::spawn(move || door.shared().leave(parcel()))
            };
            door.shared().begin();
            let mut taken = free(door.shared().take());
            let rests = match cfg!(mutant) {
                // The mutant: rest by a store, as if nobody could have come since the look.
                true => {
                    door.0.store(OPEN, Release);
                    true
                }
                false => door.shared().rest(),
            };
            let left = sender.join().unwrap();
            if rests && left == Left::Seen {
                assert_eq!(taken, 1, "the task rests, the sender does not queue it, and the parcel lies there");
            }
            taken += free(door.shared().close());
            assert_eq!(taken, 1);
        });
    }
}

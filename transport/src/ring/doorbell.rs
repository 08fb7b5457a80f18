//! Announce, fence, look again; publish, fence, look: who must ring whose bell.
//!
//! Both directions of a ring need the same two halves. The end that is about to sleep holds an [`Announcement`]: a word that
//! only it writes, odd while it sleeps. The end that may have to wake it holds the [`Answer`] to that word: it remembers the
//! last number it answered, so that each announcement costs one bell and not one per write. A lying number costs a bell at
//! most. The steps S1–S4, W4, W5, R4, R5 and the races are in the ring's own first lines.
//!
//! Set aside: clearing the sleeper's word from the other side (two writers of one word), and ringing without looking (a
//! system call per write).

use super::{Place, Word};
use crate::sync::fence;
use crate::trial::{Weakness, planted};
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// One end's announcement that it sleeps: a word of its own, odd while it does.
#[derive(Debug)]
pub(super) struct Announcement {
    number: u64,
    word: Word,
}

impl Announcement {
    /// An end that is awake, and will announce itself in `word`.
    pub(super) fn new(word: Word) -> Announcement {
        Announcement { number: 0, word }
    }

    /// S1 and S2. Each announcement has a number of its own, even one that follows another without a withdrawal: the
    /// earlier one may have been answered, and its bell drained.
    pub(super) fn make(&mut self, place: &impl Place) {
        self.number = self.number.wrapping_add(1) | 1;
        place.word(self.word).store(self.number, Relaxed);
        if !planted(Weakness::NoFenceBeforeSecondLook) {
            // Ordering: pairs with the fence in `Answer::is_called_for` (W4, R4): either they see our announcement, or
            // our second look sees their position.
            fence(SeqCst);
        }
    }

    /// Withdraw, if announced.
    pub(super) fn withdraw(&mut self, place: &impl Place) {
        if self.number & 1 == 1 {
            self.number = self.number.wrapping_add(1);
            place.word(self.word).store(self.number, Relaxed);
        }
    }
}

/// The other end's announcement, as this end answers it.
#[derive(Debug)]
pub(super) struct Answer {
    answered: u64,
    word: Word,
    without_fence: Weakness,
}

impl Answer {
    /// An end that answers the announcements in `word`, and the weakness that takes its fence away.
    pub(super) fn new(word: Word, without_fence: Weakness) -> Answer {
        Answer { answered: 0, word, without_fence }
    }

    /// W4 and W5, or R4 and R5: should the bell be rung now? `enough` is asked only when the other end sleeps.
    pub(super) fn is_called_for(&mut self, place: &impl Place, enough: impl FnOnce() -> bool) -> bool {
        if !planted(self.without_fence) {
            // Ordering: pairs with the fence in `Announcement::make` (S2).
            fence(SeqCst);
        }
        let number = place.word(self.word).load(Relaxed);
        if number & 1 == 0 || number == self.answered || !enough() {
            return false;
        }
        self.answered = number;
        true
    }
}

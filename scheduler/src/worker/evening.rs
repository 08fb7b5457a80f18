//! Evening out: schedulers that are all busy never steal, and yet none shall go round its queue much slower than another.
//!
//! One scheduler may have ninety tasks that compute and another nine, or the system may have stopped the one's thread for
//! a while. Then a task of the one has a tenth of the turns of a task of the other, for as long as both are busy. So a
//! scheduler that is busy compares, once in [`EVERY_NS`], its ring with those of the others, and takes half of what one
//! has more. What is quick is left alone: a round of less than [`ROUND_NS`] starves nobody, and a task that moves drags
//! its data from one core to another.
//!
//! Set aside: a third thread that compares and moves. Where there are fewer cores than threads it comes too late.

use super::Worker;
use crate::{priority::Priority, ring};
use std::{ptr, sync::atomic::Ordering::Relaxed};

/// How often a scheduler compares.
pub(super) const EVERY_NS: u64 = 1_000_000;

/// A round that takes less than this is fast enough.
const ROUND_NS: u64 = 100_000;

/// How many tasks one takes from another with a longer queue.
fn share(mine: u32, theirs: u32, their_turn_ns: u32) -> u32 {
    let is_slow = u64::from(theirs) * u64::from(their_turn_ns) >= ROUND_NS;
    if is_slow && theirs > mine + mine / 4 + 1 { (theirs - mine) / 2 } else { 0 }
}

impl Worker {
    /// Takes a share from the first one that has much more.
    #[cold]
    pub(super) fn even_out(&self) {
        let (mine, schedulers) = (self.remote().backlog(), self.pool.len());
        for other in (1..schedulers).map(|n| self.pool.remote((self.index + n) % schedulers)) {
            let share = share(mine, other.backlog(), other.turn_ns.load(Relaxed)) as usize;
            if share > 0 {
                return self.take_from(other, share);
            }
        }
    }

    fn take_from(&self, other: &crate::pool::Remote, share: usize) {
        let mut taken = [ptr::null_mut(); ring::CAPACITY as usize / 2];
        let mut left = share.min(taken.len());
        for priority in Priority::DESCENDING {
            let count = other.ring_of(priority).take_half(&mut taken[..left]) as usize;
            for &slot in &taken[..count] {
                // SAFETY: what is in a ring is a slot.
                self.queue_in_ring(unsafe { &*slot });
            }
            left -= count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_what_another_has_more_if_its_round_is_slow() {
        assert_eq!(share(1, 91, 10_000), 45);
        assert_eq!(share(45, 55, 10_000), 0, "nearly even");
        assert_eq!(share(0, 1, 1_000_000), 0, "a lone task stays");
        assert_eq!(share(0, 90, 1_000), 0, "a round of 90 microseconds");
    }
}

//! Long mailboxes without a bound: an event says that one has become long, once for each time that it does.
//!
//! The process finds out itself, when it looks at what lies at its door; nothing is counted where messages are sent. One
//! that computes without awaiting is therefore not noticed before its turn ends; a mailbox with
//! [`super::Mailbox::warn_above`] counts where messages are sent.
//!
//! ```text
//! | 63       | 62 … 0                  |
//! | reported | letters in the mailbox  |     the count in the process's notes
//! ```
//!
//! A mailbox grows only when its process looks at the door. One that was reported is above every threshold, by that bit,
//! so each of its looks comes here, and the first at which it had become short again ends the episode.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const REPORTED: u64 = 1 << 63;

/// Above how many letters a mailbox is long.
#[derive(Debug)]
pub(crate) struct LongMailbox(AtomicU64);

impl Default for LongMailbox {
    /// 100,000, unless [`crate::warn_of_mailboxes_above`] says otherwise.
    fn default() -> Self {
        LongMailbox(AtomicU64::new(100_000))
    }
}

impl LongMailbox {
    /// The count above which a look comes to `look`.
    #[inline]
    pub(crate) fn threshold(&self) -> u64 {
        self.0.load(Relaxed)
    }

    pub(crate) fn set_threshold(&self, len: u64) {
        self.0.store(len.clamp(1, REPORTED - 1), Relaxed);
    }

    /// A count above the threshold, or one that was: the count as it is to be, and whether a report is due.
    pub(crate) fn look(&self, count: u64, received: u64) -> (u64, bool) {
        let (len, threshold) = (len(count), self.threshold());
        let goes_on = count & REPORTED != 0 && len - received >= threshold / 2;
        let is_long = len > threshold;
        (len | if is_long || goes_on { REPORTED } else { 0 }, is_long && !goes_on)
    }
}

/// The letters in a mailbox, out of its process's count.
pub(crate) fn len(count: u64) -> u64 {
    count & !REPORTED
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mailbox that grows in steps, shrinks to some length, and grows again: reported once each time, and twice in all
    /// only if it became shorter than half of the threshold.
    #[test]
    fn a_long_mailbox_is_reported_once_for_each_time() {
        for step in [1, 7, 500] {
            for (down_to, expected) in [(0, 2), (49, 2), (50, 1), (99, 1)] {
                let long = LongMailbox::default();
                long.set_threshold(100);
                let (mut count, mut reports) = (0, 0);
                let mut grow = |count: &mut u64| {
                    while len(*count) < 300 {
                        *count += step;
                        if *count > long.threshold() {
                            let (next, report) = long.look(*count, step);
                            *count = next;
                            reports += usize::from(report);
                        }
                    }
                };
                grow(&mut count);
                count -= len(count) - down_to;
                grow(&mut count);
                assert_eq!(reports, expected, "by {step}, down to {down_to}");
            }
        }
    }
}

//! How many data bytes may be under way: two counters on each side, no timers, no retransmission.
//!
//! Both ends count the data bytes since the session's start, headers included. The receiver says up to which count the
//! sender may go (an absolute number: saying it twice does no harm), and says so again when a quarter of the window has
//! been used up since. Control frames, heartbeats and credit itself are not counted. What credit buys: at most one window
//! of data stands on the road before a control signal, however slow the reader is.
//!
//! Invariants: `sent <= granted` at the sender; `received <= granted` at the receiver, else the peer cheats;
//! `granted <= sent + window` at the sender, else the peer lies.

/// The sender's side.
#[derive(Debug, Default)]
pub(crate) struct Allowance {
    sent: u64,
    granted: u64,
    window: u64,
}

impl Allowance {
    /// The allowance at the start of a session whose peer has this window.
    pub(crate) fn new(window: u32) -> Allowance {
        Allowance { sent: 0, granted: u64::from(window), window: u64::from(window) }
    }

    /// May this many bytes be sent now?
    #[inline]
    pub(crate) fn covers(&self, length: usize) -> bool {
        self.granted - self.sent >= length as u64
    }

    /// This many bytes were sent.
    #[inline]
    pub(crate) fn spend(&mut self, length: usize) {
        debug_assert!(self.covers(length), "data is sent only when credit covers it");
        self.sent += length as u64;
    }

    /// The peer grants up to `granted`; false when that is nonsense.
    #[must_use]
    pub(crate) fn raise(&mut self, granted: u64) -> bool {
        let sane = granted >= self.granted && granted <= self.sent + self.window;
        if sane {
            self.granted = granted;
        }
        sane
    }
}

/// The receiver's side.
#[derive(Debug)]
pub(crate) struct Ledger {
    received: u64,
    granted: u64,
    window: u64,
}

impl Ledger {
    /// The ledger at the start of a session, with our window.
    pub(crate) fn new(window: u32) -> Ledger {
        Ledger { received: 0, granted: u64::from(window), window: u64::from(window) }
    }

    /// This many data bytes came; false when they were not granted.
    #[inline]
    #[must_use]
    pub(crate) fn count(&mut self, length: usize) -> bool {
        self.received += length as u64;
        self.received <= self.granted
    }

    /// The grant to announce now, if a quarter of the window has been used up since the last.
    pub(crate) fn due(&mut self) -> Option<u64> {
        let next = self.received + self.window;
        if next - self.granted < self.window / 4 {
            return None;
        }
        self.granted = next;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credit_comes_back_in_quarters_of_the_window() {
        let (mut allowance, mut ledger) = (Allowance::new(400), Ledger::new(400));
        allowance.spend(99);
        assert!(ledger.count(99));
        assert_eq!(ledger.due(), None);
        allowance.spend(1);
        assert!(ledger.count(1));
        assert_eq!(ledger.due(), Some(500));
        assert_eq!(ledger.due(), None, "the same quarter is not returned twice");
        assert!(allowance.raise(500));
        assert!(allowance.covers(400) && !allowance.covers(401));
    }

    #[test]
    fn the_byte_after_the_last_granted_one_is_cheating() {
        let mut ledger = Ledger::new(400);
        assert!(ledger.count(400));
        assert!(!ledger.count(1));
    }

    #[test]
    fn grants_that_shrink_or_exceed_the_window_are_lies() {
        let mut allowance = Allowance::new(400);
        assert!(!allowance.raise(399));
        assert!(!allowance.raise(401));
        assert!(!allowance.raise(u64::MAX));
        assert!(allowance.raise(400));
    }
}

//! Who has a timed call: the scheduler that is to make it, or somebody elsewhere who cancelled it.
//!
//! A timer lies on the wheel of the scheduler where it was set, which no other thread touches. But whoever cancels it
//! from another must know at once whether it came in time. So each entry of the wheel has a word beside it that others
//! can reach. It holds the serial number of the timer in the entry as long as nobody has it:
//!
//! | who | does |
//! | --- | --- |
//! | owner, sets | writes the serial |
//! | owner, at the deadline or on a cancel of its own | claims; makes the call, or drops it |
//! | another, cancels | claims; then leaves the key with the owner, which takes the entry off its wheel later |
//!
//! To claim is to change the serial for nothing, in one step, so that one of them has it. A late claim, with the key of
//! an earlier timer of the entry, finds another serial. The words say who, and guard no memory: the call stays its
//! owner's throughout.
//!
//! Set aside: a lock around the wheel (two locked operations more for each timer that is set and cancelled at home), and
//! a flag in each timer's memory (keys could not be plain data). In a pool of one scheduler there is nobody else, and
//! nothing is claimed. Sleeps claim nothing: a wake too many harms nobody.

use crate::{
    sync::{AtomicU64, Relaxed},
    wheel::Key,
};
use std::sync::Arc;

/// Words of one chunk: they come and go by chunks, as the wheel grows and shrinks.
const CHUNK_WORDS: usize = if cfg!(loom) { 2 } else { 1024 };

/// Nobody's to claim.
const NOTHING: u64 = 0;

/// See the module's text. Ordering: all `Relaxed`, because the word alone decides, and a key reaches another thread only
/// behind the `arm` that it stands for.
#[derive(Debug)]
struct Claim(AtomicU64);

impl Claim {
    fn arm(&self, serial: u64) {
        self.0.store(serial, Relaxed);
    }

    #[cfg(not(mutant))]
    fn take(&self, serial: u64) -> bool {
        self.0.compare_exchange(serial, NOTHING, Relaxed, Relaxed).is_ok()
    }

    /// The planted mistake: looked at and taken in two steps.
    #[cfg(mutant)]
    fn take(&self, serial: u64) -> bool {
        let is_ours = self.0.load(Relaxed) == serial;
        if is_ours {
            self.0.store(NOTHING, Relaxed);
        }
        is_ours
    }
}

/// The words of one wheel: its owner keeps one of these, and another where others find it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims(Vec<Arc<[Claim]>>);

impl Claims {
    /// Makes a timer one that can be claimed; false if its entry has no word yet.
    #[inline]
    pub(crate) fn arm(&self, key: Key) -> bool {
        self.word(key).map(|word| word.arm(key.serial)).is_some()
    }

    /// True if nobody had claimed the timer: it is the caller's.
    #[inline]
    pub(crate) fn take(&self, key: Key) -> bool {
        self.word(key).is_some_and(|word| word.take(key.serial))
    }

    #[inline]
    fn word(&self, key: Key) -> Option<&Claim> {
        let entry = key.entry as usize;
        self.0.get(entry / CHUNK_WORDS)?.get(entry % CHUNK_WORDS)
    }

    /// True if there are more words than this many entries need.
    pub(crate) fn exceeds(&self, entries: usize) -> bool {
        self.0.len() > entries.div_ceil(CHUNK_WORDS)
    }

    /// Has words for this many entries, and no chunk more.
    pub(crate) fn resize(&mut self, entries: usize) {
        let chunk = || (0..CHUNK_WORDS).map(|_| Claim(AtomicU64::new(NOTHING))).collect();
        self.0.resize_with(entries.div_ceil(CHUNK_WORDS), chunk);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_claimed_once_and_a_late_claim_finds_nothing() {
        let mut claims = Claims::default();
        let key = |serial| Key { entry: 1500, serial };
        assert!(!claims.arm(key(1)), "there is no word yet");
        claims.resize(1501);
        assert!(claims.arm(key(1)) && claims.take(key(1)));
        assert!(!claims.take(key(1)));
        claims.arm(key(2));
        assert!(!claims.take(key(1)) && claims.take(key(2)));
        assert!(claims.exceeds(1024) && !claims.exceeds(1025));
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::thread;

    /// The owner fires a timer, sets the next in its entry and fires that, while another cancels each: one has it.
    #[test]
    fn model_expiry_against_cancel() {
        loom::model(|| {
            let mut own = Claims::default();
            own.resize(1);
            let (first, second) = (Key { entry: 0, serial: 1 }, Key { entry: 0, serial: 2 });
            assert!(own.arm(first));
            let others = own.clone();
            let canceller = thread::spawn(move || [others.take(first), others.take(second)]);
            let fired_first = own.take(first);
            own.arm(second);
            let fired_second = own.take(second);
            let [cancelled_first, cancelled_second] = canceller.join().unwrap();
            assert!(fired_first != cancelled_first, "the first: fired {fired_first}, cancelled {cancelled_first}");
            assert!(fired_second != cancelled_second, "the second: fired {fired_second}");
        });
    }
}

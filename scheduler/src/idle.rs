//! Who is asleep, who searches, and who watches: one word, and the rules by which a scheduler wakes another.
//!
//! ```text
//! | 63        33 | 32       | 31         16 | 15      0 |
//! |      0       | SENTINEL |   searching   |  asleep   |
//! ```
//!
//! Waking a sleeping thread costs its waker as much as a hundred messages, so holm does not wake for every task:
//!
//! 1. Work that only one scheduler can do (an inbox, an errand) wakes that scheduler, at once.
//! 2. Work that came from outside, or did not fit into a ring, wakes a sleeper unless somebody searches already.
//! 3. A backlog wakes a sleeper when working it off would take longer than the wake (`worker.rs` estimates it).
//! 4. Everything else waits for the **sentinel**: while at least one scheduler is awake, one of the sleepers sleeps
//!    with a time-out, and looks for work to steal each time it runs out. A task behind a long turn is found by it.
//!    A backlog that its owner works off in a few microseconds is nobody else's (`worker/idling.rs`).
//! 5. Whoever queues a task while schedulers sleep and there is neither sentinel nor searcher wakes one, which
//!    becomes the one or the other. See [`Idle::is_unwatched`].
//!
//! Why rule 4 loses nothing: a scheduler sleeps without a time-out only if it made *all* sleep, by one
//! read-modify-write of the word. Whoever has work is awake and counted; it cannot fall asleep before its own queue is
//! empty. Who wakes up later changes the word first, and then sees by rule 5 that nobody watches.
//!
//! *The late sleeper* (for rules 1 and 2): a sleeper counts itself asleep, makes a full fence, and then looks once more
//! at everything; whoever adds work makes a full fence after it, and then looks at the word. One of the two sees the
//! other.
//!
//! Set aside: waking a sleeper for each queued task (Go, tokio): on two schedulers it turns a chain of short turns into
//! a chain of thefts, and costs more than the second core gives.

use crate::sync::{AtomicUsize, Mutex, Relaxed, SeqCst, fence};

const ASLEEP: usize = 1;
const ASLEEP_MASK: usize = 0xffff;
const SEARCHING: usize = 1 << 16;
const SEARCHING_MASK: usize = 0xffff << 16;
const SENTINEL: usize = 1 << 32;

/// How a scheduler may sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleep {
    /// Until somebody wakes it.
    Deep,
    /// As the sentinel: not longer than the watch.
    Watching,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Idle {
    word: AtomicUsize,
    schedulers: usize,
    sleepers: Mutex<Vec<usize>>,
}

impl Idle {
    pub(crate) fn new(schedulers: usize) -> Self {
        Idle { word: AtomicUsize::new(0), schedulers, sleepers: Mutex::new(Vec::with_capacity(schedulers)) }
    }

    /// Somebody sleeps, and nobody searches or watches: rule 5. One plain load.
    #[inline]
    pub(crate) fn is_unwatched(&self) -> bool {
        let word = self.word.load(Relaxed);
        word & ASLEEP_MASK != 0 && word & (SEARCHING_MASK | SENTINEL) == 0
    }

    /// Somebody sleeps and nobody searches. One plain load: a hint.
    #[inline]
    pub(crate) fn could_help(&self) -> bool {
        let word = self.word.load(Relaxed);
        word & ASLEEP_MASK != 0 && word & SEARCHING_MASK == 0
    }

    /// Every scheduler sleeps, or is about to.
    pub(crate) fn all_sleep(&self) -> bool {
        self.word.load(Relaxed) & ASLEEP_MASK == self.schedulers
    }

    /// Takes a sleeper to be woken as a searcher, if one sleeps and nobody searches. Work must be visible before.
    pub(crate) fn claim(&self) -> Option<usize> {
        fence(SeqCst); // see *the late sleeper*
        if !self.could_help() {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        let sleeper = sleepers.pop()?;
        self.word.fetch_add(SEARCHING, SeqCst);
        Some(sleeper)
    }

    /// Begins to search, unless half of the schedulers do.
    pub(crate) fn start_search(&self) -> bool {
        let searching = (self.word.load(Relaxed) & SEARCHING_MASK) / SEARCHING;
        if 2 * searching >= self.schedulers {
            return false;
        }
        self.word.fetch_add(SEARCHING, SeqCst);
        true
    }

    /// Ends a search; true if it was the last one.
    pub(crate) fn stop_search(&self) -> bool {
        self.word.fetch_sub(SEARCHING, SeqCst) & SEARCHING_MASK == SEARCHING
    }

    /// Counts scheduler `me` among the sleepers. It must look at everything once more before it sleeps.
    pub(crate) fn lie_down(&self, me: usize) -> Sleep {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(me);
        let mut word = self.word.load(Relaxed);
        let sleep = loop {
            let somebody_is_awake = (word & ASLEEP_MASK) + 1 < self.schedulers;
            let watch = somebody_is_awake && word & SENTINEL == 0;
            let next = word + ASLEEP + if watch { SENTINEL } else { 0 };
            match self.word.compare_exchange(word, next, SeqCst, Relaxed) {
                Ok(_) => break if watch { Sleep::Watching } else { Sleep::Deep },
                Err(now) => word = now,
            }
        };
        drop(sleepers);
        fence(SeqCst);
        sleep
    }

    /// Scheduler `me` is awake again; true if it was claimed, and so counts as a searcher.
    pub(crate) fn get_up(&self, me: usize, sleep: Sleep) -> bool {
        let mut sleepers = self.sleepers.lock();
        let slept_on = sleepers.iter().position(|&sleeper| sleeper == me);
        if let Some(at) = slept_on {
            sleepers.swap_remove(at);
        }
        self.word.fetch_sub(ASLEEP + if sleep == Sleep::Watching { SENTINEL } else { 0 }, SeqCst);
        slept_on.is_none()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn one_sleeper_watches_while_somebody_is_awake_and_none_when_all_sleep() {
        let idle = Idle::new(3);
        assert_eq!(idle.lie_down(1), Sleep::Watching);
        assert_eq!(idle.lie_down(2), Sleep::Deep, "there is a sentinel");
        assert!(!idle.get_up(1, Sleep::Watching));
        assert!(idle.is_unwatched(), "two awake, one asleep, nobody watches");
        assert_eq!(idle.lie_down(1), Sleep::Watching);
        assert!(!idle.is_unwatched());
        assert_eq!(idle.lie_down(0), Sleep::Deep, "the last one");
    }

    #[test]
    fn a_claimed_sleeper_searches_and_no_second_one_is_claimed_meanwhile() {
        let idle = Idle::new(3);
        idle.lie_down(1);
        idle.lie_down(2);
        assert_eq!(idle.claim(), Some(2));
        assert_eq!(idle.claim(), None, "somebody searches");
        assert!(idle.get_up(2, Sleep::Deep), "it knows that it was claimed");
        assert!(idle.stop_search(), "it was the last one");
        assert_eq!(idle.claim(), Some(1));
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::{Acquire, Release};
    use loom::sync::{Arc, atomic::AtomicBool};

    /// *The late sleeper*: an outsider adds work while the only scheduler falls asleep. Either the sleeper sees the
    /// work in its last look, or the outsider claims the sleeper.
    #[test]
    fn model_outsider_against_sleeper() {
        loom::model(|| {
            let idle = Arc::new(Idle::new(1));
            let work = Arc::new(AtomicBool::new(false));
            let outsider = {
                let (idle, work) = (idle.clone(), work.clone());
                loom::thread::spawn(move || {
                    work.store(true, Release);
                    idle.claim().is_some()
                })
            };
            let saw = match cfg!(mutant) {
                // The mutant: look first, count oneself asleep afterwards.
                true => {
                    let saw = work.load(Acquire);
                    idle.lie_down(0);
                    saw
                }
                false => {
                    idle.lie_down(0);
                    work.load(Acquire)
                }
            };
            let claimed = outsider.join().unwrap();
            assert!(saw || claimed, "the work is there, nobody looks, everybody sleeps");
        });
    }

    /// Two schedulers fall asleep at once: never both of them as sentinels, and not both watching nobody.
    #[test]
    fn model_two_sleepers() {
        loom::model(|| {
            let idle = Arc::new(Idle::new(2));
            let other = {
                let idle = idle.clone();
                loom::thread::spawn(move || idle.lie_down(1))
            };
            let mine = idle.lie_down(0);
            let its = other.join().unwrap();
            assert_ne!(mine, its, "the first one watches, the last one sleeps deep");
        });
    }
}

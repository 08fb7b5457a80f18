//! When the watchdog may sleep for good: while every scheduler does.
//!
//! 1. The watchdog says that it dozes, makes a full fence, and looks once more whether all sleep. If not, it stays up.
//! 2. A scheduler that gets up changes the word of [`idle`](crate::idle), makes a full fence, and looks whether the
//!    watchdog dozes. If so, it wakes it.
//!
//! One of the two sees the other. A scheduler pays one load for it, after it has slept.

use crate::sync::{AcqRel, AtomicU32, Relaxed, SeqCst, fence};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Doze(AtomicU32);

impl Doze {
    pub(crate) fn new() -> Self {
        Doze(AtomicU32::new(0))
    }

    /// Watchdog only: true if it may sleep until it is roused, because nobody is up.
    pub(crate) fn begin(&self, all_sleep: impl Fn() -> bool) -> bool {
        if cfg!(mutant) {
            let all_sleep = all_sleep(); // the mutant: look first, say so afterwards
            self.0.store(1, Relaxed);
            return all_sleep;
        }
        self.0.store(1, Relaxed);
        fence(SeqCst);
        let may = all_sleep();
        if !may {
            self.0.store(0, Relaxed);
        }
        may
    }

    /// Watchdog only: true until somebody has roused it.
    pub(crate) fn lasts(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// A scheduler is up; true if it has to wake the watchdog.
    #[inline]
    pub(crate) fn rouse(&self) -> bool {
        fence(SeqCst);
        self.0.load(Relaxed) != 0 && self.0.swap(0, AcqRel) != 0
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::idle::{Idle, Sleep};
    use loom::sync::Arc;

    /// The only scheduler gets up while the watchdog lies down: the one wakes the other, or the other stays up.
    #[test]
    fn model_doze_against_getting_up() {
        loom::model(|| {
            let (idle, doze) = (Arc::new(Idle::new(1)), Arc::new(Doze::new()));
            idle.lie_down(0);
            let scheduler = {
                let (idle, doze) = (idle.clone(), doze.clone());
                loom::thread::spawn(move || {
                    idle.get_up(0, Sleep::Deep);
                    doze.rouse()
                })
            };
            let dozes = doze.begin(|| idle.all_sleep());
            let roused = scheduler.join().unwrap();
            assert!(!dozes || roused, "a scheduler is up, and the watchdog sleeps for good");
        });
    }
}

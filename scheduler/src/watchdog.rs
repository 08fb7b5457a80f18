//! The watchdog: a thread that notices turns which last too long, and frees what waits behind them.
//!
//! Nothing pre-empts a turn. A process that blocks its thread, in a foreign call or by computing without an await, holds
//! its scheduler until it is done. So a thread of its own looks at all schedulers of its pool, four times in
//! [`Config::stall_after`](crate::Config), at words that they write anyway, and compares:
//!
//! | a turn was seen | what happens |
//! | --- | --- |
//! | at one look | nothing |
//! | at two | the tasks in the scheduler's rings go to the injector, where others find them, also those that are never idle |
//! | for `stall_after` | it is a stall: counted, and reported once |
//!
//! Tasks that are pinned to that scheduler stay and wait, and so do its timers. When all schedulers have slept for a
//! while, the watchdog sleeps too, until one of them gets up ([`doze`](crate::doze)).
//!
//! Time is the clock's, not the thread's: a scheduler whose thread the system does not run for 10 ms is reported with
//! the task that was on it, rightly so for those who waited.
//!
//! Set aside: to let an idle scheduler or the timers look. A node with one scheduler has no other, and one whose
//! schedulers are all busy has none that is idle.

use crate::{clock, doze::Doze, pool::Pool, slot::TaskId};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{
            AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, JoinHandle, Thread},
    time::Duration,
};

/// A turn that lasts too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The scheduler that it holds, by its number in the pool.
    pub scheduler: usize,
    /// Whose turn it is.
    pub task: TaskId,
    /// The type of the task's body: the path of its async function or block stands in it.
    pub body: Option<&'static str>,
    /// How long it has lasted at least, so far.
    pub lasted: Duration,
}

/// Looks in the time after which a turn is a stall.
const LOOKS_IN_A_STALL: u32 = 4;

/// Looks at a pool that sleeps before the watchdog sleeps as well.
const LOOKS_AT_SLEEPERS: u32 = 100;

/// Who is told of a stall.
type Report = Box<dyn Fn(&Stall) + Send + Sync>;

/// What a pool and its watchdog share.
pub(crate) struct Watchdog {
    thread: OnceLock<Thread>,
    doze: Doze,
    stalls: AtomicU64,
    report: OnceLock<Report>,
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watchdog").field("stalls", &self.stalls).finish_non_exhaustive()
    }
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        Watchdog { thread: OnceLock::new(), doze: Doze::new(), stalls: AtomicU64::new(0), report: OnceLock::new() }
    }

    /// A scheduler is up.
    #[inline]
    pub(crate) fn rouse(&self) {
        if self.doze.rouse() {
            self.unpark();
        }
    }

    pub(crate) fn unpark(&self) {
        self.thread.get().into_iter().for_each(Thread::unpark);
    }
}

impl Pool {
    /// How many turns of this pool were reported as stalls.
    pub fn stalls(&self) -> u64 {
        self.watchdog.stalls.load(Relaxed)
    }

    /// Has each stall told to `report`, once, on the watchdog's thread. The first call counts.
    pub fn on_stall(&self, report: impl Fn(&Stall) + Send + Sync + 'static) {
        let _ = self.watchdog.report.set(Box::new(report));
    }

    fn report_stall(&self, stall: &Stall) {
        self.watchdog.stalls.fetch_add(1, Relaxed);
        self.watchdog.report.get().into_iter().for_each(|report| report(stall));
    }
}

/// Starts the watchdog of a pool. It ends when the pool stops; whoever says so unparks it.
pub(crate) fn start(pool: &Arc<Pool>, stall_after: Duration) -> std::io::Result<JoinHandle<()>> {
    let watched = pool.clone();
    let thread = thread::Builder::new().name(format!("{}-watchdog", pool.config.thread_name));
    let thread = thread.spawn(move || watch(&watched, stall_after))?;
    let _ = pool.watchdog.thread.set(thread.thread().clone());
    Ok(thread)
}

fn watch(pool: &Pool, stall_after: Duration) {
    let mut marks = vec![Mark::default(); pool.len()];
    let mut asleep = 0;
    while !pool.stopping.load(SeqCst) {
        thread::park_timeout(stall_after / LOOKS_IN_A_STALL);
        let now_ns = clock::now_ns();
        marks.iter_mut().enumerate().for_each(|(scheduler, mark)| look(pool, scheduler, mark, now_ns, stall_after));
        asleep = if pool.idle.all_sleep() { asleep + 1 } else { 0 };
        if asleep >= LOOKS_AT_SLEEPERS && pool.watchdog.doze.begin(|| pool.idle.all_sleep()) {
            while pool.watchdog.doze.lasts() && !pool.stopping.load(SeqCst) {
                thread::park();
            }
            asleep = 0;
        }
    }
}

fn look(pool: &Pool, scheduler: usize, mark: &mut Mark, now_ns: u64, stall_after: Duration) {
    let seen = pool.remote(scheduler).turn.see();
    let verdict = mark.compare(seen.as_ref().map(|seen| seen.number), now_ns, stall_after);
    if verdict != Verdict::New {
        pool.free_rings(scheduler);
    }
    if let (Verdict::Stall(lasted), Some(seen)) = (verdict, seen) {
        let task = TaskId { slot: seen.task.id().slot, generation: seen.generation };
        pool.report_stall(&Stall { scheduler, task, body: seen.task.body_name(), lasted });
    }
}

/// What the watchdog remembers of one scheduler.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    turn: Option<usize>,
    since_ns: u64,
    reported: bool,
}

/// What a look says of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It has begun a turn since the last look, or has none.
    New,
    /// It is still in the turn of the last look.
    Same,
    /// The same, and the turn is to be reported now.
    Stall(Duration),
}

impl Mark {
    /// Compares with the turn that runs now, and remembers it.
    fn compare(&mut self, turn: Option<usize>, now_ns: u64, stall_after: Duration) -> Verdict {
        if turn.is_none() || turn != self.turn {
            *self = Mark { turn, since_ns: now_ns, reported: false };
            return Verdict::New;
        }
        let lasted = Duration::from_nanos(now_ns.saturating_sub(self.since_ns));
        if self.reported || lasted < stall_after {
            return Verdict::Same;
        }
        self.reported = true;
        Verdict::Stall(lasted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_millis(10);
    const MS: u64 = 1_000_000;

    #[test]
    fn a_turn_is_reported_when_it_has_been_seen_for_the_time_and_once() {
        let mut mark = Mark::default();
        assert_eq!(mark.compare(Some(7), 5 * MS, AFTER), Verdict::New);
        assert_eq!(mark.compare(Some(7), 10 * MS, AFTER), Verdict::Same);
        assert_eq!(mark.compare(Some(7), 15 * MS, AFTER), Verdict::Stall(Duration::from_millis(10)));
        assert_eq!(mark.compare(Some(7), 1000 * MS, AFTER), Verdict::Same);
        assert_eq!(mark.compare(Some(8), 1005 * MS, AFTER), Verdict::New);
        assert_eq!(mark.compare(Some(8), 1015 * MS, AFTER), Verdict::Stall(Duration::from_millis(10)));
    }

    #[test]
    fn a_scheduler_between_turns_begins_anew() {
        let mut mark = Mark::default();
        mark.compare(Some(7), 0, AFTER);
        assert_eq!(mark.compare(None, 10 * MS, AFTER), Verdict::New);
        assert_eq!(mark.compare(None, 100 * MS, AFTER), Verdict::New);
        assert_eq!(mark.compare(Some(7), 105 * MS, AFTER), Verdict::New);
    }
}

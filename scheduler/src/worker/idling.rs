//! A worker with nothing to do: it searches everywhere, for a while, and then sleeps.
//!
//! Whom it may steal from and who is told about work is in [`idle`](crate::idle); how it sleeps in
//! [`park`](crate::park).

use super::{Look, Worker};
use crate::{clock, idle::Sleep, pool::Remote, priority::Priority, ring, slot::Slot};
use std::{
    hint, ptr,
    sync::atomic::Ordering::{AcqRel, Relaxed, SeqCst},
    time::Duration,
};

/// The sentinel looks for work this often; see idle.rs, rule 4.
const WATCH: Duration = Duration::from_millis(1);

/// A backlog that its owner works off sooner than this is left to it: taking it costs both more, in cache lines that
/// change sides, than it gives.
const STEAL_NS: u64 = 10_000;

/// True if the owner of a ring would be long at it, by the turns that it had lately.
fn is_worth_stealing(victim: &Remote) -> bool {
    let (len, turn_ns) = (u64::from(victim.backlog()), u64::from(victim.turn_ns.load(Relaxed)));
    len > 0 && (turn_ns == 0 || len * turn_ns >= STEAL_NS)
}

impl Worker {
    /// Looks for a task everywhere, for a while; then sleeps, and looks again. Nothing when the pool stops.
    #[cold]
    pub(super) fn search_then_park(&self) -> Option<&'static Slot> {
        let mut watched = false;
        loop {
            if let Some(slot) = self.search(watched) {
                return Some(slot);
            }
            if self.pool.stopping.load(SeqCst) {
                return None;
            }
            watched = self.park();
        }
    }

    pub(super) fn search(&self, watched: bool) -> Option<&'static Slot> {
        let searching = self.searching.replace(false) || (!self.alone && self.pool.idle.start_search());
        let found = self.spin(searching, watched);
        if searching && self.pool.idle.stop_search() {
            if found.is_none() {
                // The last searcher looks once more: whoever added work meanwhile saw it searching, and called nobody.
                return self.find(true, false);
            }
            if self.is_work_left() {
                self.pool.call_helper();
            }
        }
        found
    }

    pub(super) fn spin(&self, searching: bool, watched: bool) -> Option<&'static Slot> {
        let worth_it = !self.alone || !self.sources.borrow().is_empty();
        let spin = if worth_it && !watched { self.pool.config.spin } else { Duration::ZERO };
        let until = clock::now_ns() + spin.as_nanos() as u64;
        loop {
            if let Some(slot) = self.find(searching, watched) {
                return Some(slot);
            }
            if clock::now_ns() >= until || self.pool.stopping.load(Relaxed) {
                return None;
            }
            (0..16).for_each(|_| hint::spin_loop());
        }
    }

    /// One look at everything.
    pub(super) fn find(&self, searching: bool, watched: bool) -> Option<&'static Slot> {
        self.serve(clock::now_ns());
        if let Some(slot) = self.next() {
            return Some(slot);
        }
        if self.alone {
            return None;
        }
        let most = 1 + (self.pool.injector.len() / self.pool.len()).min(ring::CAPACITY as usize / 2 - 1);
        if self.pool.injector.pop(most, |slot| self.queue_in_ring(slot)) > 0 {
            return self.next();
        }
        if searching { self.steal(watched) } else { None }
    }

    /// Takes from the others, the nearest first: from those whose backlog is worth it, and after a watch also from those
    /// who are still in the turn in which the watch before found them, even the task that they would run next. Of each,
    /// the most urgent tasks first.
    pub(super) fn steal(&self, watched: bool) -> Option<&'static Slot> {
        let by_number;
        let order = match self.pool.config.steal_order.get(self.index) {
            Some(order) => order,
            None => {
                by_number = (1..self.pool.len()).map(|n| (self.index + n) % self.pool.len()).collect();
                &by_number
            }
        };
        order.iter().find_map(|&victim| {
            let remote = self.pool.remote(victim);
            let stuck = watched && self.is_stuck(victim);
            if !stuck && !is_worth_stealing(remote) {
                return None;
            }
            let stolen = Priority::DESCENDING.iter().find_map(|&priority| self.steal_from(remote, priority));
            // SAFETY: what is in `next` is a slot. Ordering: as in `take_woken`.
            let next = || unsafe { remote.next.swap(ptr::null_mut(), AcqRel).as_ref() };
            stolen.or_else(|| if stuck { next() } else { None })
        })
    }

    fn steal_from(&self, remote: &Remote, priority: Priority) -> Option<&'static Slot> {
        let stolen = remote.ring_of(priority).steal_into(self.remote().ring_of(priority))?;
        self.note_priority(priority);
        // SAFETY: what is in a ring is a slot.
        Some(unsafe { &*stolen })
    }

    /// True if a scheduler has begun no turn since the watch before this one.
    fn is_stuck(&self, victim: usize) -> bool {
        let turns = self.pool.remote(victim).turns.load(Relaxed);
        std::mem::replace(&mut self.seen_turns.borrow_mut()[victim], turns) == turns
    }

    pub(super) fn is_work_left(&self) -> bool {
        self.pool.injector.len() > 0 || self.pool.remotes.iter().any(|remote| remote.backlog() > 1)
    }

    /// Sleeps; true if it was a watch that ran out.
    pub(super) fn park(&self) -> bool {
        let (idle, lay_down) = (&self.pool.idle, clock::now_ns());
        let sleep = idle.lie_down(self.index);
        self.remote().announce_sleep();
        self.give_back();
        let sources = self.sources.borrow();
        let quiet = sources.iter().all(|source| source.prepare_sleep());
        if quiet && !self.has_arrivals() {
            let timeout = self.timeout(sleep);
            self.park.borrow_mut().sleep(timeout, &self.remote().descriptors);
        }
        self.remote().withdraw_sleep();
        sources.iter().for_each(|source| source.awake());
        drop(sources);
        self.searching.set(idle.get_up(self.index, sleep));
        self.pool.watchdog.rouse();
        let now = clock::now_ns();
        self.look.set(Look { at_ns: now, at_turn: self.current.number(), polled_ns: now, ..self.look.get() });
        sleep == Sleep::Watching && now.saturating_sub(lay_down) >= WATCH.as_nanos() as u64
    }

    /// The last look before sleeping: what can come from outside at any time.
    pub(super) fn has_arrivals(&self) -> bool {
        let remote = self.remote();
        remote.inbox.is_filled()
            || remote.errands_len.load(SeqCst) > 0
            || self.pool.injector.len() > 0
            || self.pool.stopping.load(SeqCst)
    }

    pub(super) fn timeout(&self, sleep: Sleep) -> Option<Duration> {
        let now = clock::now_ns();
        let timer = self.wheel.borrow().next_ns().map(|at| Duration::from_nanos(at.saturating_sub(now)));
        match sleep {
            Sleep::Watching => Some(timer.map_or(WATCH, |timer| timer.min(WATCH))),
            Sleep::Deep => timer,
        }
    }
}

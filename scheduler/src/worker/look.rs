//! What a worker looks at between turns: clock, inbox, errands, sources, timers, descriptors, injector, backlog.

use super::{Look, Worker, evening::EVERY_NS};
use crate::{clock, task::quietly};
use std::sync::atomic::Ordering::Relaxed;

/// A scheduler looks around about this often, or once in `LOOK_TURNS_MAX` turns, whichever comes first.
const LOOK_NS: u64 = 20_000;
pub(super) const LOOK_TURNS_MAX: usize = 64;

/// The kernel is asked for readiness not more often than this while there are tasks to run.
const POLL_NS: u64 = 50_000;

/// What it costs to wake a sleeping scheduler until it runs: a backlog shorter than this is not worth a helper.
const WAKE_NS: u64 = 50_000;

impl Worker {
    #[cold]
    pub(super) fn look_around(&self) {
        let now = clock::now_ns();
        let turns = self.current.number();
        let mut look = self.look.get();
        let turn_ns = now.saturating_sub(look.at_ns) / (turns - look.at_turn).max(1) as u64;
        look.next_turn = turns + (LOOK_NS / turn_ns.max(1)).clamp(1, LOOK_TURNS_MAX as u64) as usize;
        self.remote().turn_ns.store(turn_ns.clamp(1, u32::MAX.into()) as u32, Relaxed);
        (look.at_ns, look.at_turn) = (now, turns);
        let poll = now - look.polled_ns >= POLL_NS;
        if poll {
            look.polled_ns = now;
        }
        let even_out = !self.alone && now - look.evened_ns >= EVERY_NS;
        if even_out {
            look.evened_ns = now;
        }
        self.look.set(look);

        self.serve(now);
        if poll && !self.remote().descriptors.is_empty() {
            self.park.borrow_mut().look(&self.remote().descriptors);
        }
        if !self.alone {
            self.pool.injector.pop(1, |slot| self.queue_in_ring(slot));
            if even_out {
                self.even_out();
            }
            let backlog = u64::from(self.remote().backlog()) + self.pool.injector.len() as u64;
            if backlog * turn_ns > WAKE_NS && self.pool.idle.could_help() {
                self.pool.call_helper(); // idle.rs, rule 3
            }
        }
    }

    /// Does what came from elsewhere: inbox, errands, sources, timers.
    pub(super) fn serve(&self, now_ns: u64) {
        let remote = self.remote();
        if remote.inbox.is_filled() {
            // SAFETY: what is in an inbox is a slot.
            remote.inbox.take().for_each(|slot| self.queue_own(unsafe { &*slot }));
        }
        remote.take_errands().into_iter().for_each(quietly);
        for source in self.sources.borrow().iter().filter(|source| source.has_input()) {
            source.wake();
        }
        self.expire(now_ns);
    }

    /// More is to be done at a look: one turn of somebody, and on.
    pub(super) fn look_again_soon(&self) {
        self.look.set(Look { next_turn: self.current.number() + 1, ..self.look.get() });
    }
}

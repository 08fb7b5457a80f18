//! Sleeping and timed calls, on the wheel of the scheduler where they are set.

use crate::{clock, here, pool::Pool, wheel};
use std::{
    future::Future,
    marker::PhantomData,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// What happens when a timer is due.
pub(crate) enum Expiry {
    Wake(Waker),
    Call(Box<dyn FnOnce() + Send>),
}

impl std::fmt::Debug for Expiry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Expiry::Wake(_) => "Wake",
            Expiry::Call(_) => "Call",
        })
    }
}

/// A timer that was set, on some scheduler of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerKey {
    pub(crate) scheduler: u32,
    pub(crate) key: wheel::Key,
}

impl TimerKey {
    /// The key as numbers, for whoever sends it away.
    pub fn to_numbers(self) -> (u32, u32, u64) {
        (self.scheduler, self.key.entry, self.key.serial)
    }

    /// The key that was these numbers; others are the key of no timer.
    pub fn from_numbers((scheduler, entry, serial): (u32, u32, u64)) -> Self {
        TimerKey { scheduler, key: wheel::Key { entry, serial } }
    }
}

/// The deadline that lies `after` from now; one beyond the clock's range (584 years) is its end.
pub fn deadline_ns(after: Duration) -> u64 {
    clock::now_ns().saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
}

/// Calls `call` on this scheduler when the deadline has passed. It should be short and not panic: other tasks wait
/// meanwhile.
///
/// # Panics
///
/// Outside a scheduler.
pub fn call_at(deadline_ns: u64, call: Box<dyn FnOnce() + Send>) -> TimerKey {
    here::with_wheel(|worker| worker.set_call(deadline_ns, call))
}

/// The key of a timed call that is yet to be made up. Dropped, it is none.
///
/// # Panics
///
/// Outside a scheduler.
pub fn reserve_timer(deadline_ns: u64) -> ReservedTimer {
    ReservedTimer { key: here::with_wheel(|worker| worker.reserve(deadline_ns)), on_this_thread: PhantomData }
}

/// See [`reserve_timer`].
#[derive(Debug)]
pub struct ReservedTimer {
    key: TimerKey,
    on_this_thread: PhantomData<*const ()>,
}

impl ReservedTimer {
    /// The key that the timer will have.
    pub fn key(&self) -> TimerKey {
        self.key
    }

    /// Sets the timer, as [`call_at`] does.
    pub fn set(self, call: Box<dyn FnOnce() + Send>) -> TimerKey {
        let key = self.key;
        mem::forget(self);
        here::with_wheel(|worker| worker.fill_call(key, call));
        key
    }
}

impl Drop for ReservedTimer {
    fn drop(&mut self) {
        here::with_wheel(|worker| worker.give_up(self.key));
    }
}

/// Cancels a timed call of a pool, from any thread. True if it had not been made: then it will not be; otherwise it was
/// made, is being made, or was cancelled before. One of the two, always.
pub fn cancel(pool: &Pool, key: TimerKey) -> bool {
    here::cancel_call(pool, key)
}

/// Waits until `after` has passed since this call.
///
/// # Panics
///
/// When it is polled outside a scheduler.
///
/// # Cancel safety
///
/// Dropping it cancels the timer.
pub fn sleep(after: Duration) -> Sleep {
    Sleep { deadline_ns: deadline_ns(after), key: None }
}

/// The future of [`sleep`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is awaited"]
pub struct Sleep {
    deadline_ns: u64,
    key: Option<TimerKey>,
}

impl Sleep {
    /// A sleep that ends at a moment of [`clock`].
    pub fn until(deadline_ns: u64) -> Self {
        Sleep { deadline_ns, key: None }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if clock::now_ns() >= self.deadline_ns {
            return Poll::Ready(());
        }
        if self.key.is_none() {
            let waker = context.waker().clone();
            self.key = Some(here::with_wheel(|worker| worker.set_sleep(self.deadline_ns, waker)));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.key.into_iter().for_each(here::cancel_sleep);
    }
}

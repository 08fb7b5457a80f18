//! Sleeping and timed calls, on the wheel of the scheduler where they are set.

use crate::{clock, here, wheel};
use std::{
    future::Future,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimerKey {
    pub(crate) scheduler: usize,
    pub(crate) key: wheel::Key,
}

/// The deadline that lies `after` from now; one beyond the clock's range (584 years) is its end.
pub fn deadline_ns(after: Duration) -> u64 {
    clock::now_ns().saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
}

/// Calls `call` on this scheduler when the deadline has passed. It should be short: other tasks wait meanwhile.
///
/// # Panics
///
/// Outside a scheduler.
pub fn call_at(deadline_ns: u64, call: Box<dyn FnOnce() + Send>) -> TimerKey {
    here::set_timer(deadline_ns, Expiry::Call(call))
}

/// Cancels a timer. True if it had not fired and was set on this scheduler; a timer of another scheduler is cancelled
/// soon, and may still fire until then.
pub fn cancel(key: TimerKey) -> bool {
    here::cancel_timer(key)
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
            self.key = Some(here::set_timer(self.deadline_ns, Expiry::Wake(context.waker().clone())));
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            cancel(key);
        }
    }
}

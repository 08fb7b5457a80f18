use crate::{message::Message, pid::Pid};
use holm_scheduler::{TimerKey, deadline_ns};
use std::time::Duration;

/// A message that is to be sent later; see [`send_after`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    key: TimerKey,
    deadline_ns: u64,
}

/// Sends a message when `after` has passed, also if the current process has ended by then.
///
/// # Panics
///
/// Outside the runtime.
pub fn send_after<N: Message>(after: Duration, to: Pid<N>, message: N) -> Timer {
    let deadline_ns = deadline_ns(after);
    // A message that cannot leave this node any more is lost like one to a process that has ended.
    let key = holm_scheduler::call_at(deadline_ns, Box::new(move || drop(to.send(message))));
    Timer { key, deadline_ns }
}

/// Cancels a timer: the time that was left, or nothing if it has fired or was set on another scheduler.
pub fn cancel_timer(timer: Timer) -> Option<Duration> {
    let left = timer.deadline_ns.saturating_sub(holm_scheduler::clock::now_ns());
    holm_scheduler::cancel(timer.key).then(|| Duration::from_nanos(left))
}

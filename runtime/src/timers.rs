//! Timers: messages that are sent later.
//!
//! A timer belongs to its node, not to the process that set it: it fires whether or not that one still lives (BEAM's
//! `send_after` does the same). A [`Timer`] is plain data, and whoever has it can cancel it, from any scheduler of the
//! node; either the cancel says how much time was left and the message never comes, or the message comes, once.
//!
//! What the program sleeps by itself, `sleep` and the limits of waiting calls, is no timer in this sense: it ends with
//! the wait.

use crate::{
    message::{Message, Wire},
    names,
    node::{self, Node},
    pid::{NodeId, Pid},
};
use holm_scheduler::{TimerKey, call_at, clock, deadline_ns, reserve_timer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// A message that is to be sent later: see [`send_after`]. No two timers of a node are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timer {
    node: NodeId,
    key: TimerKey,
    deadline_ns: u64,
}

/// Sends a message when `after` has passed, also if the current process has ended by then.
///
/// A time of zero is sent at the scheduler's next look around. One beyond the clock's range, 584 years, is its end.
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn send_after<N: Message>(after: Duration, to: Pid<N>, message: N) -> Timer {
    let (node, deadline_ns) = (here(), deadline_ns(after));
    // A message that cannot leave this node any more is lost like one to a process that has ended.
    let key = call_at(deadline_ns, Box::new(move || drop(to.send(message))));
    Timer { node: node.id, key, deadline_ns }
}

/// As [`send_after`], to whoever has a name in this node when the time has passed.
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn send_after_to_name<N: Message>(after: Duration, name: &str, message: N) -> Timer {
    let (node, deadline_ns, name) = (here(), deadline_ns(after), name.to_string());
    let send = move || drop(names::send_to_name_on(node.id, &name, message));
    Timer { node: node.id, key: call_at(deadline_ns, Box::new(send)), deadline_ns }
}

/// As [`send_after`], of a message that holds its own timer: so the receiver knows which one fired, and can tell a late
/// one, that it cancelled in vain, from the one that it set instead.
///
/// ```
/// use holm::{Process, Timer, cancel_timer, start_timer};
/// use std::time::Duration;
///
/// #[derive(holm::Message)]
/// #[message(local)]
/// struct Late(Timer);
///
/// holm::block_on(async |mut me: Process<Late>| {
///     let first = start_timer(Duration::from_millis(1), me.pid(), Late);
///     let second = start_timer(Duration::from_secs(3600), me.pid(), Late);
///     assert_eq!(me.receive().await.0, first);
///     assert!(cancel_timer(second).is_some());
/// })
/// .unwrap();
/// ```
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn start_timer<N: Message>(after: Duration, to: Pid<N>, message: impl FnOnce(Timer) -> N) -> Timer {
    let (node, deadline_ns) = (here(), deadline_ns(after));
    let reserved = reserve_timer(deadline_ns);
    let timer = Timer { node: node.id, key: reserved.key(), deadline_ns };
    let message = message(timer);
    reserved.set(Box::new(move || drop(to.send(message))));
    timer
}

/// Cancels a timer of this node, from anywhere in it. `Some`: it had not fired, and never will; so much time was left,
/// at least a nanosecond. `None`: it has fired, was cancelled before, or is none of this node's.
///
/// From a blocking call in a node of one scheduler, the thread waits until that has answered.
pub fn cancel_timer(timer: Timer) -> Option<Duration> {
    let node = node::here().filter(|node| node.id == timer.node)?;
    let left = timer.deadline_ns.saturating_sub(clock::now_ns()).max(1);
    holm_scheduler::cancel(&node.pool, timer.key).then(|| Duration::from_nanos(left))
}

fn here() -> &'static Node {
    node::here().expect("only code that holm runs can set timers")
}

impl Serialize for Timer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.node, self.key.to_numbers(), self.deadline_ns).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Timer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (node, numbers, deadline_ns) = Deserialize::deserialize(deserializer)?;
        Ok(Timer { node, key: TimerKey::from_numbers(numbers), deadline_ns })
    }
}

impl Message for Timer {
    const NAME: &'static str = "Timer";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
}

impl crate::Crosses for Timer {}

//! Mailboxes with a bound, and what becomes of a message that finds one full.
//!
//! A mailbox has no bound unless its process was spawned with one, and one without a bound pays nothing for this file:
//! its letters lie at the door, and nobody counts them. A process with a bound has a *gate* ([`Gate`]) beside its door:
//! one queue under a lock, through which all its signals go, so that order holds as it does at a door. Messages are
//! counted there until the program takes them; what is no message is never counted and never held up.
//!
//! Whoever has a pid must know that there is a gate, also on another node. So the pid says it, in bits of its slot's
//! number that no slot uses ([`Marks`]). The fast path of `deliver` does not look at them: such a number is no slot's, and
//! the message takes the slow path.
//!
//! | full, and the overflow is | `send` | `send_when_ready`, `send_within` |
//! | --- | --- | --- |
//! | [`Overflow::Wait`] | gives the message back | wait, in order |
//! | [`Overflow::Busy`] | gives the message back | give the message back |
//! | [`Overflow::DropOldest`] | takes it, and drops the oldest | the same |
//! | [`Overflow::Kill`] | ends the receiver | the same |
//!
//! Across nodes a sender cannot know whether there is room. It has at most one message under way to each such mailbox:
//! that one stands in the receiver's waiting room if it must, and is acknowledged when it is in. So a bound is exceeded by
//! nobody, and beside it stands at most one message of each sender.
//!
//! Set aside: a counter at the door, which every sender would change (a locked instruction for each message, and the
//! oldest message out of reach of whoever has to drop it); credit handed out to senders (a sender that keeps it unused
//! makes the mailbox smaller for all others).

mod ack;
mod gate;
mod long;
mod marks;
mod room;
mod wait;

pub(crate) use ack::Ack;
pub(crate) use gate::{Gate, Gates, Offer, Place};
pub(crate) use long::{LongMailbox, len};
pub(crate) use marks::Marks;
pub(crate) use room::{Acknowledge, Behind};
pub(crate) use wait::{request_waiting, send_waiting};

use serde::{Deserialize, Serialize};

/// How many messages a process keeps, and what happens to one more.
///
/// ```
/// use holm::{Mailbox, Overflow, Process, SendError, SpawnOptions};
///
/// holm::block_on(async |mut me: Process<()>| {
///     let small = SpawnOptions::new().mailbox(Mailbox::bounded(2, Overflow::Busy));
///     let slow = me.spawn_opt(small, async |mut me: Process<u32>| me.exit(holm::Reason::Normal).await).unwrap().pid;
///     slow.send(1).unwrap();
///     slow.send(2).unwrap();
///     assert!(matches!(slow.send(3), Err(SendError::Full(3))));
/// })
/// .unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Mailbox {
    pub(crate) len_max: Option<u32>,
    pub(crate) bytes_max: Option<u64>,
    pub(crate) warn_len: Option<u32>,
    pub(crate) overflow: Overflow,
}

/// What becomes of a message that finds a bounded mailbox full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Overflow {
    /// Whoever can wait waits, in the order in which they came; [`crate::Pid::send`] gives the message back.
    #[default]
    Wait,
    /// The message comes back, and nobody waits.
    Busy,
    /// The oldest message in the mailbox is dropped, and counted.
    DropOldest,
    /// The receiver ends with [`crate::Reason::Overflow`], which it cannot trap.
    Kill,
}

impl Mailbox {
    /// No bound: what a process has that asks for nothing else.
    pub const fn unbounded() -> Self {
        Mailbox { len_max: None, bytes_max: None, warn_len: None, overflow: Overflow::Wait }
    }

    /// At most this many messages; 0 counts as 1.
    pub const fn bounded(messages: u32, overflow: Overflow) -> Self {
        Mailbox::unbounded().len_max(messages, overflow)
    }

    /// At most this many bytes of messages. What counts for one is its own size (`size_of`), that of its letter, and, if
    /// it came from another node, its encoded length in place of what it owns on the heap. What a message of this node
    /// owns on the heap is not known and not counted.
    ///
    /// A message that is longer than the bound is let in when it is alone, except with [`Overflow::Kill`].
    pub const fn bytes(bytes: u64, overflow: Overflow) -> Self {
        Mailbox { bytes_max: Some(bytes), overflow, ..Mailbox::unbounded() }
    }

    /// Also at most this many bytes; see [`Mailbox::bytes`].
    pub const fn bytes_max(self, bytes: u64) -> Self {
        Mailbox { bytes_max: Some(bytes), ..self }
    }

    /// Above this many messages an event is emitted (`tracing`, at `WARN`): once, until fewer than half are left. Every
    /// message is counted where it is sent, so the event does not wait for a receiver that does not run.
    pub const fn warn_above(self, messages: u32) -> Self {
        Mailbox { warn_len: Some(messages), ..self }
    }

    const fn len_max(self, messages: u32, overflow: Overflow) -> Self {
        let messages = if messages == 0 { 1 } else { messages };
        Mailbox { len_max: Some(messages), overflow, ..self }
    }

    /// What the pid of a process with this mailbox says of it.
    pub(crate) fn marks(self) -> Marks {
        if self == Mailbox::unbounded() {
            return Marks::NONE;
        }
        match (self.len_max.is_some() || self.bytes_max.is_some(), self.overflow) {
            (true, Overflow::Wait) => Marks::WAIT,
            (true, Overflow::Busy) => Marks::BUSY,
            _ => Marks::GATE,
        }
    }
}

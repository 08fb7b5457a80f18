//! The only place that asks "here or elsewhere?".
//!
//! `deliver` stands below (this node's doors), `dist` beside it (the links to other nodes). What finds no process comes
//! back here, and a request among it is answered: a link or a monitor of a process that has ended is told so.

use crate::{
    deliver, dist,
    letter::{Answer, Owned},
    mailbox,
    message::Message,
    node::{self, Node},
    pid::{Pid, RawPid},
    process::within,
    reason::Reason,
    signal::Control,
};
use std::{fmt, future::poll_fn, time::Duration};

/// Why a message was not sent; it comes back.
pub enum SendError<M> {
    /// The receiver lives on another node, and this type of messages cannot cross.
    CannotCross(M),
    /// The receiver's node takes no more at the moment.
    Busy(M),
    /// The receiver's mailbox has a bound and is full; or the receiver is on another node, and an earlier message of this
    /// sender is not known to be in its mailbox yet. See [`crate::Mailbox`].
    Full(M),
    /// The message is longer than a link carries, or cannot be encoded.
    Unsendable(M, String),
    /// The calling thread is no scheduler of a node.
    NoNode(M),
}

impl<M> SendError<M> {
    /// The message.
    pub fn into_message(self) -> M {
        match self {
            SendError::CannotCross(m) | SendError::Busy(m) | SendError::Full(m) => m,
            SendError::Unsendable(m, _) | SendError::NoNode(m) => m,
        }
    }

    /// The same about a message that this one was made of, or becomes.
    pub fn map<N>(self, becomes: impl FnOnce(M) -> N) -> SendError<N> {
        match self {
            SendError::CannotCross(m) => SendError::CannotCross(becomes(m)),
            SendError::Busy(m) => SendError::Busy(becomes(m)),
            SendError::Full(m) => SendError::Full(becomes(m)),
            SendError::Unsendable(m, why) => SendError::Unsendable(becomes(m), why),
            SendError::NoNode(m) => SendError::NoNode(becomes(m)),
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::CannotCross(_) => {
                write!(f, "messages of type {} cannot cross to another node", std::any::type_name::<M>())
            }
            SendError::Busy(_) => f.write_str("the link to the receiver's node is full"),
            SendError::Full(_) => f.write_str("the receiver's mailbox is full"),
            SendError::Unsendable(_, why) => write!(f, "the message cannot be sent: {why}"),
            SendError::NoNode(_) => f.write_str("there is no node on this thread: send from a process or a task"),
        }
    }
}

impl<M> std::error::Error for SendError<M> {}

impl<M: Message> Pid<M> {
    /// Sends a message. It never waits: the message is in the receiver's mailbox, or on its way to another node, or, if
    /// the receiver has ended, gone. Signals from one process to another arrive in the order they were sent.
    ///
    /// A process that sends to a node whose link is full lets all others run before it goes on, at its next await of
    /// holm's; [`Pid::try_send`] says that the link is full instead, and [`Pid::send_when_ready`] waits for room. What a
    /// link has not yet sent is bounded: above 256 MiB the message comes back.
    ///
    /// # Errors
    ///
    /// If the receiver's mailbox has a bound and is full, or the message cannot leave this node; it comes back.
    #[inline]
    pub fn send(self, message: M) -> Result<(), SendError<M>> {
        let Some(node) = node::here() else { return Err(SendError::NoNode(message)) };
        holm_scheduler::spend(1);
        if self.raw.node == node.id {
            return deliver::message(node, self.raw, message);
        }
        dist::send_message(node, self.raw, message, dist::WhenFull::HoldBack)
    }

    /// As [`Pid::send`], but a full link to the receiver's node is an error, and the message comes back.
    ///
    /// # Errors
    ///
    /// [`SendError::Busy`], and those of [`Pid::send`].
    pub fn try_send(self, message: M) -> Result<(), SendError<M>> {
        let Some(node) = node::here() else { return Err(SendError::NoNode(message)) };
        holm_scheduler::spend(1);
        if self.raw.node == node.id {
            return deliver::message(node, self.raw, message);
        }
        dist::send_message(node, self.raw, message, dist::WhenFull::Refuse)
    }
}

impl<M: Message> Pid<M> {
    /// As [`Pid::send`], but waits until the link to the receiver's node has room, and until the message is in the
    /// receiver's mailbox if that has a bound with [`crate::Overflow::Wait`]. It counts as a point at which others may
    /// run. This is the way to send a stream.
    ///
    /// Senders are let in in the order in which they came, and all go on when the receiver ends. A wait of more than five
    /// seconds for a mailbox is reported as an event (`tracing`, at `WARN`); processes that may send to each other with
    /// full mailboxes use [`Pid::send_within`].
    ///
    /// # Errors
    ///
    /// Those of [`Pid::send`].
    ///
    /// # Cancel safety
    ///
    /// If it is dropped while it waits, nothing was sent; but a message to a mailbox with a bound on another node may have
    /// been let in just then.
    pub async fn send_when_ready(self, message: M) -> Result<(), SendError<M>> {
        let Some(node) = node::here() else { return Err(SendError::NoNode(message)) };
        if !holm_scheduler::spend(1) {
            holm_scheduler::yield_now().await;
        }
        if self.raw.node != node.id {
            poll_fn(|context| dist::poll_room(node, self.raw.node, context)).await;
        }
        match self.raw.marks().makes_wait() {
            true => Box::pin(mailbox::send_waiting(node, self.raw, message, None)).await,
            false => self.send(message),
        }
    }

    /// As [`Pid::send_when_ready`], but waits no longer than `limit` for the link, and no longer for the mailbox. Two
    /// processes that wait for room in each other's full mailbox thus both get their messages back.
    ///
    /// The message is in the receiver's mailbox, or it comes back, never both. To make sure of that across nodes it may
    /// take a round trip longer.
    ///
    /// # Errors
    ///
    /// [`SendError::Busy`] or [`SendError::Full`] after the limit, and those of [`Pid::send`].
    ///
    /// # Cancel safety
    ///
    /// As [`Pid::send_when_ready`].
    pub async fn send_within(self, message: M, limit: Duration) -> Result<(), SendError<M>> {
        let Some(node) = node::here() else { return Err(SendError::NoNode(message)) };
        if !holm_scheduler::spend(1) {
            holm_scheduler::yield_now().await;
        }
        if self.raw.node != node.id {
            let room = poll_fn(|context| dist::poll_room(node, self.raw.node, context));
            if within(limit, room).await.is_none() {
                return Err(SendError::Busy(message));
            }
        }
        match self.raw.marks().makes_wait() {
            true => Box::pin(mailbox::send_waiting(node, self.raw, message, Some(limit))).await,
            false => self.send(message),
        }
    }
}

/// Sends a control signal from a process of this node.
pub(crate) fn control(node: &Node, to: RawPid, control: Control) {
    if to.node != node.id {
        return dist::send_control(node, to, control);
    }
    if let Err(control) = deliver::control(node, to, control) {
        bounce(node, control, to);
    }
}

/// Sends the answer to a call.
pub(crate) fn answer<T: Message>(node: &Node, to: RawPid, call: u64, value: T) {
    if to.node != node.id {
        return dist::send_answer(node, to, call, value);
    }
    deliver::answer(node, to, Owned::answer(to.generation, Answer { call, value }));
}

/// A signal found no process. Whoever asked for something is answered in the name of the one that is not there.
pub(crate) fn bounce(node: &Node, signal: Control, absent: RawPid) {
    match signal {
        Control::Link { from } => {
            control(node, from, Control::Exit { from: absent, reason: Reason::NoProc, by_link: true });
        }
        Control::Unlink { from, unlink } => control(node, from, Control::UnlinkAck { from: absent, unlink }),
        Control::Monitor { from, monitor } => {
            control(node, from, Control::Down { from: absent, monitor, reason: Reason::NoProc });
        }
        Control::Found { from, monitor } => control(node, from, Control::Demonitor { from: absent, monitor }),
        _ => {}
    }
}

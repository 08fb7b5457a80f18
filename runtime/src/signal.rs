//! Signals other than messages: what processes, and the runtime, tell a process.
//!
//! Everything that reaches a process is one letter in one queue, so order needs no argument: signals from A to B arrive
//! in the order in which A sent them, of whatever kind. The link and monitor protocols are the same between processes of
//! one node and of two; `dist/ops.rs` gives each of these signals its bytes.

use crate::{
    mailbox::Behind,
    node_event::NodeEvent,
    pid::{NodeId, Pid, RawPid},
    process::Monitor,
    reason::Reason,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// See the module's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Control {
    /// An exit signal, sent by a link when `from` ended, or by [`crate::exit`].
    Exit { from: RawPid, reason: Reason, by_link: bool },
    /// `from` wants to be linked.
    Link { from: RawPid },
    /// `from` wants the link gone, and an acknowledgement with this number.
    Unlink { from: RawPid, unlink: u64 },
    /// The link is gone on `from`'s side.
    UnlinkAck { from: RawPid, unlink: u64 },
    /// `from` wants to know when the receiver ends.
    Monitor { from: RawPid, monitor: u64 },
    /// `from` no longer wants to know.
    Demonitor { from: RawPid, monitor: u64 },
    /// `from` has the name that the receiver's monitor asked for.
    Found { from: RawPid, monitor: u64 },
    /// The process that the receiver monitors has ended.
    Down { from: RawPid, monitor: u64, reason: Reason },
    /// A call will get no answer: whoever held it let it go, or has ended.
    NoAnswer { call: u64, reason: Reason },
    /// The answer to a call, from another node; the bytes wait for the type that the caller knows.
    EncodedAnswer { call: u64, hash: u32, bytes: bytes::Bytes },
    /// The way to answer a call has gone to a node; it had crossed this many walls before.
    Moved { call: u64, node: NodeId, hop: u32 },
    /// Another process gave the receiver a name.
    Named,
    /// The connection to a node was lost; links, monitors and calls to its processes end.
    ConnectionLost { node: NodeId },
    /// A node came or went, for a process that asked.
    Node(NodeEvent),
    /// The receiver's mailbox was full, and it is to end then.
    Overflow,
}

impl Control {
    /// Who speaks in it, if it is a process.
    pub(crate) fn sender(&self) -> Option<RawPid> {
        match self {
            Control::Exit { from, .. }
            | Control::Link { from }
            | Control::Unlink { from, .. }
            | Control::UnlinkAck { from, .. }
            | Control::Monitor { from, .. }
            | Control::Demonitor { from, .. }
            | Control::Found { from, .. }
            | Control::Down { from, .. } => Some(*from),
            Control::NoAnswer { .. } | Control::EncodedAnswer { .. } | Control::Moved { .. } => None,
            Control::Named | Control::ConnectionLost { .. } | Control::Node(_) | Control::Overflow => None,
        }
    }

    /// Whose messages it must not overtake before a gate.
    pub(crate) fn behind(&self) -> Behind {
        match (self.sender(), self) {
            (Some(from), _) => Behind::Process(from),
            (None, Control::ConnectionLost { node } | Control::Node(NodeEvent::Down { node, .. })) => {
                Behind::Node(*node)
            }
            (None, _) => Behind::None,
        }
    }
}

/// What a process finds in its mailbox beside messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// An exit signal, trapped: see [`crate::Process::trap_exits`].
    Exit {
        /// Who ended, or who sent the signal.
        from: Pid,
        /// Why.
        reason: Reason,
    },
    /// A monitored process has ended.
    Down {
        /// The monitor that fired; it is used up.
        monitor: Monitor,
        /// What the monitor was set on.
        watched: Watched,
        /// Why; [`Reason::NoProc`] if it had ended before, or nobody had the name, [`Reason::NoConnection`] if its node is lost.
        reason: Reason,
    },
    /// A node came or went: see [`crate::Process::watch_nodes`].
    Node(NodeEvent),
}

/// What a monitor was set on, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Watched {
    /// A process: [`crate::Process::monitor`].
    Process(Pid),
    /// Whoever had a name on a node: [`crate::Process::monitor_name`].
    Name(Arc<str>, NodeId),
}

impl Watched {
    /// The process, if it was asked for by its pid.
    pub fn pid(&self) -> Option<Pid> {
        match self {
            Watched::Process(pid) => Some(*pid),
            Watched::Name(..) => None,
        }
    }
}

impl<M> From<Pid<M>> for Watched {
    fn from(pid: Pid<M>) -> Self {
        Watched::Process(pid.untyped())
    }
}

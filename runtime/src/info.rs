//! What the runtime knows of a process, without asking it.
//!
//! In Erlang `process_info` of another process is a signal, and waits for a process that cannot run. Here it is read: from
//! the process's notes, which its own turns write and anybody may read (`holm_scheduler::Notes`), from its type, its gate
//! and the table of names. Of a process of another node that node's link task reads it, not the process.
//!
//! The words of a process's notes: the label is its parent, the count is the letters in its mailbox (`mailbox/long.rs`), and the figures are
//!
//! ```text
//! | 60       | 59 … 40      | 39 … 20  | 19 … 0 |
//! | trapping | monitored by | monitors | links  |     each number at most 1,048,575
//! ```
//!
//! Set aside: atomic words in the state itself, which lies where the next task's future will lie: a late reader would
//! race with its writes, whatever it checks afterwards.

use crate::{
    call::{CallError, Request},
    deliver,
    dist::{self, InfoRequest},
    mailbox,
    message::Message,
    node::{self, Node},
    pid::{Pid, RawPid},
    process::Process,
};
use holm_scheduler::Activity;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a process does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It has its turn, on this scheduler.
    Running(u32),
    /// It waits for its turn.
    Runnable,
    /// It waits for something else: a message, a timer, an answer.
    Waiting,
}

/// What is known of a process: see [`process_info`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, holm_macros::Message)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// Which process.
    pub pid: Pid,
    /// The names that it has in its node.
    pub names: Vec<String>,
    /// The name of its messages' type.
    pub message: String,
    /// What it does.
    pub status: Status,
    /// The scheduler on which it stays, if it does, numbered over the whole layout.
    pub pinned: Option<u32>,
    /// The process that spawned it, if it was one.
    pub parent: Option<Pid>,
    /// Messages and notices in its mailbox: those that it had looked at when its turn began or it last waited. Of a
    /// mailbox with a bound or a warning ([`crate::Mailbox`]) the messages, each as soon as it is in.
    pub mailbox_len: u64,
    /// Their bytes: the letters, without what messages own on the heap. Of a mailbox with a bound or a warning it is
    /// what counts: see [`crate::Mailbox::bytes`].
    pub mailbox_bytes: u64,
    /// Messages that wait for room in its mailbox.
    pub waiting_len: u64,
    /// Messages that were dropped from its mailbox for newer ones.
    pub dropped: u64,
    /// Processes that it is linked to, or was and that have not confirmed the unlink yet.
    pub links: u32,
    /// Monitors that it has set.
    pub monitors: u32,
    /// Monitors of it.
    pub monitored_by: u32,
    /// Whether it traps exits.
    pub trapping: bool,
}

/// What is known of a process of this node; nothing if it has ended, or is of another node. The process need not run for it, and does not
/// notice. Each figure is true of a moment, not all of the same one.
///
/// ```
/// use holm::Process;
///
/// holm::block_on(async |mut me: Process<()>| {
///     let parent = me.pid();
///     let child = me.spawn_link(async |mut me: Process<u64>| drop(me.receive().await)).unwrap();
///     let info = holm::process_info(child).unwrap();
///     assert_eq!((info.parent, info.links, info.message.as_str()), (Some(parent.untyped()), 1, "u64"));
/// })
/// .unwrap();
/// ```
pub fn process_info<N>(pid: Pid<N>) -> Option<ProcessInfo> {
    look(node::here()?, pid.raw)
}

/// The processes of this node, in no order. One that begins or ends meanwhile may be among them or not.
pub fn processes() -> Vec<Pid> {
    node::here().map(|node| deliver::all(node).into_iter().map(Pid::new).collect()).unwrap_or_default()
}

/// Above how many letters a mailbox of this node without a bound is reported as long (`tracing`, at `WARN`): once, until it
/// was less than half as long. Without this it is 100,000.
///
/// A process finds out when it looks at its mailbox; see [`crate::Mailbox::warn_above`] for one that may not.
pub fn warn_of_mailboxes_above(len: u64) {
    node::here().into_iter().for_each(|node| node.long_mailbox.set_threshold(len));
}

impl<M: Message> Process<M> {
    /// As [`process_info`], for a process of any node.
    ///
    /// # Errors
    ///
    /// [`CallError::Timeout`] after the limit; [`CallError::Unanswered`] with [`crate::Reason::NoConnection`] if the node
    /// cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn process_info_at<N>(&mut self, pid: Pid<N>, limit: Duration) -> Result<Option<ProcessInfo>, CallError> {
        let state = self.state();
        let (node, caller) = (state.node(), state.pid);
        if pid.raw.node == node.id {
            return Ok(look(node, pid.raw));
        }
        let call = state.number();
        state.begin_call(call, pid.raw.node);
        dist::info_there(node, &InfoRequest { caller, call, pid: pid.raw });
        self.response(Request::new(call), limit).await
    }
}

/// Looks at a process of a node.
pub(crate) fn look(node: &Node, pid: RawPid) -> Option<ProcessInfo> {
    let of_node = Some(pid).filter(|pid| pid.node == node.id); // slots of other nodes have the same numbers
    let (slot, message, letter_size) = deliver::type_of(node, of_node?)?;
    let layout = |local: usize| node.place.node().schedulers.start + local as u32;
    let (pinned, activity) = (slot.pin().map(layout), node.pool.activity(slot));
    let gate = node.gates.get(pid).map(|gate| gate.figures());
    let names = node.names.of(pid);
    let parent = node.parents.lock().get(&pid).copied();
    // Last, because it says whether all of the above was still the same process's.
    let noted = slot.notes_of(pid.generation)?;
    let (len, ties) = (mailbox::len(noted.count), Ties::unpack(noted.figures));
    Some(ProcessInfo {
        pid: Pid::new(pid),
        names,
        message: message.to_string(),
        status: match activity {
            Activity::Running(local) => Status::Running(layout(local)),
            Activity::Runnable => Status::Runnable,
            Activity::Waiting => Status::Waiting,
        },
        pinned,
        parent: parent.or_else(|| labelled(node, noted.label)).map(Pid::new),
        mailbox_len: gate.map_or(len, |gate| gate.len),
        mailbox_bytes: gate.map_or(len * letter_size as u64, |gate| gate.bytes),
        waiting_len: gate.map_or(0, |gate| gate.waiting),
        dropped: gate.map_or(0, |gate| gate.dropped),
        links: ties.links as u32,
        monitors: ties.monitors as u32,
        monitored_by: ties.monitored_by as u32,
        trapping: ties.trapping,
    })
}

/// A parent of this node as a label; 0 is none.
pub(crate) fn label(parent: Option<RawPid>) -> u64 {
    parent.map_or(0, |parent| !(u64::from(parent.slot) << 32 | u64::from(parent.generation)))
}

fn labelled(node: &Node, label: u64) -> Option<RawPid> {
    let parent = !label;
    (label != 0).then_some(RawPid { node: node.id, slot: (parent >> 32) as u32, generation: parent as u32 })
}

/// How a process is tied to others, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ties {
    pub(crate) links: usize,
    pub(crate) monitors: usize,
    pub(crate) monitored_by: usize,
    pub(crate) trapping: bool,
}

impl Ties {
    const BITS: u32 = 20;
    const MAX: usize = (1 << Self::BITS) - 1;

    pub(crate) fn pack(self) -> u64 {
        let field = |number: usize, at: u32| (number.min(Self::MAX) as u64) << (at * Self::BITS);
        field(self.links, 0)
            | field(self.monitors, 1)
            | field(self.monitored_by, 2)
            | u64::from(self.trapping) << (3 * Self::BITS)
    }

    fn unpack(word: u64) -> Self {
        let field = |at: u32| (word >> (at * Self::BITS)) as usize & Self::MAX;
        Ties {
            links: field(0),
            monitors: field(1),
            monitored_by: field(2),
            trapping: word >> (3 * Self::BITS) & 1 == 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pid::NodeId;

    #[test]
    fn ties_come_out_of_a_word_as_they_went_in() {
        for ties in [
            Ties::default(),
            Ties { links: 1, monitors: 2, monitored_by: 3, trapping: true },
            Ties { links: Ties::MAX, monitors: 0, monitored_by: Ties::MAX, trapping: false },
        ] {
            assert_eq!(Ties::unpack(ties.pack()), ties);
        }
        let many = Ties { links: Ties::MAX + 7, ..Ties::default() };
        assert_eq!(Ties::unpack(many.pack()), Ties { links: Ties::MAX, ..Ties::default() });
    }

    #[test]
    fn a_parent_comes_out_of_a_label_and_no_parent_too() {
        let pid = RawPid { node: NodeId(1), slot: 0, generation: 0 };
        assert_eq!(label(None), 0);
        assert_ne!(label(Some(pid)), 0);
        let gated = RawPid { slot: 1 << 31 | 5, generation: 9, ..pid };
        for pid in [pid, gated] {
            let parent = !label(Some(pid));
            assert_eq!(((parent >> 32) as u32, parent as u32), (pid.slot, pid.generation));
        }
    }
}

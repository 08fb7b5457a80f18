//! What ties a process to others: its links, its monitors, its aliases, its open calls, and whether it has names.
//!
//! Only the process itself touches its bonds: others send it signals. Here are the rules as plain data; what has to be
//! sent is returned, and sent by the caller. Most processes have none: a process gets its bonds with the first of them.
//!
//! The parts know nothing of letters and runtimes, so that models can drive them: `tests/models.rs`.

pub(crate) mod aliases;
pub(crate) mod calls;
pub(crate) mod links;
pub(crate) mod monitors;

use crate::{letter::Owned, pid::NodeId, pid::RawPid, reap::OnEnd, reason::Reason};
use aliases::Aliases;
use calls::Calls;
use links::Links;
use monitors::{Monitors, Target};
use std::fmt;

/// How a call ended: answered, or let go.
#[derive(Debug)]
pub(crate) enum Call {
    Answered(Owned),
    Encoded { hash: u32, bytes: bytes::Bytes },
    Ended(Reason),
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Bonds {
    pub(crate) links: Links,
    pub(crate) monitors: Monitors,
    pub(crate) aliases: Aliases,
    pub(crate) calls: Calls<Call>,
    /// It was given a name; which, and whether it still has it, is the node's to know.
    pub(crate) named: bool,
    pub(crate) watches_nodes: bool,
    /// Its parent is a process of another node, which the node knows.
    pub(crate) born_abroad: bool,
    /// It is told first when its runtime stops.
    pub(crate) stops_first: bool,
    /// Who outside of processes waits for its end.
    pub(crate) on_end: Option<OnEnd>,
    /// Other nodes know the process, or it waits for one: it must hear when a connection is lost.
    pub(crate) abroad: bool,
    /// Requests that were let go of in this turn, caller and call: if it is the last, the callers learn why.
    pub(crate) unanswered: Vec<(RawPid, u64)>,
    /// What else is released with its names.
    pub(crate) releases: Releases,
    /// The process has begun to end: `unanswered` waits for that.
    pub(crate) concluding: bool,
    last_number: u64,
}

/// See [`crate::Process::on_release`].
#[derive(Default)]
pub(crate) struct Releases(pub(crate) Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for Releases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Releases({})", self.0.len())
    }
}

/// What the loss of a node means for a process.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    pub(crate) links: Vec<RawPid>,
    pub(crate) monitors: Vec<(u64, Target)>,
}

impl Bonds {
    /// True if nobody hears of the process's end.
    pub(crate) fn is_alone(&self) -> bool {
        self.on_end.is_none() && self.links.linked().next().is_none() && self.monitors.watchers().next().is_none()
    }

    /// A number that this process has not used: for monitors, unlinks, calls and aliases.
    pub(crate) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// A number that an alias may have too.
    pub(crate) fn alias_number(&mut self) -> u64 {
        loop {
            let number = self.number();
            if self.aliases.is_free(number) {
                return number;
            }
        }
    }

    /// A node is lost: ends what tied the process to it, and says what has to be told.
    pub(crate) fn lose_node(&mut self, node: NodeId) -> Lost {
        self.calls.lose_node(node, || Call::Ended(Reason::NoConnection));
        let lost = Lost { links: self.links.lose_node(node), monitors: self.monitors.lose_node(node) };
        lost.monitors.iter().for_each(|(monitor, _)| self.aliases.close_with(*monitor));
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(slot: u32) -> RawPid {
        RawPid { node: NodeId(1), slot, generation: 0 }
    }

    #[test]
    fn a_lost_node_ends_only_what_tied_to_it() {
        let there = RawPid { node: NodeId(2), ..pid(7) };
        let mut bonds = Bonds::default();
        bonds.links.link(pid(1));
        bonds.links.link(there);
        bonds.monitors.watch(5, there);
        bonds.aliases.open(5);
        bonds.monitors.watch_name(6, there.node, "n".into());
        bonds.monitors.watched_by(there, 9);
        bonds.calls.begin(3, there.node, None);
        let lost = bonds.lose_node(NodeId(2));
        assert_eq!(lost.links, [there]);
        assert_eq!(lost.monitors, [(5, (there, None)), (6, (RawPid::nobody(there.node), Some("n".into())))]);
        assert!(bonds.monitors.watchers().next().is_none() && bonds.links.linked().eq([pid(1)]));
        assert!(!bonds.aliases.is_open(5));
        assert!(matches!(bonds.calls.take_settled(3), Some(Call::Ended(Reason::NoConnection))));
    }
}

//! What ties a process to others: its links, its monitors, who monitors it, whether it has names, its open calls.
//!
//! Only the process itself touches its bonds: others send it signals. Here are the rules as plain data; what has to be
//! sent is returned, and sent by the caller.
//!
//! The link protocol follows OTP's (`erl_dist_protocol`, "link protocol"): an unlink carries a number and is
//! acknowledged, and until then the link is *ending*.
//!
//! | a signal from P | no link | linked | ending(n) |
//! | --- | --- | --- | --- |
//! | `Link` | linked | – | – (P sent it before it heard of the unlink) |
//! | `Unlink(m)` | ack m | gone, ack m | ack m |
//! | `UnlinkAck(m)` | – | – | gone, if m = n |
//! | exit by link | – | gone, takes effect | gone |

use crate::{
    letter::Owned,
    pid::{NodeId, RawPid},
    reason::Reason,
};
use std::collections::{BTreeMap, BTreeSet};

/// One side's view of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Linked,
    Ending(u64),
}

/// An open call: waiting, answered, or let go.
#[derive(Debug)]
pub(crate) enum Call {
    Waiting,
    Answered(Owned),
    Encoded { hash: u32, bytes: bytes::Bytes },
    Ended(Reason),
}

/// A call that has begun and was not taken.
#[derive(Debug)]
struct Open {
    number: u64,
    state: Call,
    /// The node that the call depends on.
    node: NodeId,
    /// What ties a process that was asked for to this one: link, monitor. They hold from the moment its pid arrives.
    ties: Option<(bool, Option<u64>)>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Bonds {
    pub(crate) links: BTreeMap<RawPid, Link>,
    pub(crate) monitors: BTreeMap<u64, RawPid>,
    pub(crate) monitored_by: BTreeSet<(RawPid, u64)>,
    /// It was given a name; which, and whether it still has it, is the node's to know.
    pub(crate) named: bool,
    pub(crate) watches_nodes: bool,
    /// Other nodes know the process, or it waits for one: it must hear when a connection is lost.
    pub(crate) abroad: bool,
    /// Requests that were let go of in this turn, caller and call: if it is the last, the callers learn why.
    pub(crate) unanswered: Vec<(RawPid, u64)>,
    calls: Vec<Open>,
}

/// What the loss of a node means for a process.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    pub(crate) links: Vec<RawPid>,
    pub(crate) monitors: Vec<(u64, RawPid)>,
}

impl Bonds {
    /// The process links another; true if the other must be told.
    pub(crate) fn link(&mut self, other: RawPid) -> bool {
        self.links.insert(other, Link::Linked) != Some(Link::Linked)
    }

    /// The process unlinks another; true if the other must be told.
    pub(crate) fn unlink(&mut self, other: RawPid, unlink: u64) -> bool {
        match self.links.get_mut(&other) {
            Some(link @ Link::Linked) => {
                *link = Link::Ending(unlink);
                true
            }
            _ => false,
        }
    }

    /// A `Link` signal came.
    pub(crate) fn linked_by(&mut self, other: RawPid) {
        self.links.entry(other).or_insert(Link::Linked);
    }

    /// An `Unlink` signal came; it is acknowledged in any case.
    pub(crate) fn unlinked_by(&mut self, other: RawPid) {
        if self.links.get(&other) == Some(&Link::Linked) {
            self.links.remove(&other);
        }
    }

    /// An `UnlinkAck` signal came.
    pub(crate) fn unlink_acknowledged(&mut self, other: RawPid, unlink: u64) {
        if self.links.get(&other) == Some(&Link::Ending(unlink)) {
            self.links.remove(&other);
        }
    }

    /// An exit signal by a link came; true if it takes effect.
    pub(crate) fn exited_by_link(&mut self, other: RawPid) -> bool {
        self.links.remove(&other) == Some(Link::Linked)
    }

    /// Begins a call to a process, or a request to a node.
    pub(crate) fn begin_call(&mut self, number: u64, node: NodeId, ties: Option<(bool, Option<u64>)>) {
        self.calls.push(Open { number, state: Call::Waiting, node, ties });
    }

    /// Something came for a call; given back if nobody waits for it.
    pub(crate) fn settle_call(&mut self, number: u64, with: Call) -> Result<(), Call> {
        match self.calls.iter_mut().find(|call| call.number == number) {
            Some(call) if matches!(call.state, Call::Waiting) => {
                call.state = with;
                Ok(())
            }
            _ => Err(with),
        }
    }

    /// The ties that wait for the answer to a call.
    pub(crate) fn take_ties(&mut self, number: u64) -> Option<(bool, Option<u64>)> {
        self.calls.iter_mut().find(|call| call.number == number)?.ties.take()
    }

    /// Takes the end of a call, if there is one.
    pub(crate) fn take_settled(&mut self, number: u64) -> Option<Call> {
        let at = self.calls.iter().position(|call| call.number == number)?;
        match self.calls[at].state {
            Call::Waiting => None,
            _ => Some(self.calls.swap_remove(at).state),
        }
    }

    /// Gives up a call: a late answer finds nothing. One that is there already is given back.
    pub(crate) fn forget_call(&mut self, number: u64) -> Option<Call> {
        let at = self.calls.iter().position(|call| call.number == number)?;
        Some(self.calls.swap_remove(at).state)
    }

    /// A node is lost: ends what tied the process to it, and says what has to be told.
    pub(crate) fn lose_node(&mut self, node: NodeId) -> Lost {
        let mut lost = Lost::default();
        self.links.retain(|pid, link| {
            if pid.node == node && *link == Link::Linked {
                lost.links.push(*pid);
            }
            pid.node != node
        });
        self.monitors.retain(|monitor, pid| {
            if pid.node == node {
                lost.monitors.push((*monitor, *pid));
            }
            pid.node != node
        });
        self.monitored_by.retain(|(watcher, _)| watcher.node != node);
        for call in self.calls.iter_mut().filter(|call| call.node == node) {
            if matches!(call.state, Call::Waiting) {
                call.state = Call::Ended(Reason::NoConnection);
            }
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(slot: u32) -> RawPid {
        RawPid { node: NodeId(1), slot, generation: 0 }
    }

    /// L-11: A unlinks and links again while B unlinks; in every order of arrival both agree in the end.
    #[test]
    fn unlink_and_link_against_unlink_agree_in_every_order() {
        #[derive(Clone, Copy)]
        enum Signal {
            Link,
            Unlink(u64),
            Ack(u64),
        }
        fn receive(bonds: &mut Bonds, from: RawPid, signal: Signal, out: &mut Vec<Signal>) {
            match signal {
                Signal::Link => bonds.linked_by(from),
                Signal::Unlink(n) => {
                    bonds.unlinked_by(from);
                    out.push(Signal::Ack(n));
                }
                Signal::Ack(n) => bonds.unlink_acknowledged(from, n),
            }
        }
        let (a_pid, b_pid) = (pid(1), pid(2));
        // Each bit decides who receives next; steps of A (unlink, link) happen between receptions as `when` says.
        for order in 0u32..1 << 12 {
            for when in 0..4 {
                let (mut a, mut b) = (Bonds::default(), Bonds::default());
                a.link(b_pid);
                b.link(a_pid);
                let (mut to_a, mut to_b) = (Vec::new(), Vec::new());
                if a.unlink(b_pid, 1) {
                    to_b.push(Signal::Unlink(1));
                }
                if b.unlink(a_pid, 2) {
                    to_a.push(Signal::Unlink(2));
                }
                let mut linked_again = false;
                for step in 0..12 {
                    if step == when && a.link(b_pid) {
                        to_b.push(Signal::Link);
                    }
                    linked_again |= step == when;
                    let a_receives = order >> step & 1 == 0;
                    let queue = if a_receives { &mut to_a } else { &mut to_b };
                    if !queue.is_empty() {
                        let signal = queue.remove(0);
                        match a_receives {
                            true => receive(&mut a, b_pid, signal, &mut to_b),
                            false => receive(&mut b, a_pid, signal, &mut to_a),
                        }
                    }
                }
                assert!(linked_again);
                while !to_a.is_empty() || !to_b.is_empty() {
                    if !to_a.is_empty() {
                        receive(&mut a, b_pid, to_a.remove(0), &mut to_b);
                    }
                    if !to_b.is_empty() {
                        receive(&mut b, a_pid, to_b.remove(0), &mut to_a);
                    }
                }
                assert_eq!(a.links.contains_key(&b_pid), b.links.contains_key(&a_pid), "order {order:b}, {when}");
                assert_ne!(a.links.get(&b_pid), Some(&Link::Ending(1)));
            }
        }
    }

    #[test]
    fn a_late_answer_finds_nothing() {
        let mut bonds = Bonds::default();
        bonds.begin_call(1, NodeId(1), None);
        bonds.forget_call(1);
        assert!(bonds.settle_call(1, Call::Ended(Reason::Normal)).is_err());
        bonds.begin_call(2, NodeId(1), None);
        assert!(bonds.take_settled(2).is_none());
        bonds.settle_call(2, Call::Ended(Reason::Normal)).unwrap();
        assert!(bonds.settle_call(2, Call::Ended(Reason::Kill)).is_err(), "a second answer has no effect");
        assert!(matches!(bonds.take_settled(2), Some(Call::Ended(Reason::Normal))));
    }

    #[test]
    fn a_lost_node_ends_only_what_tied_to_it() {
        let there = RawPid { node: NodeId(2), ..pid(7) };
        let mut bonds = Bonds::default();
        bonds.link(pid(1));
        bonds.link(there);
        bonds.monitors.insert(5, there);
        bonds.monitored_by.insert((there, 9));
        bonds.begin_call(3, there.node, None);
        let lost = bonds.lose_node(NodeId(2));
        assert_eq!((lost.links, lost.monitors), (vec![there], vec![(5, there)]));
        assert!(bonds.monitored_by.is_empty() && bonds.links.len() == 1);
        assert!(matches!(bonds.take_settled(3), Some(Call::Ended(Reason::NoConnection))));
    }
}

//! One process's links, as plain data: what has to be sent is returned, and sent by the caller.
//!
//! The protocol follows OTP's (`erl_dist_protocol`, "link protocol"): an unlink carries a number and is acknowledged,
//! and until then the link is *ending*.
//!
//! | a signal from P | no link | linked | ending(n) |
//! | --- | --- | --- | --- |
//! | `Link` | linked | – | – (P sent it before it heard of the unlink) |
//! | `Unlink(m)` | ack m | gone, ack m | ack m |
//! | `UnlinkAck(m)` | – | – | gone, if m = n |
//! | exit by link | – | gone, takes effect | gone |

use crate::pid::{NodeId, RawPid};
use std::collections::BTreeMap;

/// One side's view of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Linked,
    Ending(u64),
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Links(BTreeMap<RawPid, Link>);

impl Links {
    /// The process links another; true if the other must be told.
    pub(crate) fn link(&mut self, other: RawPid) -> bool {
        self.0.insert(other, Link::Linked) != Some(Link::Linked)
    }

    /// The process unlinks another; true if the other must be told.
    pub(crate) fn unlink(&mut self, other: RawPid, unlink: u64) -> bool {
        match self.0.get_mut(&other) {
            Some(link @ Link::Linked) => {
                *link = Link::Ending(unlink);
                true
            }
            _ => false,
        }
    }

    /// A `Link` signal came.
    pub(crate) fn linked_by(&mut self, other: RawPid) {
        self.0.entry(other).or_insert(Link::Linked);
    }

    /// An `Unlink` signal came; it is acknowledged in any case.
    pub(crate) fn unlinked_by(&mut self, other: RawPid) {
        if self.is_linked(other) {
            self.0.remove(&other);
        }
    }

    /// An `UnlinkAck` signal came.
    pub(crate) fn unlink_acknowledged(&mut self, other: RawPid, unlink: u64) {
        let is_awaited = match self.0.get(&other) {
            // The planted mistake: any acknowledgement will do.
            #[cfg(mutant)]
            Some(Link::Linked) => true,
            Some(Link::Ending(number)) => *number == unlink,
            _ => false,
        };
        if is_awaited {
            self.0.remove(&other);
        }
    }

    /// An exit signal by a link came; true if it takes effect.
    pub(crate) fn exited(&mut self, other: RawPid) -> bool {
        self.0.remove(&other) == Some(Link::Linked)
    }

    /// A node is lost: its links end, and the linked processes are given out.
    pub(crate) fn lose_node(&mut self, node: NodeId) -> Vec<RawPid> {
        let mut lost = Vec::new();
        self.0.retain(|pid, link| {
            if pid.node == node && *link == Link::Linked {
                lost.push(*pid);
            }
            pid.node != node
        });
        lost
    }

    /// True if this side sees a link.
    pub(crate) fn is_linked(&self, other: RawPid) -> bool {
        self.0.get(&other) == Some(&Link::Linked)
    }

    /// The linked processes.
    pub(crate) fn linked(&self) -> impl Iterator<Item = RawPid> + '_ {
        self.0.iter().filter(|(_, link)| **link == Link::Linked).map(|(pid, _)| *pid)
    }

    /// How many are linked, or were and wait for an acknowledgement.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(all(test, not(loom)))]
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
        fn receive(links: &mut Links, from: RawPid, signal: Signal, out: &mut Vec<Signal>) {
            match signal {
                Signal::Link => links.linked_by(from),
                Signal::Unlink(n) => {
                    links.unlinked_by(from);
                    out.push(Signal::Ack(n));
                }
                Signal::Ack(n) => links.unlink_acknowledged(from, n),
            }
        }
        let (a_pid, b_pid) = (pid(1), pid(2));
        // Each bit decides who receives next; steps of A (unlink, link) happen between receptions as `when` says.
        for order in 0u32..1 << 12 {
            for when in 0..4 {
                let (mut a, mut b) = (Links::default(), Links::default());
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
                assert_eq!(a.is_linked(b_pid), b.is_linked(a_pid), "order {order:b}, {when}");
                assert_eq!(a.len(), usize::from(a.is_linked(b_pid)), "nothing waits for ever");
            }
        }
    }
}

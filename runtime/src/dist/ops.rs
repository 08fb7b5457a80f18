//! The bytes of signals between nodes.
//!
//! ```text
//!  0  op        1   1 message  2 request  3 answer  4 control  5 spawn  6 whereis  7 aliased  8 named  9 watch
//!                   16 offer  17 taken  18 withdraw  19 info;
//!                   with the highest bit set, what follows the body names the replies in it: see carried.rs
//!  1  slot      4   the receiver's (op 1–4, 7, 16–18)                      all numbers little endian
//!  5  generation 4
//!  9  hash      4   the body's type (op 1–3, 7, 16)
//! 13  call      8   the number of the call (op 2, 3)
//! 21  caller    8   its slot and generation (op 2)
//! 13  alias     4   the receiver's (op 7)
//!     from      8   slot and generation of who speaks (op 16 at 13, 17 and 18 at 9); see offers.rs
//! 17  taken     1   1 if the offer is in (op 17)
//!  1  hash 4, name's length 1, name (op 8)
//!     body          postcard: the message, the answer; the control signal, the spawn, whereis, watch or info request
//! ```
//!
//! A node speaks only for its own processes: a signal that claims to be from another node's process is dropped and
//! counted. What cannot be decoded is dropped and counted too, and a caller is told; the connection stays up.

use super::{
    offers,
    request::{InfoRequest, SpawnRequest, WatchRequest, WhereisRequest},
};
use crate::{
    carried,
    deliver::{self, Arrival, Way},
    names,
    node::Node,
    pid::{NodeId, RawPid},
    reason::Reason,
    send,
    signal::Control,
};
use bytes::Bytes;

const MESSAGE: u8 = 1;
const REQUEST: u8 = 2;
const ANSWER: u8 = 3;
const CONTROL: u8 = 4;
const SPAWN: u8 = 5;
const WHEREIS: u8 = 6;
const ALIASED: u8 = 7;
const NAMED: u8 = 8;
const WATCH: u8 = 9;
const OFFER: u8 = 16;
const TAKEN: u8 = 17;
const WITHDRAW: u8 = 18;
const INFO: u8 = 19;

/// In an op: replies travel in the body, and are named behind it.
pub(super) const CARRIES: u8 = 0x80;

/// What comes before a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head<'a> {
    Message {
        to: RawPid,
        hash: u32,
    },
    Aliased {
        to: RawPid,
        hash: u32,
        alias: u32,
    },
    Named {
        hash: u32,
        name: &'a str,
    },
    Request {
        to: RawPid,
        hash: u32,
        caller: RawPid,
        call: u64,
    },
    Answer {
        to: RawPid,
        hash: u32,
        call: u64,
    },
    Control {
        to: RawPid,
    },
    Spawn,
    Whereis,
    Watch,
    Info,
    /// A message to a process with a bounded mailbox.
    Offer {
        to: RawPid,
        hash: u32,
        from: RawPid,
    },
    /// What became of the message that `to` offered to `from`.
    Taken {
        to: RawPid,
        from: RawPid,
        taken: bool,
    },
    /// `from` wants the message back that it offered.
    Withdraw {
        to: RawPid,
        from: RawPid,
    },
}

impl<'a> Head<'a> {
    #[inline]
    pub(super) fn encode(self, into: &mut Vec<u8>) {
        let mut put = |op: u8, to: RawPid| {
            into.push(op);
            into.extend_from_slice(&to.slot.to_le_bytes());
            into.extend_from_slice(&to.generation.to_le_bytes());
        };
        match self {
            Head::Message { to, hash } => {
                put(MESSAGE, to);
                into.extend_from_slice(&hash.to_le_bytes());
            }
            Head::Aliased { to, hash, alias } => {
                put(ALIASED, to);
                into.extend_from_slice(&hash.to_le_bytes());
                into.extend_from_slice(&alias.to_le_bytes());
            }
            Head::Named { hash, name } => {
                into.push(NAMED);
                into.extend_from_slice(&hash.to_le_bytes());
                into.push(name.len() as u8); // a name has 255 bytes at most
                into.extend_from_slice(name.as_bytes());
            }
            Head::Request { to, hash, caller, call } => {
                put(REQUEST, to);
                into.extend_from_slice(&hash.to_le_bytes());
                into.extend_from_slice(&call.to_le_bytes());
                put_speaker(into, caller);
            }
            Head::Answer { to, hash, call } => {
                put(ANSWER, to);
                into.extend_from_slice(&hash.to_le_bytes());
                into.extend_from_slice(&call.to_le_bytes());
            }
            Head::Control { to } => put(CONTROL, to),
            Head::Spawn => into.push(SPAWN),
            Head::Whereis => into.push(WHEREIS),
            Head::Watch => into.push(WATCH),
            Head::Info => into.push(INFO),
            Head::Offer { to, hash, from } => {
                put(OFFER, to);
                into.extend_from_slice(&hash.to_le_bytes());
                put_speaker(into, from);
            }
            Head::Taken { to, from, taken } => {
                put(TAKEN, to);
                put_speaker(into, from);
                into.push(taken.into());
            }
            Head::Withdraw { to, from } => {
                put(WITHDRAW, to);
                put_speaker(into, from);
            }
        }
    }

    /// The head of a signal from `peer` to `here`, and its body; nothing if it is malformed.
    #[inline]
    fn decode(bytes: &'a [u8], here: NodeId, peer: NodeId) -> Option<(Self, &'a [u8])> {
        let (&op, rest) = bytes.split_first()?;
        Self::decode_as(op, rest, here, peer)
    }

    #[inline]
    fn decode_as(op: u8, rest: &'a [u8], here: NodeId, peer: NodeId) -> Option<(Self, &'a [u8])> {
        let mut cursor = Cursor(rest);
        let head = match op {
            MESSAGE => Head::Message { to: cursor.pid(here)?, hash: cursor.u32()? },
            REQUEST => {
                let (to, hash, call) = (cursor.pid(here)?, cursor.u32()?, cursor.u64()?);
                Head::Request { to, hash, call, caller: cursor.pid(peer)? }
            }
            ANSWER => Head::Answer { to: cursor.pid(here)?, hash: cursor.u32()?, call: cursor.u64()? },
            CONTROL => Head::Control { to: cursor.pid(here)? },
            SPAWN => Head::Spawn,
            WHEREIS => Head::Whereis,
            WATCH => Head::Watch,
            INFO => Head::Info,
            OFFER => Head::Offer { to: cursor.pid(here)?, hash: cursor.u32()?, from: cursor.pid(peer)? },
            TAKEN => Head::Taken { to: cursor.pid(here)?, from: cursor.pid(peer)?, taken: cursor.u8()? != 0 },
            WITHDRAW => Head::Withdraw { to: cursor.pid(here)?, from: cursor.pid(peer)? },
            ALIASED => Head::Aliased { to: cursor.pid(here)?, hash: cursor.u32()?, alias: cursor.u32()? },
            NAMED => Head::Named { hash: cursor.u32()?, name: cursor.name()? },
            _ => return None,
        };
        Some((head, cursor.0))
    }
}

fn put_speaker(into: &mut Vec<u8>, speaker: RawPid) {
    into.extend_from_slice(&speaker.slot.to_le_bytes());
    into.extend_from_slice(&speaker.generation.to_le_bytes());
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn u8(&mut self) -> Option<u8> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(byte)
    }

    fn name(&mut self) -> Option<&'a str> {
        let (&len, rest) = self.0.split_first()?;
        let (name, rest) = rest.split_at_checked(len.into())?;
        self.0 = rest;
        std::str::from_utf8(name).ok()
    }

    #[inline]
    fn u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*bytes))
    }

    #[inline]
    fn u64(&mut self) -> Option<u64> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*bytes))
    }

    #[inline]
    fn pid(&mut self, node: NodeId) -> Option<RawPid> {
        Some(RawPid { node, slot: self.u32()?, generation: self.u32()? })
    }
}

/// Acts on a signal that came from a node.
#[inline]
pub(super) fn receive(node: &Node, peer: NodeId, bytes: &[u8]) {
    match Head::decode(bytes, node.id, peer) {
        Some((Head::Message { to, hash }, body)) => {
            if deliver::encoded(node, to, Way::Pid, hash, body).is_err() {
                Node::count(&node.counters.undecodable);
            }
        }
        Some((head, body)) => receive_other(node, peer, head, body),
        None if bytes.first().is_some_and(|op| op & CARRIES != 0) => receive_carrying(node, peer, bytes),
        None => Node::count(&node.counters.undecodable),
    }
}

/// As [`receive`], of a signal with replies in it: if it cannot be delivered, their callers are told.
#[cold]
fn receive_carrying(node: &Node, peer: NodeId, bytes: &[u8]) {
    let parts = carried::split(bytes).and_then(|(signal, carried)| Some((signal.split_first()?, carried)));
    let Some(((op, rest), carried)) = parts else { return Node::count(&node.counters.undecodable) };
    let undelivered = match Head::decode_as(op & !CARRIES, rest, node.id, peer) {
        Some((head, body)) if head.has_message() => deliver_body(node, head, body).err(),
        _ => {
            Node::count(&node.counters.undecodable);
            Some(Reason::error("the message cannot be read"))
        }
    };
    undelivered.iter().for_each(|reason| carried::let_go(node, &carried, reason));
}

/// Delivers a message of whatever kind.
///
/// # Errors
///
/// Why there is nobody who takes it.
fn deliver_body(node: &Node, head: Head<'_>, body: &[u8]) -> Result<(), Reason> {
    let delivered = match head {
        Head::Message { to, hash } => deliver::encoded(node, to, Way::Pid, hash, body),
        Head::Request { to, hash, caller: from, .. } | Head::Offer { to, hash, from } => {
            let delivered = deliver::encoded(node, to, Way::Offer(from), hash, body);
            if to.marks().acknowledges() && !matches!(delivered, Ok(Arrival::Waits)) {
                offers::acknowledge(node, from, to, true);
            }
            delivered
        }
        Head::Aliased { to, hash, alias } => deliver::encoded(node, to, Way::Alias(alias), hash, body),
        Head::Named { hash, name } => match node.names.whereis(name) {
            Some(to) => deliver::encoded(node, to, Way::Name, hash, body),
            None => {
                Node::count(&node.counters.unnamed);
                Ok(Arrival::NoProcess)
            }
        },
        other => unreachable!("{other:?} has no message"),
    };
    match delivered {
        Ok(Arrival::In | Arrival::Waits) => Ok(()),
        Ok(Arrival::NoProcess) => Err(Reason::NoProc),
        Err(error) => {
            Node::count(&node.counters.undecodable);
            Err(Reason::error(error))
        }
    }
}

fn receive_other(node: &Node, peer: NodeId, head: Head<'_>, body: &[u8]) {
    let malformed = || Node::count(&node.counters.undecodable);
    match head {
        Head::Message { .. } | Head::Aliased { .. } | Head::Named { .. } | Head::Offer { .. } => {
            drop(deliver_body(node, head, body));
        }
        Head::Request { caller, call, .. } => {
            if let Err(reason) = deliver_body(node, head, body) {
                send::control(node, caller, Control::NoAnswer { call, reason });
            }
        }
        Head::Answer { to, hash, call } => {
            let answer = Control::EncodedAnswer { call, hash, bytes: Bytes::copy_from_slice(body) };
            drop(deliver::control(node, to, answer)); // a caller that has ended needs none
        }
        Head::Control { to } => match postcard::from_bytes::<Control>(body) {
            Ok(control) if !is_foreign(&control, peer) => {
                if let Err(control) = deliver::control(node, to, control) {
                    send::bounce(node, control, to);
                }
            }
            Ok(_) => Node::count(&node.counters.impostors),
            Err(_) => malformed(),
        },
        Head::Spawn => match postcard::from_bytes::<SpawnRequest>(body) {
            Ok(request) if request.caller.node == peer => request.serve(node),
            Ok(_) => Node::count(&node.counters.impostors),
            Err(_) => malformed(),
        },
        Head::Whereis => match postcard::from_bytes::<WhereisRequest>(body) {
            Ok(request) if request.caller.node == peer => request.serve(node),
            Ok(_) => Node::count(&node.counters.impostors),
            Err(_) => malformed(),
        },
        Head::Watch => match postcard::from_bytes::<WatchRequest>(body) {
            Ok(WatchRequest { watcher, monitor, name }) if watcher.node == peer => {
                names::watch(node, watcher, monitor, &name);
            }
            Ok(_) => Node::count(&node.counters.impostors),
            Err(_) => malformed(),
        },
        Head::Info => match postcard::from_bytes::<InfoRequest>(body) {
            Ok(request) if request.caller.node == peer => request.serve(node),
            Ok(_) => Node::count(&node.counters.impostors),
            Err(_) => malformed(),
        },
        Head::Taken { to, from, taken } => offers::answered(node, peer, from, to, taken),
        Head::Withdraw { to, from } => offers::withdrawn(node, from, to),
    }
}

impl Head<'_> {
    /// True if its body is a message.
    fn has_message(&self) -> bool {
        match self {
            Head::Message { .. } | Head::Aliased { .. } | Head::Named { .. } => true,
            Head::Request { .. } | Head::Offer { .. } => true,
            Head::Answer { .. } | Head::Control { .. } | Head::Taken { .. } | Head::Withdraw { .. } => false,
            Head::Spawn | Head::Whereis | Head::Watch | Head::Info => false,
        }
    }
}

/// True if a control signal is not for this peer to send: it speaks for another node's process, or it is one that only
/// this node's own runtime sends.
fn is_foreign(control: &Control, peer: NodeId) -> bool {
    match control.sender() {
        Some(from) => from.node != peer,
        None => !matches!(control, Control::NoAnswer { .. } | Control::Moved { .. }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: NodeId = NodeId(1);
    const PEER: NodeId = NodeId(2);

    fn pid(node: NodeId) -> RawPid {
        RawPid { node, slot: 70_000, generation: 9 }
    }

    #[test]
    fn heads_come_out_as_they_went_in() {
        let heads = [
            Head::Message { to: pid(HERE), hash: 7 },
            Head::Request { to: pid(HERE), hash: 7, caller: pid(PEER), call: 1 << 40 },
            Head::Answer { to: pid(HERE), hash: 7, call: 3 },
            Head::Control { to: pid(HERE) },
            Head::Spawn,
            Head::Whereis,
            Head::Watch,
            Head::Aliased { to: pid(HERE), hash: 7, alias: 5 },
            Head::Named { hash: 7, name: "printer" },
            Head::Info,
            Head::Offer { to: pid(HERE), hash: 7, from: pid(PEER) },
            Head::Taken { to: pid(HERE), from: pid(PEER), taken: true },
            Head::Withdraw { to: pid(HERE), from: pid(PEER) },
        ];
        for head in heads {
            let mut bytes = Vec::new();
            head.encode(&mut bytes);
            bytes.extend_from_slice(b"body");
            assert_eq!(Head::decode(&bytes, HERE, PEER), Some((head, &b"body"[..])));
            for short in 0..bytes.len() - 4 {
                assert_eq!(Head::decode(&bytes[..short], HERE, PEER), None, "{head:?} cut to {short}");
            }
        }
        assert_eq!(Head::decode(&[77], HERE, PEER), None);
        assert_eq!(Head::decode(&[NAMED, 0, 0, 0, 0, 2, 0xc3, 0x28], HERE, PEER), None, "a name that is no UTF-8");
    }

    #[test]
    fn a_node_speaks_only_for_its_own_processes() {
        let third = RawPid { node: NodeId(3), ..pid(PEER) };
        assert!(is_foreign(&Control::Link { from: third }, PEER));
        assert!(!is_foreign(&Control::Link { from: pid(PEER) }, PEER));
        assert!(is_foreign(&Control::ConnectionLost { node: NodeId(3) }, PEER));
    }
}

//! Ways to answer that travel in a message to another node: none of them may be lost on the way.
//!
//! A [`Reply`](crate::Reply) that is dropped tells its caller so. One that was encoded is in two places: the value here,
//! which is dropped, and the bytes, which may find no process, or one that takes other messages. So:
//!
//! 1. while a message is encoded, the replies in it make themselves known ([`collect`], [`note`]);
//! 2. if it was queued, the value is dropped without a word ([`depart`]), and each caller hears which node it depends on
//!    from here on; if it was not, the value comes back, or its drop tells the callers;
//! 3. the bytes name the replies once more at their end ([`append`]), so that a node which cannot deliver the message,
//!    and cannot read it, still tells the callers.
//!
//! ```text
//!  signal, its op marked  ‖  caller's slot 4, generation 4, node 8, call 8  … for each reply  ‖  how many 4
//! ```

use crate::{
    node::Node,
    pid::{NodeId, RawPid},
    reason::Reason,
    send,
    signal::Control,
};
use std::cell::RefCell;

/// Bytes of one reply at the end of a signal.
const ENTRY_LEN: usize = 24;

/// A way to answer, in a message that is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    pub(crate) caller: RawPid,
    pub(crate) call: u64,
    /// How many walls it will have crossed.
    pub(crate) hop: u32,
}

thread_local! {
    static COLLECTED: RefCell<Option<Vec<Carried>>> = const { RefCell::new(None) };
    static DEPARTED: RefCell<Vec<Carried>> = const { RefCell::new(Vec::new()) };
}

/// Encodes something, and says which replies are in it.
pub(crate) fn collect<R>(encode: impl FnOnce() -> R) -> (R, Vec<Carried>) {
    struct Before(Option<Vec<Carried>>);
    impl Drop for Before {
        fn drop(&mut self) {
            COLLECTED.set(self.0.take()); // also when the encoding panics
        }
    }
    let before = Before(COLLECTED.replace(Some(Vec::new())));
    let encoded = encode();
    let carried = COLLECTED.take().unwrap_or_default();
    drop(before);
    (encoded, carried)
}

/// A reply is being encoded; true if somebody collects, and will see to it that it is not dropped in vain.
pub(crate) fn note(reply: Carried) -> bool {
    COLLECTED.with_borrow_mut(|collected| collected.as_mut().map(|carried| carried.push(reply)).is_some())
}

/// Drops what is on its way to a node by now, and tells the callers of the replies in it. `own` is the call that the
/// message itself belongs to, whose caller knows.
pub(crate) fn depart<T>(node: &Node, to: NodeId, value: T, carried: Vec<Carried>, own: Option<u64>) {
    for reply in carried.iter().filter(|reply| own != Some(reply.call)) {
        let moved = Control::Moved { call: reply.call, node: to, hop: reply.hop };
        send::control(node, reply.caller, moved);
    }
    let before = DEPARTED.replace(carried);
    drop(value);
    DEPARTED.set(before);
}

/// True if a reply that is dropped now is on its way elsewhere.
pub(crate) fn has_departed(caller: RawPid, call: u64) -> bool {
    DEPARTED.with_borrow(|departed| departed.iter().any(|reply| (reply.caller, reply.call) == (caller, call)))
}

/// Tells the callers that nobody will answer.
pub(crate) fn let_go(node: &Node, carried: &[Carried], reason: &Reason) {
    for reply in carried {
        send::control(node, reply.caller, Control::NoAnswer { call: reply.call, reason: reason.clone() });
    }
}

/// Names the replies in a signal at its end.
pub(crate) fn append(carried: &[Carried], into: &mut Vec<u8>) {
    for reply in carried {
        into.extend_from_slice(&reply.caller.slot.to_le_bytes());
        into.extend_from_slice(&reply.caller.generation.to_le_bytes());
        into.extend_from_slice(&reply.caller.node.0.to_le_bytes());
        into.extend_from_slice(&reply.call.to_le_bytes());
    }
    into.extend_from_slice(&(carried.len() as u32).to_le_bytes());
}

/// Parts a signal from the replies that it names; nothing if it is malformed.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], Vec<Carried>)> {
    let (rest, count) = bytes.split_last_chunk()?;
    let len = (u32::from_le_bytes(*count) as usize).checked_mul(ENTRY_LEN)?;
    let (signal, entries) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
    Some((signal, entries.chunks_exact(ENTRY_LEN).map(read).collect()))
}

fn read(entry: &[u8]) -> Carried {
    let word = |at: usize| u32::from_le_bytes([entry[at], entry[at + 1], entry[at + 2], entry[at + 3]]);
    let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
    let caller = RawPid { slot: word(0), generation: word(4), node: NodeId(long(8)) };
    Carried { caller, call: long(16), hop: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: Carried =
        Carried { caller: RawPid { node: NodeId(1 << 40), slot: 2, generation: 3 }, call: 4, hop: 0 };

    #[test]
    fn what_is_named_at_the_end_is_read_there_and_nothing_shorter_passes() {
        let mut bytes = b"signal".to_vec();
        append(&[REPLY, REPLY], &mut bytes);
        assert_eq!(split(&bytes), Some((&b"signal"[..], vec![REPLY, REPLY])));
        assert_eq!(split(&[0xff; 30]), None, "more than there is");
        assert_eq!(split(&bytes[..3]), None);
        assert_eq!(split(&[]), None);
    }

    #[test]
    fn replies_are_known_to_whoever_collects_and_to_nobody_else() {
        assert!(!note(REPLY));
        let ((), carried) = collect(|| assert!(note(REPLY)));
        assert_eq!(carried, [REPLY]);
        assert!(!note(REPLY));
    }
}

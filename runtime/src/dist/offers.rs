//! Messages on their way to bounded mailboxes of a peer: one for each sender and receiver, until the peer has answered.
//!
//! 1. The sender's node offers the message, and notes it here. While it is noted, the sender's next one is *behind* it.
//! 2. The receiver's node lets it in or makes it wait, and answers *taken* when it is in. A receiver that ends, or is not
//!    there, counts as one that took it: the message is lost like any other.
//! 3. A sender that gives up says *withdraw*. A message that still waits is taken out, and the answer is *not taken*; one
//!    that does not was answered before.
//!
//! So each offer is answered once, and a lost connection answers all.

use super::{Head, Peer, Refused, WhenFull, post, send_body};
use crate::{
    mailbox::{Ack, Acknowledge},
    message::Message,
    node::Node,
    pid::{NodeId, RawPid},
    process::current_pid,
    send::SendError,
};
use holm_transport::Lane;
use parking_lot::Mutex;
use std::collections::HashMap;

/// What a peer has not answered, by sender and receiver; nothing once the connection is lost.
#[derive(Debug)]
pub(super) struct Offers(Mutex<Option<HashMap<(RawPid, RawPid), Ack>>>);

impl Default for Offers {
    fn default() -> Self {
        Offers(Mutex::new(Some(HashMap::new())))
    }
}

/// Why a message was not offered; it comes back.
#[derive(Debug)]
pub(crate) enum Unoffered<M> {
    /// Another of the same sender is not answered.
    Behind(Ack, M),
    Refused(Refused, M),
}

/// What is known of the answer to an offer.
enum Begun {
    Now(Ack),
    Earlier(Ack),
    Lost,
}

/// A message that was offered.
#[derive(Debug)]
pub(crate) struct Offered<M> {
    pub(crate) ack: Ack,
    /// The message, to be given back if it is withdrawn; nothing if there are replies in it, which are on their way.
    pub(crate) message: Option<M>,
}

impl Offers {
    fn begin(&self, from: RawPid, to: RawPid) -> Begun {
        let mut offers = self.0.lock();
        let Some(offers) = offers.as_mut() else { return Begun::Lost };
        match offers.get(&(from, to)) {
            Some(earlier) => Begun::Earlier(earlier.clone()),
            None => Begun::Now(offers.entry((from, to)).or_default().clone()),
        }
    }

    fn settle(&self, from: RawPid, to: RawPid, taken: bool) {
        let ack = self.0.lock().as_mut().and_then(|offers| offers.remove(&(from, to)));
        ack.into_iter().for_each(|ack| ack.settle(taken));
    }

    /// The connection is lost: nobody waits.
    pub(super) fn close(&self) {
        let offers = self.0.lock().take().unwrap_or_default();
        offers.into_values().for_each(|ack| ack.settle(true));
    }
}

/// Offers a message of the current process.
pub(crate) fn offer<M: Message>(
    node: &Node,
    to: RawPid,
    message: M,
    when_full: WhenFull,
) -> Result<Offered<M>, Unoffered<M>> {
    let from = current_pid(node);
    offer_as(node, from, to, when_full, Head::Offer { to, hash: M::HASH, from }, message, None)
}

/// Offers a request of the current process.
pub(super) fn request<M: Message>(
    node: &Node,
    caller: RawPid,
    to: RawPid,
    head: Head<'_>,
    message: M,
    call: u64,
) -> Result<Result<(), (Refused, M)>, SendError<M>> {
    match offer_as(node, caller, to, WhenFull::HoldBack, head, message, Some(call)) {
        Ok(_) => Ok(Ok(())),
        Err(Unoffered::Behind(_, message)) => Err(SendError::Full(message)),
        Err(Unoffered::Refused(refused, message)) => Ok(Err((refused, message))),
    }
}

fn offer_as<M: Message>(
    node: &Node,
    from: RawPid,
    to: RawPid,
    when_full: WhenFull,
    head: Head<'_>,
    message: M,
    own_call: Option<u64>,
) -> Result<Offered<M>, Unoffered<M>> {
    let peer = node.peers.get(to.node);
    let ack = match peer.as_ref().map_or(Begun::Lost, |peer| peer.offers.begin(from, to)) {
        Begun::Now(ack) => ack,
        Begun::Earlier(ack) => return Err(Unoffered::Behind(ack, message)),
        Begun::Lost => return Err(Unoffered::Refused(Refused::NoConnection, message)),
    };
    match send_body(node, to.node, when_full, head, message, own_call) {
        Ok(message) => Ok(Offered { ack, message }),
        Err((refused, message)) => {
            peer.into_iter().for_each(|peer| peer.offers.settle(from, to, false));
            Err(Unoffered::Refused(refused, message))
        }
    }
}

/// The current process's message to a process that is not answered.
pub(crate) fn earlier(node: &Node, to: RawPid) -> Option<Ack> {
    let peer = node.peers.get(to.node)?;
    let offers = peer.offers.0.lock();
    offers.as_ref()?.get(&(current_pid(node), to)).cloned()
}

/// Asks for an offered message back.
pub(crate) fn withdraw(node: &Node, from: RawPid, to: RawPid) {
    // Behind the message, so in its lane. If it cannot be sent, the connection is lost, and the offer answered by that.
    let _ = post(node, to.node, Lane::Data, from.order_key(), WhenFull::HoldBack, |buffer| {
        Head::Withdraw { to, from }.encode(buffer);
        Ok(())
    });
}

/// Tells a sender of another node what became of its message to a process of this one.
pub(crate) fn acknowledge(node: &Node, sender: RawPid, receiver: RawPid, taken: bool) {
    // If it cannot be sent, the sender learns by the lost connection.
    let _ = post(node, sender.node, Lane::Control, receiver.order_key(), WhenFull::HoldBack, |buffer| {
        Head::Taken { to: sender, from: receiver, taken }.encode(buffer);
        Ok(())
    });
}

/// A sender of a peer wants its message back.
pub(super) fn withdrawn(node: &Node, from: RawPid, to: RawPid) {
    let gate = node.gates.get(to);
    let is_it = |waits: RawPid, tell: &Acknowledge| waits == from && matches!(tell, Acknowledge::There);
    if gate.and_then(|gate| gate.withdraw(is_it)).is_some() {
        acknowledge(node, from, to, false);
    }
}

/// A peer has answered an offer.
pub(super) fn answered(node: &Node, peer: NodeId, from: RawPid, to: RawPid, taken: bool) {
    let peer: Option<std::sync::Arc<Peer>> = node.peers.get(peer);
    peer.into_iter().for_each(|peer| peer.offers.settle(to, from, taken));
}

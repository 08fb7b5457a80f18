//! Other nodes: who is connected, and what is sent to them.
//!
//! ```text
//!   send ──► Peers ──► outbox ─┐                        ┌─► ops ──► deliver
//!            (by node)         ▼                        │
//!                       link task: outbox ─► session ─► road ─► … ─► session
//! ```
//!
//! A process that sends encodes its signal into the peer's outbox, under a short lock, and goes on. The link's task
//! swaps the outbox for an empty one when it has its turn, so that signals of one turn leave as one batch, and it alone
//! touches session and road. It runs as a plain task; remote spawn is a message to it like any other.

mod link;
mod offers;
mod ops;
mod outbox;
#[cfg(test)]
mod rejoin;
mod request;

pub(crate) use link::{Link, LinkState, start as start_link};
pub(crate) use offers::{Offered, Unoffered, acknowledge, earlier as earlier_offer, offer, withdraw};
pub(crate) use request::{InfoRequest, SpawnAnswer, SpawnRequest, info_there, spawn_there, whereis_there};

use crate::{
    carried, deliver,
    message::{Message, append_encoded},
    node::Node,
    pid::{NodeId, RawPid},
    process::current_order_key,
    reap::Ending,
    reason::Reason,
    send::SendError,
    signal::Control,
};
use holm_transport::Lane;
use offers::Offers;
use ops::Head;
use outbox::{Outbox, Refused};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::HashSet,
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

/// What a sender wants if the outbox is above its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WhenFull {
    /// Queue it all the same, and let others run before the sender goes on.
    HoldBack,
    /// Give it back.
    Refuse,
}

/// A connected node.
pub(crate) struct Peer {
    pub(crate) node: NodeId,
    pub(crate) name: Arc<str>,
    outbox: Outbox,
    offers: Offers,
    /// Processes of this node that have links, monitors or calls there; nothing once the connection is lost.
    bound: Mutex<Option<HashSet<RawPid>>>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Peer({})", self.name)
    }
}

/// The connected nodes.
#[derive(Debug, Default)]
pub(crate) struct Peers(RwLock<Vec<Arc<Peer>>>);

impl Peers {
    pub(crate) fn get(&self, node: NodeId) -> Option<Arc<Peer>> {
        self.0.read().iter().find(|peer| peer.node == node).cloned()
    }

    /// The connected nodes' ids and names.
    pub(crate) fn list(&self) -> Vec<(NodeId, Arc<str>)> {
        self.0.read().iter().map(|peer| (peer.node, peer.name.clone())).collect()
    }

    fn add(&self, peer: Arc<Peer>) {
        self.0.write().push(peer);
    }

    /// Takes a lost node off, and gives the processes that must hear of it.
    fn remove(&self, peer: &Arc<Peer>) -> HashSet<RawPid> {
        self.0.write().retain(|other| !Arc::ptr_eq(other, peer));
        peer.outbox.close();
        peer.offers.close();
        peer.bound.lock().take().unwrap_or_default()
    }

    /// A process begins to depend on a node; false if that is not connected.
    pub(crate) fn bind(&self, process: RawPid, node: NodeId) -> bool {
        let Some(peer) = self.get(node) else { return false };
        let mut bound = peer.bound.lock();
        bound.as_mut().map(|bound| bound.insert(process)).is_some()
    }

    /// A process that depended on other nodes has ended.
    pub(crate) fn forget(&self, process: RawPid) {
        for peer in self.0.read().iter() {
            if let Some(bound) = &mut *peer.bound.lock() {
                bound.remove(&process);
            }
        }
    }
}

/// Queues a signal for a node.
fn post(
    node: &Node,
    to: NodeId,
    lane: Lane,
    key: u64,
    when_full: WhenFull,
    encode: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
) -> Result<(), Refused> {
    let peer = node.peers.get(to).ok_or(Refused::NoConnection)?;
    peer.outbox.push(lane, key, when_full, encode)
}

/// Sends a message to a process of another node. If there is no connection it is lost, like one to a process that has
/// ended.
#[cold]
pub(crate) fn send_message<M: Message>(
    node: &Node,
    to: RawPid,
    message: M,
    when_full: WhenFull,
) -> Result<(), SendError<M>> {
    if to.marks().acknowledges() {
        return match offer(node, to, message, when_full) {
            Ok(_) => Ok(()),
            Err(Unoffered::Behind(_, message)) => Err(SendError::Full(message)),
            Err(Unoffered::Refused(refused, message)) => lose_or_return(refused, message),
        };
    }
    send_or_lose(node, to.node, when_full, Head::Message { to, hash: M::HASH }, message)
}

/// As [`send_message`], through an alias of the process.
#[cold]
pub(crate) fn send_through_alias<M: Message>(
    node: &Node,
    to: RawPid,
    alias: u32,
    message: M,
) -> Result<(), SendError<M>> {
    send_or_lose(node, to.node, WhenFull::HoldBack, Head::Aliased { to, hash: M::HASH, alias }, message)
}

/// As [`send_message`], to whoever has a name there.
pub(crate) fn send_to_name<M: Message>(
    node: &Node,
    to: NodeId,
    name: &str,
    message: M,
    when_full: WhenFull,
) -> Result<(), SendError<M>> {
    send_or_lose(node, to, when_full, Head::Named { hash: M::HASH, name }, message)
}

/// Sends a request: as a message, but if nobody is there to take it, the caller is told.
pub(crate) fn send_request<M: Message>(
    node: &Node,
    to: RawPid,
    message: M,
    call: (RawPid, u64),
) -> Result<(), SendError<M>> {
    let head = Head::Request { to, hash: M::HASH, caller: call.0, call: call.1 };
    let sent = match to.marks().acknowledges() {
        true => offers::request(node, call.0, to, head, message, call.1)?,
        false => send_body(node, to.node, WhenFull::HoldBack, head, message, Some(call.1)).map(drop),
    };
    match sent {
        Ok(()) => Ok(()),
        Err((Refused::NoConnection, _)) => {
            let lost = Control::NoAnswer { call: call.1, reason: Reason::NoConnection };
            // The caller is the current process, so it lives.
            let _ = deliver::control(node, call.0, lost);
            Ok(())
        }
        Err((refused, message)) => Err(refused.of(message)),
    }
}

/// Sends the answer to a call of another node; if that cannot be, the caller learns of it by the lost connection, or is
/// told that there is no answer.
pub(crate) fn send_answer<T: Message>(node: &Node, to: RawPid, call: u64, value: T) {
    let head = Head::Answer { to, hash: T::HASH, call };
    let sent = send_body(node, to.node, WhenFull::HoldBack, head, value, None);
    if let Err((Refused::Unsendable(why), _)) = sent {
        send_control(node, to, Control::NoAnswer { call, reason: Reason::error(why) });
    }
}

fn send_or_lose<M: Message>(
    node: &Node,
    to: NodeId,
    when_full: WhenFull,
    head: Head<'_>,
    message: M,
) -> Result<(), SendError<M>> {
    match send_body(node, to, when_full, head, message, None) {
        Ok(_) => Ok(()),
        Err((refused, message)) => lose_or_return(refused, message),
    }
}

/// What a sender of messages is told: one to a node that is not connected is lost.
pub(crate) fn lose_or_return<M>(refused: Refused, message: M) -> Result<(), SendError<M>> {
    if refused == Refused::NoConnection {
        let _ending = Ending::with(Reason::NoConnection); // for the replies in it
        drop(message);
        return Ok(());
    }
    Err(refused.of(message))
}

/// Queues what has a body; see [`carried`] for the replies in it. What is refused comes back, and so does what could be
/// sent again: a message without replies.
fn send_body<M: Message>(
    node: &Node,
    to: NodeId,
    when_full: WhenFull,
    head: Head<'_>,
    body: M,
    own_call: Option<u64>,
) -> Result<Option<M>, (Refused, M)> {
    let Some(wire) = M::WIRE else { return Err((Refused::CannotCross, body)) };
    let key = current_order_key();
    let mut carried = Vec::new();
    let sent = post(node, to, Lane::Data, key, when_full, |buffer| {
        let start = buffer.len();
        head.encode(buffer);
        let encoded;
        (encoded, carried) = carried::collect(|| (wire.encode)(&body, buffer));
        // The head of a request names its own reply.
        if carried.iter().any(|reply| own_call != Some(reply.call)) {
            buffer[start] |= ops::CARRIES;
            carried::append(&carried, buffer);
        }
        encoded.map_err(|error| error.to_string())
    });
    match sent {
        Ok(()) if carried.is_empty() => Ok(Some(body)),
        Ok(()) => {
            carried::depart(node, to, body, carried, own_call);
            Ok(None)
        }
        Err(refused) => Err((refused, body)),
    }
}

/// Asks a node to set a monitor on whoever has a name there; if there is no connection, it fires.
pub(crate) fn watch_name(node: &Node, to: NodeId, watcher: RawPid, monitor: u64, name: &str) {
    let request = request::WatchRequest { watcher, monitor, name: name.to_string() };
    let sent = post(node, to, Lane::Control, watcher.order_key(), WhenFull::HoldBack, |buffer| {
        Head::Watch.encode(buffer);
        append_encoded(&request, buffer).map_err(|error| error.to_string())
    });
    if sent.is_err() {
        let nobody = RawPid::nobody(to);
        let lost = Control::Down { from: nobody, monitor, reason: Reason::NoConnection };
        let _ = deliver::control(node, watcher, lost); // the watcher is the current process
    }
}

/// Sends a control signal to a process of another node. A request that finds no connection is answered as if the other
/// side had been lost just then.
pub(crate) fn send_control(node: &Node, to: RawPid, control: Control) {
    let key = control.sender().map_or_else(current_order_key, RawPid::order_key);
    let sent = post(node, to.node, Lane::Control, key, WhenFull::HoldBack, |buffer| {
        Head::Control { to }.encode(buffer);
        append_encoded(&control, buffer).map_err(|error| error.to_string())
    });
    if sent.is_ok() {
        return;
    }
    let (from, lost) = match control {
        Control::Link { from } => (from, Control::Exit { from: to, reason: Reason::NoConnection, by_link: true }),
        Control::Monitor { from, monitor } => (from, Control::Down { from: to, monitor, reason: Reason::NoConnection }),
        _ => return,
    };
    let _ = deliver::control(node, from, lost); // one that has ended needs no answer
}

/// Ready when the link to a node takes more, or is lost.
pub(crate) fn poll_room(node: &Node, to: NodeId, context: &mut Context<'_>) -> Poll<()> {
    match node.peers.get(to) {
        Some(peer) => peer.outbox.poll_room(context),
        None => Poll::Ready(()),
    }
}

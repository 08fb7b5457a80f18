//! Sending with a wait for room: the sender's side, on this node and across a wall.
//!
//! On one node the message itself stands in the waiting room, and the sender waits to be told. Across a wall it stands in
//! the receiver's waiting room too, so a sender that gives up asks for it back, and learns whether it came too late.

use super::{Ack, Acknowledge, Gate, Offer};
use crate::{
    deliver,
    dist::{self, Offered, Unoffered, WhenFull},
    message::Message,
    node::{self, Node},
    pid::RawPid,
    process::{current_pid, within},
    send::SendError,
};
use std::{sync::Arc, time::Duration};

/// A sender that waits longer is reported (`tracing`, at `WARN`), again each time that this has passed: two processes that
/// wait for each other are not stopped silently.
const STALL: Duration = Duration::from_secs(5);

/// Sends to a process whose senders wait, at most `limit` if there is one.
///
/// # Cancel safety
///
/// The message is withdrawn; across nodes it may be in just then.
pub(crate) async fn send_waiting<M: Message>(
    node: &'static Node,
    to: RawPid,
    message: M,
    limit: Option<Duration>,
) -> Result<(), SendError<M>> {
    match to.node == node.id {
        true => wait_here(node, to, message, limit).await,
        false => wait_there(node, to, message, limit).await,
    }
}

async fn wait_here<M: Message>(
    node: &'static Node,
    to: RawPid,
    message: M,
    limit: Option<Duration>,
) -> Result<(), SendError<M>> {
    let ack = Ack::default();
    let tell = (current_pid(node), Acknowledge::Here(ack.clone()));
    let gate = match deliver::bring(node, to, message, Some(tell)) {
        (Offer::Waits, Some(gate)) => gate,
        (Offer::Full(letter), _) => return Err(SendError::Full(deliver::opened(letter))),
        _ => return Ok(()),
    };
    let standing = Standing { gate, ack };
    if settled(&standing.ack, to, limit).await.is_some() {
        return Ok(());
    }
    // Nothing comes back if it was let in at the last moment.
    standing.withdraw().map_or(Ok(()), |letter| Err(SendError::Full(deliver::opened(letter))))
}

/// A message of this node that waits. Whoever drops this no longer wants it sent.
struct Standing {
    gate: Arc<Gate>,
    ack: Ack,
}

impl Standing {
    fn withdraw(&self) -> Option<crate::letter::Owned> {
        self.gate.withdraw(|_, tell| matches!(tell, Acknowledge::Here(ack) if ack.is(&self.ack)))
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if !self.ack.is_settled() {
            drop(self.withdraw());
        }
    }
}

async fn wait_there<M: Message>(
    node: &'static Node,
    to: RawPid,
    mut message: M,
    limit: Option<Duration>,
) -> Result<(), SendError<M>> {
    let offered = loop {
        match dist::offer(node, to, message, WhenFull::HoldBack) {
            Ok(offered) => break offered,
            Err(Unoffered::Refused(refused, message)) => return dist::lose_or_return(refused, message),
            Err(Unoffered::Behind(earlier, back)) if settled(&earlier, to, limit).await.is_some() => message = back,
            Err(Unoffered::Behind(_, message)) => return Err(SendError::Full(message)),
        }
    };
    let Offered { ack, message } = offered;
    let mut standing = StandingThere { from: current_pid(node), to, ack, stays: false };
    if settled(&standing.ack, to, limit).await.is_some() {
        return Ok(());
    }
    let Some(message) = message else {
        // Whoever waits for the replies in it learns what becomes of it: it stays where it stands.
        standing.stays = true;
        return Ok(());
    };
    standing.withdraw();
    match standing.ack.settled().await {
        true => Ok(()),
        false => Err(SendError::Full(message)),
    }
}

/// Sends a request to a process whose senders wait, at most `limit` if there is one. Across a wall it is not waited for
/// that the request is in: the answer says more.
///
/// # Cancel safety
///
/// As [`send_waiting`].
pub(crate) async fn request_waiting<M: Message>(
    node: &'static Node,
    to: RawPid,
    mut message: M,
    call: (RawPid, u64),
    limit: Option<Duration>,
) -> Result<(), SendError<M>> {
    if to.node == node.id {
        return wait_here(node, to, message, limit).await;
    }
    loop {
        message = match dist::send_request(node, to, message, call) {
            Err(SendError::Full(message)) => message,
            sent => return sent,
        };
        if let Some(earlier) = dist::earlier_offer(node, to)
            && settled(&earlier, to, limit).await.is_none()
        {
            return Err(SendError::Full(message));
        }
    }
}

/// A message that was offered to another node. Whoever drops this no longer wants it sent.
struct StandingThere {
    from: RawPid,
    to: RawPid,
    ack: Ack,
    stays: bool,
}

impl StandingThere {
    fn withdraw(&self) {
        if let Some(node) = node::here() {
            dist::withdraw(node, self.from, self.to);
        }
    }
}

impl Drop for StandingThere {
    fn drop(&mut self) {
        if !self.stays && !self.ack.is_settled() {
            self.withdraw();
        }
    }
}

/// Waits for the answer, at most `limit`, and reports a long wait.
async fn settled(ack: &Ack, to: RawPid, limit: Option<Duration>) -> Option<bool> {
    let mut waited = Duration::ZERO;
    loop {
        let slice = limit.map_or(STALL, |limit| STALL.min(limit - waited));
        if let Some(taken) = within(slice, ack.settled()).await {
            return Some(taken);
        }
        waited += slice;
        if limit == Some(waited) {
            return None;
        }
        let from = node::here().map(current_pid);
        tracing::warn!(?from, ?to, waited_s = waited.as_secs(), "a sender waits for room in a mailbox");
    }
}

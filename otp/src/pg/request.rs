//! What the process of a scope receives, from its own node and from its peers.

use super::scope::Gossip;
use holm::{Crosses, Message, Pid, Reply, Wire};
use serde::{Deserialize, Serialize};

/// See the module's text. `M` is what the members take.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Request<M> {
    Join {
        group: String,
        member: Pid<M>,
        done: Reply<()>,
    },
    /// Answered with whether it was a member.
    Leave {
        group: String,
        member: Pid<M>,
        done: Reply<bool>,
    },
    Gossip {
        from: Peer<M>,
        gossip: Gossip<Pid<M>>,
    },
}

/// A scope's process, here or on another node.
pub(super) type Peer<M> = Pid<Request<M>>;

impl<M: Message> Message for Request<M> {
    const NAME: &'static str = "holm_otp::pg::Request";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
    // Scopes whose members take other messages do not understand each other.
    const HASH: u32 = M::HASH.rotate_left(11) ^ 0x70_67_72_71;
}

impl<M: Message> Crosses for Request<M> {}

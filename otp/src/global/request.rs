//! What the process of a scope receives, from its own node and from its peers, and what it tells one that lost a name.

use super::names::{Gossip, Verdict};
use holm::{Crosses, Message, Pid, Reply, Wire};
use serde::{Deserialize, Serialize};

/// See the module's text. `M` is what the processes with names take.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub(super) enum Request<M> {
    Register {
        name: String,
        holder: Pid<M>,
        takes: bool,
        done: Reply<Verdict<Pid>>,
    },
    /// Answered with whether somebody on this node had it.
    Unregister {
        name: String,
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
    const NAME: &'static str = "holm_otp::global::Request";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
    // Scopes whose processes take other messages do not understand each other.
    const HASH: u32 = M::HASH.rotate_left(11) ^ 0x67_6c_6f_62;
}

impl<M: Message> Crosses for Request<M> {}

impl Message for Verdict<Pid> {
    const NAME: &'static str = "holm_otp::global::Verdict";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
}

impl Crosses for Verdict<Pid> {}

/// The reason of the exit signal to a process that lost its name to another, when two parts of a cluster met that had
/// both given it away. It comes from the scope's process on its node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct NameConflict {
    /// Which name.
    pub name: String,
    /// Who has it.
    pub winner: Pid,
}

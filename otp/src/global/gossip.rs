//! What nodes say to each other of names, and what the rules of the [names](super::names) want done.

#[cfg(doc)]
use super::names::Names;
use serde::{Deserialize, Serialize};

/// A process's right to a name; the lower is the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim<H> {
    /// A Lamport clock's reading when it was made.
    pub stamp: u64,
    /// Whose it is.
    pub holder: H,
}

/// What one node says to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gossip<H> {
    /// Who are you?
    Discover,
    /// All names that processes on the sender's node have.
    Sync(Vec<(String, Claim<H>)>),
    /// May I have this name? With true I take it from whoever has it.
    Ask(String, Claim<H>, bool),
    /// Yes.
    Grant(String, Claim<H>),
    /// No: this process has it.
    Refuse(String, Claim<H>, H),
    /// The name is given away on the sender's node.
    Hold(String, Claim<H>),
    /// Nobody on the sender's node has it any more.
    Free(String),
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict<H> {
    /// The process has the name.
    Granted,
    /// This one has it.
    Taken(H),
    /// The process that was to have it has ended.
    Ended,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<P, H, T> {
    /// Send this to a peer.
    Send(P, Gossip<H>),
    /// Say when the peer is lost, by [`Names::peer_down`].
    WatchPeer(P),
    /// Say when the process has ended, by [`Names::holder_down`].
    Watch(H),
    /// The process has and wants no name any more: no need to say when it ends.
    Unwatch(H),
    /// Tell whoever asked by [`Names::register`].
    Answer(T, Verdict<H>),
    /// Tell a process that it lost its name, for another has an older right to it.
    TellLoser {
        /// Whom.
        loser: H,
        /// Which name.
        name: String,
        /// Who has it.
        winner: H,
    },
}

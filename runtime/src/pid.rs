//! Process identifiers.
//!
//! ```text
//!  node         8   hash of the node's name (32 bits), incarnation (32 bits): see layout/place.rs
//!  slot         4   where the process lives in its node, and what others must know of its mailbox (mailbox.rs)
//!  generation   4   which of the slot's processes
//! ```
//!
//! A pid is plain data, sixteen bytes, and stays the same on every node (BEAM's pids are renumbered on their way). A
//! process that has ended never shares its pid with a later one: the slot's generation moves on, and a node that
//! starts again draws another incarnation.

use crate::mailbox::Marks;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

/// A node, and which of its starts: no two nodes that ever ran share one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub(crate) u64);

impl NodeId {
    /// What drew the line: the random part, other at each start of the node.
    pub fn incarnation(self) -> u32 {
        self.0 as u32
    }

    /// The number as a whole.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}.{:08x}", self.0 >> 32, self.0 as u32)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// The type of messages of a process is not known here: such a pid can be linked, monitored and sent an exit signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untyped {}

/// A process, and the type of messages that it receives.
///
/// `Pid` alone is a pid whose process's messages are of unknown type; see [`Pid::untyped`].
///
/// ```
/// use holm::{Pid, Process};
///
/// holm::block_on(async |mut me: Process<u64>| {
///     let parent: Pid<u64> = me.pid();
///     me.spawn(async move |child: Process<()>| {
///         parent.send(7).unwrap();
///         assert_ne!(child.pid().untyped(), parent.untyped());
///     })
///     .unwrap();
///     assert_eq!(me.receive().await, 7);
/// })
/// .unwrap();
/// ```
pub struct Pid<M = Untyped> {
    pub(crate) raw: RawPid,
    messages: PhantomData<fn(M)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RawPid {
    pub(crate) node: NodeId,
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl RawPid {
    /// No process of a node.
    pub(crate) const fn nobody(node: NodeId) -> Self {
        RawPid { node, slot: u32::MAX, generation: 0 }
    }

    /// True if it is no process of its node.
    pub(crate) fn is_nobody(self) -> bool {
        self.slot == u32::MAX
    }

    /// The slot's number alone.
    pub(crate) fn index(self) -> u32 {
        self.slot & !Marks::ALL
    }

    /// What the pid says of its process's mailbox.
    pub(crate) fn marks(self) -> Marks {
        Marks(self.slot & Marks::ALL)
    }

    /// The key under which a link keeps the order of what this process sends.
    pub(crate) fn order_key(self) -> u64 {
        order_key(self.index(), self.generation)
    }
}

impl fmt::Debug for RawPid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{:?}.{}.{}>", self.node, self.index(), self.generation)
    }
}

/// See [`RawPid::order_key`].
pub(crate) fn order_key(slot: u32, generation: u32) -> u64 {
    u64::from(slot) << 32 | u64::from(generation)
}

impl<M> Pid<M> {
    pub(crate) const fn new(raw: RawPid) -> Self {
        Pid { raw, messages: PhantomData }
    }

    /// The node on which the process lives.
    pub fn node(self) -> NodeId {
        self.raw.node
    }

    /// The same process, without the type of its messages.
    pub const fn untyped(self) -> Pid {
        Pid::new(self.raw)
    }
}

impl Pid {
    /// The same process, said to receive messages of this type. If it does not, a message to it is dropped, as one to a
    /// process that has ended.
    pub const fn receiving<N>(self) -> Pid<N> {
        Pid::new(self.raw)
    }
}

impl<M> Clone for Pid<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Pid<M> {}

impl<M, N> PartialEq<Pid<N>> for Pid<M> {
    fn eq(&self, other: &Pid<N>) -> bool {
        self.raw == other.raw
    }
}

impl<M> Eq for Pid<M> {}

impl<M> Hash for Pid<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl<M> PartialOrd for Pid<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> Ord for Pid<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}

impl<M> fmt::Debug for Pid<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.raw, f)
    }
}

impl<M> fmt::Display for Pid<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.raw, f)
    }
}

impl<M> From<&Pid<M>> for Pid {
    fn from(pid: &Pid<M>) -> Pid {
        pid.untyped()
    }
}

impl<M> Serialize for Pid<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.raw.serialize(serializer)
    }
}

impl<'de, M> Deserialize<'de> for Pid<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawPid::deserialize(deserializer).map(Pid::new)
    }
}

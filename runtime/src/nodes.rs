//! The layout as a program sees it: its schedulers and nodes.

use crate::layout;

/// How many schedulers the whole layout has.
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn schedulers() -> u32 {
    crate::node::here().expect("only code that holm runs can ask for the layout").place.schedulers()
}

/// The nodes of the layout by rank: id, name, and the schedulers that each runs.
///
/// # Panics
///
/// As [`schedulers`].
pub fn nodes() -> Vec<NodeInfo> {
    let node = crate::node::here().expect("only code that holm runs can ask for the layout");
    let connected = node.peers.list();
    let info = |place: &layout::NodePlace| NodeInfo {
        id: crate::NodeId(place.id),
        name: place.name.clone(),
        schedulers: place.schedulers.clone(),
        connected: place.id == node.id.get() || connected.iter().any(|(id, _)| id.get() == place.id),
    };
    node.place.nodes.iter().map(info).collect()
}

/// One node of the layout, as another sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its id.
    pub id: crate::NodeId,
    /// `PROGRAM-RANK@HOST`.
    pub name: String,
    /// The schedulers it runs, numbered over the whole layout.
    pub schedulers: std::ops::Range<u32>,
    /// Whether it can be reached now; a node can reach itself.
    pub connected: bool,
}

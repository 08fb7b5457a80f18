//! What a process can learn of other nodes.

use crate::pid::NodeId;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A node came or went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeEvent {
    /// A node is connected. It comes before any message from that node.
    Up {
        /// Which one.
        node: NodeId,
        /// Its name.
        name: Arc<str>,
    },
    /// A node is lost. It comes after every message from that node.
    Down {
        /// Which one.
        node: NodeId,
        /// Its name.
        name: Arc<str>,
        /// Why, in words.
        why: Arc<str>,
    },
}

impl fmt::Display for NodeEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeEvent::Up { name, .. } => write!(f, "node {name} is up"),
            NodeEvent::Down { name, why, .. } => write!(f, "node {name} is down: {why}"),
        }
    }
}

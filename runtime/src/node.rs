//! The node: what all processes of one runtime share, and how code finds the node that it runs in.

use crate::{dist::Peers, layout::Place, names::Names, node_event::NodeEvent, pid::NodeId, pid::RawPid};
use holm_scheduler::Pool;
use parking_lot::Mutex;
use std::{
    cell::Cell,
    collections::BTreeSet,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) place: Place,
    pub(crate) pool: Arc<Pool>,
    pub(crate) names: Names,
    pub(crate) peers: Peers,
    pub(crate) counters: Counters,
    watchers: Mutex<BTreeSet<RawPid>>,
}

/// What went wrong without anybody to tell.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Messages from other nodes that were not what their receiver takes, or could not be decoded.
    pub(crate) undecodable: AtomicU64,
    /// Signals from other nodes that speak for processes which are not theirs.
    pub(crate) impostors: AtomicU64,
}

thread_local! {
    static NODE: Cell<*const Node> = const { Cell::new(ptr::null()) };
}

impl Node {
    pub(crate) fn new(place: Place, pool: Arc<Pool>) -> Arc<Node> {
        Arc::new(Node {
            id: NodeId(place.node().id),
            place,
            pool,
            names: Names::default(),
            peers: Peers::default(),
            counters: Counters::default(),
            watchers: Mutex::default(),
        })
    }

    /// Makes this thread, a scheduler's, find the node. The runtime keeps the node until its schedulers have ended.
    pub(crate) fn settle(self: &Arc<Self>) {
        NODE.set(Arc::as_ptr(self));
    }

    /// The number within this node of a scheduler that is numbered over the whole layout.
    pub(crate) fn local_scheduler(&self, scheduler: u32) -> Option<usize> {
        let mine = &self.place.node().schedulers;
        mine.contains(&scheduler).then(|| (scheduler - mine.start) as usize)
    }

    pub(crate) fn watch_nodes(&self, watcher: RawPid, on: bool) {
        match on {
            true => self.watchers.lock().insert(watcher),
            false => self.watchers.lock().remove(&watcher),
        };
    }

    /// Tells everybody who watches.
    pub(crate) fn tell_watchers(&self, event: &NodeEvent) {
        let watchers: Vec<RawPid> = self.watchers.lock().iter().copied().collect();
        for watcher in watchers {
            // A watcher that has ended needs no event.
            let _ = crate::deliver::control(self, watcher, crate::signal::Control::Node(event.clone()));
        }
    }

    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Relaxed);
    }
}

/// The node that this thread schedules for.
#[inline]
pub(crate) fn here() -> Option<&'static Node> {
    // SAFETY: `settle` is called on scheduler threads only, and the runtime keeps the node until these have ended; a
    // reference is used within one turn of a task.
    unsafe { NODE.get().as_ref() }
}

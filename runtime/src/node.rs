//! The node: what all processes of one runtime share, and how code finds the node that it runs in.

use crate::{
    dist::Peers,
    layout::Place,
    mailbox::{Gates, LongMailbox},
    names::Names,
    node_event::NodeEvent,
    pid::NodeId,
    pid::RawPid,
};
use holm_scheduler::Pool;
use parking_lot::Mutex;
use std::{
    cell::Cell,
    collections::{BTreeSet, HashMap},
    ptr,
    sync::{
        Arc, Weak,
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
    pub(crate) gates: Gates,
    /// Parents on other nodes, by child.
    pub(crate) parents: Mutex<HashMap<RawPid, RawPid>>,
    pub(crate) long_mailbox: LongMailbox,
    pub(crate) counters: Counters,
    watchers: Mutex<BTreeSet<RawPid>>,
    /// Processes that are told first of a stop.
    first: Mutex<BTreeSet<RawPid>>,
    me: Weak<Node>,
}

/// What went wrong without anybody to tell.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Messages from other nodes that were not what their receiver takes, or could not be decoded.
    pub(crate) undecodable: AtomicU64,
    /// Messages from other nodes to names that nobody has here.
    pub(crate) unnamed: AtomicU64,
    /// Signals from other nodes that speak for processes which are not theirs.
    pub(crate) impostors: AtomicU64,
}

thread_local! {
    static NODE: Cell<*const Node> = const { Cell::new(ptr::null()) };
}

impl Node {
    pub(crate) fn new(place: Place, pool: Arc<Pool>) -> Arc<Node> {
        Arc::new_cyclic(|me| Node {
            id: NodeId(place.node().id),
            place,
            pool,
            names: Names::default(),
            peers: Peers::default(),
            gates: Gates::default(),
            parents: Mutex::default(),
            long_mailbox: LongMailbox::default(),
            counters: Counters::default(),
            watchers: Mutex::default(),
            first: Mutex::default(),
            me: me.clone(),
        })
    }

    /// Makes this thread, a scheduler's, find the node. The runtime keeps the node until its schedulers have ended.
    pub(crate) fn settle(self: &Arc<Self>) {
        NODE.set(Arc::as_ptr(self));
    }

    /// The node, for whoever may outlive its runtime.
    pub(crate) fn shared(&self) -> Option<Arc<Node>> {
        self.me.upgrade()
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

    pub(crate) fn stop_first(&self, process: RawPid, on: bool) {
        match on {
            true => self.first.lock().insert(process),
            false => self.first.lock().remove(&process),
        };
    }

    /// The processes that are told first of a stop.
    pub(crate) fn first_to_stop(&self) -> Vec<RawPid> {
        self.first.lock().iter().copied().collect()
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

/// Makes this thread, which is no scheduler of the node, find it until the visit ends.
pub(crate) fn visit(node: Arc<Node>) -> Visit {
    let before = NODE.replace(Arc::as_ptr(&node));
    Visit { before, _node: node }
}

/// While it lasts, the thread finds the node, and the node stays.
pub(crate) struct Visit {
    /// What the thread found before: it may be a scheduler's of another runtime.
    before: *const Node,
    _node: Arc<Node>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        NODE.set(self.before);
    }
}

/// The node that this thread belongs to.
#[inline]
pub(crate) fn here() -> Option<&'static Node> {
    // SAFETY: a scheduler's thread finds the node that its runtime keeps until the schedulers have ended, a visiting
    // thread the one that its visit keeps; a reference is used within one turn of a task, or within the visit.
    unsafe { NODE.get().as_ref() }
}

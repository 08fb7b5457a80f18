//! The children of a static supervisor: in the order of their start, each with how it is.
//!
//! They are looked up one by one: a supervisor whose children were written down has few. Many, that come and go, are
//! for a dynamic supervisor.

use super::{
    order::{ChildCount, ChildInfo, ChildState, Which},
    specification::{Restart, Specification},
};
use holm::Pid;

/// One child.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) child: Specification,
    pub(crate) state: ChildState,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Children(Vec<Entry>);

impl Children {
    /// Children that do not run yet.
    pub(crate) fn new(children: Vec<Specification>) -> Self {
        let entry = |child| Entry { child, state: ChildState::Stopped };
        Children(children.into_iter().map(entry).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn at(&self, at: usize) -> &Entry {
        &self.0[at]
    }

    pub(crate) fn set(&mut self, at: usize, state: ChildState) {
        self.0[at].state = state;
    }

    /// Adds one behind the others.
    pub(crate) fn push(&mut self, child: Specification, state: ChildState) {
        self.0.push(Entry { child, state });
    }

    pub(crate) fn forget(&mut self, at: usize) {
        self.0.remove(at);
    }

    /// The child that is meant.
    pub(crate) fn find(&self, which: &Which) -> Option<usize> {
        match which {
            Which::Id(id) => self.0.iter().position(|entry| entry.child.id == *id),
            Which::Pid(pid) => self.running_as(*pid),
        }
    }

    /// The child that runs as this process.
    pub(crate) fn running_as(&self, pid: Pid) -> Option<usize> {
        self.0.iter().position(|entry| entry.state == ChildState::Running(pid))
    }

    pub(crate) fn restarts(&self) -> Vec<Restart> {
        self.0.iter().map(|entry| entry.child.restart).collect()
    }

    /// True if a significant child runs, or is about to run again.
    pub(crate) fn a_significant_runs(&self) -> bool {
        self.0.iter().any(|entry| entry.child.significant && entry.state != ChildState::Stopped)
    }

    pub(crate) fn list(&self) -> Vec<ChildInfo> {
        let info = |Entry { child, state }: &Entry| ChildInfo {
            id: child.id.clone(),
            state: *state,
            kind: child.kind,
            restart: child.restart,
        };
        self.0.iter().map(info).collect()
    }

    pub(crate) fn count(&self) -> ChildCount {
        let mut count = ChildCount::default();
        self.0.iter().for_each(|entry| count.add(entry.child.kind, entry.state));
        count
    }
}

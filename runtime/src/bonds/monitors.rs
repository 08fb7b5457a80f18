//! One process's monitors, both those that it set and those that others set on it, as plain data.
//!
//! A monitor by name is set on whoever has the name when the request arrives, and the watcher learns who that is by a
//! signal, `Found`. Until then it knows only the node:
//!
//! | a signal | monitor unknown | by name, nobody found yet | pid known |
//! | --- | --- | --- | --- |
//! | `Found(P)` | tell P that nobody watches | it is P | – |
//! | `Down` from P | – | gone, takes effect if P is of that node | gone, takes effect if it is P |
//!
//! So a monitor that is removed before its holder was found leaves no record behind with the holder.

use crate::pid::{NodeId, RawPid};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Whom a monitor watches: a process, or the one that had a name, whose pid may not be known.
pub(crate) type Target = (RawPid, Option<Arc<str>>);

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Monitors {
    set: BTreeMap<u64, RawPid>,
    names: BTreeMap<u64, Arc<str>>,
    by: BTreeSet<(RawPid, u64)>,
}

impl Monitors {
    /// How many are set, and how many others have set on the process.
    pub(crate) fn len(&self) -> (usize, usize) {
        (self.set.len(), self.by.len())
    }

    /// The process watches another.
    pub(crate) fn watch(&mut self, monitor: u64, other: RawPid) {
        self.set.insert(monitor, other);
    }

    /// The process watches whoever has a name on a node.
    pub(crate) fn watch_name(&mut self, monitor: u64, node: NodeId, name: Arc<str>) {
        self.set.insert(monitor, RawPid::nobody(node));
        self.names.insert(monitor, name);
    }

    /// `Found` came: this process has the name. False if nobody watches it any more, and it must be told.
    pub(crate) fn found(&mut self, monitor: u64, holder: RawPid) -> bool {
        // The planted mistake: a monitor that is gone tells nobody.
        #[cfg(mutant)]
        self.set.entry(monitor).or_insert(holder);
        match self.set.get_mut(&monitor) {
            Some(other) if *other == RawPid::nobody(holder.node) => {
                *other = holder;
                true
            }
            Some(other) => *other == holder,
            None => false,
        }
    }

    /// `Down` came: whom the monitor watched, if it was set on its sender.
    pub(crate) fn fired(&mut self, monitor: u64, from: RawPid) -> Option<Target> {
        let other = *self.set.get(&monitor)?;
        if other != from && other != RawPid::nobody(from.node) {
            return None;
        }
        self.set.remove(&monitor);
        Some((other, self.names.remove(&monitor)))
    }

    /// The process ends a monitor: the watched one, who may not be known.
    pub(crate) fn unwatch(&mut self, monitor: u64) -> Option<RawPid> {
        self.names.remove(&monitor);
        self.set.remove(&monitor)
    }

    /// `Monitor` came.
    pub(crate) fn watched_by(&mut self, watcher: RawPid, monitor: u64) {
        self.by.insert((watcher, monitor));
    }

    /// `Demonitor` came.
    pub(crate) fn unwatched_by(&mut self, watcher: RawPid, monitor: u64) {
        self.by.remove(&(watcher, monitor));
    }

    /// A node is lost: the monitors that fire.
    pub(crate) fn lose_node(&mut self, node: NodeId) -> Vec<(u64, Target)> {
        self.by.retain(|(watcher, _)| watcher.node != node);
        let lost: Vec<_> = self.set.iter().filter(|(_, pid)| pid.node == node).map(|(at, pid)| (*at, *pid)).collect();
        let end = |(monitor, pid)| {
            self.set.remove(&monitor);
            (monitor, (pid, self.names.remove(&monitor)))
        };
        lost.into_iter().map(end).collect()
    }

    /// Who watches the process, and under which number.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = (RawPid, u64)> + '_ {
        self.by.iter().copied()
    }

    /// Whom the process watches and knows, and under which number.
    pub(crate) fn watched(&self) -> impl Iterator<Item = (RawPid, u64)> + '_ {
        self.set.iter().filter(|(_, pid)| !pid.is_nobody()).map(|(monitor, pid)| (*pid, *monitor))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const THERE: NodeId = NodeId(2);
    const HOLDER: RawPid = RawPid { node: THERE, slot: 7, generation: 0 };

    #[test]
    fn a_monitor_by_name_fires_with_the_name_whoever_had_it() {
        let mut monitors = Monitors::default();
        for found in [true, false] {
            monitors.watch_name(1, THERE, "printer".into());
            assert!(!found || monitors.found(1, HOLDER));
            let stranger = RawPid { node: NodeId(3), ..HOLDER };
            assert_eq!(monitors.fired(1, stranger), None);
            let (_, name) = monitors.fired(1, HOLDER).unwrap();
            assert_eq!(name.as_deref(), Some("printer"));
            assert_eq!(monitors.fired(1, HOLDER), None, "once");
        }
    }

    #[test]
    fn a_holder_that_is_found_too_late_is_told() {
        let mut monitors = Monitors::default();
        monitors.watch_name(1, THERE, "printer".into());
        assert!(monitors.unwatch(1).unwrap().is_nobody());
        assert!(!monitors.found(1, HOLDER));
        assert!(monitors.watched().next().is_none() && monitors.names.is_empty());
    }
}

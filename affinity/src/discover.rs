//! Reading the machine we are on, or a captured copy of another.
//!
//! Four questions, each with one reader: what hardware is there (`sysfs`, or `hwloc` under that feature), which CPUs
//! may we use (the affinity mask, else the cpuset), how much time do the control groups grant (`cgroup`), and what is
//! the processor called. All paths hang below a root, so a test reads a big server out of a temporary directory.
//!
//! Little is fatal. Containers hide parts of `/sys` and `/proc`; what is missing is replaced by the plainest
//! assumption and said in `Machine::notes`. If `/sys` tells nothing at all, the allowed CPUs become one flat machine:
//! one package, one NUMA node, one cache, a core each. Only when not even those are known is there an error.

mod cgroup;
#[cfg(feature = "hwloc")]
mod hwloc;
mod sysfs;
mod tree;

use std::path::Path;

use crate::machine::{DISTANCE_LOCAL, Machine, Reading, Sighting, Source};
use crate::{CpuSet, mask_at_start};
use tree::Tree;

/// Why there is no description of the machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// Neither the CPUs of the machine nor those of the program could be found out.
    #[error("no CPU could be found below {0}: neither sys/devices/system/cpu nor an affinity mask can be read")]
    NoCpus(String),
    /// The hwloc library could not load its description, or listed no CPU.
    #[cfg(feature = "hwloc")]
    #[error("hwloc gave no description of this machine")]
    Hwloc,
}

impl Machine {
    /// The machine this program runs on, as `/sys`, `/proc` and the control groups tell.
    ///
    /// Allowed are the CPUs of the mask the program started with ([`mask_at_start`]), so the answer is the same
    /// from a thread that is pinned already.
    ///
    /// # Errors
    ///
    /// When no CPU at all could be found.
    pub fn discover() -> Result<Machine, DiscoverError> {
        Machine::discover_under(Path::new("/"), mask_at_start().cloned())
    }

    /// The machine whose `/sys` and `/proc` were copied below `root`.
    ///
    /// Without `allowed`, the captured `proc/self/status` says which CPUs may be used, else the captured cpuset,
    /// else all online ones may.
    ///
    /// # Errors
    ///
    /// When no CPU at all could be found.
    pub fn discover_under(root: &Path, allowed: Option<CpuSet>) -> Result<Machine, DiscoverError> {
        let tree = Tree::new(root);
        let mut notes = Vec::new();
        let quota = cgroup::quota(&tree, &mut notes);
        let allowed = allowed.or_else(|| allowed_in(&tree));
        let reading = match sysfs::read(&tree, &mut notes) {
            Some(reading) => reading,
            None => flat(&tree, allowed.as_ref(), &mut notes)
                .ok_or_else(|| DiscoverError::NoCpus(root.display().to_string()))?,
        };
        if allowed.is_none() {
            notes.push("no affinity mask could be read: all online CPUs are taken as allowed".to_owned());
        }
        Ok(reading.into_machine(allowed.as_ref(), quota, notes))
    }

    /// The machine this program runs on, its structure as the hwloc library tells it.
    ///
    /// The allowed CPUs and the quota are read as in [`Machine::discover`]. If hwloc describes another machine
    /// (`HWLOC_SYNTHETIC`, `HWLOC_XMLFILE`), all its CPUs count as allowed and a note says so.
    ///
    /// # Errors
    ///
    /// When hwloc loads nothing.
    #[cfg(feature = "hwloc")]
    pub fn discover_with_hwloc() -> Result<Machine, DiscoverError> {
        let tree = Tree::new(Path::new("/"));
        let mut notes = vec!["hwloc2 tells neither distances, memory nor kinds of core".to_owned()];
        let (reading, is_this_machine) = hwloc::read(sysfs::model(&tree)).ok_or(DiscoverError::Hwloc)?;
        if !is_this_machine {
            notes.push("hwloc describes another machine than this one".to_owned());
            return Ok(reading.into_machine(None, None, notes));
        }
        let quota = cgroup::quota(&tree, &mut notes);
        Ok(reading.into_machine(mask_at_start(), quota, notes))
    }
}

/// The `Cpus_allowed_list` of a `/proc/…/status` file: a mask without the 1024-CPU limit of the system call.
pub(crate) fn allowed_in_status(status: &Path) -> Option<CpuSet> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?.parse().ok()
}

fn allowed_in(tree: &Tree) -> Option<CpuSet> {
    allowed_in_status(&tree.path("proc/self/status")).or_else(|| cgroup::cpuset(tree))
}

/// The machine of which only the allowed CPUs are known.
fn flat(tree: &Tree, allowed: Option<&CpuSet>, notes: &mut Vec<String>) -> Option<Reading> {
    let cpus = allowed.filter(|cpus| !cpus.is_empty())?;
    notes.push("sys/devices/system/cpu cannot be read: a flat machine of the allowed CPUs is assumed".to_owned());
    let sighting =
        |cpu| Sighting { cpu, package: 0, numa_node: 0, core_order: (0, 0), core: cpu, llc: None, efficient: false };
    Some(Reading {
        sightings: cpus.iter().map(sighting).collect(),
        offline: CpuSet::new(),
        nodes: vec![(0, None)],
        distances: vec![vec![DISTANCE_LOCAL]],
        model: sysfs::model(tree),
        source: Source::Sysfs,
    })
}

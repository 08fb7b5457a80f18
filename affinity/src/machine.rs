//! The machine as plain data: CPUs, NUMA nodes, how far apart they are, and how much of it is ours.
//!
//! A `Machine` is what every reader produces (sysfs, hwloc, a synthetic description) and the only thing planning
//! looks at. It serves planning, rendering and tests; it holds no handle to the system and does not change when the
//! system does: read it again for a newer truth.
//!
//! It is a flat list of CPUs with coordinates rather than a tree of objects, as hwloc has it. Real machines are not
//! trees (one Intel L3 lies across two NUMA nodes in SNC mode, a NUMA node across two sockets on others), and every
//! question asked here is "which CPUs share X", which a list answers without walking.

mod assemble;
mod describe;

pub(crate) use assemble::{Reading, Sighting};

use crate::CpuSet;

/// Distance of a NUMA node to itself, as firmware tables write it.
pub(crate) const DISTANCE_LOCAL: u32 = 10;
/// Distance between two NUMA nodes when nothing is known; Linux assumes the same.
pub(crate) const DISTANCE_REMOTE: u32 = 20;

/// The machine as holm sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// All CPUs that are present, ascending by operating system number.
    pub cpus: Vec<Cpu>,
    /// All NUMA nodes with memory or CPUs, ascending by operating system number.
    pub numa_nodes: Vec<NumaNode>,
    /// `distances[a][b]` between the `a`-th and `b`-th of `numa_nodes`, 10 being local.
    pub distances: Vec<Vec<u32>>,
    /// How many CPUs' worth of time the control groups grant: the smallest quota on the way to the root.
    pub quota: Option<f64>,
    /// The processor's name for itself.
    pub model: String,
    /// Who told us.
    pub source: Source,
    /// What could not be read, and what was assumed instead.
    pub notes: Vec<String>,
}

/// One logical CPU: what a thread can be pinned to.
///
/// `id` and `numa_node` are the operating system's numbers. `core`, `package` and `llc` are dense numbers over the
/// whole machine, counted in the kernel's own order of packages, NUMA nodes and cores. Of an offline CPU only `id`
/// says anything: the kernel does not tell where it would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Operating system number.
    pub id: u32,
    /// The core it is a hardware thread of.
    pub core: u32,
    /// The package (socket).
    pub package: u32,
    /// Operating system number of its NUMA node.
    pub numa_node: u32,
    /// The last-level cache it shares.
    pub llc: u32,
    /// Which hardware thread of its core: 0 is the first.
    pub thread: u32,
    /// Whether it is an efficiency core of a machine that has two kinds.
    pub efficient: bool,
    /// Whether the kernel can run anything on it now.
    pub online: bool,
    /// Whether this program may run on it.
    pub allowed: bool,
}

/// One NUMA node: memory that is equally near to some CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumaNode {
    /// Operating system number.
    pub id: u32,
    /// Its online CPUs; empty for a memory-only node (HBM, CXL).
    pub cpus: CpuSet,
    /// Its memory, where known.
    pub memory_bytes: Option<u64>,
}

/// Where the description of a machine came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `/sys` and `/proc`, or a captured copy.
    Sysfs,
    /// The hwloc library.
    Hwloc,
    /// A text such as `package:2 core:4 pu:2`.
    Synthetic,
}

impl Machine {
    /// The CPUs this program may run on: allowed and online.
    pub fn allowed(&self) -> CpuSet {
        self.cpus.iter().filter(|cpu| cpu.allowed && cpu.online).map(|cpu| cpu.id).collect()
    }

    /// How many schedulers make sense: one per allowed CPU, but no more than the quota can keep busy; at least 1.
    pub fn usable(&self) -> usize {
        let granted = self.quota.map_or(usize::MAX, |quota| quota.ceil() as usize); // `as` saturates
        self.allowed().len().min(granted).max(1)
    }

    /// The CPU with the operating system number `id`.
    pub fn cpu(&self, id: u32) -> Option<&Cpu> {
        self.cpus.binary_search_by_key(&id, |cpu| cpu.id).ok().map(|place| &self.cpus[place])
    }

    /// The distance between two NUMA nodes, given by operating system number.
    pub fn node_distance(&self, from: u32, to: u32) -> Option<u32> {
        let place = |id| self.numa_nodes.iter().position(|node| node.id == id);
        self.distances.get(place(from)?)?.get(place(to)?).copied()
    }

    /// The allowed CPUs so that near ones stand together: by package and NUMA node, last-level cache, core, thread.
    pub(crate) fn allowed_by_nearness(&self) -> Vec<&Cpu> {
        let mut cpus: Vec<&Cpu> = self.cpus.iter().filter(|cpu| cpu.allowed && cpu.online).collect();
        let outer = self.outer_order();
        cpus.sort_by_key(|cpu| (outer(cpu), cpu.package, cpu.numa_node, cpu.llc, cpu.core, cpu.thread));
        cpus
    }

    /// The most significant part of any order over the machine: NUMA nodes, where they hold whole packages.
    ///
    /// On machines whose packages are each split into NUMA nodes this is 0 for every CPU: there the package leads.
    pub(crate) fn outer_order(&self) -> impl Fn(&Cpu) -> u32 + use<> {
        let spans = self.package_spans();
        let some_node_holds_packages = spans.iter().any(|(first, last)| first == last);
        move |cpu| if some_node_holds_packages { spans[cpu.package as usize].0 } else { 0 }
    }

    /// Smallest and largest NUMA node of each package's online CPUs.
    pub(crate) fn package_spans(&self) -> Vec<(u32, u32)> {
        let packages = self.cpus.iter().map(|cpu| cpu.package as usize + 1).max().unwrap_or(0);
        let mut spans = vec![(u32::MAX, 0); packages];
        for cpu in self.cpus.iter().filter(|cpu| cpu.online) {
            let (first, last) = &mut spans[cpu.package as usize];
            (*first, *last) = ((*first).min(cpu.numa_node), (*last).max(cpu.numa_node));
        }
        spans
    }
}

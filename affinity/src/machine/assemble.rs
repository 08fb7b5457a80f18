//! From what a reader saw to the numbers of a `Machine`.
//!
//! Each reader reports its CPUs with whatever keys its source uses (physical ids, lowest sibling, object index).
//! Numbering happens here alone, so that two readers of one machine cannot disagree about it. The order is the one
//! Erlang's VM sorts by: package, NUMA node, core, each by the kernel's own id; CPU numbers only decide last. Many
//! servers number CPUs alternately over their sockets, so plain CPU order would tear cores and packages apart.

use std::collections::BTreeMap;

use super::{Cpu, Machine, NumaNode, Source};
use crate::CpuSet;

/// Die and core id as the kernel gives them: they order the cores of a package and may repeat between dies.
pub(crate) type CoreOrder = (u32, u32);

/// One online CPU in the reader's own keys.
#[derive(Clone, Debug)]
pub(crate) struct Sighting {
    pub(crate) cpu: u32,
    pub(crate) package: u32,
    pub(crate) numa_node: u32,
    pub(crate) core_order: CoreOrder,
    /// The same for all threads of a core, different for any two cores of the machine.
    pub(crate) core: u32,
    /// The same for all CPUs below one last-level cache; `None` where caches are unknown.
    pub(crate) llc: Option<u32>,
    pub(crate) efficient: bool,
}

/// All that a reader knows of the hardware.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) offline: CpuSet,
    /// Id and memory of each NUMA node, in the order of `distances`.
    pub(crate) nodes: Vec<(u32, Option<u64>)>,
    pub(crate) distances: Vec<Vec<u32>>,
    pub(crate) model: String,
    pub(crate) source: Source,
}

impl Reading {
    /// Numbers everything. `allowed` limits the CPUs; without it all online ones are allowed.
    pub(crate) fn into_machine(self, allowed: Option<&CpuSet>, quota: Option<f64>, mut notes: Vec<String>) -> Machine {
        if !self.offline.is_empty() {
            notes.push(format!("offline, so where they lie is not known: cpus {}", self.offline));
        }
        let mut cpus = number(self.sightings);
        let numa_nodes = self.nodes.into_iter().map(|(id, memory_bytes)| node(id, memory_bytes, &cpus)).collect();
        cpus.extend(offline(&self.offline, &cpus));
        for cpu in &mut cpus {
            cpu.allowed = allowed.map_or(cpu.online, |set| set.contains(cpu.id));
        }
        cpus.sort_by_key(|cpu| cpu.id);
        let (distances, model, source) = (self.distances, self.model, self.source);
        Machine { cpus, numa_nodes, distances, quota, model, source, notes }
    }
}

/// Hands out dense numbers in the order in which new keys appear.
struct Counter<K>(BTreeMap<K, u32>);

impl<K: Ord> Counter<K> {
    fn number(&mut self, key: K) -> u32 {
        let next = self.0.len() as u32; // never more keys than CPUs
        *self.0.entry(key).or_insert(next)
    }
}

fn number(mut sightings: Vec<Sighting>) -> Vec<Cpu> {
    sightings.sort_by_key(|seen| (seen.package, seen.numa_node, seen.core_order, seen.core, seen.cpu));
    let (mut packages, mut cores, mut caches) =
        (Counter(BTreeMap::new()), Counter(BTreeMap::new()), Counter(BTreeMap::new()));
    let mut threads: BTreeMap<u32, u32> = BTreeMap::new();
    sightings
        .into_iter()
        .map(|seen| {
            let thread = threads.entry(seen.core).or_insert(0);
            *thread += 1;
            // Where caches are unknown, CPUs of one package and node are taken to share one.
            let cache = seen.llc.map_or((Some((seen.package, seen.numa_node)), 0), |llc| (None, llc));
            Cpu {
                id: seen.cpu,
                core: cores.number(seen.core),
                package: packages.number(seen.package),
                numa_node: seen.numa_node,
                llc: caches.number(cache),
                thread: *thread - 1,
                efficient: seen.efficient,
                online: true,
                allowed: true,
            }
        })
        .collect()
}

fn node(id: u32, memory_bytes: Option<u64>, cpus: &[Cpu]) -> NumaNode {
    NumaNode { id, cpus: cpus.iter().filter(|cpu| cpu.numa_node == id).map(|cpu| cpu.id).collect(), memory_bytes }
}

/// Offline CPUs get cores of their own after all others, so that they disturb nobody's numbers.
fn offline(offline: &CpuSet, known: &[Cpu]) -> Vec<Cpu> {
    let cores = known.iter().map(|cpu| cpu.core + 1).max().unwrap_or(0);
    let numa_node = known.iter().map(|cpu| cpu.numa_node).min().unwrap_or(0);
    let place = Cpu {
        id: 0,
        core: 0,
        package: 0,
        numa_node,
        llc: 0,
        thread: 0,
        efficient: false,
        online: false,
        allowed: false,
    };
    offline.iter().zip(cores..).map(|(id, core)| Cpu { id, core, ..place }).collect()
}

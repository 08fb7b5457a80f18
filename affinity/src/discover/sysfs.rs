//! The hardware as Linux shows it below `/sys/devices/system`.
//!
//! What is trusted for what:
//! - which CPUs exist: `cpu/online` and `cpu/present`;
//! - which threads form a core: the sibling lists. Core ids only order the cores, because they repeat between
//!   packages and, on some kernels, between dies;
//! - which CPUs share the last-level cache: the sharing list of the highest level that holds data. Cache ids are not
//!   used; they are missing on older kernels;
//! - NUMA: the nodes' CPU lists, `meminfo` and `distance`.
//!
//! Package ids of −1 (virtual machines, some ARM boards) are replaced by the lowest CPU of the package's list.

use super::tree::Tree;
use crate::CpuSet;
use crate::machine::{DISTANCE_LOCAL, DISTANCE_REMOTE, Reading, Sighting, Source};

const CPU: &str = "sys/devices/system/cpu";
const NODE: &str = "sys/devices/system/node";
/// The most cache descriptions of one CPU that are looked at; real ones have up to five.
const CACHES_MAX: u32 = 16;
/// The capacity below which a CPU counts as an efficiency core; the kernel gives the strongest ones 1024.
const CAPACITY_OF_EFFICIENT_BELOW: u32 = 512;

/// What is below `/sys`, or `None` if that tells of no CPU.
pub(super) fn read(tree: &Tree, notes: &mut Vec<String>) -> Option<Reading> {
    let online = tree.cpus(&format!("{CPU}/online")).filter(|cpus| !cpus.is_empty())?;
    let present = tree.cpus(&format!("{CPU}/present")).unwrap_or_default();
    let nodes = nodes(tree, &online, notes);
    let atoms = tree.cpus("sys/devices/cpu_atom/cpus").unwrap_or_default();
    let sightings: Vec<Sighting> = online.iter().map(|cpu| sighting(tree, cpu, &nodes, &atoms)).collect();
    note_guesses(tree, &sightings, notes);
    Some(Reading {
        sightings,
        offline: present.difference(&online),
        distances: nodes.iter().map(|node| node.distances.clone()).collect(),
        nodes: nodes.into_iter().map(|node| (node.id, node.memory_bytes)).collect(),
        model: model(tree),
        source: Source::Sysfs,
    })
}

/// The processor's name: `model name` on x86, `Model` on ARM boards.
pub(super) fn model(tree: &Tree) -> String {
    let text = tree.text("proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let is_named = |(key, _): &(&str, &str)| key.trim() == name;
        text.lines().filter_map(|line| line.split_once(':')).find(is_named).map(|(_, value)| value.trim().to_owned())
    };
    ["model name", "cpu model", "Model", "cpu"]
        .into_iter()
        .find_map(value)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown processor".to_owned())
}

struct Node {
    id: u32,
    cpus: CpuSet,
    memory_bytes: Option<u64>,
    distances: Vec<u32>,
}

fn nodes(tree: &Tree, online: &CpuSet, notes: &mut Vec<String>) -> Vec<Node> {
    let ids = tree.cpus(&format!("{NODE}/online")).filter(|ids| !ids.is_empty());
    let Some(ids) = ids else {
        notes.push("no NUMA nodes are listed: one with all CPUs is assumed".to_owned());
        return vec![Node { id: 0, cpus: online.clone(), memory_bytes: None, distances: vec![DISTANCE_LOCAL] }];
    };
    let mut nodes: Vec<Node> = ids.iter().map(|id| node(tree, id)).collect();
    if nodes.iter().any(|node| node.distances.len() != ids.len()) {
        notes.push("the distances between NUMA nodes cannot be read: 10 and 20 are assumed".to_owned());
        for node in &mut nodes {
            node.distances = assumed_distances(node.id, &ids);
        }
    }
    if online.iter().any(|cpu| !nodes.iter().any(|node| node.cpus.contains(cpu))) {
        notes.push(format!("some CPUs are in no NUMA node: node {} is assumed for them", nodes[0].id));
    }
    nodes
}

fn node(tree: &Tree, id: u32) -> Node {
    let text = |file: &str| tree.text(&format!("{NODE}/node{id}/{file}")).unwrap_or_default();
    Node {
        id,
        cpus: text("cpulist").parse().unwrap_or_default(),
        memory_bytes: memory_bytes(&text("meminfo")),
        distances: text("distance").split_whitespace().map_while(|number| number.parse().ok()).collect(),
    }
}

/// From the line `Node 0 MemTotal:  16384 kB`.
fn memory_bytes(meminfo: &str) -> Option<u64> {
    let (_, rest) = meminfo.lines().find_map(|line| line.split_once("MemTotal:"))?;
    rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

fn assumed_distances(from: u32, ids: &CpuSet) -> Vec<u32> {
    ids.iter().map(|to| if from == to { DISTANCE_LOCAL } else { DISTANCE_REMOTE }).collect()
}

fn sighting(tree: &Tree, cpu: u32, nodes: &[Node], atoms: &CpuSet) -> Sighting {
    let place = |file: &str| format!("{CPU}/cpu{cpu}/topology/{file}");
    let number = |file: &str| tree.number::<u32>(&place(file));
    let lowest = |files: [&str; 2]| tree.cpus_of_any(&files.map(place)).and_then(|cpus| cpus.first());
    let node = nodes.iter().find(|node| node.cpus.contains(cpu)).unwrap_or(&nodes[0]);
    Sighting {
        cpu,
        package: number("physical_package_id")
            .or_else(|| lowest(["package_cpus_list", "core_siblings_list"]))
            .unwrap_or(0),
        numa_node: node.id,
        core_order: (number("die_id").unwrap_or(0), number("core_id").unwrap_or(0)),
        core: lowest(["core_cpus_list", "thread_siblings_list"]).unwrap_or(cpu),
        llc: last_level_cache(tree, cpu),
        efficient: atoms.contains(cpu) || is_weak(tree, cpu),
    }
}

/// The lowest CPU that shares the highest cache with `cpu`: a name for that cache.
fn last_level_cache(tree: &Tree, cpu: u32) -> Option<u32> {
    let file = |index: u32, file: &str| format!("{CPU}/cpu{cpu}/cache/index{index}/{file}");
    let cache = |index: u32| {
        let level: u32 = tree.number(&file(index, "level"))?;
        let holds_data = tree.text(&file(index, "type"))? != "Instruction";
        let lowest = tree.cpus(&file(index, "shared_cpu_list"))?.first()?;
        holds_data.then_some((level, lowest))
    };
    (0..CACHES_MAX).filter_map(cache).max_by_key(|&(level, _)| level).map(|(_, lowest)| lowest)
}

fn is_weak(tree: &Tree, cpu: u32) -> bool {
    let capacity = tree.number(&format!("{CPU}/cpu{cpu}/cpu_capacity"));
    capacity.is_some_and(|capacity: u32| capacity < CAPACITY_OF_EFFICIENT_BELOW)
}

fn note_guesses(tree: &Tree, sightings: &[Sighting], notes: &mut Vec<String>) {
    if sightings.iter().any(|seen| seen.llc.is_none()) {
        notes.push("caches cannot be read: CPUs of one package and NUMA node are taken to share one".to_owned());
    }
    let has_place = |seen: &Sighting| tree.path(&format!("{CPU}/cpu{}/topology", seen.cpu)).is_dir();
    if !sightings.iter().all(has_place) {
        notes.push("the topology of some CPUs cannot be read: each is taken as a core of package 0".to_owned());
    }
}

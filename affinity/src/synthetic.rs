//! Machines written down: `package:2 numanode:2 l3:1 core:4 pu:2`.
//!
//! The notation is hwloc's: each word is a level with the number of its objects *inside each object of the level
//! before*, outermost first. So tests, benches and dry runs have any machine without hwloc being there. Read are the
//! levels a scheduler can tell apart; the attributes hwloc allows in parentheses (sizes, index orders) are refused
//! rather than ignored. `[numa]`, as `lstopo --of synthetic` prints it, is one NUMA node per object of the level
//! before.
//!
//! CPUs are numbered in the order of the text, threads of a core being neighbours, as hwloc numbers them.

use std::collections::BTreeSet;

use crate::Machine;
use crate::machine::{DISTANCE_LOCAL, DISTANCE_REMOTE, Reading, Sighting, Source};

/// The most CPUs a described machine may have; as many as Linux can have.
pub const SYNTHETIC_CPUS_MAX: u32 = 8192;
/// The most NUMA nodes a described machine may have; as many as Linux can have on common machines.
pub const SYNTHETIC_NUMA_NODES_MAX: u32 = 1024;

/// Why a text does not describe a machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntheticError {
    /// There is no word in it.
    #[error("an empty text describes no machine; write for example \"package:2 core:4 pu:2\"")]
    Empty,
    /// A word that is not `level:count`.
    #[error("{0:?} is not a level and a count such as core:4")]
    NotALevel(String),
    /// A level that is not known here.
    #[error("{0:?} is not a level of a machine; known are package, die, group, numanode, l5 to l1, core, pu")]
    UnknownLevel(String),
    /// A count of 0, or one that is no number.
    #[error("the count in {0:?} must be a number from 1 on")]
    BadCount(String),
    /// A level that stands twice, or stands inside `core` or `pu` without belonging there.
    #[error("{0:?} cannot stand at this place")]
    Misplaced(String),
    /// More than [`SYNTHETIC_CPUS_MAX`] CPUs or [`SYNTHETIC_NUMA_NODES_MAX`] NUMA nodes.
    #[error("the text describes more than {SYNTHETIC_CPUS_MAX} CPUs or {SYNTHETIC_NUMA_NODES_MAX} NUMA nodes")]
    TooLarge,
}

/// What the objects of a level are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Package,
    /// Dies and groups: they multiply, and nobody asks for them by name.
    Plain,
    NumaNode,
    Cache(u32),
    Core,
    Pu,
}

struct Level {
    kind: Kind,
    count: u32,
}

impl Machine {
    /// A machine described in hwloc's synthetic notation; all its CPUs are online and allowed.
    ///
    /// Distances are 10 within a NUMA node and 20 between any two.
    ///
    /// # Errors
    ///
    /// See [`SyntheticError`].
    ///
    /// # Examples
    ///
    /// ```
    /// use holm_affinity::Machine;
    ///
    /// let machine = Machine::synthetic("package:2 numanode:2 l3:1 core:4 pu:2")?;
    /// assert_eq!((machine.cpus.len(), machine.numa_nodes.len()), (32, 4));
    /// # Ok::<(), holm_affinity::SyntheticError>(())
    /// ```
    pub fn synthetic(text: &str) -> Result<Machine, SyntheticError> {
        let levels = levels(text)?;
        let cpus = bounded(&levels)?;
        let sightings: Vec<Sighting> = (0..cpus).map(|cpu| sighting(&levels, cpus, cpu)).collect();
        let ids: BTreeSet<u32> = sightings.iter().map(|seen| seen.numa_node).collect();
        let distance = |from: u32, to: u32| if from == to { DISTANCE_LOCAL } else { DISTANCE_REMOTE };
        let reading = Reading {
            distances: ids.iter().map(|&from| ids.iter().map(|&to| distance(from, to)).collect()).collect(),
            nodes: ids.into_iter().map(|id| (id, None)).collect(),
            sightings,
            offline: Default::default(),
            model: text.to_owned(),
            source: Source::Synthetic,
        };
        Ok(reading.into_machine(None, None, Vec::new()))
    }
}

fn levels(text: &str) -> Result<Vec<Level>, SyntheticError> {
    let mut levels: Vec<Level> = Vec::new();
    for word in text.split_whitespace() {
        let level = level(word)?;
        let repeated = level.kind != Kind::Plain && levels.iter().any(|before| before.kind == level.kind);
        let inside = levels.last().map(|before| before.kind);
        let misplaced = match (inside, level.kind) {
            (Some(Kind::Pu), _) => true,
            (Some(Kind::Core), kind) => kind != Kind::Pu,
            _ => false,
        };
        if repeated || misplaced {
            return Err(SyntheticError::Misplaced(word.to_owned()));
        }
        levels.push(level);
    }
    if levels.is_empty() { Err(SyntheticError::Empty) } else { Ok(levels) }
}

fn level(word: &str) -> Result<Level, SyntheticError> {
    if let Some(name) = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match kind(name)? {
            Kind::NumaNode => Ok(Level { kind: Kind::NumaNode, count: 1 }),
            _ => Err(SyntheticError::Misplaced(word.to_owned())),
        };
    }
    let (name, count) = word.split_once(':').ok_or_else(|| SyntheticError::NotALevel(word.to_owned()))?;
    let kind = kind(name)?;
    match count.parse() {
        Ok(count) if count > 0 => Ok(Level { kind, count }),
        _ => Err(SyntheticError::BadCount(word.to_owned())),
    }
}

fn kind(name: &str) -> Result<Kind, SyntheticError> {
    match name.to_ascii_lowercase().as_str() {
        "package" | "pack" | "socket" => Ok(Kind::Package),
        "die" | "group" => Ok(Kind::Plain),
        "numanode" | "numa" | "node" => Ok(Kind::NumaNode),
        "l5" | "l5cache" => Ok(Kind::Cache(5)),
        "l4" | "l4cache" => Ok(Kind::Cache(4)),
        "l3" | "l3cache" => Ok(Kind::Cache(3)),
        "l2" | "l2cache" => Ok(Kind::Cache(2)),
        "l1" | "l1d" | "l1cache" | "l1dcache" => Ok(Kind::Cache(1)),
        "core" => Ok(Kind::Core),
        "pu" => Ok(Kind::Pu),
        _ => Err(SyntheticError::UnknownLevel(name.to_owned())),
    }
}

/// The number of CPUs, within the bounds.
fn bounded(levels: &[Level]) -> Result<u32, SyntheticError> {
    let product = |levels: &[Level]| levels.iter().try_fold(1u32, |all, level| all.checked_mul(level.count));
    let cpus = product(levels).filter(|&cpus| cpus <= SYNTHETIC_CPUS_MAX).ok_or(SyntheticError::TooLarge)?;
    let nodes = levels.iter().rposition(|level| level.kind == Kind::NumaNode).map_or(0, |place| place + 1);
    match product(&levels[..nodes]) {
        Some(nodes) if nodes <= SYNTHETIC_NUMA_NODES_MAX => Ok(cpus),
        _ => Err(SyntheticError::TooLarge),
    }
}

fn sighting(levels: &[Level], cpus: u32, cpu: u32) -> Sighting {
    // The number over the machine of the object of this kind that holds `cpu`.
    let holder = |wanted: Kind| {
        let place = levels.iter().position(|level| level.kind == wanted)?;
        let objects: u32 = levels[..=place].iter().map(|level| level.count).product();
        Some(cpu / (cpus / objects))
    };
    let core = holder(Kind::Core).unwrap_or(cpu);
    Sighting {
        cpu,
        package: holder(Kind::Package).unwrap_or(0),
        numa_node: holder(Kind::NumaNode).unwrap_or(0),
        core_order: (0, core),
        core,
        llc: (1..=5).rev().find_map(|level| holder(Kind::Cache(level))),
        efficient: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_multiply_downwards() {
        let machine = Machine::synthetic("package:2 numanode:2 l3:1 core:4 pu:2").unwrap();
        let last = machine.cpus[31];
        assert_eq!((last.package, last.numa_node, last.llc, last.core, last.thread), (1, 3, 3, 15, 1));
        assert_eq!(machine.numa_nodes[2].cpus.to_string(), "16-23");
        assert_eq!(machine.distances[0], [10, 20, 20, 20]);
        assert_eq!(machine.allowed().to_string(), "0-31");
    }

    #[test]
    fn nodes_may_hold_packages_and_levels_may_be_missing() {
        let outer = Machine::synthetic("numa:2 pack:2 die:1 core:2 pu:1").unwrap();
        assert_eq!(outer.cpus.iter().map(|cpu| cpu.numa_node).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 1, 1, 1]);
        let flat = Machine::synthetic("pu:3").unwrap();
        assert_eq!((flat.numa_nodes.len(), flat.cpus[2].core, flat.cpus[2].llc), (1, 2, 0));
        let attached = Machine::synthetic("Package:2 [NUMANode] L3Cache:2 Core:2 PU:1").unwrap();
        assert_eq!((attached.numa_nodes.len(), attached.cpus[7].llc), (2, 3));
    }

    #[test]
    fn a_bad_description_is_refused_with_the_word() {
        let error = |text: &str| Machine::synthetic(text).unwrap_err();
        assert_eq!(error("  "), SyntheticError::Empty);
        assert_eq!(error("core4"), SyntheticError::NotALevel("core4".into()));
        assert_eq!(error("chip:4 pu:1"), SyntheticError::UnknownLevel("chip".into()));
        for bad in ["core:0", "core:", "core:-1", "pu:2(indexes=2,1)"] {
            assert_eq!(error(bad), SyntheticError::BadCount(bad.into()));
        }
        assert_eq!(error("pu:2 core:2"), SyntheticError::Misplaced("core:2".into()));
        assert_eq!(error("core:2 core:2"), SyntheticError::Misplaced("core:2".into()));
        assert_eq!(error("core:2 l3:2"), SyntheticError::Misplaced("l3:2".into()));
        assert_eq!(error("core:8193"), SyntheticError::TooLarge);
        assert_eq!(error("package:4294967295 core:4294967295"), SyntheticError::TooLarge);
        assert_eq!(error("numa:2048 pu:1"), SyntheticError::TooLarge);
    }
}

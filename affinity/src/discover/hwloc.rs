//! The same machine through the hwloc library: a second reading, to hold against the first.
//!
//! hwloc2 2.2.0 can be used safely only in part: its NUMA objects panic, its names and `Display` corrupt memory, and
//! its sets dangle once the topology is gone. So everything happens in one function, on the few calls that hold:
//! `Topology::new`, `support`, `objects_with_type` (never for NUMA nodes), `os_index`, `cpuset`, `nodeset`, and on
//! these sets `first` and the iterator of a clone. What leaves the function is copied out. NUMA nodes are read from
//! the CPUs' node sets; a memory-only node cannot be seen at all.
//!
//! hwloc lists only CPUs of our cpuset and no offline ones. Binding through it was set aside: on a machine that is
//! not ours it answers Ok and does nothing.

use hwloc2::{ObjectType, Topology};

use crate::CpuSet;
use crate::machine::{DISTANCE_LOCAL, DISTANCE_REMOTE, Reading, Sighting, Source};

/// The `os_index` of objects to which the kernel gives no number.
const UNKNOWN_INDEX: u32 = u32::MAX;

/// One hwloc object, copied out.
struct Object {
    /// The kernel's number for it, else its lowest CPU.
    index: u32,
    cpus: CpuSet,
}

impl Object {
    fn new(os_index: u32, cpus: hwloc2::CpuSet) -> Object {
        let cpus: CpuSet = cpus.clone().into_iter().collect(); // the clone owns its memory, the original does not
        let index = if os_index == UNKNOWN_INDEX { cpus.first().unwrap_or(0) } else { os_index };
        Object { index, cpus }
    }
}

/// The reading, and whether it is of the machine we run on.
pub(super) fn read(model: String) -> Option<(Reading, bool)> {
    let topology = Topology::new()?;
    let objects = |kind: ObjectType| -> Vec<Object> {
        let found = topology.objects_with_type(&kind).unwrap_or_default();
        found.into_iter().filter_map(|object| Some(Object::new(object.os_index(), object.cpuset()?))).collect()
    };
    let (packages, dies, cores) = (objects(ObjectType::Package), objects(ObjectType::Die), objects(ObjectType::Core));
    let caches: Vec<Vec<Object>> =
        [ObjectType::L5Cache, ObjectType::L4Cache, ObjectType::L3Cache, ObjectType::L2Cache, ObjectType::L1Cache]
            .into_iter()
            .map(objects)
            .collect();
    let pus = topology.objects_with_type(&ObjectType::PU).unwrap_or_default();
    let sightings: Vec<Sighting> = pus
        .into_iter()
        .map(|pu| {
            let cpu = pu.os_index();
            let core = holder(&cores, cpu);
            Sighting {
                cpu,
                package: holder(&packages, cpu).map_or(0, |package| package.index),
                // The lowest bit: where memory-only nodes are attached to a CPU they have the higher numbers.
                numa_node: pu.nodeset().and_then(|nodes| u32::try_from(nodes.first()).ok()).unwrap_or(0),
                core_order: (index(holder(&dies, cpu)), index(core)),
                core: core.and_then(|core| core.cpus.first()).unwrap_or(cpu),
                llc: caches.iter().find_map(|level| holder(level, cpu)?.cpus.first()),
                efficient: false,
            }
        })
        .collect();
    let is_this_machine = topology.support().cpu().set_current_process();
    (!sightings.is_empty()).then(|| (reading(sightings, model), is_this_machine))
}

fn holder(objects: &[Object], cpu: u32) -> Option<&Object> {
    objects.iter().find(|object| object.cpus.contains(cpu))
}

fn index(object: Option<&Object>) -> u32 {
    object.map_or(0, |object| object.index)
}

fn reading(sightings: Vec<Sighting>, model: String) -> Reading {
    let ids: CpuSet = sightings.iter().map(|seen| seen.numa_node).collect();
    let distance = |from: u32, to: u32| if from == to { DISTANCE_LOCAL } else { DISTANCE_REMOTE };
    Reading {
        sightings,
        offline: CpuSet::new(),
        nodes: ids.iter().map(|id| (id, None)).collect(),
        distances: ids.iter().map(|from| ids.iter().map(|to| distance(from, to)).collect()).collect(),
        model,
        source: Source::Hwloc,
    }
}

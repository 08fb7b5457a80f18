//! Machines that are not ours, read from captured `/sys` and `/proc`.

mod support;

use holm_affinity::{BindType, Cpu, DiscoverError, Distance, Layout, Machine, Plan, Source, bind_order, distance};
use support::tree::Tree;

fn column(machine: &Machine, value: impl Fn(&Cpu) -> u32) -> Vec<u32> {
    machine.cpus.iter().map(value).collect()
}

#[test]
fn two_sockets_as_linux_numbers_them() {
    let machine = Tree::captured("two-sockets-linux-numbering").machine();
    assert_eq!(column(&machine, |cpu| cpu.package), [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
    assert_eq!(column(&machine, |cpu| cpu.core), [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(column(&machine, |cpu| cpu.thread), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(machine.numa_nodes[1].cpus.to_string(), "4-7,12-15");
    assert_eq!(machine.numa_nodes[1].memory_bytes, Some(66_055_368 * 1024));
    assert_eq!(machine.distances, [[10, 21], [21, 10]]);
    assert_eq!((machine.source, machine.quota, machine.usable()), (Source::Sysfs, None, 16));
    assert!(machine.notes.is_empty(), "{:?}", machine.notes);
    // The order Erlang prints for this machine (J of its bind orders).
    assert_eq!(bind_order(&machine, BindType::Spread), [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15]);
}

#[test]
fn an_epyc_with_two_nodes_per_socket_and_a_cache_per_complex() {
    let machine = Tree::captured("epyc-two-nodes-per-socket").machine();
    assert_eq!(machine.numa_nodes.len(), 4);
    assert_eq!(machine.numa_nodes[1].cpus.to_string(), "4-7,20-23");
    let caches = column(&machine, |cpu| cpu.llc);
    assert_eq!(caches[..16], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
    assert_eq!(caches[..16], caches[16..]);
    assert_eq!((machine.node_distance(0, 1), machine.node_distance(1, 2)), (Some(12), Some(32)));
    assert_eq!(machine.node_distance(0, 9), None);
}

#[test]
fn a_captured_machine_with_nodes_inside_its_sockets() {
    let machine = Tree::captured("two-sockets-four-nodes").machine();
    assert_eq!(column(&machine, |cpu| cpu.package), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(column(&machine, |cpu| cpu.numa_node), [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    assert_eq!(column(&machine, |cpu| cpu.core), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
    assert_eq!(column(&machine, |cpu| cpu.llc), column(&machine, |cpu| cpu.numa_node));
    // Erlang's machine B has this shape.
    let order = bind_order(&machine, BindType::ProcessorSpread);
    assert_eq!(order, [0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15]);
}

#[test]
fn a_hybrid_machine_tells_its_efficiency_cores() {
    let machine = Tree::captured("hybrid").machine();
    let efficient: Vec<u32> = machine.cpus.iter().filter(|cpu| cpu.efficient).map(|cpu| cpu.id).collect();
    assert_eq!(efficient, [4, 5, 6, 7]);
    assert_eq!(column(&machine, |cpu| cpu.llc), [0; 8]);
    assert_eq!(bind_order(&machine, BindType::DefaultBind), [0, 2, 4, 5, 6, 7, 1, 3]); // Erlang's machine L
}

#[test]
fn offline_cpus_are_listed_but_never_used() {
    let machine = Tree::captured("offline-cpus").machine();
    assert_eq!(machine.cpus.len(), 8);
    assert_eq!(machine.allowed().to_string(), "0,3-5,7");
    assert!(!machine.cpu(2).unwrap().online);
    assert_eq!(bind_order(&machine, BindType::NoSpread), [0, 3, 4, 5, 7]);
    assert_eq!(machine.numa_nodes[0].cpus.to_string(), "0,3");
    assert_eq!(machine.notes, ["offline, so where they lie is not known: cpus 1-2,6"]);
}

#[test]
fn a_node_with_memory_alone_is_a_node_without_cpus() {
    let machine = Tree::captured("memory-only-node").machine();
    assert_eq!(machine.numa_nodes.len(), 3);
    assert!(machine.numa_nodes[2].cpus.is_empty());
    assert_eq!(machine.numa_nodes[2].memory_bytes, Some(257_460 * 1024));
    assert_eq!(machine.distances[2], [24, 34, 10]);
    assert!(machine.to_string().contains("numa node 2, 0.2 GiB, no CPUs"), "{machine}");
}

#[test]
fn a_mask_limits_what_is_allowed_and_nothing_else() {
    let tree = Tree::captured("two-sockets-linux-numbering");
    let machine = Machine::discover_under(tree.root(), Some("2-5,8,99".parse().unwrap())).unwrap();
    assert_eq!((machine.allowed().to_string(), machine.usable()), ("2-5,8".to_owned(), 5));
    assert_eq!(machine.cpus.len(), 16);
}

#[test]
fn without_sys_the_allowed_cpus_are_one_flat_machine() {
    let machine = Tree::new().with("proc/self/status = Cpus_allowed_list: 4-7").machine();
    assert_eq!(machine.allowed().to_string(), "4-7");
    assert_eq!(column(&machine, |cpu| cpu.core), [0, 1, 2, 3]);
    assert_eq!((column(&machine, |cpu| cpu.llc), machine.numa_nodes.len()), (vec![0; 4], 1));
    assert!(machine.notes.iter().any(|note| note.contains("a flat machine")), "{:?}", machine.notes);
    assert_eq!(machine.model, "unknown processor");
}

#[test]
fn without_anything_there_is_an_error_that_says_where_was_looked() {
    let tree = Tree::new();
    let error = Machine::discover_under(tree.root(), None).unwrap_err();
    assert!(matches!(error, DiscoverError::NoCpus(_)));
    assert!(error.to_string().contains(&tree.root().display().to_string()), "{error}");
}

#[test]
fn what_is_missing_is_assumed_and_said() {
    let machine = Tree::new().with("sys/devices/system/cpu/online = 0-3").machine();
    assert_eq!((machine.allowed().len(), machine.numa_nodes.len()), (4, 1));
    for missing in ["control groups", "NUMA nodes", "caches", "topology of some CPUs", "affinity mask"] {
        assert!(machine.notes.iter().any(|note| note.contains(missing)), "{missing}: {:?}", machine.notes);
    }
    let tree = Tree::captured("two-sockets-linux-numbering").without("sys/devices/system/node/node1/distance");
    let machine = tree.machine();
    assert_eq!(machine.distances, [[10, 20], [20, 10]]);
    assert!(machine.notes.iter().any(|note| note.contains("distances")), "{:?}", machine.notes);
}

#[test]
fn nonsense_in_the_files_is_survived() {
    let machine = Tree::captured("two-sockets-linux-numbering")
        .with("sys/devices/system/cpu/cpu0/topology/physical_package_id = -1")
        .with("sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list = 0-4000000000")
        .with("sys/devices/system/cpu/cpu1/topology/core_id = many")
        .with("sys/devices/system/node/node0/meminfo = no")
        .with("sys/devices/system/node/node1/cpulist = 7-3")
        .machine();
    assert_eq!(machine.cpus.len(), 16);
    assert_eq!(machine.numa_nodes[0].memory_bytes, None);
    assert!(machine.notes.iter().any(|note| note.contains("in no NUMA node")), "{:?}", machine.notes);
}

#[test]
fn older_kernels_names_for_siblings_are_read_too() {
    let mut tree = Tree::captured("two-sockets-linux-numbering");
    for cpu in 0..16 {
        let topology = format!("sys/devices/system/cpu/cpu{cpu}/topology");
        let (first, socket) = (cpu % 8, cpu / 4 % 2);
        tree = tree
            .without(&format!("{topology}/core_cpus_list"))
            .without(&format!("{topology}/package_cpus_list"))
            .without(&format!("{topology}/die_id"))
            .with(&format!("{topology}/physical_package_id = -1"))
            .with(&format!("{topology}/thread_siblings_list = {first},{}", first + 8))
            .with(&format!("{topology}/core_siblings_list = {}-{}", socket * 4, socket * 4 + 3));
    }
    assert_eq!(tree.machine().cpus, Tree::captured("two-sockets-linux-numbering").machine().cpus);
}

#[test]
fn a_machine_is_rendered_for_people_and_for_programs() {
    let mut machine = Tree::captured("two-sockets-linux-numbering").machine();
    machine.cpus[9].allowed = false;
    machine.quota = Some(2.5);
    let expected = "\
Intel(R) Xeon(R) Gold 6226R CPU @ 2.90GHz (sysfs), CPUs: 16 online, 15 allowed (0-8,10-15), quota 2.50
package 0
  numa node 0, 62.8 GiB
    cache 0: 0+8 1+(9) 2+10 3+11
package 1
  numa node 1, 63.0 GiB
    cache 1: 4+12 5+13 6+14 7+15
distances
  numa node  0:  10  21
  numa node  1:  21  10
";
    assert_eq!(machine.to_string(), expected);
    let json: serde_json::Value = serde_json::from_str(&machine.to_json()).expect("is JSON");
    assert_eq!((&json["quota"], &json["usable"]), (&2.5.into(), &3.into()));
    assert_eq!(json["cpus"][9]["allowed"], false);
    assert_eq!(json["numa_nodes"][1]["cpus"], "4-7,12-15");
    assert_eq!(json["distances"][0][1], 21);
}

/// Intel's sub-NUMA clustering: the L3 belongs to the package, the NUMA nodes do not.
#[test]
fn a_cache_may_lie_across_numa_nodes() {
    let mut tree = Tree::captured("two-sockets-four-nodes");
    for cpu in 0..16 {
        let shared = if cpu < 8 { "0-7" } else { "8-15" };
        tree = tree.with(&format!("sys/devices/system/cpu/cpu{cpu}/cache/index3/shared_cpu_list = {shared}"));
    }
    let machine = tree.machine();
    assert_eq!(column(&machine, |cpu| cpu.llc), column(&machine, |cpu| cpu.package));
    assert_eq!(distance(&machine, 0, 2), Distance::SameLlc);
    assert_eq!(distance(&machine, 0, 4), Distance::SamePackage); // the memory is farther although the cache is one
    let plan = Plan::new(&machine, &Layout::L3, BindType::DefaultBind, false).unwrap();
    assert_eq!(plan.nodes.iter().map(|node| node.cpus.to_string()).collect::<Vec<_>>(), ["0-7", "8-15"]);
    assert_eq!(plan.notes, ["lying across several NUMA nodes: nodes 0-1 of the layout"]);
}

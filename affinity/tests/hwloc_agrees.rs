//! hwloc and our own readers see the same machines. Needs the feature `hwloc`.
#![cfg(feature = "hwloc")]

use std::process::Command;

use holm_affinity::{Cpu, Machine, Source};

/// What hwloc can know: online CPUs that the cpuset allows, no kinds of core.
fn comparable(machine: &Machine) -> Vec<Cpu> {
    let known = machine.cpus.iter().filter(|cpu| cpu.online);
    known.map(|cpu| Cpu { efficient: false, ..*cpu }).collect()
}

#[test]
fn sysfs_and_hwloc_describe_this_machine_alike() {
    if std::env::var_os("HWLOC_SYNTHETIC").is_some() {
        return; // the child of the test below
    }
    let (ours, theirs) = (Machine::discover().unwrap(), Machine::discover_with_hwloc().unwrap());
    assert_eq!(theirs.source, Source::Hwloc);
    assert_eq!(comparable(&ours), comparable(&theirs));
    for node in &theirs.numa_nodes {
        let same = ours.numa_nodes.iter().find(|ours| ours.id == node.id).expect("the node is known to both");
        assert_eq!(same.cpus, node.cpus);
    }
    assert_eq!((ours.quota, ours.model), (theirs.quota, theirs.model));
}

/// hwloc reads its synthetic machine from the environment, so each one needs a process of its own.
#[test]
fn synthetic_descriptions_mean_to_us_what_they_mean_to_hwloc() {
    if let Ok(text) = std::env::var("HWLOC_SYNTHETIC") {
        let (ours, theirs) = (Machine::synthetic(&text).unwrap(), Machine::discover_with_hwloc().unwrap());
        assert_eq!(ours.cpus, theirs.cpus, "{text}");
        assert_eq!(ours.numa_nodes, theirs.numa_nodes, "{text}");
        assert!(theirs.notes.iter().any(|note| note.contains("another machine")), "{:?}", theirs.notes);
        return;
    }
    for text in [
        "package:2 numanode:2 l3:1 core:4 pu:2",
        "package:2 l3:2 core:2 pu:2",
        "numanode:2 package:2 l3:1 core:2 pu:1",
        "package:1 numanode:1 l3:1 l2:2 core:2 pu:2",
        "pack:2 [numa] l3:2 core:2 pu:1",
        "package:2 die:2 numanode:1 l3:2 core:2 pu:2",
    ] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "synthetic_descriptions_mean_to_us_what_they_mean_to_hwloc", "--nocapture"])
            .env("HWLOC_SYNTHETIC", text)
            .output()
            .unwrap();
        assert!(child.status.success(), "{text}: {}", String::from_utf8_lossy(&child.stderr));
    }
}

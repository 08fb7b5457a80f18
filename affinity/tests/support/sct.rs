//! Machines in Erlang's `+sct` notation: `L0-1t0-1c0p0n0:L2-3t0-1c1p0n0`.
//!
//! `L` are the CPU numbers, `t c p n N` the ids of thread, core, processor, node inside a processor or outside. A list
//! (`0-1,3-2`, also backwards) goes along with the CPU numbers; a single id holds for all of them.

use std::collections::BTreeMap;

use holm_affinity::{Cpu, CpuSet, Machine, NumaNode, Source};

/// The machine that a `+sct` text describes, all of it online and allowed.
pub fn machine(sct: &str) -> Machine {
    let mut cpus: Vec<Cpu> = Vec::new();
    let mut numbers = Numbers::default();
    for group in sct.split(':') {
        let ids = ids(group);
        for (place, &id) in ids[&'l'].iter().enumerate() {
            let of = |name| ids.get(&name).map_or(0, |list| list[if list.len() > 1 { place } else { 0 }]);
            let (package, numa_node) = (of('p'), of('n'));
            let core = numbers.core((package, numa_node, of('c')));
            let thread = cpus.iter().filter(|cpu| cpu.core == core).count() as u32;
            let llc = numa_node;
            cpus.push(Cpu { id, core, package, numa_node, llc, thread, efficient: false, online: true, allowed: true });
        }
    }
    cpus.sort_by_key(|cpu| cpu.id);
    let nodes: CpuSet = cpus.iter().map(|cpu| cpu.numa_node).collect();
    let node = |id| NumaNode {
        id,
        cpus: cpus.iter().filter(|cpu| cpu.numa_node == id).map(|cpu| cpu.id).collect(),
        memory_bytes: None,
    };
    Machine {
        numa_nodes: nodes.iter().map(node).collect(),
        distances: vec![vec![10; nodes.len()]; nodes.len()],
        cpus,
        quota: None,
        model: sct.to_owned(),
        source: Source::Synthetic,
        notes: Vec::new(),
    }
}

#[derive(Default)]
struct Numbers(BTreeMap<(u32, u32, u32), u32>);

impl Numbers {
    fn core(&mut self, key: (u32, u32, u32)) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(key).or_insert(next)
    }
}

/// Letter, in lower case, to its list of ids.
fn ids(group: &str) -> BTreeMap<char, Vec<u32>> {
    let mut ids: BTreeMap<char, String> = BTreeMap::new();
    let mut letter = 'l';
    for character in group.chars() {
        match character.is_ascii_alphabetic() {
            true => letter = character.to_ascii_lowercase(),
            false => ids.entry(letter).or_default().push(character),
        }
    }
    ids.into_iter().map(|(letter, text)| (letter, text.split(',').flat_map(range).collect())).collect()
}

/// `0-3`, or backwards `6-5`.
fn range(part: &str) -> Vec<u32> {
    let number = |text: &str| text.parse::<u32>().expect("an id");
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (number(first), number(last));
    if first <= last { (first..=last).collect() } else { (last..=first).rev().collect() }
}

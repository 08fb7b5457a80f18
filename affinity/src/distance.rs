//! How far one CPU is from another, and whom to steal from first.
//!
//! The order of [`Distance`] is the price of moving work: nothing, a shared L1/L2, a shared last-level cache, memory
//! that is equally near, a package's inner links, another socket as far as the firmware's table says. It is a rule
//! about data; whoever steals asks once at start and keeps the list.

use crate::Machine;
use crate::machine::Cpu;

/// How far apart two CPUs are, nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Distance {
    /// One and the same.
    SameCpu,
    /// Hardware threads of one core.
    SameCore,
    /// One last-level cache and one NUMA node.
    SameLlc,
    /// One NUMA node.
    SameNumaNode,
    /// One package, different NUMA nodes.
    SamePackage,
    /// Different packages and NUMA nodes; the number is the firmware's distance between them, 10 being local.
    OtherNode(u32),
}

/// Distance to a CPU whose place is not known.
const UNKNOWN: Distance = Distance::OtherNode(u32::MAX);

/// How far CPU `a_cpu` is from CPU `b_cpu`, as operating system numbers.
///
/// A CPU that the machine does not have, or that is offline, is farther than any other.
pub fn distance(machine: &Machine, a_cpu: u32, b_cpu: u32) -> Distance {
    if a_cpu == b_cpu {
        return Distance::SameCpu;
    }
    let online = |id| machine.cpu(id).filter(|cpu: &&Cpu| cpu.online);
    let (Some(a), Some(b)) = (online(a_cpu), online(b_cpu)) else { return UNKNOWN };
    match () {
        () if a.core == b.core => Distance::SameCore,
        () if a.numa_node == b.numa_node && a.llc == b.llc => Distance::SameLlc,
        () if a.numa_node == b.numa_node => Distance::SameNumaNode,
        () if a.package == b.package => Distance::SamePackage,
        () => machine.node_distance(a.numa_node, b.numa_node).map_or(UNKNOWN, Distance::OtherNode),
    }
}

/// In which order scheduler `me` looks for work at the others, nearest first.
///
/// `cpus[k]` is the CPU of scheduler k, `None` if it is not bound; the answer holds every index but `me`. An unbound
/// scheduler may be anywhere and comes after all bound ones. Among equally far ones the order starts behind `me` and
/// goes round, so that not everybody robs scheduler 0 first.
pub fn steal_order(machine: &Machine, cpus: &[Option<u32>], me: usize) -> Vec<usize> {
    let count = cpus.len();
    let mine = cpus.get(me).copied().flatten();
    let far = |other: usize| match (mine, cpus[other]) {
        (Some(mine), Some(other)) => distance(machine, mine, other),
        _ => UNKNOWN,
    };
    let mut others: Vec<usize> = (1..count.max(1)).map(|step| (me % count + step) % count).collect();
    others.retain(|&other| other != me);
    others.sort_by_key(|&other| far(other)); // stable: keeps the round among equals
    others
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine::synthetic("package:2 numanode:2 l3:2 core:2 pu:2").unwrap()
    }

    #[test]
    fn each_level_is_farther_than_the_one_below() {
        let machine = machine();
        let from_zero = |cpu| distance(&machine, 0, cpu);
        assert_eq!(from_zero(0), Distance::SameCpu);
        assert_eq!(from_zero(1), Distance::SameCore);
        assert_eq!(from_zero(2), Distance::SameLlc);
        assert_eq!(from_zero(4), Distance::SameNumaNode);
        assert_eq!(from_zero(8), Distance::SamePackage);
        assert_eq!(from_zero(16), Distance::OtherNode(20));
        assert_eq!(from_zero(99), Distance::OtherNode(u32::MAX));
        let steps = [0, 1, 2, 4, 8, 16, 99].map(from_zero);
        assert!(steps.is_sorted_by(|near, far| near < far));
    }

    #[test]
    fn the_nearest_are_robbed_first_and_equals_in_turn() {
        let machine = machine();
        let cpus: Vec<Option<u32>> = [0, 16, 8, 4, 2, 1].map(Some).to_vec();
        assert_eq!(steal_order(&machine, &cpus, 0), [5, 4, 3, 2, 1]);
        let flat = Machine::synthetic("l3:1 core:4").unwrap();
        assert_eq!(steal_order(&flat, &[Some(0), Some(1), Some(2), Some(3)], 2), [3, 0, 1]);
    }

    #[test]
    fn unbound_schedulers_come_last_and_rob_in_turn() {
        let machine = machine();
        assert_eq!(steal_order(&machine, &[Some(0), None, Some(16), Some(1)], 0), [3, 2, 1]);
        assert_eq!(steal_order(&machine, &[None, None, None], 1), [2, 0]);
    }

    #[test]
    fn nobody_to_rob_is_an_empty_list() {
        let machine = machine();
        assert!(steal_order(&machine, &[Some(0)], 0).is_empty());
        assert!(steal_order(&machine, &[], 0).is_empty());
    }
}

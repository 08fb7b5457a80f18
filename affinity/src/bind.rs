//! Bind types: in which order schedulers take the CPUs of a machine.
//!
//! The names, the meaning and the exact orders are those of Erlang's VM (`erl +sbt`), checked against orders printed
//! by Erlang/OTP 25.2.3 for ten machines. An order is a pure function of the machine; who binds what to it is decided
//! in `plan.rs`, and only `pin.rs` binds.
//!
//! How an order comes about, as in OTP's `erl_cpu_topology.c`:
//!
//! 1. All online CPUs are laid out along the hierarchy: NUMA nodes that hold packages, packages, NUMA nodes inside a
//!    package, cores, threads.
//! 2. Each level is numbered from 0 inside the level above. A package counts inside its outer NUMA node, a core
//!    inside its package or inner NUMA node. The `no_node` types see both kinds of NUMA node as one, numbered over
//!    the machine.
//! 3. The CPUs are sorted by the bind type's key, a permutation of these numbers.
//! 4. CPUs that are not allowed are left out *after* sorting: a mask never reorders the rest.
//!
//! Erlang knows no kinds of core: on a hybrid machine the efficiency cores come before the second threads of the
//! performance cores. Caches play no part either.

use std::fmt;
use std::str::FromStr;

use crate::Machine;
use crate::machine::Cpu;

/// How schedulers are dealt out over the CPUs.
///
/// Of the named types all but [`BindType::Unbound`] pin each scheduler to one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BindType {
    /// Next scheduler, nearest CPU: all threads of a core, all cores of a package, and so on.
    NoSpread,
    /// First threads of all cores before any second thread.
    ThreadSpread,
    /// Like `ThreadSpread`, and neighbours lie in different packages.
    ProcessorSpread,
    /// As far apart as possible.
    Spread,
    /// One NUMA node after the other; within it like `ThreadSpread`.
    NoNodeThreadSpread,
    /// One NUMA node after the other; within it like `ProcessorSpread`.
    NoNodeProcessorSpread,
    /// First threads of one NUMA node after the other like `NoNodeProcessorSpread`, then the second threads.
    ThreadNoNodeProcessorSpread,
    /// What is best without knowing more: the CPUs of `ThreadNoNodeProcessorSpread`.
    #[default]
    DefaultBind,
    /// The kernel decides.
    Unbound,
}

/// A bind type that nobody knows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a bind type; known are {known}", known = known())]
pub struct UnknownBindType(pub String);

impl BindType {
    /// Every bind type, in the order of Erlang's manual.
    pub const ALL: [BindType; 9] = [
        BindType::Unbound,
        BindType::NoSpread,
        BindType::ThreadSpread,
        BindType::ProcessorSpread,
        BindType::Spread,
        BindType::NoNodeThreadSpread,
        BindType::NoNodeProcessorSpread,
        BindType::ThreadNoNodeProcessorSpread,
        BindType::DefaultBind,
    ];

    /// The short name, as in `erl +sbt tnnps`.
    pub fn short_name(self) -> &'static str {
        self.names().0
    }

    /// The long name, as in `erlang:system_info(scheduler_bind_type)`.
    pub fn long_name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            BindType::NoSpread => ("ns", "no_spread"),
            BindType::ThreadSpread => ("ts", "thread_spread"),
            BindType::ProcessorSpread => ("ps", "processor_spread"),
            BindType::Spread => ("s", "spread"),
            BindType::NoNodeThreadSpread => ("nnts", "no_node_thread_spread"),
            BindType::NoNodeProcessorSpread => ("nnps", "no_node_processor_spread"),
            BindType::ThreadNoNodeProcessorSpread => ("tnnps", "thread_no_node_processor_spread"),
            BindType::DefaultBind => ("db", "default_bind"),
            BindType::Unbound => ("u", "unbound"),
        }
    }
}

impl fmt::Display for BindType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.long_name())
    }
}

impl FromStr for BindType {
    type Err = UnknownBindType;

    /// Reads the short or the long name.
    fn from_str(name: &str) -> Result<BindType, UnknownBindType> {
        let is_named = |bind: &BindType| bind.short_name() == name || bind.long_name() == name;
        BindType::ALL.into_iter().find(is_named).ok_or_else(|| UnknownBindType(name.to_owned()))
    }
}

fn known() -> String {
    BindType::ALL.map(|bind| format!("{} ({bind})", bind.short_name())).join(", ")
}

/// The allowed CPUs in the order in which schedulers take them; empty for [`BindType::Unbound`].
///
/// # Examples
///
/// ```
/// use holm_affinity::{BindType, Machine, bind_order};
///
/// let machine = Machine::synthetic("package:2 core:2 pu:2")?;
/// assert_eq!(bind_order(&machine, BindType::NoSpread), [0, 1, 2, 3, 4, 5, 6, 7]);
/// assert_eq!(bind_order(&machine, BindType::Spread), [0, 4, 2, 6, 1, 5, 3, 7]);
/// # Ok::<(), holm_affinity::SyntheticError>(())
/// ```
pub fn bind_order(machine: &Machine, bind: BindType) -> Vec<u32> {
    if bind == BindType::Unbound {
        return Vec::new();
    }
    let mut places = places(machine);
    places.sort_by_key(|(place, _)| place.key(bind));
    places.into_iter().filter(|(_, cpu)| cpu.allowed).map(|(_, cpu)| cpu.id).collect()
}

/// Where a CPU lies, each level numbered from 0 inside the level above.
#[derive(Clone, Copy)]
struct Place {
    /// NUMA nodes that hold packages; consecutive packages without one count as one.
    node: u32,
    processor: u32,
    /// NUMA nodes inside a package.
    processor_node: u32,
    core: u32,
    thread: u32,
    /// NUMA nodes of either kind, numbered over the machine.
    any_node: u32,
}

impl Place {
    fn key(self, bind: BindType) -> [u32; 5] {
        let Place { node, processor, processor_node, core, thread, any_node } = self;
        match bind {
            BindType::NoSpread | BindType::Unbound => [node, processor, processor_node, core, thread],
            BindType::ThreadSpread => [thread, node, processor, processor_node, core],
            BindType::ProcessorSpread => [thread, processor_node, core, node, processor],
            BindType::Spread => [thread, core, processor_node, processor, node],
            BindType::NoNodeThreadSpread => [any_node, thread, processor, core, 0],
            BindType::NoNodeProcessorSpread => [any_node, thread, core, processor, 0],
            BindType::ThreadNoNodeProcessorSpread | BindType::DefaultBind => [thread, any_node, core, processor, 0],
        }
    }
}

/// All online CPUs along the hierarchy, with their places.
fn places(machine: &Machine) -> Vec<(Place, &Cpu)> {
    let spans = machine.package_spans();
    let outer_node = |cpu: &Cpu| {
        let (first, last) = spans[cpu.package as usize];
        (first == last).then_some(first)
    };
    let cpus = hierarchy(machine);
    let node = number(&cpus, |_| (), outer_node);
    let processor = number(&cpus, outer_node, |cpu| cpu.package);
    let processor_node = number(&cpus, |cpu| cpu.package, |cpu| cpu.numa_node);
    let core = number(&cpus, |cpu| (cpu.package, cpu.numa_node), |cpu| cpu.core);
    let thread = number(&cpus, |cpu| cpu.core, |cpu| cpu.thread);
    let any_node = number(&cpus, |_| (), |cpu| cpu.numa_node);
    let place = |at: usize| Place {
        node: node[at],
        processor: processor[at],
        processor_node: processor_node[at],
        core: core[at],
        thread: thread[at],
        any_node: any_node[at],
    };
    cpus.into_iter().enumerate().map(|(at, cpu)| (place(at), cpu)).collect()
}

fn hierarchy(machine: &Machine) -> Vec<&Cpu> {
    let mut cpus: Vec<&Cpu> = machine.cpus.iter().filter(|cpu| cpu.online).collect();
    let outer = machine.outer_order();
    cpus.sort_by_key(|cpu| (outer(cpu), cpu.package, cpu.numa_node, cpu.core, cpu.thread));
    cpus
}

/// Numbers the values of `own` along the list, from 0 again whenever `parent` changes.
fn number<P: PartialEq, O: PartialEq>(cpus: &[&Cpu], parent: impl Fn(&Cpu) -> P, own: impl Fn(&Cpu) -> O) -> Vec<u32> {
    let mut numbers: Vec<u32> = Vec::with_capacity(cpus.len());
    for (at, cpu) in cpus.iter().enumerate() {
        let number = match at.checked_sub(1) {
            Some(before) if parent(cpus[before]) == parent(cpu) => {
                numbers[before] + u32::from(own(cpus[before]) != own(cpu))
            }
            _ => 0,
        };
        numbers.push(number);
    }
    numbers
}

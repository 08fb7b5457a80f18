//! A layout dealt over a machine: which scheduler of which node runs on which CPU, and why.
//!
//! The plan serves whoever starts nodes and schedulers; it is made once, before anything runs, from values alone. It
//! binds nothing and starts nothing.
//!
//! # One order, then walls
//!
//! All CPUs are first put into one order and only then cut into nodes. So **scheduler k has the same CPU in every
//! `PxS` with the same total**: `1x8`, `2x4` and `8x1` differ by the walls between schedulers and nothing else, which
//! is what makes comparing them fair.
//!
//! - `default_bind`, the default: *which* CPUs are used is Erlang's choice (the first ones of
//!   `thread_no_node_processor_spread`: whole cores before second threads, one NUMA node after the other). In *which
//!   order* is ours: near ones stand together, so that every cut makes nodes of neighbours. With a scheduler for each
//!   CPU of two sockets with two threads per core, Erlang's own order cut in two would give one node all first
//!   threads and the other all second ones, each across both sockets.
//! - Any other type is taken at its word: scheduler k has the k-th CPU of [`bind_order`]. Types that spread
//!   neighbours then make nodes that lie across NUMA nodes; the plan notes it. `tnnps` is Erlang's default order.
//! - `unbound` gives no scheduler a CPU.
//!
//! `numa` and `l3` take all allowed CPUs and cut where the machine itself has walls; within a node the same order
//! holds. Set aside was ordering within each node separately for grids too: nodes would be as compact for every
//! type, but scheduler k would move whenever a wall does.

mod describe;

use std::collections::BTreeMap;

use crate::machine::{Cpu, Machine};
use crate::{BindType, CpuSet, Layout, LayoutError, MAX_NODES, MAX_SCHEDULERS, bind_order};

/// A layout dealt over a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The layout as it was asked for.
    pub layout: Layout,
    /// The bind type as it was asked for.
    pub bind: BindType,
    /// The nodes by rank.
    pub nodes: Vec<PlannedNode>,
    /// What a person should know about this plan: shared CPUs, a small quota, nodes across NUMA nodes.
    pub notes: Vec<String>,
}

/// One OS process of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedNode {
    /// Its number, from 0.
    pub rank: u32,
    /// Its schedulers, their numbers following one another.
    pub schedulers: Vec<PlannedScheduler>,
    /// The CPUs its threads may use: those of its schedulers; if they are unbound, all that the layout leaves it.
    pub cpus: CpuSet,
}

/// One scheduler of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedScheduler {
    /// Its number over the whole layout, from 0.
    pub scheduler: u32,
    /// The CPU it is pinned to; `None` if it is not bound.
    pub cpu: Option<u32>,
    /// The NUMA node it runs in, where that is certain.
    pub numa_node: Option<u32>,
    /// Why it is there, in one clause.
    pub why: String,
}

/// Why a layout cannot be dealt over a machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No CPU is both online and allowed.
    #[error("no CPU of this machine is online and allowed")]
    NoCpu,
    /// The layout's own numbers are out of bounds.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// More schedulers than allowed CPUs.
    #[error(
        "{layout} needs {needed} CPUs, {count} {are} allowed ({allowed}); \
         take at most {count} schedulers, such as 1x{count}, or pass --oversubscribe",
        count = allowed.len(),
        are = if allowed.len() == 1 { "is" } else { "are" }
    )]
    TooFewCpus {
        /// The layout.
        layout: Layout,
        /// Its schedulers.
        needed: u32,
        /// The CPUs there are.
        allowed: CpuSet,
    },
    /// The machine has more places than a layout may have nodes or schedulers.
    #[error(
        "{layout} makes {nodes} nodes with {schedulers} schedulers here; at most {MAX_NODES} and {MAX_SCHEDULERS} work"
    )]
    MachineTooLarge {
        /// The layout.
        layout: Layout,
        /// Its nodes on this machine.
        nodes: usize,
        /// Its schedulers on this machine.
        schedulers: usize,
    },
}

/// What is dealt to one node: a CPU per scheduler, in scheduler order.
type Hand = Vec<u32>;

impl Plan {
    /// Deals `layout` over the allowed CPUs of `machine`.
    ///
    /// With `oversubscribe` a layout may have more schedulers than there are CPUs; they are then used in turn. A
    /// quota below the number of schedulers is noted, never refused: half a CPU is slow, not wrong.
    ///
    /// # Errors
    ///
    /// See [`PlanError`].
    pub fn new(machine: &Machine, layout: &Layout, bind: BindType, oversubscribe: bool) -> Result<Plan, PlanError> {
        layout.check()?;
        let allowed = machine.allowed();
        if allowed.is_empty() {
            return Err(PlanError::NoCpu);
        }
        let hands = match *layout {
            Layout::Grid { nodes, schedulers_per_node } => {
                let needed = nodes * schedulers_per_node;
                if needed as usize > allowed.len() && !oversubscribe {
                    return Err(PlanError::TooFewCpus { layout: *layout, needed, allowed });
                }
                let cpus = order(machine, bind, needed as usize);
                let seats: Vec<u32> = cpus.iter().copied().cycle().take(needed as usize).collect();
                seats.chunks(schedulers_per_node as usize).map(<[u32]>::to_vec).collect()
            }
            Layout::Numa => hands_by(machine, bind, |cpu| cpu.numa_node),
            Layout::L3 => hands_by(machine, bind, |cpu| cpu.llc),
        };
        let schedulers: usize = hands.iter().map(Vec::len).sum();
        if hands.len() > MAX_NODES as usize || schedulers > MAX_SCHEDULERS as usize {
            return Err(PlanError::MachineTooLarge { layout: *layout, nodes: hands.len(), schedulers });
        }
        let nodes = match bind {
            BindType::Unbound => unbound(machine, layout, &hands),
            _ => bound(machine, &hands),
        };
        let mut plan = Plan { layout: *layout, bind, nodes, notes: Vec::new() };
        plan.notes = plan.remarks(machine);
        Ok(plan)
    }

    /// All schedulers of all nodes, by number.
    pub fn schedulers(&self) -> impl Iterator<Item = &PlannedScheduler> {
        self.nodes.iter().flat_map(|node| &node.schedulers)
    }
}

/// The first `wanted` allowed CPUs that `bind` takes, in the order in which they are given to schedulers.
fn order(machine: &Machine, bind: BindType, wanted: usize) -> Vec<u32> {
    let near = || machine.allowed_by_nearness().into_iter().map(|cpu| cpu.id);
    match bind {
        BindType::Unbound => near().collect(),
        BindType::DefaultBind => {
            let taken: CpuSet = bind_order(machine, bind).into_iter().take(wanted).collect();
            near().filter(|&cpu| taken.contains(cpu)).collect()
        }
        literal => bind_order(machine, literal).into_iter().take(wanted).collect(),
    }
}

/// One hand per value of `place`, the nearest places following one another.
fn hands_by(machine: &Machine, bind: BindType, place: impl Fn(&Cpu) -> u32) -> Vec<Hand> {
    let mut places: Vec<u32> = Vec::new();
    for cpu in machine.allowed_by_nearness() {
        if !places.contains(&place(cpu)) {
            places.push(place(cpu));
        }
    }
    let cpus = order(machine, bind, usize::MAX);
    let is_in = |wanted: u32, cpu: u32| machine.cpu(cpu).is_some_and(|cpu| place(cpu) == wanted);
    places.into_iter().map(|place| cpus.iter().copied().filter(|&cpu| is_in(place, cpu)).collect()).collect()
}

fn bound(machine: &Machine, hands: &[Hand]) -> Vec<PlannedNode> {
    let sharers = Sharers::new(machine, hands);
    node_by_node(hands, |scheduler, cpu, _| PlannedScheduler {
        scheduler,
        cpu: Some(cpu),
        numa_node: machine.cpu(cpu).map(|cpu| cpu.numa_node),
        why: sharers.why(machine, scheduler, cpu),
    })
}

/// Nodes of a grid may use every CPU, those of `numa` and `l3` the CPUs of their place.
fn unbound(machine: &Machine, layout: &Layout, hands: &[Hand]) -> Vec<PlannedNode> {
    let left_to = |hand: &Hand| match layout {
        Layout::Grid { .. } => machine.allowed(),
        Layout::Numa | Layout::L3 => hand.iter().copied().collect(),
    };
    let mut nodes = node_by_node(hands, |scheduler, _, hand| {
        let cpus = left_to(hand);
        let why = format!("not bound: the system moves it over cpus {cpus}");
        PlannedScheduler { scheduler, cpu: None, numa_node: only(numa_nodes(machine, &cpus)), why }
    });
    for (node, hand) in nodes.iter_mut().zip(hands) {
        node.cpus = left_to(hand);
    }
    nodes
}

/// Numbers nodes and schedulers, and lets `seat` fill in the rest from number, CPU and the node's hand.
fn node_by_node(hands: &[Hand], seat: impl Fn(u32, u32, &Hand) -> PlannedScheduler) -> Vec<PlannedNode> {
    let mut numbers = 0..;
    let node = |(rank, hand): (u32, &Hand)| PlannedNode {
        rank,
        schedulers: hand.iter().zip(&mut numbers).map(|(&cpu, number)| seat(number, cpu, hand)).collect(),
        cpus: hand.iter().copied().collect(),
    };
    (0..).zip(hands).map(node).collect()
}

/// The NUMA nodes that a set of CPUs touches.
fn numa_nodes(machine: &Machine, cpus: &CpuSet) -> CpuSet {
    cpus.iter().filter_map(|cpu| machine.cpu(cpu)).map(|cpu| cpu.numa_node).collect()
}

fn only(ids: CpuSet) -> Option<u32> {
    ids.first().filter(|_| ids.len() == 1)
}

/// Who sits on which CPU and on which core: what the reasons are made of.
struct Sharers {
    by_cpu: BTreeMap<u32, Vec<u32>>,
    by_core: BTreeMap<u32, Vec<u32>>,
}

impl Sharers {
    fn new(machine: &Machine, hands: &[Hand]) -> Sharers {
        let mut sharers = Sharers { by_cpu: BTreeMap::new(), by_core: BTreeMap::new() };
        for (scheduler, &cpu) in (0..).zip(hands.iter().flatten()) {
            sharers.by_cpu.entry(cpu).or_default().push(scheduler);
            if let Some(cpu) = machine.cpu(cpu) {
                sharers.by_core.entry(cpu.core).or_default().push(scheduler);
            }
        }
        sharers
    }

    fn why(&self, machine: &Machine, scheduler: u32, cpu: u32) -> String {
        let Some(place) = machine.cpu(cpu) else { return format!("cpu {cpu} was asked for") };
        let others = |all: &BTreeMap<u32, Vec<u32>>, key| -> Option<String> {
            let others: CpuSet = all.get(&key)?.iter().copied().filter(|&other| other != scheduler).collect();
            let noun = if others.len() == 1 { "scheduler" } else { "schedulers" };
            (!others.is_empty()).then(|| format!("{noun} {others}"))
        };
        let Cpu { core, numa_node, thread, .. } = *place;
        let where_it_is = format!("core {core} of numa node {numa_node}");
        match (others(&self.by_cpu, cpu), others(&self.by_core, core)) {
            (Some(others), _) => format!("{where_it_is}, its CPU shared with {others}"),
            (None, Some(others)) => {
                format!("thread {thread} of {where_it_is}, the core shared with {others}")
            }
            (None, None) => format!("{where_it_is}, the core to itself"),
        }
    }
}

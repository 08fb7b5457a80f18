//! The machine as holm sees it, and who would run where on it: `holm machine`, and what other commands ask about it.
//!
//! All that is known about CPUs, bindings and layouts is decided in `holm-affinity`; this file turns its answers into
//! words and its errors into exit statuses.

use std::collections::BTreeSet;

use holm_affinity::{BindType, Cpu, Layout, Machine, Plan, PlannedNode};

use crate::args::MachineArgs;
use crate::say::say;
use crate::stop::Stop;

/// More seats than this are not listed one by one above a table.
const SEATS_LISTED_MAX: usize = 64;

/// The machine this program runs on.
#[derive(Debug)]
pub(crate) struct Site {
    machine: Machine,
}

/// A layout on this machine.
#[derive(Debug)]
pub(crate) struct Seats {
    /// OS processes.
    pub(crate) nodes: usize,
    /// Schedulers of all of them.
    pub(crate) schedulers: usize,
    /// Which scheduler runs on which CPU: `node 0: 0→cpu 0 · node 1: 1→cpu 1`.
    pub(crate) words: String,
}

impl Site {
    /// Looks at the machine.
    pub(crate) fn discover() -> Result<Self, Stop> {
        let machine = Machine::discover().map_err(|error| Stop::failed(error.to_string()))?;
        Ok(Self { machine })
    }

    /// How many schedulers make sense.
    pub(crate) fn usable(&self) -> usize {
        self.machine.usable()
    }

    /// NUMA nodes with CPUs that may be used.
    pub(crate) fn numa_nodes(&self) -> usize {
        self.count(|cpu| cpu.numa_node)
    }

    /// Last-level caches of CPUs that may be used.
    pub(crate) fn caches(&self) -> usize {
        self.count(|cpu| cpu.llc)
    }

    fn count(&self, part: impl Fn(&Cpu) -> u32) -> usize {
        let usable = self.machine.cpus.iter().filter(|cpu| cpu.online && cpu.allowed);
        usable.map(part).collect::<BTreeSet<u32>>().len()
    }

    /// Name and value of what a reader of measurements wants to know about the machine.
    pub(crate) fn facts(&self) -> Vec<(String, String)> {
        let machine = &self.machine;
        let allowed = machine.allowed();
        let quota = machine.quota.map_or_else(|| "none".to_owned(), |quota| format!("{quota:.2} CPUs"));
        let (packages, cores) = (self.count(|cpu| cpu.package), self.count(|cpu| cpu.core));
        let shape = format!(
            "packages {packages}, NUMA nodes {}, last-level caches {}, cores {cores}, CPUs {}",
            self.numa_nodes(),
            self.caches(),
            allowed.len()
        );
        let mut facts = vec![
            ("processor", machine.model.clone()),
            ("machine", shape),
            ("CPU set", allowed.to_string()),
            ("quota", quota),
        ];
        facts.extend(machine.notes.iter().map(|note| ("note", note.clone())));
        facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Deals a layout over the machine.
    pub(crate) fn seats(&self, layout: Layout, bind: BindType, oversubscribe: bool) -> Result<Seats, Stop> {
        let plan = self.plan(layout, bind, oversubscribe)?;
        Ok(Seats { nodes: plan.nodes.len(), schedulers: plan.schedulers().count(), words: words(&plan) })
    }

    fn plan(&self, layout: Layout, bind: BindType, oversubscribe: bool) -> Result<Plan, Stop> {
        Plan::new(&self.machine, &layout, bind, oversubscribe).map_err(|error| Stop::Usage(error.to_string()))
    }
}

/// `holm machine`.
pub(crate) fn show(args: &MachineArgs) -> Result<(), Stop> {
    let site = Site::discover()?;
    let whole = || Layout::grid(1, site.usable() as u32).map_err(|error| Stop::failed(error.to_string()));
    let layout = args.layout.map_or_else(whole, Ok)?;
    let plan = site.plan(layout, args.seat.bind, args.seat.oversubscribe)?;
    let machine = &site.machine;
    if args.json {
        return say(&format!("{{\"machine\":{},\"plan\":{}}}\n", machine.to_json(), plan.to_json()));
    }
    say(&format!("{machine}\n{plan}"))
}

fn words(plan: &Plan) -> String {
    let count = plan.schedulers().count();
    let mut words = if count > SEATS_LISTED_MAX {
        format!("{count} schedulers in {} nodes, bound by {}", plan.nodes.len(), plan.bind)
    } else {
        plan.nodes.iter().map(node_words).collect::<Vec<_>>().join(" · ")
    };
    for note in &plan.notes {
        words += &format!("; {note}");
    }
    words
}

fn node_words(node: &PlannedNode) -> String {
    let seat = |(scheduler, cpu): (u32, Option<u32>)| match cpu {
        Some(cpu) => format!("{scheduler}→cpu {cpu}"),
        None => format!("{scheduler}→cpus {}", node.cpus),
    };
    let seats: Vec<String> = node.schedulers.iter().map(|s| seat((s.scheduler, s.cpu))).collect();
    format!("node {}: {}", node.rank, seats.join(", "))
}

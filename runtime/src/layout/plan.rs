//! Plan: from what was asked and what the machine is to the place of every node.
//!
//! Serves `enter` in the process that the user started; the other nodes are told. The dealing of schedulers over CPUs is
//! `holm_affinity`'s; here it is decided which layout and which bind type to ask it for, and nodes get names and ids.
//!
//! Without `HOLM_BIND` schedulers are bound when there are several and each gets a CPU of its own. A lone scheduler and
//! an oversubscribed layout are left to the operating system: it knows what else runs there, and we do not.

use std::ffi::OsStr;
use std::path::Path;

use holm_affinity::{BindType, CpuSet, Layout, MAX_SCHEDULERS, Machine, PinError, Plan, PlannedNode};
use holm_transport::Secret;

use super::binding::{self, Binding};
use super::error::LayoutError;
use super::options::Options;
use super::place::{NodePlace, Place, draw_id, node_name};

/// The place of node 0, and for every node the CPUs it is confined to (empty: all).
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) place: Place,
    pub(super) masks: Vec<Vec<u32>>,
}

/// Plans what `options` ask for on this machine.
pub(super) fn plan(options: &Options) -> Result<Planned, LayoutError> {
    let machine = Machine::discover()?;
    let Dealt { plan, binding, mut notes } = deal(&machine, options, binding::may_bind)?;
    notes.extend_from_slice(&plan.notes);
    let (program, host) = (program_name(), rustix::system::uname().nodename().to_string_lossy().into_owned());
    let nodes = plan.nodes.iter().map(|node| place_of(node, &program, &host)).collect::<Result<_, _>>()?;
    let allowed = machine.allowed();
    let masks = plan.nodes.iter().map(|node| mask_of(node, &allowed)).collect();
    let place = Place {
        rank: 0,
        nodes,
        transport: options.transport,
        secret: Secret::generate()?,
        binding,
        processes_max: options.processes_max,
        notes,
    };
    Ok(Planned { place, masks })
}

/// A plan, whether it binds, and what is to be said about that.
#[derive(Debug)]
struct Dealt {
    plan: Plan,
    binding: Binding,
    notes: Vec<String>,
}

/// Deals the schedulers out, bound or not by the rule above. `may_bind` is asked only if it matters.
fn deal(
    machine: &Machine,
    options: &Options,
    may_bind: impl FnOnce() -> Result<(), PinError>,
) -> Result<Dealt, LayoutError> {
    let layout = options.layout.unwrap_or_else(|| one_node(machine));
    let dealt = |bind_type| Plan::new(machine, &layout, bind_type, options.oversubscribe);
    let bind_type = options.bind.unwrap_or(BindType::DefaultBind);
    let plan = dealt(bind_type)?;
    let asked = options.bind.is_some();
    let binding = Binding::new(bind_type, asked);
    let schedulers = plan.nodes.iter().map(|node| node.schedulers.len()).sum::<usize>();
    let worth_binding = asked || (2..=machine.usable()).contains(&schedulers);
    let mut notes = Vec::new();
    if worth_binding && bind_type != BindType::Unbound {
        match may_bind() {
            Ok(()) => return Ok(Dealt { plan, binding, notes }),
            Err(refusal) => binding.refused(refusal, &mut notes)?,
        }
    }
    Ok(Dealt { plan: dealt(BindType::Unbound)?, binding: Binding::new(BindType::Unbound, asked), notes })
}

fn one_node(machine: &Machine) -> Layout {
    let schedulers = machine.usable().min(MAX_SCHEDULERS as usize) as u32;
    Layout::Grid { nodes: 1, schedulers_per_node: schedulers }
}

fn program_name() -> String {
    let program = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&program).file_stem().unwrap_or(OsStr::new("holm"));
    name.to_string_lossy().into_owned()
}

fn place_of(node: &PlannedNode, program: &str, host: &str) -> Result<NodePlace, LayoutError> {
    let name = node_name(program, node.rank, host);
    let first = node.schedulers.first().map_or(0, |scheduler| scheduler.scheduler);
    Ok(NodePlace {
        rank: node.rank,
        id: draw_id(&name)?,
        name,
        schedulers: first..first + node.schedulers.len() as u32,
        cpus: node.schedulers.iter().map(|scheduler| scheduler.cpu).collect(),
        numa_nodes: node.schedulers.iter().map(|scheduler| scheduler.numa_node).collect(),
        why: node.schedulers.iter().map(|scheduler| scheduler.why.clone()).collect(),
    })
}

/// The CPUs that a node is to be confined to: those of its plan, where that is fewer than all.
fn mask_of(node: &PlannedNode, allowed: &CpuSet) -> Vec<u32> {
    if node.cpus == *allowed { Vec::new() } else { node.cpus.iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    /// Two sockets of four CPUs each.
    fn machine() -> Machine {
        Machine::synthetic("package:2 numanode:1 l3:1 core:4 pu:1").unwrap()
    }

    fn options(layout: &str, bind: Option<BindType>) -> Options {
        Options { layout: Some(layout.parse().unwrap()), bind, ..Options::default() }
    }

    fn refuse() -> Result<(), PinError> {
        Err(PinError::NoRight(io::ErrorKind::PermissionDenied.into()))
    }

    fn cpus(dealt: &Dealt) -> Vec<Option<u32>> {
        dealt.plan.nodes.iter().flat_map(|node| node.schedulers.iter().map(|scheduler| scheduler.cpu)).collect()
    }

    #[test]
    fn without_a_wish_several_schedulers_are_bound_where_each_gets_a_cpu() {
        for (layout, bound) in [("1x8", true), ("2x4", true), ("8x1", true), ("1x1", false), ("3x4", false)] {
            let options = Options { oversubscribe: true, ..options(layout, None) };
            let dealt = deal(&machine(), &options, || Ok(())).unwrap();
            assert_eq!(cpus(&dealt).iter().all(Option::is_some), bound, "{layout}");
            assert_eq!(dealt.binding.bind_type, if bound { "db" } else { "u" }, "{layout}");
            assert!(!dealt.binding.asked);
        }
    }

    #[test]
    fn without_a_wish_a_refusal_is_a_note() {
        let dealt = deal(&machine(), &options("2x4", None), refuse).unwrap();
        assert_eq!(cpus(&dealt), [None; 8]);
        assert_eq!(dealt.binding.bind_type, "u");
        assert!(dealt.notes[0].starts_with("threads are not bound to CPUs: "), "{:?}", dealt.notes);
    }

    #[test]
    fn a_wish_that_the_system_refuses_is_an_error() {
        let error = deal(&machine(), &options("2x4", Some(BindType::Spread)), refuse).unwrap_err();
        assert!(error.to_string().starts_with("HOLM_BIND=s: "), "{error}");
    }

    #[test]
    fn a_wish_to_be_unbound_needs_no_right() {
        let dealt = deal(&machine(), &options("2x4", Some(BindType::Unbound)), refuse).unwrap();
        assert_eq!(cpus(&dealt), [None; 8]);
        assert!(dealt.binding.asked && dealt.notes.is_empty());
    }

    #[test]
    fn without_a_layout_there_is_one_node_with_all_usable_cpus() {
        let dealt = deal(&machine(), &Options::default(), || Ok(())).unwrap();
        assert_eq!((dealt.plan.nodes.len(), dealt.plan.nodes[0].schedulers.len()), (1, 8));
    }

    #[test]
    fn a_layout_that_needs_more_cpus_than_there_are_says_what_to_set() {
        let error = deal(&machine(), &options("9x1", None), || Ok(())).unwrap_err().to_string();
        assert!(error.contains("9x1 needs 9 CPUs") && error.ends_with("HOLM_OVERSUBSCRIBE=1)"), "{error}");
    }

    #[test]
    fn a_node_is_confined_to_its_cpus_unless_it_has_all() {
        let masks = |layout, bind| {
            let dealt = deal(&machine(), &options(layout, bind), || Ok(())).unwrap();
            let allowed = machine().allowed();
            dealt.plan.nodes.iter().map(|node| mask_of(node, &allowed)).collect::<Vec<_>>()
        };
        assert_eq!(masks("2x4", None), [[0, 1, 2, 3], [4, 5, 6, 7]]);
        assert_eq!(masks("numa", Some(BindType::Unbound)), [[0, 1, 2, 3], [4, 5, 6, 7]]);
        assert_eq!(masks("1x8", None), [[0; 0]]);
        assert_eq!(masks("2x4", Some(BindType::Unbound)), [[0; 0]; 2]);
    }
}

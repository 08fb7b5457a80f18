//! What a plan promises, on machines of every shape.

mod support;

use std::collections::BTreeSet;

use holm_affinity::{BindType, CpuSet, Layout, Machine, Plan, PlanError};
use support::tree::Tree;

fn machines() -> Vec<Machine> {
    let mut machines: Vec<Machine> = [
        "core:1",
        "core:6",
        "package:2 numanode:1 l3:1 core:4 pu:2",
        "package:2 numanode:2 l3:2 core:2 pu:2",
        "numanode:2 package:2 l3:1 core:3 pu:1",
    ]
    .map(|text| Machine::synthetic(text).unwrap())
    .to_vec();
    for name in
        ["two-sockets-linux-numbering", "epyc-two-nodes-per-socket", "hybrid", "offline-cpus", "memory-only-node"]
    {
        machines.push(Tree::captured(name).machine());
    }
    machines
}

fn plan(machine: &Machine, layout: &str, bind: BindType) -> Plan {
    Plan::new(machine, &layout.parse().unwrap(), bind, false).unwrap()
}

fn seats(plan: &Plan) -> Vec<Option<u32>> {
    plan.schedulers().map(|scheduler| scheduler.cpu).collect()
}

fn node_cpus(plan: &Plan) -> Vec<String> {
    plan.nodes.iter().map(|node| node.cpus.to_string()).collect()
}

/// Every grid with `total` schedulers.
fn grids(total: u32) -> impl Iterator<Item = Layout> {
    (1..=total)
        .filter(move |nodes| total.is_multiple_of(*nodes))
        .map(move |nodes| Layout::grid(nodes, total / nodes).unwrap())
}

#[test]
fn scheduler_k_has_the_same_cpu_in_every_grid_of_the_same_total() {
    for machine in machines() {
        for bind in BindType::ALL {
            for total in 1..=machine.allowed().len() as u32 {
                let plans: Vec<Plan> =
                    grids(total).map(|grid| Plan::new(&machine, &grid, bind, false).unwrap()).collect();
                assert!(plans.iter().all(|plan| seats(plan) == seats(&plans[0])), "{bind}, {total} on {machine}");
            }
        }
    }
}

#[test]
fn nodes_share_no_cpu_and_schedulers_are_numbered_through() {
    for machine in machines() {
        let total = machine.allowed().len() as u32;
        for layout in grids(total).chain([Layout::Numa, Layout::L3]) {
            for bind in BindType::ALL.into_iter().filter(|&bind| bind != BindType::Unbound) {
                let plan = Plan::new(&machine, &layout, bind, false).unwrap();
                let numbers: Vec<u32> = plan.schedulers().map(|scheduler| scheduler.scheduler).collect();
                assert_eq!(numbers, (0..total).collect::<Vec<_>>(), "{layout}, {bind} on {machine}");
                let ranks: Vec<u32> = plan.nodes.iter().map(|node| node.rank).collect();
                assert_eq!(ranks, (0..plan.nodes.len() as u32).collect::<Vec<_>>());
                let used: BTreeSet<u32> = plan.nodes.iter().flat_map(|node| node.cpus.iter()).collect();
                let sizes: usize = plan.nodes.iter().map(|node| node.cpus.len()).sum();
                assert_eq!((used.len(), sizes), (total as usize, total as usize), "{layout}, {bind} on {machine}");
                assert!(used.iter().all(|&cpu| machine.allowed().contains(cpu)));
                assert_eq!(plan, Plan::new(&machine, &layout, bind, false).unwrap());
            }
        }
    }
}

#[test]
fn the_default_uses_whole_cores_first_and_keeps_the_schedulers_of_a_node_together() {
    let machine = Machine::synthetic("package:2 numanode:1 l3:1 core:4 pu:2").unwrap();
    let db = BindType::DefaultBind;
    assert_eq!(node_cpus(&plan(&machine, "2x4", db)), ["0,2,4,6", "8,10,12,14"]);
    assert_eq!(node_cpus(&plan(&machine, "2x8", db)), ["0-7", "8-15"]);
    assert_eq!(node_cpus(&plan(&machine, "4x4", db)), ["0-3", "4-7", "8-11", "12-15"]);
    assert_eq!(node_cpus(&plan(&machine, "8x2", db))[0], "0-1");
    assert_eq!(node_cpus(&plan(&machine, "2x2", db)), ["0,2", "4,6"]); // Erlang fills one NUMA node first
    let linux = Tree::captured("two-sockets-linux-numbering").machine();
    assert_eq!(node_cpus(&plan(&linux, "2x8", db)), ["0-3,8-11", "4-7,12-15"]);
    assert!(plan(&linux, "2x8", db).notes.is_empty());
}

#[test]
fn a_named_bind_type_is_taken_at_its_word_and_the_consequence_is_noted() {
    let machine = Machine::synthetic("package:2 numanode:1 l3:1 core:4 pu:2").unwrap();
    let spread = plan(&machine, "2x4", BindType::Spread);
    assert_eq!(seats(&spread), [0, 8, 2, 10, 4, 12, 6, 14].map(Some));
    assert_eq!(spread.notes, ["lying across several NUMA nodes: nodes 0-1 of the layout"]);
    let erlang = plan(&machine, "1x16", BindType::ThreadNoNodeProcessorSpread);
    assert_eq!(seats(&erlang), [0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15].map(Some));
    assert!(erlang.notes.is_empty()); // a single node has no choice
}

#[test]
fn numa_and_l3_follow_the_walls_of_the_machine() {
    let machine = Tree::captured("epyc-two-nodes-per-socket").machine();
    let numa = plan(&machine, "numa", BindType::DefaultBind);
    assert_eq!(node_cpus(&numa), ["0-3,16-19", "4-7,20-23", "8-11,24-27", "12-15,28-31"]);
    assert!(numa.nodes[2].schedulers.iter().all(|scheduler| scheduler.numa_node == Some(2)));
    let l3 = plan(&machine, "l3", BindType::DefaultBind);
    assert_eq!((l3.nodes.len(), node_cpus(&l3)[3].as_str()), (8, "6-7,22-23"));
    // With equal places they are the grids of the same size.
    assert_eq!(seats(&numa), seats(&plan(&machine, "4x8", BindType::DefaultBind)));
    assert_eq!(seats(&l3), seats(&plan(&machine, "8x4", BindType::DefaultBind)));
}

#[test]
fn only_numa_nodes_with_cpus_of_ours_get_a_node() {
    let machine = Tree::captured("memory-only-node").machine();
    let all = plan(&machine, "numa", BindType::DefaultBind);
    assert_eq!(node_cpus(&all), ["0-1", "2-5"]);
    assert_eq!(all.notes, ["without CPUs for this program, so without a node of the layout: numa nodes 2"]);
    let tree = Tree::captured("memory-only-node");
    let masked = Machine::discover_under(tree.root(), Some("3-4".parse().unwrap())).unwrap();
    assert_eq!(node_cpus(&plan(&masked, "numa", BindType::DefaultBind)), ["3-4"]);
}

#[test]
fn a_layout_larger_than_the_allowed_cpus_is_refused_with_the_arithmetic() {
    let machine = Machine::synthetic("core:2").unwrap();
    let error = Plan::new(&machine, &"4x2".parse().unwrap(), BindType::DefaultBind, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "4x2 needs 8 CPUs, 2 are allowed (0-1); take at most 2 schedulers, such as 1x2, or pass --oversubscribe"
    );
}

#[test]
fn oversubscribed_cpus_are_used_in_turn_and_named() {
    let machine = Machine::synthetic("core:2").unwrap();
    let plan = Plan::new(&machine, &"4x2".parse().unwrap(), BindType::DefaultBind, true).unwrap();
    assert_eq!(seats(&plan), [0, 1, 0, 1, 0, 1, 0, 1].map(Some));
    assert_eq!(plan.notes, ["more schedulers (8) than CPUs (0-1): they take turns"]);
    assert_eq!(plan.nodes[0].schedulers[0].why, "core 0 of numa node 0, its CPU shared with schedulers 2,4,6");
}

#[test]
fn a_quota_below_the_schedulers_is_a_note_and_no_refusal() {
    let machine = Tree::captured("cpuset-and-quota").machine();
    let plan = plan(&machine, "2x2", BindType::DefaultBind);
    assert_eq!(node_cpus(&plan), ["2-3", "4-5"]);
    assert_eq!(plan.notes, ["the quota of 0.50 CPUs is less than 4 can use: the system will pause schedulers"]);
}

#[test]
fn unbound_schedulers_have_no_cpu_but_their_node_has() {
    let machine = Machine::synthetic("numanode:2 core:2").unwrap();
    let grid = plan(&machine, "2x2", BindType::Unbound);
    assert_eq!((seats(&grid), node_cpus(&grid)), (vec![None; 4], vec!["0-3".to_owned(); 2]));
    assert_eq!(grid.nodes[0].schedulers[0].numa_node, None);
    let numa = plan(&machine, "numa", BindType::Unbound);
    assert_eq!(node_cpus(&numa), ["0-1", "2-3"]);
    assert_eq!(numa.nodes[1].schedulers[0].numa_node, Some(1));
    assert!(grid.notes.is_empty() && numa.notes.is_empty());
}

#[test]
fn efficiency_cores_in_use_are_noted() {
    let machine = Tree::captured("hybrid").machine();
    let note = "efficiency cores, so schedulers there are slower: cpus 4-5".to_owned();
    assert_eq!(plan(&machine, "1x4", BindType::DefaultBind).notes, [note]);
    assert!(plan(&machine, "1x2", BindType::DefaultBind).notes.is_empty());
}

#[test]
fn a_machine_without_a_cpu_of_ours_or_too_large_a_one_is_refused() {
    let mut machine = Machine::synthetic("core:2").unwrap();
    machine.cpus.iter_mut().for_each(|cpu| cpu.allowed = false);
    let layout = Layout::Numa;
    assert_eq!(Plan::new(&machine, &layout, BindType::DefaultBind, true), Err(PlanError::NoCpu));
    let machine = Machine::synthetic("l3:300 core:1").unwrap();
    let error = Plan::new(&machine, &Layout::L3, BindType::DefaultBind, false).unwrap_err();
    assert_eq!(error, PlanError::MachineTooLarge { layout: Layout::L3, nodes: 300, schedulers: 300 });
    let unchecked = Layout::Grid { nodes: 0, schedulers_per_node: 4 };
    assert!(matches!(Plan::new(&machine, &unchecked, BindType::NoSpread, true), Err(PlanError::Layout(_))));
}

#[test]
fn a_plan_is_rendered_for_people_and_for_programs() {
    let machine = Machine::synthetic("numanode:2 core:2 pu:2").unwrap();
    let plan = plan(&machine, "3x2", BindType::DefaultBind);
    let expected = "\
layout 3x2, default_bind, nodes: 3, schedulers: 6
node 0 on cpus 0-1
  scheduler   0  cpu   0  thread 0 of core 0 of numa node 0, the core shared with scheduler 1
  scheduler   1  cpu   1  thread 1 of core 0 of numa node 0, the core shared with scheduler 0
node 1 on cpus 2-3
  scheduler   2  cpu   2  thread 0 of core 1 of numa node 0, the core shared with scheduler 3
  scheduler   3  cpu   3  thread 1 of core 1 of numa node 0, the core shared with scheduler 2
node 2 on cpus 4,6
  scheduler   4  cpu   4  core 2 of numa node 1, the core to itself
  scheduler   5  cpu   6  core 3 of numa node 1, the core to itself
";
    assert_eq!(plan.to_string(), expected);
    let json: serde_json::Value = serde_json::from_str(&plan.to_json()).expect("is JSON");
    assert_eq!((&json["layout"], &json["bind"]), (&"3x2".into(), &"default_bind".into()));
    assert_eq!(json["nodes"][2]["schedulers"][1]["cpu"], 6);
    let cpus: CpuSet = json["nodes"][2]["cpus"].as_str().unwrap().parse().unwrap();
    assert_eq!(cpus, plan.nodes[2].cpus);
}

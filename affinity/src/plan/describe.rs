//! A plan for people (`Display`), for programs (`to_json`), and its remarks.
//!
//! Remarks are things that are allowed but that somebody who reads numbers later will want to know.

use std::fmt;

use super::{Plan, PlannedNode, PlannedScheduler, numa_nodes};
use crate::machine::{Cpu, Machine};
use crate::{BindType, CpuSet, Layout, json};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.nodes.len();
        let schedulers = self.schedulers().count();
        writeln!(f, "layout {}, {}, nodes: {nodes}, schedulers: {schedulers}", self.layout, self.bind)?;
        for node in &self.nodes {
            writeln!(f, "node {} on cpus {}", node.rank, node.cpus)?;
            for PlannedScheduler { scheduler, cpu, why, .. } in &node.schedulers {
                match cpu {
                    Some(cpu) => writeln!(f, "  scheduler {scheduler:>3}  cpu {cpu:>3}  {why}")?,
                    None => writeln!(f, "  scheduler {scheduler:>3}           {why}")?,
                }
            }
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl Plan {
    /// One JSON object with the fields of [`Plan`]; CPU sets are strings such as `"0-3,8"`.
    pub fn to_json(&self) -> String {
        json::object(&[
            ("layout", json::text(&self.layout.to_string())),
            ("bind", json::text(self.bind.long_name())),
            ("nodes", json::array(self.nodes.iter().map(node_json))),
            ("notes", json::texts(&self.notes)),
        ])
    }

    pub(super) fn remarks(&self, machine: &Machine) -> Vec<String> {
        let remarks = [
            self.about_sharing(),
            self.about_quota(machine),
            self.about_spanning(machine),
            self.about_efficiency_cores(machine),
            self.about_left_out_nodes(machine),
        ];
        remarks.into_iter().flatten().collect()
    }

    /// Where schedulers that are bound sit, each CPU as often as it is used.
    fn seats(&self) -> impl Iterator<Item = u32> {
        self.schedulers().filter_map(|scheduler| scheduler.cpu)
    }

    fn about_sharing(&self) -> Option<String> {
        let schedulers = self.schedulers().count();
        let cpus: CpuSet = match self.bind {
            BindType::Unbound => self.nodes.iter().flat_map(|node| node.cpus.iter()).collect(),
            _ => self.seats().collect(),
        };
        (schedulers > cpus.len()).then(|| format!("more schedulers ({schedulers}) than CPUs ({cpus}): they take turns"))
    }

    fn about_quota(&self, machine: &Machine) -> Option<String> {
        let schedulers = self.schedulers().count();
        let quota = machine.quota.filter(|&quota| quota < schedulers as f64)?;
        Some(format!(
            "the quota of {quota:.2} CPUs is less than {schedulers} can use: the system will pause schedulers"
        ))
    }

    /// Only worth a word when there is more than one node and walls could have been elsewhere.
    fn about_spanning(&self, machine: &Machine) -> Option<String> {
        if self.nodes.len() < 2 || self.bind == BindType::Unbound || self.layout == Layout::Numa {
            return None;
        }
        let spans = |node: &&PlannedNode| numa_nodes(machine, &node.cpus).len() > 1;
        let ranks: CpuSet = self.nodes.iter().filter(spans).map(|node| node.rank).collect();
        (!ranks.is_empty()).then(|| format!("lying across several NUMA nodes: nodes {ranks} of the layout"))
    }

    fn about_efficiency_cores(&self, machine: &Machine) -> Option<String> {
        let is_efficient = |&cpu: &u32| machine.cpu(cpu).is_some_and(|cpu| cpu.efficient);
        let slow: CpuSet = self.seats().filter(is_efficient).collect();
        (!slow.is_empty()).then(|| format!("efficiency cores, so schedulers there are slower: cpus {slow}"))
    }

    fn about_left_out_nodes(&self, machine: &Machine) -> Option<String> {
        if self.layout != Layout::Numa {
            return None;
        }
        let ours = |cpu: &&Cpu| cpu.allowed && cpu.online;
        let used: CpuSet = machine.cpus.iter().filter(ours).map(|cpu| cpu.numa_node).collect();
        let left: CpuSet = machine.numa_nodes.iter().map(|node| node.id).filter(|&id| !used.contains(id)).collect();
        (!left.is_empty())
            .then(|| format!("without CPUs for this program, so without a node of the layout: numa nodes {left}"))
    }
}

fn node_json(node: &PlannedNode) -> String {
    json::object(&[
        ("rank", node.rank.to_string()),
        ("cpus", json::text(&node.cpus.to_string())),
        ("schedulers", json::array(node.schedulers.iter().map(scheduler_json))),
    ])
}

fn scheduler_json(scheduler: &PlannedScheduler) -> String {
    json::object(&[
        ("scheduler", scheduler.scheduler.to_string()),
        ("cpu", json::optional(scheduler.cpu)),
        ("numa_node", json::optional(scheduler.numa_node)),
        ("why", json::text(&scheduler.why)),
    ])
}

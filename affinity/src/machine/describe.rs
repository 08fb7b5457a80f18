//! A machine for people (`Display`) and for programs (`to_json`).
//!
//! The tree has one line per last-level cache, because that is the largest thing a person still reads at a glance on
//! a machine with hundreds of CPUs: `+` joins the threads of a core, parentheses mark CPUs that are not ours.

use std::collections::BTreeSet;
use std::fmt;

use super::{Cpu, Machine, NumaNode, Source};
use crate::CpuSet;
use crate::json;

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Sysfs => "sysfs",
            Source::Hwloc => "hwloc",
            Source::Synthetic => "synthetic",
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        for package in self.distinct(|_| true, |cpu| cpu.package) {
            writeln!(f, "package {package}")?;
            self.write_package(f, package)?;
        }
        for node in self.numa_nodes.iter().filter(|node| node.cpus.is_empty()) {
            writeln!(f, "numa node {}{}, no CPUs", node.id, memory(node))?;
        }
        self.write_distances(f)?;
        let offline: CpuSet = self.cpus.iter().filter(|cpu| !cpu.online).map(|cpu| cpu.id).collect();
        if !offline.is_empty() {
            writeln!(f, "offline: {offline}")?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))
    }
}

impl Machine {
    /// One JSON object with the fields of [`Machine`]; CPU sets are strings such as `"0-3,8"`.
    pub fn to_json(&self) -> String {
        json::object(&[
            ("model", json::text(&self.model)),
            ("source", json::text(&self.source.to_string())),
            ("allowed", json::text(&self.allowed().to_string())),
            ("usable", self.usable().to_string()),
            ("quota", json::optional(self.quota)),
            ("cpus", json::array(self.cpus.iter().map(cpu_json))),
            ("numa_nodes", json::array(self.numa_nodes.iter().map(node_json))),
            ("distances", json::array(self.distances.iter().map(json::array))),
            ("notes", json::texts(&self.notes)),
        ])
    }

    fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (online, allowed) = (self.cpus.iter().filter(|cpu| cpu.online).count(), self.allowed());
        write!(f, "{} ({}), CPUs: {online} online, {} allowed", self.model, self.source, allowed.len())?;
        match self.quota {
            Some(quota) => writeln!(f, " ({allowed}), quota {quota:.2}"),
            None => writeln!(f, " ({allowed}), no quota"),
        }
    }

    fn write_package(&self, f: &mut fmt::Formatter<'_>, package: u32) -> fmt::Result {
        for id in self.distinct(|cpu| cpu.package == package, |cpu| cpu.numa_node) {
            let node = self.numa_nodes.iter().find(|node| node.id == id);
            writeln!(f, "  numa node {id}{}", node.map(memory).unwrap_or_default())?;
            let here = |cpu: &Cpu| cpu.package == package && cpu.numa_node == id;
            for llc in self.distinct(here, |cpu| cpu.llc) {
                let cores = self.distinct(|cpu| here(cpu) && cpu.llc == llc, |cpu| cpu.core);
                let cores: Vec<String> = cores.into_iter().map(|core| self.core(core)).collect();
                writeln!(f, "    cache {llc}: {}", cores.join(" "))?;
            }
        }
        Ok(())
    }

    /// The threads of a core, `0+8`, the not allowed ones in parentheses, an `e` behind efficiency cores.
    fn core(&self, core: u32) -> String {
        let mut threads: Vec<&Cpu> = self.cpus.iter().filter(|cpu| cpu.core == core).collect();
        threads.sort_by_key(|cpu| cpu.thread);
        let mark = if threads.iter().any(|cpu| cpu.efficient) { "e" } else { "" };
        let name = |cpu: &&Cpu| if cpu.allowed { cpu.id.to_string() } else { format!("({})", cpu.id) };
        format!("{}{mark}", threads.iter().map(name).collect::<Vec<_>>().join("+"))
    }

    fn write_distances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.numa_nodes.len() < 2 {
            return Ok(());
        }
        writeln!(f, "distances")?;
        for (node, row) in self.numa_nodes.iter().zip(&self.distances) {
            let row: Vec<String> = row.iter().map(|distance| format!("{distance:>4}")).collect();
            writeln!(f, "  numa node {:>2}:{}", node.id, row.concat())?;
        }
        Ok(())
    }

    /// The different values of `key` among the online CPUs that pass `filter`, ascending.
    fn distinct(&self, filter: impl Fn(&Cpu) -> bool, key: impl Fn(&Cpu) -> u32) -> BTreeSet<u32> {
        self.cpus.iter().filter(|cpu| cpu.online && filter(cpu)).map(key).collect()
    }
}

fn memory(node: &NumaNode) -> String {
    const GIB: f64 = (1u64 << 30) as f64;
    node.memory_bytes.map_or_else(String::new, |bytes| format!(", {:.1} GiB", bytes as f64 / GIB))
}

fn cpu_json(cpu: &Cpu) -> String {
    json::object(&[
        ("id", cpu.id.to_string()),
        ("package", cpu.package.to_string()),
        ("numa_node", cpu.numa_node.to_string()),
        ("llc", cpu.llc.to_string()),
        ("core", cpu.core.to_string()),
        ("thread", cpu.thread.to_string()),
        ("efficient", cpu.efficient.to_string()),
        ("online", cpu.online.to_string()),
        ("allowed", cpu.allowed.to_string()),
    ])
}

fn node_json(node: &NumaNode) -> String {
    json::object(&[
        ("id", node.id.to_string()),
        ("cpus", json::text(&node.cpus.to_string())),
        ("memory_bytes", json::optional(node.memory_bytes)),
    ])
}

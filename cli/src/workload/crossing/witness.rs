//! One witness on each node says what its OS process has used: CPU, context switches, memory.
//!
//! It reads its own node's clock at each look, and what counts is use per time between two looks: nodes that are looked
//! at one after another are then still comparable.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Result, ensure};
use holm::{Message, Pid, Process, Reply, SpawnOptions};
use serde::{Deserialize, Serialize};

use super::tally::ClientTally;
use crate::workload::usage::{context_switches, cpu_seconds, resident_bytes};

/// How long a look may take on a node whose schedulers have much to do.
const LOOK_LIMIT: Duration = Duration::from_secs(20);

/// What an OS process has used until now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Message)]
pub(super) struct Seen {
    at_ns: u64,
    cpu_seconds: f64,
    switches: u64,
    resident_bytes: u64,
}

/// What a node says when it is looked at, or why it cannot.
type Look = Reply<Result<Seen, String>>;

#[holm::entry]
async fn witness(mut me: Process<Look>) -> Infallible {
    loop {
        me.receive().await.send(see().map_err(|error| error.to_string()));
    }
}

fn see() -> Result<Seen> {
    Ok(Seen {
        at_ns: holm::clock::now_ns(),
        cpu_seconds: cpu_seconds(),
        switches: context_switches()?,
        resident_bytes: resident_bytes()?,
    })
}

/// The witnesses of all nodes, and what each saw last.
#[derive(Debug)]
pub(super) struct Witnesses(Vec<(Pid<Look>, Option<Seen>)>);

/// What all nodes together used between two looks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// OS processes.
    pub(super) nodes: usize,
    /// CPU seconds per second.
    pub(super) cpus: f64,
    /// Context switches per second.
    pub(super) switches_per_s: f64,
    /// Resident memory at the second look.
    pub(super) resident_bytes: u64,
}

impl Witnesses {
    pub(super) async fn start(me: &mut Process<ClientTally>) -> Result<Self> {
        let mut witnesses = Vec::new();
        for node in holm::nodes() {
            let there = SpawnOptions::new().scheduler(node.schedulers.start).link();
            witnesses.push((me.spawn_entry(witness, (), there).await?.pid, None));
        }
        Ok(Self(witnesses))
    }

    /// Looks at each node. The first look has nothing to compare with and says that nothing was used.
    pub(super) async fn look(&mut self, me: &mut Process<ClientTally>) -> Result<Usage> {
        let mut usage = Usage { nodes: self.0.len(), ..Usage::default() };
        for (witness, before) in &mut self.0 {
            let seen: Result<Seen, String> = me.call(*witness, |look| look, LOOK_LIMIT).await?;
            let seen = seen.map_err(anyhow::Error::msg)?;
            usage.add(before.replace(seen).unwrap_or(seen), seen)?;
        }
        Ok(usage)
    }
}

impl Usage {
    fn add(&mut self, before: Seen, after: Seen) -> Result<()> {
        ensure!(after.at_ns >= before.at_ns, "a node's clock went backwards");
        let seconds = ((after.at_ns - before.at_ns) as f64 / 1e9).max(1e-9);
        self.cpus += (after.cpu_seconds - before.cpu_seconds) / seconds;
        self.switches_per_s += after.switches.saturating_sub(before.switches) as f64 / seconds;
        self.resident_bytes += after.resident_bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_are_looked_at_for_different_times_add_up_per_second() {
        let before = Seen { at_ns: 0, cpu_seconds: 1.0, switches: 10, resident_bytes: 5 };
        let mut usage = Usage::default();
        usage.add(before, Seen { at_ns: 1_000_000_000, cpu_seconds: 2.0, switches: 30, resident_bytes: 6 }).unwrap();
        usage.add(before, Seen { at_ns: 2_000_000_000, cpu_seconds: 2.0, switches: 30, resident_bytes: 7 }).unwrap();
        assert_eq!(usage, Usage { nodes: 0, cpus: 1.5, switches_per_s: 30.0, resident_bytes: 13 });
    }
}

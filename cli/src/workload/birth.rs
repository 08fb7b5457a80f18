//! Processes come into being: one after another (`spawn`), to stay (`live`), as a tree (`skynet`).
//!
//! `spawn` and `skynet` run twice: the first round touches fresh memory, which is most of its time where page faults are
//! expensive; it is reported as `cold`, the second as the value.

use std::future::Future;
use std::time::Instant;

use anyhow::{Result, ensure};
use holm::{Pid, Process, SpawnError};

use super::arithmetic::sum_below;
use super::check;
use super::program::{Outcome, Program};
use super::usage::resident_bytes;
use crate::params::Params;
use crate::report_line::{Better, Report};
use crate::stop::Stop;

/// How many processes of `live` are waited for at a time.
const BATCH: u64 = 1_000;
/// Children of a process of `skynet`.
const CHILDREN: u64 = 10;

/// Spawns n processes without waiting; each sends its number and ends.
pub(super) fn spawn(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let n = params.whole("n");
    program.run(move |mut me| async move {
        let cold = spawn_round(&mut me, n).await?;
        let value = spawn_round(&mut me, n).await?;
        Ok(Report::new("ns_per_process", value, Better::Lower).extra("cold", cold))
    })
}

async fn spawn_round(me: &mut Process<u64>, n: u64) -> Result<f64> {
    let parent = me.pid();
    let start = Instant::now();
    for number in 0..n {
        me.spawn(async move |_: Process<()>| parent.send(number))?;
    }
    let mut sum = 0;
    for _ in 0..n {
        sum += me.receive().await;
    }
    let time = start.elapsed();
    check("the sum", sum, sum_below(n))?;
    Ok(time.as_nanos() as f64 / n as f64)
}

/// Spawns n processes that stay, measures their memory, then wakes each.
pub(super) fn live(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let n = params.whole("n");
    program.run(move |mut me| async move {
        let mut all = Vec::with_capacity(n as usize);
        let (before, start) = (resident_bytes()?, Instant::now());
        while (all.len() as u64) < n {
            let count = BATCH.min(n - all.len() as u64);
            live_batch(&mut me, &mut all, count).await?;
        }
        let (spawning, after) = (start.elapsed(), resident_bytes()?);

        let start = Instant::now();
        for (number, pid) in (0..).zip(&all) {
            pid.send(number)?;
        }
        let mut sum = 0;
        for _ in 0..n {
            sum += me.receive().await;
        }
        let waking = start.elapsed();
        check("the sum", sum, sum_below(n))?;
        let each = |total: f64| total / n as f64;
        Ok(Report::new("bytes_per_process", each(after as f64 - before as f64), Better::Lower)
            .extra("wake_ns_per_process", each(waking.as_nanos() as f64))
            .extra("spawn_ns_per_process", each(spawning.as_nanos() as f64)))
    })
}

/// Processes that say that they are up, and send back what they get.
async fn live_batch(me: &mut Process<u64>, all: &mut Vec<Pid<u64>>, count: u64) -> Result<()> {
    let parent = me.pid();
    for _ in 0..count {
        all.push(me.spawn(async move |mut me: Process<u64>| {
            parent.send(0)?;
            parent.send(me.receive().await)
        })?);
    }
    for _ in 0..count {
        check("what a new process says", me.receive().await, 0)?;
    }
    Ok(())
}

/// A tree with ten children below each process sums the numbers of its n leaves.
pub(super) fn skynet(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let n = params.whole("n");
    program.run(move |mut me| async move {
        ensure!(is_power_of_ten(n), "`--n` of skynet takes a power of ten, such as 1000000, not {n}");
        let cold = skynet_round(&mut me, n).await?;
        let value = skynet_round(&mut me, n).await?;
        Ok(Report::new("ms", value, Better::Lower).extra("cold", cold))
    })
}

fn is_power_of_ten(n: u64) -> bool {
    n >= CHILDREN && CHILDREN.checked_pow(n.ilog10()) == Some(n)
}

async fn skynet_round(me: &mut Process<u64>, n: u64) -> Result<f64> {
    let parent = me.pid();
    let start = Instant::now();
    me.spawn_link(move |me| subtree(me, parent, 0, n))?;
    let sum = me.receive().await;
    let time = start.elapsed();
    check("the sum", sum, sum_below(n))?;
    Ok(time.as_nanos() as f64 / 1e6)
}

/// A process with `size` leaves below it, the first of which has the number `first`. It is linked to its parent, so that
/// one that cannot spawn ends the whole tree; leaves, which spawn nothing, are not.
#[expect(
    clippy::manual_async_fn,
    reason = "one that spawns itself must be known to be `Send` before it is looked into"
)]
fn subtree(
    mut me: Process<u64>,
    parent: Pid<u64>,
    first: u64,
    size: u64,
) -> impl Future<Output = Result<(), SpawnError>> + Send {
    async move {
        let (this, below) = (me.pid(), size / CHILDREN);
        for child in 0..CHILDREN {
            let first = first + child * below;
            match below {
                1 => drop(me.spawn(async move |_: Process<()>| this.send(first))?),
                _ => drop(me.spawn_link(move |me| subtree(me, this, first, below))?),
            }
        }
        let mut sum = 0;
        for _ in 0..CHILDREN {
            sum += me.receive().await;
        }
        // A number is never refused: it is sent within the node.
        let _ = parent.send(sum);
        Ok(())
    }
}

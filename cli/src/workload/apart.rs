//! Two OS processes: a binary goes there and back (`nodes-pingpong`), many flow there (`nodes-stream`).
//!
//! The first process is on scheduler 0, the other on the last one. `--place split` gives each node a CPU of its own;
//! with `same` both run on one, where a wake costs a tenth of one across CPUs but nothing happens at the same time.

use std::convert::Infallible;
use std::time::Instant;

use anyhow::{Result, ensure};
use bytes::Bytes;
use holm::{Pid, Process, SpawnOptions};

use super::check;
use super::program::{Outcome, Program};
use crate::params::Params;
use crate::report_line::{Better, Report};
use crate::stop::Stop;

/// Above this many bytes fewer messages are sent unless told otherwise.
const SMALL_MAX: u64 = 4_096;

/// Size, count and place, which both workloads take.
fn read(program: &mut Program, params: &mut Params, small: u64, large: u64) -> Result<(u64, u64), Stop> {
    let size = params.whole("size");
    let n = params.whole_or("n", if size > SMALL_MAX { large } else { small });
    if params.word("place") == "same" {
        program.squeeze()?;
    }
    Ok((size, n))
}

/// The bytes 0, 1, 2, … in turn.
fn binary(size: u64) -> Bytes {
    (0..size).map(|index| index as u8).collect()
}

fn last_scheduler() -> SpawnOptions {
    SpawnOptions::new().scheduler(holm::schedulers() - 1).link()
}

/// A binary goes to the other node and comes back, n times; every byte is compared.
pub(super) fn pingpong(mut program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (size, n) = read(&mut program, params, 50_000, 5_000)?;
    program.run(move |mut me: Process<Bytes>| async move {
        let message = binary(size);
        let echo = me.spawn_entry(echo, me.pid(), last_scheduler()).await?.pid;
        let start = Instant::now();
        for number in 0..n {
            echo.send(message.clone())?;
            ensure!(me.receive().await == message, "self-check failed: echo {number} differs");
        }
        let time = start.elapsed();
        Ok(Report::new("ns_per_roundtrip", time.as_nanos() as f64 / n as f64, Better::Lower))
    })
}

#[holm::entry]
async fn echo(mut me: Process<Bytes>, asker: Pid<Bytes>) -> Result<Infallible> {
    loop {
        asker.send(me.receive().await)?;
    }
}

/// n binaries flow to the other node, which counts them and says so at the end.
pub(super) fn stream(mut program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (size, n) = read(&mut program, params, 2_000_000, 50_000)?;
    program.run(move |mut me: Process<u64>| async move {
        let message = binary(size);
        let argument = (me.pid(), n, size);
        let counter = me.spawn_entry(counter, argument, last_scheduler()).await?.pid;
        let start = Instant::now();
        for _ in 0..n {
            counter.send_when_ready(message.clone()).await?;
        }
        check("the number of acknowledged messages", me.receive().await, n)?;
        let seconds = start.elapsed().as_secs_f64();
        Ok(Report::new("msgs_per_s", n as f64 / seconds, Better::Higher)
            .extra("mb_per_s", (n * size) as f64 / seconds / 1e6))
    })
}

#[holm::entry]
async fn counter(mut me: Process<Bytes>, (sender, n, size): (Pid<u64>, u64, u64)) -> Result<()> {
    for _ in 0..n {
        check("the size of a message", me.receive().await.len() as u64, size)?;
    }
    sender.send(n)?;
    Ok(())
}

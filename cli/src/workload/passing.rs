//! One message under way at a time: between two processes (`pingpong`), round a ring of many (`ring`).
//!
//! The processes are entry points, so that `--place cross` means the same under a layout of several OS processes.

use std::convert::Infallible;
use std::time::Instant;

use anyhow::Result;
use holm::{Pid, Process};

use super::check;
use super::program::{Outcome, Program};
use super::seat::{Seats, Side};
use crate::params::Params;
use crate::report_line::{Better, Report};
use crate::stop::Stop;

/// A sends a number to B, B sends it back, n times.
pub(super) fn pingpong(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (n, seats) = (params.whole("n"), Seats::of(&params.word("place")));
    program.run(move |mut me| async move {
        seats.check()?;
        let argument = (me.pid(), seats, n);
        me.spawn_entry(asker, argument, seats.side(Side::One).link()).await?;
        Ok(Report::new("ns_per_roundtrip", me.receive().await, Better::Lower))
    })
}

#[holm::entry]
async fn asker(mut me: Process<u64>, (parent, seats, n): (Pid<f64>, Seats, u64)) -> Result<()> {
    let echo = me.spawn_entry(echo, me.pid(), seats.side(Side::Other).link()).await?.pid;
    let start = Instant::now();
    for number in 0..n {
        echo.send(number)?;
        check("the echo", me.receive().await, number)?;
    }
    parent.send(start.elapsed().as_nanos() as f64 / n as f64)?;
    Ok(())
}

#[holm::entry]
async fn echo(mut me: Process<u64>, asker: Pid<u64>) -> Result<Infallible> {
    loop {
        asker.send(me.receive().await)?;
    }
}

/// A token goes round a ring of p processes, less one at each hop, until it is 0.
pub(super) fn ring(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (p, n, seats) = (params.whole("p"), params.whole("n"), Seats::of(&params.word("place")));
    program.run(move |mut me: Process<()>| async move {
        seats.check()?;
        let argument = (me.pid(), seats, p);
        let first = me.spawn_entry(first_of_ring, argument, seats.side(Side::One).link()).await?.pid;
        me.receive().await;
        let start = Instant::now();
        first.send(n)?;
        me.receive().await;
        let time = start.elapsed();
        Ok(Report::new("ns_per_hop", time.as_nanos() as f64 / n as f64, Better::Lower))
    })
}

/// Closes the ring, last process first, and becomes one of it. Every other process sits on the other side.
#[holm::entry]
async fn first_of_ring(mut me: Process<u64>, (parent, seats, p): (Pid<()>, Seats, u64)) -> Result<Infallible> {
    let mut next = me.pid();
    for number in (1..p).rev() {
        let side = if number % 2 == 0 { Side::One } else { Side::Other };
        next = me.spawn_entry(member, (next, parent), seats.side(side).link()).await?.pid;
    }
    parent.send(())?;
    pass_on(me, next, parent).await
}

#[holm::entry]
async fn member(me: Process<u64>, (next, parent): (Pid<u64>, Pid<()>)) -> Result<Infallible> {
    pass_on(me, next, parent).await
}

async fn pass_on(mut me: Process<u64>, next: Pid<u64>, parent: Pid<()>) -> Result<Infallible> {
    loop {
        match me.receive().await {
            0 => parent.send(())?,
            left => next.send(left - 1)?,
        }
    }
}

//! Many processes talk at once: all to one (`fanin`), each to each (`big`), all ask one (`call`).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use holm::{Message, Pid, Process, Reply};

use super::arithmetic::sum_below;
use super::check;
use super::program::{Outcome, Program};
use super::seat::{Seats, Side};
use crate::params::Params;
use crate::report_line::{Better, Report};
use crate::stop::Stop;

/// No call of `call` waits longer.
const CALL_LIMIT: Duration = Duration::from_secs(60);

/// Messages of two numbers: the producer and a count.
type Item = (u64, u64);

/// p producers send n messages each to one consumer.
pub(super) fn fanin(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (p, n, seats) = (params.whole("p"), params.whole("n"), Seats::of(&params.word("place")));
    program.run(move |mut me| async move {
        seats.check()?;
        let start = Instant::now();
        let argument = (me.pid(), p * n);
        let consumer = me.spawn_entry(consumer, argument, seats.side(Side::One)).await?.pid;
        for number in 0..p {
            me.spawn_entry(producer, (consumer, number, n), seats.side(Side::Other).link()).await?;
        }
        let sum = me.receive().await;
        let time = start.elapsed();
        check("the sum", sum, p.wrapping_mul(sum_below(n)))?;
        Ok(Report::new("msgs_per_s", (p * n) as f64 / time.as_secs_f64(), Better::Higher))
    })
}

#[holm::entry]
async fn consumer(mut me: Process<Item>, (parent, count): (Pid<u64>, u64)) -> Result<()> {
    let mut sum = 0u64;
    for _ in 0..count {
        let (_, number) = me.receive().await;
        sum = sum.wrapping_add(number);
    }
    parent.send(sum)?;
    Ok(())
}

/// Sends its stream as one is to be sent: where there is no room it waits, and it lets others run.
#[holm::entry]
async fn producer(_me: Process<()>, (consumer, producer, n): (Pid<Item>, u64, u64)) -> Result<()> {
    for number in 0..n {
        consumer.send_when_ready((producer, number)).await?;
    }
    Ok(())
}

/// What processes of `big` say to each other.
#[derive(Message)]
#[message(local)]
enum Big {
    Everybody(Arc<[Pid<Big>]>),
    Ping(Pid<Big>),
    Pong,
    Stop,
}

/// In each of r rounds each of p processes pings every other one.
pub(super) fn big(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (p, r) = (params.whole("p"), params.whole("r"));
    program.run(move |mut me: Process<u64>| async move {
        let parent = me.pid();
        let start = Instant::now();
        let mut all = Vec::with_capacity(p as usize);
        for _ in 0..p {
            all.push(me.spawn(move |me| pinger(me, parent, r))?);
        }
        let all: Arc<[Pid<Big>]> = all.into();
        for pid in &*all {
            pid.send(Big::Everybody(Arc::clone(&all)))?;
        }
        let mut pongs = 0;
        for _ in 0..p {
            pongs += me.receive().await;
        }
        let time = start.elapsed();
        for pid in &*all {
            pid.send(Big::Stop)?;
        }
        check("the number of pongs", pongs, p * (p - 1) * r)?;
        Ok(Report::new("msgs_per_s", 2.0 * pongs as f64 / time.as_secs_f64(), Better::Higher))
    })
}

/// Goes on to the next round when it has all pongs; others may be rounds ahead or behind.
async fn pinger(mut me: Process<Big>, parent: Pid<u64>, rounds: u64) -> Result<()> {
    let this = me.pid();
    let Big::Everybody(all) = me.receive_where(|said| matches!(said, Big::Everybody(_))).await else {
        unreachable!("nothing else was asked for");
    };
    let mut total = 0;
    for _ in 0..rounds {
        for other in all.iter().filter(|&&other| other != this) {
            other.send(Big::Ping(this))?;
        }
        let mut pongs = 0;
        while pongs + 1 < all.len() as u64 {
            match me.receive().await {
                Big::Ping(from) => from.send(Big::Pong)?,
                _ => pongs += 1,
            }
        }
        total += pongs;
    }
    parent.send(total)?;
    while let Big::Ping(from) = me.receive().await {
        from.send(Big::Pong)?;
    }
    Ok(())
}

/// A request of `call` and the way to answer it.
type Request = (u64, Reply<u64>);

/// c clients call one server n times each, one call after another.
pub(super) fn call(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (c, n, seats) = (params.whole("c"), params.whole("n"), Seats::of(&params.word("place")));
    program.run(move |mut me: Process<u64>| async move {
        seats.check()?;
        let server = me.spawn_entry(server, (), seats.side(Side::One).link()).await?.pid;
        let start = Instant::now();
        for _ in 0..c {
            let argument = (me.pid(), server, n);
            me.spawn_entry(client, argument, seats.side(Side::Other).link()).await?;
        }
        let mut calls = 0;
        for _ in 0..c {
            calls += me.receive().await;
        }
        let time = start.elapsed();
        check("the number of calls", calls, c * n)?;
        Ok(Report::new("calls_per_s", calls as f64 / time.as_secs_f64(), Better::Higher))
    })
}

#[holm::entry]
async fn server(mut me: Process<Request>) -> Infallible {
    loop {
        let (number, reply) = me.receive().await;
        reply.send(number + 1);
    }
}

#[holm::entry]
async fn client(mut me: Process<()>, (parent, server, n): (Pid<u64>, Pid<Request>, u64)) -> Result<()> {
    for number in 0..n {
        let answer = me.call(server, |reply| (number, reply), CALL_LIMIT).await?;
        ensure!(answer == number + 1, "self-check failed: the answer to {number} is {answer}");
    }
    parent.send(n)?;
    Ok(())
}

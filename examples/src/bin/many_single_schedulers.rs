//! As many OS processes as there are CPUs, with one scheduler each, and tokens that run round through all of them.
//!
//! What to see: who runs where, and what a hop from one scheduler to the next costs: with one token, each hop wakes
//! somebody; with many, they travel in company, and a hop costs a small part of that.
//! This program chooses its layout itself, unless the environment asks for one: in one OS process the ring crosses no
//! wall, and the program is the same.
//!
//!     cargo run --release -p holm-examples --bin many_single_schedulers
//!     HOLM_LAYOUT=1x2 cargo run --release -p holm-examples --bin many_single_schedulers
//!     HOLM_LAYOUT=2x1 HOLM_TRANSPORT=tcp cargo run --release -p holm-examples --bin many_single_schedulers

use holm::{Message, Pid, Process, SpawnOptions, layout::Options};
use holm_affinity::{Layout, Machine};
use serde::{Deserialize, Serialize};
use std::{error::Error, process::ExitCode, time::Instant};

/// More OS processes than this are not started unasked.
const NODES_MAX: u32 = 8;

/// Hops of all tokens of a race together.
const HOPS: u32 = 20_000;

/// What goes round.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Token {
    /// Who comes next; this is how the ring is closed.
    Next(Pid<Token>),
    /// A token with so many hops before it.
    Hops(u32),
}

#[holm::entry]
async fn worker(mut me: Process<Token>, home: Pid<u32>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let Token::Next(mut next) = me.receive().await else {
        return Err("a token came before the ring was closed".into());
    };
    loop {
        match me.receive().await {
            Token::Next(other) => next = other,
            Token::Hops(0) => home.send(me.scheduler())?,
            Token::Hops(left) => next.send(Token::Hops(left - 1))?,
        }
    }
}

/// One worker on each scheduler, closed to a ring.
async fn ring(me: &mut Process<u32>) -> Result<Vec<Pid<Token>>, Box<dyn Error + Send + Sync>> {
    let (home, mut workers) = (me.pid(), Vec::new());
    for scheduler in 0..holm::schedulers() {
        let there = SpawnOptions::new().scheduler(scheduler).link();
        workers.push(me.spawn_entry(worker, home, there).await?.pid);
    }
    for (pid, next) in workers.iter().zip(workers.iter().cycle().skip(1)) {
        pid.send(Token::Next(*next))?;
    }
    Ok(workers)
}

/// Sends tokens round until all have made their hops.
async fn race(me: &mut Process<u32>, ring: &[Pid<Token>], tokens: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let begun = Instant::now();
    for (_, start) in (0..tokens).zip(ring.iter().cycle()) {
        start.send(Token::Hops(HOPS / tokens))?;
    }
    for _ in 0..tokens {
        me.receive().await;
    }
    let (hops, seconds) = (HOPS / tokens * tokens, begun.elapsed().as_secs_f64());
    println!(
        "{tokens:>4} at once: {hops} hops in {:.0} ms, {:.2} µs each",
        seconds * 1e3,
        seconds * 1e6 / f64::from(hops)
    );
    Ok(())
}

/// One node for each CPU, unless the environment asks for something else.
fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options::from_env()?;
    if options.layout.is_none() {
        let nodes = Machine::discover()?.usable().min(NODES_MAX as usize);
        options.layout = Some(Layout::grid(nodes as u32, 1)?);
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let transport = options.transport;
    let program = async move |mut me: Process<u32>| {
        let nodes = holm::nodes();
        for node in &nodes {
            println!("{} runs schedulers {:?}", node.name, node.schedulers.clone().collect::<Vec<_>>());
        }
        match nodes.len() {
            1 => println!("one OS process: a hop is a pointer that changes hands"),
            walls => println!("{walls} walls to cross on the way round, by {}", transport.word()),
        }
        let ring = ring(&mut me).await?;
        for tokens in [1, 8, 64] {
            race(&mut me, &ring, tokens).await?;
        }
        Ok::<(), Box<dyn Error + Send + Sync>>(())
    };
    holm::exit_code(holm::block_on_with(&options, program))
}

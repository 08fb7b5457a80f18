//! A server that counts, found by its name, with clients on every scheduler.
//!
//! What to see: messages and calls look the same on both sides of a wall, and a call sees everything that its caller
//! sent before it.
//!
//!     cargo run -p holm-examples --bin counter
//!     HOLM_LAYOUT=2x1 cargo run -p holm-examples --bin counter

use holm::{Message, Process, Reply, SpawnOptions};
use serde::{Deserialize, Serialize};
use std::{error::Error, time::Duration};

/// Clients on each scheduler.
const CLIENTS: u32 = 2;

/// What each client adds, one by one.
const ADDS: u64 = 1_000;

const LIMIT: Duration = Duration::from_secs(5);

/// What the counter understands.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Counter {
    /// A cast: nobody waits.
    Add(u64),
    /// A call: somebody waits for the count.
    Read(Reply<u64>),
}

async fn counter(mut me: Process<Counter>) {
    let mut count = 0;
    loop {
        match me.receive().await {
            Counter::Add(more) => count += more,
            Counter::Read(reply) => reply.send(count),
        }
    }
}

#[holm::entry]
async fn client(mut me: Process<()>, number: u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    let found = me.whereis_at::<Counter>(0, "counter").await?;
    let counter = found.ok_or("nobody is called counter on the node of scheduler 0")?;
    for _ in 0..ADDS {
        counter.send(Counter::Add(1)).expect("what a counter understands can cross");
    }
    let seen = me.call(counter, Counter::Read, LIMIT).await?;
    println!("client {number} on scheduler {} added {ADDS} and read {seen}", me.scheduler());
    match seen {
        ADDS.. => Ok(()),
        _ => Err("a call overtook what was sent before it".into()),
    }
}

fn main() -> std::process::ExitCode {
    holm::run(async |mut me: Process<()>| {
        let options = SpawnOptions::new().scheduler(0).name("counter").link();
        let counter = me.spawn_opt(options, counter)?.pid;
        let mut monitors = Vec::new();
        for number in 0..CLIENTS * holm::schedulers() {
            let there = SpawnOptions::new().scheduler(number % holm::schedulers()).monitor();
            monitors.push(me.spawn_entry(client, number, there).await?.monitor.expect("a monitor was asked for"));
        }
        for monitor in monitors {
            let reason = me.down(monitor).await;
            if !reason.is_normal() {
                return Err(reason.to_string().into());
            }
        }
        let count = me.call(counter, Counter::Read, LIMIT).await?;
        println!("together they counted to {count}");
        match count == u64::from(CLIENTS * holm::schedulers()) * ADDS {
            true => Ok(()),
            false => Err::<(), Box<dyn Error + Send + Sync>>("some of it was lost".into()),
        }
    })
}

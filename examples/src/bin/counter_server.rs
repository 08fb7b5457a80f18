//! The counter as a generic server: the state, the messages, and what each of them does. The rest is `holm_otp`'s.
//!
//! What to see: the server is fifteen lines; it runs on whatever node the last scheduler is, and calls, casts, a look
//! into it and its stop are the same there as here.
//!
//!     cargo run -p holm-examples --bin counter_server
//!     HOLM_LAYOUT=2x1 cargo run -p holm-examples --bin counter_server

use holm::{Message, Process, Reason, Reply, SpawnOptions};
use holm_otp::{
    gen_server::{self, Context, Envelope, GenServer, Next, ServerRef},
    proc_lib::{StartOptions, Starting, start_link_entry},
    sys,
};
use serde::{Deserialize, Serialize};
use std::{error::Error, time::Duration};

#[derive(Serialize, Deserialize, Message)]
enum Counter {
    Add(u64),
    Read(Reply<u64>),
}
struct Count(u64);
impl GenServer for Count {
    type Message = Counter;
    async fn handle(&mut self, message: Counter, _: &mut Context<Counter>) -> Next {
        match message {
            Counter::Add(more) => self.0 += more,
            Counter::Read(reply) => reply.send(self.0),
        }
        Next::Receive
    }
}

/// How the server is started on another node; on this one, `gen_server::start_link` takes a `Count`.
#[holm::entry]
async fn count(me: Process<Envelope<Counter>>, (starting, first): (Starting, u64)) -> Reason {
    gen_server::enter(me, starting, Count(first)).await
}

const LIMIT: Duration = Duration::from_secs(5);

fn main() -> std::process::ExitCode {
    holm::run(async |mut me: Process<()>| {
        let there = SpawnOptions::new().scheduler(holm::schedulers() - 1);
        let options = StartOptions::new().spawn(there).name("counter");
        let counter: ServerRef<Counter> = start_link_entry(&mut me, options, count, 40).await?.into();
        counter.cast(Counter::Add(1))?;
        counter.cast(Counter::Add(1))?;
        println!("{} counted to {}", counter.pid(), counter.call(&mut me, Counter::Read, LIMIT).await?);
        let seen = sys::inspect_there(&mut me, counter, LIMIT).await?;
        println!("it has handled {} messages and is {:?}", seen.messages, seen.doing);
        counter.stop(&mut me, Reason::Normal, LIMIT).await?;
        Ok::<(), Box<dyn Error + Send + Sync>>(())
    })
}

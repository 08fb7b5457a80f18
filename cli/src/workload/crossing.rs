//! The cell of the sweep: groups of processes, a share of whose messages leaves its partition.
//!
//! Partition k is what runs pinned on scheduler k, so the same processes say the same to each other under every layout
//! with as many schedulers; only the walls between the partitions move.
//!
//! ```text
//!             partition 0                        partition 1
//!   client 0 ─────────► server 0       client 2 ─────────► server 2      a message stays with share 1 - p
//!            ╲                        ╱
//!   client 1 ─╲───────► server 1     ╱ client 3 ─────────► server 3
//!              ╲____________________╱_____________________ ▲             and crosses with share p
//! ```
//!
//! 1. The first process starts a server and a client for each group, a witness on each node, and tells the clients who
//!    the servers are.
//! 2. Each client keeps one request under way: to the server of its own group, or with probability p to one of another
//!    partition, all alike. Requests and answers carry the payload; both count as messages.
//! 3. After a warm-up of a fifth of the time, clients count what is answered within the time. The witnesses say what
//!    their nodes used meanwhile.
//! 4. Clients and servers report. What was sent must be what was received, to the message, warm-up included.
//!
//! Latencies are measured by each client with its own clock, so that no two clocks are compared. Loads without a limit
//! of requests under way were set aside: they measure how deep queues get.

use std::time::Duration;

use anyhow::{Result, ensure};
use holm::{Pid, Process, SpawnOptions};

use super::arithmetic::steps_per_us;
use super::program::{Outcome, Program};
use crate::params::Params;
use crate::stop::Stop;

mod client;
mod letter;
mod server;
mod tally;
mod witness;

use client::{Client, Traffic, client};
use letter::{ToClient, ToServer};
use server::{Fault, Server, server};
use tally::{ClientTally, ServerTally, Totals};
use witness::Witnesses;

/// More groups than this in the whole layout are refused: every client knows every server.
const GROUPS_MAX: u64 = 4_096;
/// How long a client may take for its last answer, beside the work in it, before it counts as lost.
const GRACE: Duration = Duration::from_secs(3);

/// What a run is told.
#[derive(Clone, Copy, Debug)]
struct Wish {
    share: f64,
    size: u64,
    work_us: u64,
    time: Duration,
    groups: u64,
    plant: Option<Fault>,
}

/// Runs one cell.
pub(super) fn run(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let wish = Wish {
        share: params.real("share"),
        size: params.whole("size"),
        work_us: params.whole("work"),
        time: Duration::from_millis(params.whole("ms")),
        groups: params.whole("groups"),
        plant: Fault::of(&params.word("plant")),
    };
    let begun = program.begun;
    program.run(move |mut me| async move {
        let connect = begun.elapsed();
        let all = wish.groups * u64::from(holm::schedulers());
        ensure!(all <= GROUPS_MAX, "{all} groups are too many; {GROUPS_MAX} in all schedulers are the most");
        let warm_up = wish.time / 5;
        let mut witnesses = Witnesses::start(&mut me).await?;
        let crowd = Crowd::start(&mut me, wish, warm_up).await?;
        holm::sleep(warm_up).await;
        witnesses.look(&mut me).await?;
        holm::sleep(wish.time).await;
        let usage = witnesses.look(&mut me).await?;
        let totals = crowd.finish(&mut me, wish).await?;
        Ok(totals.report(usage)?.extra("connect_ms", connect.as_secs_f64() * 1e3))
    })
}

/// All clients and servers, by number.
#[derive(Debug)]
struct Crowd {
    servers: Vec<Pid<ToServer>>,
    clients: Vec<Pid<ToClient>>,
}

impl Crowd {
    /// Starts everybody, linked to the coordinator: a check that fails anywhere ends the run. Clients begin to talk.
    async fn start(me: &mut Process<ClientTally>, wish: Wish, warm_up: Duration) -> Result<Self> {
        let steps = (wish.work_us as f64 * steps_per_us()) as u64;
        let mut crowd = Self { servers: Vec::new(), clients: Vec::new() };
        for partition in 0..holm::schedulers() {
            for _ in 0..wish.groups {
                let there = SpawnOptions::new().scheduler(partition).link();
                let number = crowd.servers.len() as u32;
                let fault = wish.plant.filter(|_| number == 0);
                let server = me.spawn_entry(server, Server { steps, fault }, there.clone()).await?;
                let traffic = Traffic { number, groups: wish.groups as u32, share: wish.share };
                let job = Client { coordinator: me.pid(), traffic, size: wish.size, warm_up, time: wish.time };
                let client = me.spawn_entry(client, job, there).await?;
                crowd.servers.push(server.pid);
                crowd.clients.push(client.pid);
            }
        }
        for client in &crowd.clients {
            client.send(ToClient::Start(crowd.servers.clone()))?;
        }
        Ok(crowd)
    }

    /// Collects what everybody counted. A client whose answer does not come is told to stop, and says so.
    async fn finish(self, me: &mut Process<ClientTally>, wish: Wish) -> Result<Totals> {
        let limit = GRACE + Duration::from_micros(wish.work_us * wish.groups * 4);
        let mut totals = Totals::new(holm::schedulers());
        let mut missing = self.clients.len();
        for stopped in [false, true] {
            while missing > 0
                && let Some(tally) = me.receive_within(limit).await
            {
                totals.add_client(&tally)?;
                missing -= 1;
            }
            if missing > 0 && !stopped {
                self.clients.iter().try_for_each(|client| client.send(ToClient::Stop))?;
            }
        }
        ensure!(missing == 0, "{missing} of {} clients do not report", self.clients.len());
        for server in self.servers {
            let tally: ServerTally = me.call(server, ToServer::Report, limit).await?;
            totals.add_server(tally);
        }
        Ok(totals)
    }
}

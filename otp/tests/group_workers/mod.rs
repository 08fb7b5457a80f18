//! A scope on every node, and processes that join and leave its groups when they are told to.

#![allow(dead_code)] // each test binary uses a part of this

use super::harness;
use harness::CASE_LIMIT;
use holm::{CallError, Pid, Process, Reason, Reply, SpawnOptions};
use holm_otp::pg::Groups;
use std::{future::pending, time::Instant};

pub(crate) const SCOPE: &str = "r scope";

/// Keeps a node's scope for as long as it lives.
#[holm::entry]
async fn keeper(mut me: Process<u64>, ready: Pid<u64>) {
    Groups::<u64>::start_link(&mut me, SCOPE).await.unwrap();
    ready.send(0).unwrap();
    pending::<()>().await;
}

/// Starts a scope on every node, and waits for them; the first is this node's.
pub(crate) async fn start_scopes(me: &mut Process<u64>) -> (Groups<u64>, Vec<Pid<u64>>) {
    let mut keepers = Vec::new();
    for node in holm::nodes() {
        let there = SpawnOptions::new().scheduler(node.schedulers.start);
        keepers.push(me.spawn_entry(keeper, me.pid(), there).await.unwrap().pid);
        me.receive().await;
    }
    (Groups::find(SCOPE).unwrap(), keepers)
}

pub(crate) async fn end_scopes(me: &mut Process<u64>, keepers: Vec<Pid<u64>>) {
    for keeper in keepers {
        harness::end(me, keeper, Reason::Shutdown).await;
    }
    while Groups::<u64>::find(SCOPE).is_some() {
        holm::yield_now().await;
    }
}

/// A process on some node that joins and leaves when it is told to, and says when it has. 1 joins, 2 leaves, 3 ends, 4
/// leaves and ends at once, 5 says how many members its node knows, 6 says in which OS process it lives.
#[derive(Debug, serde::Serialize, serde::Deserialize, holm::Message)]
pub(crate) struct Order(u64, Option<Reply<u64>>);

#[holm::entry]
pub(crate) async fn worker(mut me: Process<Order>, group: String) {
    let groups = Groups::<u64>::find(SCOPE).unwrap();
    let own = me.spawn_link(async |mut me: Process<u64>| while me.receive().await != 3 {}).unwrap();
    loop {
        let Order(order, reply) = me.receive().await;
        let answer = match order {
            1 => groups.join(&mut me, &group, own).await.map(|()| 0).unwrap(),
            2 => groups.leave(&mut me, &group, own).await.map(|()| 0).unwrap(),
            3 => own.send(3).map(|()| 0).unwrap(),
            4 => {
                own.send(3).unwrap();
                u64::from(groups.leave(&mut me, &group, own).await.is_ok())
            }
            5 => groups.members(&group).len() as u64,
            _ => u64::from(std::process::id()),
        };
        if let Some(reply) = reply {
            reply.send(answer);
        }
    }
}

pub(crate) async fn order(me: &mut Process<u64>, worker: Pid<Order>, order: u64) -> u64 {
    let answer: Result<u64, CallError> = me.call(worker, |reply| Order(order, Some(reply)), CASE_LIMIT).await;
    answer.unwrap()
}

/// Waits until a node sees so many members.
pub(crate) async fn sees(me: &mut Process<u64>, worker: Pid<Order>, members: u64) {
    let until = Instant::now() + CASE_LIMIT;
    while order(me, worker, 5).await != members {
        assert!(Instant::now() < until, "{members} members were to be seen");
        holm::yield_now().await;
    }
}

pub(crate) async fn workers(me: &mut Process<u64>, group: &str) -> Vec<Pid<Order>> {
    let mut workers = Vec::new();
    for node in holm::nodes() {
        let there = SpawnOptions::new().scheduler(node.schedulers.start);
        workers.push(me.spawn_entry(worker, group.to_string(), there).await.unwrap().pid);
    }
    workers
}

pub(crate) async fn all_see(me: &mut Process<u64>, workers: &[Pid<Order>], members: u64) {
    for worker in workers {
        sees(me, *worker, members).await;
    }
}

//! What does a call cost beyond the two messages it consists of?
//!
//! `call` is a request with a `Reply` and its answer, against a server of the same node; compare `send_receive`'s
//! ping-pong. `full mailbox` is the same with 10,000 unread messages before the caller: answers do not go through the
//! mailbox, so the figure should not move. `unanswered`: the server drops each request.

use criterion::{Criterion, criterion_group, criterion_main};
use holm::{CallError, Message, Pid, Process, Reason, Reply};
use holm_benches::Bench;
use std::time::{Duration, Instant};

const UNREAD: u64 = 10_000;
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Message)]
#[message(local)]
enum Ask {
    Double(u64, Reply<u64>),
    Nothing(Reply<u64>),
}

async fn server(mut me: Process<Ask>) {
    loop {
        match me.receive().await {
            Ask::Double(number, reply) => reply.send(2 * number),
            Ask::Nothing(reply) => drop(reply),
        }
    }
}

fn spawn_server(me: &mut Process<u64>) -> Pid<Ask> {
    me.spawn_link(server).expect("there is room for one more")
}

async fn call(mut me: Process<u64>, times: u64, unread: u64) -> Duration {
    let server = spawn_server(&mut me);
    (0..unread).for_each(|number| me.pid().send(number).expect("it is this process"));
    let begun = Instant::now();
    for number in 0..times {
        let answer = me.call(server, |reply| Ask::Double(number, reply), LIMIT).await;
        assert_eq!(answer, Ok(2 * number));
    }
    begun.elapsed()
}

async fn unanswered(mut me: Process<u64>, times: u64) -> Duration {
    let server = spawn_server(&mut me);
    let begun = Instant::now();
    for _ in 0..times {
        let answer = me.call(server, Ask::Nothing, LIMIT).await;
        assert_eq!(answer, Err(CallError::Unanswered(Reason::Normal)));
    }
    begun.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let bench = Bench::start(1);
    let mut group = criterion.benchmark_group("call_reply/1x1");
    group.bench_function("call", |b| b.iter_custom(|times| bench.run(times, |me, times| call(me, times, 0))));
    let full = |me, times| call(me, times, UNREAD);
    group.bench_function("full mailbox", |b| b.iter_custom(|times| bench.run(times, full)));
    group.bench_function("unanswered", |b| b.iter_custom(|times| bench.run(times, unanswered)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench call_reply`.

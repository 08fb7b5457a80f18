//! What does a message cost between two processes of one node, from `send` to the return of `receive`?
//!
//! `ping-pong`: one message under way at a time, so each costs a send, a wake, a turn and a receive; the figure is a
//! round trip, two messages. `stream`: batches of 100 into a mailbox before the receiver has its turn; the figure is
//! one message. With one scheduler there is no locked instruction on the way; with two, sender and receiver may share
//! one or not.

use criterion::{Criterion, criterion_group, criterion_main};
use holm::{Pid, Process};
use holm_benches::Bench;
use std::time::{Duration, Instant};

const BATCH: u64 = 100;

async fn echo(mut me: Process<Pid<u64>>) {
    loop {
        let from = me.receive().await;
        from.send(0).expect("the other one lives here");
    }
}

async fn ping_pong(mut me: Process<u64>, times: u64) -> Duration {
    let echo = me.spawn_link(echo).expect("there is room for one more");
    let begun = Instant::now();
    for _ in 0..times {
        echo.send(me.pid()).expect("the other one lives here");
        me.receive().await;
    }
    begun.elapsed()
}

/// Adds up, and answers each message of zero.
async fn sink(mut me: Process<(u64, Pid<u64>)>) {
    let mut sum = 0;
    loop {
        let (number, from) = me.receive().await;
        sum += number;
        if number == 0 {
            from.send(sum).expect("the other one lives here");
        }
    }
}

async fn stream(mut me: Process<u64>, times: u64) -> Duration {
    let (sink, parent) = (me.spawn_link(sink).expect("there is room for one more"), me.pid());
    let begun = Instant::now();
    let mut left = times;
    while left > 0 {
        let batch = left.min(BATCH);
        for number in (0..batch).rev() {
            sink.send((number, parent)).expect("the other one lives here");
        }
        me.receive().await;
        left -= batch;
    }
    begun.elapsed()
}

fn bench(criterion: &mut Criterion) {
    for schedulers in [1, 2] {
        let bench = Bench::start(schedulers);
        let mut group = criterion.benchmark_group(format!("send_receive/1x{schedulers}"));
        group.bench_function("ping-pong", |b| b.iter_custom(|times| bench.run(times, ping_pong)));
        group.bench_function("stream", |b| b.iter_custom(|times| bench.run(times, stream)));
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench send_receive`.

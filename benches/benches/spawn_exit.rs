//! What does it cost to spawn a process that does nothing, and to hear of its end?
//!
//! `spawn`: the process ends unseen, and the parent yields once for each 100 of them. `spawn_monitor`: a monitor is set
//! with the spawn, and its `Down` is awaited, so that a whole life lies between two iterations. `refused`: the process
//! that a link is asked of has ended; the parent traps the exit signal that says so.

use criterion::{Criterion, criterion_group, criterion_main};
use holm::{Notice, Process};
use holm_benches::Bench;
use std::time::{Duration, Instant};

const BATCH: u64 = 100;

async fn nothing(_: Process<()>) {}

async fn spawn(mut me: Process<()>, times: u64) -> Duration {
    let begun = Instant::now();
    for number in 1..=times {
        me.spawn(nothing).expect("there is room for one more");
        if number % BATCH == 0 {
            holm::yield_now().await;
        }
    }
    begun.elapsed()
}

async fn spawn_monitor(mut me: Process<()>, times: u64) -> Duration {
    let begun = Instant::now();
    for _ in 0..times {
        let (_, monitor) = me.spawn_monitor(nothing).expect("there is room for one more");
        me.down(monitor).await;
    }
    begun.elapsed()
}

async fn refused(mut me: Process<()>, times: u64) -> Duration {
    me.trap_exits(true);
    let (ended, monitor) = me.spawn_monitor(nothing).expect("there is room for one more");
    me.down(monitor).await;
    let begun = Instant::now();
    for _ in 0..times {
        me.link(ended);
        me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await;
    }
    begun.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let bench = Bench::start(1);
    let mut group = criterion.benchmark_group("spawn_exit/1x1");
    group.bench_function("spawn", |b| b.iter_custom(|times| bench.run(times, spawn)));
    group.bench_function("spawn_monitor", |b| b.iter_custom(|times| bench.run(times, spawn_monitor)));
    group.bench_function("refused", |b| b.iter_custom(|times| bench.run(times, refused)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench spawn_exit`.

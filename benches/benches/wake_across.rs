//! What does it cost when the receiver is on another scheduler, awake or asleep?
//!
//! Both processes are pinned, so each message crosses from one thread to the other. `awake`: the receiver's scheduler
//! spins for the 50 µs in which the answer comes. `asleep`: the sender rests a millisecond before each message, so that
//! the other scheduler has gone to sleep and must be woken; only the round trip is counted, not the rest.
//! On a machine with one CPU both figures are those of a context switch.

use criterion::{Criterion, criterion_group, criterion_main};
use holm::{Pid, Process, SpawnOptions};
use holm_benches::Bench;
use std::time::{Duration, Instant};

/// Long enough for a scheduler to fall asleep.
const REST: Duration = Duration::from_millis(1);

async fn echo(mut me: Process<Pid<u64>>) {
    loop {
        let from = me.receive().await;
        from.send(0).expect("the other one lives here");
    }
}

/// A process on scheduler 0 that exchanges messages with one on scheduler 1.
async fn pinned(mut me: Process<u64>, times: u64, rest: Option<Duration>) -> Duration {
    let (parent, on) = (me.pid(), |scheduler| SpawnOptions::new().scheduler(scheduler).link());
    let echo = me.spawn_opt(on(1), echo).expect("there is room for one more").pid;
    let sender = async move |mut me: Process<u64>| {
        let mut took = Duration::ZERO;
        for _ in 0..times {
            if let Some(rest) = rest {
                holm::sleep(rest).await;
            }
            let begun = Instant::now();
            echo.send(me.pid()).expect("the other one lives here");
            me.receive().await;
            took += begun.elapsed();
        }
        parent.send(took.as_nanos() as u64).expect("the other one lives here");
    };
    me.spawn_opt(on(0), sender).expect("there is room for one more");
    Duration::from_nanos(me.receive().await)
}

fn bench(criterion: &mut Criterion) {
    let bench = Bench::start(2);
    let mut group = criterion.benchmark_group("wake_across/1x2");
    group.bench_function("awake", |b| b.iter_custom(|times| bench.run(times, |me, times| pinned(me, times, None))));
    group.sample_size(20); // each iteration rests a thousand times as long as it measures
    let asleep = |me, times| pinned(me, times, Some(REST));
    group.bench_function("asleep", |b| b.iter_custom(|times| bench.run(times, asleep)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench wake_across`.

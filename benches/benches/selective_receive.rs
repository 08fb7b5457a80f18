//! What does it cost to receive a message out of the middle of a mailbox?
//!
//! `receive_where` looks at each unread message before the one that fits, so the cost should grow with their number and
//! with nothing else. Between two iterations the process sends itself the message that it takes out; the unread ones
//! stay.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use holm::Process;
use holm_benches::Bench;
use std::time::{Duration, Instant};

/// What is looked for; unread messages are never this.
const WANTED: u64 = u64::MAX;

async fn take_last(mut me: Process<u64>, times: u64, unread: u64) -> Duration {
    let itself = me.pid();
    (0..unread).for_each(|number| itself.send(number).expect("it is this process"));
    let begun = Instant::now();
    for _ in 0..times {
        itself.send(WANTED).expect("it is this process");
        me.receive_where(|number| *number == WANTED).await;
    }
    begun.elapsed()
}

fn bench(criterion: &mut Criterion) {
    let bench = Bench::start(1);
    let mut group = criterion.benchmark_group("selective_receive/1x1");
    for unread in [0, 10, 1_000] {
        let take_last = move |me, times| take_last(me, times, unread);
        let id = BenchmarkId::new("behind", unread);
        group.bench_function(id, |b| b.iter_custom(|times| bench.run(times, take_last)));
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench selective_receive`.

//! What does a timer cost that never fires?
//!
//! Most timers are limits of calls that are answered in time. `set and cancel` is `send_after` followed by
//! `cancel_timer`, alone on the wheel; `among many` the same with 100,000 others set, at deadlines all over the wheel's
//! levels: setting and cancelling touch one list each, so the figure should not grow with their number.

use criterion::{Criterion, criterion_group, criterion_main};
use holm::Process;
use holm_benches::Bench;
use std::time::{Duration, Instant};

const OTHERS: u64 = 100_000;
const LIMIT: Duration = Duration::from_secs(3_600);

async fn set_and_cancel(me: Process<()>, times: u64, others: u64) -> Duration {
    let to = me.pid();
    let others: Vec<_> =
        (0..others).map(|number| holm::send_after(LIMIT + Duration::from_secs(number), to, ())).collect();
    let begun = Instant::now();
    for number in 0..times {
        let timer = holm::send_after(LIMIT + Duration::from_millis(number), to, ());
        assert!(holm::cancel_timer(timer).is_some(), "it was set on this scheduler");
    }
    let took = begun.elapsed();
    others.into_iter().for_each(|timer| assert!(holm::cancel_timer(timer).is_some()));
    took
}

fn bench(criterion: &mut Criterion) {
    let bench = Bench::start(1);
    let mut group = criterion.benchmark_group("timers/1x1");
    let alone = |me, times| set_and_cancel(me, times, 0);
    group.bench_function("set and cancel", |b| b.iter_custom(|times| bench.run(times, alone)));
    let among = |me, times| set_and_cancel(me, times, OTHERS);
    group.bench_function("among many", |b| b.iter_custom(|times| bench.run(times, among)));
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);

// Answer: measure with `cargo bench -p holm-benches --bench timers`.

//! Processes that compute or sleep: unequal work (`imbalance`), many sleepers (`timers`), a heartbeat beside those that
//! never rest (`fairness`).

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use holm::{Pid, Process, SendError};

use super::arithmetic::{cost, lcg, lcg_jump, sleep_ms};
use super::check;
use super::lateness::Lateness;
use super::program::{Outcome, Program};
use super::usage::cpu_seconds;
use crate::params::Params;
use crate::report_line::{Better, Report};
use crate::stop::Stop;

/// Steps that a hog computes between two looks at the flag that stops it: some tens of microseconds.
const CHUNK_STEPS: u64 = 30_000;
/// What the heartbeat asks for.
const BEAT: Duration = Duration::from_millis(1);

/// Spawns n tasks of very different length and waits for all.
pub(super) fn imbalance(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (n, base) = (params.whole("n"), params.whole("base"));
    program.run(move |mut me: Process<u64>| async move {
        let parent = me.pid();
        let start = Instant::now();
        for number in 0..n {
            me.spawn(async move |_: Process<()>| parent.send(lcg(number, cost(number, base))))?;
        }
        let mut sum = 0;
        for _ in 0..n {
            sum += me.receive().await;
        }
        let time = start.elapsed();
        check("the sum", sum, (0..n).map(|number| lcg_jump(number, cost(number, base))).sum())?;
        Ok(Report::new("ms", time.as_secs_f64() * 1e3, Better::Lower))
    })
}

/// Spawns n processes that sleep once and tell how late they woke.
pub(super) fn timers(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let n = params.whole("n");
    program.run(move |mut me: Process<i64>| async move {
        let parent = me.pid();
        let mut late_ns = Vec::with_capacity(n as usize);
        let (start, cpu) = (Instant::now(), cpu_seconds());
        for number in 0..n {
            me.spawn(async move |_: Process<()>| {
                let late = oversleep(Duration::from_millis(sleep_ms(number))).await;
                parent.send(late)
            })?;
        }
        for _ in 0..n {
            late_ns.push(me.receive().await);
        }
        let (time, cpu) = (start.elapsed(), cpu_seconds() - cpu);
        let report = Report::new("ms", time.as_secs_f64() * 1e3, Better::Lower).extra("cpu_s", cpu);
        Ok(Lateness::of(late_ns)?.in_report(report))
    })
}

/// Sleeps, and says by how many nanoseconds it was longer than asked for.
async fn oversleep(asked: Duration) -> i64 {
    let asleep = Instant::now();
    holm::sleep(asked).await;
    asleep.elapsed().as_nanos() as i64 - asked.as_nanos() as i64
}

/// A heartbeat beside processes that compute without end.
pub(super) fn fairness(program: Program, params: &mut Params) -> Result<Outcome, Stop> {
    let (hogs, ms, yields) = (params.whole("hogs"), params.whole("ms"), params.whole("yield") == 1);
    program.run(move |mut me: Process<u64>| async move {
        let parent = me.pid();
        let stop = stop_after(Duration::from_millis(ms))?;
        for number in 0..hogs {
            let stop = Arc::clone(&stop);
            me.spawn(move |_: Process<()>| hog(number, stop, yields, parent))?;
        }
        let late = Lateness::of(beat(Duration::from_millis(ms)).await)?;
        let mut chunks = 0;
        for _ in 0..hogs {
            chunks += me.receive().await;
        }
        let report = Report::new("p99_late_us", late.quantile_us(0.99), Better::Lower)
            .extra("beats", late.count() as f64)
            .extra("hog_iterations_per_us", (chunks * CHUNK_STEPS) as f64 / (ms as f64 * 1e3));
        Ok(late.in_report(report))
    })
}

/// A flag that a plain thread sets: hogs that never yield may leave no scheduler to whoever would set it in time.
fn stop_after(time: Duration) -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&flag);
    let wait = move || {
        std::thread::sleep(time);
        // Ordering: Relaxed, the flag guards nothing but itself.
        stop.store(true, Ordering::Relaxed);
    };
    std::thread::Builder::new().name("stop".to_owned()).spawn(wait)?;
    Ok(flag)
}

/// Computes until it is told to stop, and says how many chunks that were.
async fn hog(number: u64, stop: Arc<AtomicBool>, yields: bool, parent: Pid<u64>) -> Result<(), SendError<u64>> {
    let (mut x, mut chunks) = (number, 0);
    // Ordering: Relaxed, the flag guards nothing but itself.
    while !stop.load(Ordering::Relaxed) {
        x = black_box(lcg(x, CHUNK_STEPS));
        chunks += 1;
        if yields {
            holm::yield_now().await;
        }
    }
    parent.send(chunks)
}

/// How late each beat was, over that time.
async fn beat(time: Duration) -> Vec<i64> {
    let (start, mut late_ns) = (Instant::now(), Vec::new());
    while start.elapsed() < time {
        late_ns.push(oversleep(BEAT).await);
    }
    late_ns
}

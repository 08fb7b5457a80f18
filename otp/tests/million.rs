//! A tree of a million processes: it starts, works, heals, and stops, and gives its memory back.
//!
//! The short form has 20,000. The long form is for a release build:
//!
//!     cargo test --release -p holm-otp --test million -- --ignored --nocapture

use holm::{Message, Process, Reason, Reply, layout::Options};
use holm_otp::{
    DynamicSupervisor, Supervisor,
    supervisor::{Child, ChildState, SupervisorRef},
};
use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Dynamic supervisors under the root.
const POOLS: usize = 100;

/// Which share of the workers is killed: one of so many.
const KILLED_ONE_OF: usize = 100;

const LIMIT: Duration = Duration::from_secs(60);

/// How often workers were started.
static STARTS: AtomicUsize = AtomicUsize::new(0);

#[derive(Debug, Message)]
#[message(local)]
struct Double(u64, Reply<u64>);

async fn work(mut me: Process<Double>) {
    STARTS.fetch_add(1, Relaxed);
    loop {
        let Double(number, reply) = me.receive().await;
        reply.send(2 * number);
    }
}

#[test]
fn twenty_thousand_processes_start_work_heal_and_stop() {
    run(20_000);
}

#[test]
#[ignore = "a million processes: for a release build"]
fn a_million_processes_start_work_heal_and_stop() {
    run(1_000_000);
}

fn run(processes: usize) {
    // Both forms count the same starts, and the memory of the whole program: one at a time.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock();
    let options = Options { layout: Some("1x2".parse().unwrap()), oversubscribe: true, ..Options::default() };
    let twice = async move |mut me: Process<()>| {
        let first = live(&mut me, processes).await;
        let second = live(&mut me, processes).await;
        // What the first tree left serves the second: nothing is lost on the way.
        assert!(second <= first * 1.1 + 8.0, "{first:.0} MiB at the first peak, {second:.0} at the second");
    };
    holm::block_on_with(&options, twice).unwrap();
}

/// Memory of the program in the machine, in MiB.
fn rss_mib() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0 / f64::from(1 << 20)
}

/// Starts the tree, lets it work and heal, stops it, and prints figures. Gives the memory at the peak, in MiB.
async fn live(me: &mut Process<()>, processes: usize) -> f64 {
    let pool = || DynamicSupervisor::new().intensity(u32::MAX, Duration::from_secs(1));
    let pools = (0..POOLS).map(|number| Child::supervisor(format!("pool {number}"), pool()));
    let before = rss_mib();
    let (began, starts) = (Instant::now(), STARTS.load(Relaxed));

    let root = Supervisor::one_for_one().children(pools).start_link(me).await.unwrap();
    let pools = pools_of(me, root).await;
    let fillers: Vec<_> = pools.iter().map(|pool| fill(me, *pool, processes / POOLS)).collect();
    for filler in fillers {
        assert_eq!(me.down(filler).await, Reason::Normal);
    }
    let start = began.elapsed();

    let began = Instant::now();
    for pool in &pools {
        work_all(me, *pool).await;
    }
    let work = began.elapsed();
    let peak = rss_mib();

    let began = Instant::now();
    let mut killed = 0;
    for pool in &pools {
        for worker in running(me, *pool).await.into_iter().step_by(KILLED_ONE_OF) {
            holm::exit(worker, Reason::Kill);
            killed += 1;
        }
    }
    while STARTS.load(Relaxed) - starts < processes + killed {
        holm::sleep(Duration::from_millis(1)).await;
    }
    for pool in &pools {
        work_all(me, *pool).await;
    }
    let heal = began.elapsed();

    let began = Instant::now();
    root.stop(me, Reason::Normal, None).await.unwrap();
    let stop = began.elapsed();
    let after = settled_rss_mib(before, peak).await;
    println!("processes {processes}");
    println!("start {:.2} s, one call to each {:.2} s", start.as_secs_f64(), work.as_secs_f64());
    println!("kills {killed}, healed and one more call to each {:.2} s", heal.as_secs_f64());
    println!("stop {:.2} s", stop.as_secs_f64());
    println!("memory in MiB: before {before:.0}, peak {peak:.0}, after {after:.0}");
    // What is left is what the allocator keeps at the ends of its heaps.
    assert!(
        after - before <= 0.05 * (peak - before) + 8.0,
        "{before:.0} MiB before, {peak:.0} at the peak, {after:.0} after"
    );
    println!("per process: {:.0} bytes", (peak - before) * f64::from(1 << 20) / processes as f64);
    peak
}

/// The memory after the stop. Slots go back by themselves, within seconds; the heap's pages when the allocator is told.
async fn settled_rss_mib(before: f64, peak: f64) -> f64 {
    let deadline = Instant::now() + Duration::from_secs(5);
    holm::trim();
    while rss_mib() - before > 0.05 * (peak - before) && Instant::now() < deadline {
        holm::sleep(Duration::from_millis(200)).await;
        holm::trim();
    }
    rss_mib()
}

async fn pools_of(me: &mut Process<()>, root: SupervisorRef) -> Vec<SupervisorRef> {
    let pools = root.which_children(me).await.unwrap();
    let pid = |state| match state {
        ChildState::Running(pid) => SupervisorRef::from(pid.receiving()),
        other => panic!("{other:?}"),
    };
    pools.into_iter().map(|pool| pid(pool.state)).collect()
}

/// Starts a process that adds workers to a pool.
fn fill(me: &mut Process<()>, pool: SupervisorRef, workers: usize) -> holm::Monitor {
    let body = async move |mut me: Process<()>| {
        for _ in 0..workers {
            pool.start_child(&mut me, Child::worker("worker", work)).await.unwrap();
        }
    };
    me.spawn_monitor(body).unwrap().1
}

async fn running(me: &mut Process<()>, pool: SupervisorRef) -> Vec<holm::Pid<Double>> {
    let children = pool.which_children(me).await.unwrap();
    let pid = |state| match state {
        ChildState::Running(pid) => Some(pid.receiving()),
        _ => None,
    };
    children.into_iter().filter_map(|child| pid(child.state)).collect()
}

/// Every worker of a pool answers a call.
async fn work_all(me: &mut Process<()>, pool: SupervisorRef) {
    for (number, worker) in (0..).zip(running(me, pool).await) {
        assert_eq!(me.call(worker, |reply| Double(number, reply), LIMIT).await, Ok(2 * number));
    }
}

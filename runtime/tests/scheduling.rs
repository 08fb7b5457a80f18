//! Family K of the conformance catalogue: scheduling. And cases of others that are about turns: E-14 and T-09.
//!
//! Each case is a program of its own, because what it measures others would disturb; under which layouts it runs stands
//! beside it. Where the catalogue gives a time, the case is tried several times and the best of them must keep it: the
//! machine may be busy with other work, but not always. What does not depend on the machine, counts of turns above all,
//! must hold each time.

mod harness;

use harness::{
    CASE_LIMIT, FULL_CASE_LIMIT, in_full,
    program::{Outcome, Program, role},
};
use holm::{Pid, Priority, Process, Reason, SpawnError, SpawnOptions, Spawned};
use holm_scheduler::{Config, Scheduler};
use parking_lot::Mutex;
use std::{
    future::poll_fn,
    hint::black_box,
    os::unix::process::ExitStatusExt,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
        },
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// One node with one scheduler, and with two.
const ONE_AND_TWO: &[&str] = &["1x1", "1x2"];
const TWO: &[&str] = &["1x2"];

/// How often something with a time in it is tried.
const TRIES: u32 = 20;

/// A wait that is this long has failed.
const LONG: Duration = Duration::from_secs(10);

/// The cases that are programs.
const PROGRAMS: &[(&str, fn())] = &[
    ("k_01", || run(k_01)),
    ("k_02", || run(k_02)),
    ("k_03", || run(k_03)),
    ("k_04", || run(k_04)),
    ("k_05", || run(k_05)),
    ("k_06", || run(k_06)),
    ("k_06_self", || run(k_06_self)),
    ("k_06_sends", || run(k_06_sends)),
    ("k_07_taken_over", || run(k_07_taken_over)),
    ("k_07_reported", k_07_reported),
    ("k_08", || run(k_08)),
    ("k_09", || run(k_09)),
    ("k_10_normal", || run(k_10_normal)),
    ("k_10_low", || run(k_10_low)),
    ("k_10_call", || run(k_10_call)),
    ("k_10_set", || run(k_10_set)),
    ("k_10_steal", || run(k_10_steal)),
    ("k_11", || run(k_11)),
    ("k_12", || run(k_12)),
    ("k_13", || run(k_13)),
    ("e_14", || run(e_14)),
    ("t_09", || run(t_09)),
];

#[test]
fn the_program() {
    let Some(role) = role() else { return };
    match PROGRAMS.iter().find(|(name, _)| *name == role) {
        Some((_, program)) => program(),
        None => harness::run_cases(&role, &[], CASES_FOR_K_15, &[]),
    }
}

fn run<F, Fut>(case: F)
where
    F: FnOnce(Process<u64>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    holm::block_on(async move |me: Process<u64>| {
        let (mut me, ended) = (me, Arc::new(Mutex::new(None)));
        let told = ended.clone();
        let body = async move |me: Process<u64>| {
            case(me).await;
            *told.lock() = Some(());
        };
        let spawned = me.spawn_opt(SpawnOptions::new().scheduler(0).monitor(), body).unwrap();
        let reason = me.down(spawned.monitor.unwrap()).await;
        assert_eq!(reason, Reason::Normal, "the case failed");
        println!("holds");
    })
    .unwrap_or_else(|error| panic!("{error}"));
}

/// The case holds under each of these layouts.
fn holds(case: &str, layouts: &[&str]) {
    let limit = if in_full() { FULL_CASE_LIMIT } else { CASE_LIMIT };
    for layout in layouts {
        let outcome = Program::new(case, layout, "shm").run_within(3 * limit);
        let held = outcome.status.success() && outcome.stdout.lines().any(|line| line == "holds");
        println!("placement {layout} shm ({case}): {}", if held { "holds" } else { "does not hold" });
        assert!(held, "{case} does not hold under {layout}: {}", outcome.story());
    }
}

/// Spawns on scheduler 0, where each case itself runs.
fn beside<F, Fut>(me: &mut Process<u64>, priority: Priority, body: F) -> Pid<u64>
where
    F: FnOnce(Process<u64>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    me.spawn_opt(SpawnOptions::new().scheduler(0).priority(priority).link(), body).unwrap().pid
}

/// Blocks the thread until something is so.
fn block_until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "it is not so after {LONG:?}");
        thread::sleep(Duration::from_micros(100));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

// ---- K-01 to K-04: pinned processes ----

#[test]
fn k_01_a_pinned_process_runs_on_its_scheduler_whoever_wakes_it() {
    holds("k_01", ONE_AND_TWO);
}

async fn k_01(mut me: Process<u64>) {
    const WAKES: u64 = 100_000;
    let last = holm::schedulers() - 1;
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let (shared, main) = (waker.clone(), me.pid());
    let pinned = async move |mut me: Process<u64>| {
        let (thread, mut turns) = (thread::current().id(), 0);
        poll_fn(|context| {
            assert_eq!((me.scheduler(), thread::current().id()), (last, thread), "after {turns} turns");
            turns += 1;
            if turns > WAKES {
                return Poll::Ready(());
            }
            *shared.lock() = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        main.send(turns).unwrap();
    };
    me.spawn_opt(SpawnOptions::new().scheduler(last).link(), pinned).unwrap();
    let wakes = thread::spawn(move || {
        for _ in 0..WAKES {
            loop {
                let asleep = waker.lock().take();
                match asleep {
                    Some(waker) => break waker.wake(),
                    None => thread::yield_now(),
                }
            }
        }
    });
    assert_eq!(me.receive().await, WAKES + 1);
    wakes.join().unwrap();
}

#[test]
fn k_02_pinned_processes_are_not_stolen_and_others_soon() {
    holds("k_02", TWO);
}

async fn k_02(mut me: Process<u64>) {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let (ran, pinned_ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let pinned = pinned_ran.clone();
        let options = SpawnOptions::new().scheduler(0).monitor();
        let pinned = me.spawn_opt(options, async move |mut me: Process<()>| {
            assert_eq!(me.scheduler(), 0);
            pinned.store(true, SeqCst);
        });
        let queued = Instant::now();
        for _ in 0..10 {
            let ran = ran.clone();
            me.spawn(async move |mut me: Process<()>| {
                assert_eq!(me.scheduler(), 1, "scheduler 0 is busy");
                ran.fetch_add(1, SeqCst);
            })
            .unwrap();
        }
        block_until(|| ran.load(SeqCst) == 10);
        best = best.min(queued.elapsed());
        assert!(!pinned_ran.load(SeqCst), "it ran while its scheduler was busy");
        assert_eq!(me.down(pinned.unwrap().monitor.unwrap()).await, Reason::Normal);
    }
    assert!(best < Duration::from_millis(5), "taken over after {best:?} at best");
}

#[test]
fn k_03_a_pin_to_a_scheduler_that_does_not_exist_is_an_error() {
    holds("k_03", &["1x1", "1x2", "2x1"]);
}

#[holm::entry]
async fn nothing(_: Process<()>) {}

async fn k_03(mut me: Process<u64>) {
    let schedulers = holm::schedulers();
    for scheduler in [schedulers, u32::MAX] {
        let options = || SpawnOptions::new().scheduler(scheduler);
        let refused = Err(SpawnError::UnknownScheduler { scheduler, schedulers });
        let closure: Result<Spawned<()>, _> = me.spawn_opt(options(), async |_: Process<()>| ());
        assert_eq!(closure, refused);
        assert_eq!(me.spawn_entry(nothing, (), options()).await, refused);
    }
}

#[test]
fn k_04_a_hundred_thousand_replies_between_two_sleeping_threads() {
    holds("k_04", &["1x2", "2x1"]);
}

#[holm::entry]
async fn echo(mut me: Process<(Pid<u64>, u64)>) {
    loop {
        let (from, number) = me.receive().await;
        from.send(number).unwrap();
    }
}

/// Between two nodes nobody looks around before he sleeps, so that every message wakes a thread; within one every tenth
/// round waits until the other one has fallen asleep.
async fn k_04(mut me: Process<u64>) {
    let within = holm::nodes().len() == 1;
    let echo = me.spawn_entry(echo, (), SpawnOptions::new().scheduler(1).link()).await.unwrap().pid;
    for number in 0..100_000 {
        if within && number % 10 == 0 {
            holm::sleep(Duration::from_micros(100)).await;
        }
        echo.send((me.pid(), number)).unwrap();
        assert_eq!(me.receive_within(LONG).await, Some(number), "a wake was lost");
    }
}

// ---- K-05 and K-06: those who never stop ----

/// Takes turns beside others on scheduler 0: how many steps of theirs lay between two of its turns at most, and how long
/// it waited typically.
async fn turns_beside(steps: &AtomicU64, turns: u32) -> (u64, Duration) {
    let (mut most, mut waits) = (0, Vec::new());
    holm::yield_now().await; // let them begin
    for _ in 0..turns {
        let (before, began) = (steps.load(Relaxed), Instant::now());
        holm::yield_now().await;
        most = most.max(steps.load(Relaxed) - before);
        waits.push(began.elapsed());
    }
    (most, median(waits))
}

#[test]
fn k_05_two_that_message_without_end_leave_turns_to_a_third() {
    holds("k_05", ONE_AND_TWO);
}

async fn k_05(mut me: Process<u64>) {
    let messages = Arc::new(AtomicU64::new(0));
    let counted = messages.clone();
    let first = beside(&mut me, Priority::Normal, async move |mut me: Process<u64>| {
        let parent = me.pid();
        let second = beside(&mut me, Priority::Normal, async move |mut me: Process<u64>| {
            loop {
                parent.send(me.receive().await).unwrap();
            }
        });
        loop {
            second.send(1).unwrap();
            me.receive().await;
            counted.fetch_add(1, Relaxed);
        }
    });
    let (most, typically) = turns_beside(&messages, 1000).await;
    assert!(most <= 64, "they passed {most} messages to and fro, and a third had no turn");
    assert!(typically < Duration::from_millis(10), "it waited {typically:?}");
    assert!(messages.load(Relaxed) > 100 && holm::is_alive(first));
}

#[test]
fn k_06_one_that_never_waits_but_counts_reductions_leaves_turns_to_others() {
    holds("k_06", ONE_AND_TWO);
}

/// What a process may do in one turn.
const REDUCTIONS: u64 = 4_000;

async fn k_06(mut me: Process<u64>) {
    let rounds = Arc::new(AtomicU64::new(0));
    let counted = rounds.clone();
    beside(&mut me, Priority::Normal, async move |_: Process<u64>| {
        loop {
            counted.fetch_add(1, Relaxed);
            holm::bump_reductions(1).await;
        }
    });
    let (most, typically) = turns_beside(&rounds, 300).await;
    assert!(most <= REDUCTIONS, "{most} rounds in one turn");
    assert!(typically < Duration::from_millis(10), "it waited {typically:?}");
}

#[test]
fn k_06_one_that_lives_on_its_own_messages_leaves_turns_to_others() {
    holds("k_06_self", ONE_AND_TWO);
}

async fn k_06_self(mut me: Process<u64>) {
    let rounds = Arc::new(AtomicU64::new(0));
    let counted = rounds.clone();
    beside(&mut me, Priority::Normal, async move |mut me: Process<u64>| {
        let myself = me.pid();
        loop {
            myself.send(1).unwrap();
            me.receive().await;
            counted.fetch_add(1, Relaxed);
        }
    });
    let (most, typically) = turns_beside(&rounds, 300).await;
    assert!(most <= REDUCTIONS, "{most} messages to itself in one turn");
    assert!(typically < Duration::from_millis(10), "it waited {typically:?}");
}

#[test]
fn k_06_one_that_only_sends_yields_at_its_awaits() {
    holds("k_06_sends", ONE_AND_TWO);
}

/// A send counts a reduction and is no await: the turn ends at the first await behind the last reduction.
async fn k_06_sends(mut me: Process<u64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let sink = me
        .spawn_link(async |mut me: Process<u64>| {
            loop {
                me.receive().await;
            }
        })
        .unwrap();
    beside(&mut me, Priority::Normal, async move |_: Process<u64>| {
        loop {
            sink.send(1).unwrap();
            counted.fetch_add(1, Relaxed);
            holm::bump_reductions(0).await;
        }
    });
    let (most, _) = turns_beside(&sent, 300).await;
    assert!(most <= REDUCTIONS, "{most} sends in one turn");
}

// ---- K-07: those who block their thread ----

#[test]
fn k_07_what_waits_behind_a_blocked_thread_is_taken_over() {
    holds("k_07_taken_over", TWO);
}

/// The other scheduler is never idle: it has work of its own all the time.
async fn k_07_taken_over(mut me: Process<u64>) {
    let busy = async |_: Process<()>| loop {
        holm::yield_now().await
    };
    me.spawn_opt(SpawnOptions::new().scheduler(1).link(), busy).unwrap();
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let (ran, pinned_ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let pinned = pinned_ran.clone();
        let pinned = beside(&mut me, Priority::Normal, async move |_: Process<u64>| pinned.store(true, SeqCst));
        let queued = Instant::now();
        for number in 0..10 {
            let (ran, priority) = (ran.clone(), [Priority::Low, Priority::Normal, Priority::High][number % 3]);
            let body = async move |_: Process<()>| _ = ran.fetch_add(1, SeqCst);
            me.spawn_opt(SpawnOptions::new().priority(priority), body).unwrap();
        }
        block_until(|| ran.load(SeqCst) == 10);
        best = best.min(queued.elapsed());
        assert!(!pinned_ran.load(SeqCst), "it is pinned, and waits for its scheduler");
        let monitor = me.monitor(pinned);
        me.down(monitor).await;
    }
    assert!(best < Duration::from_millis(10), "taken over after {best:?} at best");
}

#[test]
fn k_07_a_stall_is_reported_with_the_name_of_the_process() {
    holds("k_07_reported", ONE_AND_TWO);
}

/// Keeps what is told under `holm::stall`.
struct Reports(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Reports {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "holm::stall"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{field}={value:?};");
            }
        }
        let mut text = Text(String::new());
        event.record(&mut text);
        self.0.lock().push(text.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

async fn blocks_its_thread(mut me: Process<u64>) {
    me.register("sleeper").unwrap();
    thread::sleep(Duration::from_millis(200));
}

fn k_07_reported() {
    let reports = Arc::new(Mutex::new(Vec::new()));
    tracing::subscriber::set_global_default(Reports(reports.clone())).unwrap();
    run(async move |mut me: Process<u64>| {
        let sleeper = beside(&mut me, Priority::Normal, blocks_its_thread);
        let monitor = me.monitor(sleeper);
        assert_eq!(me.down(monitor).await, Reason::Normal);
        let reports = reports.lock();
        let about: Vec<_> =
            reports.iter().filter(|report| report.contains(&format!("pid={};", sleeper.untyped()))).collect();
        let [report] = about[..] else { panic!("not one report of {sleeper}: {reports:?}") };
        assert!(report.contains(r#"names="sleeper";"#) && report.contains("blocks_its_thread"), "{report}");
        assert!(report.contains("scheduler=0;"), "{report}");
        let lasted = report.split_once("lasted_ms=").unwrap().1.split_once(';').unwrap().0;
        assert!((10..=200).contains(&lasted.parse::<u64>().unwrap()), "{report}");
        assert!(holm::stalls() >= 1);
    });
}

// ---- K-08 and K-09: all at work, and none ----

#[test]
fn k_08_ready_processes_of_one_scheduler_keep_both_busy() {
    holds("k_08", TWO);
}

async fn k_08(mut me: Process<u64>) {
    let mut best = Duration::MAX;
    for _ in 0..TRIES {
        let (began, seen) = (Instant::now(), Arc::new([AtomicBool::new(false), AtomicBool::new(false)]));
        for _ in 0..20 {
            let seen = seen.clone();
            me.spawn_link(async move |mut me: Process<()>| {
                while !seen.iter().all(|seen| seen.load(SeqCst)) {
                    seen[me.scheduler() as usize].store(true, SeqCst);
                    holm::bump_reductions(100).await;
                }
            })
            .unwrap();
        }
        while !seen.iter().all(|seen| seen.load(SeqCst)) {
            assert!(began.elapsed() < LONG, "one scheduler has twenty ready processes, the other none");
            holm::yield_now().await;
        }
        best = best.min(began.elapsed());
    }
    assert!(best < Duration::from_millis(5), "both are busy after {best:?} at best");
}

#[test]
fn k_09_an_idle_node_takes_less_than_a_hundredth_of_a_core() {
    holds("k_09", ONE_AND_TWO);
}

/// What all threads of this program have run.
fn cpu_time() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let time = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok());
    time.map(|stat| Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())).sum()
}

#[test]
#[ignore = "ten seconds in each layout"]
fn k_09_an_idle_node_is_idle_for_long() {
    holds("k_09", ONE_AND_TWO);
}

async fn k_09(_: Process<u64>) {
    holm::sleep(Duration::from_millis(200)).await; // what has begun comes to rest
    let (began, before) = (Instant::now(), cpu_time());
    holm::sleep(Duration::from_secs(if in_full() { 10 } else { 4 })).await;
    let (ran, passed) = (cpu_time() - before, began.elapsed());
    assert!(ran < passed / 100, "the node ran for {ran:?} in {passed:?}");
}

// ---- K-10: priorities ----

/// Processes of a priority on scheduler 0 that are always ready, and how many turns they have had.
fn hogs(me: &mut Process<u64>, priority: Priority, count: u32) -> Arc<AtomicU64> {
    let turns = Arc::new(AtomicU64::new(0));
    for _ in 0..count {
        let turns = turns.clone();
        beside(me, priority, async move |_: Process<u64>| {
            loop {
                turns.fetch_add(1, Relaxed);
                holm::yield_now().await;
            }
        });
    }
    turns
}

#[test]
fn k_10_a_stream_of_high_work_leaves_turns_to_normal_work() {
    holds("k_10_normal", ONE_AND_TWO);
}

async fn k_10_normal(mut me: Process<u64>) {
    let high = hogs(&mut me, Priority::High, 3);
    let (most, typically) = turns_beside(&high, 1000).await;
    assert!((4..=9).contains(&most), "{most} turns of high processes between two of a normal one");
    assert!(typically < Duration::from_millis(100), "it waited {typically:?}");
    let max = hogs(&mut me, Priority::Max, 3);
    let (most, typically) = turns_beside(&max, 1000).await;
    assert!(most <= 9, "{most} turns of processes of the highest priority between two of a normal one");
    assert!(typically < Duration::from_millis(100), "it waited {typically:?}");
    let (max, high) = (&max, &high);
    let before = (max.load(Relaxed), high.load(Relaxed));
    for _ in 0..1000 {
        holm::yield_now().await;
    }
    let (max, high) = (max.load(Relaxed) - before.0, high.load(Relaxed) - before.1);
    assert!(max > 7 * high && max < 9 * high, "{max} : {high}, and not 8 : 1");
}

#[test]
fn k_10_low_work_has_turns_beside_normal_and_high() {
    holds("k_10_low", ONE_AND_TWO);
}

async fn k_10_low(mut me: Process<u64>) {
    let normal = hogs(&mut me, Priority::Normal, 3);
    assert_eq!(me.set_priority(Priority::Low), Priority::Normal);
    let (most, _) = turns_beside(&normal, 500).await;
    assert!((8..=16).contains(&most), "{most} turns of normal processes between two of a low one");
    let high = hogs(&mut me, Priority::High, 3);
    let (most, _) = turns_beside(&high, 500).await;
    assert!((36..=72).contains(&most), "{most} turns of high processes between two of a low one");
}

#[test]
fn k_10_a_high_process_gets_the_reply_of_a_normal_one() {
    holds("k_10_call", ONE_AND_TWO);
}

async fn k_10_call(mut me: Process<u64>) {
    let echo = me.spawn_entry(echo, (), SpawnOptions::new().scheduler(0).link()).await.unwrap().pid;
    hogs(&mut me, Priority::High, 3);
    me.set_priority(Priority::High);
    let began = Instant::now();
    for number in 0..100 {
        echo.send((me.pid(), number)).unwrap();
        assert_eq!(me.receive_within(LONG).await, Some(number));
    }
    let each = began.elapsed() / 100;
    assert!(each < Duration::from_millis(100), "a reply took {each:?}");
}

#[test]
fn k_10_a_priority_is_given_at_the_spawn_or_set_and_not_inherited() {
    holds("k_10_set", &["1x1", "1x2", "2x1"]);
}

#[holm::entry]
async fn tell_priority(mut me: Process<()>, to: Pid<u64>) {
    to.send(me.priority() as u64).unwrap();
}

async fn k_10_set(mut me: Process<u64>) {
    assert_eq!(me.set_priority(Priority::Max), Priority::Normal);
    assert_eq!(me.set_priority(Priority::High), Priority::Max);
    let parent = me.pid();
    me.spawn_entry(tell_priority, parent, SpawnOptions::new()).await.unwrap();
    assert_eq!(me.receive().await, Priority::Normal as u64, "it has its own");
    let last = holm::schedulers() - 1;
    for priority in [Priority::Low, Priority::Normal, Priority::High, Priority::Max] {
        let options = SpawnOptions::new().scheduler(last).priority(priority);
        me.spawn_entry(tell_priority, parent, options).await.unwrap();
        assert_eq!(me.receive().await, priority as u64);
    }
}

#[test]
fn k_10_what_is_high_is_taken_over_first() {
    holds("k_10_steal", TWO);
}

/// Scheduler 0 is busy; the other one finds its tasks and takes the high ones first, though they were queued last.
async fn k_10_steal(mut me: Process<u64>) {
    let (order, other) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let held = other.clone();
    let hold = async move |_: Process<()>| {
        held.store(1, SeqCst);
        block_until(|| held.load(SeqCst) == 2);
    };
    me.spawn_opt(SpawnOptions::new().scheduler(1).priority(Priority::Max), hold).unwrap();
    block_until(|| other.load(SeqCst) == 1);
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for _ in 0..8 {
            let order = order.clone();
            let body = async move |_: Process<()>| order.lock().push(priority);
            me.spawn_opt(SpawnOptions::new().priority(priority), body).unwrap();
        }
    }
    other.store(2, SeqCst);
    block_until(|| order.lock().len() == 24);
    let order = order.lock();
    let of = |priority| order.iter().position(|had| *had == priority).unwrap();
    assert!(of(Priority::High) < of(Priority::Low), "{order:?}");
    let high_in_first_half = order[..12].iter().filter(|had| **had == Priority::High).count();
    assert!(high_in_first_half >= 6, "{order:?}");
}

// ---- K-11 and K-12: fairness, and moving ----

#[test]
fn k_11_a_hundred_equal_processes_run_equally_often() {
    holds("k_11", ONE_AND_TWO);
}

#[test]
#[ignore = "ten seconds, tried several times"]
fn k_11_a_hundred_equal_processes_run_equally_often_for_long() {
    holds("k_11", ONE_AND_TWO);
}

/// Over one second, in the long form ten; over more of them where the system has no time for both threads.
async fn k_11(mut me: Process<u64>) {
    let counts: Arc<Vec<AtomicU64>> = Arc::new((0..100).map(|_| AtomicU64::new(0)).collect());
    for number in 0..100 {
        let counts = counts.clone();
        me.spawn_link(async move |_: Process<()>| {
            loop {
                counts[number].fetch_add(1, Relaxed);
                holm::bump_reductions(100).await;
            }
        })
        .unwrap();
    }
    holm::sleep(Duration::from_millis(200)).await;
    let before: Vec<u64> = counts.iter().map(|count| count.load(Relaxed)).collect();
    let mut ratio = 0.0;
    for _ in 0..20 {
        holm::sleep(Duration::from_secs(if in_full() { 10 } else { 1 })).await;
        let runs = counts.iter().zip(&before).map(|(count, before)| count.load(Relaxed) - before);
        let (least, most) = runs.fold((u64::MAX, 0), |(least, most), runs| (least.min(runs), most.max(runs)));
        ratio = most as f64 / least as f64;
        if ratio <= 1.5 {
            return;
        }
    }
    panic!("the most-run has {ratio} times the runs of the least-run");
}

#[test]
fn k_12_what_a_process_has_moves_with_it_between_threads() {
    holds("k_12", TWO);
}

#[test]
#[ignore = "a million moves"]
fn k_12_what_a_process_has_moves_with_it_a_million_times() {
    holds("k_12", TWO);
}

/// A process is woken by turns on two schedulers, and goes on where it was woken: 50,000 moves, in the long form the
/// catalogue's million. A guard that is bound to its thread cannot be held over an await at all: a process's future must be `Send`.
async fn k_12(mut me: Process<u64>) {
    let moves_wanted = if in_full() { 1_000_000 } else { 50_000 };
    let wakers: Vec<Pid<Pid<u64>>> = (0..2)
        .map(|scheduler| {
            let body = async move |mut me: Process<Pid<u64>>| loop {
                me.receive().await.send(scheduler).unwrap();
            };
            me.spawn_opt(SpawnOptions::new().scheduler(scheduler as u32).link(), body).unwrap().pid
        })
        .collect();
    let parent = me.pid();
    me.spawn_link(async move |mut me: Process<u64>| {
        let (mut moves, mut last, mut next) = (0, me.scheduler(), 0);
        let mut local = [0u64; 8];
        while moves < moves_wanted {
            let before = local;
            wakers[next].send(me.pid()).unwrap();
            assert_eq!(me.receive().await, next as u64);
            assert_eq!(local, before, "what it had on its stack");
            assert!(!thread::panicking(), "another's panic");
            let here = me.scheduler();
            moves += u64::from(here != last);
            (last, next) = (here, 1 - next);
            local[moves as usize % 8] += moves;
            if moves % 5000 == 0 {
                let caught = std::panic::catch_unwind(|| std::panic::resume_unwind(Box::new(moves)));
                assert_eq!(caught.unwrap_err().downcast_ref(), Some(&moves));
            }
        }
        parent.send(moves).unwrap();
    })
    .unwrap();
    assert_eq!(me.receive().await, moves_wanted);
}

// ---- K-13 and K-14: what the system does not allow ----

#[test]
fn k_13_a_stack_overflow_is_told_and_ends_the_node() {
    for layout in ONE_AND_TWO {
        let outcome = Program::new("k_13", layout, "shm").run();
        assert_eq!(outcome.status.signal(), Some(rustix::process::Signal::ABORT.as_raw()), "{}", outcome.story());
        let thread = outcome.stderr.lines().find(|line| line.contains("has overflowed its stack"));
        assert!(thread.is_some_and(|line| line.contains("holm-0-")), "{}", outcome.story());
        assert!(!outcome.stdout.contains("still here"), "{}", outcome.story());
    }
}

#[expect(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(depth + 1) + frame[(depth % 64) as usize]
}

async fn k_13(_: Process<u64>) {
    println!("{}", deeper(0));
    println!("still here");
}

#[test]
fn k_14_a_cpu_that_cannot_be_had_leaves_a_scheduler_unbound_and_says_so() {
    let scheduler = Scheduler::start(Config { cpus: vec![Some(1_000_000), None], ..Config::default() }).unwrap();
    let refusal = scheduler.bindings()[0].cpu.as_ref().unwrap();
    assert_eq!(refusal.0, 1_000_000);
    let text = refusal.1.as_ref().unwrap_err().to_string();
    assert!(text.starts_with("cpu 1000000 is beyond "), "{text}");
    assert_eq!(scheduler.block_on(async { 5 }).unwrap(), 5, "it runs all the same");
}

#[test]
fn k_14_more_schedulers_than_cpus_are_refused_unless_they_are_wanted() {
    let outcome = Program::new("k_09", "1x1024", "shm").variable("HOLM_OVERSUBSCRIBE", "0").run();
    assert!(!outcome.status.success(), "{}", outcome.story());
    assert!(outcome.stderr.contains("1x1024 needs 1024 CPUs"), "{}", outcome.story());
    assert!(outcome.stderr.contains("HOLM_OVERSUBSCRIBE=1"), "{}", outcome.story());
}

// ---- K-15: a node with one scheduler ----

const CASES_FOR_K_15: &[harness::Case] = &[
    ("k_15_alone", |runner, _| harness::party(runner, async |_: Process<()>| assert_eq!(holm::schedulers(), 1))),
    ("k_15_fails", |runner, _| harness::party(runner, async |_: Process<()>| panic!("it must be seen"))),
];

/// Every case of every family runs under `1x1` first: the harness knows no case without that placement, and one that was
/// not run there, or did not hold, fails its test.
#[test]
fn k_15_every_case_runs_on_a_single_scheduler_too() {
    let (role, layout, transport) = harness::PLACEMENTS[0];
    assert_eq!(layout, "1x1");
    let outcome: Outcome = Program::new(role, layout, transport).run();
    let how = |case: &str| {
        let beginning = format!("case {case}: ");
        outcome.stdout.lines().find_map(|line| line.strip_prefix(&beginning)).map(str::to_string)
    };
    assert_eq!(how("k_15_alone").as_deref(), Some("holds"), "{}", outcome.story());
    assert!(how("k_15_fails").is_some_and(|how| how.contains("it must be seen")), "{}", outcome.story());
}

// ---- of other families, about turns ----

#[test]
fn e_14_a_kill_ends_a_compute_loop_at_its_next_scheduling_point() {
    holds("e_14", ONE_AND_TWO);
}

/// The victim is alone on the last scheduler; the kill is sent between two of its rounds.
async fn e_14(mut me: Process<u64>) {
    let last = holm::schedulers() - 1;
    for _ in 0..TRIES {
        let rounds = Arc::new(AtomicU64::new(0));
        let counted = rounds.clone();
        let body = async move |_: Process<()>| loop {
            counted.fetch_add(1, Relaxed);
            holm::bump_reductions(1).await;
        };
        let victim = me.spawn_opt(SpawnOptions::new().scheduler(last).monitor(), body).unwrap();
        while rounds.load(Relaxed) == 0 {
            holm::yield_now().await;
        }
        holm::exit(victim.pid, Reason::Kill);
        let at_kill = rounds.load(Relaxed);
        assert_eq!(me.down(victim.monitor.unwrap()).await, Reason::Killed);
        let after = rounds.load(Relaxed) - at_kill;
        assert!(after <= REDUCTIONS, "{after} rounds after the kill");
    }
}

#[test]
fn t_09_timers_for_one_instant_leave_turns_to_others() {
    holds("t_09", ONE_AND_TWO);
}

async fn t_09(mut me: Process<u64>) {
    const TIMERS: u64 = 100_000;
    let (set, fired) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (setting, firing) = (set.clone(), fired.clone());
    beside(&mut me, Priority::Normal, async move |_: Process<u64>| {
        let instant = holm_scheduler::deadline_ns(Duration::from_secs(1));
        for _ in 0..TIMERS {
            let firing = firing.clone();
            holm_scheduler::call_at(instant, Box::new(move || _ = firing.fetch_add(1, Relaxed)));
            setting.fetch_add(1, Relaxed);
            holm::bump_reductions(1).await;
        }
    });
    while set.load(Relaxed) < TIMERS {
        holm::yield_now().await;
    }
    let (mut most, mut waits) = (0, Vec::new());
    let (mut before, mut began) = (0, Instant::now());
    while before < TIMERS {
        holm::yield_now().await;
        let (now, waited) = (fired.load(Relaxed), began.elapsed());
        if now > before {
            most = most.max(now - before);
            waits.push(waited);
        }
        (before, began) = (now, Instant::now());
    }
    assert!(most <= 1024, "{most} timers fired between two turns of a ready process");
    assert!(median(waits) < Duration::from_millis(10));
}

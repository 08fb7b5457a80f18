//! Many children, and many restarts.

use crate::{
    harness::{There, rounds_of},
    world::*,
};
use holm::{Pid, Process, Reason};
use holm_otp::{
    DynamicSupervisor, Supervisor,
    supervisor::{Child, Shutdown, SupervisorRef},
};
use std::{
    fs,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// The time that the children of S-21 have to shut down.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// A child that waits; if it is deaf, also when it is asked to stop.
fn waits(deaf: bool) -> Child<()> {
    let body = move |mut me: Process<()>| async move {
        me.trap_exits(deaf);
        pending::<()>().await;
    };
    Child::worker("one of many", body).temporary().shutdown(Shutdown::Within(SHUTDOWN))
}

async fn fill(me: &mut Process<Told>, pool: SupervisorRef, children: usize) {
    for number in 0..children {
        pool.start_child(me, waits(number % 100 == 0)).await.unwrap();
    }
}

/// How long it takes to add a child and to remove it, some hundred times.
async fn add_and_remove(me: &mut Process<Told>, pool: SupervisorRef) -> Duration {
    let began = Instant::now();
    for _ in 0..300 {
        let child = pool.start_child(me, waits(false)).await.unwrap().unwrap();
        pool.terminate_child(me, child).await.unwrap();
    }
    began.elapsed()
}

pub(crate) async fn s_21_a_child_among_many_costs_what_one_among_few_does_and_all_stop_at_once(
    mut me: Process<Told>,
    _: There,
) {
    let many = rounds_of(100_000, 10_000, 10_000);
    let (few_pool, many_pool) = (
        DynamicSupervisor::new().start_link(&mut me).await.unwrap(),
        DynamicSupervisor::new().start_link(&mut me).await.unwrap(),
    );
    fill(&mut me, few_pool, 100).await;
    fill(&mut me, many_pool, many).await;
    assert_eq!(many_pool.count_children(&mut me).await.unwrap().running, many);
    // The best of several rounds, taken in turns, as many as it takes: other programs share the machine.
    let (mut among_few, mut among_many) = (Duration::MAX, Duration::MAX);
    for _ in 0..50 {
        among_few = among_few.min(add_and_remove(&mut me, few_pool).await);
        among_many = among_many.min(add_and_remove(&mut me, many_pool).await);
        if among_many <= 2 * among_few {
            break;
        }
    }
    println!("add and remove among 100: {among_few:?}, among {many}: {among_many:?}");
    assert!(among_many <= 2 * among_few, "{among_many:?} among {many}, {among_few:?} among 100");
    let pids: Vec<Pid> = running(&mut me, many_pool).await;
    let began = Instant::now();
    many_pool.stop(&mut me, Reason::Normal, None).await.unwrap();
    let took = began.elapsed();
    println!("stop of {many}: {took:?}");
    assert!(took >= SHUTDOWN, "the deaf have their time");
    assert!(took < SHUTDOWN + Duration::from_secs(5), "{took:?}");
    assert!(pids.iter().all(|pid| !holm::is_alive(*pid)));
    few_pool.stop(&mut me, Reason::Normal, None).await.unwrap();
}

async fn running(me: &mut Process<Told>, pool: SupervisorRef) -> Vec<Pid> {
    let children = pool.which_children(me).await.unwrap();
    let pid = |child: &holm_otp::supervisor::ChildInfo| match child.state {
        holm_otp::supervisor::ChildState::Running(pid) => Some(pid),
        _ => None,
    };
    children.iter().filter_map(pid).collect()
}

/// A number of the program's own state, from the kernel.
fn status(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_matches([':', ' ', '\t']).split(' ').next().unwrap().parse().unwrap()
}

pub(crate) async fn s_27_a_worker_that_panics_for_ever_leaves_memory_and_threads_flat(
    mut me: Process<Told>,
    there: There,
) {
    silence_panics();
    let panics = rounds_of(1_000_000, 10_000, 10_000);
    let lives = Arc::new(AtomicUsize::new(0));
    let counted = lives.clone();
    let child = Child::worker("hopeless", move |_: Process<()>| {
        let lives = counted.clone();
        async move {
            match lives.fetch_add(1, SeqCst) < panics {
                true => panic!("{ON_PURPOSE}"),
                false => pending::<()>().await,
            }
        }
    });
    // As many as can be within a tenth of a second: the log of restarts holds a tenth of a second.
    let supervisor = Supervisor::one_for_one().intensity(u32::MAX, Duration::from_millis(100));
    let supervisor = supervisor.child(child.spawn(there.options())).start_link(&mut me).await.unwrap();
    until!(lives.load(SeqCst) > panics / 5);
    let (threads, memory_kb) = (status("Threads"), status("VmRSS"));
    until!(lives.load(SeqCst) > panics);
    let (threads_after, memory_kb_after) = (status("Threads"), status("VmRSS"));
    println!("{panics} panics: {memory_kb} kB, then {memory_kb_after} kB; {threads} threads, then {threads_after}");
    assert_eq!(threads_after, threads);
    assert!(memory_kb_after < memory_kb + 8 * 1024, "{memory_kb} kB, then {memory_kb_after} kB");
    assert_eq!(supervisor.count_children(&mut me).await.unwrap().running, 1);
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

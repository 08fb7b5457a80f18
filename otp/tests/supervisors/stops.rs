//! How children are stopped, and what ends a supervisor.

use crate::{
    harness::{There, expect_exit},
    world::*,
};
use holm::{Pid, Process, Reason};
use holm_otp::{
    DynamicSupervisor, Supervisor,
    supervisor::{AutomaticShutdown, Child, ChildInfo, ChildState, Kind, Shutdown, SupervisorRef},
    sys::StopError,
};
use std::{
    future::pending,
    time::{Duration, Instant},
};

pub(crate) async fn s_10_a_child_that_ignores_shutdown_is_killed_after_its_time(mut me: Process<Told>, there: There) {
    let limit = Duration::from_millis(100);
    let deaf = worker(&me, "deaf").shutdown(Shutdown::Within(limit)).spawn(there.options());
    let supervisor =
        Supervisor::one_for_one().child(worker(&me, "first")).child(deaf).start_link(&mut me).await.unwrap();
    let pids = all_up(&mut me, &["first", "deaf"]).await;
    pids[1].send(Act::BeDeaf).unwrap();
    let monitor = me.monitor(pids[1]);
    let began = Instant::now();
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
    assert!(began.elapsed() >= limit);
    assert_eq!(me.down(monitor).await, Reason::Killed);
    all_down(&mut me, &["first"]).await;
}

pub(crate) async fn s_11_kill_comes_without_a_word_and_infinite_waits_until_the_supervisor_is_killed(
    mut me: Process<Told>,
    _: There,
) {
    me.trap_exits(true);
    let supervisor = Supervisor::one_for_one()
        .child(worker(&me, "patient").shutdown(Shutdown::Infinite))
        .child(worker(&me, "killed").shutdown(Shutdown::Kill));
    let supervisor = supervisor.start_link(&mut me).await.unwrap();
    let pids = all_up(&mut me, &["patient", "killed"]).await;
    supervisor.terminate_child(&mut me, "killed").await.unwrap();
    assert_eq!(me.receive_within(Duration::ZERO).await, None, "it was not asked");
    assert_eq!(state_of(&mut me, supervisor, "killed").await, Some(ChildState::Stopped));
    pids[0].send(Act::BeDeaf).unwrap();
    let stopped = supervisor.stop(&mut me, Reason::Normal, Duration::from_millis(100)).await;
    assert_eq!(stopped, Err(StopError::Timeout));
    assert!(holm::is_alive(pids[0]) && holm::is_alive(supervisor.pid()), "it waits");
    let (ended, patient) = (me.monitor(supervisor.pid()), me.monitor(pids[0]));
    holm::exit(supervisor.pid(), Reason::Kill);
    assert_eq!(me.down(ended).await, Reason::Killed);
    holm::exit(pids[0], Reason::Kill); // it is deaf to the link, too
    assert_eq!(me.down(patient).await, Reason::Killed);
}

pub(crate) async fn s_12_a_child_that_unlinked_itself_is_stopped_all_the_same(mut me: Process<Told>, _: There) {
    silence_panics();
    // One that lives, one that has ended by itself, unseen by any link; under both kinds of supervisor.
    let supervisor = Supervisor::one_for_one().child(worker(&me, "a")).start_link(&mut me).await.unwrap();
    let pool = DynamicSupervisor::new().start_link(&mut me).await.unwrap();
    let child = worker(&me, "b");
    let mut free = vec![(up(&mut me, "a").await, supervisor)];
    for _ in 0..2 {
        free.push((pool.start_child(&mut me, child.clone()).await.unwrap().unwrap(), pool));
        up(&mut me, "b").await;
    }
    for (worker, supervisor) in &free {
        worker.send(Act::Unlink((*supervisor).into())).unwrap();
    }
    act_and_end(&mut me, free[2].0, Act::Panic).await;
    // A static supervisor watches by a monitor, and restarts even one that unlinked itself.
    act_and_end(&mut me, free[0].0, Act::Panic).await;
    let again = up(&mut me, "a").await;
    again.send(Act::Unlink(supervisor.into())).unwrap();
    silence(&mut me).await;
    let began = Instant::now();
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
    pool.stop(&mut me, Reason::Normal, None).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "nobody was waited for");
    assert!(!holm::is_alive(again) && free.iter().all(|(worker, _)| !holm::is_alive(*worker)));
}

pub(crate) async fn s_13_a_child_that_ends_otherwise_while_it_is_stopped_is_reported(mut me: Process<Told>, _: There) {
    let supervisor = Supervisor::one_for_one().child(worker(&me, "odd")).child(worker(&me, "good"));
    let supervisor = supervisor.start_link(&mut me).await.unwrap();
    let pool = DynamicSupervisor::new().start_link(&mut me).await.unwrap();
    let child = worker(&me, "odd, too");
    let third = pool.start_child(&mut me, child).await.unwrap().unwrap();
    let pids = all_up(&mut me, &["odd", "good", "odd, too"]).await;
    for worker in [pids[0], third] {
        worker.send(Act::EndOtherwise(Reason::error("disk full"))).unwrap();
    }
    let reports = listen();
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
    pool.stop(&mut me, Reason::Normal, None).await.unwrap();
    for (supervisor, child) in [(supervisor, "child=odd "), (pool, "child=odd, too ")] {
        let who = format!("supervisor={}", supervisor.pid());
        assert!(reports.tell(&["WARN", &who, child, "disk full"]));
    }
    assert!(!reports.tell(&["WARN", "child=good"]));
}

pub(crate) async fn s_22_a_killed_supervisor_leaves_nothing_running(mut me: Process<Told>, there: There) {
    me.trap_exits(true);
    let inner = Supervisor::one_for_one().child(worker(&me, "inner").spawn(there.options()));
    let plain = Child::worker("plain", async |_: Process<()>| pending::<()>().await);
    let root = Supervisor::one_for_one()
        .child(worker(&me, "a").spawn(there.options()))
        .child(plain)
        .child(Child::supervisor("inner", inner))
        .child(Child::supervisor("pool", DynamicSupervisor::new()));
    let root = root.start_link(&mut me).await.unwrap();
    let mut pids: Vec<Pid> = Vec::new();
    for ChildInfo { state, kind, id, .. } in root.which_children(&mut me).await.unwrap() {
        let ChildState::Running(pid) = state else { panic!("{id} runs") };
        if id == "pool" {
            assert_eq!(kind, Kind::Supervisor);
            let child = worker(&me, "pooled");
            SupervisorRef::from(pid.receiving()).start_child(&mut me, child).await.unwrap();
        }
        pids.push(pid);
    }
    for _ in 0..3 {
        match told(&mut me).await {
            Told::Up(_, pid) => pids.push(pid.untyped()),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pids.len(), 7, "four children, and what tells of itself, one of them twice");
    let monitors: Vec<_> = pids.iter().map(|pid| me.monitor(*pid)).collect();
    holm::exit(root.pid(), Reason::Kill);
    for monitor in monitors {
        me.down(monitor).await;
    }
    expect_exit(&mut drained(me).await, root.into(), Reason::Killed).await;
}

/// The process, when all that its workers told has been taken.
async fn drained(mut me: Process<Told>) -> Process<Told> {
    while me.receive_within(crate::harness::QUIET).await.is_some() {}
    me
}

pub(crate) async fn s_23_the_end_of_significant_children_ends_the_supervisor(mut me: Process<Told>, _: There) {
    me.trap_exits(true);
    let tree = |me: &Process<Told>, automatic| {
        Supervisor::one_for_one()
            .automatic_shutdown(automatic)
            .child(worker(me, "other"))
            .child(worker(me, "s1").transient().significant())
            .child(worker(me, "s2").temporary().significant())
    };
    for automatic in [AutomaticShutdown::AnySignificant, AutomaticShutdown::AllSignificant] {
        let supervisor = tree(&me, automatic);
        let supervisor = supervisor.start_link(&mut me).await.unwrap();
        let pids = all_up(&mut me, &["other", "s1", "s2"]).await;
        // A restart is no end; nor is a stop by order.
        act_and_end(&mut me, pids[1], Act::End(Reason::error("s1"))).await;
        let s1 = up(&mut me, "s1").await;
        supervisor.terminate_child(&mut me, "s1").await.unwrap();
        all_down(&mut me, &["s1"]).await;
        assert_eq!(state_of(&mut me, supervisor, "s1").await, Some(ChildState::Stopped));
        supervisor.restart_child(&mut me, "s1").await.unwrap();
        let s1_again = up(&mut me, "s1").await;
        assert_ne!(s1, s1_again);
        act_and_end(&mut me, s1_again, Act::End(Reason::Normal)).await;
        match automatic {
            AutomaticShutdown::AnySignificant => all_down(&mut me, &["s2", "other"]).await,
            _ => {
                silence(&mut me).await;
                act_and_end(&mut me, pids[2], Act::End(Reason::error("s2"))).await;
                all_down(&mut me, &["other"]).await;
            }
        }
        expect_exit(&mut me, supervisor.into(), Reason::Shutdown).await;
    }
}

/// Children of each supervisor above the lowest.
const WIDTH: usize = 10;

pub(crate) async fn s_25_a_tree_of_depth_four_is_gone_when_the_stop_returns(mut me: Process<Told>, there: There) {
    // root, 10 supervisors, 10 under each, 10 workers under each of those: 1,000 workers.
    fn level(me: &Process<Told>, depth: usize, there: There, leaf: &mut usize) -> Supervisor {
        let mut supervisor = Supervisor::one_for_one();
        for number in 0..WIDTH {
            let id = format!("{depth}.{number}");
            supervisor = match depth {
                3 => {
                    *leaf += 1;
                    supervisor.child(numbered(me, *leaf, id).spawn(there.options()))
                }
                _ => supervisor.child(Child::supervisor(id, level(me, depth + 1, there, leaf))),
            };
        }
        supervisor
    }
    let root = level(&me, 1, there, &mut 0).start_link(&mut me).await.unwrap();
    let mut pids = Vec::new();
    for _ in 0..WIDTH.pow(3) {
        match told(&mut me).await {
            Told::Up(_, pid) => pids.push(pid),
            other => panic!("{other:?}"),
        }
    }
    root.stop(&mut me, Reason::Normal, None).await.unwrap();
    assert!(pids.iter().all(|pid| !holm::is_alive(*pid)), "all are gone when the stop returns");
    let mut last = WIDTH.pow(3) + 1;
    while let Some(told) = me.receive_within(Duration::ZERO).await {
        let Told::Down("leaf", reason) = told else { panic!("{told:?}") };
        let number = reason.get::<u64>().unwrap() as usize;
        assert_eq!(number, last - 1, "in reverse order of their starts");
        last = number;
    }
    assert_eq!(last, 1);
}

/// A worker that says, with its number, that it is stopped.
fn numbered(me: &Process<Told>, number: usize, id: String) -> Child<Act> {
    let tell = me.pid();
    Child::worker(id, move |mut me: Process<Act>| async move {
        me.trap_exits(true);
        tell.send(Told::Up("leaf", me.pid())).unwrap();
        me.notice_where(|_| true).await;
        tell.send(Told::Down("leaf", Reason::value(&(number as u64)))).unwrap();
    })
}

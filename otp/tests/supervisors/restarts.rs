//! Who is restarted, and when a supervisor gives up.

use crate::{
    harness::{There, expect_exit},
    world::*,
};
use holm::{Pid, Process, Reason};
use holm_otp::{
    DynamicSupervisor, Supervisor,
    proc_lib::Starting,
    supervisor::{Child, ChildState, Restart, SupervisorRef},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

pub(crate) async fn s_03_the_restart_kinds_nine_cases(mut me: Process<Told>, there: There) {
    let good = [Reason::Normal, Reason::Shutdown, Reason::shutdown(&"drained".to_string())];
    let bad = [Reason::error("x"), Reason::Killed, Reason::NoConnection];
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for reason in good.iter().chain(&bad) {
            let comes_back = match restart {
                Restart::Permanent => true,
                Restart::Transient => bad.contains(reason),
                Restart::Temporary => false,
            };
            let child = worker(&me, "c").restart(restart).spawn(there.options());
            let supervisor = Supervisor::one_for_one().child(child).start_link(&mut me).await.unwrap();
            let c = up(&mut me, "c").await;
            act_and_end(&mut me, c, Act::End(reason.clone())).await;
            match comes_back {
                true => assert_ne!(up(&mut me, "c").await, c),
                false => {
                    let expected = (restart != Restart::Temporary).then_some(ChildState::Stopped);
                    until!(state_of(&mut me, supervisor, "c").await == expected);
                }
            }
            supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
            if comes_back {
                all_down(&mut me, &["c"]).await;
            }
            assert_eq!(me.receive_within(Duration::ZERO).await, None, "{restart:?} {reason}");
        }
    }
}

async fn three(me: &mut Process<Told>, supervisor: Supervisor) -> (SupervisorRef, Vec<Pid<Act>>) {
    let children = ["c1", "c2", "c3"].map(|id| worker(me, id));
    let supervisor = supervisor.children(children).start_link(me).await.unwrap();
    let pids = all_up(me, &["c1", "c2", "c3"]).await;
    (supervisor, pids)
}

pub(crate) async fn s_04_one_for_one_restarts_only_the_one(mut me: Process<Told>, _: There) {
    silence_panics();
    let (supervisor, before) = three(&mut me, Supervisor::one_for_one()).await;
    act_and_end(&mut me, before[1], Act::Panic).await;
    let again = up(&mut me, "c2").await;
    silence(&mut me).await;
    for (id, pid) in [("c1", before[0]), ("c2", again), ("c3", before[2])] {
        assert_eq!(state_of(&mut me, supervisor, id).await, Some(ChildState::Running(pid.untyped())));
    }
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_05_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order(
    mut me: Process<Told>,
    _: There,
) {
    silence_panics();
    let (supervisor, before) = three(&mut me, Supervisor::one_for_all()).await;
    act_and_end(&mut me, before[1], Act::Panic).await;
    all_down(&mut me, &["c3", "c1"]).await;
    let after = all_up(&mut me, &["c1", "c2", "c3"]).await;
    assert!(after.iter().all(|pid| !before.contains(pid)));
    silence(&mut me).await;
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_06_rest_for_one_restarts_it_and_the_later_ones(mut me: Process<Told>, _: There) {
    silence_panics();
    let (supervisor, before) = three(&mut me, Supervisor::rest_for_one()).await;
    act_and_end(&mut me, before[1], Act::Panic).await;
    all_down(&mut me, &["c3"]).await;
    all_up(&mut me, &["c2", "c3"]).await;
    silence(&mut me).await;
    assert!(holm::is_alive(before[0]));
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_07_one_restart_too_many_within_the_period_ends_the_supervisor(mut me: Process<Told>, _: There) {
    me.trap_exits(true);
    for allowed in [0, 1, 3] {
        let supervisor = Supervisor::one_for_one()
            .intensity(allowed, Duration::from_secs(60))
            .child(worker(&me, "other"))
            .child(worker(&me, "c"));
        let supervisor = supervisor.start_link(&mut me).await.unwrap();
        up(&mut me, "other").await;
        for _ in 0..allowed {
            let c = up(&mut me, "c").await;
            act_and_end(&mut me, c, Act::End(Reason::error("again"))).await;
        }
        let c = up(&mut me, "c").await;
        act_and_end(&mut me, c, Act::End(Reason::error("once too often"))).await;
        assert_eq!(told(&mut me).await, Told::Down("other", Reason::Shutdown));
        expect_exit(&mut me, supervisor.into(), Reason::Shutdown).await;
    }
}

pub(crate) async fn s_08_after_a_pause_the_count_starts_afresh(mut me: Process<Told>, _: There) {
    let period = Duration::from_millis(300);
    let supervisor = Supervisor::one_for_one().intensity(2, period).child(worker(&me, "c"));
    let supervisor = supervisor.start_link(&mut me).await.unwrap();
    for round in 0..3 {
        for _ in 0..2 {
            let c = up(&mut me, "c").await;
            act_and_end(&mut me, c, Act::End(Reason::error(round))).await;
        }
        holm::sleep(period + Duration::from_millis(100)).await;
    }
    up(&mut me, "c").await;
    assert!(holm::is_alive(supervisor.pid()));
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_09_a_supervisor_that_gave_up_is_restarted_by_its_own_until_that_gives_up_too(
    mut me: Process<Told>,
    _: There,
) {
    me.trap_exits(true);
    for (restart, lives) in [(Restart::Permanent, 3), (Restart::Transient, 1)] {
        let period = Duration::from_secs(60);
        // One restart for each life of the inner one, and two more lives for it if it is permanent.
        let inner = Supervisor::one_for_one().intensity(1, period).child(worker(&me, "c"));
        let inner = Child::supervisor("inner", inner).restart(restart);
        let outer = Supervisor::one_for_one().intensity(2, period).child(inner).start_link(&mut me).await.unwrap();
        for _ in 0..2 * lives {
            let c = up(&mut me, "c").await;
            act_and_end(&mut me, c, Act::End(Reason::error("c"))).await;
        }
        match restart {
            Restart::Permanent => expect_exit(&mut me, outer.into(), Reason::Shutdown).await,
            // An end in good order: it stays stopped, and the outer one lives on.
            _ => {
                until!(state_of(&mut me, outer, "inner").await == Some(ChildState::Stopped));
                outer.stop(&mut me, Reason::Normal, None).await.unwrap();
            }
        }
        silence(&mut me).await;
    }
}

/// A child that starts once, and fails to start from then on until it may.
fn stubborn(me: &Process<Told>, attempts: &Arc<AtomicUsize>, may: &Arc<AtomicBool>) -> Child<Act> {
    let (tell, attempts, may) = (me.pid(), attempts.clone(), may.clone());
    Child::acknowledged("stubborn", move |mut me: Process<Act>, starting: Starting| {
        let first = attempts.fetch_add(1, SeqCst) == 0;
        let starts = first || may.load(SeqCst);
        async move {
            if !starts {
                return starting.fail(&mut me, Reason::error("not yet"));
            }
            starting.ready();
            work(me, "stubborn", tell).await
        }
    })
}

pub(crate) async fn s_14_a_restart_that_fails_is_tried_again_and_calls_are_answered_between(
    mut me: Process<Told>,
    _: There,
) {
    me.trap_exits(true);
    // Until it may: tried again and again, and calls are answered meanwhile.
    let (attempts, may) = (Arc::default(), Arc::default());
    let supervisor = Supervisor::one_for_one()
        .intensity(u32::MAX, Duration::from_secs(60))
        .child(stubborn(&me, &attempts, &may))
        .start_link(&mut me)
        .await
        .unwrap();
    let c = up(&mut me, "stubborn").await;
    act_and_end(&mut me, c, Act::End(Reason::error("c"))).await;
    until!(attempts.load(SeqCst) > 20);
    for _ in 0..20 {
        assert_eq!(supervisor.count_children(&mut me).await.unwrap().restarting, 1);
        assert_eq!(state_of(&mut me, supervisor, "stubborn").await, Some(ChildState::Restarting));
        let twin = stubborn(&me, &attempts, &may);
        assert!(supervisor.start_child(&mut me, twin).await.is_err());
    }
    may.store(true, SeqCst);
    up(&mut me, "stubborn").await;
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
    all_down(&mut me, &["stubborn"]).await;
    // Each attempt counts: the one after the end and two more, and then no more.
    let (attempts, may) = (Arc::default(), Arc::default());
    let supervisor = Supervisor::one_for_one().intensity(3, Duration::from_secs(60));
    let supervisor = supervisor.child(stubborn(&me, &attempts, &may)).start_link(&mut me).await.unwrap();
    let c = up(&mut me, "stubborn").await;
    act_and_end(&mut me, c, Act::End(Reason::error("c"))).await;
    expect_exit(&mut me, supervisor.into(), Reason::Shutdown).await;
    assert_eq!(attempts.load(SeqCst), 4);
}

pub(crate) async fn s_15_a_restart_in_progress_does_not_delay_a_stop(mut me: Process<Told>, _: There) {
    for stop_the_child in [true, false] {
        let (attempts, may) = (Arc::default(), Arc::default());
        let supervisor = Supervisor::one_for_one()
            .intensity(u32::MAX, Duration::from_secs(60))
            .child(stubborn(&me, &attempts, &may));
        let supervisor = supervisor.start_link(&mut me).await.unwrap();
        let c = up(&mut me, "stubborn").await;
        act_and_end(&mut me, c, Act::End(Reason::error("c"))).await;
        until!(attempts.load(SeqCst) > 5);
        let began = Instant::now();
        if stop_the_child {
            supervisor.terminate_child(&mut me, "stubborn").await.unwrap();
            assert_eq!(state_of(&mut me, supervisor, "stubborn").await, Some(ChildState::Stopped));
            let then = attempts.load(SeqCst);
            silence(&mut me).await;
            assert_eq!(attempts.load(SeqCst), then, "it is not tried any more");
        }
        supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(2));
        let then = attempts.load(SeqCst);
        silence(&mut me).await;
        assert_eq!(attempts.load(SeqCst), then);
    }
}

pub(crate) async fn a_dynamic_supervisor_restarts_each_child_as_its_own_kind_says(mut me: Process<Told>, there: There) {
    silence_panics();
    let pool = DynamicSupervisor::new().intensity(u32::MAX, Duration::from_secs(60)).start_link(&mut me).await.unwrap();
    for (restart, act, comes_back) in [
        (Restart::Permanent, Act::End(Reason::Normal), true),
        (Restart::Transient, Act::End(Reason::Shutdown), false),
        (Restart::Transient, Act::Panic, true),
        (Restart::Temporary, Act::Panic, false),
    ] {
        let child = worker(&me, "c").restart(restart).spawn(there.options());
        let c = pool.start_child(&mut me, child).await.unwrap().unwrap();
        assert_eq!(up(&mut me, "c").await, c);
        act_and_end(&mut me, c, act).await;
        if comes_back {
            let again = up(&mut me, "c").await;
            pool.terminate_child(&mut me, again).await.unwrap();
            all_down(&mut me, &["c"]).await;
        }
        until!(pool.count_children(&mut me).await.unwrap().specified == 0);
    }
    // One whose restart fails is tried again, and can be stopped meanwhile by the pid that it had.
    let (attempts, may) = (Arc::default(), Arc::default());
    let child = stubborn(&me, &attempts, &may);
    let c = pool.start_child(&mut me, child).await.unwrap().unwrap();
    up(&mut me, "stubborn").await;
    may.store(true, SeqCst);
    act_and_end(&mut me, c, Act::Panic).await;
    let again = up(&mut me, "stubborn").await;
    may.store(false, SeqCst);
    act_and_end(&mut me, again, Act::Panic).await;
    until!(pool.count_children(&mut me).await.unwrap().restarting == 1);
    pool.terminate_child(&mut me, again).await.unwrap();
    assert_eq!(pool.count_children(&mut me).await.unwrap().specified, 0);
    pool.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn an_exit_signal_from_a_child_that_lives_is_not_its_end(mut me: Process<Told>, _: There) {
    let supervisor = Supervisor::one_for_one().child(worker(&me, "c")).start_link(&mut me).await.unwrap();
    let c = up(&mut me, "c").await;
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("look")] {
        c.send(Act::Signal(supervisor.into(), reason)).unwrap();
    }
    silence(&mut me).await;
    assert_eq!(state_of(&mut me, supervisor, "c").await, Some(ChildState::Running(c.untyped())));
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

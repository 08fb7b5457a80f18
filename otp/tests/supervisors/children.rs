//! How children start, and what can be asked about them.

use crate::{harness::There, world::*};
use holm::{Message, Pid, Process, Reason, Reply, whereis_untyped};
use holm_otp::{
    DynamicSupervisor, Supervisor,
    gen_server::{Context, GenServer, Next, ServerRef, StartError},
    proc_lib::Starting,
    supervisor::{AutomaticShutdown, Child, ChildError, ChildState, Fault, Restart, Shutdown, SupervisorError},
    sys,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

pub(crate) async fn s_01_children_start_in_order_and_stop_in_reverse(mut me: Process<Told>, there: There) {
    // Each says that it starts, takes its time, and says that it is ready; the next one starts after that.
    let tell = me.pid();
    let slow = |id: &'static str| {
        Child::acknowledged(id, move |me: Process<Act>, starting: Starting| async move {
            tell.send(Told::Down(id, Reason::error("begins"))).unwrap();
            holm::sleep(Duration::from_millis(5)).await;
            tell.send(Told::Down(id, Reason::error("is ready"))).unwrap();
            starting.ready();
            work(me, id, tell).await
        })
        .spawn(there.options())
    };
    let supervisor = Supervisor::one_for_one().children(["c1", "c2", "c3"].map(slow));
    let supervisor = supervisor.start_link(&mut me).await.unwrap();
    let (mut begun, mut words) = (Vec::new(), Vec::new());
    while begun.len() + words.len() < 9 {
        match told(&mut me).await {
            Told::Up(_, pid) => begun.push(pid),
            Told::Down(id, word) => words.push((id, word)),
        }
    }
    let expected = ["c1", "c2", "c3"].map(|id| [(id, Reason::error("begins")), (id, Reason::error("is ready"))]);
    assert_eq!(words, expected.concat());
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
    all_down(&mut me, &["c3", "c2", "c1"]).await;
    assert!(begun.iter().all(|pid| !holm::is_alive(*pid)));
}

pub(crate) async fn s_02_a_child_that_fails_at_the_first_start_is_named_and_none_remains(
    mut me: Process<Told>,
    _: There,
) {
    me.trap_exits(true);
    let fails = Child::acknowledged("c2", async |mut me: Process<()>, starting: Starting| {
        starting.fail(&mut me, Reason::error("no disk"))
    });
    let supervisor =
        Supervisor::one_for_one().name("s_02").child(worker(&me, "c1")).child(fails).child(worker(&me, "c3"));
    match supervisor.start_link(&mut me).await {
        Err(SupervisorError::Start(StartError::Failed(reason))) => {
            let text = reason.to_string();
            assert!(text.contains("\"c2\"") && text.contains("no disk"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let c1 = up(&mut me, "c1").await;
    all_down(&mut me, &["c1"]).await;
    assert!(!holm::is_alive(c1) && whereis_untyped("s_02").is_none());
    crate::harness::expect_silence(&mut me).await;
}

pub(crate) async fn s_16_an_identifier_in_use_is_an_error_and_the_child_untouched(mut me: Process<Told>, _: There) {
    let supervisor = Supervisor::one_for_one().child(worker(&me, "a")).start_link(&mut me).await.unwrap();
    let a = up(&mut me, "a").await;
    let twin = worker(&me, "a");
    assert_eq!(supervisor.start_child(&mut me, twin.clone()).await, Err(ChildError::AlreadyStarted(a.untyped())));
    assert!(holm::is_alive(a));
    supervisor.terminate_child(&mut me, "a").await.unwrap();
    all_down(&mut me, &["a"]).await;
    assert_eq!(supervisor.start_child(&mut me, twin).await, Err(ChildError::AlreadyPresent));
    silence(&mut me).await;
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_17_terminate_keeps_delete_refuses_restart_starts(mut me: Process<Told>, there: There) {
    let supervisor = Supervisor::one_for_one().start_link(&mut me).await.unwrap();
    let kept = worker(&me, "kept").spawn(there.options());
    let first = supervisor.start_child(&mut me, kept).await.unwrap().unwrap();
    assert_eq!(up(&mut me, "kept").await, first);
    assert_eq!(supervisor.delete_child(&mut me, "kept").await, Err(ChildError::Running));
    assert_eq!(supervisor.restart_child(&mut me, "kept").await, Err(ChildError::Running));
    supervisor.terminate_child(&mut me, first).await.unwrap();
    all_down(&mut me, &["kept"]).await;
    assert_eq!(state_of(&mut me, supervisor, "kept").await, Some(ChildState::Stopped));
    supervisor.terminate_child(&mut me, "kept").await.unwrap(); // once more changes nothing
    let second = supervisor.restart_child(&mut me, "kept").await.unwrap().unwrap();
    assert_eq!(up(&mut me, "kept").await, second);
    supervisor.terminate_child(&mut me, "kept").await.unwrap();
    all_down(&mut me, &["kept"]).await;
    supervisor.delete_child(&mut me, "kept").await.unwrap();
    let temporary = worker(&me, "temporary").temporary();
    supervisor.start_child(&mut me, temporary).await.unwrap();
    up(&mut me, "temporary").await;
    supervisor.terminate_child(&mut me, "temporary").await.unwrap();
    all_down(&mut me, &["temporary"]).await;
    assert_eq!(supervisor.which_children(&mut me).await.unwrap(), []);
    for id in ["kept", "temporary"] {
        assert_eq!(supervisor.terminate_child(&mut me, id).await, Err(ChildError::NotFound));
        assert_eq!(supervisor.delete_child(&mut me, id).await, Err(ChildError::NotFound));
        assert_eq!(supervisor.restart_child(&mut me, id).await, Err(ChildError::NotFound));
    }
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_18_a_temporary_child_that_ended_is_gone_and_its_arguments_freed(mut me: Process<Told>, _: There) {
    let supervisor = Supervisor::one_for_all().intensity(5, Duration::from_secs(5));
    let supervisor = supervisor.child(worker(&me, "a")).start_link(&mut me).await.unwrap();
    let mut a = up(&mut me, "a").await;
    let argument = Arc::new(());
    for by_itself in [true, false] {
        let (tell, captured) = (me.pid(), argument.clone());
        let child = Child::worker("t", move |me| {
            let _ = &captured;
            work(me, "t", tell)
        });
        supervisor.start_child(&mut me, child.temporary()).await.unwrap();
        let t = up(&mut me, "t").await;
        assert_eq!(Arc::strong_count(&argument), 2);
        match by_itself {
            true => act_and_end(&mut me, t, Act::End(Reason::error("enough"))).await,
            false => {
                act_and_end(&mut me, a, Act::End(Reason::error("a"))).await;
                all_down(&mut me, &["t"]).await;
                a = up(&mut me, "a").await;
            }
        }
        until!(state_of(&mut me, supervisor, "t").await.is_none());
        assert_eq!(Arc::strong_count(&argument), 1);
    }
    assert!(holm::is_alive(a));
    silence(&mut me).await;
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_19_a_child_that_ignores_is_kept_and_the_others_start(mut me: Process<Told>, _: There) {
    let ignores = |id: &'static str| {
        Child::acknowledged(id, async |mut me: Process<()>, starting: Starting| starting.ignore(&mut me))
    };
    let supervisor = Supervisor::one_for_one()
        .child(ignores("kept"))
        .child(ignores("not kept").temporary())
        .child(worker(&me, "other"));
    let supervisor = supervisor.start_link(&mut me).await.unwrap();
    up(&mut me, "other").await;
    assert_eq!(state_of(&mut me, supervisor, "kept").await, Some(ChildState::Stopped));
    assert_eq!(state_of(&mut me, supervisor, "not kept").await, None);
    assert_eq!(supervisor.start_child(&mut me, ignores("late")).await, Ok(None));
    assert_eq!(supervisor.start_child(&mut me, ignores("late, too").temporary()).await, Ok(None));
    assert_eq!(state_of(&mut me, supervisor, "late").await, Some(ChildState::Stopped));
    assert_eq!(supervisor.which_children(&mut me).await.unwrap().len(), 3);
    assert_eq!(supervisor.restart_child(&mut me, "kept").await, Ok(None));
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_20_faulty_specifications_are_named_and_nothing_starts(mut me: Process<Told>, _: There) {
    let one = || Supervisor::one_for_one().child(worker(&me, "a"));
    let any = || one().automatic_shutdown(AutomaticShutdown::AnySignificant);
    let inner = |fault| Fault::Within { supervisor: "inner".into(), fault: Box::new(fault) };
    let twice = || one().child(worker(&me, "a"));
    let faulty = [
        (twice(), Fault::DuplicateChild("a".into())),
        (one().intensity(1, Duration::ZERO), Fault::ZeroPeriod),
        (one().child(worker(&me, "b").transient().significant()), Fault::SignificantInVain("b".into())),
        (any().child(worker(&me, "b").significant()), Fault::SignificantPermanent("b".into())),
        (one().child(worker(&me, "b").shutdown(Shutdown::Within(Duration::ZERO))), Fault::ZeroShutdown("b".into())),
        (one().child(Child::supervisor("inner", twice())), inner(Fault::DuplicateChild("a".into()))),
        (
            one().child(Child::supervisor("inner", DynamicSupervisor::new().intensity(1, Duration::ZERO))),
            inner(Fault::ZeroPeriod),
        ),
    ];
    for (supervisor, fault) in faulty {
        assert!(fault.to_string().contains(['a', 'b', 'p']), "{fault}");
        assert_eq!(supervisor.clone().start_link(&mut me).await, Err(SupervisorError::Fault(fault.clone())));
        assert_eq!(supervisor.start(&mut me).await, Err(SupervisorError::Fault(fault)));
    }
    let supervisor = Supervisor::one_for_one().start_link(&mut me).await.unwrap();
    let late = worker(&me, "late").transient().significant();
    let refused = supervisor.start_child(&mut me, late).await;
    assert_eq!(refused, Err(ChildError::Fault(Fault::SignificantInVain("late".into()))));
    assert_eq!(supervisor.which_children(&mut me).await.unwrap(), []);
    silence(&mut me).await;
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn s_24_counts_and_lists_agree_during_restarts(mut me: Process<Told>, there: There) {
    silence_panics();
    // Every second start fails.
    let starts = Arc::new(AtomicUsize::new(0));
    let shaky = Child::acknowledged("shaky", move |mut me: Process<()>, starting: Starting| {
        let fails = starts.fetch_add(1, SeqCst) % 2 == 1;
        async move {
            if fails {
                return starting.fail(&mut me, Reason::error("this time not"));
            }
            starting.ready();
            Reason::error("gone at once")
        }
    });
    let supervisor = Supervisor::one_for_one()
        .intensity(u32::MAX, Duration::from_secs(1))
        .child(shaky.spawn(there.options()))
        .child(worker(&me, "steady"))
        .child(worker(&me, "stopped"))
        .child(Child::supervisor("inner", Supervisor::one_for_one()));
    let supervisor = supervisor.start_link(&mut me).await.unwrap();
    supervisor.terminate_child(&mut me, "stopped").await.unwrap();
    let mut restarting_seen = 0;
    for _ in 0..500 {
        let count = supervisor.count_children(&mut me).await.unwrap();
        assert_eq!(count.specified, count.running + count.restarting + count.stopped);
        assert_eq!((count.specified, count.supervisors, count.workers, count.stopped), (4, 1, 3, 1));
        let list = supervisor.which_children(&mut me).await.unwrap();
        assert!(list.iter().map(|child| &*child.id).eq(["shaky", "steady", "stopped", "inner"]));
        let restarting = list.iter().filter(|child| child.state == ChildState::Restarting).count();
        assert!(restarting <= 1 && list[3].restart == Restart::Permanent);
        restarting_seen += count.restarting + restarting;
    }
    assert!(restarting_seen > 0, "calls are answered between the attempts");
    supervisor.stop(&mut me, Reason::Normal, None).await.unwrap();
}

pub(crate) async fn a_dynamic_supervisor_has_no_more_children_than_it_may(mut me: Process<Told>, _: There) {
    let pool = DynamicSupervisor::new().children_max(2).start_link(&mut me).await.unwrap();
    let child = worker(&me, "one of many");
    let first = pool.start_child(&mut me, child.clone()).await.unwrap().unwrap();
    pool.start_child(&mut me, child.clone()).await.unwrap();
    assert_eq!(pool.start_child(&mut me, child.clone()).await, Err(ChildError::TooMany(2)));
    assert_eq!(pool.delete_child(&mut me, first).await, Err(ChildError::Running));
    pool.terminate_child(&mut me, first).await.unwrap();
    assert!(!holm::is_alive(first));
    assert_eq!(pool.terminate_child(&mut me, first).await, Err(ChildError::NotFound));
    assert_eq!(pool.restart_child(&mut me, first).await, Err(ChildError::NotKept));
    pool.start_child(&mut me, child).await.unwrap();
    let count = pool.count_children(&mut me).await.unwrap();
    assert_eq!((count.specified, count.running, count.workers), (2, 2, 2));
    pool.stop(&mut me, Reason::Normal, None).await.unwrap();
}

#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Read(Reply<u32>);

struct Answer(u32);

impl GenServer for Answer {
    type Message = Read;

    async fn handle(&mut self, Read(reply): Read, _: &mut Context<Read>) -> Next {
        reply.send(self.0);
        Next::Receive
    }
}

pub(crate) async fn a_server_and_a_supervisor_are_children_and_sys_works_on_both(mut me: Process<Told>, _: There) {
    const LIMIT: Duration = Duration::from_secs(5);
    let servers =
        Supervisor::one_for_one().name("servers").child(Child::server("answer", || Answer(42)).name("answer"));
    let root = Supervisor::one_for_all().child(Child::supervisor("servers", servers));
    let root = root.start_link(&mut me).await.unwrap();
    let server = ServerRef::<Read>::whereis("answer").unwrap();
    assert_eq!(server.call(&mut me, Read, LIMIT).await, Ok(42));
    sys::stop(&mut me, server, Reason::error("away"), LIMIT).await.unwrap();
    until!(ServerRef::<Read>::whereis("answer").is_some_and(|again| again != server));
    let servers = holm_otp::supervisor::SupervisorRef::whereis("servers").unwrap();
    let seen = sys::inspect_there(&mut me, servers, LIMIT).await.unwrap();
    assert_eq!((seen.behaviour.as_str(), seen.parent), ("supervisor", Some(root.pid().untyped())));
    assert!(seen.state.unwrap().contains("\"answer\""));
    sys::suspend(&mut me, servers, LIMIT).await.unwrap();
    assert!(matches!(sys::inspect(servers).unwrap().doing, sys::Doing::Suspended));
    sys::resume(&mut me, servers, LIMIT).await.unwrap();
    let added = servers.start_child(&mut me, Child::server("more", || Answer(7))).await.unwrap().unwrap();
    assert_eq!(ServerRef::from(added).call(&mut me, Read, LIMIT).await, Ok(7));
    root.stop(&mut me, Reason::Normal, None).await.unwrap();
    let pids: [Pid; 3] = [servers.into(), added.untyped(), root.into()];
    assert!(pids.into_iter().all(|pid| !holm::is_alive(pid)));
}

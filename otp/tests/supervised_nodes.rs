//! S-26 of the conformance catalogue: a child on another node, and the loss of that node.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

use harness::program::{Program, role};
use holm::{Notice, Pid, Process, Reason, SpawnError, SpawnOptions};
use holm_otp::{
    Supervisor,
    proc_lib::Starting,
    supervisor::{Child, ChildState},
};
use rustix::process::{Signal, kill_process};
use std::time::Duration;

#[test]
fn the_program() {
    if role().is_some() {
        // The loss of a node is an error of the whole program; here it is what is looked for.
        println!("the program ended: {:?}", holm::block_on(supervise_another_node));
    }
}

#[test]
fn s_26_a_child_on_a_lost_node_ends_by_no_connection_and_is_restarted_as_its_kind_says() {
    for transport in ["shm", "tcp"] {
        let outcome = Program::new("S-26", "2x1", transport).run();
        assert!(outcome.stdout.contains("all as promised"), "{}", outcome.story());
    }
}

/// What the children tell: who they are, on which node, and in which OS process.
type Told = (String, Pid<Reason>, u32);

/// A child on the other node; it ends with the reason that it is sent.
#[holm::entry]
async fn far(mut me: Process<Reason>, (id, tell): (String, Pid<Told>)) -> Reason {
    tell.send((id, me.pid(), std::process::id())).unwrap();
    me.receive().await
}

/// The same, and it says when it is ready.
#[holm::entry]
async fn far_and_ready(mut me: Process<Reason>, (starting, (id, tell)): (Starting, (String, Pid<Told>))) -> Reason {
    tell.send((id, me.pid(), std::process::id())).unwrap();
    starting.ready();
    me.receive().await
}

/// A child on the other node as long as that is there, and on this one then.
fn wanders(tell: Pid<Told>) -> Child<Reason> {
    Child::started_by("wanders", move |supervisor| {
        Box::pin(async move {
            let (argument, linked) = (("wanders".to_string(), tell), SpawnOptions::new().link());
            let there = supervisor.spawn_entry(far, argument.clone(), linked.clone().scheduler(1)).await;
            match there {
                Err(SpawnError::NoConnection) => Ok(supervisor.spawn_entry(far, argument, linked).await?.pid),
                there => Ok(there?.pid),
            }
        })
    })
}

async fn heard(me: &mut Process<Told>, id: &str) -> (Pid<Reason>, u32) {
    let told = me.receive_where(|(who, ..)| who == id);
    let (_, pid, os_pid) = told.await;
    (pid, os_pid)
}

async fn supervise_another_node(mut me: Process<Told>) {
    me.trap_exits(true);
    let (tell, there) = (me.pid(), SpawnOptions::new().scheduler(1));
    let entry = |id: &str| Child::entry(id.to_string(), far, (id.to_string(), tell)).spawn(there.clone());
    let moves = Supervisor::one_for_one().child(entry("temporary").temporary()).child(wanders(tell));
    let moves = moves.start_link(&mut me).await.unwrap();
    let ready = Child::acknowledged_entry("ready", far_and_ready, ("ready".to_string(), tell));
    let stays = Supervisor::one_for_one()
        .intensity(10, Duration::from_secs(60))
        .child(ready.transient().spawn(there.clone()))
        .start_link(&mut me)
        .await
        .unwrap();
    let (temporary, os_pid) = heard(&mut me, "temporary").await;
    let (ready, _) = heard(&mut me, "ready").await;
    let (wanders, _) = heard(&mut me, "wanders").await;
    assert!([temporary, ready, wanders].iter().all(|pid| pid.node() == holm::nodes()[1].id));
    assert_ne!(os_pid, std::process::id());

    // Over there it is a child as any other: its ends arrive, it is restarted, and stopped.
    ready.send(Reason::error("once")).unwrap();
    let (again, _) = heard(&mut me, "ready").await;
    assert_ne!(again, ready);
    let monitor = me.monitor(again);
    stays.terminate_child(&mut me, "ready").await.unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    stays.restart_child(&mut me, "ready").await.unwrap();
    let (last, _) = heard(&mut me, "ready").await;

    // The node is lost. The one that can only be there is tried until its supervisor gives up.
    kill_process(rustix::process::Pid::from_raw(os_pid as i32).unwrap(), Signal::KILL).unwrap();
    let monitor = me.monitor(last);
    assert_eq!(me.down(monitor).await, Reason::NoConnection);
    let gave_up = me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await;
    assert_eq!(gave_up, Notice::Exit { from: stays.into(), reason: Reason::Shutdown });
    // The one that wanders is restarted here, and the temporary one is forgotten.
    let (here, os_pid_here) = heard(&mut me, "wanders").await;
    assert_eq!((here.node(), os_pid_here), (holm::nodes()[0].id, std::process::id()));
    let children = moves.which_children(&mut me).await.unwrap();
    let known: Vec<_> = children.iter().map(|child| (&*child.id, child.state)).collect();
    assert_eq!(known, [("wanders", ChildState::Running(here.untyped()))]);
    moves.stop(&mut me, Reason::Normal, None).await.unwrap();
    println!("all as promised");
}

//! Servers and the loss of nodes: G-24 of the conformance catalogue, and G-07 and G-20 with a node that was there.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

use harness::{
    CASE_LIMIT,
    program::{Program, role},
};
use holm::{CallError, Message, NodeEvent, Notice, Pid, Process, Reason, Reply, SpawnOptions};
use holm_otp::{
    gen_server::{self, Context, Envelope, GenServer, Next, ServerRef},
    proc_lib::{self, StartError, StartOptions, Starting},
    sys,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, Message)]
enum Ask {
    Keep(Reply<u64>),
    Answer(Reply<usize>),
    Echo(Reply<u64>),
}

#[derive(Default)]
struct Keeper(Vec<Reply<u64>>);

impl GenServer for Keeper {
    type Message = Ask;

    async fn handle(&mut self, message: Ask, _: &mut Context<Ask>) -> Next {
        match message {
            Ask::Keep(reply) => self.0.push(reply),
            Ask::Answer(reply) => {
                reply.send(self.0.len());
                self.0.drain(..).for_each(|kept| kept.send(1));
            }
            Ask::Echo(reply) => reply.send(2),
        }
        Next::Receive
    }
}

#[holm::entry]
async fn keeper(me: Process<Envelope<Ask>>, (starting, ()): (Starting, ())) -> Reason {
    gen_server::enter(me, starting, Keeper::default()).await
}

/// Calls and waits; another of these ends the whole node.
#[holm::entry]
async fn caller(mut me: Process<()>, (server, told): (ServerRef<Ask>, Pid<u64>)) {
    let request = server.send_request(&mut me, Ask::Keep).unwrap();
    // What is sent behind the request arrives behind it: the server has it when the answer to this is there.
    server.call(&mut me, Ask::Echo, CASE_LIMIT).await.unwrap();
    told.send(1).unwrap();
    let _ = me.response(request, None).await;
}

#[holm::entry]
async fn end_of_the_node(_me: Process<()>, (): ()) {
    let own = rustix::process::getpid();
    rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
}

/// Waits for ever, and owes its starter a word.
#[holm::entry]
async fn never_ready(mut me: Process<u64>, (starting, told): (Starting, Pid<u64>)) {
    told.send(2).unwrap();
    me.receive().await;
    starting.ready();
}

async fn lose_callers(mut me: Process<u64>) {
    me.trap_exits(true);
    me.watch_nodes(true);
    let there = SpawnOptions::new().scheduler(1);
    let server = gen_server::start(&mut me, StartOptions::new().name("keeper"), Keeper::default()).await.unwrap();
    let options = StartOptions::new().spawn(there.clone()).name("keeper");
    let other: ServerRef<Ask> = proc_lib::start_entry(&mut me, options, keeper, ()).await.unwrap().into();
    let told = me.pid();
    for _ in 0..100 {
        me.spawn_entry(caller, (server, told), there.clone()).await.unwrap();
        me.receive().await;
    }
    // A start that the loss interrupts.
    let (options, own) = (StartOptions::new().spawn(there.clone()), me.pid());
    let starts = me.spawn_monitor(async move |mut me: Process<()>| {
        let started = proc_lib::start_entry(&mut me, options, never_ready, own).await;
        assert_eq!(started, Err(StartError::Failed(Reason::NoConnection)));
    });
    me.receive().await;
    let pending = other.send_request(&mut me, Ask::Keep).unwrap();
    me.spawn_entry(end_of_the_node, (), there).await.unwrap();
    me.notice_where(|notice| matches!(notice, Notice::Node(NodeEvent::Down { .. }))).await;

    assert_eq!(me.response(pending, CASE_LIMIT).await, Err(CallError::Unanswered(Reason::NoConnection)));
    assert_eq!(me.down(starts.unwrap().1).await, Reason::Normal, "the start says what happened");
    assert_eq!(server.call(&mut me, Ask::Answer, CASE_LIMIT).await, Ok(100), "the answers go nowhere");
    assert_eq!(server.call(&mut me, Ask::Answer, CASE_LIMIT).await, Ok(0));
    let seen = sys::inspect(server).unwrap();
    assert_eq!(seen.notices, 0, "and the server hears nothing of the callers' end");

    let gone = other.call(&mut me, Ask::Echo, CASE_LIMIT).await;
    assert_eq!(gone, Err(CallError::Unanswered(Reason::NoConnection)));
    let nodes: Vec<_> = holm::nodes().iter().map(|node| node.id).collect();
    let result = gen_server::multi_call(&mut me, nodes, "keeper", Ask::Echo, CASE_LIMIT).await;
    assert_eq!(result.answers, [(server.pid().node(), 2)]);
    assert_eq!(result.missing, [(other.pid().node(), CallError::Unanswered(Reason::NoConnection))]);
    println!("all is as it should be");
}

#[test]
fn the_program() {
    if role().is_some() {
        let _ = holm::block_on(lose_callers);
    }
}

#[test]
fn g_24_a_lost_caller_leaves_no_trace_in_the_server() {
    for transport in ["shm", "tcp"] {
        let outcome = Program::new("lose callers", "2x1", transport).run();
        assert!(outcome.stdout.contains("all is as it should be"), "{transport}: {}", outcome.story());
    }
}

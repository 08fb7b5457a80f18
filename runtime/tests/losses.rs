//! What becomes of names, questions and replies when a node is lost: parts of R-17, M-09, T-08 and the promise that a
//! reply is never lost in silence. Each is the test's own executable, started again under three nodes.

mod harness;

use harness::{
    CASE_LIMIT,
    program::{Program, role},
};
use holm::{
    CallError, Event, Message, Notice, Pid, Process, Reason, Reply, SpawnOptions, Watched, send_to_name_everywhere,
};
use rustix::process::{Signal, kill_process};
use serde::{Deserialize, Serialize};

#[test]
fn the_program() {
    let Some(role) = role() else { return };
    let ended = match role.as_str() {
        "forwarded" => holm::block_on(a_question_was_passed_on),
        "names" => holm::block_on(names_of_a_lost_node),
        other => panic!("{other:?} is no role"),
    };
    std::process::exit(i32::from(ended.is_err()));
}

#[derive(Debug, Serialize, Deserialize, Message)]
enum Ask {
    /// Passed on to this one, who keeps it.
    PassOn(Pid<Ask>, Reply<u64>),
    Keep(Reply<u64>),
    /// The OS process it lives in.
    Where(Reply<u32>),
}

/// Answers nothing but where it lives.
#[holm::entry]
async fn keeper(mut me: Process<Ask>, _: ()) {
    let mut kept = Vec::new();
    loop {
        match me.receive().await {
            Ask::PassOn(other, reply) => other.send(Ask::Keep(reply)).unwrap(),
            Ask::Keep(reply) => kept.push(reply),
            Ask::Where(reply) => reply.send(std::process::id()),
        }
    }
}

async fn keeper_at<M: Message>(me: &mut Process<M>, scheduler: u32) -> Pid<Ask> {
    me.spawn_entry(keeper, (), SpawnOptions::new().scheduler(scheduler).name("keeper")).await.unwrap().pid
}

/// Ends the node that a keeper lives on, and waits until that shows.
async fn lose_node_of<M: Message>(me: &mut Process<M>, keeper: Pid<Ask>) {
    let os_pid = me.call(keeper, Ask::Where, CASE_LIMIT).await.unwrap();
    let monitor = me.monitor(keeper);
    kill_process(rustix::process::Pid::from_raw(os_pid as i32).unwrap(), Signal::KILL).unwrap();
    assert_eq!(me.down(monitor).await, Reason::NoConnection);
}

/// The user saw: a question was passed on to a node, the node died, and only the time limit ended the call.
async fn a_question_was_passed_on(mut me: Process<()>) {
    // From node 1 to node 2, from this node to node 2, and out of an open call.
    let (first, second) = (keeper_at(&mut me, 1).await, keeper_at(&mut me, 2).await);
    let here = keeper_at(&mut me, 0).await;
    let over_1 = me.send_request(first, |reply| Ask::PassOn(second, reply)).unwrap();
    let over_here = me.send_request(here, |reply| Ask::PassOn(second, reply)).unwrap();
    let (reply, open) = me.open_call::<u64>();
    second.send(Ask::Keep(reply)).unwrap();
    let stays = me.send_request(first, Ask::Keep).unwrap();
    // Behind what was passed on.
    for through in [first, here, second] {
        me.call(through, Ask::Where, CASE_LIMIT).await.unwrap();
    }
    lose_node_of(&mut me, second).await;
    for request in [over_1, over_here, open] {
        assert_eq!(me.response(request, CASE_LIMIT).await, Err(CallError::Unanswered(Reason::NoConnection)));
    }
    // A question passed on to a node that is lost by now.
    for through in [first, here] {
        let answer = me.call(through, |reply| Ask::PassOn(second, reply), CASE_LIMIT).await;
        assert_eq!(answer, Err(CallError::Unanswered(Reason::NoConnection)));
    }
    assert_eq!(me.response(stays, harness::QUIET).await, Err(CallError::Timeout), "its node lives");
    println!("all is told");
}

#[test]
fn a_reply_that_was_passed_on_to_a_node_is_missed_when_that_is_lost() {
    for transport in ["shm", "tcp"] {
        let outcome = Program::new("forwarded", "3x1", transport).run();
        assert!(outcome.stdout.contains("all is told"), "{transport}: {}", outcome.story());
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
struct Word(u64);

/// Passes on what comes to its name.
#[holm::entry]
async fn listener(mut me: Process<Word>, to: Pid<Word>) {
    loop {
        to.send(me.receive().await).unwrap();
    }
}

async fn names_of_a_lost_node(mut me: Process<Word>) {
    let own = me.pid();
    for scheduler in 0..3 {
        let options = SpawnOptions::new().scheduler(scheduler).name("listener");
        me.spawn_entry(listener, own, options).await.unwrap();
    }
    assert_eq!(send_to_name_everywhere("listener", &Word(1)), []);
    for _ in 0..3 {
        assert_eq!(me.receive().await, Word(1));
    }
    let keeper = keeper_at(&mut me, 2).await;
    let lost = keeper.node();
    let monitor = me.monitor_name("listener", Some(lost));
    lose_node_of(&mut me, keeper).await;
    let watched = Watched::Name("listener".into(), lost);
    assert_eq!(me.next().await, Event::Notice(Notice::Down { monitor, watched, reason: Reason::NoConnection }));
    // the living get a copy each, and the missing one is named.
    assert_eq!(send_to_name_everywhere("listener", &Word(2)), [lost]);
    for _ in 0..2 {
        assert_eq!(me.receive().await, Word(2));
    }
    harness::expect_silence(&mut me).await;
    println!("all is told");
}

#[test]
fn r_17_a_node_that_is_lost_is_reported_and_the_others_get_their_copy() {
    for transport in ["shm", "tcp"] {
        let outcome = Program::new("names", "3x1", transport).run();
        assert!(outcome.stdout.contains("all is told"), "{transport}: {}", outcome.story());
    }
}

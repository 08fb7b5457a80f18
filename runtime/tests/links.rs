//! Family L of the conformance catalogue: links.
//!
//! Two sides of a link know of each other only by signals, so most cases ask whether both believe the same afterwards. A
//! connection that is lost and comes back while both nodes live (L-16, L-17) is tested below the public API, in
//! runtime/src/dist/rejoin.rs.

#[path = "harness/forge.rs"]
mod forge;
mod harness;

use forge::forged;
use harness::{There, end, expect_exit, expect_silence, rounds, rounds_of};
use holm::{Crosses, Event, Message, Notice, Pid, Process, Reason, Reply, SendError, SpawnOptions};
use serde::{Deserialize, Serialize};

cases! {
    in_every_placement:
        l_01_the_end_of_one_ends_the_other,
        l_02_a_normal_end_leaves_the_other_alive_and_the_link_gone,
        l_03_one_that_traps_gets_one_exit_for_any_reason,
        l_04_a_link_set_three_times_is_one,
        l_05_a_link_holds_both_ways,
        l_06_one_unlink_removes_a_link_set_twice,
        l_07_no_exit_comes_after_an_unlink,
        l_08_an_unlink_that_meets_the_end_leaves_a_final_state,
        l_09_link_against_unlink_ends_in_agreement,
        l_10_links_from_both_sides_are_one,
        l_11_unlink_and_link_against_unlink_end_in_agreement,
        l_12_a_link_to_one_that_has_ended_is_an_exit_with_no_process,
        l_14_a_ring_ends_as_a_whole,
        l_15_a_ring_ends_up_to_the_one_that_traps,
        l_18_a_link_to_an_earlier_start_of_a_node_is_none_with_a_process_of_this,
        l_19_the_end_of_one_with_ten_thousand_links_reaches_each_once;
    on_one_node:
        l_13_a_link_to_oneself_is_nothing;
    on_two_nodes_alone:
        l_16_the_death_of_a_node_is_one_exit_for_each_link,
        l_20_an_end_is_told_though_the_way_was_full_when_it_came;
    in_full:
        l_09_link_against_unlink_ends_in_agreement,
        l_11_unlink_and_link_against_unlink_end_in_agreement;
}

/// What a partner is told to do; it answers when it has done it.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Do {
    Link(Pid, Reply<()>),
    Unlink(Pid, Reply<()>),
    Trap(Reply<()>),
    /// Unlinks and does not wait to be asked for more; nobody waits for the answer.
    UnlinkAndGoOn(Pid),
    LinkAndGoOn(Pid),
    /// Passes the question on, behind all that was sent there before.
    PassOn(Pid<Do>, Reply<()>),
    Answer(Reply<()>),
    /// The OS process in which it lives.
    WhereAreYou(Reply<u32>),
    /// What came as notices since the last question.
    Notices(Reply<Vec<String>>),
    End(Reason),
}

/// Does as it is told.
#[holm::entry]
async fn partner(mut me: Process<Do>, _: ()) -> Reason {
    let mut notices = Vec::new();
    loop {
        match me.next().await {
            Event::Notice(Notice::Exit { reason, .. }) => notices.push(reason.to_string()),
            Event::Notice(other) => notices.push(format!("{other:?}")),
            Event::Message(Do::Link(other, done)) => {
                me.link(other);
                done.send(());
            }
            Event::Message(Do::Unlink(other, done)) => {
                me.unlink(other);
                done.send(());
            }
            Event::Message(Do::Trap(done)) => {
                me.trap_exits(true);
                done.send(());
            }
            Event::Message(Do::UnlinkAndGoOn(other)) => me.unlink(other),
            Event::Message(Do::LinkAndGoOn(other)) => me.link(other),
            Event::Message(Do::PassOn(other, reply)) => other.send(Do::Answer(reply)).unwrap(),
            Event::Message(Do::Answer(reply)) => reply.send(()),
            Event::Message(Do::WhereAreYou(reply)) => reply.send(std::process::id()),
            Event::Message(Do::Notices(reply)) => reply.send(std::mem::take(&mut notices)),
            Event::Message(Do::End(reason)) => return reason,
        }
    }
}

async fn ask<M: Message, T: Crosses>(me: &mut Process<M>, b: Pid<Do>, what: impl FnOnce(Reply<T>) -> Do) -> T {
    me.call(b, what, harness::CASE_LIMIT).await.unwrap()
}

async fn l_01_the_end_of_one_ends_the_other(mut me: Process<u64>, there: There) {
    for reason in [Reason::Shutdown, Reason::error("l_01"), Reason::value(&1u8)] {
        let b = there.start(partner, (), &mut me).await;
        let (a, monitor) = there_is_one_linked_to(b, &mut me);
        ask(&mut me, b, |done| Do::Link(a.untyped(), done)).await;
        b.send(Do::End(reason.clone())).unwrap();
        assert_eq!(me.down(monitor).await, reason);
    }
}

/// Spawns a process on this node that is linked to another and waits.
fn there_is_one_linked_to<M: Message>(b: Pid<M>, me: &mut Process<u64>) -> (Pid<()>, holm::Monitor) {
    let own = me.pid();
    let spawned = me.spawn_opt(SpawnOptions::new().scheduler(0).monitor(), async move |mut me: Process<()>| {
        me.link(b);
        own.send(0).unwrap();
        me.receive().await;
    });
    let spawned = spawned.unwrap();
    (spawned.pid, spawned.monitor.unwrap())
}

async fn l_02_a_normal_end_leaves_the_other_alive_and_the_link_gone(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
    me.link(b);
    b.send(Do::End(Reason::Normal)).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
    expect_silence(&mut me).await;
    me.trap_exits(true);
    me.unlink(b);
    expect_silence(&mut me).await;
}

async fn l_03_one_that_traps_gets_one_exit_for_any_reason(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    for reason in [Reason::Normal, Reason::Shutdown, Reason::Kill, Reason::Killed, Reason::error("l_03")] {
        let b = there.start_link(partner, (), &mut me).await;
        b.send(Do::End(reason.clone())).unwrap();
        expect_exit(&mut me, b.untyped(), reason).await;
    }
    expect_silence(&mut me).await;
}

async fn l_04_a_link_set_three_times_is_one(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let b = there.start(partner, (), &mut me).await;
    (0..3).for_each(|_| me.link(b));
    b.send(Do::End(Reason::Shutdown)).unwrap();
    expect_exit(&mut me, b.untyped(), Reason::Shutdown).await;
    expect_silence(&mut me).await;
}

async fn l_05_a_link_holds_both_ways(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
    let (a, _) = there_is_one_linked_to(b, &mut me);
    me.receive().await;
    holm::exit(a, Reason::error("l_05"));
    assert_eq!(me.down(monitor).await, Reason::error("l_05"));
}

async fn l_06_one_unlink_removes_a_link_set_twice(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
    me.link(b);
    me.link(b);
    me.unlink(b);
    b.send(Do::End(Reason::Shutdown)).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    expect_silence(&mut me).await;
}

async fn l_07_no_exit_comes_after_an_unlink(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
    me.link(b);
    b.send(Do::End(Reason::Shutdown)).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    let early = holm::Event::Notice(Notice::Exit { from: b.untyped(), reason: Reason::Shutdown });
    me.unlink(b);
    // What was there before the call stays, and nothing follows it.
    assert_eq!(me.next().await, early);
    expect_silence(&mut me).await;
}

async fn l_08_an_unlink_that_meets_the_end_leaves_a_final_state(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let mut both = [0, 0];
    for _ in 0..1000 {
        let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
        me.link(b);
        b.send(Do::End(Reason::Shutdown)).unwrap();
        if both[0] > both[1] {
            holm::yield_now().await;
        }
        me.unlink(b);
        let mut drained = 0;
        while let Some(event) = me.next_within(std::time::Duration::ZERO).await {
            match event {
                Event::Notice(Notice::Exit { .. }) => drained += 1,
                Event::Notice(Notice::Down { .. }) => assert!(me.demonitor(monitor) || drained <= 1),
                other => panic!("{other:?}"),
            }
        }
        assert!(drained <= 1);
        both[drained] += 1;
        me.demonitor(monitor);
        let late = me.next_within(std::time::Duration::ZERO).await;
        assert!(!matches!(late, Some(Event::Notice(Notice::Exit { .. }))), "an exit after the unlink");
    }
}

/// Two partners that trap and are linked, A here and B there.
async fn linked_pair(me: &mut Process<u64>, there: There) -> (Pid<Do>, Pid<Do>) {
    let a = There(0).start(partner, (), me).await;
    let b = there.start(partner, (), me).await;
    ask(me, a, Do::Trap).await;
    ask(me, b, Do::Trap).await;
    ask(me, a, |done| Do::Link(b.untyped(), done)).await;
    (a, b)
}

/// Waits until nothing is under way between A and B: a signal goes once there, its acknowledgement once back.
async fn settle(me: &mut Process<u64>, a: Pid<Do>, b: Pid<Do>) {
    for (from, to) in [(a, b), (b, a), (a, b)] {
        ask(me, from, |done| Do::PassOn(to, done)).await;
    }
}

/// Sets the link once more from the side that then ends. It tells the other side only if it believes that there is none:
/// so if the sides disagree, the other does not hear of the end.
async fn assert_that_they_agree(me: &mut Process<u64>, ends: Pid<Do>, stays: Pid<Do>) {
    settle(me, ends, stays).await;
    ask(me, ends, |done| Do::Link(stays.untyped(), done)).await;
    settle(me, ends, stays).await;
    ends.send(Do::End(Reason::error("the end"))).unwrap();
    while ask(me, stays, Do::Notices).await != ["error: the end"] {
        holm::yield_now().await;
    }
    end(me, stays, Reason::Kill).await;
}

/// Lets A and B, linked, do things at once (the catalogue says 100,000 times, and the long form does it): many times one behind the other, then many times with a look at the outcome,
/// from either side.
async fn race(me: &mut Process<u64>, there: There, act: impl Fn(Pid<Do>, Pid<Do>, usize)) {
    for from_a in [true, false] {
        let (a, b) = linked_pair(me, there).await;
        for round in 0..rounds_of(100_000, 50_000, 5_000) {
            act(a, b, round);
            if round % 50 == 0 {
                settle(me, a, b).await;
            }
        }
        let (ends, stays) = if from_a { (a, b) } else { (b, a) };
        assert_that_they_agree(me, ends, stays).await;
    }
    for round in 0..rounds(1_000, 60) {
        let (a, b) = linked_pair(me, there).await;
        act(a, b, round);
        let (ends, stays) = if round / 6 % 2 == 0 { (a, b) } else { (b, a) };
        assert_that_they_agree(me, ends, stays).await;
    }
}

async fn l_09_link_against_unlink_ends_in_agreement(mut me: Process<u64>, there: There) {
    race(&mut me, there, |a, b, round| {
        if round % 3 == 0 {
            a.send(Do::UnlinkAndGoOn(b.untyped())).unwrap();
        }
        a.send(Do::LinkAndGoOn(b.untyped())).unwrap();
        b.send(Do::UnlinkAndGoOn(a.untyped())).unwrap();
    })
    .await;
}

async fn l_11_unlink_and_link_against_unlink_end_in_agreement(mut me: Process<u64>, there: There) {
    race(&mut me, there, |a, b, round| {
        a.send(Do::UnlinkAndGoOn(b.untyped())).unwrap();
        b.send(Do::UnlinkAndGoOn(a.untyped())).unwrap();
        a.send(Do::LinkAndGoOn(b.untyped())).unwrap();
        if round % 2 == 0 {
            b.send(Do::UnlinkAndGoOn(a.untyped())).unwrap();
            b.send(Do::LinkAndGoOn(a.untyped())).unwrap();
        }
    })
    .await;
}

async fn l_10_links_from_both_sides_are_one(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let own = me.pid().untyped();
    for round in 0..50 {
        let b = there.start(partner, (), &mut me).await;
        b.send(Do::LinkAndGoOn(own)).unwrap();
        me.link(b);
        match round % 2 {
            0 => {
                ask(&mut me, b, Do::Trap).await;
                me.unlink(b);
            }
            _ => ask(&mut me, b, |done| Do::Unlink(own, done)).await,
        }
        let monitor = me.monitor(b);
        b.send(Do::End(Reason::Shutdown)).unwrap();
        assert_eq!(me.down(monitor).await, Reason::Shutdown);
    }
    expect_silence(&mut me).await;
}

async fn l_12_a_link_to_one_that_has_ended_is_an_exit_with_no_process(mut me: Process<u64>, there: There) {
    let b = there.start(partner, (), &mut me).await;
    end(&mut me, b, Reason::Kill).await;
    let (_, monitor) = there_is_one_linked_to(b, &mut me);
    assert_eq!(me.down(monitor).await, Reason::NoProc);
    me.trap_exits(true);
    me.receive().await;
    me.link(b);
    expect_exit(&mut me, b.untyped(), Reason::NoProc).await;
    expect_silence(&mut me).await;
}

async fn l_13_a_link_to_oneself_is_nothing(mut me: Process<u64>, _: There) {
    let (_, monitor) = me
        .spawn_monitor(async |mut me: Process<()>| {
            me.trap_exits(true);
            me.link(me.pid());
            assert!(me.next_within(harness::QUIET).await.is_none());
            Reason::Shutdown
        })
        .unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
}

/// Builds a ring of linked processes, on both sides by turns.
async fn ring(me: &mut Process<u64>, there: There, len: usize) -> Vec<Pid<Do>> {
    let mut members: Vec<Pid<Do>> = Vec::new();
    for at in 0..len {
        let place = if at % 2 == 0 { There(0) } else { there };
        members.push(place.start(partner, (), me).await);
    }
    for at in 0..len {
        ask(me, members[at], |done| Do::Link(members[(at + 1) % len].untyped(), done)).await;
    }
    members
}

const RING_LEN: usize = 1000;

async fn l_14_a_ring_ends_as_a_whole(mut me: Process<u64>, there: There) {
    let members = ring(&mut me, there, RING_LEN).await;
    let monitors: Vec<_> = members.iter().map(|member| me.monitor(*member)).collect();
    members[RING_LEN / 2].send(Do::End(Reason::error("l_14"))).unwrap();
    for monitor in monitors {
        assert_eq!(me.down(monitor).await, Reason::error("l_14"));
    }
}

async fn l_15_a_ring_ends_up_to_the_one_that_traps(mut me: Process<u64>, there: There) {
    let members = ring(&mut me, there, RING_LEN).await;
    ask(&mut me, members[0], Do::Trap).await;
    let monitors: Vec<_> = members[1..].iter().map(|member| me.monitor(*member)).collect();
    members[40].send(Do::End(Reason::error("l_15"))).unwrap();
    for monitor in monitors {
        assert_eq!(me.down(monitor).await, Reason::error("l_15"));
    }
    let mut notices = Vec::new();
    while notices.len() < 2 {
        notices.extend(ask(&mut me, members[0], Do::Notices).await);
    }
    assert_eq!(notices, ["error: l_15"; 2], "one from each neighbour");
    end(&mut me, members[0], Reason::Kill).await;
}

async fn l_19_the_end_of_one_with_ten_thousand_links_reaches_each_once(mut me: Process<u64>, there: There) {
    let count = 10_000;
    let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
    let own = me.pid();
    for _ in 0..count {
        me.spawn(async move |mut me: Process<()>| {
            me.trap_exits(true);
            me.link(b);
            own.send(0).unwrap();
            let first = me.next().await;
            assert_eq!(first, Event::Notice(Notice::Exit { from: b.untyped(), reason: Reason::Shutdown }));
            holm::yield_now().await;
            assert!(me.next_within(std::time::Duration::ZERO).await.is_none());
            own.send(1).unwrap();
        })
        .unwrap();
    }
    for _ in 0..count {
        assert_eq!(me.receive_where(|what| *what == 0).await, 0);
    }
    // Behind all their links: each was sent before its sender's word to us, but to another process.
    ask(&mut me, b, Do::Trap).await;
    b.send(Do::End(Reason::Shutdown)).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    for _ in 0..count {
        assert_eq!(me.receive().await, 1);
    }
}

/// A pid of this slot, but of another start of the node: to link it is to link nobody.
async fn l_18_a_link_to_an_earlier_start_of_a_node_is_none_with_a_process_of_this(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let (b, monitor) = there.start_monitor(partner, (), &mut me).await;
    ask(&mut me, b, Do::Trap).await;
    let earlier = forged(b, |node| node ^ 1);
    me.link(earlier);
    let Notice::Exit { from, reason } = me.notice_where(|_| true).await else { panic!("only an exit was to come") };
    assert_eq!(from, earlier);
    assert!(matches!(reason, Reason::NoConnection | Reason::NoProc), "{reason}");
    // A's end is nothing to B, and B's end is nothing to A.
    let (a, linked) = there_is_one_linked_to(earlier, &mut me);
    assert!(matches!(me.down(linked).await, Reason::NoConnection | Reason::NoProc));
    assert_eq!(me.receive().await, 0);
    assert!(!holm::is_alive(a));
    assert!(ask(&mut me, b, Do::Notices).await.is_empty());
    b.send(Do::End(Reason::error("l_18"))).unwrap();
    assert_eq!(me.down(monitor).await, Reason::error("l_18"));
    expect_silence(&mut me).await;
}

/// Sends a signal to the OS process in which B lives.
async fn signal(me: &mut Process<u64>, b: Pid<Do>, signal: rustix::process::Signal) -> rustix::process::Pid {
    let os_pid = ask(me, b, Do::WhereAreYou).await;
    assert_ne!(os_pid, std::process::id(), "B is to live elsewhere");
    let os_pid = rustix::process::Pid::from_raw(os_pid as i32).unwrap();
    rustix::process::kill_process(os_pid, signal).unwrap();
    os_pid
}

/// The other side, which lives on, and a connection that comes back: `runtime/src/dist/rejoin.rs`.
async fn l_16_the_death_of_a_node_is_one_exit_for_each_link(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let mut partners = std::collections::BTreeSet::new();
    for _ in 0..100 {
        partners.insert(there.start_link(partner, (), &mut me).await.untyped());
    }
    let b = there.start_link(partner, (), &mut me).await;
    partners.insert(b.untyped());
    let (_, untrapped) = there_is_one_linked_to(b, &mut me);
    assert_eq!(me.receive().await, 0);
    signal(&mut me, b, rustix::process::Signal::KILL).await;
    assert_eq!(me.down(untrapped).await, Reason::NoConnection);
    while !partners.is_empty() {
        match me.next_within(harness::PROMPTLY).await {
            Some(Event::Notice(Notice::Exit { from, reason: Reason::NoConnection })) => {
                assert!(partners.remove(&from), "{from} was lost twice");
            }
            other => panic!("{} exits are missing, and {other:?} came", partners.len()),
        }
    }
    expect_silence(&mut me).await;
}

/// Node 1 is stopped, so nothing leaves the link to it; what waits there is filled up; then A ends, then it goes on.
async fn l_20_an_end_is_told_though_the_way_was_full_when_it_came(mut me: Process<u64>, there: There) {
    let b = there.start(partner, (), &mut me).await;
    ask(&mut me, b, Do::Trap).await;
    let swallows = there.start(swallow, (), &mut me).await;
    let (a, linked) = there_is_one_linked_to(b, &mut me);
    assert_eq!(me.receive().await, 0);
    settle(&mut me, b, b).await;
    let os_pid = signal(&mut me, b, rustix::process::Signal::STOP).await;
    let bytes = bytes::Bytes::from(vec![0; 256 << 10]);
    let mut sent = 0;
    loop {
        // The link's task takes what the road and the peer's credit hold, so it is full only when it stays full.
        match swallows.try_send(bytes.clone()) {
            Ok(()) => sent += 1,
            Err(SendError::Busy(_)) if me.next_within(harness::QUIET).await.is_none() => {
                if swallows.try_send(bytes.clone()).is_err() {
                    break;
                }
            }
            other => panic!("after {sent} messages: {other:?}"),
        }
        assert!(sent < 100_000, "the link to a node that does not read takes everything");
    }
    holm::exit(a, Reason::error("l_20"));
    assert_eq!(me.down(linked).await, Reason::error("l_20"));
    rustix::process::kill_process(os_pid, rustix::process::Signal::CONT).unwrap();
    while ask(&mut me, b, Do::Notices).await != ["error: l_20"] {
        holm::yield_now().await;
    }
}

/// Takes bytes and throws them away.
#[holm::entry]
async fn swallow(mut me: Process<bytes::Bytes>, _: ()) {
    loop {
        me.receive().await;
    }
}

//! Family P of the conformance catalogue: processes, messages, their order.
//!
//! Whoever learns that a process has ended finds nothing of it (P-20, P-21); a pid is never anybody else's (P-09, P-10). The
//! limits of processes (P-23) are with the other limits, in overload.rs.

#[path = "harness/forge.rs"]
mod forge;
mod harness;

use bytes::Bytes;
use forge::{forged, slot};
use harness::{PROMPTLY, QUIET, There, end, expect_silence, rounds, rounds_of};
use holm::{Event, Message, Notice, Pid, Process, Reason, SendError, SpawnOptions};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

cases! {
    in_every_placement:
        p_01_messages_arrive_in_order_and_none_twice,
        p_02_each_senders_messages_stay_in_order,
        p_03_a_message_comes_before_the_exit_signal_behind_it,
        p_03_what_is_sent_behind_an_exit_signal_is_not_seen,
        p_04_a_message_comes_before_the_down_of_its_sender,
        p_05_a_message_comes_before_the_exit_of_its_linked_sender,
        p_06_a_monitor_does_not_overtake_a_message,
        p_07_a_message_to_a_process_that_has_ended_is_lost_quietly,
        p_08_a_message_to_a_node_that_never_was_is_lost_quietly,
        p_11_messages_that_do_not_fit_stay_in_their_order,
        p_11_messages_and_notices_that_do_not_fit_stay_in_their_order,
        p_13_a_time_out_of_zero_looks_once,
        p_13_a_look_sees_what_is_there_however_long_the_turn_was,
        p_14_a_time_out_is_not_early,
        p_15_a_message_that_meets_the_time_out_is_not_lost,
        p_20_all_that_a_process_held_is_free_before_its_end_shows,
        p_21_after_its_end_shows_nothing_of_a_process_is_found,
        p_22_a_child_that_ends_at_once_is_reported_once,
        p_26_a_message_to_oneself_queues_behind_the_others,
        p_27_messages_of_odd_sizes_arrive_intact,
        p_27_a_message_that_is_too_long_comes_back_and_the_link_stays;
    on_one_node:
        p_09_a_reused_slot_gets_nothing_meant_for_the_one_before,
        p_10_no_two_pids_are_equal,
        p_12_an_answer_is_found_behind_a_long_queue,
        p_16_the_end_of_a_body_is_its_reason,
        p_17_a_panic_reaches_nobody_and_runs_destructors,
        p_18_a_destructor_that_panics_keeps_the_first_reason,
        p_19_letters_of_an_ended_process_are_dropped_once,
        p_20_a_timer_to_one_that_has_ended_does_not_reach_the_next_in_its_slot,
        p_24_what_a_refused_spawn_captured_is_dropped_once,
        p_25_a_message_to_one_that_computes_waits_for_its_next_receive,
        p_28_a_killed_process_is_not_alive_for_long,
        three_hundred_thousand_processes_come_and_go;
    in_full:
        p_09_a_reused_slot_gets_nothing_meant_for_the_one_before;
}

/// Sends the numbers below `count`, then ends with `Shutdown`.
#[holm::entry]
async fn count_to(_me: Process<()>, (to, count): (Pid<u64>, u64)) -> Reason {
    for number in 0..count {
        to.send_when_ready(number).await.unwrap();
    }
    Reason::Shutdown
}

async fn p_01_messages_arrive_in_order_and_none_twice(mut me: Process<u64>, there: There) {
    let (_, monitor) = there.start_monitor(count_to, (me.pid(), 10_000), &mut me).await;
    for number in 0..10_000 {
        assert_eq!(me.receive().await, number);
    }
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    expect_silence(&mut me).await;
}

/// Sends numbers with its mark.
#[holm::entry]
async fn count_with_mark(_me: Process<()>, (to, mark): (Pid<(u8, u64)>, u8)) {
    for number in 0..10_000 {
        to.send_when_ready((mark, number)).await.unwrap();
    }
}

async fn p_02_each_senders_messages_stay_in_order(mut me: Process<(u8, u64)>, there: There) {
    let to = me.pid();
    there.start(count_with_mark, (to, 0), &mut me).await;
    me.spawn(move |other| count_with_mark_here(other, to)).unwrap();
    let mut next = [0; 2];
    for _ in 0..20_000 {
        let (mark, number) = me.receive().await;
        assert_eq!(number, next[usize::from(mark)]);
        next[usize::from(mark)] += 1;
    }
}

async fn count_with_mark_here(_me: Process<()>, to: Pid<(u8, u64)>) {
    for number in 0..10_000 {
        to.send_when_ready((1, number)).await.unwrap();
    }
}

/// Sends a message, then an exit signal, then a message.
#[holm::entry]
async fn message_exit_message(_me: Process<()>, to: Pid<u64>) {
    to.send(1).unwrap();
    holm::exit(to, Reason::Shutdown);
    to.send(2).unwrap();
}

async fn p_03_a_message_comes_before_the_exit_signal_behind_it(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    let b = there.start(message_exit_message, me.pid(), &mut me).await;
    assert_eq!(me.next().await, Event::Message(1));
    harness::expect_exit(&mut me, b.untyped(), Reason::Shutdown).await;
    assert_eq!(me.next().await, Event::Message(2));
}

/// Tells of each message that it gets, and looks long at the first.
#[holm::entry]
async fn tell_of_messages(mut me: Process<u64>, to: Pid<u64>) {
    loop {
        let number = me.receive().await;
        to.send(number).unwrap();
        holm::sleep(QUIET).await;
    }
}

/// The user saw: a process that had been sent an exit signal went on to handle messages that were sent behind it.
async fn p_03_what_is_sent_behind_an_exit_signal_is_not_seen(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(tell_of_messages, me.pid(), &mut me).await;
    holm::exit(b, Reason::Shutdown);
    b.send(1).unwrap();
    b.send(2).unwrap();
    assert_eq!(me.next().await, Event::Notice(Notice::Down { monitor, watched: b.into(), reason: Reason::Shutdown }));
    expect_silence(&mut me).await;

    // The same while it is between two messages, in one turn.
    let order = me.pid();
    let (b, monitor) = me
        .spawn_monitor(async move |mut me: Process<u64>| {
            let own = me.pid();
            own.send(1).unwrap();
            holm::exit(own, Reason::Shutdown);
            own.send(2).unwrap();
            loop {
                let number = me.receive().await;
                order.send(number).unwrap();
            }
        })
        .unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    assert!(me.receive_within(QUIET).await.is_none_or(|number| number == 1), "{b} saw what was behind its end");
}

async fn p_04_a_message_comes_before_the_down_of_its_sender(mut me: Process<u64>, there: There) {
    for _ in 0..200 {
        let (b, monitor) = there.start_monitor(count_to, (me.pid(), 1), &mut me).await;
        assert_eq!(me.next().await, Event::Message(0));
        let down = Notice::Down { monitor, watched: b.into(), reason: Reason::Shutdown };
        assert_eq!(me.next().await, Event::Notice(down));
    }
}

async fn p_05_a_message_comes_before_the_exit_of_its_linked_sender(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    for _ in 0..200 {
        let b = there.start_link(count_to, (me.pid(), 1), &mut me).await;
        assert_eq!(me.next().await, Event::Message(0));
        harness::expect_exit(&mut me, b.untyped(), Reason::Shutdown).await;
    }
}

/// Answers one message and ends.
#[holm::entry]
async fn answer_once(mut me: Process<Pid<u64>>, _: ()) -> Reason {
    let to = me.receive().await;
    to.send(1).unwrap();
    Reason::Shutdown
}

async fn p_06_a_monitor_does_not_overtake_a_message(mut me: Process<u64>, there: There) {
    for _ in 0..200 {
        let b = there.start(answer_once, (), &mut me).await;
        b.send(me.pid()).unwrap();
        let monitor = me.monitor(b);
        assert_eq!(me.next().await, Event::Message(1));
        // Whether the monitor came in time is open; that it fires is not.
        assert!(matches!(me.down(monitor).await, Reason::Shutdown | Reason::NoProc));
    }
}

/// Waits for messages, and throws them away.
#[holm::entry]
async fn swallow(mut me: Process<u64>, _: ()) {
    loop {
        me.receive().await;
    }
}

async fn p_07_a_message_to_a_process_that_has_ended_is_lost_quietly(mut me: Process<u64>, there: There) {
    let b = there.start(swallow, (), &mut me).await;
    end(&mut me, b, Reason::Kill).await;
    for number in 0..100 {
        b.send(number).unwrap();
    }
    expect_silence(&mut me).await;
}

async fn p_08_a_message_to_a_node_that_never_was_is_lost_quietly(mut me: Process<u64>, there: There) {
    let b = there.start(swallow, (), &mut me).await;
    let nowhere = forged(b, |node| !node);
    let began = Instant::now();
    for number in 0..100 {
        nowhere.send(number).unwrap();
    }
    holm::exit(nowhere, Reason::Kill);
    expect_silence(&mut me).await;
    let monitor = me.monitor(nowhere);
    assert_eq!(me.down(monitor).await, Reason::NoConnection);
    assert!(began.elapsed() < PROMPTLY, "there is nothing to wait for");
    end(&mut me, b, Reason::Kill).await;
}

async fn p_11_messages_that_do_not_fit_stay_in_their_order(mut me: Process<u64>, there: There) {
    there.start(count_to, (me.pid(), 10), &mut me).await;
    assert_eq!(me.receive_where(|number| *number == 7).await, 7);
    assert_eq!(me.receive_where(|number| *number > 3).await, 4);
    for number in [0, 1, 2, 3, 5, 6, 8, 9] {
        assert_eq!(me.receive().await, number);
    }
}

async fn p_11_messages_and_notices_that_do_not_fit_stay_in_their_order(mut me: Process<u64>, there: There) {
    let (_, monitor) = there.start_monitor(count_to, (me.pid(), 3), &mut me).await;
    assert_eq!(me.next_where(|number| *number == 2, |_| false).await, Event::Message(2));
    let down = me.next_where(|number| *number > 2, |_| true).await;
    assert!(matches!(down, Event::Notice(Notice::Down { monitor: fired, .. }) if fired == monitor));
    for number in [0, 1] {
        assert_eq!(me.next_where(|_| true, |_| true).await, Event::Message(number));
    }
}

/// More looks than a turn has reductions: each sees a message, and only the last one sees that none is left.
async fn p_13_a_look_sees_what_is_there_however_long_the_turn_was(mut me: Process<u64>, _: There) {
    for number in 0..10_000 {
        me.pid().send(number).unwrap();
    }
    for number in 0..10_000 {
        assert_eq!(me.receive_within(Duration::ZERO).await, Some(number));
    }
    assert_eq!(me.receive_within(Duration::ZERO).await, None);
}

async fn p_13_a_time_out_of_zero_looks_once(mut me: Process<u64>, there: There) {
    assert_eq!(me.receive_within(Duration::ZERO).await, None);
    let (_, monitor) = there.start_monitor(count_to, (me.pid(), 1), &mut me).await;
    me.down(monitor).await;
    assert_eq!(me.receive_within(Duration::ZERO).await, Some(0));
    assert_eq!(me.receive_within(Duration::ZERO).await, None);
}

async fn p_14_a_time_out_is_not_early(mut me: Process<u64>, _: There) {
    for limit_ms in [1, 7, 20] {
        let limit = Duration::from_millis(limit_ms);
        let before = Instant::now();
        assert_eq!(me.receive_within(limit).await, None);
        assert!((limit..limit + PROMPTLY).contains(&before.elapsed()));
    }
}

/// Sends each time it is told to, a little later.
#[holm::entry]
async fn send_a_little_later(mut me: Process<u64>, to: Pid<u64>) {
    loop {
        let number = me.receive().await;
        holm::sleep(Duration::from_millis(1)).await;
        to.send(number).unwrap();
    }
}

async fn p_15_a_message_that_meets_the_time_out_is_not_lost(mut me: Process<u64>, there: There) {
    let b = there.start(send_a_little_later, me.pid(), &mut me).await;
    for number in 0..200 {
        b.send(number).unwrap();
        let came = me.receive_within(Duration::from_millis(1)).await;
        let came = match came {
            Some(came) => came,
            None => me.receive().await,
        };
        assert_eq!(came, number);
    }
    end(&mut me, b, Reason::Kill).await;
}

/// Takes a name and says so.
#[holm::entry]
async fn take_name(mut me: Process<u64>, to: Pid<u64>) {
    me.register("taken").unwrap();
    to.send(0).unwrap();
    me.receive().await;
}

/// Each child takes the name that the one before had, as soon as the end of that one shows.
async fn p_20_all_that_a_process_held_is_free_before_its_end_shows(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    for round in 0..rounds(1000, 100) {
        let b = if round % 2 == 0 {
            let (b, monitor) = there.start_monitor(take_name, me.pid(), &mut me).await;
            assert_eq!(me.receive().await, 0, "it has the name");
            b.send(1).unwrap();
            me.down(monitor).await;
            b
        } else {
            let b = there.start_link(take_name, me.pid(), &mut me).await;
            assert_eq!(me.receive().await, 0, "it has the name");
            b.send(1).unwrap();
            harness::expect_exit(&mut me, b.untyped(), Reason::Normal).await;
            b
        };
        assert!(holm::process_info(b).is_none() && !holm::processes().contains(&b.untyped()));
        // Nor are its links and monitors there: to remove one and to set one is as with nobody.
        me.unlink(b);
        let monitor = me.monitor(b);
        assert_eq!(me.down(monitor).await, Reason::NoProc);
    }
    expect_silence(&mut me).await;
}

async fn p_20_a_timer_to_one_that_has_ended_does_not_reach_the_next_in_its_slot(mut me: Process<u64>, _: There) {
    let options = || SpawnOptions::new().scheduler(0).monitor();
    for _ in 0..5 {
        let first = me.spawn_opt(options(), async |mut me: Process<u64>| assert_eq!(me.receive().await, 0)).unwrap();
        holm::send_after(Duration::from_millis(5), first.pid, 1);
        first.pid.send(0).unwrap();
        me.down(first.monitor.unwrap()).await;
        // A scheduler keeps the slots that it frees, and soon uses them again.
        let body = async |mut me: Process<u64>| assert_eq!(me.receive_within(Duration::from_millis(20)).await, None);
        let next: Vec<_> = (0..100).map(|_| me.spawn_opt(options(), body).unwrap()).collect();
        assert!(next.iter().any(|next| slot(next.pid) == slot(first.pid)), "the slot was not used again");
        for next in next {
            assert_eq!(me.down(next.monitor.unwrap()).await, Reason::Normal);
        }
    }
}

async fn p_21_after_its_end_shows_nothing_of_a_process_is_found(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    for round in 0..100 {
        let (b, monitor) = there.start_monitor(take_name, me.pid(), &mut me).await;
        assert_eq!(me.receive().await, 0, "it has the name");
        assert_eq!(me.whereis_at::<u64>(there.0, "taken").await.unwrap(), Some(b));
        if round % 2 == 0 {
            b.send(1).unwrap();
            me.down(monitor).await;
        } else {
            me.link(b);
            me.demonitor(monitor);
            b.send(1).unwrap();
            harness::expect_exit(&mut me, b.untyped(), Reason::Normal).await;
        }
        assert!(!holm::is_alive(b));
        assert_eq!(me.whereis_at::<u64>(there.0, "taken").await.unwrap(), None);
    }
}

/// Ends at once.
#[holm::entry]
async fn end_at_once(_me: Process<()>, reason: Reason) -> Reason {
    reason
}

async fn p_22_a_child_that_ends_at_once_is_reported_once(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    for round in 0..200u64 {
        let reason = if round % 2 == 0 { Reason::Normal } else { Reason::value(&round) };
        let b = there.start_link(end_at_once, reason.clone(), &mut me).await;
        harness::expect_exit(&mut me, b.untyped(), reason.clone()).await;
        let (_, monitor) = there.start_monitor(end_at_once, reason.clone(), &mut me).await;
        assert_eq!(me.down(monitor).await, reason);
    }
    expect_silence(&mut me).await;
}

async fn p_26_a_message_to_oneself_queues_behind_the_others(mut me: Process<u64>, there: There) {
    let (_, monitor) = there.start_monitor(count_to, (me.pid(), 3), &mut me).await;
    me.down(monitor).await;
    me.pid().send(3).unwrap();
    for number in 0..4 {
        assert_eq!(me.receive().await, number);
    }
}

/// Sends back what it gets.
#[holm::entry]
async fn echo(mut me: Process<(Pid<Bytes>, Bytes)>, _: ()) {
    loop {
        let (to, bytes) = me.receive().await;
        to.send(bytes).unwrap();
    }
}

async fn p_27_messages_of_odd_sizes_arrive_intact(mut me: Process<Bytes>, there: There) {
    let b = there.start(echo, (), &mut me).await;
    let fragment = 64 << 10;
    // Around a fragment, with the room that heads take; around a shared-memory ring; and much longer than that.
    let around = |at: usize| (at - 40..at + 2).step_by(if at > 1 << 17 { 7 } else { 1 });
    let sizes =
        [0, 1, 23, 24, 25].into_iter().chain(around(fragment)).chain(around(2 * fragment)).chain(around(1 << 20));
    for size in sizes.chain([5 << 20]) {
        let bytes: Bytes = (0..size).map(|at| (at ^ (at >> 8) ^ size) as u8).collect();
        b.send((me.pid(), bytes.clone())).unwrap();
        assert!(me.receive().await == bytes, "{size} bytes came back as others");
    }
    end(&mut me, b, Reason::Kill).await;
}

/// The longest message that a link carries, with the head that holm puts before it.
const LINK_MESSAGE_LEN_MAX: usize = 64 << 20;

/// Says how long each message was, and whether its bytes are what they were.
#[holm::entry]
async fn weigh(mut me: Process<Bytes>, to: Pid<u64>) {
    loop {
        let bytes = me.receive().await;
        assert!(bytes == vec![7; bytes.len()], "other bytes came");
        to.send(bytes.len() as u64).unwrap();
    }
}

async fn p_27_a_message_that_is_too_long_comes_back_and_the_link_stays(mut me: Process<u64>, there: There) {
    let b = there.start(weigh, me.pid(), &mut me).await;
    let bytes = Bytes::from(vec![7; LINK_MESSAGE_LEN_MAX]);
    if holm::nodes().len() == 1 {
        b.send(bytes).unwrap(); // within a node there is no such limit
        assert_eq!(me.receive().await, LINK_MESSAGE_LEN_MAX as u64);
        return end(&mut me, b, Reason::Kill).await;
    }
    // The head is a few bytes long; how many, the error says.
    let refused = |len: usize| match b.send(bytes.slice(..len)) {
        Err(SendError::Unsendable(back, why)) => {
            assert_eq!(back.len(), len);
            let has = why.strip_prefix("it has ").and_then(|why| why.strip_suffix(" bytes, a link carries 67108864"));
            has.expect(&why).parse::<usize>().unwrap()
        }
        other => panic!("{other:?}"),
    };
    let longest = LINK_MESSAGE_LEN_MAX - (refused(LINK_MESSAGE_LEN_MAX) - LINK_MESSAGE_LEN_MAX);
    assert_eq!(refused(longest + 1), LINK_MESSAGE_LEN_MAX + 1);
    b.send(bytes.slice(..longest)).unwrap();
    assert_eq!(me.receive().await, longest as u64);
    b.send(bytes.slice(..10)).unwrap();
    assert_eq!(me.receive().await, 10, "the link is as it was");
    end(&mut me, b, Reason::Kill).await;
}

/// The catalogue asks for 1,000,000 reuses: the long form has them.
async fn p_09_a_reused_slot_gets_nothing_meant_for_the_one_before(mut me: Process<u64>, there: There) {
    let mut old: Option<Pid<u64>> = None;
    let (mut seen, mut slots) = (HashSet::new(), HashSet::new());
    let reuses = rounds_of(1_000_000, 20_000, 0);
    for _ in 0..reuses {
        let parent = me.pid();
        let options = SpawnOptions::new().scheduler(there.0).monitor();
        let spawned = me
            .spawn_opt(options, async move |mut me: Process<u64>| {
                parent.send(0).unwrap();
                assert_eq!(me.receive().await, 1, "a message for another process came");
            })
            .unwrap();
        assert!(seen.insert(spawned.pid), "a pid came twice");
        slots.insert(slot(spawned.pid));
        old.into_iter().for_each(|old| old.send(2).unwrap());
        me.receive().await;
        old.into_iter().for_each(|old| old.send(2).unwrap());
        spawned.pid.send(1).unwrap();
        assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Normal);
        old = Some(spawned.pid);
    }
    // A scheduler has a batch or two of free slots at hand, and takes them by turns.
    assert!(
        slots.len() < 512.min(reuses / 2),
        "{reuses} processes lived in {} slots: few were used again",
        slots.len()
    );
}

async fn p_10_no_two_pids_are_equal(mut me: Process<u64>, _: There) {
    let before = holm::processes().len();
    let mut seen = HashSet::new();
    for _ in 0..100 {
        let children: Vec<_> = (0..1000).map(|_| me.spawn_monitor(async |_: Process<()>| ()).unwrap()).collect();
        for (pid, monitor) in children {
            assert!(seen.insert(pid));
            me.down(monitor).await;
            assert!(!holm::is_alive(pid));
        }
    }
    assert_eq!(holm::processes().len(), before, "as many live as before");
}

#[derive(Serialize, Deserialize, Message)]
struct Ask(holm::Reply<u64>);

async fn p_12_an_answer_is_found_behind_a_long_queue(mut me: Process<u64>, there: There) {
    let options = SpawnOptions::new().scheduler(there.0);
    let server = me
        .spawn_opt(options, async |mut me: Process<Ask>| {
            loop {
                me.receive().await.0.send(7);
            }
        })
        .unwrap()
        .pid;
    let own = me.pid();
    (0..100_000).for_each(|number| own.send(number).unwrap());
    for _ in 0..1000 {
        assert_eq!(me.call(server, Ask, harness::CASE_LIMIT).await, Ok(7));
    }
    for number in 0..100_000 {
        assert_eq!(me.receive().await, number);
    }
    end(&mut me, server, Reason::Kill).await;
}

async fn p_16_the_end_of_a_body_is_its_reason(mut me: Process<u64>, _: There) {
    let (_, monitor) = me.spawn_monitor(async |_: Process<()>| ()).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
    let (_, monitor) = me.spawn_monitor(async |_: Process<()>| panic!("on {}", "purpose")).unwrap();
    let Reason::Panic(panic) = me.down(monitor).await else { panic!("it panicked") };
    assert_eq!(panic.message, "on purpose");
    let (_, monitor) = me
        .spawn_monitor(async |mut me: Process<()>| {
            me.exit(Reason::value(&404u32)).await;
        })
        .unwrap();
    assert_eq!(me.down(monitor).await.get(), Some(404u32));
    let (_, monitor) = me.spawn_monitor(async |_: Process<()>| Err::<(), _>("no disk")).unwrap();
    assert_eq!(me.down(monitor).await, Reason::error("no disk"));
}

/// Counts how often it was dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

async fn p_17_a_panic_reaches_nobody_and_runs_destructors(mut me: Process<u64>, there: There) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Counted(dropped.clone());
    let options = SpawnOptions::new().scheduler(there.0).monitor();
    let spawned = me
        .spawn_opt(options, async move |_: Process<()>| {
            let _counted = counted;
            panic!("on purpose");
        })
        .unwrap();
    assert!(matches!(me.down(spawned.monitor.unwrap()).await, Reason::Panic(_)));
    assert_eq!(dropped.load(SeqCst), 1);
    expect_silence(&mut me).await;
}

/// Panics when it is dropped.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        panic!("a sore destructor");
    }
}

async fn p_18_a_destructor_that_panics_keeps_the_first_reason(mut me: Process<u64>, _: There) {
    let (b, monitor) = me
        .spawn_monitor(async |mut me: Process<()>| {
            let _sore = Sore;
            me.receive().await;
        })
        .unwrap();
    holm::exit(b, Reason::Shutdown);
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    let (_, monitor) = me
        .spawn_monitor(async |_: Process<()>| {
            let _sore = Sore;
        })
        .unwrap();
    assert!(matches!(me.down(monitor).await, Reason::Panic(_)));
}

#[derive(Message)]
#[message(local)]
struct Parcel(#[expect(dead_code)] Counted);

async fn p_19_letters_of_an_ended_process_are_dropped_once(mut me: Process<u64>, there: There) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let options = SpawnOptions::new().scheduler(there.0).monitor();
    let spawned = me.spawn_opt(options, async |_: Process<Parcel>| std::future::pending::<()>().await).unwrap();
    for _ in 0..100 {
        spawned.pid.send(Parcel(Counted(dropped.clone()))).unwrap();
    }
    holm::exit(spawned.pid, Reason::Shutdown);
    for _ in 0..100 {
        spawned.pid.send(Parcel(Counted(dropped.clone()))).unwrap();
    }
    assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Shutdown);
    // What was under way when the door closed is dropped by whoever finds it, in its next turn at the latest.
    while dropped.load(SeqCst) < 200 {
        holm::yield_now().await;
    }
    expect_silence(&mut me).await;
    assert_eq!(dropped.load(SeqCst), 200);
}

async fn p_24_what_a_refused_spawn_captured_is_dropped_once(mut me: Process<u64>, _: There) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let counted = Counted(dropped.clone());
    let refused = me.spawn_opt(SpawnOptions::new().scheduler(9_999), async move |_: Process<()>| drop(counted));
    assert!(refused.is_err());
    assert_eq!(dropped.load(SeqCst), 1);
    let counted = Counted(dropped.clone());
    me.register("p_24").unwrap();
    let refused = me.spawn_opt(SpawnOptions::new().name("p_24"), async move |_: Process<()>| drop(counted));
    assert!(refused.is_err());
    assert_eq!(dropped.load(SeqCst), 2);
    holm::unregister("p_24");
}

async fn p_25_a_message_to_one_that_computes_waits_for_its_next_receive(mut me: Process<u64>, there: There) {
    let (computes, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    // On a scheduler of its own it computes until the message has been sent; on A's only for a while.
    let limit = if there.0 == 0 { QUIET } else { harness::CASE_LIMIT };
    let (to, theirs) = (me.pid(), (computes.clone(), sent.clone()));
    let options = SpawnOptions::new().scheduler(there.0);
    let spawned = me.spawn_opt(options, async move |mut me: Process<u64>| {
        theirs.0.store(true, SeqCst);
        let began = Instant::now();
        while !theirs.1.load(SeqCst) && began.elapsed() < limit {
            std::hint::spin_loop();
        }
        to.send(u64::from(theirs.1.load(SeqCst))).unwrap();
        to.send(me.receive().await).unwrap();
    });
    let b = spawned.unwrap().pid;
    while !computes.load(SeqCst) {
        holm::yield_now().await;
    }
    b.send(7).unwrap();
    sent.store(true, SeqCst);
    assert_eq!(me.receive().await, u64::from(there.0 != 0), "the send did not wait for the one that computed");
    assert_eq!(me.receive().await, 7);
}

async fn p_28_a_killed_process_is_not_alive_for_long(mut me: Process<u64>, there: There) {
    for _ in 0..1000 {
        let options = SpawnOptions::new().scheduler(there.0).monitor();
        let spawned = me.spawn_opt(options, async |_: Process<()>| std::future::pending::<()>().await).unwrap();
        assert!(holm::is_alive(spawned.pid));
        holm::exit(spawned.pid, Reason::Kill);
        assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Killed);
        assert!(!holm::is_alive(spawned.pid));
    }
}

async fn three_hundred_thousand_processes_come_and_go(mut me: Process<u64>, _: There) {
    let parent = me.pid();
    let workers = 8;
    for _ in 0..workers {
        me.spawn(async move |mut me: Process<()>| {
            for _ in 0..300_000 / 32 / workers {
                let monitors: Vec<_> =
                    (0..32).map(|_| me.spawn_monitor(async |_: Process<()>| ()).unwrap().1).collect();
                for monitor in monitors {
                    assert_eq!(me.down(monitor).await, Reason::Normal);
                }
            }
            parent.send(1).unwrap();
        })
        .unwrap();
    }
    for _ in 0..workers {
        me.receive().await;
    }
}

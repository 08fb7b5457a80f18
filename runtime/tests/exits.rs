//! Family E of the conformance catalogue: exit signals and trapping.
//!
//! The table of what a signal does is in docs/processes.md. What waits at a full mailbox when it is killed (E-13) is with
//! the mailboxes that have a bound, in overload.rs.

mod harness;

use harness::{PROMPTLY, There, end, expect_exit, expect_silence};
use holm::{Event, Notice, Pid, Process, Reason, SpawnOptions};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

cases! {
    in_every_placement:
        e_01_a_normal_exit_signal_is_nothing_to_one_that_does_not_trap,
        e_03_an_exit_signal_ends_one_that_does_not_trap,
        e_04_one_that_traps_gets_every_exit_signal_but_kill_as_a_notice,
        e_05_a_kill_is_not_trapped,
        e_06_a_link_carries_kill_as_a_reason_that_can_be_trapped,
        e_07_a_link_carries_kill_as_kill,
        e_08_a_link_carries_killed,
        e_09_the_first_exit_signal_counts,
        e_11_an_exit_signal_to_nobody_is_nothing,
        e_16_what_counts_is_the_trap_at_reception,
        e_18_a_reason_of_a_mebibyte_reaches_links_and_monitors;
    on_one_node:
        e_02_a_normal_exit_signal_to_oneself_ends,
        e_10_exits_from_two_at_once_end_it_once,
        e_12_an_exit_that_meets_a_time_out_ends_cleanly,
        e_14_one_that_computes_ends_at_its_next_await,
        e_15_one_in_a_blocking_call_ends_at_once,
        e_16_a_signal_sent_before_the_switch_is_trapped_behind_it,
        e_17_catching_a_panic_does_not_swallow_an_exit,
        e_19_one_that_ends_while_it_ends_has_the_first_reason,
        what_is_released_is_released_before_the_end_shows;
}

/// Tells `to` of all that comes, as text.
#[holm::entry]
async fn witness(mut me: Process<u64>, (to, traps): (Pid<String>, bool)) {
    me.trap_exits(traps);
    to.send("ready".into()).unwrap();
    loop {
        let text = match me.next().await {
            Event::Message(number) => format!("message {number}"),
            Event::Notice(Notice::Exit { reason, .. }) => format!("exit {reason}"),
            Event::Notice(other) => format!("{other:?}"),
        };
        to.send(text).unwrap();
    }
}

async fn e_01_a_normal_exit_signal_is_nothing_to_one_that_does_not_trap(mut me: Process<String>, there: There) {
    let b = there.start(witness, (me.pid(), false), &mut me).await;
    assert_eq!(me.receive().await, "ready");
    holm::exit(b, Reason::Normal);
    b.send(1).unwrap();
    assert_eq!(me.receive().await, "message 1");
    end(&mut me, b, Reason::Kill).await;
}

async fn e_03_an_exit_signal_ends_one_that_does_not_trap(mut me: Process<String>, there: There) {
    for reason in [Reason::Shutdown, Reason::error("e_03"), Reason::value(&3u8), Reason::Killed, Reason::NoProc] {
        let (b, monitor) = there.start_monitor(witness, (me.pid(), false), &mut me).await;
        holm::exit(b, reason.clone());
        assert_eq!(me.down(monitor).await, reason);
    }
}

async fn e_04_one_that_traps_gets_every_exit_signal_but_kill_as_a_notice(mut me: Process<String>, there: There) {
    let b = there.start(witness, (me.pid(), true), &mut me).await;
    assert_eq!(me.receive().await, "ready");
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("e_04"), Reason::Killed] {
        holm::exit(b, reason.clone());
        assert_eq!(me.receive().await, format!("exit {reason}"));
    }
    b.send(1).unwrap();
    assert_eq!(me.receive().await, "message 1");
    end(&mut me, b, Reason::Kill).await;
}

async fn e_05_a_kill_is_not_trapped(mut me: Process<String>, there: There) {
    for traps in [false, true] {
        let (b, monitor) = there.start_monitor(witness, (me.pid(), traps), &mut me).await;
        assert_eq!(me.receive().await, "ready");
        holm::exit(b, Reason::Kill);
        assert_eq!(me.down(monitor).await, Reason::Killed);
        expect_silence(&mut me).await;
    }
}

/// Ends with a reason when it is told to.
#[holm::entry]
async fn end_when_told(mut me: Process<Reason>, _: ()) {
    let reason = me.receive().await;
    me.exit(reason).await;
}

async fn e_06_a_link_carries_kill_as_a_reason_that_can_be_trapped(mut me: Process<String>, there: There) {
    me.trap_exits(true);
    let c = there.start_link(end_when_told, (), &mut me).await;
    c.send(Reason::Kill).unwrap();
    expect_exit(&mut me, c.untyped(), Reason::Kill).await;
}

/// Links a process and waits for its end.
#[holm::entry]
async fn link_and_wait(mut me: Process<()>, (other, told): (Pid, Pid<String>)) {
    me.link(other);
    told.send("linked".into()).unwrap();
    me.receive().await;
}

async fn e_07_a_link_carries_kill_as_kill(mut me: Process<String>, there: There) {
    let c = there.start(end_when_told, (), &mut me).await;
    let (_, monitor) = there.start_monitor(link_and_wait, (c.untyped(), me.pid()), &mut me).await;
    assert_eq!(me.receive().await, "linked");
    c.send(Reason::Kill).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Kill);
}

async fn e_08_a_link_carries_killed(mut me: Process<String>, there: There) {
    me.trap_exits(true);
    let c = there.start_link(end_when_told, (), &mut me).await;
    let (_, monitor) = there.start_monitor(link_and_wait, (c.untyped(), me.pid()), &mut me).await;
    assert_eq!(me.receive().await, "linked");
    holm::exit(c, Reason::Kill);
    assert_eq!(me.down(monitor).await, Reason::Killed);
    expect_exit(&mut me, c.untyped(), Reason::Killed).await;
}

async fn e_09_the_first_exit_signal_counts(mut me: Process<String>, there: There) {
    for _ in 0..100 {
        let (b, monitor) = there.start_monitor(end_when_told, (), &mut me).await;
        holm::exit(b, Reason::error("first"));
        holm::exit(b, Reason::error("second"));
        assert_eq!(me.down(monitor).await, Reason::error("first"));
    }
}

async fn e_11_an_exit_signal_to_nobody_is_nothing(mut me: Process<String>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    end(&mut me, b, Reason::Kill).await;
    for reason in [Reason::Kill, Reason::Shutdown, Reason::Normal] {
        holm::exit(b, reason);
    }
    expect_silence(&mut me).await;
}

/// Begins to trap only after it slept.
#[holm::entry]
async fn trap_late(mut me: Process<u64>, to: Pid<String>) {
    me.trap_exits(true);
    to.send("ready".into()).unwrap();
    me.receive().await;
    me.trap_exits(false);
    to.send("open".into()).unwrap();
    me.receive().await;
}

async fn e_16_what_counts_is_the_trap_at_reception(mut me: Process<String>, there: There) {
    let (b, monitor) = there.start_monitor(trap_late, me.pid(), &mut me).await;
    assert_eq!(me.receive().await, "ready");
    holm::exit(b, Reason::Shutdown); // trapped, and never looked at
    b.send(1).unwrap();
    assert_eq!(me.receive().await, "open");
    holm::exit(b, Reason::error("e_16"));
    assert_eq!(me.down(monitor).await, Reason::error("e_16"));
}

/// B, in one long turn, is sent an exit signal before it switches trapping on, and looks into its mailbox after.
async fn e_16_a_signal_sent_before_the_switch_is_trapped_behind_it(mut me: Process<String>, there: There) {
    let sent = Arc::new(AtomicBool::new(false));
    let (theirs, own) = (sent.clone(), me.pid());
    let alone = there.0 == 0; // then A cannot run meanwhile, and B sends the signal to itself
    let options = SpawnOptions::new().scheduler(there.0).monitor();
    let spawned = me.spawn_opt(options, async move |mut me: Process<()>| {
        own.send("in its turn".into()).unwrap();
        if alone {
            holm::exit(me.pid(), Reason::Shutdown);
        }
        while !alone && !theirs.load(SeqCst) {
            std::hint::spin_loop();
        }
        me.trap_exits(true);
        let from = if alone { me.pid().untyped() } else { own.untyped() };
        assert_eq!(me.next().await, Event::Notice(Notice::Exit { from, reason: Reason::Shutdown }));
    });
    let spawned = spawned.unwrap();
    assert_eq!(me.receive().await, "in its turn");
    if !alone {
        holm::exit(spawned.pid, Reason::Shutdown);
        sent.store(true, SeqCst);
    }
    assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Normal);
}

/// Ends with a long reason when it is told to.
#[holm::entry]
async fn end_at_length(mut me: Process<()>, _: ()) -> Reason {
    me.receive().await;
    Reason::value(&vec![7u8; 1 << 20])
}

/// Watches a process by a link and a monitor, and tells when both have fired with the same long reason.
#[holm::entry]
async fn watch_both_ways(mut me: Process<()>, (other, to): (Pid, Pid<String>)) {
    me.trap_exits(true);
    me.link(other);
    let monitor = me.monitor(other);
    to.send("watching".into()).unwrap();
    let down = me.down(monitor).await;
    let Notice::Exit { reason, .. } = me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await else {
        unreachable!("that is what was waited for")
    };
    assert_eq!(down, reason);
    assert_eq!(down.get::<Vec<u8>>().unwrap(), vec![7; 1 << 20]);
    to.send("intact".into()).unwrap();
}

async fn e_18_a_reason_of_a_mebibyte_reaches_links_and_monitors(mut me: Process<String>, there: There) {
    let b = there.start(end_at_length, (), &mut me).await;
    let here = There(0);
    for place in [here, there] {
        place.start(watch_both_ways, (b.untyped(), me.pid()), &mut me).await;
        assert_eq!(me.receive().await, "watching");
    }
    b.send(()).unwrap();
    assert_eq!(me.receive().await, "intact");
    assert_eq!(me.receive().await, "intact");
}

async fn e_02_a_normal_exit_signal_to_oneself_ends(mut me: Process<String>, _: There) {
    let (_, monitor) = me
        .spawn_monitor(async |mut me: Process<()>| {
            holm::exit(me.pid(), Reason::Normal);
            me.receive().await;
            Reason::error("it went on")
        })
        .unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
}

async fn e_10_exits_from_two_at_once_end_it_once(mut me: Process<String>, there: There) {
    for _ in 0..300 {
        let b = there.start(end_when_told, (), &mut me).await;
        let first = me.monitor(b);
        let second = me.monitor(b);
        for name in ["a", "b"] {
            me.spawn(async move |_: Process<()>| holm::exit(b, Reason::error(name))).unwrap();
        }
        let reason = me.down(first).await;
        assert!(reason == Reason::error("a") || reason == Reason::error("b"));
        assert_eq!(me.down(second).await, reason);
    }
    expect_silence(&mut me).await;
}

async fn e_12_an_exit_that_meets_a_time_out_ends_cleanly(mut me: Process<String>, there: There) {
    for _ in 0..300 {
        let options = SpawnOptions::new().scheduler(there.0).monitor();
        let spawned = me
            .spawn_opt(options, async |mut me: Process<()>| {
                loop {
                    me.receive_within(Duration::from_millis(1)).await;
                }
            })
            .unwrap();
        holm::sleep(Duration::from_millis(1)).await;
        holm::exit(spawned.pid, Reason::Shutdown);
        assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Shutdown);
    }
}

async fn e_14_one_that_computes_ends_at_its_next_await(mut me: Process<String>, _: There) {
    let (b, monitor) = me
        .spawn_monitor(async |_: Process<()>| {
            loop {
                holm::yield_now().await;
            }
        })
        .unwrap();
    holm::yield_now().await;
    holm::exit(b, Reason::Kill);
    assert_eq!(me.down(monitor).await, Reason::Killed);
}

async fn e_15_one_in_a_blocking_call_ends_at_once(mut me: Process<String>, _: There) {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (result, own) = (Arc::new(()), me.pid());
    let theirs = result.clone();
    let (b, monitor) = me
        .spawn_monitor(async move |_: Process<()>| {
            let blocking = move || {
                own.send("it blocks".into()).unwrap();
                let _ = wait.recv();
                theirs
            };
            let _ = holm::spawn_blocking(blocking).unwrap().await;
        })
        .unwrap();
    assert_eq!(me.receive().await, "it blocks");
    let began = Instant::now();
    holm::exit(b, Reason::Kill);
    assert_eq!(me.down(monitor).await, Reason::Killed);
    assert!(began.elapsed() < PROMPTLY);
    // The call ends after its process, its result is nobody's, and its thread is there for others.
    assert_eq!(Arc::strong_count(&result), 2);
    drop(go);
    while Arc::strong_count(&result) > 1 {
        holm::yield_now().await;
    }
    assert_eq!(holm::spawn_blocking(|| 7).unwrap().await.unwrap(), 7);
    expect_silence(&mut me).await;
}

async fn e_17_catching_a_panic_does_not_swallow_an_exit(mut me: Process<String>, _: There) {
    let (_, monitor) = me
        .spawn_monitor(async |mut me: Process<()>| {
            let own = me.pid();
            let caught = catch_unwind(AssertUnwindSafe(|| {
                holm::exit(own, Reason::Shutdown);
                panic!("on purpose");
            }));
            assert!(caught.is_err());
            me.receive().await;
        })
        .unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
}

/// Sends its process an exit signal when it is dropped.
struct ExitAgain(Pid<()>, Reason);

impl Drop for ExitAgain {
    fn drop(&mut self) {
        holm::exit(self.0, self.1.clone());
    }
}

async fn e_19_one_that_ends_while_it_ends_has_the_first_reason(mut me: Process<String>, _: There) {
    for again in [Reason::error("again"), Reason::Kill, Reason::Normal] {
        let theirs = again.clone();
        let (_, monitor) = me
            .spawn_monitor(async move |me: Process<()>| {
                let _again = ExitAgain(me.pid(), theirs);
                Reason::Shutdown
            })
            .unwrap();
        assert_eq!(me.down(monitor).await, Reason::Shutdown, "it returned, then {again}");
        let theirs = again.clone();
        let (b, monitor) = me
            .spawn_monitor(async move |mut me: Process<()>| {
                let _again = ExitAgain(me.pid(), theirs);
                me.receive().await;
            })
            .unwrap();
        holm::exit(b, Reason::error("first"));
        assert_eq!(me.down(monitor).await, Reason::error("first"), "it was told to end, then {again}");
    }
    expect_silence(&mut me).await;
}

/// Whether the process returns or panics; and a release that panics keeps no other back.
async fn what_is_released_is_released_before_the_end_shows(mut me: Process<String>, there: There) {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    for round in 0..300 {
        let released = std::sync::Arc::new(AtomicU32::new(0));
        let (first, second) = (released.clone(), released.clone());
        let body = async move |mut me: Process<()>| {
            me.on_release(move || {
                first.fetch_add(1, Relaxed);
                panic!("in a release");
            });
            me.on_release(move || {
                second.fetch_add(1, Relaxed);
            });
            match round % 3 {
                0 => {}
                1 => panic!("in the body"),
                _ => me.receive().await,
            }
        };
        let spawned = me.spawn_opt(there.options().monitor(), body).unwrap();
        if round % 3 == 2 {
            spawned.pid.send(()).unwrap();
        }
        me.down(spawned.monitor.unwrap()).await;
        assert_eq!(released.load(Relaxed), 2);
    }
}

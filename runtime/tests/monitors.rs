//! Family M of the conformance catalogue: monitors. (By-name monitors, M-09 and M-10, and aliases, M-15 and M-16, are not
//! holm's: a call's answer needs no alias, see `calls.rs`.)

mod harness;

use harness::{There, end, expect_silence, rounds};
use holm::{Event, Notice, Pid, Process, Reason};
use std::{collections::HashSet, time::Duration};

cases! {
    in_every_placement:
        m_01_the_end_of_the_watched_comes_once_with_any_reason,
        m_02_two_monitors_fire_both,
        m_03_a_monitor_of_one_that_has_ended_fires_with_no_process,
        m_04_the_end_of_the_watcher_is_nothing_to_the_watched,
        m_05_no_down_comes_after_a_demonitor,
        m_06_a_demonitor_takes_a_queued_down_away,
        m_07_a_demonitor_that_meets_the_end_leaves_nothing,
        m_13_a_child_demonitored_at_once_is_silent,
        m_14_ten_thousand_monitors_fire_each_once,
        m_17_every_monitor_of_a_restart_loop_fires,
        m_18_the_down_has_the_reason_and_not_no_process;
    on_one_node:
        m_08_a_demonitor_of_what_is_no_monitor_is_nothing,
        a_monitor_of_oneself_never_fires;
}

/// Ends with the reason that it is sent.
#[holm::entry]
async fn end_when_told(mut me: Process<Reason>, _: ()) -> Reason {
    me.receive().await
}

async fn m_01_the_end_of_the_watched_comes_once_with_any_reason(mut me: Process<u64>, there: There) {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::Kill, Reason::error("m_01"), Reason::value(&1u64)] {
        let b = there.start(end_when_told, (), &mut me).await;
        let monitor = me.monitor(b);
        b.send(reason.clone()).unwrap();
        assert_eq!(me.next().await, Event::Notice(Notice::Down { monitor, watched: b.into(), reason }));
    }
    expect_silence(&mut me).await;
}

async fn m_02_two_monitors_fire_both(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    let (first, second) = (me.monitor(b), me.monitor(b));
    b.send(Reason::Shutdown).unwrap();
    assert_eq!(me.down(second).await, Reason::Shutdown);
    assert_eq!(me.down(first).await, Reason::Shutdown);
    expect_silence(&mut me).await;
}

async fn m_03_a_monitor_of_one_that_has_ended_fires_with_no_process(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    end(&mut me, b, Reason::Kill).await;
    for _ in 0..10 {
        let monitor = me.monitor(b);
        assert_eq!(me.down(monitor).await, Reason::NoProc);
    }
    expect_silence(&mut me).await;
}

/// Watches a process, says so and ends.
#[holm::entry]
async fn watch_and_end(mut me: Process<()>, (other, to): (Pid, Pid<u64>)) {
    for number in 0..100 {
        me.monitor(other);
        to.send(number).unwrap();
    }
}

async fn m_04_the_end_of_the_watcher_is_nothing_to_the_watched(mut me: Process<u64>, there: There) {
    let (_, monitor) = there.start_monitor(watch_and_end, (me.pid().untyped(), me.pid()), &mut me).await;
    assert_eq!(me.down(monitor).await, Reason::Normal);
    for number in 0..100 {
        assert_eq!(me.next().await, Event::Message(number));
    }
    expect_silence(&mut me).await;
}

async fn m_05_no_down_comes_after_a_demonitor(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    let (ended, kept) = (me.monitor(b), me.monitor(b));
    assert!(me.demonitor(ended));
    b.send(Reason::Shutdown).unwrap();
    assert_eq!(me.down(kept).await, Reason::Shutdown);
    expect_silence(&mut me).await;
}

async fn m_06_a_demonitor_takes_a_queued_down_away(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    let (first, second) = (me.monitor(b), me.monitor(b));
    b.send(Reason::Shutdown).unwrap();
    me.down(second).await;
    me.down(first).await;
    let late = me.monitor(b);
    let marker = me.monitor(b);
    assert_eq!(me.down(marker).await, Reason::NoProc);
    assert!(!me.demonitor(late), "it had fired");
    expect_silence(&mut me).await;
}

async fn m_07_a_demonitor_that_meets_the_end_leaves_nothing(mut me: Process<u64>, there: There) {
    for round in 0..rounds(20_000, 500) {
        let b = there.start(end_when_told, (), &mut me).await;
        let monitor = me.monitor(b);
        b.send(Reason::Shutdown).unwrap();
        for _ in 0..round % 4 {
            holm::yield_now().await;
        }
        me.demonitor(monitor);
        assert_eq!(me.next_within(Duration::ZERO).await, None);
    }
    expect_silence(&mut me).await;
}

async fn m_08_a_demonitor_of_what_is_no_monitor_is_nothing(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    let monitor = me.monitor(b);
    assert!(me.demonitor(monitor));
    assert!(!me.demonitor(monitor), "a second time");
    let fired = me.monitor(b);
    b.send(Reason::Normal).unwrap();
    me.down(fired).await;
    assert!(!me.demonitor(fired));
    let parent = me.pid();
    me.spawn(async move |mut other: Process<()>| {
        assert!(!other.demonitor(monitor), "another process's");
        parent.send(1).unwrap();
    })
    .unwrap();
    assert_eq!(me.receive().await, 1);
}

async fn m_13_a_child_demonitored_at_once_is_silent(mut me: Process<u64>, there: There) {
    for _ in 0..300 {
        let (b, monitor) = there.start_monitor(end_when_told, (), &mut me).await;
        b.send(Reason::Shutdown).unwrap();
        me.demonitor(monitor);
    }
    expect_silence(&mut me).await;
}

async fn m_14_ten_thousand_monitors_fire_each_once(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    let mut monitors: HashSet<_> = (0..10_000).map(|_| me.monitor(b)).collect();
    b.send(Reason::Shutdown).unwrap();
    while !monitors.is_empty() {
        let Event::Notice(Notice::Down { monitor, reason, .. }) = me.next().await else { panic!("only downs come") };
        assert!(monitors.remove(&monitor), "a second time");
        assert_eq!(reason, Reason::Shutdown);
    }
    expect_silence(&mut me).await;
}

async fn m_17_every_monitor_of_a_restart_loop_fires(mut me: Process<u64>, there: There) {
    for _ in 0..rounds(10_000, 500) {
        let (b, first) = there.start_monitor(end_when_told, (), &mut me).await;
        let second = me.monitor(b);
        holm::exit(b, Reason::Kill);
        let third = me.monitor(b);
        assert_eq!(me.down(first).await, Reason::Killed);
        assert_eq!(me.down(second).await, Reason::Killed);
        assert!(matches!(me.down(third).await, Reason::Killed | Reason::NoProc));
    }
    expect_silence(&mut me).await;
}

async fn m_18_the_down_has_the_reason_and_not_no_process(mut me: Process<u64>, there: There) {
    for _ in 0..500 {
        let b = there.start(end_when_told, (), &mut me).await;
        let monitor = me.monitor(b);
        b.send(Reason::error("m_18")).unwrap();
        assert_eq!(me.down(monitor).await, Reason::error("m_18"));
    }
}

async fn a_monitor_of_oneself_never_fires(mut me: Process<u64>, _: There) {
    let own = me.pid();
    let monitor = me.monitor(own);
    expect_silence(&mut me).await;
    me.demonitor(monitor);
}

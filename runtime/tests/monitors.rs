//! Family M of the conformance catalogue: monitors, by pid and by name, and the aliases that belong to them.

mod harness;

use harness::{There, end, expect_silence, rounds};
use holm::{Alias, Event, Message, Notice, Pid, Process, Reason, SpawnOptions, Watched};
use serde::{Deserialize, Serialize};
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
        m_09_a_monitor_by_name_tells_the_name_and_the_name_is_free,
        m_09_a_demonitor_by_name_leaves_nothing,
        m_10_a_monitor_of_a_name_that_nobody_has_fires_at_once,
        m_12_a_monitor_of_a_node_that_never_was_fires_with_no_connection,
        m_13_a_child_demonitored_at_once_is_silent,
        m_14_ten_thousand_monitors_fire_each_once,
        m_15_a_late_answer_through_an_alias_never_comes,
        m_16_what_comes_through_a_closed_alias_is_lost,
        an_alias_ends_with_its_monitor,
        messages_through_aliases_keep_their_order_among_all_others,
        m_17_every_monitor_of_a_restart_loop_fires,
        m_18_the_down_has_the_reason_and_not_no_process;
    on_one_node:
        m_08_a_demonitor_of_what_is_no_monitor_is_nothing,
        a_monitor_of_oneself_never_fires,
        an_alias_is_its_owners_to_close;
}

/// Ends with the reason that it is sent.
#[holm::entry]
async fn end_when_told(mut me: Process<Reason>, _: ()) -> Reason {
    me.receive().await
}

/// 100,000 rounds, as the catalogue asks for, where nobody has to be woken on another CPU.
fn many_rounds(there: There) -> usize {
    rounds(if there.0 == 0 { 100_000 } else { 20_000 }, 500)
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
    for round in 0..many_rounds(there) {
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

// ---- by name ----

/// Starts B under a name, and gives its node too.
async fn start_named(me: &mut Process<u64>, there: There, name: &str) -> Pid<Reason> {
    me.spawn_entry(end_when_told, (), there.options().name(name)).await.unwrap().pid
}

async fn m_09_a_monitor_by_name_tells_the_name_and_the_name_is_free(mut me: Process<u64>, there: There) {
    for reason in [Reason::Normal, Reason::Kill, Reason::error("m_09")] {
        let b = start_named(&mut me, there, "m_09").await;
        let monitor = me.monitor_name("m_09", Some(b.node()));
        let by_pid = me.monitor(b);
        b.send(reason.clone()).unwrap();
        let watched = Watched::Name("m_09".into(), b.node());
        let down = me.notice_where(|notice| matches!(notice, Notice::Down { watched: Watched::Name(..), .. })).await;
        assert_eq!(down, Notice::Down { monitor, watched, reason: reason.clone() });
        // It would be refused if the name were not free.
        let next = start_named(&mut me, there, "m_09").await;
        end(&mut me, next, Reason::Kill).await;
        assert_eq!(me.down(by_pid).await, reason);
    }
    // Without a node it is a name of this one.
    let own = me.node();
    let c = start_named(&mut me, There(0), "m_09 here").await;
    let monitor = me.monitor_name("m_09 here", None);
    c.send(Reason::Shutdown).unwrap();
    let watched = Watched::Name("m_09 here".into(), own);
    assert_eq!(me.next().await, Event::Notice(Notice::Down { monitor, watched, reason: Reason::Shutdown }));
    expect_silence(&mut me).await;
}

async fn m_09_a_demonitor_by_name_leaves_nothing(mut me: Process<u64>, there: There) {
    for round in 0..rounds(2_000, 200) {
        let b = start_named(&mut me, there, "m_09 leave").await;
        let (left, kept) = (me.monitor_name("m_09 leave", Some(b.node())), me.monitor(b));
        if round % 2 == 0 {
            b.send(Reason::Shutdown).unwrap();
        }
        assert!(me.demonitor(left) || round % 2 == 0);
        if round % 2 == 1 {
            b.send(Reason::Shutdown).unwrap();
        }
        assert_eq!(me.down(kept).await, Reason::Shutdown);
    }
    expect_silence(&mut me).await;
}

async fn m_10_a_monitor_of_a_name_that_nobody_has_fires_at_once(mut me: Process<u64>, there: There) {
    let b = there.start(end_when_told, (), &mut me).await;
    let too_long = "x".repeat(holm::NAME_LEN_MAX + 1);
    for name in ["m_10", "", &too_long] {
        let monitor = me.monitor_name(name, Some(b.node()));
        let watched = Watched::Name(name.into(), b.node());
        assert_eq!(me.next().await, Event::Notice(Notice::Down { monitor, watched, reason: Reason::NoProc }));
    }
    // What is watched is the process: that the name is taken later is nothing to it.
    let c = start_named(&mut me, there, "m_10").await;
    end(&mut me, c, Reason::Kill).await;
    end(&mut me, b, Reason::Kill).await;
    expect_silence(&mut me).await;
}

async fn m_12_a_monitor_of_a_node_that_never_was_fires_with_no_connection(mut me: Process<u64>, _: There) {
    let nowhere = postcard::to_stdvec(&(0x1234_5678_9abc_u64, 1u32, 1u32)).unwrap();
    let nobody: Pid<Reason> = postcard::from_bytes(&nowhere).unwrap();
    let monitor = me.monitor(nobody);
    assert_eq!(me.down(monitor).await, Reason::NoConnection);
    let by_name = me.monitor_name("m_12", Some(nobody.node()));
    let watched = Watched::Name("m_12".into(), nobody.node());
    let down = Notice::Down { monitor: by_name, watched, reason: Reason::NoConnection };
    assert_eq!(me.next().await, Event::Notice(down));
    nobody.send(Reason::Normal).unwrap(); // lost
    expect_silence(&mut me).await;
}

// ---- aliases ----

/// What a partner is told to send, and through what.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Say {
    Through(Alias<u64>, u64),
    To(Pid<u64>, u64),
    End,
}

/// Says what it is told to.
#[holm::entry]
async fn speaker(mut me: Process<Say>, _: ()) {
    loop {
        match me.receive().await {
            Say::Through(alias, number) => alias.send(number).unwrap(),
            Say::To(pid, number) => pid.send(number).unwrap(),
            Say::End => return,
        }
    }
}

async fn m_15_a_late_answer_through_an_alias_never_comes(mut me: Process<u64>, there: There) {
    let b = there.start(speaker, (), &mut me).await;
    let (own, mut first) = (me.pid(), true);
    for number in 0..rounds(2_000, 200) as u64 {
        let (monitor, alias) = me.monitor_with_alias(b);
        if std::mem::take(&mut first) {
            b.send(Say::Through(alias, number)).unwrap();
            assert_eq!(me.receive().await, number, "it is open");
        }
        assert_eq!(me.receive_within(Duration::ZERO).await, None, "the call timed out");
        assert!(me.demonitor(monitor));
        b.send(Say::Through(alias, number)).unwrap();
        b.send(Say::To(own, u64::MAX)).unwrap();
        assert_eq!(me.receive().await, u64::MAX, "the late answer is lost, and nothing else");
    }
    end(&mut me, b, Reason::Kill).await;
    expect_silence(&mut me).await;
}

async fn m_16_what_comes_through_a_closed_alias_is_lost(mut me: Process<u64>, there: There) {
    let (b, own) = (there.start(speaker, (), &mut me).await, me.pid());
    let never = me.monitor(own);
    me.demonitor(never);
    for round in 0..rounds(5_000, 500) {
        let alias = me.alias();
        b.send(Say::Through(alias, 1)).unwrap();
        b.send(Say::To(own, 2)).unwrap();
        for _ in 0..round % 5 {
            holm::yield_now().await;
        }
        if round % 2 == 0 {
            assert!(!me.demonitor(never), "it looks at what has come, and takes nothing");
        }
        assert!(me.unalias(alias));
        assert!(!me.unalias(alias));
        // What was queued by now is there; from here on nothing follows through the alias.
        let mut events = Vec::new();
        while let Some(event) = me.next_within(Duration::ZERO).await {
            events.push(event);
        }
        assert!(events.iter().filter(|event| **event == Event::Message(1)).count() <= 1);
        if !events.contains(&Event::Message(2)) {
            assert_eq!(me.next().await, Event::Message(2), "no third outcome");
        }
    }
    end(&mut me, b, Reason::Kill).await;
    expect_silence(&mut me).await;
}

async fn an_alias_ends_with_its_monitor(mut me: Process<u64>, there: There) {
    let (b, c) = (there.start(speaker, (), &mut me).await, there.start(speaker, (), &mut me).await);
    let own = me.pid();
    let (monitor, alias) = me.monitor_with_alias(b);
    assert_eq!(alias.owner(), own.untyped());
    // From a third process too, as long as the monitor is set.
    c.send(Say::Through(alias, 1)).unwrap();
    assert_eq!(me.receive().await, 1);
    b.send(Say::End).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
    c.send(Say::Through(alias, 2)).unwrap();
    c.send(Say::To(own, 3)).unwrap();
    assert_eq!(me.receive().await, 3);
    assert!(!me.unalias(alias), "it is closed");
    // One of a process that has ended at once.
    let (monitor, alias) = me.monitor_with_alias(b);
    assert_eq!(me.down(monitor).await, Reason::NoProc);
    assert!(!me.unalias(alias));
    end(&mut me, c, Reason::Kill).await;
    expect_silence(&mut me).await;
}

async fn messages_through_aliases_keep_their_order_among_all_others(mut me: Process<u64>, there: There) {
    let (b, own) = (there.start(speaker, (), &mut me).await, me.pid());
    let alias = me.alias();
    let count = rounds(10_000, 2_000) as u64;
    for number in 0..count {
        let say = if number % 3 == 0 { Say::To(own, number) } else { Say::Through(alias, number) };
        b.send(say).unwrap();
    }
    for number in 0..count {
        assert_eq!(me.receive().await, number);
    }
    let monitor = me.monitor(b);
    b.send(Say::Through(alias, 0)).unwrap();
    b.send(Say::End).unwrap();
    assert_eq!(me.next().await, Event::Message(0), "before the end of its sender");
    assert_eq!(me.down(monitor).await, Reason::Normal);
}

async fn an_alias_is_its_owners_to_close(mut me: Process<u64>, there: There) {
    let (own, alias) = (me.pid(), me.alias());
    let other = async move |mut other: Process<u64>| {
        assert!(!other.unalias(alias));
        assert_ne!(other.alias(), alias);
        own.send(0).unwrap();
    };
    me.spawn_opt(SpawnOptions::new().scheduler(there.0), other).unwrap();
    me.receive().await;
    alias.send(1).unwrap();
    assert_eq!(me.receive().await, 1);
    assert!(me.unalias(alias));
    // Ten thousand at once, each its own.
    let aliases: HashSet<Alias<u64>> = (0..10_000).map(|_| me.alias()).collect();
    assert_eq!(aliases.len(), 10_000);
    assert!(aliases.into_iter().all(|alias| me.unalias(alias)));
}

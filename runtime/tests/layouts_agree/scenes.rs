//! The scenes, one for each thing that is promised, and the director who plays them one after another.

use crate::{
    actors::{Watch, branch, chooser, keeper, servant, talker, watcher},
    play::{LIMIT, Note, Voice, Word, place, start, told, why},
};
use holm::{Event, Monitor, Pid, Process, Reason};
use std::time::Duration;

/// Plays all scenes, one after another.
#[holm::entry]
pub(crate) async fn director(mut me: Process<Word>, (voice, faulty): (Voice, bool)) {
    voice.enter(&mut me).await;
    on_stage(&mut me, &voice, 1).await; // itself
    start(&mut me, branch, (voice.of("tree "), 3, None), place(1)).await;
    on_stage(&mut me, &voice, 15).await;
    ways_to_end(&mut me, &voice).await;
    exit_signals(&mut me, &voice).await;
    order_of_signals(&mut me, &voice, faulty).await;
    sizes(&mut me, &voice).await;
    names(&mut me, &voice).await;
    calls(&mut me, &voice).await;
    rings(&mut me, &voice).await;
    travels(&mut me, &voice).await;
    time_outs(&mut me, &voice).await;
}

/// Starts a servant that the director monitors.
async fn servant_at(me: &mut Process<Word>, voice: &Voice, label: String, at: u64) -> (Pid<Word>, Monitor) {
    let (pid, monitor) = start(me, servant, voice.of(label), place(at).monitor()).await;
    (pid, monitor.unwrap())
}

/// Says the end of somebody that the director monitors.
async fn say_down(me: &mut Process<Word>, voice: &Voice, pid: Pid<Word>, monitor: Monitor) {
    let reason = me.down(monitor).await;
    voice.says(format!("down of {{}}: {}", why(&reason)), &[pid.untyped()]);
}

/// Waits until a servant has done all that it was sent.
pub(crate) async fn settle(me: &mut Process<Word>, servant: Pid<Word>) {
    me.call(servant, |reply| Word::Double(0, reply), LIMIT).await.unwrap();
}

/// Every way to end, seen by links and monitors in every place.
async fn ways_to_end(me: &mut Process<Word>, voice: &Voice) {
    let ends: [(&str, Result<Word, Reason>); 9] = [
        ("returns", Ok(Word::End(Reason::Normal))),
        ("shuts down", Ok(Word::End(Reason::Shutdown))),
        ("fails", Ok(Word::End(Reason::error("no more")))),
        ("gives a value", Ok(Word::End(Reason::value(&404u64)))),
        ("panics", Ok(Word::Panic)),
        ("ends with kill", Ok(Word::End(Reason::Kill))),
        ("is killed", Err(Reason::Kill)),
        ("is shut down", Err(Reason::Shutdown)),
        ("is sent a value", Err(Reason::value(&405u64))),
    ];
    for (at, (how, end)) in ends.into_iter().enumerate() {
        let at = at as u64;
        let (victim, monitor) = servant_at(me, voice, format!("one that {how}"), at).await;
        let mut watchers = Vec::new();
        for (number, (traps, monitors)) in [(true, true), (true, false), (false, false)].into_iter().enumerate() {
            let label = format!("one that {how}, watcher {number}");
            let notices = 1 + u32::from(monitors);
            let argument = (voice.of(label), Watch { other: Some(victim), traps, monitors, notices });
            let (pid, monitor) = start(me, watcher, argument, place(at + number as u64).monitor()).await;
            watchers.push((pid, monitor.unwrap()));
        }
        on_stage(me, voice, 1 + watchers.len()).await;
        match end {
            Ok(word) => victim.send(word).unwrap(),
            Err(reason) => holm::exit(victim, reason),
        }
        say_down(me, voice, victim, monitor).await;
        if how == "returns" {
            watchers[2].0.send(Word::End(Reason::Normal)).unwrap(); // to it nothing comes
        }
        for (watcher, monitor) in watchers {
            say_down(me, voice, watcher, monitor).await;
        }
    }
}

/// Waits until so many newcomers are on stage. They are counted by the recorder; a label with a plus sign asks for that.
async fn on_stage(me: &mut Process<Word>, voice: &Voice, newcomers: usize) {
    let label = format!("+{newcomers}");
    let pid = me.pid().untyped();
    me.call(voice.recorder, |go| Note::Enters { label, pid, go }, LIMIT).await.unwrap();
}

/// Exit signals to one that traps and one that does not.
async fn exit_signals(me: &mut Process<Word>, voice: &Voice) {
    for traps in [true, false] {
        for at in 0..2 {
            let label = format!("one that {} at {at}", if traps { "traps" } else { "does not trap" });
            let argument = (voice.of(label), Watch { other: None, traps, monitors: false, notices: u32::MAX });
            let (pid, monitor) = start(me, watcher, argument, place(at).monitor()).await;
            on_stage(me, voice, 1).await;
            for reason in [Reason::Normal, Reason::Normal, Reason::Shutdown, Reason::error("first"), Reason::Kill] {
                pid.send(Word::Number(1)).unwrap();
                settle(me, pid).await; // a kill does not wait until its receiver has read what came before
                holm::exit(pid, reason.clone());
                if reason == Reason::Shutdown && !traps {
                    break;
                }
            }
            pid.send(Word::Number(2)).unwrap();
            say_down(me, voice, pid, monitor.unwrap()).await;
        }
    }
}

/// Messages, small and big, and the exit of their sender, in their order.
async fn order_of_signals(me: &mut Process<Word>, voice: &Voice, faulty: bool) {
    for at in 0..4 {
        let watch = Watch { other: None, traps: true, monitors: false, notices: 1 };
        let argument = (voice.of(format!("listener {at}")), watch);
        let (listener, monitor) = start(me, watcher, argument, place(at).monitor()).await;
        on_stage(me, voice, 1).await;
        let argument = (voice.of(format!("talker {at}")), listener, faulty && at == 1);
        let (talker, talking) = start(me, talker, argument, place(at + 1).monitor()).await;
        on_stage(me, voice, 1).await;
        say_down(me, voice, talker, talking.unwrap()).await;
        say_down(me, voice, listener, monitor.unwrap()).await;
    }
    for at in 0..2 {
        let (chooser, monitor) = start(me, chooser, voice.of(format!("chooser {at}")), place(at).monitor()).await;
        on_stage(me, voice, 1).await;
        start(me, talker, (voice.of(format!("chooser's talker {at}")), chooser, false), place(at + 1)).await;
        on_stage(me, voice, 1).await;
        say_down(me, voice, chooser, monitor.unwrap()).await;
    }
}

/// Messages around the length of a fragment, and much longer.
async fn sizes(me: &mut Process<Word>, voice: &Voice) {
    for at in 0..2 {
        let watch = Watch { other: None, traps: true, monitors: false, notices: 1 };
        let argument = (voice.of(format!("scale {at}")), watch);
        let (scale, monitor) = start(me, watcher, argument, place(at).monitor()).await;
        on_stage(me, voice, 1).await;
        for size in [0, 1, 24, 65_500, 65_510, 65_520, 65_530, 65_536, 65_537, 131_072, 1 << 20, 3 << 20] {
            let bytes = (0..size).map(|at: usize| (at ^ at >> 8 ^ size) as u8).collect();
            scale.send(Word::Bytes(bytes)).unwrap();
        }
        scale.send(Word::End(Reason::Normal)).unwrap();
        say_down(me, voice, scale, monitor.unwrap()).await;
    }
}

async fn names(me: &mut Process<Word>, voice: &Voice) {
    for at in 0..4 {
        let name = format!("desk {at}");
        let scheduler = (at % u64::from(holm::schedulers())) as u32;
        let argument = (voice.of(&name), name.clone());
        let (pid, monitor) = start(me, keeper, argument, place(at).monitor()).await;
        on_stage(me, voice, 1).await;
        let found = me.whereis_at::<Word>(scheduler, &name).await.unwrap();
        voice.says(format!("{name} is {{}}"), &[found.unwrap().untyped()]);
        found.unwrap().send(Word::Number(at)).unwrap();
        pid.send(Word::Sleep(0)).unwrap();
        say_down(me, voice, pid, monitor.unwrap()).await;
        voice.says(format!("{name} is {:?}", me.whereis_at::<Word>(scheduler, &name).await), &[]);
    }
}

async fn calls(me: &mut Process<Word>, voice: &Voice) {
    for at in 0..2 {
        let (server, monitor) = servant_at(me, voice, format!("server {at}"), at).await;
        let (other, other_monitor) = servant_at(me, voice, format!("other server {at}"), at + 1).await;
        let answer = me.call(server, |reply| Word::Double(21, reply), LIMIT).await;
        voice.says(format!("{answer:?}"), &[]);
        let answer = me.call(server, |reply| Word::PassOn(other, 4, reply), LIMIT).await;
        voice.says(format!("{answer:?} from the other"), &[]);
        server.send(Word::Sleep(30)).unwrap();
        let answer = me.call(server, |reply| Word::Double(1, reply), Duration::from_millis(1)).await;
        voice.says(format!("{answer:?}"), &[]);
        let answer = me.call(server, |reply| Word::Double(2, reply), LIMIT).await;
        voice.says(format!("{answer:?}"), &[]);
        server.send(Word::End(Reason::Shutdown)).unwrap();
        say_down(me, voice, server, monitor).await;
        let answer = me.call(server, |reply| Word::Double(3, reply), LIMIT).await;
        voice.says(format!("{answer:?}"), &[]);
        other.send(Word::Sleep(100)).unwrap();
        other.send(Word::End(Reason::error("closed"))).unwrap();
        let answer = me.call(other, |reply| Word::Double(5, reply), LIMIT).await;
        voice.says(format!("{answer:?}"), &[]);
        say_down(me, voice, other, other_monitor).await;
    }
}

/// Rings of linked servants: one breaks as a whole, one up to the member that traps.
async fn rings(me: &mut Process<Word>, voice: &Voice) {
    for with_trap in [false, true] {
        let mut members: Vec<(Pid<Word>, Monitor)> = Vec::new();
        for at in 0..12 {
            let label = format!("ring {with_trap} {at:02}");
            members.push(servant_at(me, voice, label, at).await);
        }
        on_stage(me, voice, 12).await;
        for at in 0..12 {
            let next = members[(at + 1) % 12].0;
            me.call(members[at].0, |done| Word::LinkTo(next, done), LIMIT).await.unwrap();
        }
        if with_trap {
            me.trap_exits(true);
            let first = members[0].0;
            me.link(first);
            settle(me, first).await;
        }
        members[5].0.send(Word::End(Reason::value(&5u64))).unwrap();
        for (pid, monitor) in &members {
            say_down(me, voice, *pid, *monitor).await;
        }
        if with_trap {
            let (text, pids) = told(&Event::Notice(me.notice_where(|_| true).await));
            voice.says(text, &pids);
            me.trap_exits(false);
        }
    }
}

/// A pid goes through several places and comes back as the same.
async fn travels(me: &mut Process<Word>, voice: &Voice) {
    let mut stations = Vec::new();
    for at in 0..4 {
        stations.push(servant_at(me, voice, format!("station {at}"), at).await);
    }
    let (traveller, monitor) = servant_at(me, voice, "traveller".into(), 3).await;
    on_stage(me, voice, 5).await;
    let through: Vec<_> = [0, 1, 2, 3, 1, 0].iter().map(|at: &usize| stations[*at].0).collect();
    let home = me.pid();
    through[0].send(Word::Travel { traveller, through, home }).unwrap();
    let Word::Home(back) = me.receive().await else { panic!("only the traveller comes") };
    voice.says(format!("{{}} comes back as itself: {}", back == traveller), &[back.untyped()]);
    settle(me, back).await;
    stations.push((traveller, monitor));
    for (pid, monitor) in stations {
        holm::exit(pid, Reason::Kill);
        say_down(me, voice, pid, monitor).await;
    }
}

async fn time_outs(me: &mut Process<Word>, voice: &Voice) {
    let nothing = me.receive_within(Duration::ZERO).await;
    voice.says(format!("{nothing:?}"), &[]);
    let nothing = me.receive_within(Duration::from_millis(3)).await;
    voice.says(format!("{nothing:?}"), &[]);
    holm::send_after(Duration::from_millis(3), me.pid(), Word::Number(9));
    let something = me.receive_within(LIMIT).await;
    voice.says(format!("{something:?}"), &[]);
}

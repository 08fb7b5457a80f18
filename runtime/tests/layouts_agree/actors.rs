//! The actors: what each of them does with what it gets. None knows on which node it plays.

use crate::{
    play::{Voice, Word, place, start, told},
    scenes::settle,
};
use holm::{Event, Message, Notice, Pid, Process, Reason};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A tree of processes, linked and monitored; each gives its parent the number of those under it.
#[holm::entry]
pub(crate) async fn branch(mut me: Process<Word>, (voice, depth, parent): (Voice, u64, Option<(u64, Pid<Word>)>)) {
    voice.enter(&mut me).await;
    me.trap_exits(true);
    let (mut children, mut under) = (Vec::new(), 1);
    for side in 0..if depth > 0 { 2 } else { 0 } {
        let child = voice.of(format!("{}{side}", voice.label));
        let argument = (child, depth - 1, Some((side, me.pid())));
        let (pid, monitor) = start(&mut me, branch, argument, place(depth + side).link().monitor()).await;
        children.push((pid, monitor.unwrap()));
    }
    for (side, (child, monitor)) in children.into_iter().enumerate() {
        let from_side = |word: &Word| matches!(word, Word::Pair(from, _) if *from == side as u64);
        let Word::Pair(_, count) = me.receive_where(from_side).await else { unreachable!("it was just looked at") };
        under += count;
        voice.says(format!("{count} under {{}}"), &[child.untyped()]);
        voice.says(format!("down of {{}}: {}", me.down(monitor).await), &[child.untyped()]);
        let is_its = |notice: &Notice| matches!(notice, Notice::Exit { from, .. } if *from == child);
        let (text, pids) = told(&Event::Notice(me.notice_where(is_its).await));
        voice.says(text, &pids);
    }
    if let Some((side, parent)) = parent {
        parent.send(Word::Pair(side, under)).unwrap();
    }
}

/// Does as it is told, and ends as it is told.
#[holm::entry]
pub(crate) async fn servant(mut me: Process<Word>, voice: Voice) -> Reason {
    voice.enter(&mut me).await;
    loop {
        match me.receive().await {
            Word::Double(number, reply) => {
                voice.says(format!("doubles {number}"), &[]);
                reply.send(2 * number);
            }
            Word::PassOn(to, number, reply) => to.send(Word::Double(number, reply)).unwrap(),
            Word::Sleep(ms) => holm::sleep(Duration::from_millis(ms)).await,
            Word::LinkTo(other, done) => {
                me.link(other);
                settle(&mut me, other).await;
                done.send(());
            }
            Word::Travel { traveller, mut through, home } => {
                voice.says("sees {} travel", &[traveller.untyped()]);
                match through.pop() {
                    Some(next) => next.send(Word::Travel { traveller, through, home }).unwrap(),
                    None => home.send(Word::Home(traveller)).unwrap(),
                }
            }
            Word::End(reason) if reason == Reason::Kill => {
                me.exit(reason).await;
            }
            Word::End(reason) => return reason,
            Word::Panic => panic!("as it was told"),
            other => voice.says(format!("gets {other:?}"), &[]),
        }
    }
}

/// Whom a watcher watches, and how.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Message)]
pub(crate) struct Watch {
    pub(crate) other: Option<Pid<Word>>,
    pub(crate) traps: bool,
    pub(crate) monitors: bool,
    /// It ends after so many notices: whoever sees the same end earlier on another way is not to hurry it.
    pub(crate) notices: u32,
}

/// Watches another, and says all that comes.
#[holm::entry]
pub(crate) async fn watcher(mut me: Process<Word>, (voice, watch): (Voice, Watch)) -> Reason {
    me.trap_exits(watch.traps);
    if let Some(other) = watch.other {
        me.link(other);
        if watch.monitors {
            me.monitor(other);
        }
        settle(&mut me, other).await; // link and monitor have arrived when what was sent behind them is answered
    }
    voice.enter(&mut me).await;
    let mut notices_left = watch.notices;
    while notices_left > 0 {
        match me.next().await {
            Event::Message(Word::End(reason)) => return reason,
            Event::Message(Word::Double(number, reply)) => reply.send(2 * number),
            event => {
                let (text, pids) = told(&event);
                voice.says(text, &pids);
                notices_left -= u32::from(matches!(event, Event::Notice(_)));
            }
        }
    }
    Reason::Normal
}

/// Sends numbers and bytes to somebody and ends.
#[holm::entry]
pub(crate) async fn talker(mut me: Process<Word>, (voice, to, swaps): (Voice, Pid<Word>, bool)) -> Reason {
    me.link(to);
    voice.enter(&mut me).await;
    for number in 0..20 {
        // The planted fault: two neighbours in the wrong order.
        let number = if swaps && number / 2 == 5 { number ^ 1 } else { number };
        to.send(Word::Number(number)).unwrap();
        if number % 7 == 0 {
            to.send(Word::Bytes(vec![number as u8; 70_000].into())).unwrap();
        }
    }
    Reason::value(&20u64)
}

/// Takes what it gets by choice, not in order.
#[holm::entry]
pub(crate) async fn chooser(mut me: Process<Word>, voice: Voice) {
    me.trap_exits(true);
    voice.enter(&mut me).await;
    let is_bytes = |word: &Word| matches!(word, Word::Bytes(_));
    let is_even = |word: &Word| matches!(word, Word::Number(number) if number % 2 == 0);
    let exit = me.notice_where(|_| true).await;
    for _ in 0..2 {
        let (text, _) = told(&Event::Message(me.receive_where(is_bytes).await));
        voice.says(text, &[]);
    }
    for _ in 0..10 {
        let (text, _) = told(&Event::Message(me.receive_where(is_even).await));
        voice.says(text, &[]);
    }
    while let Some(event) = me.next_within(Duration::ZERO).await {
        let (text, pids) = told(&event);
        voice.says(text, &pids);
    }
    voice.says(format!("nothing more within a while: {:?}", me.next_within(Duration::from_millis(5)).await), &[]);
    let (text, pids) = told(&Event::Notice(exit));
    voice.says(text, &pids);
}

/// Keeps a name and a number.
#[holm::entry]
pub(crate) async fn keeper(mut me: Process<Word>, (voice, name): (Voice, String)) {
    let taken = me.register(&name).and_then(|()| me.register(&name));
    voice.enter(&mut me).await;
    voice.says(format!("{taken:?}"), &[]);
    while let Word::Number(number) = me.receive().await {
        voice.says(format!("keeps {number}"), &[]);
    }
}

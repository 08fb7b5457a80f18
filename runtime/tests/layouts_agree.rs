//! The heart of holm: one program, every layout, every transport, the same observable trace.
//!
//! The program is a play. A director starts actors on the places 0 to 3, which fall on the schedulers of whatever layout
//! there is, and each actor says what it observes: what it receives, in its order, whose exit, which reason, what a call
//! gave. A line goes to the recorder with pids beside the text; at the end the recorder knows every actor's label, puts
//! labels where pids are, and prints the lines actor by actor. So the trace holds what is promised (what each process
//! sees, in its order) and leaves out what is not (how processes interleave).

mod harness;

use harness::program::{Program, role};
use holm::{Entry, Event, Message, Monitor, NodeEvent, Notice, Pid, Process, Reason, Reply, SpawnOptions, Watched};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, collections::HashMap, fmt::Write, time::Duration};

const LIMIT: Duration = Duration::from_secs(30);

/// Set for a program whose actors are to behave differently in one small thing.
const FAULT: &str = "HOLM_TEST_FAULT";

// ---- the stage ----

/// What the recorder is told.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Note {
    /// An actor is on stage; it waits to be answered, so that its end is watched from its beginning.
    Enters { label: String, pid: Pid, go: Reply<()> },
    /// It was answered, and so the recorder's monitor has arrived.
    OnStage,
    /// It says a line; each `{}` stands for one of the pids.
    Says { label: String, text: String, pids: Vec<Pid> },
}

/// An actor's way to the recorder.
#[derive(Clone, Debug, Serialize, Deserialize, Message)]
struct Voice {
    recorder: Pid<Note>,
    label: String,
}

impl Voice {
    fn says(&self, text: impl Into<String>, pids: &[Pid]) {
        let note = Note::Says { label: self.label.clone(), text: text.into(), pids: pids.to_vec() };
        self.recorder.send(note).unwrap();
    }

    async fn enter<M: Message>(&self, me: &mut Process<M>) {
        let pid = me.pid().untyped();
        let label = self.label.clone();
        me.call(self.recorder, |go| Note::Enters { label, pid, go }, LIMIT).await.unwrap();
        self.recorder.send(Note::OnStage).unwrap();
    }

    /// The voice of somebody that this one starts.
    fn of(&self, label: impl Into<String>) -> Voice {
        Voice { recorder: self.recorder, label: label.into() }
    }
}

/// What actors say to each other.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Word {
    Number(u64),
    Pair(u64, u64),
    Bytes(bytes::Bytes),
    Double(u64, Reply<u64>),
    PassOn(Pid<Word>, u64, Reply<u64>),
    Sleep(u64),
    /// A pid on its way through these places and back to the sender.
    Travel {
        traveller: Pid<Word>,
        through: Vec<Pid<Word>>,
        home: Pid<Word>,
    },
    Home(Pid<Word>),
    LinkTo(Pid<Word>, Reply<()>),
    End(Reason),
    Panic,
}

fn place(number: u64) -> SpawnOptions {
    SpawnOptions::new().place(holm::Place::Hash(number))
}

/// Starts an actor, and waits until it is on stage.
async fn start<M, E, A>(
    me: &mut Process<M>,
    entry: impl FnOnce() -> E,
    argument: A,
    options: SpawnOptions,
) -> (Pid<E::Message>, Option<Monitor>)
where
    M: Message,
    E: Entry<Argument = A>,
{
    let spawned = me.spawn_entry(entry, argument, options).await.unwrap();
    (spawned.pid, spawned.monitor)
}

/// What an event says, and the pids in it.
fn told(event: &Event<Word>) -> (String, Vec<Pid>) {
    match event {
        Event::Message(Word::Bytes(bytes)) => (format!("{} bytes, sum {}", bytes.len(), sum(bytes)), Vec::new()),
        Event::Message(Word::Number(number)) => (format!("number {number}"), Vec::new()),
        Event::Message(other) => (format!("{other:?}"), Vec::new()),
        Event::Notice(Notice::Exit { from, reason }) => (format!("exit of {{}}: {}", why(reason)), vec![*from]),
        Event::Notice(Notice::Down { watched, reason, .. }) => {
            (format!("down of {{}}: {}", why(reason)), watched.pid().into_iter().collect())
        }
        Event::Notice(Notice::Node(NodeEvent::Up { .. } | NodeEvent::Down { .. })) => {
            ("a node event".into(), Vec::new())
        }
    }
}

/// A reason in words, with its value.
fn why(reason: &Reason) -> String {
    match reason.get::<u64>() {
        Some(value) => format!("{reason} {value}"),
        None => reason.to_string(),
    }
}

fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(bytes.len() as u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte))
}

// ---- the actors ----

/// A tree of processes, linked and monitored; each gives its parent the number of those under it.
#[holm::entry]
async fn branch(mut me: Process<Word>, (voice, depth, parent): (Voice, u64, Option<(u64, Pid<Word>)>)) {
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
async fn servant(mut me: Process<Word>, voice: Voice) -> Reason {
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
struct Watch {
    other: Option<Pid<Word>>,
    traps: bool,
    monitors: bool,
    /// It ends after so many notices: whoever sees the same end earlier on another way is not to hurry it.
    notices: u32,
}

/// Watches another, and says all that comes.
#[holm::entry]
async fn watcher(mut me: Process<Word>, (voice, watch): (Voice, Watch)) -> Reason {
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
async fn talker(mut me: Process<Word>, (voice, to, swaps): (Voice, Pid<Word>, bool)) -> Reason {
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
async fn chooser(mut me: Process<Word>, voice: Voice) {
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
async fn keeper(mut me: Process<Word>, (voice, name): (Voice, String)) {
    let taken = me.register(&name).and_then(|()| me.register(&name));
    voice.enter(&mut me).await;
    voice.says(format!("{taken:?}"), &[]);
    while let Word::Number(number) = me.receive().await {
        voice.says(format!("keeps {number}"), &[]);
    }
}

// ---- the scenes ----

/// Plays all scenes, one after another.
#[holm::entry]
async fn director(mut me: Process<Word>, (voice, faulty): (Voice, bool)) {
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
async fn settle(me: &mut Process<Word>, servant: Pid<Word>) {
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

// ---- the recorder ----

#[derive(Default)]
struct Stage {
    labels: HashMap<Pid, String>,
    lines: BTreeMap<String, Vec<(String, Vec<Pid>)>>,
    entered: usize,
    awaited: Option<(usize, Reply<()>)>,
}

impl Stage {
    /// Answers whoever waits for newcomers, when they are all there.
    fn on_stage(&mut self) {
        if let Some((newcomers, _)) = &self.awaited
            && self.entered >= *newcomers
        {
            let (newcomers, go) = self.awaited.take().unwrap();
            self.entered -= newcomers;
            go.send(());
        }
    }

    fn trace(&self) -> String {
        let mut trace = String::new();
        for (label, lines) in &self.lines {
            for (text, pids) in lines {
                let line = pids.iter().fold(text.clone(), |line, pid| {
                    line.replacen("{}", self.labels.get(pid).map_or("a stranger", String::as_str), 1)
                });
                writeln!(trace, "{label}: {line}").unwrap();
            }
        }
        trace
    }
}

/// The program's first process: it writes down what is said until the stage is empty.
async fn recorder(mut me: Process<Note>, faulty: bool) {
    let loud = std::env::var_os("HOLM_TEST_LOUD").is_some(); // for whoever looks for a play that stops
    let (mut stage, mut on_stage) = (Stage::default(), 1);
    let voice = Voice { recorder: me.pid(), label: "director".into() };
    me.spawn_entry(director, (voice, faulty), place(0)).await.unwrap();
    while on_stage > 0 {
        match me.next().await {
            Event::Message(Note::Enters { label, go, .. }) if label.starts_with('+') => {
                stage.awaited = Some((label[1..].parse().unwrap(), go));
            }
            Event::Message(Note::Enters { label, pid, go }) => {
                me.monitor(pid);
                on_stage += usize::from(label != "director");
                stage.labels.insert(pid, label);
                go.send(());
            }
            Event::Message(Note::OnStage) => stage.entered += 1,
            Event::Message(Note::Says { label, text, pids }) => {
                if loud {
                    eprintln!("{label}: {text}");
                }
                stage.lines.entry(label).or_default().push((text, pids));
            }
            Event::Notice(Notice::Down { watched: Watched::Process(pid), reason, .. }) => {
                on_stage -= 1;
                let label = stage.labels[&pid].clone();
                stage.lines.entry(label).or_default().push((format!("ends: {}", why(&reason)), Vec::new()));
            }
            Event::Notice(other) => panic!("the recorder traps nothing, but {other:?} came"),
        }
        stage.on_stage();
    }
    for line in stage.trace().lines() {
        println!("trace {line}");
    }
}

// ---- the tests ----

#[test]
fn the_program() {
    let Some(_) = role() else { return };
    let faulty = std::env::var_os(FAULT).is_some();
    holm::block_on(move |me| recorder(me, faulty)).unwrap();
}

/// Runs the play under a layout.
fn trace(layout: &str, transport: &str, faulty: bool) -> Vec<String> {
    let mut program = Program::new("play", layout, transport);
    if faulty {
        program = program.variable(FAULT, "1");
    }
    let outcome = program.run();
    assert!(outcome.status.success() && outcome.in_time, "{layout} {transport}: {}", outcome.story());
    outcome.stdout.lines().filter_map(|line| line.strip_prefix("trace ")).map(str::to_owned).collect()
}

/// Where two traces differ, with a few lines around the first place; nothing if they agree.
fn difference(expected: &[String], actual: &[String]) -> Option<String> {
    let agree = expected.iter().zip(actual).take_while(|(expected, actual)| expected == actual).count();
    if agree == expected.len().max(actual.len()) {
        return None;
    }
    let mut text = format!("the traces differ at line {}:\n", agree + 1);
    for line in &expected[agree.saturating_sub(3)..agree] {
        writeln!(text, "    {line}").unwrap();
    }
    for line in expected[agree..].iter().take(5) {
        writeln!(text, "  - {line}").unwrap();
    }
    for line in actual[agree..].iter().take(5) {
        writeln!(text, "  + {line}").unwrap();
    }
    Some(text)
}

/// What all others must show.
fn expected() -> &'static [String] {
    static EXPECTED: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    EXPECTED.get_or_init(|| trace("1x2", "shm", false))
}

fn assert_agrees(layout: &str, transport: &str) {
    if let Some(difference) = difference(expected(), &trace(layout, transport, false)) {
        panic!("{layout} {transport} does not do what 1x2 does: {difference}");
    }
}

#[test]
fn the_play_shows_what_it_is_about() {
    let trace = expected();
    assert!(trace.len() > 250, "{} lines", trace.len());
    let told = [
        "director: down of one that gives a value: value of type u64 404",
        "one that is killed, watcher 2: ends: killed",
        "one that ends with kill, watcher 0: exit of one that ends with kill: kill",
        "one that returns, watcher 2: ends: normal",
        "one that panics, watcher 1: exit of one that panics: panic: as it was told",
        "director: desk 3 is desk 3",
        "director: Ok(42)",
        "director: Err(Timeout)",
        "director: traveller comes back as itself: true",
    ];
    for line in told {
        assert!(trace.iter().any(|other| other == line), "it is not said that '{line}' in:\n{}", trace.join("\n"));
    }
}

#[test]
fn a_second_run_agrees() {
    assert_agrees("1x2", "shm");
}

#[test]
fn one_scheduler_agrees() {
    assert_agrees("1x1", "shm");
}

#[test]
fn two_nodes_over_shared_memory_agree() {
    assert_agrees("2x1", "shm");
}

#[test]
fn two_nodes_over_tcp_agree() {
    assert_agrees("2x1", "tcp");
}

#[test]
fn two_nodes_over_unix_sockets_agree() {
    assert_agrees("2x1", "unix");
}

#[test]
fn two_nodes_of_two_schedulers_agree() {
    assert_agrees("2x2", "shm");
}

#[test]
fn four_schedulers_of_one_node_agree() {
    assert_agrees("1x4", "shm");
}

#[test]
fn four_nodes_agree() {
    assert_agrees("4x1", "shm");
    assert_agrees("4x1", "tcp");
}

/// Without this the tests above could be passed by a trace that says nothing.
#[test]
fn a_planted_fault_is_caught_and_shown() {
    let difference = difference(expected(), &trace("2x1", "shm", true)).expect("two messages have changed places");
    assert!(
        difference.contains("  - listener 1: number 10") && difference.contains("  + listener 1: number 11"),
        "{difference}"
    );
}

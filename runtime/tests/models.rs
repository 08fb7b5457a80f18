//! Models of the protocols between processes: links, monitors by name, open calls, and names against ends, in all
//! interleavings of small cases. What is modelled is the code that runs: the files of `src/` that decide, as plain data.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p holm --release --test models`; with `--cfg mutant` beside it, each must
//! fail, because each of those files has a mistake planted then.
#![cfg(loom)]

#[allow(dead_code, reason = "the models use a part of it")]
#[path = "../src/bonds/calls.rs"]
mod calls;
#[allow(dead_code, reason = "the models use a part of it")]
#[path = "../src/bonds/links.rs"]
mod links;
#[allow(dead_code, reason = "the models use a part of it")]
#[path = "../src/mailbox/marks.rs"]
mod marks;
#[allow(dead_code, reason = "the models use a part of it")]
#[path = "../src/bonds/monitors.rs"]
mod monitors;
#[allow(dead_code, unreachable_pub)]
#[path = "../src/pid.rs"]
mod pid;
#[allow(dead_code, unreachable_pub)]
#[path = "../src/names/table.rs"]
mod table;

use calls::Calls;
use links::Links;
use loom::{sync::Arc, sync::Mutex, thread};
use monitors::Monitors;
use pid::{NodeId, RawPid};
use std::collections::VecDeque;
use table::{NameError, Names};

/// What a pid looks for there.
mod mailbox {
    pub(crate) use crate::marks::Marks;
}

/// What the table of names takes for its lock.
mod lock {
    #[derive(Debug, Default)]
    pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn read(&self) -> loom::sync::RwLockReadGuard<'_, T> {
            self.0.read().unwrap()
        }

        pub(crate) fn write(&self) -> loom::sync::RwLockWriteGuard<'_, T> {
            self.0.write().unwrap()
        }
    }
}

const NODE: NodeId = NodeId(1);
const A: RawPid = RawPid { node: NODE, slot: 1, generation: 0 };
const B: RawPid = RawPid { node: NODE, slot: 2, generation: 0 };

/// A process's door: letters in order, until it is closed.
struct Door<L>(Mutex<Option<VecDeque<L>>>);

impl<L> Door<L> {
    fn new() -> Arc<Self> {
        Arc::new(Door(Mutex::new(Some(VecDeque::new()))))
    }

    /// Gives the letter back if the door is closed.
    fn leave(&self, letter: L) -> Result<(), L> {
        match &mut *self.0.lock().unwrap() {
            Some(letters) => Ok(letters.push_back(letter)),
            None => Err(letter),
        }
    }

    fn take(&self) -> VecDeque<L> {
        self.0.lock().unwrap().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// What was not taken.
    fn close(&self) -> VecDeque<L> {
        self.0.lock().unwrap().take().unwrap_or_default()
    }
}

// ---- links ----

enum LinkSignal {
    Link,
    Unlink(u64),
    Ack(u64),
}

/// One of two processes that link and unlink each other.
struct Partner {
    links: Links,
    other: RawPid,
    door: Arc<Door<LinkSignal>>,
    others_door: Arc<Door<LinkSignal>>,
}

impl Partner {
    fn tell(&self, signal: LinkSignal) {
        assert!(self.others_door.leave(signal).is_ok());
    }

    fn link(&mut self) {
        if self.links.link(self.other) {
            self.tell(LinkSignal::Link);
        }
    }

    fn unlink(&mut self, number: u64) {
        if self.links.unlink(self.other, number) {
            self.tell(LinkSignal::Unlink(number));
        }
    }

    /// Takes what has come; false if nothing had.
    fn receive(&mut self) -> bool {
        let letters = self.door.take();
        let some = !letters.is_empty();
        for letter in letters {
            match letter {
                LinkSignal::Link => self.links.linked_by(self.other),
                LinkSignal::Unlink(number) => {
                    self.links.unlinked_by(self.other);
                    self.tell(LinkSignal::Ack(number));
                }
                LinkSignal::Ack(number) => self.links.unlink_acknowledged(self.other, number),
            }
        }
        some
    }
}

fn linked_partners() -> (Partner, Partner) {
    let (to_a, to_b) = (Door::new(), Door::new());
    let mut a = Partner { links: Links::default(), other: B, door: to_a.clone(), others_door: to_b.clone() };
    let mut b = Partner { links: Links::default(), other: A, door: to_b, others_door: to_a };
    a.link();
    assert!(b.receive());
    (a, b)
}

/// L-11: A unlinks and links again while B unlinks. In the end both see a link, or neither does.
#[test]
fn model_unlink_and_link_against_unlink() {
    loom::model(|| {
        let (mut a, mut b) = linked_partners();
        let one = thread::spawn(move || {
            a.unlink(1);
            a.receive();
            a.link();
            a.receive();
            a
        });
        b.receive();
        b.unlink(2);
        b.receive();
        let mut a = one.join().unwrap();
        while a.receive() | b.receive() {}
        assert_eq!(a.links.is_linked(B), b.links.is_linked(A), "they do not agree");
        assert_eq!(a.links.len(), usize::from(a.links.is_linked(B)), "A waits for ever");
        assert_eq!(b.links.len(), usize::from(b.links.is_linked(A)), "B waits for ever");
    });
}

// ---- monitors by name ----

enum MonitorSignal {
    Monitor(u64),
    Demonitor(u64),
    Found(RawPid, u64),
    Down(RawPid, u64),
}

/// What the node of a name does with the request to watch it: see `names::watch`.
fn watch_for(watcher: &Door<MonitorSignal>, holder: &Door<MonitorSignal>) {
    if holder.leave(MonitorSignal::Monitor(1)).is_err() {
        let _ = watcher.leave(MonitorSignal::Down(B, 1));
    }
    assert!(watcher.leave(MonitorSignal::Found(B, 1)).is_ok());
}

/// The holder of a name takes what has come.
fn hold(monitors: &mut Monitors, letters: VecDeque<MonitorSignal>) {
    for letter in letters {
        match letter {
            MonitorSignal::Monitor(monitor) => monitors.watched_by(A, monitor),
            MonitorSignal::Demonitor(monitor) => monitors.unwatched_by(A, monitor),
            _ => unreachable!("it watches nobody"),
        }
    }
}

/// The watcher takes what has come; how many downs took effect.
fn hear(monitors: &mut Monitors, door: &Door<MonitorSignal>, holder: &Door<MonitorSignal>) -> usize {
    let mut downs = 0;
    for letter in door.take() {
        match letter {
            MonitorSignal::Found(pid, monitor) if !monitors.found(monitor, pid) => {
                let _ = holder.leave(MonitorSignal::Demonitor(monitor));
            }
            MonitorSignal::Found(..) => {}
            MonitorSignal::Down(pid, monitor) => downs += usize::from(monitors.fired(monitor, pid).is_some()),
            _ => unreachable!("nobody watches it"),
        }
    }
    downs
}

/// M-09 against the holder's end: one `Down`, in whatever order it, `Found` and the end come.
#[test]
fn model_monitor_by_name_against_end() {
    loom::model(|| {
        let (to_a, to_b) = (Door::new(), Door::new());
        let mut a = Monitors::default();
        a.watch_name(1, NODE, "name".into());
        let node = thread::spawn({
            let (to_a, to_b) = (to_a.clone(), to_b.clone());
            move || watch_for(&to_a, &to_b)
        });
        let holder = thread::spawn({
            let (to_a, to_b) = (to_a.clone(), to_b.clone());
            move || {
                let mut b = Monitors::default();
                hold(&mut b, to_b.close());
                b.watchers().for_each(|(_, monitor)| drop(to_a.leave(MonitorSignal::Down(B, monitor))));
            }
        });
        let early = hear(&mut a, &to_a, &to_b);
        node.join().unwrap();
        holder.join().unwrap();
        assert_eq!(early + hear(&mut a, &to_a, &to_b), 1);
        assert!(a.unwatch(1).is_none(), "it is used up");
    });
}

/// M-09 against a demonitor: the holder keeps no record, and nothing fires.
#[test]
fn model_monitor_by_name_against_demonitor() {
    loom::model(|| {
        let (to_a, to_b) = (Door::new(), Door::new());
        let mut a = Monitors::default();
        a.watch_name(1, NODE, "name".into());
        let node = thread::spawn({
            let (to_a, to_b) = (to_a.clone(), to_b.clone());
            move || watch_for(&to_a, &to_b)
        });
        assert_eq!(hear(&mut a, &to_a, &to_b), 0);
        if let Some(known) = a.unwatch(1).filter(|pid| !pid.is_nobody()) {
            assert_eq!(known, B);
            assert!(to_b.leave(MonitorSignal::Demonitor(1)).is_ok());
        }
        node.join().unwrap();
        assert_eq!(hear(&mut a, &to_a, &to_b), 0);
        let mut b = Monitors::default();
        hold(&mut b, to_b.take());
        assert_eq!(b.watchers().count(), 0, "the holder is watched by nobody");
    });
}

// ---- calls ----

/// An answer, word that none comes, and a caller that looks and then gives up: the first that came counts, once.
#[test]
fn model_answer_against_drop_and_abandon() {
    loom::model(|| {
        let door = Door::new();
        let mut calls = Calls::default();
        calls.begin(7, NODE, None);
        let senders = ["answer", "no answer"].map(|end| {
            let door = door.clone();
            thread::spawn(move || assert!(door.leave(end).is_ok()))
        });
        let (mut first, mut taken) = (None, None);
        for look in 0..2 {
            for end in door.take() {
                first.get_or_insert(end);
                let _ = calls.settle(7, end);
            }
            taken = taken.or(calls.take_settled(7));
            assert_eq!(taken, first, "at look {look}");
        }
        calls.abandon(7);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        for late in door.take() {
            assert_eq!(calls.settle(7, late), Err(late), "nobody waits any more");
        }
        assert_eq!((calls.take_settled(7), calls.len()), (None, 0));
    });
}

// ---- names ----

/// a name is given to a process while that ends. When its end can be seen, the name is free.
#[test]
fn model_name_given_against_end() {
    loom::model(|| {
        let (names, door) = (Arc::new(Names::default()), Door::new());
        let giver = thread::spawn({
            let (names, door) = (names.clone(), door.clone());
            move || names.give("name", B, || door.leave(()).is_ok())
        });
        // The end, in the order of `reap.rs`: the door is closed, what lies there is looked at, the names are free.
        if !door.close().is_empty() {
            names.release(B);
        }
        let given = giver.join().unwrap();
        assert_eq!(names.whereis("name"), None, "{given:?}");
        assert!(matches!(given, Ok(()) | Err(NameError::NoProcess(_))) && names.agree());
    });
}

/// A process is spawned under a name, which is reserved, handed over, and freed at its end, while another frees the name
/// and takes it.
#[test]
fn model_spawn_under_a_name_against_another_owner() {
    loom::model(|| {
        let names = Arc::new(Names::default());
        let other = thread::spawn({
            let names = names.clone();
            move || {
                names.unregister("name");
                names.register("name", B).is_ok()
            }
        });
        let nobody = RawPid::nobody(NODE);
        if names.register("name", nobody).is_ok() && names.hand_over("name", nobody, A) {
            names.release(A);
        }
        let taken = other.join().unwrap();
        assert_eq!(names.whereis("name"), taken.then_some(B));
        assert!(names.agree());
    });
}

//! What all of the play share: the words that actors say to each other, their voice to the recorder, and how what they
//! observe becomes text.

use holm::{Entry, Event, Message, Monitor, NodeEvent, Notice, Pid, Process, Reason, Reply, SpawnOptions};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Longer than any wait of the play.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// What the recorder is told.
#[derive(Debug, Serialize, Deserialize, Message)]
pub(crate) enum Note {
    /// An actor is on stage; it waits to be answered, so that its end is watched from its beginning.
    Enters { label: String, pid: Pid, go: Reply<()> },
    /// It was answered, and so the recorder's monitor has arrived.
    OnStage,
    /// It says a line; each `{}` stands for one of the pids.
    Says { label: String, text: String, pids: Vec<Pid> },
}

/// An actor's way to the recorder.
#[derive(Clone, Debug, Serialize, Deserialize, Message)]
pub(crate) struct Voice {
    pub(crate) recorder: Pid<Note>,
    pub(crate) label: String,
}

impl Voice {
    pub(crate) fn says(&self, text: impl Into<String>, pids: &[Pid]) {
        let note = Note::Says { label: self.label.clone(), text: text.into(), pids: pids.to_vec() };
        self.recorder.send(note).unwrap();
    }

    pub(crate) async fn enter<M: Message>(&self, me: &mut Process<M>) {
        let pid = me.pid().untyped();
        let label = self.label.clone();
        me.call(self.recorder, |go| Note::Enters { label, pid, go }, LIMIT).await.unwrap();
        self.recorder.send(Note::OnStage).unwrap();
    }

    /// The voice of somebody that this one starts.
    pub(crate) fn of(&self, label: impl Into<String>) -> Voice {
        Voice { recorder: self.recorder, label: label.into() }
    }
}

/// What actors say to each other.
#[derive(Debug, Serialize, Deserialize, Message)]
pub(crate) enum Word {
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

pub(crate) fn place(number: u64) -> SpawnOptions {
    SpawnOptions::new().place(holm::Place::Hash(number))
}

/// Starts an actor, and waits until it is on stage.
pub(crate) async fn start<M, E, A>(
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
pub(crate) fn told(event: &Event<Word>) -> (String, Vec<Pid>) {
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
pub(crate) fn why(reason: &Reason) -> String {
    match reason.get::<u64>() {
        Some(value) => format!("{reason} {value}"),
        None => reason.to_string(),
    }
}

pub(crate) fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(bytes.len() as u32, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte))
}

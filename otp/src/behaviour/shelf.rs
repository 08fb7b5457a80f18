//! The shelf of a behaviour's process: where its state lies while it waits, and what it does while it works.
//!
//! It serves [`sys::inspect`](crate::sys::inspect), which must not wait for the process to run. The process takes its
//! state from the shelf when it has something to do, and puts it back only when it has nothing more: one lock each way
//! per wake-up, none per message. What it does is said in plain atomics that only the process writes.
//!
//! Set aside: a lock that is held during callbacks, which would have to be held over their awaits; and a copy or text of
//! the state that is published after each callback, which costs the server what only a look should cost.
//!
//! All shelves of an OS process are in one table, in shards, from the making of their [`Running`](super::Running) to its
//! end.

use super::State;
use holm::{Pid, clock};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::sys::{Doing, Inspection};

/// What a behaviour's process can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[repr(u8)]
pub enum Callback {
    /// The start, before whoever started it goes on.
    Init,
    /// A message.
    Message,
    /// A notice.
    Notice,
    /// What was to be done before the next message.
    Continue,
    /// A time-out.
    Timeout,
    /// The entry of a state.
    Enter,
    /// The end.
    Terminate,
}

impl Callback {
    const ALL: [Callback; 7] = [
        Callback::Init,
        Callback::Message,
        Callback::Notice,
        Callback::Continue,
        Callback::Timeout,
        Callback::Enter,
        Callback::Terminate,
    ];
}

/// In [`Shelf::doing`]: in no callback.
const WAITING: u8 = u8::MAX;

/// See the module's text.
#[derive(Debug)]
pub(super) struct Shelf<S> {
    pid: Pid,
    parent: Option<Pid>,
    made_ns: u64,
    state: Mutex<Option<Box<S>>>,
    label: Mutex<&'static str>,
    /// A [`Callback`], or [`WAITING`]; and since when the last callback runs or ran.
    doing: AtomicU8,
    since_ns: AtomicU64,
    suspended: AtomicBool,
    messages: AtomicU64,
    notices: AtomicU64,
}

impl<S: State> Shelf<S> {
    fn new(pid: Pid, parent: Option<Pid>) -> Self {
        let now_ns = clock::now_ns();
        Shelf {
            pid,
            parent,
            made_ns: now_ns,
            state: Mutex::new(None),
            label: Mutex::new(""),
            doing: AtomicU8::new(Callback::Init as u8),
            since_ns: AtomicU64::new(now_ns),
            suspended: AtomicBool::new(false),
            messages: AtomicU64::new(0),
            notices: AtomicU64::new(0),
        }
    }

    pub(super) fn put(&self, state: Box<S>) {
        *self.state.lock() = Some(state);
    }

    pub(super) fn take(&self) -> Option<Box<S>> {
        self.state.lock().take()
    }

    pub(super) fn begins(&self, callback: Callback) {
        // Ordering: nothing follows from these words but what a person reads, and each is whole; so in all of this file.
        self.since_ns.store(clock::now_ns(), Relaxed);
        self.doing.store(callback as u8, Relaxed);
    }

    pub(super) fn ends(&self) {
        self.doing.store(WAITING, Relaxed);
    }

    /// How long the current callback runs, or the last one is ago, counted from its beginning.
    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_nanos(clock::now_ns().saturating_sub(self.since_ns.load(Relaxed)))
    }

    pub(super) fn suspended(&self, yes: bool) {
        self.suspended.store(yes, Relaxed);
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.load(Relaxed)
    }

    pub(super) fn count_message(&self, label: &'static str, last: &mut &'static str) {
        self.messages.store(self.messages.load(Relaxed) + 1, Relaxed);
        if !std::ptr::eq(*last, label) {
            *last = label;
            *self.label.lock() = label;
        }
    }

    pub(super) fn count_notice(&self) {
        self.notices.store(self.notices.load(Relaxed) + 1, Relaxed);
    }

    fn doing(&self) -> Doing {
        let doing = self.doing.load(Relaxed);
        match Callback::ALL.into_iter().find(|callback| *callback as u8 == doing) {
            Some(callback) => Doing::Running(callback),
            None if self.is_suspended() => Doing::Suspended,
            None => Doing::Waiting,
        }
    }

    /// What can be seen from here, with the text of the state, if the caller has it.
    pub(super) fn describe(&self, state: Option<String>) -> Inspection {
        Inspection {
            pid: self.pid,
            process: holm::process_info(self.pid),
            parent: self.parent,
            behaviour: S::BEHAVIOUR.into(),
            state_type: S::user_type().into(),
            doing: self.doing(),
            last_callback: self.elapsed(),
            age: Duration::from_nanos(clock::now_ns().saturating_sub(self.made_ns)),
            messages: self.messages.load(Relaxed),
            notices: self.notices.load(Relaxed),
            last_message: (*self.label.lock()).into(),
            state,
        }
    }
}

/// The state as text, whatever its code does.
pub(super) fn text<S: State>(state: &S) -> String {
    struct Text<'a, S>(&'a S);
    impl<S: State> fmt::Display for Text<'_, S> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.write(f)
        }
    }
    let mut text = String::new();
    match catch_unwind(AssertUnwindSafe(|| fmt::write(&mut text, format_args!("{}", Text(state))))) {
        Ok(Ok(())) => text,
        Ok(Err(_)) => "(its text failed)".into(),
        Err(_) => "(its text panicked)".into(),
    }
}

/// A shelf whose type of state is not known.
trait Inspected: Send + Sync {
    fn inspect(&self) -> Inspection;
}

impl<S: State> Inspected for Shelf<S> {
    fn inspect(&self) -> Inspection {
        let text = self.state.try_lock().and_then(|state| state.as_deref().map(text));
        self.describe(text)
    }
}

const SHARDS: usize = 64;

type Shard = Mutex<HashMap<Pid, Arc<dyn Inspected>>>;

static SHELVES: LazyLock<[Shard; SHARDS]> = LazyLock::new(|| std::array::from_fn(|_| Mutex::default()));

fn shard(pid: Pid) -> &'static Shard {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(pid);
    &SHELVES[hash as usize % SHARDS]
}

/// A look at a behaviour's process of this OS process.
pub(crate) fn inspect(pid: Pid) -> Option<Inspection> {
    let shelf = shard(pid).lock().get(&pid).cloned();
    shelf.map(|shelf| shelf.inspect())
}

/// A shelf that is in the table as long as this lives.
#[derive(Debug)]
pub(super) struct Listed<S: State>(Arc<Shelf<S>>);

impl<S: State> Listed<S> {
    pub(super) fn new(pid: Pid, parent: Option<Pid>) -> Self {
        let shelf = Arc::new(Shelf::new(pid, parent));
        shard(pid).lock().insert(pid, shelf.clone());
        Listed(shelf)
    }
}

impl<S: State> std::ops::Deref for Listed<S> {
    type Target = Shelf<S>;

    fn deref(&self) -> &Shelf<S> {
        &self.0
    }
}

impl<S: State> Drop for Listed<S> {
    fn drop(&mut self) {
        shard(self.pid).lock().remove(&self.pid);
        // An inspector may hold the shelf a little longer; the state ends with its process.
        drop(self.take());
    }
}

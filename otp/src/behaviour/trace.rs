//! Traces of a behaviour's process: what it received, and how long its callbacks took.
//!
//! What a callback sends is not seen here, and so not traced: a message leaves by `Pid::send`, which knows no behaviour.

use super::Callback;
use holm::{Message, Pid};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where traces of a process go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trace {
    /// Nowhere.
    #[default]
    Off,
    /// To the program's log, as events of `tracing` with the target `holm_otp::trace`.
    Log,
    /// To a process.
    To(Pid<TraceEvent>),
}

/// What happened in a process that is traced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Message)]
pub struct TraceEvent {
    /// In which process.
    pub pid: Pid,
    /// What.
    pub what: Traced,
}

/// See [`TraceEvent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Traced {
    /// It received a message; this is the message's label.
    Message(String),
    /// It received a notice, written out.
    Notice(String),
    /// It did what `sys` asked for; this is the request's name.
    System(String),
    /// A callback is over.
    Callback {
        /// Which.
        callback: Callback,
        /// How long it took.
        took: Duration,
    },
}

impl Trace {
    pub(super) fn tell(self, event: TraceEvent) {
        match self {
            Trace::Off => {}
            Trace::Log => tracing::info!(target: "holm_otp::trace", pid = %event.pid, what = ?event.what),
            // Whoever traces and is gone misses nothing.
            Trace::To(to) => drop(to.send(event)),
        }
    }
}

//! What is seen of a behaviour's process.

use crate::behaviour::Callback;
use holm::{Message, Pid, ProcessInfo};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a behaviour's process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Doing {
    /// It waits for something to do, or is about to look for it.
    Waiting,
    /// It is held, and answers `sys` only.
    Suspended,
    /// It is in this callback.
    Running(Callback),
}

/// What is seen of a behaviour's process, in one look: the parts may be a few instructions apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
#[non_exhaustive]
pub struct Inspection {
    /// The process.
    pub pid: Pid,
    /// What the runtime knows of it: its mailbox, names, ties. Nothing if it has just ended.
    pub process: Option<ProcessInfo>,
    /// Whose trapped exit ends it.
    pub parent: Option<Pid>,
    /// The behaviour: `gen_server`.
    pub behaviour: String,
    /// The name of its state's type.
    pub state_type: String,
    /// What it does.
    pub doing: Doing,
    /// How long ago its current callback, or else the last one, began.
    pub last_callback: Duration,
    /// How long ago it began to start.
    pub age: Duration,
    /// How many messages it has taken out of its mailbox, without those of `sys`.
    pub messages: u64,
    /// How many notices it has taken, without the parent's exit.
    pub notices: u64,
    /// The label of the last message; nothing before the first.
    pub last_message: String,
    /// Its state as text, if it was in no callback.
    pub state: Option<String>,
}

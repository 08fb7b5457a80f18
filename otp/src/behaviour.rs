//! What all behaviours have in common: a process that receives for them, and does by itself what is the same in each.
//!
//! A behaviour's process receives [`Envelope`]s: a message of the user's, or a request of [`sys`](crate::sys) to the
//! process itself. [`Running`] is its loop: it hands out what is for the behaviour, one [`Input`] at a time, and does
//! the rest.
//!
//! | what comes | what `Running` does |
//! | --- | --- |
//! | a message | hands it out |
//! | a notice (a trapped exit, a down, a node) | hands it out |
//! | the parent's exit, trapped | hands out the end, also while suspended |
//! | a request of `sys` | does it, also while suspended |
//! | nothing within the limit | hands out that |
//!
//! While the process waits, its state lies on a shelf where [`sys::inspect`](crate::sys::inspect) may look at it; while
//! it works, the shelf is empty and says in which callback it is. So a look never waits for the process to run.
//!
//! `gen_server` is built on this alone, and so is whatever has other callbacks: implement [`State`], start with
//! [`proc_lib`](crate::proc_lib), make a [`Running`] first of all, and call [`Running::next`] in a loop. In OTP this is
//! spread over `gen`, `sys` and each behaviour's loop.

mod context;
mod envelope;
mod running;
pub(crate) mod shelf;
mod trace;

pub use context::Context;
pub(crate) use envelope::{Change, Request, unsent};
pub use envelope::{Envelope, System};
pub use running::{Input, Running};
pub use shelf::Callback;
pub use trace::{Trace, TraceEvent, Traced};

use holm::Message;
use std::{any::Any, fmt};

/// What a behaviour's process keeps while it runs.
///
/// | function | what it answers |
/// | --- | --- |
/// | [`BEHAVIOUR`](State::BEHAVIOUR) | whose process this is: `"gen_server"` |
/// | [`label`](State::label) | a message's name in traces and inspections |
/// | [`write`](State::write) | the state as text |
/// | [`user_state`](State::user_state) | what `sys::with_state` changes |
pub trait State: Send + 'static {
    /// The messages of its users.
    type Message: Message;

    /// The behaviour's name.
    const BEHAVIOUR: &'static str;

    /// A message's name in traces and inspections.
    fn label(message: &Self::Message) -> &'static str {
        let _ = message;
        Self::Message::NAME
    }

    /// The state as text.
    ///
    /// # Errors
    ///
    /// The formatter's.
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// The state as its user knows it.
    fn user_state(&mut self) -> &mut dyn Any;

    /// The name of the type of [`State::user_state`].
    fn user_type() -> &'static str;
}

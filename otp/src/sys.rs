//! Looking into a behaviour's process, and holding it: OTP's `sys`.
//!
//! [`inspect`] looks from outside and never waits for the process; all others ask the process itself, which answers
//! between two callbacks, also while it is suspended. They work on every behaviour, since all of them receive
//! [`Envelope`]s, and on other nodes, except [`with_state`] and its like: a function cannot cross.
//!
//! ```
//! use holm::{Process, Reply};
//! use holm_otp::{
//!     behaviour::Context,
//!     gen_server::{self, GenServer, Next, StartOptions},
//!     sys,
//! };
//! use std::time::Duration;
//!
//! struct Count(u64);
//!
//! impl GenServer for Count {
//!     type Message = Reply<u64>;
//!
//!     async fn handle(&mut self, reply: Reply<u64>, _: &mut Context<Self::Message>) -> Next {
//!         reply.send(self.0);
//!         Next::Receive
//!     }
//! }
//!
//! const LIMIT: Duration = Duration::from_secs(5);
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let count = gen_server::start_link(&mut me, StartOptions::new(), Count(3)).await.unwrap();
//!     let before = sys::with_state(&mut me, count, |count: &mut Count| std::mem::replace(&mut count.0, 8), LIMIT).await;
//!     assert_eq!(before, Ok(3));
//!     assert_eq!(count.call(&mut me, |reply| reply, LIMIT).await, Ok(8));
//!     assert_eq!(sys::inspect(count).unwrap().messages, 1);
//! })
//! .unwrap();
//! ```

mod inspection;

pub use crate::behaviour::{Trace, TraceEvent, Traced};
pub use inspection::{Doing, Inspection};

use crate::{
    behaviour::{Change, Envelope, Request, System, shelf},
    within::within,
};
use holm::{CallError, Message, Pid, Process, Reason, Reply};
use parking_lot::Mutex;
use std::{
    any::{Any, type_name},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

/// Looks at a behaviour's process of this node from outside, and never waits for it: what it does and since when, what
/// it has done, and its state if it is in no callback. Nothing if there is no such process here.
///
/// The process cannot go on with a state whose text is being written, so that text should not take long.
pub fn inspect(pid: impl Into<Pid>) -> Option<Inspection> {
    shelf::inspect(pid.into())
}

/// Asks a process for what [`inspect`] says, with its state in any case, wherever it runs.
///
/// # Errors
///
/// See [`CallError`].
///
/// # Cancel safety
///
/// As [`Process::call`]; so for all functions here that take a limit.
pub async fn inspect_there<P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    limit: impl Into<Option<Duration>>,
) -> Result<Inspection, CallError> {
    ask(me, process, Request::Inspect, limit).await
}

/// Holds a process: it answers `sys` and nobody else, until it is resumed. What is sent to it stays in its mailbox. It
/// still ends when its parent does.
///
/// # Errors
///
/// See [`CallError`].
pub async fn suspend<P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    limit: impl Into<Option<Duration>>,
) -> Result<(), CallError> {
    ask(me, process, Request::Suspend, limit).await
}

/// Lets a suspended process go on.
///
/// # Errors
///
/// See [`CallError`].
pub async fn resume<P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    limit: impl Into<Option<Duration>>,
) -> Result<(), CallError> {
    ask(me, process, Request::Resume, limit).await
}

/// Says where the traces of a process go.
///
/// # Errors
///
/// See [`CallError`].
pub async fn trace<P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    trace: Trace,
    limit: impl Into<Option<Duration>>,
) -> Result<(), CallError> {
    ask(me, process, |reply| Request::Trace(trace, reply), limit).await
}

async fn ask<P: Message, M: Message, T: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    request: impl FnOnce(Reply<T>) -> Request,
    limit: impl Into<Option<Duration>>,
) -> Result<T, CallError> {
    me.call(process.into(), |reply| Envelope::System(System(request(reply))), limit).await
}

/// Why a state was not seen or changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The process did not answer, or runs on another node.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Its state is of another type than the function takes.
    #[error("the state of the process is no {0}")]
    OtherType(&'static str),
    /// The function panicked; what it had changed by then stays changed, and the process lives on.
    #[error("the function panicked: {0}")]
    Panicked(String),
}

/// Runs a function with the state of a process of this node, in that process, between two callbacks.
///
/// # Errors
///
/// See [`StateError`].
pub async fn with_state<P, M, S, T>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    function: impl FnOnce(&mut S) -> T + Send + 'static,
    limit: impl Into<Option<Duration>>,
) -> Result<T, StateError>
where
    P: Message,
    M: Message,
    S: 'static,
    T: Send + 'static,
{
    let result = Arc::new(Mutex::new(None));
    let there = result.clone();
    let run = move |reply: Reply<()>| {
        move |state: &mut dyn Any| {
            if let Some(state) = state.downcast_mut::<S>() {
                *there.lock() = Some(catch_unwind(AssertUnwindSafe(|| function(state))));
            }
            reply.send(());
        }
    };
    ask(me, process, |reply| Request::Change(Change(Box::new(run(reply)))), limit).await?;
    match result.lock().take() {
        Some(Ok(value)) => Ok(value),
        Some(Err(payload)) => Err(StateError::Panicked(holm::panic_text(&*payload).to_string())),
        None => Err(StateError::OtherType(type_name::<S>())),
    }
}

/// A copy of the state of a process of this node.
///
/// # Errors
///
/// See [`StateError`].
pub async fn get_state<S: Clone + Send + 'static, P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    limit: impl Into<Option<Duration>>,
) -> Result<S, StateError> {
    with_state(me, process, |state: &mut S| state.clone(), limit).await
}

/// Puts another state in the place of that of a process of this node, and gives the one before.
///
/// # Errors
///
/// See [`StateError`].
pub async fn replace_state<S: Send + 'static, P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    state: S,
    limit: impl Into<Option<Duration>>,
) -> Result<S, StateError> {
    with_state(me, process, |old: &mut S| std::mem::replace(old, state), limit).await
}

/// Why a process was not seen to stop as asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// There was no such process.
    #[error("there is no such process")]
    NoProc,
    /// Its node cannot be reached (any more).
    #[error("there is no connection to the node of the process")]
    NoConnection,
    /// It has not ended within the limit; it may still.
    #[error("the process did not end in time")]
    Timeout,
    /// It ended, with another reason.
    #[error("the process ended with another reason: {0}")]
    Ended(Reason),
    /// A process that waits for its own end would wait for ever.
    #[error("a process cannot stop itself and wait for that")]
    Itself,
    /// It runs on another node, and its messages cannot cross.
    #[error("the request could not be sent: {0}")]
    Unsent(String),
}

/// Stops a process: it finishes what it does, its `terminate` runs, it ends with the reason; then this returns.
///
/// # Errors
///
/// See [`StopError`].
///
/// # Cancel safety
///
/// If the wait is dropped, the process ends all the same.
pub async fn stop<P: Message, M: Message>(
    me: &mut Process<P>,
    process: impl Into<Pid<Envelope<M>>>,
    reason: Reason,
    limit: impl Into<Option<Duration>>,
) -> Result<(), StopError> {
    let process = process.into();
    if process == me.pid() {
        return Err(StopError::Itself);
    }
    let monitor = me.monitor(process);
    if let Err(error) = process.send(Envelope::System(System(Request::Stop(reason.clone())))) {
        me.demonitor(monitor);
        return Err(StopError::Unsent(error.to_string()));
    }
    match within(limit.into(), me.down(monitor)).await {
        Some(ended) if ended == reason => Ok(()),
        Some(Reason::NoProc) => Err(StopError::NoProc),
        Some(Reason::NoConnection) => Err(StopError::NoConnection),
        Some(other) => Err(StopError::Ended(other)),
        None => {
            me.demonitor(monitor);
            Err(StopError::Timeout)
        }
    }
}

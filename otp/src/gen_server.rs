//! A process that serves requests: OTP's `gen_server`.
//!
//! A server is a type with its state, one enum of messages, and a function that handles one. A message that wants an
//! answer carries a [`Reply`](holm::Reply): so answers are typed, an answer can come later or from elsewhere, and a call
//! is a cast with a reply in it.
//!
//! ```
//! use holm::{Message, Process, Reply};
//! use holm_otp::gen_server::{self, Context, GenServer, Next, StartOptions};
//! use std::time::Duration;
//!
//! #[derive(Message)]
//! #[message(local)]
//! enum Counter {
//!     Add(u64),
//!     Read(Reply<u64>),
//! }
//!
//! struct Count(u64);
//!
//! impl GenServer for Count {
//!     type Message = Counter;
//!
//!     async fn handle(&mut self, message: Counter, _: &mut Context<Counter>) -> Next {
//!         match message {
//!             Counter::Add(more) => self.0 += more,
//!             Counter::Read(reply) => reply.send(self.0),
//!         }
//!         Next::Receive
//!     }
//! }
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let counter = gen_server::start_link(&mut me, StartOptions::new(), Count(40)).await.unwrap();
//!     counter.cast(Counter::Add(2)).unwrap();
//!     assert_eq!(counter.call(&mut me, Counter::Read, Duration::from_secs(5)).await, Ok(42));
//! })
//! .unwrap();
//! ```
//!
//! `docs/gen_server.md` has the same server in other systems, and what differs from OTP and why.

mod from_fn;
mod many;
mod serve;
mod server_name;
mod server_ref;

pub use crate::{
    behaviour::{Context, Envelope},
    proc_lib::{StartError, StartOptions, Starting},
    sys::StopError,
};
pub use from_fn::{FromFn, from_fn};
pub use many::{Answers, abcast, multi_call};
pub use server_name::ServerName;
pub use server_ref::ServerRef;

use crate::proc_lib;
use holm::{Message, Notice, Pid, Process, Reason};
use std::{
    any::type_name,
    fmt,
    future::{Future, ready},
    time::Duration,
};

/// What a server does after a callback.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Next {
    /// It waits for the next message.
    Receive,
    /// It waits for the next message, and if none comes within this time, [`GenServer::idle`] is called, once.
    ReceiveWithin(Duration),
    /// [`GenServer::continued`] is called, before any message is looked at.
    Continue,
    /// [`GenServer::hibernate`] is called, then it waits for the next message.
    Hibernate,
    /// [`GenServer::terminate`] is called, then it ends with this reason.
    Stop(Reason),
}

/// Nothing to say: it waits for the next message.
impl From<()> for Next {
    fn from((): ()) -> Self {
        Next::Receive
    }
}

/// How a server's [`init`](GenServer::init) went.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Init {
    /// It is ready: whoever started it goes on, and so does the server.
    Ready(Next),
    /// It will not run, and that is no fault: the start returns [`StartError::Ignored`].
    Ignore,
    /// It cannot run: the start returns [`StartError::Failed`].
    Fail(Reason),
}

/// A server: its state, and what it does.
///
/// | callback | called for | answers | if it is left out |
/// | --- | --- | --- | --- |
/// | [`init`](GenServer::init) | the start, in the new process | ready, or why not | ready |
/// | [`handle`](GenServer::handle) | each message | what next | – |
/// | [`info`](GenServer::info) | each notice | what next | a line in the log, and on |
/// | [`continued`](GenServer::continued) | `Next::Continue` | what next | on |
/// | [`idle`](GenServer::idle) | no message within `Next::ReceiveWithin` | what next | on |
/// | [`hibernate`](GenServer::hibernate) | `Next::Hibernate` | – | nothing |
/// | [`terminate`](GenServer::terminate) | the end, unless a signal ends it | – | nothing |
/// | [`write_state`](GenServer::write_state) | an inspection | the state as text | the type's name |
/// | [`label`](GenServer::label) | each message | its name in traces | the name of its type |
///
/// All but the last two may await; while one does, the server handles nothing else, and an exit signal that it does not
/// trap ends it there. A callback that panics ends the server with [`Reason::Panic`], after `terminate`.
pub trait GenServer: Send + Sized + 'static {
    /// What it is sent: casts, and calls with a [`Reply`](holm::Reply).
    type Message: Message;

    /// Prepares the server, in its own process; whoever starts it waits meanwhile.
    fn init(&mut self, context: &mut Context<Self::Message>) -> impl Future<Output = Init> + Send {
        let _ = context;
        ready(Init::Ready(Next::Receive))
    }

    /// Handles a message.
    fn handle(
        &mut self,
        message: Self::Message,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Next> + Send;

    /// Handles a notice: a trapped exit that is not the parent's, the end of a monitored process, a node.
    fn info(&mut self, notice: Notice, context: &mut Context<Self::Message>) -> impl Future<Output = Next> + Send {
        let pid = context.pid();
        tracing::warn!(server = type_name::<Self>(), %pid, ?notice, "a notice that the server does not expect");
        ready(Next::Receive)
    }

    /// Does what is to be done before any message, as [`Next::Continue`] asked.
    fn continued(&mut self, context: &mut Context<Self::Message>) -> impl Future<Output = Next> + Send {
        let _ = context;
        ready(Next::Receive)
    }

    /// Nothing came within the time of [`Next::ReceiveWithin`].
    fn idle(&mut self, context: &mut Context<Self::Message>) -> impl Future<Output = Next> + Send {
        let _ = context;
        ready(Next::Receive)
    }

    /// Gives back memory that it does not need while it waits.
    fn hibernate(&mut self) {}

    /// Cleans up before the server ends with this reason. It is not called when an exit signal ends the server that it
    /// does not trap.
    fn terminate(&mut self, reason: &Reason, context: &mut Context<Self::Message>) -> impl Future<Output = ()> + Send {
        let _ = (reason, context);
        ready(())
    }

    /// Writes the state for [`sys::inspect`](crate::sys::inspect); with `Debug`: `write!(f, "{self:?}")`.
    ///
    /// # Errors
    ///
    /// The formatter's.
    fn write_state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<Self>())
    }

    /// A message's name in traces and inspections.
    fn label(message: &Self::Message) -> &'static str {
        let _ = message;
        Self::Message::NAME
    }
}

/// Starts a server that is linked to this process, and waits until its [`init`](GenServer::init) is done.
///
/// # Errors
///
/// See [`StartError`]. The process has ended then, and its name is free.
///
/// # Cancel safety
///
/// If the wait is dropped, the server goes on starting, linked.
pub async fn start_link<P: Message, S: GenServer>(
    me: &mut Process<P>,
    options: StartOptions,
    server: S,
) -> Result<ServerRef<S::Message>, StartError> {
    start_link_with(me, options, async { Ok(server) }).await
}

/// As [`start_link`], without the link.
///
/// # Errors
///
/// As [`start_link`].
///
/// # Cancel safety
///
/// If the wait is dropped, the server goes on starting.
pub async fn start<P: Message, S: GenServer>(
    me: &mut Process<P>,
    options: StartOptions,
    server: S,
) -> Result<ServerRef<S::Message>, StartError> {
    start_with(me, options, async { Ok(server) }).await
}

/// As [`start_link`], for a server that is made in its own process: by a future, whose error is the reason why the
/// start failed. [`GenServer::init`] is called after it.
///
/// # Errors
///
/// As [`start_link`].
///
/// # Cancel safety
///
/// As [`start_link`].
pub async fn start_link_with<P: Message, S: GenServer>(
    me: &mut Process<P>,
    options: StartOptions,
    make: impl Future<Output = Result<S, Reason>> + Send + 'static,
) -> Result<ServerRef<S::Message>, StartError> {
    let started = proc_lib::start_link(me, options, |me, starting| serve::enter(me, starting, make)).await;
    started.map(ServerRef::from)
}

/// As [`start_link_with`], without the link.
///
/// # Errors
///
/// As [`start_link`].
///
/// # Cancel safety
///
/// As [`start`].
pub async fn start_with<P: Message, S: GenServer>(
    me: &mut Process<P>,
    options: StartOptions,
    make: impl Future<Output = Result<S, Reason>> + Send + 'static,
) -> Result<ServerRef<S::Message>, StartError> {
    let started = proc_lib::start(me, options, |me, starting| serve::enter(me, starting, make)).await;
    started.map(ServerRef::from)
}

/// Makes a server of this process, which runs already and owes nobody a word about its start. [`GenServer::init`] is not
/// called; the trapped exit of the parent, if one is given, ends the server.
///
/// ```
/// use holm::{Process, Reply};
/// use holm_otp::gen_server::{self, Next, ServerRef};
/// use std::time::Duration;
///
/// holm::block_on(async |mut me: Process<()>| {
///     let parent = me.pid().untyped();
///     let body = async move |me| {
///         let server = gen_server::from_fn(7, |seven, reply: Reply<u64>| reply.send(*seven));
///         gen_server::enter_loop(me, Some(parent), server, Next::Receive).await
///     };
///     let seven = ServerRef::from(me.spawn_link(body).unwrap());
///     assert_eq!(seven.call(&mut me, |reply| reply, Duration::from_secs(5)).await, Ok(7));
/// })
/// .unwrap();
/// ```
///
/// # Cancel safety
///
/// As [`enter`].
pub async fn enter_loop<S: GenServer>(
    me: Process<Envelope<S::Message>>,
    parent: Option<Pid>,
    server: S,
    next: Next,
) -> Reason {
    serve::enter_loop(me, parent, server, next).await
}

/// Makes a server of this process, until it ends: for the body of an `#[holm::entry]`, which
/// [`proc_lib::start_link_entry`] starts on any node. The reason is for the body to return.
///
/// # Cancel safety
///
/// It is not to be dropped before it has ended: the server would end without its `terminate`.
pub async fn enter<S: GenServer>(me: Process<Envelope<S::Message>>, starting: Starting, server: S) -> Reason {
    serve::enter(me, starting, async { Ok(server) }).await
}

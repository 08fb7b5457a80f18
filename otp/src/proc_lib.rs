//! How a process starts under another: linked, and with an acknowledgement, so that the starter goes on only when the
//! new process is ready, or knows why it is not. All behaviours start this way, and supervisors count on it.
//!
//! ```
//! use holm::Process;
//! use holm_otp::proc_lib::{self, StartError, StartOptions, Starting};
//!
//! async fn careful(mut me: Process<String>, starting: Starting, valid: bool) {
//!     match valid {
//!         true => starting.ready(),
//!         false => return starting.ignore(&mut me),
//!     }
//!     me.receive().await; // … its work
//! }
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let options = StartOptions::default();
//!     proc_lib::start_link(&mut me, options.clone(), |me, starting| careful(me, starting, true)).await.unwrap();
//!     let refused = proc_lib::start_link(&mut me, options, |me, starting| careful(me, starting, false)).await;
//!     assert_eq!(refused, Err(StartError::Ignored));
//! })
//! .unwrap();
//! ```
//!
//! After Erlang's `proc_lib:start_link/5` and `init_ack/2`. When a start fails, the new process has ended, and its name
//! is free, before the starter hears of it; and its link is gone before it ends, so that a failed start is a value in
//! the starter and no exit signal as well; only one that ends without a word, or is killed, reaches it by the link too
//! (OTP 26 takes that signal out of the mailbox of a starter that traps exits,
//! and ends one that does not).

use holm::{
    CallError, Entry, IntoReason, Message, NameError, Pid, Process, Reason, Reply, Request, SpawnError, SpawnOptions,
    Spawned, exit, whereis_untyped,
};
use serde::{Deserialize, Serialize};
use std::{
    any::Any,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

/// Why a process did not start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It chose not to run, and ended normally.
    #[error("the process chose not to start")]
    Ignored,
    /// It was not ready within the limit, and was killed.
    #[error("the process was not ready in time, and was killed")]
    Timeout,
    /// It ended with this reason before it was ready.
    #[error("the process failed to start: {0}")]
    Failed(Reason),
    /// A process with that name runs already.
    #[error("{0} runs under that name already")]
    AlreadyStarted(Pid),
    /// It could not be spawned.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// How a process is started.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct StartOptions {
    pub(crate) spawn: SpawnOptions,
    limit: Option<Duration>,
}

impl StartOptions {
    /// As [`holm::spawn`] would, and without a limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it runs, and how: links and monitors are set by the start whatever these options say.
    pub fn spawn(self, spawn: SpawnOptions) -> Self {
        StartOptions { spawn, ..self }
    }

    /// Under a name in its node.
    pub fn name(self, name: &str) -> Self {
        StartOptions { spawn: self.spawn.name(name), ..self }
    }

    /// How long it may take until it is ready.
    pub fn limit(self, limit: Duration) -> Self {
        StartOptions { limit: Some(limit), ..self }
    }

    fn ties(&self, linked: bool) -> SpawnOptions {
        let spawn = self.spawn.clone().monitor();
        if linked { spawn.link() } else { spawn }
    }
}

/// What a process that starts says to its starter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
enum Acknowledgement {
    Ready,
    Ignore,
    Failed(Reason),
}

/// What a process that starts owes to its starter: one word about how the start went. Dropped without one, it says that
/// the start failed, with the reason why the process ends.
///
/// It crosses a wall, so that it can be in the argument of an `#[holm::entry]`: see [`start_entry`].
#[derive(Debug, Serialize, Deserialize, Message)]
pub struct Starting {
    starter: Pid,
    linked: bool,
    reply: Reply<Acknowledgement>,
}

impl Starting {
    fn new<P: Message>(starter: &mut Process<P>, linked: bool) -> (Self, Request<Acknowledgement>) {
        let (reply, request) = starter.open_call();
        (Starting { starter: starter.pid().untyped(), linked, reply }, request)
    }

    /// Who started this process: its parent.
    pub fn starter(&self) -> Pid {
        self.starter
    }

    /// True if this process is linked to its starter.
    pub fn is_linked(&self) -> bool {
        self.linked
    }

    /// The process is ready: the starter goes on.
    pub fn ready(self) {
        self.reply.send(Acknowledgement::Ready);
    }

    /// The process will not run, and that is no fault. It is to end with [`Reason::Normal`] now.
    pub fn ignore<M: Message>(self, me: &mut Process<M>) {
        self.unlink(me);
        self.reply.send(Acknowledgement::Ignore);
    }

    /// The start failed. The process is to end with the reason now.
    pub fn fail<M: Message>(self, me: &mut Process<M>, reason: Reason) -> Reason {
        self.unlink(me);
        self.reply.send(Acknowledgement::Failed(reason.clone()));
        reason
    }

    /// The start failed by a panic that [`catch`] caught, which goes on here.
    ///
    /// # Panics
    ///
    /// With that panic.
    pub fn resume<M: Message>(self, me: &mut Process<M>, panicked: Panicked) -> ! {
        self.unlink(me);
        resume_unwind(panicked.0)
    }

    fn unlink<M: Message>(&self, me: &mut Process<M>) {
        if self.linked {
            me.unlink(self.starter);
        }
    }
}

/// A panic that was caught: for [`Starting::resume`].
#[derive(Debug)]
pub struct Panicked(Box<dyn Any + Send>);

impl Panicked {
    /// The reason of a process that ends with this panic, which is told now as such.
    pub fn reason<M: Message>(self, me: &mut Process<M>) -> Reason {
        me.panicked(self.0)
    }
}

/// Runs what a process does before it is ready, so that a panic in it reaches the starter as [`StartError::Failed`] and
/// not by the link too.
///
/// # Errors
///
/// The panic.
pub async fn catch<T>(init: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut init = pin!(init);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| init.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(Panicked(payload))),
    })
    .await
}

/// Starts a process that is linked to this one, and waits until it is ready.
///
/// # Errors
///
/// See [`StartError`]. The process has ended then, and its name is free.
///
/// # Cancel safety
///
/// If the wait is dropped, the process goes on starting, linked.
pub async fn start_link<P, M, F, Fut>(
    starter: &mut Process<P>,
    options: StartOptions,
    body: F,
) -> Result<Pid<M>, StartError>
where
    P: Message,
    M: Message,
    F: FnOnce(Process<M>, Starting) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    start_with(starter, options, true, body).await
}

/// As [`start_link`], without the link.
///
/// # Errors
///
/// As [`start_link`].
///
/// # Cancel safety
///
/// If the wait is dropped, the process goes on starting.
pub async fn start<P, M, F, Fut>(starter: &mut Process<P>, options: StartOptions, body: F) -> Result<Pid<M>, StartError>
where
    P: Message,
    M: Message,
    F: FnOnce(Process<M>, Starting) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    start_with(starter, options, false, body).await
}

/// As [`start_link`], with an entry point, wherever the options place it: on this node or another. The entry's argument
/// is the [`Starting`] and what else it needs.
///
/// ```
/// use holm::{Process, SpawnOptions};
/// use holm_otp::proc_lib::{self, StartOptions, Starting};
///
/// #[holm::entry]
/// async fn clock(mut me: Process<()>, (starting, hour): (Starting, u8)) {
///     match hour {
///         0..24 => starting.ready(),
///         _ => return starting.ignore(&mut me),
///     }
///     me.receive().await;
/// }
///
/// holm::block_on(async |mut me: Process<()>| {
///     let there = StartOptions::new().spawn(SpawnOptions::new().scheduler(holm::schedulers() - 1));
///     proc_lib::start_link_entry(&mut me, there, clock, 12).await.unwrap();
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// As [`start_link`]; if the node is lost meanwhile, [`StartError::Failed`] with [`Reason::NoConnection`], and the exit
/// signal by the link.
///
/// # Cancel safety
///
/// As [`start_link`].
pub async fn start_link_entry<P, E, A>(
    starter: &mut Process<P>,
    options: StartOptions,
    entry: impl FnOnce() -> E,
    argument: A,
) -> Result<Pid<E::Message>, StartError>
where
    P: Message,
    E: Entry<Argument = (Starting, A)>,
{
    start_entry_with(starter, options, true, entry, argument).await
}

/// As [`start_link_entry`], without the link.
///
/// # Errors
///
/// As [`start_link_entry`].
///
/// # Cancel safety
///
/// As [`start`].
pub async fn start_entry<P, E, A>(
    starter: &mut Process<P>,
    options: StartOptions,
    entry: impl FnOnce() -> E,
    argument: A,
) -> Result<Pid<E::Message>, StartError>
where
    P: Message,
    E: Entry<Argument = (Starting, A)>,
{
    start_entry_with(starter, options, false, entry, argument).await
}

async fn start_with<P, M, F, Fut>(
    starter: &mut Process<P>,
    options: StartOptions,
    linked: bool,
    body: F,
) -> Result<Pid<M>, StartError>
where
    P: Message,
    M: Message,
    F: FnOnce(Process<M>, Starting) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    let (starting, request) = Starting::new(starter, linked);
    let spawned = starter.spawn_opt(options.ties(linked), |me| body(me, starting));
    started(starter, spawned, request, options.limit).await
}

async fn start_entry_with<P, E, A>(
    starter: &mut Process<P>,
    options: StartOptions,
    linked: bool,
    entry: impl FnOnce() -> E,
    argument: A,
) -> Result<Pid<E::Message>, StartError>
where
    P: Message,
    E: Entry<Argument = (Starting, A)>,
{
    let (starting, request) = Starting::new(starter, linked);
    let spawned = starter.spawn_entry(entry, (starting, argument), options.ties(linked)).await;
    started(starter, spawned, request, options.limit).await
}

/// Waits until a process that was spawned is ready, or has ended.
async fn started<P: Message, M: Message>(
    starter: &mut Process<P>,
    spawned: Result<Spawned<M>, SpawnError>,
    request: Request<Acknowledgement>,
    limit: Option<Duration>,
) -> Result<Pid<M>, StartError> {
    let spawned = match spawned {
        Ok(spawned) => spawned,
        Err(error) => {
            starter.abandon(request);
            return Err(refused(error));
        }
    };
    let (pid, monitor) = (spawned.pid, spawned.monitor.expect("a monitor was asked for"));
    let error = match starter.response(request, limit).await {
        Ok(Acknowledgement::Ready) => {
            starter.demonitor(monitor);
            return Ok(pid);
        }
        Ok(Acknowledgement::Ignore) => StartError::Ignored,
        Ok(Acknowledgement::Failed(reason)) | Err(CallError::Unanswered(reason)) => StartError::Failed(reason),
        Err(CallError::Timeout) => {
            starter.unlink(pid);
            exit(pid, Reason::Kill);
            StartError::Timeout
        }
        Err(error) => StartError::Failed(Reason::error(error)),
    };
    starter.down(monitor).await;
    Err(error)
}

/// A taken name is somebody's: that is who was started before.
pub(crate) fn refused(error: SpawnError) -> StartError {
    match error {
        SpawnError::Name(NameError::Taken(name)) => match whereis_untyped(&name) {
            Some(pid) => StartError::AlreadyStarted(pid),
            None => SpawnError::Name(NameError::Taken(name)).into(),
        },
        error => error.into(),
    }
}

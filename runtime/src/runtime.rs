//! The runtime as an object, for a program that has a main loop of its own and wants processes inside.
//!
//! It is one node in this OS process. Programs in a layout of many nodes begin with [`crate::run`], which makes such an
//! object in each. Two runtimes in one OS process know nothing of each other: a pid of the one is a process of an
//! unknown node to the other.

use crate::{
    engine::Engine,
    layout::{self, Options},
    message::Message,
    pid::Pid,
    process::Process,
    program::Error,
    reason::{IntoReason, Reason},
    spawn::SpawnError,
    stop::StopError,
};
use parking_lot::{Condvar, Mutex};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

/// How long processes may take to end when a runtime is dropped, before they are killed.
const DROP_GRACE: Duration = Duration::from_secs(1);

/// Schedulers and processes inside a host program. Dropping it stops it, with one second of grace.
///
/// ```
/// use holm::{Process, Runtime};
/// use std::time::Duration;
///
/// let runtime = Runtime::new()?;
/// let echo = runtime.spawn(async |mut me: Process<(holm::Pid<u32>, u32)>| {
///     let (from, number) = me.receive().await;
///     from.send(number).unwrap();
/// })?;
/// let to = echo.pid();
/// let answer = runtime.block_on(async move |mut me: Process<u32>| {
///     to.send((me.pid(), 7)).unwrap();
///     me.receive().await
/// })?;
/// assert_eq!(answer, 7);
/// assert!(echo.wait().is_normal());
/// runtime.stop(Duration::from_secs(5)).expect("nothing computes without end");
/// # Ok::<(), holm::Error>(())
/// ```
#[derive(Debug)]
pub struct Runtime(RuntimeHandle);

/// A share of a [`Runtime`]: it can do the same, and does not stop it when it is dropped.
#[derive(Clone, Debug)]
pub struct RuntimeHandle(Arc<Engine>);

impl Runtime {
    /// Starts a node with a scheduler for each usable CPU, not bound to them. The environment (`HOLM_LAYOUT` and the
    /// others) is not read: it speaks to programs, and this is a part of one. Signals of the system are the host's.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub fn new() -> Result<Runtime, Error> {
        Runtime::with(&Options::default())
    }

    /// As [`Runtime::new`], with options: a layout of one node says how many schedulers there are, and a bind type binds
    /// them.
    ///
    /// # Errors
    ///
    /// See [`Error`]; [`Error::Nodes`] if the layout has more than one node.
    pub fn with(options: &Options) -> Result<Runtime, Error> {
        let place = layout::embed(options)?;
        match place.nodes.len() {
            1 => Runtime::start(place, Vec::new()),
            nodes => Err(Error::Nodes { nodes }),
        }
    }

    pub(crate) fn start(place: layout::Place, links: Vec<layout::LinkEnd>) -> Result<Runtime, Error> {
        Engine::start(place, links).map(|engine| Runtime(RuntimeHandle(Arc::new(engine))))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.0
    }

    /// A share of the runtime, for others to spawn on and to stop it with.
    pub fn handle(&self) -> RuntimeHandle {
        self.0.clone()
    }

    /// See [`RuntimeHandle::spawn`].
    ///
    /// # Errors
    ///
    /// See [`SpawnError`].
    pub fn spawn<M, F, Fut>(&self, body: F) -> Result<ProcessHandle<M>, SpawnError>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        self.0.spawn(body)
    }

    /// See [`RuntimeHandle::block_on`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As there.
    pub fn block_on<M, F, Fut>(&self, body: F) -> Result<Fut::Output, Error>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut,
        Fut: Future<Output: Send> + Send + 'static,
    {
        self.0.block_on(body)
    }

    /// See [`RuntimeHandle::stop`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn stop(&self, grace: Duration) -> Result<(), StopError> {
        self.0.stop(grace)
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        match self.stop(DROP_GRACE) {
            Ok(()) => {}
            Err(StopError::Inside) => self.0.begin_stop(DROP_GRACE),
            Err(StopError::StillRunning(still)) => {
                tracing::warn!(target: "holm::runtime", %still, "a runtime is dropped")
            }
        }
    }
}

impl RuntimeHandle {
    /// Spawns a process. `body` is called on this thread, what it returns runs on a scheduler.
    ///
    /// If it races with a stop, it fails with [`holm_scheduler::SpawnError::Stopping`], or the process ends with the
    /// others; its handle gets the reason in any case.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`].
    pub fn spawn<M, F, Fut>(&self, body: F) -> Result<ProcessHandle<M>, SpawnError>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let end = Arc::new(End::default());
        let settle = end.clone();
        let pid = self.0.spawn_and_then(body, move |reason| settle.settle(reason))?;
        Ok(ProcessHandle { pid, end })
    }

    /// Runs a process, and blocks this thread until it has ended: what it returned.
    ///
    /// # Errors
    ///
    /// [`Error::Spawn`] if it was not spawned; [`Error::Ended`], with the reason, if it ended without returning.
    ///
    /// # Panics
    ///
    /// On a scheduler's thread, which must not block.
    pub fn block_on<M, F, Fut>(&self, body: F) -> Result<Fut::Output, Error>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut,
        Fut: Future<Output: Send> + Send + 'static,
    {
        refuse_to_block();
        let result = Arc::new(Mutex::new(None));
        let returned = result.clone();
        let process = self.spawn(move |me: Process<M>| {
            let future = body(me);
            async move { *returned.lock() = Some(future.await) }
        })?;
        let reason = process.wait();
        let returned = result.lock().take();
        returned.ok_or(Error::Ended(reason))
    }

    /// Stops the runtime: no process is spawned from here on, every process gets [`Reason::Shutdown`], after the grace
    /// those that are left are killed, and every thread is joined. It returns within the grace and one second.
    ///
    /// Processes that asked for it ([`Process::stop_first`]) are told first, and the others when those have ended.
    /// A second stop, also one that comes meanwhile from another thread, waits for the first, and then for what that
    /// left.
    ///
    /// # Errors
    ///
    /// [`StopError::StillRunning`] names what cannot be ended from outside: turns and blocking calls that do not return.
    /// They go on, and end what is left of the runtime when they return. [`StopError::Inside`] on a thread of this
    /// runtime, which would wait for itself: nothing has happened then; see [`RuntimeHandle::begin_stop`].
    pub fn stop(&self, grace: Duration) -> Result<(), StopError> {
        self.0.stop(grace)
    }

    /// Begins to stop the runtime and does not wait: for its own processes, among others. A later
    /// [`RuntimeHandle::stop`] from outside waits for the end.
    pub fn begin_stop(&self, grace: Duration) {
        let engine = self.0.clone();
        let stop = move || drop(engine.stop(grace)); // who wants to know asks by another stop
        if thread::Builder::new().name("holm-stop".into()).spawn(stop).is_err() {
            self.0.shut_down(); // without a thread that waits: they are asked, and not killed
        }
    }
}

/// Where the reason of a process's end is waited for.
#[derive(Debug, Default)]
struct End {
    state: Mutex<(Option<Reason>, Option<Waker>)>,
    settled: Condvar,
}

impl End {
    fn settle(&self, reason: Reason) {
        let mut state = self.state.lock();
        state.0 = Some(reason);
        let waker = state.1.take();
        drop(state);
        self.settled.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A process that was spawned from outside: its pid, and its end. As a future it gives the reason, in any executor.
/// Dropping it lets the process go on alone.
///
/// # Cancel safety
///
/// Waiting can be dropped and taken up again.
pub struct ProcessHandle<M> {
    pid: Pid<M>,
    end: Arc<End>,
}

impl<M> fmt::Debug for ProcessHandle<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessHandle").field("pid", &self.pid).field("reason", &self.reason()).finish()
    }
}

impl<M> ProcessHandle<M> {
    /// The process.
    pub fn pid(&self) -> Pid<M> {
        self.pid
    }

    /// Why it has ended, if it has.
    pub fn reason(&self) -> Option<Reason> {
        self.end.state.lock().0.clone()
    }

    /// Blocks this thread until the process has ended, and says why.
    ///
    /// # Panics
    ///
    /// On a scheduler's thread, which must not block: there the handle is awaited.
    pub fn wait(self) -> Reason {
        refuse_to_block();
        let mut state = self.end.state.lock();
        self.end.settled.wait_while(&mut state, |state| state.0.is_none());
        state.0.clone().expect("the wait is over when it is there")
    }
}

impl<M> Future for ProcessHandle<M> {
    type Output = Reason;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Reason> {
        let mut state = self.end.state.lock();
        match &state.0 {
            Some(reason) => Poll::Ready(reason.clone()),
            None => {
                state.1 = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn refuse_to_block() {
    assert!(holm_scheduler::scheduler().is_none(), "a scheduler's thread must not block: await instead");
}

//! The program: from `main` into a layout of nodes, and out again.
//!
//! ```text
//!   enter the layout ─► start schedulers ─► connect the mesh ─► node 0: run the program  ─► stop all nodes
//!                                                           └─► others: serve until told ┘
//! ```
//!
//! Each node runs a [`Runtime`], as a host program would that embeds one.

use crate::{
    layout::{self, Control, ControlEvent, Death, Entered, LayoutError, Options, signals},
    message::Message,
    process::Process,
    reason::{IntoReason, Reason},
    runtime::Runtime,
    spawn::SpawnError,
};
use parking_lot::{Condvar, Mutex};
use std::{
    future::Future,
    io,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How long the other nodes may take to be ready.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// How long the processes of a node may take to end when the program has ended, before they are killed.
const GRACE: Duration = Duration::from_secs(5);

/// What a node needs beside the grace of its processes, before the launcher kills it.
const NODE_MARGIN: Duration = Duration::from_secs(2);

/// How long the launcher waits with the news that a node has stopped in good order: a SIGTERM to the whole process group
/// reaches the nodes too, and may reach them first.
const ORDERLY_END_SHOWS_AFTER: Duration = Duration::from_millis(300);

/// Why a program did not run, or not to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The layout, or the environment that asks for it.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The operating system refused threads, descriptors or memory.
    #[error("the runtime cannot start: {0}")]
    System(#[from] io::Error),
    /// The nodes did not find each other.
    #[error("node {node} is not connected to node {peer}: {why}")]
    Mesh {
        /// This node's rank.
        node: u32,
        /// The other's.
        peer: u32,
        /// What happened.
        why: String,
    },
    /// The first process could not be spawned.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// The first process ended with a reason that is not normal.
    #[error("{0}")]
    Ended(Reason),
    /// A node ended while the program ran.
    #[error("{0}")]
    NodeDied(String),
    /// The program was asked to stop by this signal.
    #[error("stopped by signal {0}")]
    Signal(i32),
    /// A [`Runtime`] inside a host program is one node, and the layout has more.
    #[error("a runtime inside a host program is one node, and the layout has {nodes}: give it one, such as 1x4")]
    Nodes {
        /// How many nodes the layout has.
        nodes: usize,
    },
}

impl Error {
    /// The exit status that says so: 2 for a start that was asked for wrongly, 128+N for signal N, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Layout(error) if error.is_usage() => 2,
            Error::Signal(signal) => 128u8.saturating_add(*signal as u8),
            _ => 1,
        }
    }
}

/// Runs a program: its first process, on node 0 of the layout that the environment asks for (`HOLM_LAYOUT` and the
/// others; see [`layout::Options`]). To be called first in `main`. It returns when the process has ended and all nodes
/// have stopped; an error is printed, and is the exit status. The processes that are left then get [`Reason::Shutdown`],
/// and after five seconds [`Reason::Kill`]; `docs/embedding.md` tells the order.
///
/// ```no_run
/// use holm::Process;
///
/// fn main() -> std::process::ExitCode {
///     holm::run(async |me: Process<()>| println!("hello from {}", me.pid()))
/// }
/// ```
pub fn run<M, F, Fut>(program: F) -> ExitCode
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    exit_code(block_on(program))
}

/// Prints an error and gives its exit status.
pub fn exit_code<T>(result: Result<T, Error>) -> ExitCode {
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// As [`run`], but gives the outcome back. On other nodes than node 0 it does not return: they serve, and exit.
///
/// # Errors
///
/// See [`Error`].
pub fn block_on<M, F, Fut>(program: F) -> Result<(), Error>
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    run_entered(layout::enter()?, program)
}

/// As [`block_on`], in a layout that the program chooses itself.
///
/// # Errors
///
/// See [`Error`].
pub fn block_on_with<M, F, Fut>(options: &Options, program: F) -> Result<(), Error>
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    run_entered(layout::enter_with(options)?, program)
}

fn run_entered<M, F, Fut>(entered: Entered, program: F) -> Result<(), Error>
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    let Entered { place, links, control } = entered;
    if place.rank == 0 {
        place.notes.iter().for_each(|note| eprintln!("note: {note}"));
    }
    let runtime = Runtime::start(place, links)?;
    match control {
        Control::Child(end) => serve(runtime, end),
        control => lead(runtime, control, program),
    }
}

/// How the program ended: the reason of its first process, or what came before that.
#[derive(Clone)]
struct Outcome(Arc<(Settled, Condvar)>);

type Settled = Mutex<Option<Result<Reason, Error>>>;

impl Outcome {
    fn new() -> Self {
        Outcome(Arc::new((Mutex::new(None), Condvar::new())))
    }

    fn settle(&self, with: Result<Reason, Error>) {
        self.0.0.lock().get_or_insert(with);
        self.0.1.notify_all();
    }

    fn is_settled(&self) -> bool {
        self.0.0.lock().is_some()
    }

    fn wait(&self) -> Result<Reason, Error> {
        let mut settled = self.0.0.lock();
        self.0.1.wait_while(&mut settled, |settled| settled.is_none());
        // What remains there says to everybody else that the program has ended.
        settled.replace(Ok(Reason::Normal)).expect("the wait is over when it is there")
    }
}

/// Node 0: runs the program, and stops the others when it has ended.
fn lead<M, F, Fut>(runtime: Runtime, control: Control, program: F) -> Result<(), Error>
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut + Send + 'static,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    let outcome = Outcome::new();
    let _listening = signals::on_stop(&control, {
        let outcome = outcome.clone();
        move |request| outcome.settle(Err(Error::Signal(request.signal)))
    })?;
    if let Control::Parent(children) = &control {
        children.wait_ready(READY_LIMIT)?;
        children.go()?;
        let outcome = outcome.clone();
        children.on_death(move |death| tell_death(&outcome, death));
    }
    runtime.engine().spawn_and_then(program, {
        let outcome = outcome.clone();
        move |reason| outcome.settle(Ok(reason))
    })?;
    let ended = outcome.wait();
    let mut died = None;
    if let Control::Parent(children) = &control {
        died = children.deaths().first().map(ToString::to_string);
        runtime.engine().end_processes(GRACE);
        runtime.engine().leave();
        children.stop_all(GRACE + NODE_MARGIN);
    }
    stop(&runtime, GRACE);
    match (ended?, died) {
        (reason, None) if reason.is_orderly() => Ok(()),
        (reason, Some(death)) if reason.is_orderly() => Err(Error::NodeDied(death)),
        (reason, _) => Err(Error::Ended(reason)),
    }
}

/// Prints that a node has ended while the program runs. It is called on the thread that watches the nodes.
fn tell_death(outcome: &Outcome, death: &Death) {
    let (outcome, orderly, death) = (outcome.clone(), death.status.success(), death.to_string());
    let tell = move || {
        if orderly {
            thread::sleep(ORDERLY_END_SHOWS_AFTER);
        }
        if !outcome.is_settled() {
            eprintln!("{death}");
        }
    };
    match orderly {
        // One that cannot be told later is not told: nobody stopped it, and it ended well.
        true => drop(thread::Builder::new().name("holm-news".into()).spawn(tell)),
        false => tell(),
    }
}

/// Another node: serves until the launcher orders a stop, or is gone.
fn serve(runtime: Runtime, end: layout::ControlEnd) -> Result<(), Error> {
    end.ready()?;
    let (ask, asked) = mpsc::channel();
    let control = Control::Child(end);
    let _listening = signals::on_stop(&control, {
        let ask = ask.clone();
        move |_| {
            let _ = ask.send(GRACE); // if nobody listens any more, the node stops already
        }
    })?;
    let Control::Child(end) = control else { unreachable!("it was just made") };
    thread::Builder::new().name("holm-control".into()).spawn(move || {
        loop {
            match end.next() {
                ControlEvent::Stop { grace } => {
                    let _ = ask.send(grace.saturating_sub(NODE_MARGIN)); // as above
                    break;
                }
                ControlEvent::Died { .. } => {} // the link to that node says the same, in order
                ControlEvent::ParentGone => std::process::exit(1),
            }
        }
    })?;
    stop(&runtime, asked.recv().unwrap_or(Duration::ZERO));
    std::process::exit(0);
}

fn stop(runtime: &Runtime, grace: Duration) {
    if let Err(still) = runtime.stop(grace) {
        eprintln!("note: {still}; it ends with the program");
    }
}

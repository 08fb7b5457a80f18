//! The runtime: from `main` into a layout of nodes, and out again.
//!
//! ```text
//!   enter the layout ─► start schedulers ─► connect the mesh ─► node 0: run the program  ─► stop all nodes
//!                                                           └─► others: serve until told ┘
//! ```

use crate::{
    dist::{Link, LinkState, start_link},
    layout::{self, Control, ControlEvent, Entered, LayoutError, Options, signals},
    message::Message,
    node::Node,
    pid::RawPid,
    process::Process,
    reason::{IntoReason, Reason},
    spawn::{SpawnError, Ties, start},
    stalls,
};
use holm_affinity::{Machine, steal_order};
use holm_scheduler::{Config, Scheduler, send_errand, spawn_on};
use parking_lot::{Condvar, Mutex};
use std::{
    future::Future,
    io,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

/// How long the mesh of nodes may take to connect.
const MESH_LIMIT: Duration = Duration::from_secs(20);

/// How long nodes may take to stop in order before they are killed.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long a scheduler that has its CPU to itself looks around before it sleeps.
const SPIN: Duration = Duration::from_micros(50);

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
/// have stopped; an error is printed, and is the exit status.
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
        Control::Child(end) => runtime.serve(end),
        control => runtime.lead(control, program),
    }
}

/// The outcome of the program, or what came before it.
type Outcome = Arc<(Mutex<Option<Result<Reason, Error>>>, Condvar)>;

fn settle(outcome: &Outcome, with: Result<Reason, Error>) {
    outcome.0.lock().get_or_insert(with);
    outcome.1.notify_all();
}

/// A node's schedulers and links, running.
struct Runtime {
    node: Arc<Node>,
    scheduler: Scheduler,
    links: Vec<(u32, Arc<Link>)>,
}

impl Runtime {
    fn start(place: layout::Place, ends: Vec<layout::LinkEnd>) -> Result<Runtime, Error> {
        let here = place.node().clone();
        let config = Config {
            steal_order: steal_orders(&here.cpus),
            spin: if shares_a_cpu(&place) { Duration::ZERO } else { SPIN },
            thread_name: format!("holm-{}", here.rank),
            discard: crate::letter::discard,
            cpus: here.cpus,
            ..Config::default()
        };
        let scheduler = Scheduler::start(config)?;
        for binding in scheduler.bindings() {
            if let Some((cpu, Err(refusal))) = &binding.cpu {
                let scheduler = here.schedulers.start + binding.scheduler as u32;
                if place.binding.asked {
                    let why = format!("scheduler {scheduler} cannot be bound to CPU {cpu}: {refusal}");
                    return Err(io::Error::other(why).into());
                }
                eprintln!("note: scheduler {scheduler} runs unbound: {refusal}");
            }
        }
        let node = Node::new(place, scheduler.pool().clone());
        settle_everywhere(&node, here.schedulers.len());
        stalls::report_of(&node);
        let mut runtime = Runtime { node, scheduler, links: Vec::new() };
        for end in ends {
            let (peer, local) = (end.peer, end.peer as usize % here.schedulers.len());
            runtime.links.push((peer, start_link(&runtime.node, end, local)?));
        }
        runtime.wait_for_mesh()?;
        Ok(runtime)
    }

    fn wait_for_mesh(&self) -> Result<(), Error> {
        for (peer, link) in &self.links {
            let why = match link.wait_up(MESH_LIMIT) {
                LinkState::Up => continue,
                LinkState::Lost(why) => why,
                LinkState::Meeting => format!("no handshake within {} s", MESH_LIMIT.as_secs()),
            };
            return Err(Error::Mesh { node: self.node.place.rank, peer: *peer, why });
        }
        Ok(())
    }

    /// Node 0: runs the program, and stops the others when it has ended.
    fn lead<M, F, Fut>(self, control: Control, program: F) -> Result<(), Error>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let outcome: Outcome = Arc::default();
        let _listening = signals::on_stop(&control, {
            let outcome = outcome.clone();
            move |request| settle(&outcome, Err(Error::Signal(request.signal)))
        })?;
        if let Control::Parent(children) = &control {
            children.wait_ready(MESH_LIMIT)?;
            children.go()?;
            children.on_death({
                let outcome = outcome.clone();
                move |death| {
                    if outcome.0.lock().is_none() {
                        eprintln!("{death}");
                    }
                }
            });
        }
        self.start_program(&outcome, program)?;
        let ended = {
            let mut settled = outcome.0.lock();
            outcome.1.wait_while(&mut settled, |settled| settled.is_none());
            // What remains there says to everybody else that the program has ended.
            settled.replace(Ok(Reason::Normal)).expect("the wait is over when it is there")
        };
        let mut died = None;
        if let Control::Parent(children) = &control {
            died = children.deaths().first().map(ToString::to_string);
            self.leave();
            children.stop_all(STOP_GRACE);
        }
        self.stop();
        match (ended?, died) {
            (Reason::Normal | Reason::Shutdown, None) => Ok(()),
            (Reason::Normal | Reason::Shutdown, Some(death)) => Err(Error::NodeDied(death)),
            (reason, _) => Err(Error::Ended(reason)),
        }
    }

    /// Spawns the program's first process, and somebody who waits for its end.
    fn start_program<M, F, Fut>(&self, outcome: &Outcome, program: F) -> Result<(), Error>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let (node, outcome) = (self.node.clone(), outcome.clone());
        let watching = async move {
            let watch = |mut watcher: Process<()>| {
                let outcome = outcome.clone();
                async move {
                    let spawned = watcher.spawn_monitor(program);
                    let ended = match spawned {
                        Ok((_, monitor)) => Ok(watcher.down(monitor).await),
                        Err(error) => Err(error.into()),
                    };
                    settle(&outcome, ended);
                }
            };
            if let Err(error) = start(&node, None, Ties::default(), |_: RawPid| (), watch) {
                settle(&outcome, Err(error.into()));
            }
        };
        spawn_on(&self.node.pool, None, watching).map(drop).map_err(|error| SpawnError::from(error).into())
    }

    /// Another node: serves until the launcher orders a stop, or is gone.
    fn serve(self, end: layout::ControlEnd) -> Result<(), Error> {
        end.ready()?;
        let stop: Arc<(Mutex<bool>, Condvar)> = Arc::default();
        let ask = {
            let stop = stop.clone();
            move || {
                *stop.0.lock() = true;
                stop.1.notify_all();
            }
        };
        let control = Control::Child(end);
        let _listening = signals::on_stop(&control, {
            let ask = ask.clone();
            move |_| ask()
        })?;
        let Control::Child(end) = control else { unreachable!("it was just made") };
        thread::Builder::new().name("holm-control".into()).spawn(move || {
            loop {
                match end.next() {
                    ControlEvent::Stop { .. } => break ask(),
                    ControlEvent::Died { .. } => {} // the link to that node says the same, in order
                    ControlEvent::ParentGone => std::process::exit(1),
                }
            }
        })?;
        stop.1.wait_while(&mut stop.0.lock(), |stop| !*stop);
        self.leave();
        self.stop();
        std::process::exit(0);
    }

    /// Says goodbye on every link.
    fn leave(&self) {
        self.links.iter().for_each(|(_, link)| link.leave());
        for (_, link) in &self.links {
            link.wait_lost(Duration::from_secs(1)); // one that does not end is cut off with the process
        }
    }

    fn stop(self) {
        let stuck = self.scheduler.stop(Duration::from_secs(1));
        if stuck > 0 {
            eprintln!("note: {stuck} blocking calls still run; they end with the program");
        }
    }
}

/// Makes every scheduler find the node, before any of them can have a task.
fn settle_everywhere(node: &Arc<Node>, schedulers: usize) {
    let (tell, told) = mpsc::channel();
    for local in 0..schedulers {
        let (settled, tell) = (node.clone(), tell.clone());
        let errand = move || {
            settled.settle();
            drop(tell);
        };
        send_errand(&node.pool, Some(local), Box::new(errand));
    }
    drop(tell);
    let _: Result<(), _> = told.recv(); // ends when the last errand is done
}

/// For each scheduler of this node the others, nearest first; by number where the machine cannot be read.
fn steal_orders(cpus: &[Option<u32>]) -> Vec<Vec<usize>> {
    match Machine::discover() {
        Ok(machine) if cpus.len() > 1 => (0..cpus.len()).map(|me| steal_order(&machine, cpus, me)).collect(),
        _ => Vec::new(),
    }
}

/// True if a scheduler of the layout may have to share its CPU with another: then nobody spins.
fn shares_a_cpu(place: &layout::Place) -> bool {
    let mut cpus: Vec<u32> = place.nodes.iter().flat_map(|node| node.cpus.iter().flatten().copied()).collect();
    let (schedulers, bound) = (place.schedulers() as usize, cpus.len());
    cpus.sort_unstable();
    cpus.dedup();
    let several_unbound = bound < schedulers && place.nodes.len() > 1;
    cpus.len() < bound || several_unbound
}

/// How many schedulers the whole layout has.
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn schedulers() -> u32 {
    crate::node::here().expect("only code that holm runs can ask for the layout").place.schedulers()
}

/// The nodes of the layout by rank: id, name, and the schedulers that each runs.
///
/// # Panics
///
/// As [`schedulers`].
pub fn nodes() -> Vec<NodeInfo> {
    let node = crate::node::here().expect("only code that holm runs can ask for the layout");
    let connected = node.peers.list();
    let info = |place: &layout::NodePlace| NodeInfo {
        id: crate::NodeId(place.id),
        name: place.name.clone(),
        schedulers: place.schedulers.clone(),
        connected: place.id == node.id.get() || connected.iter().any(|(id, _)| id.get() == place.id),
    };
    node.place.nodes.iter().map(info).collect()
}

/// One node of the layout, as another sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// Its id.
    pub id: crate::NodeId,
    /// `PROGRAM-RANK@HOST`.
    pub name: String,
    /// The schedulers it runs, numbered over the whole layout.
    pub schedulers: std::ops::Range<u32>,
    /// Whether it can be reached now; a node can reach itself.
    pub connected: bool,
}

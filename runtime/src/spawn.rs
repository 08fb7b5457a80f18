//! Spawning on this node: closures and entry points alike end here.

use crate::{
    body::{ProcessBody, State},
    deliver, info,
    mailbox::Mailbox,
    message::Message,
    names::NameError,
    node::{self, Node},
    pid::{NodeId, Pid, RawPid, Untyped},
    process::{Monitor, Process},
    reap::OnEnd,
    reason::IntoReason,
};
use holm_scheduler::{Priority, Slot, Spec, spawn_body};
use std::future::Future;

/// Where a process is to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// On any scheduler of this node; it moves to where there is time.
    #[default]
    Anywhere,
    /// On this scheduler, numbered over the whole layout, and never on another.
    Scheduler(u32),
    /// On any scheduler of this node of the layout.
    Node(NodeId),
    /// On the node of this process, and if that one is pinned, on its scheduler.
    Near(Pid<Untyped>),
    /// On the scheduler that this number falls on: `number mod schedulers`, the same under every layout.
    Hash(u64),
}

/// How a process is set up: where it runs, and what ties it to its parent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct SpawnOptions {
    pub(crate) place: Place,
    pub(crate) link: bool,
    pub(crate) monitor: bool,
    pub(crate) name: Option<String>,
    pub(crate) mailbox: Mailbox,
    pub(crate) priority: Priority,
}

impl SpawnOptions {
    /// Anywhere, without ties.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where it runs.
    pub fn place(self, place: Place) -> Self {
        SpawnOptions { place, ..self }
    }

    /// On this scheduler and no other: Erlang's `{scheduler, Id}`, but numbered from 0 over the whole layout.
    pub fn scheduler(self, scheduler: u32) -> Self {
        self.place(Place::Scheduler(scheduler))
    }

    /// How often it has a turn when others wait too; [`Process::set_priority`] changes it later. Not inherited.
    pub fn priority(self, priority: Priority) -> Self {
        SpawnOptions { priority, ..self }
    }

    /// Linked to its parent, before its first instruction.
    pub fn link(self) -> Self {
        SpawnOptions { link: true, ..self }
    }

    /// Monitored by its parent, before its first instruction.
    pub fn monitor(self) -> Self {
        SpawnOptions { monitor: true, ..self }
    }

    /// Under a name in its node, before its first instruction.
    pub fn name(self, name: &str) -> Self {
        SpawnOptions { name: Some(name.to_string()), ..self }
    }

    /// With a mailbox that has a bound, or a warning; without this it has neither.
    pub fn mailbox(self, mailbox: Mailbox) -> Self {
        SpawnOptions { mailbox, ..self }
    }
}

/// Why no process was spawned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// No scheduler, too many processes, or the runtime stops.
    #[error(transparent)]
    Scheduler(#[from] holm_scheduler::SpawnError),
    /// The layout has no such scheduler.
    #[error("there is no scheduler {scheduler}: the layout has {schedulers}, counted from 0")]
    UnknownScheduler {
        /// The number asked for.
        scheduler: u32,
        /// How many there are.
        schedulers: u32,
    },
    /// The place is on another node, and a closure cannot go there.
    #[error("the place is on another node, and a closure cannot cross: spawn an entry point there")]
    Elsewhere,
    /// The node is not connected.
    #[error("there is no connection to the node")]
    NoConnection,
    /// The other node has no entry point of this name, or refused it.
    #[error("the other node refused: {0}")]
    Refused(String),
    /// The name was not given.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The argument cannot be encoded.
    #[error("the argument cannot cross: {0}")]
    Argument(String),
}

/// A process that was spawned, and the monitor, if one was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spawned<M> {
    /// The new process.
    pub pid: Pid<M>,
    /// The parent's monitor of it.
    pub monitor: Option<Monitor>,
}

/// Where a place is, seen from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Here, pinned to a scheduler of this node or not.
    Here(Option<usize>),
    /// On another node; the scheduler is numbered over the layout.
    There(NodeId, Option<u32>),
}

impl Place {
    pub(crate) fn target(self, node: &Node) -> Result<Target, SpawnError> {
        match self {
            Place::Anywhere => Ok(Target::Here(None)),
            Place::Node(id) if id == node.id => Ok(Target::Here(None)),
            Place::Node(id) => Ok(Target::There(id, None)),
            Place::Near(pid) if pid.raw.node == node.id => {
                let slot = Slot::at(pid.raw.index()).filter(|slot| slot.is_alive(pid.raw.generation));
                Ok(Target::Here(slot.and_then(Slot::pin)))
            }
            Place::Near(pid) => Ok(Target::There(pid.raw.node, None)),
            Place::Hash(number) => {
                Place::Scheduler((number % u64::from(node.place.schedulers().max(1))) as u32).target(node)
            }
            Place::Scheduler(scheduler) => match node.local_scheduler(scheduler) {
                Some(local) => Ok(Target::Here(Some(local))),
                None => {
                    let schedulers = node.place.schedulers();
                    let there = node.place.node_of_scheduler(scheduler);
                    let there = there.ok_or(SpawnError::UnknownScheduler { scheduler, schedulers })?;
                    Ok(Target::There(NodeId(there.id), Some(scheduler)))
                }
            },
        }
    }
}

/// What a new process has before anybody can run it: its ties, its mailbox, its priority.
#[derive(Debug, Default)]
pub(crate) struct Ties {
    pub(crate) link: Option<RawPid>,
    pub(crate) monitor: Option<(RawPid, u64)>,
    pub(crate) name: Option<String>,
    pub(crate) mailbox: Mailbox,
    /// Who asked for it from another node.
    pub(crate) parent: Option<RawPid>,
    pub(crate) on_end: Option<OnEnd>,
    pub(crate) priority: Priority,
}

/// Spawns a process on this node. `bind` hears its pid before it can run.
pub(crate) fn start<M, F, Fut>(
    node: &Node,
    scheduler: Option<usize>,
    ties: Ties,
    bind: impl FnOnce(RawPid),
    body: F,
) -> Result<Pid<M>, SpawnError>
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    if ProcessBody::<Fut>::FITS {
        return place(node, scheduler, ties, bind, body);
    }
    place(node, scheduler, ties, bind, |me| Box::pin(body(me)))
}

fn place<M, F, Fut>(
    node: &Node,
    scheduler: Option<usize>,
    ties: Ties,
    bind: impl FnOnce(RawPid),
    body: F,
) -> Result<Pid<M>, SpawnError>
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    // A name has to be taken before the process exists, and given back if it never does.
    let nobody = RawPid::nobody(node.id);
    let reserved = ties.name.clone();
    reserved.iter().try_for_each(|name| node.names.register(name, nobody))?;
    let mut pid = None;
    let marks = ties.mailbox.marks();
    let make = |id: holm_scheduler::TaskId| {
        let raw = RawPid { node: node.id, slot: id.slot | marks.0, generation: id.generation };
        pid = Some(raw);
        if marks.has_gate() {
            node.gates.open(raw, ties.mailbox);
        }
        let mut state = State::new(node, raw);
        if let Some(parent) = ties.parent {
            state.bonds().born_abroad = true;
            node.parents.lock().insert(raw, parent);
        }
        if let Some(other) = ties.link {
            state.bonds().links.linked_by(other);
        }
        if let Some((watcher, monitor)) = ties.monitor {
            state.bonds().monitors.watched_by(watcher, monitor);
        }
        if let Some(other) = ties.link.or(ties.monitor.map(|(watcher, _)| watcher)) {
            state.depend_on(other.node);
        }
        if let Some(name) = ties.name.as_deref() {
            state.bonds().named = node.names.hand_over(name, nobody, raw);
        }
        if let Some(on_end) = ties.on_end {
            state.bonds().on_end = Some(on_end);
        }
        bind(raw);
        if ties.link.is_some() || ties.monitor.is_some() {
            state.publish();
        }
        let slot = Slot::at(id.slot).expect("a task that is being spawned has a slot");
        ProcessBody::new(state, body(Process::new(slot, id.generation)))
    };
    let parent = holm_scheduler::current().map(|(slot, id)| deliver::pid_of(node, slot, id));
    let parent = parent.filter(|(_, is_process)| *is_process).map(|(parent, _)| parent);
    let label = info::label(parent);
    let spec = Spec { pin: scheduler, priority: ties.priority, tag: deliver::tag::<M>(marks), label };
    // SAFETY: the future is `Send`, and the state is touched by the process's own turns only.
    match unsafe { spawn_body(spec, Some(&node.pool), make) } {
        Ok(_) => Ok(Pid::new(pid.expect("the body was made"))),
        Err(error) => {
            if let Some(name) = reserved {
                node.names.take_back(&name, nobody);
            }
            Err(error.into())
        }
    }
}

impl<M: Message> Process<M> {
    /// Spawns a process on this node, without ties to this one.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`].
    pub fn spawn<N, F, Fut>(&mut self, body: F) -> Result<Pid<N>, SpawnError>
    where
        N: Message,
        F: FnOnce(Process<N>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        spawn(body)
    }

    /// Spawns a process that is linked to this one, in one step.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`].
    pub fn spawn_link<N, F, Fut>(&mut self, body: F) -> Result<Pid<N>, SpawnError>
    where
        N: Message,
        F: FnOnce(Process<N>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        self.spawn_opt(SpawnOptions::new().link(), body).map(|spawned| spawned.pid)
    }

    /// Spawns a process that this one monitors, in one step.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`].
    pub fn spawn_monitor<N, F, Fut>(&mut self, body: F) -> Result<(Pid<N>, Monitor), SpawnError>
    where
        N: Message,
        F: FnOnce(Process<N>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let spawned = self.spawn_opt(SpawnOptions::new().monitor(), body)?;
        Ok((spawned.pid, spawned.monitor.expect("a monitor was asked for")))
    }

    /// Spawns a process on this node with options.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`]. A place on another node is one: a closure cannot cross; see [`Process::spawn_entry`].
    pub fn spawn_opt<N, F, Fut>(&mut self, options: SpawnOptions, body: F) -> Result<Spawned<N>, SpawnError>
    where
        N: Message,
        F: FnOnce(Process<N>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let state = self.state();
        let (node, parent) = (state.node(), state.pid);
        let Target::Here(scheduler) = options.place.target(node)? else { return Err(SpawnError::Elsewhere) };
        let monitor = options.monitor.then(|| state.number());
        let ties = Ties {
            link: options.link.then_some(parent),
            monitor: monitor.map(|monitor| (parent, monitor)),
            name: options.name,
            mailbox: options.mailbox,
            parent: None,
            on_end: None,
            priority: options.priority,
        };
        let bind = |child: RawPid| state.bind_child(child, options.link, monitor);
        let pid = start(node, scheduler, ties, bind, body)?;
        Ok(Spawned { pid, monitor: monitor.map(Monitor) })
    }
}

/// Spawns a process on the node of this thread, without ties.
///
/// # Errors
///
/// See [`SpawnError`].
pub fn spawn<N, F, Fut>(body: F) -> Result<Pid<N>, SpawnError>
where
    N: Message,
    F: FnOnce(Process<N>) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    let node = node::here().ok_or(holm_scheduler::SpawnError::NoScheduler)?;
    start(node, None, Ties::default(), |_| (), body)
}

impl State {
    /// The parent's side of a new process's ties.
    pub(crate) fn bind_child(&mut self, child: RawPid, link: bool, monitor: Option<u64>) {
        if link {
            self.bonds().links.link(child);
        }
        if let Some(monitor) = monitor {
            self.bonds().monitors.watch(monitor, child);
        }
        if link || monitor.is_some() {
            self.publish();
        }
    }
}

//! Entry points: functions that a process can be started with on any node, by name.
//!
//! A closure is code at an address, which means nothing on another node. An entry point has a name that is the same
//! everywhere, is registered when the program is linked, and takes its argument encoded. `#[holm::entry]` makes one out
//! of an `async fn`; no code address ever crosses a wall, and a node starts nothing that is not registered in it.

use crate::{
    bonds::Call,
    carried, dist,
    message::{Crosses, Message},
    node::Node,
    pid::{NodeId, Pid, RawPid},
    process::{Monitor, Process, current_pid},
    reason::{IntoReason, Reason},
    spawn::{SpawnError, SpawnOptions, Spawned, Target, Ties, start},
};
use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    sync::OnceLock,
    task::Poll,
};

/// A function that a process can be started with on any node. `#[holm::entry]` implements it.
///
/// The name of such a function stands for one without parameters that returns the entry, so code that takes entries
/// takes `impl FnOnce() -> E`, as [`Process::spawn_entry`] does, and is given the name alone:
///
/// ```
/// use holm::{Entry, Process};
///
/// #[holm::entry]
/// async fn clock(_: Process<()>) {}
///
/// fn name_of<E: Entry>(_: impl FnOnce() -> E) -> &'static str {
///     E::NAME
/// }
///
/// assert!(name_of(clock).ends_with("::clock"));
/// ```
pub trait Entry: Copy + Send + 'static {
    /// What the process receives.
    type Message: Crosses;
    /// What it is started with.
    type Argument: Crosses;
    /// Its name, the same on every node.
    const NAME: &'static str;

    /// The process's body.
    fn body(me: Process<Self::Message>, argument: Self::Argument) -> impl Future<Output: IntoReason> + Send + 'static;
}

type Start = fn(&Node, Option<usize>, Ties, &mut dyn FnMut(RawPid), &[u8]) -> Result<(), SpawnError>;

/// An entry point's registration; `#[holm::entry]` submits it.
#[derive(Debug)]
pub struct EntryPoint {
    name: &'static str,
    start: Start,
}

inventory::collect!(EntryPoint);

impl EntryPoint {
    /// The registration of an entry.
    pub const fn of<E: Entry>() -> Self {
        EntryPoint { name: E::NAME, start: start_encoded::<E> }
    }

    /// The entry point of this name.
    ///
    /// # Panics
    ///
    /// If two entry points of the program have one name.
    pub(crate) fn find(name: &str) -> Option<&'static EntryPoint> {
        static TABLE: OnceLock<HashMap<&'static str, &'static EntryPoint>> = OnceLock::new();
        let table = TABLE.get_or_init(|| {
            let mut table = HashMap::new();
            for entry in inventory::iter::<EntryPoint> {
                let twice = table.insert(entry.name, entry).is_some();
                assert!(!twice, "two entry points are called {:?}: give one another name", entry.name);
            }
            table
        });
        table.get(name).copied()
    }

    pub(crate) fn start(
        &self,
        node: &Node,
        scheduler: Option<usize>,
        ties: Ties,
        bind: &mut dyn FnMut(RawPid),
        argument: &[u8],
    ) -> Result<(), SpawnError> {
        (self.start)(node, scheduler, ties, bind, argument)
    }
}

fn start_encoded<E: Entry>(
    node: &Node,
    scheduler: Option<usize>,
    ties: Ties,
    bind: &mut dyn FnMut(RawPid),
    argument: &[u8],
) -> Result<(), SpawnError> {
    let wire = E::Argument::WIRE.ok_or_else(|| SpawnError::Argument("its type does not cross".into()))?;
    let argument = (wire.decode)(argument).map_err(|error| SpawnError::Argument(error.to_string()))?;
    start::<E::Message, _, _>(node, scheduler, ties, bind, |me| E::body(me, argument)).map(drop)
}

impl<M: Message> Process<M> {
    /// Starts a process with an entry point, wherever the options place it: on this node or another.
    ///
    /// The entry is the name of a function with `#[holm::entry]`, not called:
    ///
    /// ```
    /// use holm::{Pid, Process, SpawnOptions};
    ///
    /// #[holm::entry]
    /// async fn greet(me: Process<()>, parent: Pid<String>) {
    ///     parent.send(format!("hello from {}", me.pid())).unwrap();
    /// }
    ///
    /// holm::block_on(async |mut me: Process<String>| {
    ///     let last = holm::schedulers() - 1;
    ///     let parent = me.pid();
    ///     let greet = me.spawn_entry(greet, parent, SpawnOptions::new().scheduler(last)).await.unwrap().pid;
    ///     assert_eq!(me.receive().await, format!("hello from {greet}"));
    /// })
    /// .unwrap();
    /// ```
    ///
    /// An entry can spawn itself, here one process on each node:
    ///
    /// ```
    /// use holm::{Pid, Place, Process, SpawnError, SpawnOptions};
    ///
    /// #[holm::entry]
    /// async fn chain(mut me: Process<()>, (node, last): (u32, Pid<u32>)) -> Result<(), SpawnError> {
    ///     match holm::nodes().get(node as usize) {
    ///         Some(there) => {
    ///             let there = SpawnOptions::new().place(Place::Node(there.id));
    ///             me.spawn_entry(chain, (node + 1, last), there).await?;
    ///         }
    ///         None => last.send(node).unwrap(),
    ///     }
    ///     Ok(())
    /// }
    ///
    /// holm::block_on(async |mut me: Process<u32>| {
    ///     let last = me.pid();
    ///     me.spawn_entry(chain, (0, last), SpawnOptions::new()).await.unwrap();
    ///     assert_eq!(me.receive().await as usize, holm::nodes().len());
    /// })
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// See [`SpawnError`].
    ///
    /// # Cancel safety
    ///
    /// A process that was asked for on another node may start all the same; if it was to be linked, it stays so.
    pub async fn spawn_entry<E: Entry>(
        &mut self,
        entry: impl FnOnce() -> E,
        argument: E::Argument,
        options: SpawnOptions,
    ) -> Result<Spawned<E::Message>, SpawnError> {
        let _ = entry; // which entry it is, its type says
        let state = self.state();
        match options.place.target(state.node())? {
            Target::Here(_) => self.spawn_opt(options, |me| E::body(me, argument)),
            Target::There(to, scheduler) => {
                let mut bytes = Vec::new();
                let wire = E::Argument::WIRE.ok_or_else(|| SpawnError::Argument("its type does not cross".into()))?;
                let (encoded, carried) = carried::collect(|| (wire.encode)(&argument, &mut bytes));
                encoded.map_err(|error| SpawnError::Argument(error.to_string()))?;
                let replies = carried.clone();
                carried::depart(self.state().node(), to, argument, carried, None);
                let spawned = self.spawn_there(to, E::NAME, scheduler, bytes, options).await;
                if let Err(error) = &spawned {
                    carried::let_go(self.state().node(), &replies, &Reason::error(error));
                }
                let spawned = spawned?;
                Ok(Spawned { pid: Pid::new(spawned.pid.raw), monitor: spawned.monitor })
            }
        }
    }

    async fn spawn_there(
        &mut self,
        to: NodeId,
        entry: &str,
        scheduler: Option<u32>,
        argument: Vec<u8>,
        options: SpawnOptions,
    ) -> Result<Spawned<crate::pid::Untyped>, SpawnError> {
        let state = self.state();
        let (node, caller) = (state.node(), state.pid);
        let monitor = options.monitor.then(|| state.number());
        let call = state.number();
        let request = dist::SpawnRequest {
            caller,
            call,
            entry: entry.to_string(),
            scheduler,
            link: options.link,
            monitor,
            name: options.name,
            mailbox: options.mailbox,
            priority: options.priority as u8,
            argument: argument.into(),
        };
        state.begin_call_to_node(call, to, Some((options.link, monitor)))?;
        if let Err(error) = dist::spawn_there(node, to, &request) {
            self.state().bonds().calls.forget(call);
            return Err(error);
        }
        let answer: dist::SpawnAnswer = Asked { process: self, node, caller, call }.settled().await?;
        let pid = answer.map_err(SpawnError::Refused)?;
        Ok(Spawned { pid, monitor: monitor.map(Monitor) })
    }

    /// The process that has a name on the node which runs a scheduler, if it receives messages of this type.
    ///
    /// # Errors
    ///
    /// If there is no such scheduler, or no connection to its node.
    pub async fn whereis_at<N: Message>(&mut self, scheduler: u32, name: &str) -> Result<Option<Pid<N>>, SpawnError> {
        let state = self.state();
        let (node, caller) = (state.node(), state.pid);
        let to = match crate::spawn::Place::Scheduler(scheduler).target(node)? {
            Target::Here(_) => return Ok(crate::names::whereis(name)),
            Target::There(to, _) => to,
        };
        let call = state.number();
        state.begin_call_to_node(call, to, None)?;
        let asked = Asked { process: self, node, caller, call };
        if !dist::whereis_there::<N>(node, to, caller, call, name) {
            return Err(SpawnError::NoConnection);
        }
        let found: Option<Pid> = asked.settled().await?;
        Ok(found.map(|pid| Pid::new(pid.raw)))
    }
}

/// A request to a node, given up when this is dropped.
struct Asked<'a, M: Message> {
    process: &'a mut Process<M>,
    node: &'static Node,
    caller: RawPid,
    call: u64,
}

impl<M: Message> Asked<'_, M> {
    /// Waits for what the node answers.
    async fn settled<T: Message>(self) -> Result<T, SpawnError> {
        let settled = poll_fn(|_| {
            let state = self.process.state();
            loop {
                if let Some(settled) = state.bonds().calls.take_settled(self.call) {
                    return Poll::Ready(settled);
                }
                if !state.fetch() {
                    return Poll::Pending;
                }
            }
        });
        match settled.await {
            Call::Encoded { hash, bytes } if hash == T::HASH => T::WIRE
                .and_then(|wire| (wire.decode)(&bytes).ok())
                .ok_or_else(|| SpawnError::Refused("its answer cannot be read".into())),
            Call::Ended(Reason::NoConnection) => Err(SpawnError::NoConnection),
            _ => Err(SpawnError::Refused("its answer cannot be read".into())),
        }
    }
}

impl<M: Message> Drop for Asked<'_, M> {
    fn drop(&mut self) {
        if current_pid(self.node) == self.caller {
            self.process.state().bonds().calls.abandon(self.call);
        }
    }
}

//! Names: what code does with them. The table of a node's names is in [`table`].
//!
//! A name stands for a process in three places: whoever looks it up gets a pid, a message can be sent to it, and a
//! monitor can be set on it. Each looks it up once, on the name's node, at the moment when it gets there: a message sent
//! to a name reaches whoever has it then, or nobody. Names over many nodes (global names, groups) are not here.

pub(crate) mod table;

pub(crate) use table::Names;
pub use table::{NAME_LEN_MAX, NameError};

use crate::{
    deliver, dist,
    message::{Crosses, Message},
    node::{self, Node},
    pid::{NodeId, Pid, RawPid},
    process::{Monitor, Process},
    reason::Reason,
    send::{self, SendError},
    signal::Control,
};
use std::fmt;

/// Why a message was not sent to a name of this node; it comes back.
pub enum NameSendError<M> {
    /// Nobody has the name.
    Nobody(M),
    /// Who has the name receives messages of another type.
    OtherType(M),
    /// The mailbox of who has the name has a bound and is full.
    Full(M),
    /// The calling thread is no scheduler of a node.
    NoNode(M),
}

impl<M> NameSendError<M> {
    /// The message.
    pub fn into_message(self) -> M {
        match self {
            NameSendError::Nobody(m) | NameSendError::OtherType(m) => m,
            NameSendError::Full(m) | NameSendError::NoNode(m) => m,
        }
    }
}

impl<M> fmt::Debug for NameSendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<M> fmt::Display for NameSendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameSendError::Nobody(_) => f.write_str("no process of this node has the name"),
            NameSendError::OtherType(_) => {
                write!(f, "the process of this name does not take messages of type {}", std::any::type_name::<M>())
            }
            NameSendError::Full(_) => f.write_str("the mailbox of who has the name is full"),
            NameSendError::NoNode(_) => f.write_str("there is no node on this thread: send from a process or a task"),
        }
    }
}

impl<M> std::error::Error for NameSendError<M> {}

/// The process that has a name in this node, if it receives messages of this type.
pub fn whereis<N: Message>(name: &str) -> Option<Pid<N>> {
    let node = node::here()?;
    node.names.whereis(name).filter(|pid| deliver::receives::<N>(node, *pid)).map(Pid::new)
}

/// The process that has a name in this node, whatever it receives.
pub fn whereis_untyped(name: &str) -> Option<Pid> {
    node::here()?.names.whereis(name).map(Pid::new)
}

/// Frees a name of this node, whosever it is. True if somebody had it.
pub fn unregister(name: &str) -> bool {
    node::here().is_some_and(|node| node.names.unregister(name))
}

/// Sends a message to the process that has a name in this node.
///
/// ```
/// use holm::{NameSendError, Process, send_to_name};
///
/// holm::block_on(async |mut me: Process<u64>| {
///     assert!(matches!(send_to_name("counter", 1u64), Err(NameSendError::Nobody(1))));
///     me.register("counter").unwrap();
///     send_to_name("counter", 2u64).unwrap();
///     assert_eq!(me.receive().await, 2);
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// If nobody has the name, or who has it takes other messages; the message comes back.
pub fn send_to_name<M: Message>(name: &str, message: M) -> Result<(), NameSendError<M>> {
    let Some(node) = node::here() else { return Err(NameSendError::NoNode(message)) };
    holm_scheduler::spend(1);
    match node.names.whereis(name) {
        None => Err(NameSendError::Nobody(message)),
        Some(pid) if !deliver::receives::<M>(node, pid) => Err(NameSendError::OtherType(message)),
        Some(pid) => deliver::message(node, pid, message).map_err(|full| NameSendError::Full(full.into_message())),
    }
}

/// Sends a message to the process that has a name on a node, this one or another. As with [`Pid::send`] nobody is told
/// whether it arrived: if nobody has the name there, or if the node is not connected, it is lost; on another node also if
/// the mailbox of who has the name has a bound and is full.
///
/// # Errors
///
/// Those of [`Pid::send`].
pub fn send_to_name_on<M: Message>(node: NodeId, name: &str, message: M) -> Result<(), SendError<M>> {
    let Some(here) = node::here() else { return Err(SendError::NoNode(message)) };
    if node == here.id {
        return match send_to_name(name, message) {
            Ok(()) => Ok(()),
            Err(NameSendError::NoNode(message)) => Err(SendError::NoNode(message)),
            Err(NameSendError::Full(message)) => Err(SendError::Full(message)),
            Err(lost) => {
                deliver::undeliverable(lost.into_message());
                Ok(())
            }
        };
    }
    holm_scheduler::spend(1);
    match table::is_well_formed(name) {
        true => dist::send_to_name(here, node, name, message, dist::WhenFull::HoldBack),
        false => {
            deliver::undeliverable(message); // nobody has it
            Ok(())
        }
    }
}

/// Sends a copy of a message to a name on every node of the layout, this one too, and gives the nodes that could not be
/// sent to: they are not connected, or take no more at the moment. It waits for none of them.
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn send_to_name_everywhere<M: Crosses + Clone>(name: &str, message: &M) -> Vec<NodeId> {
    let here = node::here().expect("only code that holm runs can send");
    let there = here.place.nodes.iter().map(|node| NodeId(node.id));
    let unsent = |node: &NodeId| {
        if *node == here.id {
            return send_to_name_on(*node, name, message.clone()).is_err();
        }
        here.peers.get(*node).is_none()
            || dist::send_to_name(here, *node, name, message.clone(), dist::WhenFull::Refuse).is_err()
    };
    there.filter(unsent).collect()
}

impl<M: Message> Process<M> {
    /// Gives this process a name in its node. A process may have several.
    ///
    /// # Errors
    ///
    /// If the name is taken or malformed.
    pub fn register(&mut self, name: &str) -> Result<(), NameError> {
        let state = self.state();
        state.node().names.register(name, state.pid)?;
        state.bonds().named = true;
        Ok(())
    }

    /// Gives another process of this node a name.
    ///
    /// # Errors
    ///
    /// If the name is taken or malformed, or if no such process lives on this node.
    pub fn register_for<N>(&mut self, pid: Pid<N>, name: &str) -> Result<(), NameError> {
        let state = self.state();
        let (node, me) = (state.node(), state.pid);
        if pid.raw == me {
            return self.register(name);
        }
        if pid.raw.node != node.id || !deliver::is_alive(node, pid.raw) {
            return Err(NameError::NoProcess(pid.untyped()));
        }
        node.names.give(name, pid.raw, || deliver::control(node, pid.raw, Control::Named).is_ok())
    }

    /// Watches whoever has a name now, on a node or, without one, on this: as [`Process::monitor`], but the `Down` says
    /// the name and the node. It comes at once, with [`Reason::NoProc`], if nobody has the name, and with
    /// [`Reason::NoConnection`] if the node is not connected.
    ///
    /// What is watched is the process, not the name: if the name is freed or passes to another, nothing comes.
    pub fn monitor_name(&mut self, name: &str, node: Option<NodeId>) -> Monitor {
        let state = self.state();
        let (here, from, monitor) = (state.node(), state.pid, state.number());
        let node = node.unwrap_or(here.id);
        state.bonds().monitors.watch_name(monitor, node, name.into());
        if !table::is_well_formed(name) {
            let nobody = RawPid::nobody(node);
            let _ = deliver::control(here, from, Control::Down { from: nobody, monitor, reason: Reason::NoProc });
        } else if node == here.id {
            watch(here, from, monitor, name);
        } else if state.depend_on(node) {
            dist::watch_name(here, node, from, monitor, name);
        }
        Monitor(monitor)
    }
}

/// Sets a monitor on whoever has a name of this node.
pub(crate) fn watch(node: &Node, from: RawPid, monitor: u64, name: &str) {
    match node.names.whereis(name) {
        Some(holder) => {
            // In this order: word that nobody watches any more, which `Found` may be answered with, follows the monitor.
            send::control(node, holder, Control::Monitor { from, monitor });
            send::control(node, from, Control::Found { from: holder, monitor });
        }
        None => {
            let nobody = RawPid::nobody(node.id);
            send::control(node, from, Control::Down { from: nobody, monitor, reason: Reason::NoProc });
        }
    }
}

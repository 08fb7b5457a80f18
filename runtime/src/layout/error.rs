//! Error: why a program could not enter its layout, one sentence for each situation.
//!
//! Serves whoever starts a program: each sentence names what was asked and what would be right, and is fit to be printed
//! as it is. A node that ends later, while the program runs, is no error but news: see [`Death`].

use std::io;
use std::time::Duration;

use holm_affinity::{DiscoverError, PinError, PlanError};
use holm_transport::NoRandomness;

use super::control::ControlError;
use super::options::OptionError;
use super::seats::Death;

/// A program could not enter its layout.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A variable of the environment cannot be understood.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The machine cannot be read.
    #[error("the machine cannot be read: {0}")]
    Machine(#[from] DiscoverError),
    /// The layout cannot be dealt out over this machine.
    #[error("the layout does not fit this machine: {0}{hint}", hint = in_the_environment(.0))]
    Plan(#[from] PlanError),
    /// The operating system refuses to bind threads to CPUs, though a bind type was asked for.
    #[error("HOLM_BIND={bind_type}: {refusal}; u needs no right")]
    BindRefused {
        /// The bind type.
        bind_type: String,
        /// The refusal.
        refusal: PinError,
    },
    /// There is no randomness for the secret and the ids of this start.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The port on which TCP links are to be made is taken.
    #[error(
        "HOLM_TCP_PORT={port}: the port is in use on 127.0.0.1: choose another, or leave it unset for any free one"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The port on which TCP links are to be made is refused.
    #[error("HOLM_TCP_PORT={port}: the port cannot be used on 127.0.0.1 ({source}); leave it unset for any free one")]
    PortRefused {
        /// The port.
        port: u16,
        /// The refusal.
        source: io::Error,
    },
    /// The operating system refuses something that a start needs.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What was needed.
        what: &'static str,
        /// The refusal.
        source: io::Error,
    },
    /// A node's executable could not be started.
    #[error("node {rank} cannot be started from {program}: {source}")]
    Start {
        /// The node.
        rank: u32,
        /// The executable.
        program: String,
        /// The refusal.
        source: io::Error,
    },
    /// A node ended before it was ready.
    #[error("{0} before it was ready")]
    Ended(Death),
    /// Nodes are alive but not ready.
    #[error("{} not ready after {timeout:?}", list(nodes))]
    NotReady {
        /// Their names.
        nodes: Vec<String>,
        /// How long they were waited for.
        timeout: Duration,
    },
    /// A node does not take what the launcher says to it.
    #[error("{node} does not listen to the launcher: {source}")]
    Deaf {
        /// The node's name.
        node: String,
        /// What went wrong.
        source: ControlError,
    },
    /// In a node: the launcher cannot be understood.
    #[error("the launcher cannot be understood: {0}")]
    Control(#[from] ControlError),
    /// In a node: the launcher said something else than was due.
    #[error("the launcher broke the order of a start: {0}")]
    OutOfOrder(&'static str),
    /// In a node: the launcher is gone.
    #[error("the launcher ended while this node was starting")]
    ParentGone,
}

impl LayoutError {
    /// True if the start was asked for wrongly, so that asking for something else helps.
    pub fn is_usage(&self) -> bool {
        use LayoutError::{BindRefused, Option, Plan, PortInUse, PortRefused};
        matches!(self, Option(_) | Plan(_) | BindRefused { .. } | PortInUse { .. } | PortRefused { .. })
    }
}

/// What a start needs and does not get, for `map_err`.
pub(super) fn refused(what: &'static str) -> impl Fn(io::Error) -> LayoutError {
    move |source| LayoutError::System { what, source }
}

/// The planner speaks of a flag; a program has only its environment.
fn in_the_environment(reason: &PlanError) -> &'static str {
    match reason {
        PlanError::TooFewCpus { .. } => " (in the environment: HOLM_OVERSUBSCRIBE=1)",
        _ => "",
    }
}

fn list(nodes: &[String]) -> String {
    match nodes {
        [node] => format!("{node} is"),
        [first, rest @ ..] => format!("{first} and {} more are", rest.len()),
        [] => "no node is".to_owned(),
    }
}

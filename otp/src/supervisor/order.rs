//! What a supervisor is asked, and what it answers. Static and dynamic supervisors are asked alike.

use super::{
    fault::Fault,
    specification::{Kind, Restart, Specification},
};
use crate::{behaviour::Envelope, proc_lib::StartError};
use holm::{CallError, Message, Pid, Process, Reply};
use std::borrow::Cow;

/// A supervisor's process, as the start functions of its children see it.
pub type Parent = Process<Envelope<Order>>;

/// What a supervisor receives: made by the functions of [`super::SupervisorRef`]. It stays on its node, because the
/// specification of a child holds functions.
#[derive(Debug, Message)]
#[message(local)]
pub struct Order(pub(crate) Ask);

#[derive(Debug)]
pub(crate) enum Ask {
    StartChild(Box<Specification>, Reply<Started>),
    RestartChild(Which, Reply<Started>),
    TerminateChild(Which, Reply<Done>),
    DeleteChild(Which, Reply<Done>),
    WhichChildren(Reply<Listed>),
    CountChildren(Reply<Counted>),
    /// From itself: a restart failed, and the next attempt is due. Between the two, others have their turn.
    TryAgain(Which),
}

#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Started(pub(crate) Result<Option<Pid>, ChildError>);

#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Done(pub(crate) Result<(), ChildError>);

#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Listed(pub(crate) Vec<ChildInfo>);

#[derive(Debug, Message)]
#[message(local)]
pub(crate) struct Counted(pub(crate) ChildCount);

/// Which child is meant: by its identifier, or by its pid. A dynamic supervisor knows its children by pid alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The child with this identifier.
    Id(Cow<'static, str>),
    /// The child that runs as this process.
    Pid(Pid),
}

impl Ask {
    /// Its name in traces.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Ask::StartChild(..) => "start_child",
            Ask::RestartChild(..) => "restart_child",
            Ask::TerminateChild(..) => "terminate_child",
            Ask::DeleteChild(..) => "delete_child",
            Ask::WhichChildren(_) => "which_children",
            Ask::CountChildren(_) => "count_children",
            Ask::TryAgain(_) => "try_again",
        }
    }
}

impl From<&'static str> for Which {
    fn from(id: &'static str) -> Self {
        Which::Id(id.into())
    }
}

impl From<String> for Which {
    fn from(id: String) -> Self {
        Which::Id(id.into())
    }
}

impl<M> From<Pid<M>> for Which {
    fn from(pid: Pid<M>) -> Self {
        Which::Pid(pid.untyped())
    }
}

/// Why a supervisor did not do to a child what it was asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ChildError {
    /// A child with this identifier runs.
    #[error("a child with this identifier runs already, as {0}")]
    AlreadyStarted(Pid),
    /// A child with this identifier is known, and does not run.
    #[error("a child with this identifier is there already, and does not run: restart or delete it")]
    AlreadyPresent,
    /// There is no such child.
    #[error("there is no such child")]
    NotFound,
    /// The child runs.
    #[error("the child runs: terminate it first")]
    Running,
    /// The child is being restarted: its last start failed, and the next attempt is due.
    #[error("the child is being restarted: terminate it first")]
    Restarting,
    /// The dynamic supervisor has as many children as it may have.
    #[error("there are {0} children, and there may be no more")]
    TooMany(usize),
    /// A dynamic supervisor keeps no children that do not run.
    #[error("a dynamic supervisor keeps no child that does not run")]
    NotKept,
    /// The specification has a fault.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The child did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The supervisor did not answer.
    #[error("the supervisor did not answer: {0}")]
    Call(#[from] CallError),
}

/// How a child is at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildState {
    /// It runs as this process.
    Running(Pid),
    /// Its last start failed, and the next attempt is due.
    Restarting,
    /// It does not run: it was stopped, ended in good order, or chose not to start.
    Stopped,
}

/// A child as [`super::SupervisorRef::which_children`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildInfo {
    /// Its identifier.
    pub id: Cow<'static, str>,
    /// How it is.
    pub state: ChildState,
    /// What it is.
    pub kind: Kind,
    /// When it is restarted.
    pub restart: Restart,
}

/// What [`super::SupervisorRef::count_children`] counts: `specified = running + restarting + stopped`, and
/// `specified = supervisors + workers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChildCount {
    /// Children that are known.
    pub specified: usize,
    /// Those that run.
    pub running: usize,
    /// Those whose last start failed, and will be tried again.
    pub restarting: usize,
    /// Those that do not run.
    pub stopped: usize,
    /// Those that are supervisors, running or not.
    pub supervisors: usize,
    /// Those that are workers, running or not.
    pub workers: usize,
}

impl ChildCount {
    /// Counts one child more.
    pub(crate) fn add(&mut self, kind: Kind, state: ChildState) {
        self.specified += 1;
        match state {
            ChildState::Running(_) => self.running += 1,
            ChildState::Restarting => self.restarting += 1,
            ChildState::Stopped => self.stopped += 1,
        }
        match kind {
            Kind::Supervisor => self.supervisors += 1,
            Kind::Worker => self.workers += 1,
        }
    }
}

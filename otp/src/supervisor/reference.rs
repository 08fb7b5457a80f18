//! A supervisor as others see it: what it can be asked.

use super::{
    child::Child,
    order::{Ask, ChildCount, ChildError, ChildInfo, Counted, Done, Listed, Order, Started, Which},
};
use crate::{
    behaviour::Envelope,
    sys::{self, StopError},
};
use holm::{CallError, Message, Pid, Process, Reason, Reply};
use std::time::Duration;

/// A supervisor that runs, static or dynamic. It is asked from its own node; all of [`sys`] works on it.
///
/// Its functions wait as long as it takes: a supervisor that starts or stops a child answers afterwards, and a child
/// may be slow. A child that asks its supervisor while it starts or stops waits for ever.
///
/// # Cancel safety
///
/// Of all functions here: a call that is dropped may have been carried out, or may still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupervisorRef(Pid<Envelope<Order>>);

impl From<Pid<Envelope<Order>>> for SupervisorRef {
    fn from(pid: Pid<Envelope<Order>>) -> Self {
        SupervisorRef(pid)
    }
}

impl From<SupervisorRef> for Pid<Envelope<Order>> {
    fn from(supervisor: SupervisorRef) -> Self {
        supervisor.0
    }
}

impl From<SupervisorRef> for Pid {
    fn from(supervisor: SupervisorRef) -> Self {
        supervisor.0.untyped()
    }
}

impl SupervisorRef {
    /// The supervisor that has a name in this node.
    pub fn whereis(name: &str) -> Option<Self> {
        holm::whereis(name).map(SupervisorRef)
    }

    /// Its pid.
    pub fn pid(self) -> Pid<Envelope<Order>> {
        self.0
    }

    /// Adds a child behind the others, and starts it. Gives its pid, or nothing if it chose not to start: then a static
    /// supervisor keeps it as not running, unless it is temporary.
    ///
    /// # Errors
    ///
    /// [`ChildError::AlreadyStarted`], [`ChildError::AlreadyPresent`], [`ChildError::TooMany`], [`ChildError::Fault`],
    /// [`ChildError::Start`] (then the child is not kept), [`ChildError::Call`].
    pub async fn start_child<P: Message, M>(
        self,
        me: &mut Process<P>,
        child: Child<M>,
    ) -> Result<Option<Pid<M>>, ChildError> {
        let child = Box::new(child.specification);
        let Started(started) = self.ask(me, |reply| Ask::StartChild(child, reply)).await?;
        Ok(started?.map(Pid::receiving))
    }

    /// Starts a child again that does not run.
    ///
    /// # Errors
    ///
    /// [`ChildError::Running`], [`ChildError::Restarting`], [`ChildError::NotFound`], [`ChildError::NotKept`],
    /// [`ChildError::Start`], [`ChildError::Call`].
    pub async fn restart_child<P: Message>(
        self,
        me: &mut Process<P>,
        child: impl Into<Which>,
    ) -> Result<Option<Pid>, ChildError> {
        let child = child.into();
        let Started(started) = self.ask(me, |reply| Ask::RestartChild(child, reply)).await?;
        started
    }

    /// Stops a child, as its [`super::Shutdown`] says, and waits until it has ended. A static supervisor keeps its
    /// specification, unless it is temporary. A child that does not run is left as it is.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::Call`].
    pub async fn terminate_child<P: Message>(
        self,
        me: &mut Process<P>,
        child: impl Into<Which>,
    ) -> Result<(), ChildError> {
        let child = child.into();
        let Done(done) = self.ask(me, |reply| Ask::TerminateChild(child, reply)).await?;
        done
    }

    /// Forgets a child that does not run.
    ///
    /// # Errors
    ///
    /// [`ChildError::Running`], [`ChildError::Restarting`], [`ChildError::NotFound`], [`ChildError::NotKept`],
    /// [`ChildError::Call`].
    pub async fn delete_child<P: Message>(
        self,
        me: &mut Process<P>,
        child: impl Into<Which>,
    ) -> Result<(), ChildError> {
        let child = child.into();
        let Done(done) = self.ask(me, |reply| Ask::DeleteChild(child, reply)).await?;
        done
    }

    /// All children: of a static supervisor in the order of their start, of a dynamic one in no order.
    ///
    /// # Errors
    ///
    /// If the supervisor does not answer.
    pub async fn which_children<P: Message>(self, me: &mut Process<P>) -> Result<Vec<ChildInfo>, CallError> {
        let Listed(children) = self.ask(me, Ask::WhichChildren).await?;
        Ok(children)
    }

    /// How many children there are, and how they are.
    ///
    /// # Errors
    ///
    /// If the supervisor does not answer.
    pub async fn count_children<P: Message>(self, me: &mut Process<P>) -> Result<ChildCount, CallError> {
        let Counted(count) = self.ask(me, Ask::CountChildren).await?;
        Ok(count)
    }

    /// Stops the supervisor and all under it, and waits until all have ended. It ends with this reason; the caller is
    /// unlinked from it first, so that the end is no exit signal.
    ///
    /// # Errors
    ///
    /// See [`StopError`]; after a time-out it goes on stopping.
    pub async fn stop<P: Message>(
        self,
        me: &mut Process<P>,
        reason: Reason,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), StopError> {
        me.unlink(self.0);
        sys::stop(me, self, reason, limit).await
    }

    async fn ask<P: Message, T: Message>(
        self,
        me: &mut Process<P>,
        ask: impl FnOnce(Reply<T>) -> Ask,
    ) -> Result<T, CallError> {
        me.call(self.0, |reply| Envelope::User(Order(ask(reply))), None).await
    }
}

//! The ways in which a child starts, behind one door: a plain body, one that acknowledges, a start function, an entry
//! point of any node, a supervisor.
//!
//! Each leaves the child linked to its supervisor, and gives its pid. What the program gave is shared by all starts.

use super::{fault::Fault, order::Parent};
use crate::{
    gen_server::{self, GenServer},
    proc_lib::{self, StartError, StartOptions, Starting, refused},
};
use holm::{Entry, IntoReason, Message, Pid, Process};
use std::{future::Future, marker::PhantomData, pin::Pin, sync::Arc};

/// A start that is under way.
pub(crate) type Launching<'a> = Pin<Box<dyn Future<Output = Result<Pid, StartError>> + Send + 'a>>;

/// How a child starts.
pub(crate) trait Launch: Send + Sync {
    /// Starts the child, linked to its supervisor.
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a>;

    /// Looks for a fault in what is to be started.
    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

/// See [`super::Child::worker`].
pub(crate) struct Body<M, F>(F, PhantomData<fn(M)>);

impl<M, F> Body<M, F> {
    pub(crate) fn new(body: F) -> Self {
        Body(body, PhantomData)
    }
}

impl<M, F, Fut> Launch for Body<M, F>
where
    M: Message,
    F: Fn(Process<M>) -> Fut + Send + Sync,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a> {
        Box::pin(async move {
            let spawned = parent.spawn_opt(options.spawn.link(), &self.0).map_err(refused)?;
            Ok(spawned.pid.untyped())
        })
    }
}

/// See [`super::Child::acknowledged`].
pub(crate) struct Acknowledged<M, F>(F, PhantomData<fn(M)>);

impl<M, F> Acknowledged<M, F> {
    pub(crate) fn new(body: F) -> Self {
        Acknowledged(body, PhantomData)
    }
}

impl<M, F, Fut> Launch for Acknowledged<M, F>
where
    M: Message,
    F: Fn(Process<M>, Starting) -> Fut + Send + Sync,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a> {
        Box::pin(async move { Ok(proc_lib::start_link(parent, options, &self.0).await?.untyped()) })
    }
}

/// See [`super::Child::started_by`].
pub(crate) struct StartFunction<M, F>(F, PhantomData<fn(M)>);

impl<M, F> StartFunction<M, F> {
    pub(crate) fn new(start: F) -> Self {
        StartFunction(start, PhantomData)
    }
}

impl<M, F> Launch for StartFunction<M, F>
where
    M: Message,
    F: for<'a> Fn(&'a mut Parent) -> Pin<Box<dyn Future<Output = Result<Pid<M>, StartError>> + Send + 'a>>,
    F: Send + Sync,
{
    fn launch<'a>(&'a self, parent: &'a mut Parent, _: StartOptions) -> Launching<'a> {
        Box::pin(async move { Ok((self.0)(parent).await?.untyped()) })
    }
}

/// See [`super::Child::entry`].
pub(crate) struct OnNode<E: Entry, F> {
    entry: F,
    argument: E::Argument,
}

impl<E: Entry, F: Fn() -> E> OnNode<E, F> {
    pub(crate) fn new(entry: F, argument: E::Argument) -> Self {
        OnNode { entry, argument }
    }
}

impl<E, F> Launch for OnNode<E, F>
where
    E: Entry,
    E::Argument: Clone + Sync,
    F: Fn() -> E + Send + Sync,
{
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a> {
        Box::pin(async move {
            let spawned = parent.spawn_entry(&self.entry, self.argument.clone(), options.spawn.link()).await;
            Ok(spawned.map_err(refused)?.pid.untyped())
        })
    }
}

/// See [`super::Child::acknowledged_entry`].
pub(crate) struct AcknowledgedOnNode<A, F> {
    pub(crate) entry: F,
    pub(crate) argument: A,
}

impl<E, A, F> Launch for AcknowledgedOnNode<A, F>
where
    E: Entry<Argument = (Starting, A)>,
    A: Clone + Send + Sync,
    F: Fn() -> E + Send + Sync,
{
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a> {
        Box::pin(async move {
            let started = proc_lib::start_link_entry(parent, options, &self.entry, self.argument.clone()).await;
            Ok(started?.untyped())
        })
    }
}

/// See [`super::Child::server`].
pub(crate) struct Served<F>(pub(crate) Arc<F>);

impl<S, F> Launch for Served<F>
where
    S: GenServer,
    F: Fn() -> S + Send + Sync + 'static,
{
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a> {
        let make = self.0.clone();
        Box::pin(async move {
            let server = gen_server::start_link_with(parent, options, async move { Ok(make()) }).await?;
            Ok(server.pid().untyped())
        })
    }
}

/// See [`super::Child::supervisor`].
pub(crate) struct Subtree<T>(pub(crate) T);

impl<T: super::Tree> Launch for Subtree<T> {
    fn launch<'a>(&'a self, parent: &'a mut Parent, options: StartOptions) -> Launching<'a> {
        Box::pin(async move { Ok(self.0.clone().begin_link(parent, options).await?.untyped()) })
    }

    fn check(&self) -> Result<(), Fault> {
        self.0.check()
    }
}

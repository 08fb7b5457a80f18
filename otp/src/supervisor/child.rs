//! A child as it is written down in a tree: the ways to start one, and what else can be said of it.

use super::{
    launch::{Acknowledged, AcknowledgedOnNode, Body, Launch, OnNode, Served, StartFunction, Subtree},
    order::{Order, Parent},
    specification::{Kind, Restart, SHUTDOWN_DEFAULT, Shutdown, Specification},
};
use crate::{
    behaviour::Envelope,
    gen_server::GenServer,
    proc_lib::{StartError, StartOptions, Starting},
};
use holm::{Entry, IntoReason, Message, Pid, Process, SpawnOptions, Untyped};
use std::{borrow::Cow, fmt, future::Future, marker::PhantomData, pin::Pin, sync::Arc, time::Duration};

/// A child of a supervisor, to be: an identifier, and how to start it. `M` is what it receives.
///
/// Its function is called for each start, so what it captures is shared or cloned.
///
/// ```
/// use holm::{Pid, Process};
/// use holm_otp::supervisor::{Child, Shutdown};
/// use std::time::Duration;
///
/// async fn account(mut me: Process<i64>, opening: i64) {
///     let mut balance = opening;
///     loop {
///         balance += me.receive().await;
///     }
/// }
///
/// fn account_of(owner: &str, opening: i64) -> Child<i64> {
///     Child::worker(format!("account of {owner}"), move |me| account(me, opening))
///         .transient()
///         .shutdown(Shutdown::Within(Duration::from_secs(1)))
/// }
///
/// account_of("Ada", 100);
/// ```
#[must_use = "a child is for a supervisor"]
pub struct Child<M = Untyped> {
    pub(crate) specification: Specification,
    messages: PhantomData<fn(M)>,
}

impl<M> fmt::Debug for Child<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.specification, f)
    }
}

impl<M> Clone for Child<M> {
    fn clone(&self) -> Self {
        Child { specification: self.specification.clone(), messages: PhantomData }
    }
}

impl<M> Child<M> {
    fn new(id: impl Into<Cow<'static, str>>, kind: Kind, shutdown: Shutdown, launch: impl Launch + 'static) -> Self {
        let specification = Specification {
            id: id.into(),
            launch: Arc::new(launch),
            options: None,
            shutdown,
            restart: Restart::default(),
            kind,
            significant: false,
        };
        Child { specification, messages: PhantomData }
    }

    fn new_worker(id: impl Into<Cow<'static, str>>, launch: impl Launch + 'static) -> Self {
        Child::new(id, Kind::Worker, Shutdown::Within(SHUTDOWN_DEFAULT), launch)
    }

    /// When it is started again after an end; [`Restart::Permanent`] unless this is called.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.specification.restart = restart;
        self
    }

    /// [`Restart::Transient`].
    pub fn transient(self) -> Self {
        self.restart(Restart::Transient)
    }

    /// [`Restart::Temporary`].
    pub fn temporary(self) -> Self {
        self.restart(Restart::Temporary)
    }

    /// How it is stopped: unless this is called a worker has five seconds, and a supervisor all the time it needs.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.specification.shutdown = shutdown;
        self
    }

    /// Its end can be the end of all: see [`super::AutomaticShutdown`].
    pub fn significant(mut self) -> Self {
        self.specification.significant = true;
        self
    }

    /// Under a name in its node. A child of another node than its supervisor's has the name there.
    pub fn name(self, name: &str) -> Self {
        self.with_options(|options| options.name(name))
    }

    /// Where and how it is spawned. A name that these options give replaces that of [`Child::name`]; ties are the
    /// supervisor's affair.
    pub fn spawn(self, spawn: SpawnOptions) -> Self {
        self.with_options(|options| options.spawn(spawn))
    }

    /// How long its start may take, if it is one that acknowledges: then it is killed, and the start has failed.
    pub fn start_limit(self, limit: Duration) -> Self {
        self.with_options(|options| options.limit(limit))
    }

    fn with_options(mut self, change: impl FnOnce(StartOptions) -> StartOptions) -> Self {
        let options = self.specification.options.take().map_or_else(StartOptions::new, |options| *options);
        self.specification.options = Some(Box::new(change(options)));
        self
    }
}

impl<M: Message> Child<M> {
    /// A worker that is a plain process body: as soon as it is spawned, the next child starts.
    pub fn worker<F, Fut>(id: impl Into<Cow<'static, str>>, body: F) -> Self
    where
        F: Fn(Process<M>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        Child::new_worker(id, Body::new(body))
    }

    /// A worker that says when it is ready ([`Starting::ready`]): until then the next child does not start.
    ///
    /// ```
    /// use holm::Process;
    /// use holm_otp::{proc_lib::Starting, supervisor::Child};
    ///
    /// async fn cache(mut me: Process<()>, starting: Starting) {
    ///     let warm = vec![0u8; 1 << 20]; // what has to be there first
    ///     starting.ready();
    ///     me.receive().await;
    ///     drop(warm);
    /// }
    ///
    /// Child::acknowledged("cache", cache);
    /// ```
    pub fn acknowledged<F, Fut>(id: impl Into<Cow<'static, str>>, body: F) -> Self
    where
        F: Fn(Process<M>, Starting) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        Child::new_worker(id, Acknowledged::new(body))
    }

    /// A worker with a start function of its own, which must leave it linked to the process that it is given: what the
    /// start functions of behaviours do. Name, place and limit are its own affair too.
    ///
    /// ```
    /// use holm::Process;
    /// use holm_otp::{proc_lib::{self, StartOptions}, supervisor::Child};
    ///
    /// async fn clock(mut me: Process<u8>) {
    ///     me.receive().await;
    /// }
    ///
    /// Child::started_by("clock", |supervisor| {
    ///     Box::pin(proc_lib::start_link(supervisor, StartOptions::new(), |me: Process<u8>, starting| {
    ///         starting.ready();
    ///         clock(me)
    ///     }))
    /// });
    /// ```
    pub fn started_by<F>(id: impl Into<Cow<'static, str>>, start: F) -> Self
    where
        F: for<'a> Fn(&'a mut Parent) -> Pin<Box<dyn Future<Output = Result<Pid<M>, StartError>> + Send + 'a>>,
        F: Send + Sync + 'static,
    {
        Child::new_worker(id, StartFunction::new(start))
    }

    /// A worker that is an entry point, on this node or another: see [`Child::spawn`] for where.
    ///
    /// If the connection to its node is lost, the supervisor sees [`holm::Reason::NoConnection`] and restarts it as its
    /// [`Restart`] says. The old one may live on over there, so this may make two of it.
    ///
    /// ```
    /// use holm::{Process, SpawnOptions};
    /// use holm_otp::supervisor::Child;
    ///
    /// #[holm::entry]
    /// async fn beacon(mut me: Process<()>, number: u32) {
    ///     println!("beacon {number}");
    ///     me.receive().await;
    /// }
    ///
    /// Child::entry("beacon", beacon, 7).spawn(SpawnOptions::new().scheduler(1));
    /// ```
    pub fn entry<E>(
        id: impl Into<Cow<'static, str>>,
        entry: impl Fn() -> E + Send + Sync + 'static,
        argument: E::Argument,
    ) -> Self
    where
        E: Entry<Message = M>,
        E::Argument: Clone + Sync,
    {
        Child::new_worker(id, OnNode::new(entry, argument))
    }

    /// As [`Child::entry`], with an entry that says when it is ready: its argument is the [`Starting`] and this one.
    pub fn acknowledged_entry<E, A>(
        id: impl Into<Cow<'static, str>>,
        entry: impl Fn() -> E + Send + Sync + 'static,
        argument: A,
    ) -> Self
    where
        E: Entry<Message = M, Argument = (Starting, A)>,
        A: Clone + Send + Sync + 'static,
    {
        Child::new_worker(id, AcknowledgedOnNode { entry, argument })
    }
}

impl<M: Message> Child<Envelope<M>> {
    /// A generic server, made anew for each start, in its own process.
    ///
    /// ```
    /// use holm_otp::{gen_server::{Context, GenServer, Next}, supervisor::Child};
    ///
    /// struct Sum(u64);
    ///
    /// impl GenServer for Sum {
    ///     type Message = u64;
    ///
    ///     async fn handle(&mut self, more: u64, _: &mut Context<u64>) -> Next {
    ///         self.0 += more;
    ///         Next::Receive
    ///     }
    /// }
    ///
    /// Child::server("sum", || Sum(0)).name("sum");
    /// ```
    pub fn server<S>(id: impl Into<Cow<'static, str>>, make: impl Fn() -> S + Send + Sync + 'static) -> Self
    where
        S: GenServer<Message = M>,
    {
        Child::new_worker(id, Served(Arc::new(make)))
    }
}

impl Child<Envelope<Order>> {
    /// A supervisor under this one: a [`super::Supervisor`] or a [`crate::DynamicSupervisor`].
    pub fn supervisor(id: impl Into<Cow<'static, str>>, tree: impl super::Tree) -> Self {
        Child::new(id, Kind::Supervisor, Shutdown::Infinite, Subtree(tree))
    }
}

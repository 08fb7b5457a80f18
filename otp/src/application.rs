//! Applications: parts of a program that start in order, stop in order, and say what their end means to the rest.
//!
//! ```
//! use holm::{Pid, Process, Reason};
//! use holm_otp::{
//!     application::{Application, Applications, Host, Kind, Spec, Start},
//!     proc_lib::{self, StartOptions},
//! };
//!
//! /// An application whose root only waits; most have a supervisor there.
//! struct Quiet;
//!
//! impl Application for Quiet {
//!     type State = ();
//!
//!     async fn start(&self, host: &mut Host, start: &Start) -> Result<(Pid, ()), Reason> {
//!         let words: Option<&str> = start.environment.get("words");
//!         assert_eq!(words.is_some(), start.name == "store");
//!         let root = proc_lib::start_link(host, StartOptions::new(), async |mut me: Process<()>, starting| {
//!             starting.ready();
//!             me.receive().await;
//!         });
//!         Ok((root.await.map_err(Reason::error)?.untyped(), ()))
//!     }
//! }
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let applications = Applications::start_link(&mut me).await.unwrap();
//!     applications.load(&mut me, Spec::new("web", Quiet).needs("store")).await.unwrap();
//!     let store = Spec::new("store", Quiet);
//!     store.environment().set("words", "by heart");
//!     applications.load(&mut me, store).await.unwrap();
//!     let started = applications.start_all(&mut me, "web", Kind::Permanent).await;
//!     assert_eq!(started, Ok(vec!["store".to_string(), "web".to_string()]));
//!     applications.stop(&mut me, "web").await.unwrap();
//!     assert_eq!(applications.running(&mut me).await, Ok(vec!["store".to_string()]));
//! })
//! .unwrap();
//! ```
//!
//! After Erlang's `application`. One process, the *controller*, knows the applications of a node. Above the root of each
//! stands another, its *master*, which starts it and stops it:
//!
//! ```text
//! starter ── controller ── master ── root (a supervisor) ── …
//! ```
//!
//! | an application ends by itself | permanent | transient | temporary |
//! | --- | --- | --- | --- |
//! | with `Normal` | the controller ends | nothing | nothing |
//! | with any other reason | the controller ends | the controller ends | nothing |
//!
//! When the controller ends, by itself or with its starter, it stops all applications, the last started first; then its
//! starter gets an exit signal with the reason, by their link. So a program whose first process starts the controller
//! ends when a permanent application does.
//!
//! What differs from OTP: an application that others need is not stopped before them *(choice: OTP stops it)*; its start
//! arguments are the value that implements [`Application`]; applications start one at a time, so that a `start` must not
//! ask the controller to start another; there are no included applications, start phases and take-overs.

mod controller;
mod environment;
mod master;
mod order;

pub use self::{environment::Environment, master::Instruction};
pub use crate::proc_lib::StartError;

use crate::proc_lib::{self, StartOptions};
use controller::{Answer, Request};
use holm::{CallError, Message, Pid, Process, Reason, Reply};
use std::{
    fmt,
    future::{Future, ready},
};

/// Why something could not be done with an application.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApplicationError {
    /// There is no application of this name.
    #[error("{0} is not loaded")]
    NotLoaded(String),
    /// There is one already.
    #[error("{0} is loaded already")]
    AlreadyLoaded(String),
    /// It depends on one that is not loaded.
    #[error("{application}, which {needed_by} needs, is not loaded")]
    Missing {
        /// Which is not.
        application: String,
        /// Which depends on it.
        needed_by: String,
    },
    /// Applications depend on each other: each on the next, the last on the first, which is named again.
    #[error("applications depend on each other: {}", .0.join(", "))]
    Cycle(Vec<String>),
    /// It runs.
    #[error("{0} runs already")]
    AlreadyStarted(String),
    /// It depends on one that does not run.
    #[error("{application}, which {needed_by} needs, does not run")]
    NotStarted {
        /// Which does not.
        application: String,
        /// Which depends on it.
        needed_by: String,
    },
    /// Its start failed.
    #[error("{application} did not start: {error}")]
    Failed {
        /// Which.
        application: String,
        /// Why.
        error: StartError,
    },
    /// It does not run.
    #[error("{0} does not run")]
    NotRunning(String),
    /// Another one that runs depends on it.
    #[error("{application} is needed by {by}, which runs")]
    Needed {
        /// Which was to stop.
        application: String,
        /// Which depends on it.
        by: String,
    },
    /// The controller does not answer.
    #[error("the controller of applications does not answer: {0}")]
    Controller(#[from] CallError),
}

/// What the end of an application means to the others; see the [module](self).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// They end with it.
    Permanent,
    /// They end with it if it fails.
    Transient,
    /// Nothing.
    #[default]
    Temporary,
}

/// The process in which an application's functions run, its master. Its root is started linked to it.
pub type Host = Process<Instruction>;

/// How an application is started.
#[derive(Clone, Debug)]
pub struct Start {
    /// Under which name.
    pub name: String,
    /// What its end will mean.
    pub kind: Kind,
    /// What it is configured with.
    pub environment: Environment,
}

/// What an application does. The value itself is its start arguments.
///
/// | callback | called for | answers | if it is left out |
/// | --- | --- | --- | --- |
/// | [`start`](Application::start) | the start | the root, and a state for the others | – |
/// | [`prep_stop`](Application::prep_stop) | a stop, before the root ends | – | nothing |
/// | [`stop`](Application::stop) | the end, after the root's | – | nothing |
pub trait Application: Send + Sync + 'static {
    /// What it keeps for its stop.
    type State: Send + 'static;

    /// Starts the root, linked to the host: a supervisor in most cases. It is asked to end with an exit signal,
    /// `Shutdown`, and may take its time.
    fn start(&self, host: &mut Host, start: &Start) -> impl Future<Output = Result<(Pid, Self::State), Reason>> + Send;

    /// The application is to stop, and all of it still runs.
    fn prep_stop(&self, state: &mut Self::State) -> impl Future<Output = ()> + Send {
        let _ = state;
        ready(())
    }

    /// The root has ended: cleans up.
    fn stop(&self, state: Self::State) -> impl Future<Output = ()> + Send {
        let _ = state;
        ready(())
    }
}

/// An application as it is loaded.
#[must_use]
pub struct Spec {
    name: String,
    dependencies: Vec<String>,
    environment: Environment,
    starter: master::Starter,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spec").field("name", &self.name).field("dependencies", &self.dependencies).finish()
    }
}

impl Spec {
    /// An application under a name, which needs no other.
    pub fn new(name: &str, application: impl Application) -> Self {
        let starter = master::starter(application);
        Spec { name: name.to_string(), dependencies: Vec::new(), environment: Environment::new(), starter }
    }

    /// It starts after this one, and stops before it.
    pub fn needs(mut self, other: &str) -> Self {
        self.dependencies.push(other.to_string());
        self
    }

    /// What it is configured with, to be set before the start or changed while it runs.
    pub fn environment(&self) -> Environment {
        self.environment.clone()
    }
}

/// The controller of this node's applications.
#[derive(Clone, Copy, Debug)]
pub struct Applications(Pid<Request>);

impl Applications {
    /// Starts a controller that knows no application, linked to its starter.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    ///
    /// # Cancel safety
    ///
    /// As [`proc_lib::start_link`].
    pub async fn start_link<M: Message>(me: &mut Process<M>) -> Result<Self, StartError> {
        proc_lib::start_link(me, StartOptions::new(), controller::control).await.map(Applications)
    }

    /// The controller's process.
    pub fn pid(self) -> Pid {
        self.0.untyped()
    }

    /// Makes an application known. What it needs may come later.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::AlreadyLoaded`], and [`ApplicationError::Controller`] as everywhere here.
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, it is done all the same; so everywhere here.
    pub async fn load<M: Message>(self, me: &mut Process<M>, spec: Spec) -> Result<(), ApplicationError> {
        self.ask(me, |reply| Request::Load(spec, reply)).await
    }

    /// Forgets an application that does not run.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::NotLoaded`] and [`ApplicationError::AlreadyStarted`].
    pub async fn unload<M: Message>(self, me: &mut Process<M>, name: &str) -> Result<(), ApplicationError> {
        self.ask(me, |reply| Request::Unload(name.into(), reply)).await
    }

    /// Starts an application whose dependencies run.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::NotLoaded`], [`AlreadyStarted`](ApplicationError::AlreadyStarted),
    /// [`NotStarted`](ApplicationError::NotStarted) and [`Failed`](ApplicationError::Failed).
    pub async fn start<M: Message>(self, me: &mut Process<M>, name: &str, kind: Kind) -> Result<(), ApplicationError> {
        let request = |reply| Request::Start { name: name.into(), kind, with_dependencies: false, reply };
        self.ask(me, request).await.map(drop)
    }

    /// Starts an application after all that it needs and that does not run, all as the same kind, and says which were
    /// started, in their order. If one fails, those before it are stopped again.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::NotLoaded`], [`Missing`](ApplicationError::Missing), [`Cycle`](ApplicationError::Cycle) and
    /// [`Failed`](ApplicationError::Failed).
    pub async fn start_all<M: Message>(
        self,
        me: &mut Process<M>,
        name: &str,
        kind: Kind,
    ) -> Result<Vec<String>, ApplicationError> {
        let request = |reply| Request::Start { name: name.into(), kind, with_dependencies: true, reply };
        self.ask(me, request).await
    }

    /// Stops an application, and waits until it has ended. Of whatever kind it is, the others run on.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::NotRunning`], and [`Needed`](ApplicationError::Needed) if another one that runs depends on it.
    pub async fn stop<M: Message>(self, me: &mut Process<M>, name: &str) -> Result<(), ApplicationError> {
        self.ask(me, |reply| Request::Stop(name.into(), reply)).await
    }

    /// The applications that run, in the order in which they were started.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Controller`].
    pub async fn running<M: Message>(self, me: &mut Process<M>) -> Result<Vec<String>, ApplicationError> {
        Ok(me.call(self.0, Request::Running, None).await?)
    }

    async fn ask<M: Message, T: Send + 'static>(
        self,
        me: &mut Process<M>,
        request: impl FnOnce(Reply<Answer<T>>) -> Request,
    ) -> Result<T, ApplicationError> {
        me.call(self.0, request, None).await?.0
    }
}

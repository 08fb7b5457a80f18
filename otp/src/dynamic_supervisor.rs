//! A supervisor of many children of one kind that come and go: connections, sessions, accounts.
//!
//! A template is a function from arguments to a child. Each child keeps what its template captured, and its own restart
//! kind and shutdown.
//!
//! ```
//! use holm::{Process, Reason};
//! use holm_otp::{DynamicSupervisor, supervisor::Child};
//!
//! async fn session(mut me: Process<String>, number: u32) {
//!     println!("session {number}: {}", me.receive().await);
//! }
//!
//! fn session_child(number: u32) -> Child<String> {
//!     Child::worker("session", move |me| session(me, number)).temporary()
//! }
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let sessions = DynamicSupervisor::new().start_link(&mut me).await.unwrap();
//!     for number in 0..1_000 {
//!         sessions.start_child(&mut me, session_child(number)).await.unwrap();
//!     }
//!     let one = sessions.start_child(&mut me, session_child(1_000)).await.unwrap().unwrap();
//!     one.send("hello".into()).unwrap();
//!     sessions.stop(&mut me, Reason::Normal, None).await.unwrap();
//! })
//! .unwrap();
//! ```
//!
//! After OTP's `simple_one_for_one` and Elixir's `DynamicSupervisor`. Children are known by their pids, their identifiers
//! are for reports and lists, and need not differ. One that was stopped, ended without a restart, or chose not to start
//! is forgotten at once. To add or remove one takes the same time however many there are. All are stopped at the same
//! time, each within its own shutdown.
//!
//! Set aside: a process that holds the template and is sent arguments, as in OTP. A function that returns a [`Child`]
//! says the same with types, and lets children of several templates live under one supervisor.

mod run;
mod stop_all;

use crate::{
    behaviour::Envelope,
    proc_lib::{self, StartError, StartOptions},
    supervisor::{
        Fault, Intensity, Order, Rules, Strategy, SupervisorError, SupervisorRef, check, named, sealed, supervise,
    },
};
use holm::{Message, Pid, Process};
use run::Run;
use std::time::Duration;

#[cfg(doc)]
use crate::supervisor::Child;

/// A dynamic supervisor, to be. See the module's text.
#[derive(Clone, Debug)]
#[must_use = "a supervisor is to be started, or to be the child of another"]
pub struct DynamicSupervisor {
    intensity: Intensity,
    children_max: usize,
    name: Option<String>,
}

impl Default for DynamicSupervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl DynamicSupervisor {
    /// Without children, and without a limit to their number. It gives up when more than one restart falls into five
    /// seconds.
    pub fn new() -> Self {
        DynamicSupervisor { intensity: Intensity::default(), children_max: usize::MAX, name: None }
    }

    /// How many restarts there may be within a period: see [`crate::Supervisor::intensity`].
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.intensity = Intensity { restarts, period };
        self
    }

    /// How many children there may be at a time.
    pub fn children_max(mut self, children_max: usize) -> Self {
        self.children_max = children_max;
        self
    }

    /// Under a name in its node.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_string());
        self
    }

    /// Starts the supervisor, linked to the caller, who is its parent from now on.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the supervisor goes on starting, linked.
    pub async fn start_link<P: Message>(self, parent: &mut Process<P>) -> Result<SupervisorRef, SupervisorError> {
        sealed::Tree::check(&self)?;
        Ok(sealed::Tree::begin_link(self, parent, StartOptions::new()).await?.into())
    }

    /// As [`DynamicSupervisor::start_link`], without the link.
    ///
    /// # Errors
    ///
    /// As [`DynamicSupervisor::start_link`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the supervisor goes on starting.
    pub async fn start<P: Message>(self, starter: &mut Process<P>) -> Result<SupervisorRef, SupervisorError> {
        sealed::Tree::check(&self)?;
        let options = named(StartOptions::new(), self.name.as_deref());
        Ok(proc_lib::start(starter, options, |me, starting| supervise(me, starting, Run::new(self))).await?.into())
    }
}

impl sealed::Tree for DynamicSupervisor {
    fn check(&self) -> Result<(), Fault> {
        let rules = Rules { intensity: self.intensity, ..Rules::new(Strategy::OneForOne) };
        check(&rules, &[])
    }

    async fn begin_link<P: Message>(
        self,
        parent: &mut Process<P>,
        options: StartOptions,
    ) -> Result<Pid<Envelope<Order>>, StartError> {
        let options = named(options, self.name.as_deref());
        proc_lib::start_link(parent, options, |me, starting| supervise(me, starting, Run::new(self))).await
    }
}

//! Supervisors: processes that start others, watch them, and start them again.
//!
//! A tree of supervisors reads like its picture:
//!
//! ```text
//!   shop (one for all)
//!   ├── ledger
//!   └── desk (rest for one)
//!       ├── prices
//!       └── clerks (one for one)
//!           ├── Ada
//!           └── Bob
//! ```
//!
//! ```
//! use holm::{Process, Reason};
//! use holm_otp::supervisor::{Child, Supervisor};
//! use std::time::Duration;
//! # async fn ledger(mut me: Process<()>) { me.receive().await }
//! # async fn prices(mut me: Process<()>) { me.receive().await }
//! # async fn clerk(mut me: Process<()>, _name: &str) { me.receive().await }
//!
//! fn shop() -> Supervisor {
//!     Supervisor::one_for_all()
//!         .child(Child::worker("ledger", ledger))
//!         .child(Child::supervisor("desk", Supervisor::rest_for_one()
//!             .child(Child::worker("prices", prices))
//!             .child(Child::supervisor("clerks", Supervisor::one_for_one()
//!                 .intensity(10, Duration::from_secs(60))
//!                 .child(Child::worker("Ada", |me| clerk(me, "Ada")).transient())
//!                 .child(Child::worker("Bob", |me| clerk(me, "Bob")).transient())))))
//! }
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let shop = shop().start_link(&mut me).await.unwrap();
//!     assert_eq!(shop.count_children(&mut me).await.unwrap().running, 2);
//!     shop.stop(&mut me, Reason::Normal, None).await.unwrap();
//! })
//! .unwrap();
//! ```
//!
//! After OTP's `supervisor`; `docs/supervisors.md` says what is as there, and what is not. For many children that come
//! and go there is [`crate::DynamicSupervisor`].
//!
//! | file | what it holds |
//! | --- | --- |
//! | `child.rs`, `specification.rs` | how a child is written down, what is known of it |
//! | `launch.rs`, `fault.rs` | how it starts, what can be wrong with it |
//! | `rules.rs` | strategies, intensity, automatic shutdown, as plain data |
//! | `children.rs`, `run.rs`, `stop.rs` | the table of children, what a supervisor does, how children start and stop |
//! | `supervise.rs` | the process of every supervisor |
//! | `order.rs`, `reference.rs` | what a supervisor is asked, and by whom |
//! | `report.rs` | what it reports |

mod child;
mod children;
mod fault;
mod launch;
mod order;
mod reference;
mod report;
mod rules;
mod run;
mod specification;
mod stop;
mod supervise;

pub use child::Child;
pub use fault::Fault;
pub use order::{ChildCount, ChildError, ChildInfo, ChildState, Order, Parent, Which};
pub use reference::SupervisorRef;
pub use report::TARGET;
pub use rules::{AutomaticShutdown, Strategy};
pub use specification::{Kind, Restart, SHUTDOWN_DEFAULT, Shutdown};

pub(crate) use fault::{check, check_child};
pub(crate) use order::{Ask, Counted, Done, Listed, Started};
pub(crate) use report::Report;
pub(crate) use rules::{Intensity, Restarts, Rules};
pub(crate) use run::try_again;
pub(crate) use specification::Specification;
pub(crate) use stop::{end, first_signal, start, stop, stopped};
pub(crate) use supervise::{Next, Supervise, supervise};

use crate::{
    behaviour::Envelope,
    proc_lib::{self, StartError, StartOptions},
};
use holm::{Message, Pid, Process};
use run::Run;
use std::{future::Future, time::Duration};

/// Why a supervisor did not start. Nothing of it is left.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SupervisorError {
    /// Its specification, or that of a child, has a fault: nothing was started.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It, or one of its children, did not start; those that had started were stopped.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// A supervisor, to be: its rules, and its children in the order of their start. See the module's text.
#[derive(Clone, Debug)]
#[must_use = "a supervisor is to be started, or to be the child of another"]
pub struct Supervisor {
    rules: Rules,
    children: Vec<Specification>,
    name: Option<String>,
}

impl Supervisor {
    /// With this strategy and without children. It gives up when more than one restart falls into five seconds.
    pub fn new(strategy: Strategy) -> Self {
        Supervisor { rules: Rules::new(strategy), children: Vec::new(), name: None }
    }

    /// [`Strategy::OneForOne`].
    pub fn one_for_one() -> Self {
        Supervisor::new(Strategy::OneForOne)
    }

    /// [`Strategy::OneForAll`].
    pub fn one_for_all() -> Self {
        Supervisor::new(Strategy::OneForAll)
    }

    /// [`Strategy::RestForOne`].
    pub fn rest_for_one() -> Self {
        Supervisor::new(Strategy::RestForOne)
    }

    /// How many restarts there may be within a period. One more, and the supervisor stops all children and ends with
    /// [`holm::Reason::Shutdown`]. The restart of a group counts as one, and each attempt that fails counts.
    pub fn intensity(mut self, restarts: u32, period: Duration) -> Self {
        self.rules.intensity = Intensity { restarts, period };
        self
    }

    /// When the end of significant children ends the supervisor, with [`holm::Reason::Shutdown`].
    pub fn automatic_shutdown(mut self, automatic: AutomaticShutdown) -> Self {
        self.rules.automatic = automatic;
        self
    }

    /// Under a name in its node.
    pub fn name(mut self, name: &str) -> Self {
        self.name = Some(name.to_string());
        self
    }

    /// One child more, behind the others.
    pub fn child<M>(mut self, child: Child<M>) -> Self {
        self.children.push(child.specification);
        self
    }

    /// More children, behind the others.
    pub fn children<M>(self, children: impl IntoIterator<Item = Child<M>>) -> Self {
        children.into_iter().fold(self, Supervisor::child)
    }

    /// Starts the supervisor and all under it, linked to the caller, who is its parent from now on: when that ends, so
    /// does the supervisor, and all under it.
    ///
    /// # Errors
    ///
    /// See [`SupervisorError`]; the one who failed is named.
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the supervisor goes on starting, linked.
    pub async fn start_link<P: Message>(self, parent: &mut Process<P>) -> Result<SupervisorRef, SupervisorError> {
        check(&self.rules, &self.children)?;
        Ok(sealed::Tree::begin_link(self, parent, StartOptions::new()).await?.into())
    }

    /// As [`Supervisor::start_link`], without the link: it runs until it is stopped, or gives up.
    ///
    /// # Errors
    ///
    /// As [`Supervisor::start_link`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the supervisor goes on starting.
    pub async fn start<P: Message>(self, starter: &mut Process<P>) -> Result<SupervisorRef, SupervisorError> {
        check(&self.rules, &self.children)?;
        let options = named(StartOptions::new(), self.name.as_deref());
        Ok(proc_lib::start(starter, options, |me, starting| supervise(me, starting, Run::new(self))).await?.into())
    }
}

/// What can be a supervisor under another: a [`Supervisor`], a [`crate::DynamicSupervisor`].
pub trait Tree: sealed::Tree {}

impl Tree for Supervisor {}
impl Tree for crate::DynamicSupervisor {}

pub(crate) mod sealed {
    use super::{Envelope, Fault, Future, Message, Order, Pid, Process, StartError, StartOptions};

    pub trait Tree: Clone + Send + Sync + 'static {
        fn check(&self) -> Result<(), Fault>;

        fn begin_link<P: Message>(
            self,
            parent: &mut Process<P>,
            options: StartOptions,
        ) -> impl Future<Output = Result<Pid<Envelope<Order>>, StartError>> + Send;
    }
}

impl sealed::Tree for Supervisor {
    fn check(&self) -> Result<(), Fault> {
        check(&self.rules, &self.children)
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

/// The options, with the name if there is one.
pub(crate) fn named(options: StartOptions, name: Option<&str>) -> StartOptions {
    match name {
        Some(name) => options.name(name),
        None => options,
    }
}

//! Layout: how one program becomes one OS process or many, before anything else happens in it.
//!
//! Every holm program calls [`enter`] first in `main`. Started alone it returns at once; started as `8x1` it starts seven
//! more of itself, connects each two of them, and returns in all eight: the caller finds in [`Place`] which node it is,
//! in [`LinkEnd`]s its roads to the others, and in [`Control`] how the nodes start and stop together. What then runs
//! on those roads is none of this module's business, nor is pinning a scheduler's thread: it only hands over the plan.
//!
//! ```text
//!   options ─► plan ─► launch ──► links, control ──► child      in each further node
//!                        │
//!                        └──► children: seats, watch, relay     in node 0, beside its schedulers
//! ```
//!
//! The parent is node 0. A launcher that is no node was set aside: one more process, whose only work would be to pass the
//! terminal, the signals and the exit status through. So was `fork` without `exec`: it copies threads' locks, not threads.

mod binding;
mod child;
mod children;
mod control;
mod error;
mod launch;
mod lines;
mod links;
mod options;
mod place;
mod plan;
mod relay;
mod seats;
pub mod signals;
mod watch;

pub use binding::Binding;
pub use child::{ControlEnd, ControlEvent, NoGo};
pub use children::{Children, Killer};
pub use control::ControlError;
pub use error::LayoutError;
pub use links::{LinkEnd, Socket};
pub use options::{OptionError, Options};
pub use place::{NodePlace, Place, Transport, UnknownTransport};
pub use seats::Death;

/// A process that has found its place.
#[derive(Debug)]
pub struct Entered {
    /// Where it stands.
    pub place: Place,
    /// Its ends of the links to all other nodes, by rank.
    pub links: Vec<LinkEnd>,
    /// How it starts and stops together with them.
    pub control: Control,
}

/// What a node can say to the others' start and stop.
#[derive(Debug)]
pub enum Control {
    /// It is the only node.
    Alone,
    /// It started the others.
    Parent(Children),
    /// It was started.
    Child(ControlEnd),
}

/// Enters the layout that the environment asks for; see [`Options`].
///
/// To be called once, on the main thread, before there is any other thread: the further nodes are killed when the thread
/// that started them ends, and CPU masks are inherited by threads that are started later.
///
/// # Errors
///
/// A sentence fit to be printed as it is; no process is left behind.
pub fn enter() -> Result<Entered, LayoutError> {
    match child::control_socket()? {
        Some(control) => child::enter(control),
        None => enter_as_launcher(&Options::from_env()?),
    }
}

/// Enters a layout chosen by the program itself; in a node that a launcher started, the launcher's choice holds.
///
/// # Errors
///
/// As [`enter`].
pub fn enter_with(options: &Options) -> Result<Entered, LayoutError> {
    match child::control_socket()? {
        Some(control) => child::enter(control),
        None => enter_as_launcher(options),
    }
}

/// The place of a runtime inside a host program: what the options ask for, and bound to CPUs only if they ask for that,
/// because there may be others in the same program.
pub(crate) fn embed(options: &Options) -> Result<Place, LayoutError> {
    let bind = options.bind.or(Some(holm_affinity::BindType::Unbound));
    Ok(plan::plan(&Options { bind, ..options.clone() })?.place)
}

fn enter_as_launcher(options: &Options) -> Result<Entered, LayoutError> {
    let planned = plan::plan(options)?;
    match planned.place.nodes.len() {
        1 => Ok(Entered { place: planned.place, links: Vec::new(), control: Control::Alone }),
        _ => launch::launch(options, planned),
    }
}

//! A process that is in one of several states: OTP's `gen_statem`.
//!
//! A machine is a type with its data, a type of states, one enum of messages, and a function that handles an event in a
//! state. A door with a code lock, which opens for ten seconds, and keeps what is pressed meanwhile for later:
//!
//! ```
//! use holm::{Message, Process, Reply};
//! use holm_otp::gen_statem::{self, Context, Event, Init, StartOptions, StateMachine, Step};
//! use std::time::Duration;
//!
//! #[derive(Message)]
//! #[message(local)]
//! enum Ask {
//!     Press(char),
//!     IsOpen(Reply<bool>),
//! }
//!
//! #[derive(Debug, PartialEq)]
//! enum Door {
//!     Locked,
//!     Open,
//! }
//!
//! struct Lock {
//!     code: String,
//!     pressed: String,
//! }
//!
//! impl StateMachine for Lock {
//!     type State = Door;
//!     type Message = Ask;
//!     type Timeout = ();
//!
//!     async fn init(&mut self, _: &mut Context<Ask>) -> Init<Door> {
//!         Init::Ready(Door::Locked)
//!     }
//!
//!     async fn handle(&mut self, door: &Door, event: Event<Ask>, _: &mut Context<Ask>) -> Step<Self> {
//!         match (door, event) {
//!             (Door::Locked, Event::Message(Ask::Press(button))) => {
//!                 self.pressed.push(button);
//!                 if self.pressed.len() < self.code.len() {
//!                     return Step::keep();
//!                 }
//!                 match std::mem::take(&mut self.pressed) == self.code {
//!                     true => Step::to(Door::Open).state_timeout(Duration::from_secs(10)),
//!                     false => Step::keep(),
//!                 }
//!             }
//!             (Door::Open, Event::StateTimeout) => Step::to(Door::Locked),
//!             (Door::Open, press @ Event::Message(Ask::Press(_))) => Step::postpone(press),
//!             (door, Event::Message(Ask::IsOpen(reply))) => Step::keep().reply(reply, *door == Door::Open),
//!             _ => Step::keep(),
//!         }
//!     }
//! }
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let lock = Lock { code: "1234".into(), pressed: String::new() };
//!     let lock = gen_statem::start_link(&mut me, StartOptions::new(), lock).await.unwrap();
//!     "1234".chars().for_each(|button| lock.cast(Ask::Press(button)).unwrap());
//!     assert_eq!(lock.call(&mut me, Ask::IsOpen, Duration::from_secs(5)).await, Ok(true));
//! })
//! .unwrap();
//! ```
//!
//! # In what order events come
//!
//! 1. Those that a step [inserted](Step::insert), in their order.
//! 2. After a change of state, the postponed ones, in the order in which they first came.
//! 3. A time-out that is due, the earliest first. *(choice: in OTP it queues behind what the mailbox holds; here it is
//!    not kept waiting by a full mailbox)*
//! 4. What is in the mailbox.
//!
//! A step to the state in which the machine is keeps it: nothing is entered, nothing retried. Time-outs are of three
//! kinds: a *state* time-out ends with the state, an *event* time-out with the next event of any kind, and *named* ones
//! run until they fire or are cancelled. Setting one that runs sets it anew.
//!
//! What OTP has and this has not: callback modules that change at run time; time-outs at absolute times; a content
//! beside a time-out, which here is in its name.

mod machine;
mod step;
mod timers;

pub use crate::{
    behaviour::{Context, Envelope},
    gen_server::ServerRef,
    proc_lib::{StartError, StartOptions, Starting},
};
pub use step::{Entered, Step};

use crate::proc_lib;
use holm::{Message, Notice, Process, Reason};
use std::{
    any::type_name,
    fmt,
    future::{Future, ready},
};

/// What happens to a machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<M, T = ()> {
    /// Somebody sent a message: a cast, or a call with a [`Reply`](holm::Reply) in it.
    Message(M),
    /// A step inserted it.
    Internal(M),
    /// A trapped exit that is not the parent's, the end of a monitored process, a node.
    Notice(Notice),
    /// The state has lasted as long as its time-out.
    StateTimeout,
    /// Nothing has happened for as long as the event time-out.
    EventTimeout,
    /// A named time-out.
    Timeout(T),
}

/// How a machine's [`init`](StateMachine::init) went.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub enum Init<S> {
    /// It is ready and enters its first state: whoever started it goes on.
    Ready(S),
    /// It will not run, and that is no fault: the start returns [`StartError::Ignored`].
    Ignore,
    /// It cannot run: the start returns [`StartError::Failed`].
    Fail(Reason),
}

/// A machine: its data, and what it does.
///
/// | callback | called for | answers | if it is left out |
/// | --- | --- | --- | --- |
/// | [`init`](StateMachine::init) | the start, in the new process | the first state, or why not | – |
/// | [`handle`](StateMachine::handle) | each event | the next step | – |
/// | [`enter`](StateMachine::enter) | the first state, and each change | time-outs, or the end | nothing |
/// | [`terminate`](StateMachine::terminate) | the end, unless a signal ends it | – | nothing |
/// | [`write_data`](StateMachine::write_data) | an inspection | the data as text | the type's name |
/// | [`label`](StateMachine::label) | each message | its name in traces | the name of its type |
///
/// All but the last two may await; while one does, the machine handles nothing else. A callback that panics ends it with
/// [`Reason::Panic`], after `terminate`.
pub trait StateMachine: Send + Sized + 'static {
    /// In what it can be. Two that are equal are the same state.
    type State: PartialEq + fmt::Debug + Send + Sync + 'static;
    /// What it is sent.
    type Message: Message;
    /// The names of its time-outs beside the state's and the event's: `()` if there are none.
    type Timeout: PartialEq + Send + 'static;

    /// Prepares the machine, in its own process; whoever starts it waits meanwhile.
    fn init(&mut self, context: &mut Context<Self::Message>) -> impl Future<Output = Init<Self::State>> + Send;

    /// Handles an event.
    fn handle(
        &mut self,
        state: &Self::State,
        event: Event<Self::Message, Self::Timeout>,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Step<Self>> + Send;

    /// A state is entered: the first one, from itself; another one, after a step; or the same one, after
    /// [`Step::repeat`].
    fn enter(
        &mut self,
        from: &Self::State,
        to: &Self::State,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = Entered<Self>> + Send {
        let _ = (from, to, context);
        ready(Entered::new())
    }

    /// Cleans up before the machine ends with this reason. It is not called when an exit signal ends it that it does not
    /// trap.
    fn terminate(
        &mut self,
        reason: &Reason,
        state: &Self::State,
        context: &mut Context<Self::Message>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (reason, state, context);
        ready(())
    }

    /// Writes the data for [`sys::inspect`](crate::sys::inspect), which writes the state before it.
    ///
    /// # Errors
    ///
    /// The formatter's.
    fn write_data(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(type_name::<Self>())
    }

    /// A message's name in traces and inspections.
    fn label(message: &Self::Message) -> &'static str {
        let _ = message;
        Self::Message::NAME
    }
}

/// Starts a machine that is linked to this process, and waits until its first state is entered.
///
/// # Errors
///
/// See [`StartError`]. The process has ended then, and its name is free.
///
/// # Cancel safety
///
/// If the wait is dropped, the machine goes on starting, linked.
pub async fn start_link<P: Message, S: StateMachine>(
    me: &mut Process<P>,
    options: StartOptions,
    machine: S,
) -> Result<ServerRef<S::Message>, StartError> {
    let started = proc_lib::start_link(me, options, |me, starting| enter(me, starting, machine)).await;
    started.map(ServerRef::from)
}

/// As [`start_link`], without the link.
///
/// # Errors
///
/// As [`start_link`].
///
/// # Cancel safety
///
/// If the wait is dropped, the machine goes on starting.
pub async fn start<P: Message, S: StateMachine>(
    me: &mut Process<P>,
    options: StartOptions,
    machine: S,
) -> Result<ServerRef<S::Message>, StartError> {
    let started = proc_lib::start(me, options, |me, starting| enter(me, starting, machine)).await;
    started.map(ServerRef::from)
}

/// Makes a machine of this process, until it ends: for the body of an `#[holm::entry]`, which
/// [`proc_lib::start_link_entry`] starts on any node. The reason is for the body to return.
///
/// # Cancel safety
///
/// It is not to be dropped before it has ended: the machine would end without its `terminate`.
pub async fn enter<S: StateMachine>(me: Process<Envelope<S::Message>>, starting: Starting, machine: S) -> Reason {
    machine::enter(me, starting, machine).await
}

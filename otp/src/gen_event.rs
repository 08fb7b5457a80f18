//! A process that hands events to handlers, which come and go: OTP's `gen_event`.
//!
//! ```
//! use holm::{Pid, Process};
//! use holm_otp::gen_event::{self, EventHandler, Keep, StartOptions};
//! use std::time::Duration;
//!
//! /// Passes on what is too hot.
//! struct Alarm(Pid<String>);
//!
//! impl EventHandler<i32> for Alarm {
//!     async fn handle(&mut self, degrees: &i32) -> Keep {
//!         if *degrees > 90 {
//!             self.0.send(format!("{degrees} degrees!")).unwrap();
//!         }
//!         Keep::Stay
//!     }
//! }
//!
//! holm::block_on(async |mut me: Process<String>| {
//!     let thermometer = gen_event::start_link::<i32, _>(&mut me, StartOptions::new()).await.unwrap();
//!     let alarm = Alarm(me.pid());
//!     thermometer.add(&mut me, alarm).await.unwrap();
//!     thermometer.notify(20).unwrap();
//!     thermometer.sync_notify(&mut me, 95, Duration::from_secs(5)).await.unwrap();
//!     assert_eq!(me.receive().await, "95 degrees!");
//! })
//! .unwrap();
//! ```
//!
//! All handlers of a manager run in its process, one after another in the order in which they were added, each to the
//! end before the next, and an event to the last before the next event. So a slow handler slows all: work that takes
//! long is for a process of its own, to which a handler sends.
//!
//! A handler that panics is removed, and the others go on. Its *owner*, if it has one, is told of its end, whatever that
//! was; and when the owner ends, its handlers are removed. A handler is known by the [`HandlerId`] that adding it gave;
//! of one type there may be many *(choice: OTP's are known by their module, and an id where there are two)*.
//!
//! Events come from any node, if their type crosses. Handlers are code, and are added on the manager's own node.
//!
//! What OTP has and this has not: `swap_handler`, which hands one handler's state to the next.

mod handler;
mod request;
mod serve;

pub use self::{
    handler::{EventHandler, HandlerEnd, HandlerId, Keep},
    request::ManagerMessage,
};
pub use crate::{
    behaviour::Envelope,
    proc_lib::{StartError, StartOptions},
};

use crate::{gen_server::ServerRef, proc_lib};
use handler::Owner;
use holm::{CallError, Message, Pid, Process, Reason, Reply, SendError};
use request::Request;
use std::{any::Any, fmt, time::Duration};

/// A manager of events; plain data like a pid.
pub struct EventManager<E>(ServerRef<ManagerMessage<E>>);

impl<E> Clone for EventManager<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for EventManager<E> {}

impl<E> fmt::Debug for EventManager<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventManager").field(&self.0).finish()
    }
}

impl<E> From<Pid<Envelope<ManagerMessage<E>>>> for EventManager<E> {
    fn from(pid: Pid<Envelope<ManagerMessage<E>>>) -> Self {
        EventManager(pid.into())
    }
}

impl<E> From<EventManager<E>> for Pid<Envelope<ManagerMessage<E>>> {
    fn from(manager: EventManager<E>) -> Self {
        manager.0.into()
    }
}

impl<E> From<EventManager<E>> for Pid {
    fn from(manager: EventManager<E>) -> Self {
        manager.0.into()
    }
}

/// Starts a manager without handlers, linked to this process.
///
/// # Errors
///
/// See [`StartError`].
///
/// # Cancel safety
///
/// As [`proc_lib::start_link`].
pub async fn start_link<E: Message + Sync, P: Message>(
    me: &mut Process<P>,
    options: StartOptions,
) -> Result<EventManager<E>, StartError> {
    proc_lib::start_link(me, options, serve::enter).await.map(EventManager::from)
}

/// As [`start_link`], without the link.
///
/// # Errors
///
/// See [`StartError`].
///
/// # Cancel safety
///
/// As [`proc_lib::start`].
pub async fn start<E: Message + Sync, P: Message>(
    me: &mut Process<P>,
    options: StartOptions,
) -> Result<EventManager<E>, StartError> {
    proc_lib::start(me, options, serve::enter).await.map(EventManager::from)
}

impl<E: Message + Sync> EventManager<E> {
    /// The manager of this name on this node, if it is one for these events.
    pub fn whereis(name: &str) -> Option<Self> {
        ServerRef::whereis(name).map(EventManager)
    }

    /// Gives an event to all handlers, and goes on at once.
    ///
    /// # Errors
    ///
    /// If the event cannot leave this node; it comes back.
    pub fn notify(self, event: E) -> Result<(), SendError<E>> {
        let sent = self.0.cast(ManagerMessage(Request::Notify(event)));
        sent.map_err(|error| {
            error.map(|ManagerMessage(request)| match request {
                Request::Notify(event) => event,
                _ => unreachable!("an event was sent, and something else came back"),
            })
        })
    }

    /// Gives an event to all handlers, and waits until the last has handled it.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the event is handled all the same.
    pub async fn sync_notify<P: Message>(
        self,
        me: &mut Process<P>,
        event: E,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), CallError> {
        self.0.call(me, |done| ManagerMessage(Request::SyncNotify(event, done)), limit).await
    }

    /// Adds a handler, behind the others. Nobody is told of its end.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; [`CallError::Unsent`] from another node.
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the handler is added all the same.
    pub async fn add<P: Message>(
        self,
        me: &mut Process<P>,
        handler: impl EventHandler<E>,
    ) -> Result<HandlerId, CallError> {
        let handler = Box::new(handler);
        self.0.call(me, |added| ManagerMessage(Request::Add { handler, owner: None, added }), None).await
    }

    /// Adds a handler that this process owns: it is told of the handler's end, by a message of its own, and the handler
    /// is removed when it ends.
    ///
    /// # Errors
    ///
    /// As [`EventManager::add`].
    ///
    /// # Cancel safety
    ///
    /// As [`EventManager::add`].
    pub async fn add_owned<P: Message>(
        self,
        me: &mut Process<P>,
        handler: impl EventHandler<E>,
        wrap: impl Fn(HandlerId, HandlerEnd) -> P + Send + 'static,
    ) -> Result<HandlerId, CallError> {
        let (handler, pid) = (Box::new(handler), me.pid());
        // The owner is on the manager's node, where sending always works.
        let tell = Box::new(move |id, end| drop(pid.send(wrap(id, end))));
        let owner = Some(Owner { pid: pid.untyped(), tell });
        self.0.call(me, |added| ManagerMessage(Request::Add { handler, owner, added }), None).await
    }

    /// Removes a handler; false if there is no such one any more.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the handler is removed all the same.
    pub async fn remove<P: Message>(self, me: &mut Process<P>, id: HandlerId) -> Result<bool, CallError> {
        self.0.call(me, |removed| ManagerMessage(Request::Remove(id, removed)), None).await
    }

    /// Runs a function with a handler, between two events; nothing if there is no such one, or it is of another type. A
    /// function that panics is the handler's panic.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; [`CallError::Unsent`] from another node.
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the function runs all the same.
    pub async fn with_handler<P: Message, H: EventHandler<E>, T: Message>(
        self,
        me: &mut Process<P>,
        id: HandlerId,
        function: impl FnOnce(&mut H) -> T + Send + 'static,
    ) -> Result<Option<T>, CallError> {
        let request = |reply: Reply<Answer<T>>| {
            let run = Box::new(move |handler: Option<&mut (dyn Any + Send)>| {
                let handler = handler.and_then(<dyn Any + Send>::downcast_mut::<H>);
                reply.send(Answer(handler.map(function)));
            });
            ManagerMessage(Request::With(id, run))
        };
        Ok(self.0.call(me, request, None).await?.0)
    }

    /// The handlers, in their order, and the names of their types.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// Nothing happens if the wait is dropped.
    pub async fn which_handlers<P: Message>(self, me: &mut Process<P>) -> Result<Vec<(HandlerId, String)>, CallError> {
        self.0.call(me, |reply| ManagerMessage(Request::Which(reply)), None).await
    }

    /// Stops the manager: see [`crate::sys::stop`]. Its handlers are removed first.
    ///
    /// # Errors
    ///
    /// See [`StopError`](crate::sys::StopError).
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the manager ends all the same.
    pub async fn stop<P: Message>(
        self,
        me: &mut Process<P>,
        reason: Reason,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), crate::sys::StopError> {
        self.0.stop(me, reason, limit).await
    }
}

/// What a function gave, which stays on this node.
#[derive(Message)]
#[message(local)]
struct Answer<T>(Option<T>);

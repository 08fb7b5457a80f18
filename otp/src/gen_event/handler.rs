//! What handles events, and how it is kept: handlers of many types behind one.

use holm::{Message, Notice, Pid, Reason};
use serde::{Deserialize, Serialize};
use std::{
    any::{Any, type_name},
    future::{Future, ready},
    pin::Pin,
};

/// A handler's number in its manager; none is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Message)]
pub struct HandlerId(pub(super) u64);

/// Whether a handler stays after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Keep {
    /// It waits for the next event.
    Stay,
    /// It is removed.
    Leave,
}

/// How a handler ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Message)]
#[non_exhaustive]
pub enum HandlerEnd {
    /// It answered [`Keep::Leave`].
    Left,
    /// Somebody removed it.
    Removed,
    /// Its owner ended, with this reason.
    OwnerEnded(Reason),
    /// It panicked. It is dropped without [`EventHandler::terminate`].
    Panicked(Reason),
    /// Its manager ended, with this reason.
    ManagerEnded(Reason),
}

/// What handles events of a type.
///
/// | callback | called for | answers | if it is left out |
/// | --- | --- | --- | --- |
/// | [`handle`](EventHandler::handle) | each event | stay or leave | – |
/// | [`info`](EventHandler::info) | each notice to the manager | stay or leave | stay |
/// | [`terminate`](EventHandler::terminate) | the end, unless it panicked | – | nothing |
pub trait EventHandler<E: Sync>: Send + 'static {
    /// Handles an event.
    fn handle(&mut self, event: &E) -> impl Future<Output = Keep> + Send;

    /// Handles what the manager's process is told: a trapped exit, a down.
    fn info(&mut self, notice: &Notice) -> impl Future<Output = Keep> + Send {
        let _ = notice;
        ready(Keep::Stay)
    }

    /// Cleans up.
    fn terminate(&mut self, end: &HandlerEnd) -> impl Future<Output = ()> + Send {
        let _ = end;
        ready(())
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An [`EventHandler`] whose type is not known.
pub(super) trait Handler<E>: Send {
    fn handle<'a>(&'a mut self, event: &'a E) -> Boxed<'a, Keep>;
    fn info<'a>(&'a mut self, notice: &'a Notice) -> Boxed<'a, Keep>;
    fn terminate<'a>(&'a mut self, end: &'a HandlerEnd) -> Boxed<'a, ()>;
    fn type_name(&self) -> &'static str;
    fn as_any(&mut self) -> &mut (dyn Any + Send);
}

impl<E: Sync + 'static, H: EventHandler<E>> Handler<E> for H {
    fn handle<'a>(&'a mut self, event: &'a E) -> Boxed<'a, Keep> {
        Box::pin(EventHandler::handle(self, event))
    }

    fn info<'a>(&'a mut self, notice: &'a Notice) -> Boxed<'a, Keep> {
        Box::pin(EventHandler::info(self, notice))
    }

    fn terminate<'a>(&'a mut self, end: &'a HandlerEnd) -> Boxed<'a, ()> {
        Box::pin(EventHandler::terminate(self, end))
    }

    fn type_name(&self) -> &'static str {
        type_name::<H>()
    }

    fn as_any(&mut self) -> &mut (dyn Any + Send) {
        self
    }
}

/// Who is told of a handler's end.
pub(super) struct Owner {
    pub(super) pid: Pid,
    pub(super) tell: Box<dyn Fn(HandlerId, HandlerEnd) + Send>,
}

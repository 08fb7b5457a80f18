//! The process of every supervisor, static or dynamic, on the loop that all behaviours share.
//!
//! One thing at a time, as in OTP: while a child starts or stops the supervisor waits for it, and what others ask stays
//! in its mailbox.

use super::{
    order::{Ask, Order, Parent},
    stop::end,
};
use crate::{
    behaviour::{Callback, Input, Running, State},
    proc_lib::Starting,
};
use holm::{Pid, Reason};
use std::{
    any::{Any, type_name},
    fmt,
    future::Future,
    ops::ControlFlow::{self, Break, Continue},
};

/// Goes on, or ends with a reason.
pub(crate) type Next = ControlFlow<Reason>;

/// A supervisor's table of children, and what it does with them.
///
/// | function | called for |
/// | --- | --- |
/// | `start_all` | the start; an error ends it, after `stop_all` |
/// | `answer` | each thing that it is asked |
/// | `ended` | the end of a process that may be a child |
/// | `stop_all` | its own end, whatever the reason |
pub(crate) trait Supervise: fmt::Debug + Send + Sized + 'static {
    const BEHAVIOUR: &'static str;

    fn start_all(&mut self, me: &mut Parent) -> impl Future<Output = Result<(), Reason>> + Send;

    fn answer(&mut self, me: &mut Parent, ask: Ask) -> impl Future<Output = Next> + Send;

    fn ended(&mut self, me: &mut Parent, pid: Pid, reason: &Reason) -> impl Future<Output = Next> + Send;

    fn stop_all(&mut self, me: &mut Parent) -> impl Future<Output = ()> + Send;
}

/// A supervisor as the common loop sees it.
#[derive(Debug)]
struct Supervised<T>(T);

impl<T: Supervise> State for Supervised<T> {
    type Message = Order;

    const BEHAVIOUR: &'static str = T::BEHAVIOUR;

    fn label(message: &Order) -> &'static str {
        message.0.name()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn user_state(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn user_type() -> &'static str {
        type_name::<T>()
    }
}

/// The body of a supervisor's process.
pub(crate) async fn supervise<T: Supervise>(mut me: Parent, starting: Starting, supervisor: T) -> Reason {
    me.trap_exits(true);
    let parent = starting.is_linked().then(|| starting.starter());
    let mut running = Running::new(me, parent, Supervised(supervisor));
    let (state, context) = running.begin(Callback::Init);
    if let Err(reason) = state.0.start_all(context).await {
        state.0.stop_all(context).await;
        return starting.fail(context, reason);
    }
    starting.ready();
    let reason = serve(&mut running).await;
    let (state, context) = running.begin(Callback::Terminate);
    context.conclude();
    state.0.stop_all(context).await;
    reason
}

/// Serves until there is a reason to end.
async fn serve<T: Supervise>(running: &mut Running<Supervised<T>>) -> Reason {
    loop {
        let next = match running.next(None).await {
            Input::Message(Order(ask)) => {
                let (state, context) = running.begin(Callback::Message);
                state.0.answer(context, ask).await
            }
            Input::Notice(notice) => match end(&notice) {
                Some((pid, reason)) => {
                    let (state, context) = running.begin(Callback::Notice);
                    state.0.ended(context, pid, reason).await
                }
                None => Continue(()),
            },
            Input::Timeout => Continue(()),
            Input::End(reason) => Break(reason),
        };
        if let Break(reason) = next {
            return reason;
        }
    }
}

//! A server's life: made, prepared, serving, terminated.

use super::{GenServer, Init, Next};
use crate::{
    behaviour::{Callback, Envelope, Input, Running, State},
    proc_lib::{Starting, catch},
};
use holm::{Pid, Process, Reason};
use std::{
    any::{Any, type_name},
    fmt,
    future::Future,
};

/// A server as the common loop sees it.
#[derive(Debug)]
struct Served<S>(S);

impl<S: GenServer> State for Served<S> {
    type Message = S::Message;

    const BEHAVIOUR: &'static str = "gen_server";

    fn label(message: &S::Message) -> &'static str {
        S::label(message)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_state(f)
    }

    fn user_state(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn user_type() -> &'static str {
        type_name::<S>()
    }
}

/// Makes the server, prepares it, says how that went, and serves.
pub(super) async fn enter<S: GenServer>(
    mut me: Process<Envelope<S::Message>>,
    starting: Starting,
    make: impl Future<Output = Result<S, Reason>> + Send,
) -> Reason {
    let server = match catch(make).await {
        Ok(Ok(server)) => server,
        Ok(Err(reason)) => return starting.fail(&mut me, reason),
        Err(panicked) => {
            let reason = panicked.reason(&mut me);
            return starting.fail(&mut me, reason);
        }
    };
    let parent = starting.is_linked().then(|| starting.starter());
    let mut running = Running::new(me, parent, Served(server));
    let (state, context) = running.begin(Callback::Init);
    match catch(state.0.init(context)).await {
        Ok(Init::Ready(next)) => {
            starting.ready();
            serve_to_the_end(running, next).await
        }
        Ok(Init::Ignore) => {
            starting.ignore(context);
            Reason::Normal
        }
        Ok(Init::Fail(reason)) => starting.fail(context, reason),
        Err(panicked) => {
            let reason = panicked.reason(context);
            starting.fail(context, reason)
        }
    }
}

/// Serves in a process that runs already.
pub(super) async fn enter_loop<S: GenServer>(
    me: Process<Envelope<S::Message>>,
    parent: Option<Pid>,
    server: S,
    next: Next,
) -> Reason {
    serve_to_the_end(Running::new(me, parent, Served(server)), next).await
}

/// Serves, then lets the server clean up: the reason of its end, or of the panic that ended it, or of one meanwhile.
async fn serve_to_the_end<S: GenServer>(mut running: Running<Served<S>>, next: Next) -> Reason {
    let served = catch(serve(&mut running, next)).await;
    let (state, context) = running.begin(Callback::Terminate);
    let reason = served.unwrap_or_else(|panicked| panicked.reason(context));
    context.conclude();
    match catch(state.0.terminate(&reason, context)).await {
        Ok(()) => reason,
        Err(panicked) => panicked.reason(context),
    }
}

async fn serve<S: GenServer>(running: &mut Running<Served<S>>, mut next: Next) -> Reason {
    loop {
        let limit = match next {
            Next::Receive => None,
            Next::ReceiveWithin(limit) => Some(limit),
            Next::Hibernate => {
                running.state().0.hibernate();
                None
            }
            Next::Continue => {
                let (state, context) = running.begin(Callback::Continue);
                next = state.0.continued(context).await;
                continue;
            }
            Next::Stop(reason) => return reason,
        };
        next = match running.next(limit).await {
            Input::Message(message) => {
                let (state, context) = running.begin(Callback::Message);
                state.0.handle(message, context).await
            }
            Input::Notice(notice) => {
                let (state, context) = running.begin(Callback::Notice);
                state.0.info(notice, context).await
            }
            Input::Timeout => {
                let (state, context) = running.begin(Callback::Timeout);
                state.0.idle(context).await
            }
            Input::End(reason) => return reason,
        };
    }
}

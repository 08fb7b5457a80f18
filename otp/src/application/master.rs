//! The process above an application's root: it starts that, stops it, and calls the application's functions.

use super::{Application, Start};
use crate::proc_lib::{self, StartError, StartOptions, Starting, catch};
use holm::{Event, Message, Notice, Pid, Process, Reason, exit};
use std::{future::Future, pin::Pin, sync::Arc};

/// What a master is told: to stop.
#[derive(Debug, Message)]
#[message(local)]
pub struct Instruction(pub(super) ());

/// Starts a master of some application, whose type is not known.
pub(super) type Starter = Arc<
    dyn for<'a> Fn(
            &'a mut Process<super::controller::Request>,
            Start,
        ) -> Boxed<'a, Result<Pid<Instruction>, StartError>>
        + Send
        + Sync,
>;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

pub(super) fn starter<A: Application>(application: A) -> Starter {
    let application = Arc::new(application);
    Arc::new(move |me, start| {
        let application = application.clone();
        Box::pin(async move {
            let body = |me, starting| master(me, starting, application, start);
            proc_lib::start_link(me, StartOptions::new(), body).await
        })
    })
}

async fn master<A: Application>(
    mut me: Process<Instruction>,
    starting: Starting,
    application: Arc<A>,
    start: Start,
) -> Reason {
    me.trap_exits(true);
    let controller = starting.starter();
    let (root, mut state) = match catch(application.start(&mut me, &start)).await {
        Ok(Ok(started)) => started,
        Ok(Err(reason)) => return starting.fail(&mut me, reason),
        Err(panicked) => {
            let reason = panicked.reason(&mut me);
            return starting.fail(&mut me, reason);
        }
    };
    let monitor = me.monitor(root);
    starting.ready();
    let reason = loop {
        let stop = match me.next().await {
            Event::Message(Instruction(())) => Reason::Shutdown,
            Event::Notice(Notice::Exit { from, reason }) if from == controller => reason,
            Event::Notice(Notice::Down { monitor: ended, reason, .. }) if ended == monitor => break reason,
            Event::Notice(_) => continue,
        };
        let prepared = catch(application.prep_stop(&mut state)).await;
        exit(root, Reason::Shutdown);
        me.down(monitor).await;
        break match prepared {
            Ok(()) => stop,
            Err(panicked) => panicked.reason(&mut me),
        };
    };
    match catch(application.stop(state)).await {
        Ok(()) => reason,
        Err(panicked) => panicked.reason(&mut me),
    }
}

//! A manager's life: it hands out events until it ends, and lets its handlers clean up.

use super::{
    HandlerEnd, HandlerId, Keep, ManagerMessage,
    handler::{Handler, Owner},
    request::{Request, Visit},
};
use crate::{
    behaviour::{Callback, Context, Envelope, Input, Running, State},
    proc_lib::{Starting, catch},
};
use holm::{Message, Monitor, Notice, Process, Reason};
use std::{any::Any, fmt};

/// A handler and what belongs to it.
struct Added<E> {
    id: HandlerId,
    handler: Box<dyn Handler<E>>,
    owner: Option<(Owner, Monitor)>,
}

/// The handlers, in the order in which they were added.
struct Handlers<E> {
    handlers: Vec<Added<E>>,
    last_id: u64,
}

impl<E: Message + Sync> State for Handlers<E> {
    type Message = ManagerMessage<E>;

    const BEHAVIOUR: &'static str = "gen_event";

    fn label(message: &ManagerMessage<E>) -> &'static str {
        message.0.name()
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|added| added.handler.type_name())).finish()
    }

    fn user_state(&mut self) -> &mut dyn Any {
        &mut self.last_id // its handlers are reached by `with_handler`
    }

    fn user_type() -> &'static str {
        "handlers of events"
    }
}

type ContextOf<E> = Context<ManagerMessage<E>>;

/// What all handlers are given.
#[derive(Clone, Copy)]
enum Given<'a, E> {
    Event(&'a E),
    Notice(&'a Notice),
}

pub(super) async fn enter<E: Message + Sync>(me: Process<Envelope<ManagerMessage<E>>>, starting: Starting) -> Reason {
    let parent = starting.is_linked().then(|| starting.starter());
    let mut running = Running::new(me, parent, Handlers { handlers: Vec::new(), last_id: 0 });
    // So that the handlers can clean up when the parent ends.
    running.context().trap_exits(true);
    starting.ready();
    let reason = loop {
        match running.next(None).await {
            Input::Message(ManagerMessage(request)) => {
                let (state, context) = running.begin(Callback::Message);
                state.obey(request, context).await;
            }
            Input::Notice(notice) => {
                let (state, context) = running.begin(Callback::Notice);
                state.take_notice(&notice, context).await;
            }
            Input::Timeout => {}
            Input::End(reason) => break reason,
        }
    };
    let (state, context) = running.begin(Callback::Terminate);
    context.conclude();
    for added in std::mem::take(&mut state.handlers) {
        end(added, HandlerEnd::ManagerEnded(reason.clone()), context).await;
    }
    reason
}

impl<E: Message + Sync> Handlers<E> {
    async fn obey(&mut self, request: Request<E>, context: &mut ContextOf<E>) {
        match request {
            Request::Notify(event) => self.give(Given::Event(&event), context).await,
            Request::SyncNotify(event, done) => {
                self.give(Given::Event(&event), context).await;
                done.send(());
            }
            Request::Add { handler, owner, added } => {
                self.last_id += 1;
                let id = HandlerId(self.last_id);
                let owner = owner.map(|owner| {
                    let monitor = context.monitor(owner.pid);
                    (owner, monitor)
                });
                self.handlers.push(Added { id, handler, owner });
                added.send(id);
            }
            Request::With(id, run) => self.with(id, run, context).await,
            Request::Remove(id, removed) => {
                let found = self.remove(|added| added.id == id, HandlerEnd::Removed, context).await;
                removed.send(found);
            }
            Request::Which(reply) => {
                reply.send(self.handlers.iter().map(|added| (added.id, added.handler.type_name().into())).collect());
            }
        }
    }

    /// Gives something to all handlers. One that leaves or panics is removed before the next has its turn.
    async fn give(&mut self, given: Given<'_, E>, context: &mut ContextOf<E>) {
        let mut at = 0;
        while let Some(added) = self.handlers.get_mut(at) {
            let handled = match given {
                Given::Event(event) => catch(added.handler.handle(event)).await,
                Given::Notice(notice) => catch(added.handler.info(notice)).await,
            };
            let how = match handled {
                Ok(Keep::Stay) => {
                    at += 1;
                    continue;
                }
                Ok(Keep::Leave) => HandlerEnd::Left,
                Err(panicked) => HandlerEnd::Panicked(panicked.reason(context)),
            };
            end(self.handlers.remove(at), how, context).await;
        }
    }

    async fn take_notice(&mut self, notice: &Notice, context: &mut ContextOf<E>) {
        if let Notice::Down { monitor, reason, .. } = notice {
            let is_its = |added: &Added<E>| added.owner.as_ref().is_some_and(|(_, owners)| owners == monitor);
            if self.remove(is_its, HandlerEnd::OwnerEnded(reason.clone()), context).await {
                return;
            }
        }
        self.give(Given::Notice(notice), context).await;
    }

    async fn with(&mut self, id: HandlerId, run: Box<Visit>, context: &mut ContextOf<E>) {
        let added = self.handlers.iter_mut().find(|added| added.id == id);
        let handler = added.map(|added| added.handler.as_any());
        if let Err(panicked) = catch(async { run(handler) }).await {
            let how = HandlerEnd::Panicked(panicked.reason(context));
            self.remove(|added| added.id == id, how, context).await;
        }
    }

    async fn remove(&mut self, is_it: impl Fn(&Added<E>) -> bool, how: HandlerEnd, context: &mut ContextOf<E>) -> bool {
        let Some(at) = self.handlers.iter().position(is_it) else { return false };
        end(self.handlers.remove(at), how, context).await;
        true
    }
}

/// A handler that was removed cleans up, and its owner is told.
async fn end<E: Message + Sync>(mut added: Added<E>, mut how: HandlerEnd, context: &mut ContextOf<E>) {
    if !matches!(how, HandlerEnd::Panicked(_))
        && let Err(panicked) = catch(added.handler.terminate(&how)).await
    {
        how = HandlerEnd::Panicked(panicked.reason(context));
    }
    let dropped = catch(async { drop(added.handler) }).await;
    if let (Err(panicked), false) = (dropped, matches!(how, HandlerEnd::Panicked(_))) {
        how = HandlerEnd::Panicked(panicked.reason(context));
    }
    if let Some((owner, monitor)) = added.owner {
        context.demonitor(monitor);
        (owner.tell)(added.id, how);
    }
}

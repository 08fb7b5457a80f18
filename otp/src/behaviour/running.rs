//! The loop of every behaviour: receives, answers `sys`, sees the parent's end, and hands out the rest.

use super::{
    Callback, Context, Envelope, State, System, Trace, TraceEvent, Traced, envelope::Request, shelf::Listed,
    shelf::text,
};
use holm::{Event, Notice, Pid, Process, Reason};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

/// What a behaviour's loop is handed.
#[derive(Debug)]
pub enum Input<M> {
    /// A message of a user.
    Message(M),
    /// A trapped exit (not the parent's), the end of a monitored process, a node that came or went.
    Notice(Notice),
    /// Nothing came within the limit.
    Timeout,
    /// The process is to end with this reason: its parent has ended, or somebody asked for it.
    End(Reason),
}

/// A behaviour's process while it runs: its state, and the loop's own.
#[derive(Debug)]
pub struct Running<S: State> {
    context: Context<S::Message>,
    /// On the shelf, and so nothing here, only while the process waits.
    state: Option<Box<S>>,
    shelf: Listed<S>,
    trace: Trace,
    /// What the shelf says of the last message.
    label: &'static str,
    callback: Option<Callback>,
}

const AT_WORK: &str = "the state is on the shelf only while the process waits";

impl<S: State> Running<S> {
    /// Begins, in [`Callback::Init`]: from here on the process can be inspected. The parent is whose trapped exit ends
    /// the process, if there is one.
    pub fn new(me: Process<Envelope<S::Message>>, parent: Option<Pid>, state: S) -> Self {
        let shelf = Listed::new(me.pid().untyped(), parent);
        Running {
            context: Context::new(me, parent),
            state: Some(Box::new(state)),
            shelf,
            trace: Trace::Off,
            label: "",
            callback: Some(Callback::Init),
        }
    }

    /// The process.
    pub fn context(&mut self) -> &mut Context<S::Message> {
        &mut self.context
    }

    /// The state.
    pub fn state(&mut self) -> &mut S {
        self.unshelve();
        self.state.as_mut().expect(AT_WORK)
    }

    /// A callback begins, and lasts until the next one begins, or the process waits: what it works with.
    pub fn begin(&mut self, callback: Callback) -> (&mut S, &mut Context<S::Message>) {
        self.unshelve();
        self.end_callback();
        self.callback = Some(callback);
        self.shelf.begins(callback);
        (self.state.as_mut().expect(AT_WORK), &mut self.context)
    }

    fn end_callback(&mut self) {
        if let Some(callback) = self.callback.take() {
            self.shelf.ends();
            self.tell(|shelf| Traced::Callback { callback, took: shelf.elapsed() });
        }
    }

    fn tell(&self, what: impl FnOnce(&Listed<S>) -> Traced) {
        if self.trace != Trace::Off {
            self.trace.tell(TraceEvent { pid: self.context.pid().untyped(), what: what(&self.shelf) });
        }
    }

    fn unshelve(&mut self) {
        if self.state.is_none() {
            self.state = self.shelf.take();
        }
    }

    fn shelve(&mut self) {
        if let Some(state) = self.state.take() {
            self.shelf.put(state);
        }
    }

    /// Waits for the next thing that is the behaviour's to do, up to a limit, or without one. With a limit of zero it
    /// looks once. What `sys` asks for meanwhile does not lengthen the wait; a suspended process has no time-outs.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn next(&mut self, limit: Option<Duration>) -> Input<S::Message> {
        self.end_callback();
        let mut sleep = pin!(limit.filter(|limit| !limit.is_zero()).map(holm::sleep));
        let mut is_over = limit.is_some_and(|limit| limit.is_zero());
        loop {
            let event = poll_fn(|context| {
                self.unshelve();
                if let Poll::Ready(event) = self.poll_event(context) {
                    return Poll::Ready(Some(event));
                }
                if let (false, Some(sleep)) = (is_over, sleep.as_mut().as_pin_mut()) {
                    is_over = sleep.poll(context).is_ready();
                }
                if is_over && !self.shelf.is_suspended() {
                    return Poll::Ready(None);
                }
                self.shelve();
                Poll::Pending
            })
            .await;
            let input = match event {
                None => Some(Input::Timeout),
                Some(Event::Notice(notice)) => Some(self.take_notice(notice)),
                Some(Event::Message(Envelope::User(message))) => Some(self.take_message(message)),
                Some(Event::Message(Envelope::System(System(request)))) => self.obey(request),
            };
            if let Some(input) = input {
                return input;
            }
        }
    }

    /// Looks for the next event; while suspended, only for a request of `sys` and for the parent's exit.
    fn poll_event(&mut self, context: &mut TaskContext<'_>) -> Poll<Event<Envelope<S::Message>>> {
        let Context { me, parent } = &mut self.context;
        if !self.shelf.is_suspended() {
            return pin!(me.next()).poll(context);
        }
        let is_request = |envelope: &Envelope<_>| matches!(envelope, Envelope::System(_));
        let is_parents = |notice: &Notice| is_exit_of(*parent, notice);
        pin!(me.next_where(is_request, is_parents)).poll(context)
    }

    fn take_message(&mut self, message: S::Message) -> Input<S::Message> {
        let label = S::label(&message);
        self.shelf.count_message(label, &mut self.label);
        self.tell(|_| Traced::Message(label.into()));
        Input::Message(message)
    }

    fn take_notice(&mut self, notice: Notice) -> Input<S::Message> {
        self.tell(|_| Traced::Notice(format!("{notice:?}")));
        match notice {
            Notice::Exit { reason, .. } if is_exit_of(self.context.parent, &notice) => Input::End(reason),
            notice => {
                self.shelf.count_notice();
                Input::Notice(notice)
            }
        }
    }

    fn obey(&mut self, request: Request) -> Option<Input<S::Message>> {
        self.tell(|_| Traced::System(request.name().into()));
        match request {
            Request::Suspend(reply) => {
                self.shelf.suspended(true);
                reply.send(());
            }
            Request::Resume(reply) => {
                self.shelf.suspended(false);
                reply.send(());
            }
            Request::Stop(reason) => return Some(Input::End(reason)),
            Request::Inspect(reply) => {
                let text = self.state.as_deref().map(text);
                reply.send(self.shelf.describe(text));
            }
            Request::Trace(trace, reply) => {
                self.trace = trace;
                reply.send(());
            }
            Request::Change(change) => (change.0)(self.state().user_state()),
        }
        None
    }
}

fn is_exit_of(parent: Option<Pid>, notice: &Notice) -> bool {
    matches!(notice, Notice::Exit { from, .. } if Some(*from) == parent)
}

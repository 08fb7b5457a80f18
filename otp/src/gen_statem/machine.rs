//! A machine's life: prepared, in one state after another, terminated.

use super::{
    Event, Init, StateMachine, Step,
    step::{Next, TimerChange},
    timers::{Name, Timers},
};
use crate::{
    behaviour::{Callback, Context, Envelope, Input, Running, State},
    proc_lib::{Starting, catch},
};
use holm::{Process, Reason, clock};
use std::{
    any::{Any, type_name},
    collections::VecDeque,
    fmt,
};

type EventOf<S> = Event<<S as StateMachine>::Message, <S as StateMachine>::Timeout>;

/// A machine as the common loop sees it; it has a state when it is prepared.
#[derive(Debug)]
struct Machine<S: StateMachine> {
    data: S,
    state: Option<S::State>,
}

const PREPARED: &str = "a machine that is prepared is in a state";

impl<S: StateMachine> State for Machine<S> {
    type Message = S::Message;

    const BEHAVIOUR: &'static str = "gen_statem";

    fn label(message: &S::Message) -> &'static str {
        S::label(message)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            Some(state) => write!(f, "{state:?}: ")?,
            None => f.write_str("(in no state yet): ")?,
        }
        self.data.write_data(f)
    }

    fn user_state(&mut self) -> &mut dyn Any {
        &mut self.data
    }

    fn user_type() -> &'static str {
        type_name::<S>()
    }
}

/// A machine that runs, and what waits for it beside its mailbox.
struct Life<S: StateMachine> {
    running: Running<Machine<S>>,
    /// To be handled before anything else comes.
    queue: VecDeque<EventOf<S>>,
    /// Waits for another state, in the order in which it first came.
    postponed: Vec<EventOf<S>>,
    timers: Timers<S::Timeout>,
}

/// Prepares the machine, says how that went, and runs it.
pub(super) async fn enter<S: StateMachine>(
    me: Process<Envelope<S::Message>>,
    starting: Starting,
    machine: S,
) -> Reason {
    let parent = starting.is_linked().then(|| starting.starter());
    let mut running = Running::new(me, parent, Machine { data: machine, state: None });
    let (machine, context) = running.begin(Callback::Init);
    match catch(machine.data.init(context)).await {
        Ok(Init::Ready(state)) => {
            machine.state = Some(state);
            let life = Life { running, queue: VecDeque::new(), postponed: Vec::new(), timers: Timers::new() };
            life.live(starting).await
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

impl<S: StateMachine> Life<S> {
    /// Enters the first state, runs to the end, and lets the machine clean up: the reason of its end.
    async fn live(mut self, starting: Starting) -> Reason {
        let entered = match catch(self.enter(None)).await {
            Ok(entered) => entered,
            Err(panicked) => Some(panicked.reason(self.running.context())),
        };
        if let Some(reason) = entered {
            return starting.fail(self.running.context(), reason);
        }
        starting.ready();
        let reason = match catch(self.run()).await {
            Ok(reason) => reason,
            Err(panicked) => panicked.reason(self.running.context()),
        };
        let (machine, context) = self.running.begin(Callback::Terminate);
        context.conclude();
        let state = machine.state.as_ref().expect(PREPARED);
        match catch(machine.data.terminate(&reason, state, context)).await {
            Ok(()) => reason,
            Err(panicked) => panicked.reason(context),
        }
    }

    async fn run(&mut self) -> Reason {
        loop {
            let event = match self.next().await {
                Ok(event) => event,
                Err(reason) => return reason,
            };
            self.timers.cancel(&Name::Event);
            let (machine, context) = self.running.begin(callback_for(&event));
            let state = machine.state.as_ref().expect(PREPARED);
            let step = machine.data.handle(state, event, context).await;
            if let Some(reason) = self.take(step).await {
                return reason;
            }
        }
    }

    /// The next event, in the order that the module's text gives; or why the machine is to end.
    async fn next(&mut self) -> Result<EventOf<S>, Reason> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(event);
            }
            let now_ns = clock::now_ns();
            if let Some(due) = self.timers.take_due(now_ns) {
                return Ok(due.into_event());
            }
            match self.running.next(self.timers.next(now_ns)).await {
                Input::Message(message) => return Ok(Event::Message(message)),
                Input::Notice(notice) => return Ok(Event::Notice(notice)),
                Input::End(reason) => return Err(reason),
                Input::Timeout => {} // now one is due
            }
        }
    }

    /// Takes a step; the reason if it is the last.
    async fn take(&mut self, step: Step<S>) -> Option<Reason> {
        self.postponed.extend(step.postponed);
        let current = &mut self.running.state().state;
        let (left, is_entered) = match step.next {
            Next::Stop(reason) => return Some(reason),
            Next::To(state) if current.as_ref() != Some(&state) => (current.replace(state), true),
            Next::To(_) | Next::Keep => (None, false),
            Next::Repeat => (None, true),
        };
        if left.is_some() {
            self.timers.cancel(&Name::State);
            self.postponed.drain(..).rev().for_each(|event| self.queue.push_front(event));
        }
        step.inserted.into_iter().rev().for_each(|message| self.queue.push_front(Event::Internal(message)));
        self.change_timers(step.timers);
        if is_entered { self.enter(left).await } else { None }
    }

    /// The state is entered, from another or from itself; the reason if the machine ends there.
    async fn enter(&mut self, left: Option<S::State>) -> Option<Reason> {
        let (Machine { data, state }, context): (_, &mut Context<_>) = self.running.begin(Callback::Enter);
        let state = state.as_ref().expect(PREPARED);
        let entered = data.enter(left.as_ref().unwrap_or(state), state, context).await.0;
        self.change_timers(entered.timers);
        match entered.next {
            Next::Stop(reason) => Some(reason),
            _ => None,
        }
    }

    fn change_timers(&mut self, changes: Vec<TimerChange<S::Timeout>>) {
        for (name, change) in changes {
            match change {
                Some(after) => self.timers.set(name, after, clock::now_ns()),
                None => self.timers.cancel(&name),
            }
        }
    }
}

fn callback_for<M, T>(event: &Event<M, T>) -> Callback {
    match event {
        Event::Message(_) => Callback::Message,
        Event::Internal(_) => Callback::Continue,
        Event::Notice(_) => Callback::Notice,
        Event::StateTimeout | Event::EventTimeout | Event::Timeout(_) => Callback::Timeout,
    }
}

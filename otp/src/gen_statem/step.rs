//! What a machine answers: where it goes, and what is to be done on the way.

use super::{Event, StateMachine, timers::Name};
use holm::{Message, Reason, Reply};
use std::{fmt, time::Duration};

/// Where a step leads.
pub(super) enum Next<S> {
    Keep,
    To(S),
    Repeat,
    Stop(Reason),
}

/// What becomes of a time-out: set, or cancelled.
pub(super) type TimerChange<T> = (Name<T>, Option<Duration>);

/// The next step of a machine: [keep](Step::keep) the state, go [to](Step::to) another, and so on, and actions with it.
#[must_use]
pub struct Step<S: StateMachine> {
    pub(super) next: Next<S::State>,
    pub(super) postponed: Option<Event<S::Message, S::Timeout>>,
    pub(super) inserted: Vec<S::Message>,
    pub(super) timers: Vec<TimerChange<S::Timeout>>,
}

impl<S: StateMachine> fmt::Debug for Step<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.next {
            Next::Keep => f.write_str("Step::keep()"),
            Next::To(state) => write!(f, "Step::to({state:?})"),
            Next::Repeat => f.write_str("Step::repeat()"),
            Next::Stop(reason) => write!(f, "Step::stop({reason:?})"),
        }
    }
}

impl<S: StateMachine> Step<S> {
    fn new(next: Next<S::State>) -> Self {
        Step { next, postponed: None, inserted: Vec::new(), timers: Vec::new() }
    }

    /// The state stays.
    pub fn keep() -> Self {
        Self::new(Next::Keep)
    }

    /// To another state, which is entered; the state time-out ends, and what was postponed comes again. To the same
    /// state is [`Step::keep`].
    pub fn to(state: S::State) -> Self {
        Self::new(Next::To(state))
    }

    /// The state stays, and is entered again.
    pub fn repeat() -> Self {
        Self::new(Next::Repeat)
    }

    /// The machine ends, with this reason. Whoever waits for an answer to what was postponed learns it.
    pub fn stop(reason: Reason) -> Self {
        Self::new(Next::Stop(reason))
    }

    /// The state stays, and the event, which was not handled, comes again in the next state.
    pub fn postpone(event: Event<S::Message, S::Timeout>) -> Self {
        Step { postponed: Some(event), ..Self::keep() }
    }

    /// The event, which was not handled, comes again in the next state: at once, if this step leads to one.
    pub fn and_postpone(self, event: Event<S::Message, S::Timeout>) -> Self {
        Step { postponed: Some(event), ..self }
    }

    /// Inserts an event before all that wait; it comes as [`Event::Internal`].
    pub fn insert(mut self, message: S::Message) -> Self {
        self.inserted.push(message);
        self
    }

    /// Answers a call, at once.
    pub fn reply<T: Message>(self, reply: Reply<T>, answer: T) -> Self {
        reply.send(answer);
        self
    }

    /// [`Event::StateTimeout`] comes after this time, unless the state changes. It is the time-out of the state to which
    /// this step leads.
    pub fn state_timeout(mut self, after: Duration) -> Self {
        self.timers.push((Name::State, Some(after)));
        self
    }

    /// [`Event::EventTimeout`] comes after this time, unless anything else comes.
    pub fn event_timeout(mut self, after: Duration) -> Self {
        self.timers.push((Name::Event, Some(after)));
        self
    }

    /// [`Event::Timeout`] comes after this time, whatever happens.
    pub fn timeout(mut self, name: S::Timeout, after: Duration) -> Self {
        self.timers.push((Name::Named(name), Some(after)));
        self
    }

    /// Ends the state time-out.
    pub fn cancel_state_timeout(mut self) -> Self {
        self.timers.push((Name::State, None));
        self
    }

    /// Ends a named time-out.
    pub fn cancel_timeout(mut self, name: S::Timeout) -> Self {
        self.timers.push((Name::Named(name), None));
        self
    }
}

/// What a machine answers when it has entered a state: it cannot leave it there for another one.
#[must_use]
pub struct Entered<S: StateMachine>(pub(super) Step<S>);

impl<S: StateMachine> fmt::Debug for Entered<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entered")
    }
}

impl<S: StateMachine> Default for Entered<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: StateMachine> Entered<S> {
    /// Nothing more.
    pub fn new() -> Self {
        Entered(Step::keep())
    }

    /// The machine ends, with this reason.
    pub fn stop(reason: Reason) -> Self {
        Entered(Step::stop(reason))
    }

    /// As [`Step::reply`].
    pub fn reply<T: Message>(self, reply: Reply<T>, answer: T) -> Self {
        Entered(self.0.reply(reply, answer))
    }

    /// As [`Step::state_timeout`].
    pub fn state_timeout(self, after: Duration) -> Self {
        Entered(self.0.state_timeout(after))
    }

    /// As [`Step::event_timeout`].
    pub fn event_timeout(self, after: Duration) -> Self {
        Entered(self.0.event_timeout(after))
    }

    /// As [`Step::timeout`].
    pub fn timeout(self, name: S::Timeout, after: Duration) -> Self {
        Entered(self.0.timeout(name, after))
    }

    /// As [`Step::cancel_timeout`].
    pub fn cancel_timeout(self, name: S::Timeout) -> Self {
        Entered(self.0.cancel_timeout(name))
    }
}

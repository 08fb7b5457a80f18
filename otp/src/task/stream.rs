//! Many tasks, a bounded number at a time: a stream of values from a stream of inputs.
//!
//! A task holds its place from its start until its value is taken. So in the order of the inputs a slow one keeps those
//! behind it from being replaced, and never more than `concurrency` values wait *(choice: Elixir lets them pile up)*.

use super::{Task, TaskError, spawn_nolink};
use crate::within::within;
use holm::{Message, Monitor, Notice, Process, Reason, clock, exit};
use std::{collections::VecDeque, fmt, future::Future, time::Duration};

/// Tasks at a time, if nothing else is said: one for each scheduler of the node is seldom more.
pub const CONCURRENCY_DEFAULT: usize = 8;

/// How a stream of tasks runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct StreamOptions {
    concurrency: usize,
    ordered: bool,
    limit: Option<Duration>,
}

impl Default for StreamOptions {
    fn default() -> Self {
        StreamOptions { concurrency: CONCURRENCY_DEFAULT, ordered: true, limit: None }
    }
}

impl StreamOptions {
    /// [`CONCURRENCY_DEFAULT`] tasks at a time, values in the order of the inputs, no limit.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many tasks run at a time; at least one does.
    pub fn concurrency(self, concurrency: usize) -> Self {
        StreamOptions { concurrency: concurrency.max(1), ..self }
    }

    /// Values come in the order in which the tasks end.
    pub fn unordered(self) -> Self {
        StreamOptions { ordered: false, ..self }
    }

    /// How long each task may take; then it is killed, and its value is [`TaskError::Timeout`].
    pub fn limit(self, limit: Duration) -> Self {
        StreamOptions { limit: Some(limit), ..self }
    }
}

/// Does some work for each input, each in a task of its own, as the values are asked for.
pub fn stream<I, F, Fut>(inputs: I, options: StreamOptions, work: F) -> TaskStream<I::IntoIter, F, Fut::Output>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    TaskStream { inputs: inputs.into_iter(), work, options, places: VecDeque::new() }
}

/// One of the tasks at a time.
enum Place<T> {
    Runs { task: Task<T>, deadline_ns: Option<u64>, killed: bool },
    Ended(Result<T, TaskError>),
}

impl<T: Send + 'static> Place<T> {
    fn monitor(&self) -> Option<Monitor> {
        match self {
            Place::Runs { task, .. } => Some(task.monitor),
            Place::Ended(_) => None,
        }
    }

    fn deadline_ns(&self) -> Option<u64> {
        match self {
            Place::Runs { deadline_ns, killed: false, .. } => *deadline_ns,
            _ => None,
        }
    }

    fn kill_if_late(&mut self, now_ns: u64) {
        if let Place::Runs { task, deadline_ns: Some(deadline_ns), killed: killed @ false } = self
            && *deadline_ns <= now_ns
        {
            *killed = true;
            exit(task.pid, Reason::Kill);
        }
    }

    fn down(&mut self, reason: Reason) {
        if let Place::Runs { task, killed, .. } = self {
            *self = Place::Ended(match task.end(reason) {
                Err(TaskError::Ended(Reason::Killed)) if *killed => Err(TaskError::Timeout),
                end => end,
            });
        }
    }
}

/// The values of many tasks; see [`stream`]. Dropped, it kills the tasks that run, but only [`TaskStream::close`] also
/// keeps their `Down`s out of the owner's mailbox.
#[must_use = "tasks are started as their values are asked for"]
pub struct TaskStream<I, F, T: Send + 'static> {
    inputs: I,
    work: F,
    options: StreamOptions,
    places: VecDeque<Place<T>>,
}

impl<I, F, T: Send + 'static> fmt::Debug for TaskStream<I, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream").field("options", &self.options).field("tasks", &self.places.len()).finish()
    }
}

impl<I, F, Fut, T> TaskStream<I, F, T>
where
    I: Iterator,
    F: FnMut(I::Item) -> Fut,
    Fut: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// The next value, or why there is none; nothing after the last. A process that begins a stream also ends it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn next<M: Message>(&mut self, me: &mut Process<M>) -> Option<Result<T, TaskError>> {
        loop {
            self.fill(me);
            if let Some(end) = self.take_ended() {
                return Some(end);
            }
            if self.places.is_empty() {
                return None;
            }
            self.wait(me).await;
        }
    }

    fn fill<M: Message>(&mut self, me: &mut Process<M>) {
        while self.places.len() < self.options.concurrency {
            let Some(input) = self.inputs.next() else { return };
            let limit_ns = self.options.limit.map(|limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
            let deadline_ns = limit_ns.map(|limit_ns| clock::now_ns().saturating_add(limit_ns));
            self.places.push_back(match spawn_nolink(me, (self.work)(input)) {
                Ok(task) => Place::Runs { task, deadline_ns, killed: false },
                Err(error) => Place::Ended(Err(error.into())),
            });
        }
    }

    fn take_ended(&mut self) -> Option<Result<T, TaskError>> {
        let has_ended = |place: &Place<T>| matches!(place, Place::Ended(_));
        let at = match self.options.ordered {
            true => self.places.front().is_some_and(has_ended).then_some(0),
            false => self.places.iter().position(has_ended),
        };
        match self.places.remove(at?) {
            Some(Place::Ended(end)) => Some(end),
            _ => unreachable!("it was just looked at"),
        }
    }

    /// Waits until a task ends or is late.
    async fn wait<M: Message>(&mut self, me: &mut Process<M>) {
        let earliest_ns = self.places.iter().filter_map(Place::deadline_ns).min();
        let ours = |notice: &Notice| {
            matches!(notice, Notice::Down { monitor, .. }
                if self.places.iter().any(|place| place.monitor() == Some(*monitor)))
        };
        let down = me.notice_where(ours);
        let limit = earliest_ns.map(|at_ns| Duration::from_nanos(at_ns.saturating_sub(clock::now_ns())));
        match within(limit, down).await {
            Some(Notice::Down { monitor, reason, .. }) => {
                let ended = self.places.iter_mut().find(|place| place.monitor() == Some(monitor));
                ended.expect("it was looked for").down(reason);
            }
            _ => {
                let now_ns = clock::now_ns();
                self.places.iter_mut().for_each(|place| place.kill_if_late(now_ns));
            }
        }
    }

    /// Kills the tasks that run, and leaves nothing of them in the mailbox.
    pub fn close<M: Message>(self, me: &mut Process<M>) {
        for monitor in self.places.iter().filter_map(Place::monitor) {
            me.demonitor(monitor);
        }
    }
}

impl<I, F, T: Send + 'static> Drop for TaskStream<I, F, T> {
    fn drop(&mut self) {
        for place in &self.places {
            if let Place::Runs { task, .. } = place {
                exit(task.pid, Reason::Kill);
            }
        }
    }
}

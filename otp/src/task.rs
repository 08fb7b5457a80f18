//! Tasks: work that another process does, whose value this one waits for.
//!
//! ```
//! use holm::Process;
//! use holm_otp::task::{self, StreamOptions};
//! use std::time::Duration;
//!
//! holm::block_on(async |mut me: Process<()>| {
//!     let task = task::spawn(&mut me, async { 6 * 7 }).unwrap();
//!     assert_eq!(task.await_within(&mut me, Duration::from_secs(5)).await, Ok(42));
//!
//!     let mut squares = task::stream(0..5, StreamOptions::new().concurrency(2), async |n: u32| n * n);
//!     let mut sum = 0;
//!     while let Some(square) = squares.next(&mut me).await {
//!         sum += square.unwrap();
//!     }
//!     assert_eq!(sum, 30);
//! })
//! .unwrap();
//! ```
//!
//! After Elixir's `Task`. A task is a process of its own, so it runs on another scheduler if there is one, and what it
//! panics with is a value here. It runs on this node; work for another one is an entry ([`holm::entry`]).
//!
//! | started by | the task ends badly | the owner ends |
//! | --- | --- | --- |
//! | [`spawn`] | the owner gets an exit signal: they are linked | so does the task |
//! | [`spawn_nolink`] | only the value says so | so does the task |
//! | [`Supervisor::spawn`] | only the value says so | the task goes on, until its supervisor ends |
//! | [`stream`] | only the value says so | so do its tasks |
//!
//! Only its owner, the process that started it, can wait for a task. The value does not go through the mailbox; what
//! wakes the owner is the `Down` of the task's process. A server that must not wait can leave it to its loop: it finds
//! the task whose [`Task::monitor`] has fired, and gives the reason to [`Task::ended`].
//!
//! A task that is no longer wanted is [`Task::shutdown`] or [`Task::ignore`]d. One that is merely dropped runs to its
//! end, and its `Down` arrives in the owner's mailbox.

mod start;
mod stream;
mod supervisor;

pub use self::{
    start::{spawn, spawn_nolink},
    stream::{CONCURRENCY_DEFAULT, StreamOptions, TaskStream, stream},
    supervisor::Supervisor,
};
use crate::within::within;
use holm::{CallError, Message, Monitor, Pid, Process, Reason, SpawnError, exit};
use parking_lot::Mutex;
use std::{fmt, sync::Arc, time::Duration};

/// Why a task gave no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TaskError {
    /// Its process ended with this reason before it had a value.
    #[error("the task ended without a value: {0}")]
    Ended(Reason),
    /// It did not end in time, and was killed.
    #[error("the task did not end in time, and was killed")]
    Timeout,
    /// Its supervisor does not answer.
    #[error("the supervisor of tasks does not answer: {0}")]
    Supervisor(#[from] CallError),
    /// Its process could not be spawned.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
}

/// Where a task leaves its value before it ends.
type Place<T> = Arc<Mutex<Option<T>>>;

/// A task that runs, or has ended; see the [module](self).
#[must_use = "a task is to be waited for, shut down or ignored"]
pub struct Task<T> {
    owner: Pid,
    pid: Pid<()>,
    monitor: Monitor,
    value: Place<T>,
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("pid", &self.pid).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Task<T> {
    /// The task's process.
    pub fn pid(&self) -> Pid {
        self.pid.untyped()
    }

    /// The owner's monitor of it.
    pub fn monitor(&self) -> Monitor {
        self.monitor
    }

    /// Waits until the task has ended.
    ///
    /// # Errors
    ///
    /// [`TaskError::Ended`].
    ///
    /// # Panics
    ///
    /// If this process is not the task's owner; so do all other functions here that take it.
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the task runs on, and nobody can wait for it again: see [`Task::yield_within`].
    pub async fn join<M: Message>(self, me: &mut Process<M>) -> Result<T, TaskError> {
        self.assert_owned(me);
        let reason = me.down(self.monitor).await;
        self.ended(reason)
    }

    /// Waits until the task has ended, up to a limit. At the limit it is killed *(choice: Elixir's `await` ends its
    /// caller then, and with it the task)*.
    ///
    /// # Errors
    ///
    /// [`TaskError::Ended`] and [`TaskError::Timeout`].
    ///
    /// # Cancel safety
    ///
    /// As [`Task::join`].
    pub async fn await_within<M: Message>(mut self, me: &mut Process<M>, limit: Duration) -> Result<T, TaskError> {
        match self.yield_within(me, limit).await {
            Some(end) => end,
            None => match self.shutdown(me, Duration::ZERO).await {
                Err(TaskError::Ended(Reason::Killed)) => Err(TaskError::Timeout),
                end => end,
            },
        }
    }

    /// Waits until the task has ended, up to a limit; nothing if it has not, and it can be asked again. After it gave
    /// an end it is used up.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn yield_within<M: Message>(
        &mut self,
        me: &mut Process<M>,
        limit: Duration,
    ) -> Option<Result<T, TaskError>> {
        self.assert_owned(me);
        let reason = within(Some(limit), me.down(self.monitor)).await?;
        Some(self.end(reason))
    }

    /// Ends the task: with `Shutdown`, and when that has not ended it within the limit, with `Kill`. A value that it had
    /// by then is given; the task's end is no exit signal to its owner.
    ///
    /// # Errors
    ///
    /// [`TaskError::Ended`], with the reason.
    ///
    /// # Cancel safety
    ///
    /// As [`Task::join`]; the task may have been told to end, or not yet have been killed.
    pub async fn shutdown<M: Message>(mut self, me: &mut Process<M>, limit: Duration) -> Result<T, TaskError> {
        self.assert_owned(me);
        me.unlink(self.pid);
        if !limit.is_zero() {
            exit(self.pid, Reason::Shutdown);
            if let Some(end) = self.yield_within(me, limit).await {
                return end;
            }
        }
        exit(self.pid, Reason::Kill);
        self.join(me).await
    }

    /// Lets the task run on by itself: its value is thrown away, its end is no longer told. If it is linked, it stays so.
    pub fn ignore<M: Message>(self, me: &mut Process<M>) {
        self.assert_owned(me);
        me.demonitor(self.monitor);
    }

    /// What the task gave, for an owner that has received the `Down` of its monitor, with this reason.
    ///
    /// # Errors
    ///
    /// [`TaskError::Ended`].
    pub fn ended(self, reason: Reason) -> Result<T, TaskError> {
        self.end(reason)
    }

    fn end(&self, reason: Reason) -> Result<T, TaskError> {
        self.value.lock().take().ok_or(TaskError::Ended(reason))
    }

    fn assert_owned<M: Message>(&self, me: &Process<M>) {
        assert!(
            me.pid() == self.owner,
            "a task of {} is waited for by {}, which did not start it",
            self.owner,
            me.pid()
        );
    }
}

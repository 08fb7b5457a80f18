//! A process that tasks belong to, instead of their owners: they end with it, and not with whoever waits for them.

use super::{Place, Task, TaskError};
use crate::proc_lib::{self, StartError, StartOptions, Starting};
use holm::{Event, Message, Notice, Pid, Process, Reason, Reply, SpawnError, exit};
use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

/// How long tasks have to end when their supervisor does, until they are killed.
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(5);

type Body = Box<dyn FnOnce(Process<()>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

#[derive(Message)]
#[message(local)]
enum Request {
    Start(Body, Reply<Started>),
    Tasks(Reply<Vec<Pid>>),
}

#[derive(Message)]
#[message(local)]
struct Started(Result<Pid<()>, SpawnError>);

/// A supervisor of tasks. It restarts none: a task has one owner, which learns what became of it.
///
/// ```
/// use holm::{Process, Reason};
/// use holm_otp::task::{Supervisor, TaskError};
///
/// holm::block_on(async |mut me: Process<()>| {
///     me.trap_exits(true);
///     let tasks = Supervisor::start_link(&mut me).await.unwrap();
///     let task = tasks.spawn(&mut me, async { 6 * 7 }).await.unwrap();
///     assert_eq!(task.join(&mut me).await, Ok(42));
///     let task = tasks.spawn(&mut me, std::future::pending::<()>()).await.unwrap();
///     holm::exit(tasks.pid(), Reason::Shutdown);
///     assert_eq!(task.join(&mut me).await, Err(TaskError::Ended(Reason::Shutdown)));
/// })
/// .unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Supervisor(Pid<Request>);

impl Supervisor {
    /// Starts a supervisor of tasks, linked to its starter; when that tells it to end, it ends its tasks first.
    ///
    /// # Errors
    ///
    /// See [`StartError`].
    ///
    /// # Cancel safety
    ///
    /// As [`proc_lib::start_link`].
    pub async fn start_link<M: Message>(me: &mut Process<M>) -> Result<Self, StartError> {
        proc_lib::start_link(me, StartOptions::new(), supervise).await.map(Supervisor)
    }

    /// The supervisor's process.
    pub fn pid(self) -> Pid {
        self.0.untyped()
    }

    /// Starts a task under the supervisor; this process owns it. How the task ends is no exit signal to the owner, and
    /// the task goes on when the owner ends.
    ///
    /// # Errors
    ///
    /// [`TaskError::Spawn`], and [`TaskError::Supervisor`] if that has ended.
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the task does not run.
    pub async fn spawn<M, F>(self, me: &mut Process<M>, work: F) -> Result<Task<F::Output>, TaskError>
    where
        M: Message,
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (value, owner) = (Place::default(), me.pid().untyped());
        let place = value.clone();
        let body: Body = Box::new(move |mut me| {
            Box::pin(async move {
                if is_wanted(&mut me, owner).await {
                    let value = work.await;
                    *place.lock() = Some(value);
                }
            })
        });
        let Started(started) = me.call(self.0, |reply| Request::Start(body, reply), None).await?;
        let pid = started?;
        let monitor = me.monitor(pid);
        // The task is on this node, and so can always be told.
        let _ = pid.send(());
        Ok(Task { owner, pid, monitor, value })
    }

    /// The tasks that run.
    ///
    /// # Errors
    ///
    /// [`TaskError::Supervisor`].
    ///
    /// # Cancel safety
    ///
    /// Nothing happens if the wait is dropped.
    pub async fn tasks<M: Message>(self, me: &mut Process<M>) -> Result<Vec<Pid>, TaskError> {
        Ok(me.call(self.0, Request::Tasks, None).await?)
    }
}

/// The task begins when its owner watches it, which then sends it a word; or never, if the owner ends before.
async fn is_wanted(me: &mut Process<()>, owner: Pid) -> bool {
    let monitor = me.monitor(owner);
    let is_wanted = matches!(me.next().await, Event::Message(()));
    me.demonitor(monitor);
    is_wanted
}

async fn supervise(mut me: Process<Request>, starting: Starting) -> Reason {
    me.trap_exits(true);
    let (parent, mut tasks) = (starting.starter(), BTreeSet::new());
    starting.ready();
    loop {
        match me.next().await {
            Event::Message(Request::Start(body, reply)) => {
                let started = me.spawn_link(body);
                tasks.extend(started.iter().map(|pid| pid.untyped()));
                reply.send(Started(started));
            }
            Event::Message(Request::Tasks(reply)) => reply.send(tasks.iter().copied().collect()),
            Event::Notice(Notice::Exit { from, reason }) if from == parent => {
                end_all(&mut me, tasks).await;
                return reason;
            }
            Event::Notice(Notice::Exit { from, .. }) => drop(tasks.remove(&from)),
            Event::Notice(_) => {}
        }
    }
}

async fn end_all(me: &mut Process<Request>, mut tasks: BTreeSet<Pid>) {
    let until = Instant::now() + SHUTDOWN_LIMIT;
    tasks.iter().for_each(|task| exit(*task, Reason::Shutdown));
    while !tasks.is_empty() {
        match me.next_within(until.saturating_duration_since(Instant::now())).await {
            Some(Event::Notice(Notice::Exit { from, .. })) => drop(tasks.remove(&from)),
            Some(_) => {} // a request comes too late
            None => break,
        }
    }
    tasks.iter().for_each(|task| exit(*task, Reason::Kill));
    while !tasks.is_empty() {
        if let Event::Notice(Notice::Exit { from, .. }) = me.next().await {
            tasks.remove(&from);
        }
    }
}

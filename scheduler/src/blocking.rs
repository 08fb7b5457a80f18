//! Threads for calls that block: started when needed, ended when idle, never more than a bound.
//!
//! Each call is kept in a list while it runs, with the task and the line that made it: a stop that waits in vain names
//! it. A call that began cannot be ended from outside.

use crate::slot::TaskId;
use parking_lot::{Condvar, Mutex};
use std::{
    collections::VecDeque,
    fmt,
    panic::Location,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// An idle thread ends after this long.
const IDLE_TIME: Duration = Duration::from_secs(10);

type Job = (Origin, Box<dyn FnOnce() + Send>);

/// Who made a blocking call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) task: Option<TaskId>,
    pub(crate) location: &'static Location<'static>,
}

/// A blocking call that still runs; see [`crate::Leftover`].
#[derive(Clone, Debug)]
pub struct LongCall {
    /// The task that made it, if a task did.
    pub task: Option<TaskId>,
    /// Where it was made.
    pub location: &'static Location<'static>,
    /// How long it has run.
    pub running: Duration,
}

/// The pool's blocking threads.
#[derive(Clone, Debug)]
pub(crate) struct Blocking {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    threads_max: usize,
    thread_name: String,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    running: Vec<(u64, Origin, Instant)>,
    last_number: u64,
    threads: usize,
    idle: usize,
    handles: Vec<JoinHandle<()>>,
    closed: bool,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Blocking").field("jobs", &state.jobs.len()).field("threads", &state.threads).finish()
    }
}

impl Blocking {
    pub(crate) fn new(threads_max: usize, thread_name: &str) -> Self {
        let shared = Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            threads_max: threads_max.max(1),
            thread_name: format!("{thread_name}-blocking"),
        };
        Blocking { shared: Arc::new(shared) }
    }

    /// Runs a job on a thread of its own, or queues it when there are too many. After `close` it is dropped.
    pub(crate) fn run(&self, origin: Origin, job: Box<dyn FnOnce() + Send>) {
        let mut state = self.shared.state.lock();
        if state.closed {
            drop(state);
            return drop(job);
        }
        state.jobs.push_back((origin, job));
        if state.idle >= state.jobs.len() {
            self.shared.changed.notify_one();
        } else if state.threads < self.shared.threads_max {
            self.start_thread(&mut state);
        }
    }

    /// Drops what waits, lets idle threads end, and waits up to `limit` for those at work: what still runs then.
    pub(crate) fn close(&self, limit: Duration) -> Vec<LongCall> {
        let deadline = Instant::now() + limit;
        let mut state = self.shared.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.jobs);
        self.shared.changed.notify_all();
        while state.threads > 0 {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        let left = state.running.iter().map(|(_, origin, since)| LongCall {
            task: origin.task,
            location: origin.location,
            running: since.elapsed(),
        });
        let left = left.collect();
        let ended = if state.threads == 0 { std::mem::take(&mut state.handles) } else { Vec::new() };
        drop(state);
        drop(dropped);
        // A job's panic was caught; a thread gives nothing back.
        ended.into_iter().for_each(|thread| drop(thread.join()));
        left
    }

    fn start_thread(&self, state: &mut State) {
        let shared = self.shared.clone();
        // One that does not start leaves its job to the threads that there are.
        if let Ok(thread) = thread::Builder::new().name(self.shared.thread_name.clone()).spawn(move || shared.serve()) {
            state.threads += 1;
            state.handles.push(thread);
        }
    }
}

impl Shared {
    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some((origin, job)) = state.jobs.pop_front() {
                state.last_number += 1;
                let number = state.last_number;
                state.running.push((number, origin, Instant::now()));
                drop(state);
                job();
                state = self.state.lock();
                state.running.retain(|(running, ..)| *running != number);
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let timed_out = self.changed.wait_for(&mut state, IDLE_TIME).timed_out();
            state.idle -= 1;
            if timed_out && state.jobs.is_empty() {
                let me = thread::current().id();
                state.handles.retain(|thread| thread.thread().id() != me); // nobody waits for this one
                break;
            }
        }
        state.threads -= 1;
        self.changed.notify_all();
    }
}

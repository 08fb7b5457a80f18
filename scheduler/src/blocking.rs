//! Threads for calls that block: started when needed, ended when idle, never more than a bound.

use parking_lot::{Condvar, Mutex};
use std::{collections::VecDeque, fmt, sync::Arc, thread, time::Duration};

/// An idle thread ends after this long.
const IDLE_TIME: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

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
    threads: usize,
    idle: usize,
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
    pub(crate) fn run(&self, job: Job) {
        let mut state = self.shared.state.lock();
        if state.closed {
            return;
        }
        state.jobs.push_back(job);
        if state.idle >= state.jobs.len() {
            self.shared.changed.notify_one();
        } else if state.threads < self.shared.threads_max {
            state.threads += 1;
            drop(state);
            self.start_thread();
        }
    }

    /// Drops what waits, lets idle threads end, and waits up to `limit` for those at work: how many still are.
    pub(crate) fn close(&self, limit: Duration) -> usize {
        let deadline = std::time::Instant::now() + limit;
        let mut state = self.shared.state.lock();
        state.closed = true;
        let dropped = std::mem::take(&mut state.jobs);
        self.shared.changed.notify_all();
        while state.threads > 0 {
            if self.shared.changed.wait_until(&mut state, deadline).timed_out() {
                break;
            }
        }
        let left = state.threads;
        drop(state);
        drop(dropped);
        left
    }

    fn start_thread(&self) {
        let shared = self.shared.clone();
        let started = thread::Builder::new().name(self.shared.thread_name.clone()).spawn(move || shared.serve());
        if started.is_err() {
            // The job waits for the threads that there are.
            self.shared.state.lock().threads -= 1;
        }
    }
}

impl Shared {
    fn serve(&self) {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state.lock();
                continue;
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let timed_out = self.changed.wait_for(&mut state, IDLE_TIME).timed_out();
            state.idle -= 1;
            if timed_out && state.jobs.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        self.changed.notify_all();
    }
}

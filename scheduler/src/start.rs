//! Starting and stopping a pool's threads.
//!
//! A stop ends each task where it waits, and waits itself for the threads, up to a limit: a turn that does not end cannot
//! be ended from outside, nor can a blocking call. What remains is named. Such a thread goes on by itself, ends its
//! tasks when its turn is over, and keeps the pool until then.

use crate::{
    blocking::LongCall,
    park,
    pool::{Config, Pool, Remote},
    slot::TaskId,
    spawn::SpawnError,
    task::{JoinError, spawn_on},
    watchdog,
    worker::Worker,
};
use holm_affinity::{PinError, pin_current_thread};
use std::{
    convert::Infallible,
    fmt, io,
    sync::{Arc, atomic::Ordering::SeqCst, mpsc},
    thread,
    time::{Duration, Instant},
};

/// Where a scheduler runs.
#[derive(Debug)]
pub struct Binding {
    /// The scheduler's number in its pool.
    pub scheduler: usize,
    /// The CPU that was asked for, and whether the thread is pinned to it.
    pub cpu: Option<(u32, Result<(), PinError>)>,
}

/// A turn that does not end; see [`Leftover`].
#[derive(Clone, Debug)]
pub struct LongTurn {
    /// The scheduler whose turn it is.
    pub scheduler: usize,
    /// The task that runs, unless the scheduler is between two tasks.
    pub task: Option<TaskId>,
    /// The name of the task's type: the path of its async function or block.
    pub body: Option<&'static str>,
}

/// What still ran when a stop gave up waiting.
#[derive(Clone, Debug, Default)]
#[must_use = "what still runs should be told"]
pub struct Leftover {
    /// Turns that do not end.
    pub turns: Vec<LongTurn>,
    /// Blocking calls that do not end.
    pub calls: Vec<LongCall>,
}

impl Leftover {
    /// True if every thread has ended.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty() && self.calls.is_empty()
    }
}

/// The running schedulers. Dropping it stops them.
pub struct Scheduler {
    pool: Arc<Pool>,
    /// By scheduler; nothing for one that was joined.
    threads: Vec<Option<thread::JoinHandle<()>>>,
    watchdog: Option<thread::JoinHandle<()>>,
    /// Hangs up when the last thread ends.
    ended: mpsc::Receiver<Infallible>,
    bindings: Vec<Binding>,
    stopped: bool,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("pool", &self.pool).field("bindings", &self.bindings).finish()
    }
}

impl Scheduler {
    /// Starts one thread for each entry of `config.cpus`, and returns when all of them run.
    ///
    /// A thread that cannot be pinned runs unbound; [`Scheduler::bindings`] says so.
    ///
    /// # Errors
    ///
    /// What the operating system says when it has no more threads or descriptors.
    ///
    /// # Panics
    ///
    /// If `config.cpus` is empty.
    pub fn start(config: Config) -> io::Result<Scheduler> {
        assert!(!config.cpus.is_empty(), "a pool has at least one scheduler");
        let (mut parks, mut remotes) = (Vec::new(), Vec::new());
        for _ in &config.cpus {
            let (park, waker, registry) = park::new()?;
            parks.push(park);
            remotes.push(Remote::new(waker, registry));
        }
        let pool = Arc::new(Pool::new(config, remotes));
        let (running, ended) = mpsc::channel();
        let mut started = Scheduler {
            pool: pool.clone(),
            threads: Vec::new(),
            watchdog: None,
            ended,
            bindings: Vec::new(),
            stopped: false,
        };
        let (tell, told) = mpsc::channel();
        for (scheduler, park) in parks.into_iter().enumerate() {
            let (pool, tell, running) = (pool.clone(), tell.clone(), running.clone());
            let thread = thread::Builder::new().name(format!("{}-{scheduler}", pool.config.thread_name));
            started.threads.push(Some(thread.spawn(move || {
                let _running = running; // dropped last
                let cpu = pool.config.cpus[scheduler].map(|cpu| (cpu, pin_current_thread(cpu)));
                let worker = Worker::new(pool, scheduler, park);
                let _ = tell.send(Binding { scheduler, cpu });
                drop(tell); // whoever waits for all bindings waits for this end
                worker.run();
            })?));
        }
        drop((tell, running));
        started.bindings = told.iter().collect();
        started.bindings.sort_by_key(|binding| binding.scheduler);
        started.watchdog = pool.config.stall_after.map(|after| watchdog::start(&pool, after)).transpose()?;
        Ok(started)
    }

    /// The pool, for spawning from outside.
    pub fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Which scheduler is pinned where.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Runs a future as a task and blocks this thread until it has ended.
    ///
    /// # Errors
    ///
    /// If the task panicked, or the pool stopped.
    ///
    /// # Panics
    ///
    /// If the limit of tasks is reached.
    pub fn block_on<F>(&self, future: F) -> Result<F::Output, JoinError>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match spawn_on(&self.pool, None, future) {
            Ok(task) => task.wait(),
            Err(SpawnError::Stopping) => Err(JoinError::Cancelled),
            Err(error) => panic!("{error}"),
        }
    }

    /// Stops: every task is dropped where it waits, every thread is joined. What still runs after `limit` is named; it
    /// goes on, and what it gives is thrown away. A second stop waits for that again.
    ///
    /// Must not be called on a thread of this pool: it would wait for itself, up to the limit.
    pub fn stop(&mut self, limit: Duration) -> Leftover {
        let until = Instant::now() + limit;
        self.begin_stop(limit);
        if let Err(mpsc::RecvTimeoutError::Timeout) = self.ended.recv_timeout(limit) {
            return Leftover { turns: self.long_turns(), calls: self.pool.blocking.close(Duration::ZERO) };
        }
        self.join();
        let left = until.saturating_duration_since(Instant::now());
        Leftover { turns: Vec::new(), calls: self.pool.blocking.close(left) }
    }

    fn begin_stop(&mut self, limit: Duration) {
        self.stopped = true;
        // Waits for those who spawn from outside; one whose closure does not end meanwhile spawns into nothing.
        let _closed = self.pool.gate.try_write_for(limit);
        self.pool.stopping.store(true, SeqCst);
        self.pool.closed.store(true, SeqCst);
        self.pool.rouse_all();
        self.pool.watchdog.unpark();
    }

    fn join(&mut self) {
        for thread in self.threads.iter_mut().filter_map(Option::take).chain(self.watchdog.take()) {
            // A scheduler's thread ends by a panic only if holm itself is wrong; the message was printed.
            let _ = thread.join();
        }
    }

    fn long_turns(&self) -> Vec<LongTurn> {
        let runs =
            |thread: &Option<thread::JoinHandle<()>>| thread.as_ref().is_some_and(|thread| !thread.is_finished());
        let stuck = (0..self.threads.len()).filter(|&scheduler| runs(&self.threads[scheduler]));
        let turn = |scheduler| {
            let seen = self.pool.remote(scheduler).turn.see();
            let task = seen.as_ref().map(|seen| TaskId { slot: seen.task.id().slot, generation: seen.generation });
            LongTurn { scheduler, task, body: seen.and_then(|seen| seen.task.body_name()) }
        };
        stuck.map(turn).collect()
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        if !self.stopped {
            self.begin_stop(Duration::MAX);
            self.join();
        }
        // After a stop the threads that are left have been named, and end by themselves.
        let _ = self.pool.blocking.close(Duration::ZERO);
    }
}

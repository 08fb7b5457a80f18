//! Starting and stopping a pool's threads.

use crate::{
    park,
    pool::{Config, Pool, Remote},
    spawn::SpawnError,
    task::{JoinError, spawn_on},
    watchdog,
    worker::{Worker, end_stragglers},
};
use holm_affinity::{PinError, pin_current_thread};
use std::{
    fmt, io,
    sync::{Arc, atomic::Ordering::SeqCst, mpsc},
    thread,
    time::Duration,
};

/// Where a scheduler runs.
#[derive(Debug)]
pub struct Binding {
    /// The scheduler's number in its pool.
    pub scheduler: usize,
    /// The CPU that was asked for, and whether the thread is pinned to it.
    pub cpu: Option<(u32, Result<(), PinError>)>,
}

/// The running schedulers. Dropping it stops them.
pub struct Scheduler {
    pool: Arc<Pool>,
    threads: Vec<thread::JoinHandle<()>>,
    watchdog: Option<thread::JoinHandle<()>>,
    bindings: Vec<Binding>,
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
        let mut started = Scheduler { pool: pool.clone(), threads: Vec::new(), watchdog: None, bindings: Vec::new() };
        let (tell, told) = mpsc::channel();
        for (scheduler, park) in parks.into_iter().enumerate() {
            let (pool, tell) = (pool.clone(), tell.clone());
            let thread = thread::Builder::new().name(format!("{}-{scheduler}", pool.config.thread_name));
            started.threads.push(thread.spawn(move || {
                let cpu = pool.config.cpus[scheduler].map(|cpu| (cpu, pin_current_thread(cpu)));
                let worker = Worker::new(pool, scheduler, park);
                let _ = tell.send(Binding { scheduler, cpu });
                drop(tell); // whoever waits for all bindings waits for this end
                worker.run();
            })?);
        }
        drop(tell);
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

    /// Stops: every task is dropped where it waits, every thread is joined. How many blocking calls still ran after
    /// `limit`; they go on, and what they give is thrown away.
    pub fn stop(mut self, limit: Duration) -> usize {
        self.stop_threads();
        self.pool.close_blocking(limit)
    }

    fn stop_threads(&mut self) {
        self.pool.stopping.store(true, SeqCst);
        self.pool.rouse_all();
        self.pool.watchdog.unpark();
        for thread in self.threads.drain(..).chain(self.watchdog.take()) {
            // A scheduler's thread ends by a panic only if holm itself is wrong; the message was printed.
            let _ = thread.join();
        }
        end_stragglers(&self.pool);
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop_threads();
        self.pool.close_blocking(Duration::ZERO);
    }
}

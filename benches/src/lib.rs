//! A runtime for benches: criterion measures on the main thread, what it measures runs in processes.
//!
//! It starts schedulers once and keeps them. Each measurement is one process that is told how often to do its thing,
//! and says how long that took; what a runtime costs to start is in none of the figures. Set aside: a fresh runtime for
//! each sample, which would measure cold threads.

use holm::{IntoReason, Message, Process, layout::Options};
use std::{
    fmt,
    future::Future,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

type Job = Box<dyn FnOnce() + Send>;

/// Schedulers of one OS process, running until the program ends.
pub struct Bench {
    jobs: Sender<Job>,
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bench(..)")
    }
}

impl Bench {
    /// Starts that many schedulers.
    ///
    /// # Panics
    ///
    /// If they cannot be started.
    pub fn start(schedulers: u32) -> Bench {
        let (jobs, work) = channel();
        let layout = format!("1x{schedulers}").parse().expect("a number of schedulers makes a layout");
        let options = Options { layout: Some(layout), oversubscribe: true, ..Options::default() };
        thread::spawn(move || {
            let work = Arc::new(Mutex::new(work));
            holm::block_on_with(&options, async move |_: Process<()>| serve(work).await).expect("the runtime starts");
        });
        Bench { jobs }
    }

    /// Runs `body` as a process and gives what it says: usually how long its `times` repetitions took.
    ///
    /// # Panics
    ///
    /// If it ends without saying anything.
    pub fn run<M, F, Fut>(&self, times: u64, body: F) -> Duration
    where
        M: Message,
        F: FnOnce(Process<M>, u64) -> Fut + Send + 'static,
        Fut: Future<Output = Duration> + Send + 'static,
    {
        let (took, result) = channel();
        let process = move |me: Process<M>| {
            let body = body(me, times);
            async move {
                took.send(body.await).expect("the bench waits for its figure");
            }
        };
        let job = Box::new(move || {
            spawn_of(process);
        });
        self.jobs.send(job).expect("the runtime runs as long as the program");
        result.recv().expect("the process of a bench says how long it took")
    }
}

fn spawn_of<M, F, Fut>(process: F)
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut,
    Fut: Future<Output: IntoReason> + Send + 'static,
{
    holm::spawn(process).expect("a bench spawns fewer processes than there may be");
}

/// Does what it is told until nobody can tell it anything.
async fn serve(work: Arc<Mutex<Receiver<Job>>>) {
    loop {
        let work = work.clone();
        let next = move || work.lock().expect("nobody panics with this lock").recv().ok();
        let job = holm::spawn_blocking(next).expect("the runtime runs").await.expect("waiting does not panic");
        match job {
            Some(job) => job(),
            None => return,
        }
    }
}

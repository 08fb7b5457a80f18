//! A tree of supervisors, three levels deep, and a worker that crashes now and then.
//!
//! What to see: a crash stays where it happens. The worker is started again, with its neighbours if its supervisor's
//! strategy says so; a supervisor whose children crash too often gives up, and is started again by its own.
//!
//! ```text
//!   kitchen (one for all)
//!   ├── orders
//!   └── line (rest for one)
//!       ├── stove
//!       ├── cook
//!       └── helpers (one for one, at most 2 restarts)
//!           └── dishes
//! ```
//!
//!     cargo run -p holm-examples --bin supervised

use holm::{Message, Pid, Process, Reason};
use holm_otp::supervisor::{Child, Supervisor, SupervisorRef};
use std::time::{Duration, Instant};

/// What the workers tell the program.
#[derive(Debug, Message)]
#[message(local)]
enum Told {
    Starts(&'static str, Pid<Order>),
    Stops(&'static str),
}

/// What a worker can be told: to crash.
#[derive(Debug, Message)]
#[message(local)]
struct Order(&'static str);

/// A worker: it says when it starts and when it is stopped, and crashes when it is told.
async fn work(mut me: Process<Order>, name: &'static str, program: Pid<Told>) -> Result<(), String> {
    /// Says that the worker is gone, whatever ends it.
    struct Leaving(&'static str, Pid<Told>);
    impl Drop for Leaving {
        fn drop(&mut self) {
            let _ = self.1.send(Told::Stops(self.0));
        }
    }
    let _leaving = Leaving(name, program);
    let _ = program.send(Told::Starts(name, me.pid()));
    let Order(crash) = me.receive().await;
    Err(crash.to_string())
}

fn kitchen(program: Pid<Told>) -> Supervisor {
    let worker = |name| Child::worker(name, move |me| work(me, name, program));
    let helpers = Supervisor::one_for_one().intensity(2, Duration::from_secs(60)).child(worker("dishes"));
    let line = Supervisor::rest_for_one()
        .intensity(10, Duration::from_secs(60))
        .child(worker("stove"))
        .child(worker("cook"))
        .child(Child::supervisor("helpers", helpers));
    Supervisor::one_for_all()
        .intensity(10, Duration::from_secs(60))
        .child(worker("orders"))
        .child(Child::supervisor("line", line))
}

/// The program's view of its workers.
struct Watcher {
    me: Process<Told>,
    running: Vec<(&'static str, Pid<Order>)>,
    began: Instant,
}

impl Watcher {
    /// Hears and prints what happens until so many workers have started.
    async fn see(&mut self, mut starts: usize) {
        while starts > 0 {
            match self.me.receive().await {
                Told::Starts(name, pid) => {
                    println!("{:>7.1} ms   {name} starts", self.ms());
                    self.running.retain(|(other, _)| *other != name);
                    self.running.push((name, pid));
                    starts -= 1;
                }
                Told::Stops(name) => println!("{:>7.1} ms   {name} is gone", self.ms()),
            }
        }
    }

    /// Has a worker crash.
    async fn crash(&mut self, name: &str, why: &'static str, restarts: usize) {
        println!("{:>7.1} ms {name} crashes: {why}", self.ms());
        let pid = self.running.iter().find(|(other, _)| *other == name).expect("it runs").1;
        pid.send(Order(why)).expect("a message within a node needs no wire");
        self.see(restarts).await;
    }

    fn ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3
    }
}

async fn program(mut me: Process<Told>) -> Result<(), String> {
    let kitchen: SupervisorRef = kitchen(me.pid()).start_link(&mut me).await.map_err(|error| error.to_string())?;
    let mut watcher = Watcher { me, running: Vec::new(), began: Instant::now() };
    watcher.see(4).await;
    watcher.crash("dishes", "a plate broke (one for one: only dishes)", 1).await;
    watcher.crash("stove", "it went out (rest for one: all of the line)", 3).await;
    watcher.crash("dishes", "a first plate", 1).await;
    watcher.crash("dishes", "a second plate", 1).await;
    watcher.crash("dishes", "a third plate (once too often: the helpers as a whole)", 1).await;
    watcher.crash("orders", "no paper (one for all: everybody)", 4).await;
    let count = kitchen.count_children(&mut watcher.me).await.map_err(|error| error.to_string())?;
    println!(
        "{:>7.1} ms the kitchen closes, with {} of {} children running",
        watcher.ms(),
        count.running,
        count.specified
    );
    kitchen.stop(&mut watcher.me, Reason::Normal, Duration::from_secs(5)).await.map_err(|error| error.to_string())?;
    let left = watcher.running.iter().filter(|(_, pid)| holm::is_alive(*pid)).count();
    println!("{:>7.1} ms all have left", watcher.ms());
    if left == 0 { Ok(()) } else { Err(format!("{left} are still there")) }
}

fn main() -> std::process::ExitCode {
    holm::run(program)
}

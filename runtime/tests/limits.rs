//! P-23 of the conformance catalogue: a node with a limit of processes.

mod harness;

use harness::program::{self, Program};
use holm::{Place, Process, Reason, SpawnError, SpawnOptions};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

/// Counts how many there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Counted(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

#[test]
fn the_program() {
    if program::role().is_some() {
        holm::block_on(fill_the_last_node).unwrap();
    }
}

async fn fill_the_last_node(mut me: Process<()>) {
    let last = holm::nodes().last().unwrap().id;
    let options = SpawnOptions::new().place(Place::Node(last)).monitor();
    let spawned = me.spawn_entry(fill, (), options).await.unwrap();
    assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Normal);
    println!("holds");
}

/// Three times: spawns until it is refused, ends one process, and spawns again.
#[holm::entry]
async fn fill(mut me: Process<()>, _: ()) {
    let last = holm::schedulers() - 1;
    for _ in 0..3 {
        let count = Arc::new(AtomicUsize::new(0));
        let spawn = |me: &mut Process<()>| {
            let counted = Counted::new(&count);
            let wait = async move |_: Process<()>| {
                let _counted = counted;
                pending::<()>().await
            };
            me.spawn_opt(SpawnOptions::new().scheduler(last).monitor(), wait)
        };
        let mut spawned = Vec::new();
        let refused = loop {
            match spawn(&mut me) {
                Ok(one) => spawned.push(one),
                Err(refused) => break refused,
            }
            assert!(spawned.len() <= 1000, "there is no limit");
        };
        assert!(matches!(refused, SpawnError::Scheduler(_)), "{refused}");
        assert!(refused.to_string().contains("the limit of 1000 tasks"), "{refused}");
        assert!(spawned.len() > 400, "only {} processes fit", spawned.len());
        assert_eq!(count.load(SeqCst), spawned.len(), "what a refused spawn captured is dropped");
        let one = spawned.pop().unwrap();
        holm::exit(one.pid, Reason::Kill);
        me.down(one.monitor.unwrap()).await;
        let began = Instant::now();
        loop {
            match spawn(&mut me) {
                Ok(one) => break spawned.push(one),
                Err(_) => holm::sleep(Duration::from_millis(1)).await,
            }
            assert!(began.elapsed() < Duration::from_secs(10), "no spawn works although a process has ended");
        }
        for one in spawned {
            holm::exit(one.pid, Reason::Kill);
            me.down(one.monitor.unwrap()).await;
        }
        assert_eq!(count.load(SeqCst), 0);
    }
}

#[test]
fn p_23_a_spawn_above_the_limit_is_an_error_and_one_after_an_end_works() {
    // In the last layout it is another node than the launcher's, and has the limit handed on.
    for layout in ["1x1", "1x2", "2x1"] {
        let outcome = Program::new("fill", layout, "shm").variable("HOLM_PROCESSES", "1000").run();
        assert!(outcome.stdout.contains("holds"), "{layout}: {}", outcome.story());
    }
}

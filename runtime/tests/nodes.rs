//! Families N, D and H of the conformance catalogue, as far as they are about the nodes of one layout: how a node's death
//! shows, how programs stop, and what they leave behind.

mod harness;

use harness::program::{Outcome, Program, Running, role};
use holm::{Event, NodeEvent, Notice, Pid, Process, Reason, SpawnError, SpawnOptions, layout::Options};
use rustix::process::Signal;
use std::{collections::BTreeSet, fs, sync::mpsc, thread, time::Duration};

const TRANSPORTS: [&str; 3] = ["shm", "tcp", "unix"];

#[test]
fn the_program() {
    let Some(role) = role() else { return };
    let ended = match role.as_str() {
        "lose a node" => holm::block_on(lose_a_node),
        "wait" => holm::block_on(wait),
        "panic" => holm::block_on(async |_: Process<()>| panic!("the first process has had enough")),
        "fail" => holm::block_on(async |_: Process<()>| Err::<(), _>("no disk")),
        "shut down" => holm::block_on(async |_: Process<()>| Reason::Shutdown),
        "spawn there" => holm::block_on(spawn_there),
        other => panic!("no role is called {other}"),
    };
    std::process::exit(match ended {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code().into()
        }
    });
}

// ---- N-09 ----

/// Says which OS process it lives in, links its parent, and waits.
#[holm::entry]
async fn victim(mut me: Process<u64>, parent: Pid<u64>) {
    parent.send(u64::from(std::process::id())).unwrap();
    me.receive().await;
}

/// Loses node 1 while it is tied to it in every way, and says what comes of it.
async fn lose_a_node(mut me: Process<u64>) {
    me.trap_exits(true);
    me.watch_nodes(true);
    let there = SpawnOptions::new().scheduler(1);
    let spawned = me.spawn_entry(victim, me.pid(), there.clone().link().monitor()).await.unwrap();
    let os_pid = me.receive().await;
    let second = me.monitor(spawned.pid);
    for number in 0..10 {
        me.spawn_entry(last_words, (me.pid(), number), there.clone()).await.unwrap();
        me.receive().await;
    }
    rustix::process::kill_process(rustix::process::Pid::from_raw(os_pid as i32).unwrap(), Signal::KILL).unwrap();
    let (mut exits, mut downs, mut node_downs) = (0, 0, 0);
    while (exits, downs, node_downs) != (1, 2, 1) {
        match me.next_within(harness::CASE_LIMIT).await.expect("the loss shows") {
            Event::Notice(Notice::Exit { from, reason: Reason::NoConnection }) if from == spawned.pid => exits += 1,
            Event::Notice(Notice::Down { watched, reason: Reason::NoConnection, monitor })
                if watched == spawned.pid.into() =>
            {
                assert!(monitor == second || Some(monitor) == spawned.monitor);
                downs += 1;
            }
            Event::Notice(Notice::Node(NodeEvent::Down { node, .. })) if node == spawned.pid.node() => node_downs += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(me.next_within(harness::QUIET).await, None, "each comes once");
    assert!(holm::nodes().iter().any(|node| !node.connected));
    spawned.pid.send(1).unwrap(); // lost, as one to a process that has ended
    let late = me.monitor(spawned.pid);
    assert_eq!(me.down(late).await, Reason::NoConnection);
    me.link(spawned.pid);
    harness::expect_exit(&mut me, spawned.pid.untyped(), Reason::NoConnection).await;
    let refused = me.spawn_entry(victim, me.pid(), there).await;
    assert_eq!(refused.map(|spawned| spawned.pid), Err(SpawnError::NoConnection));
    println!("all is lost");
}

/// Says a word and ends.
#[holm::entry]
async fn last_words(_me: Process<()>, (to, number): (Pid<u64>, u64)) {
    to.send(number).unwrap();
}

#[test]
fn n_09_the_loss_of_a_node_shows_at_once_and_once() {
    for transport in TRANSPORTS {
        let outcome = Program::new("lose a node", "2x1", transport).run();
        assert!(outcome.stdout.contains("all is lost"), "{transport}: {}", outcome.story());
        assert_eq!(outcome.status.code(), Some(1), "{transport}: {}", outcome.story());
        assert!(
            outcome.stderr.contains("error: node 1 (") && outcome.stderr.contains("ended by signal 9"),
            "{}",
            outcome.story()
        );
    }
}

// ---- D-09 ----

/// Asks for what cannot be.
async fn spawn_there(mut me: Process<u64>) {
    let there = SpawnOptions::new().scheduler(1);
    let first = me.spawn_entry(victim, me.pid(), there.clone().name("only one")).await.unwrap();
    me.receive().await;
    let refused = me.spawn_entry(victim, me.pid(), there.clone().name("only one")).await;
    assert!(matches!(refused, Err(SpawnError::Refused(_))), "{refused:?}");
    let refused = me.spawn_entry(victim, me.pid(), SpawnOptions::new().scheduler(2)).await;
    assert!(matches!(refused, Err(SpawnError::UnknownScheduler { scheduler: 2, schedulers: 2 })), "{refused:?}");
    let refused = me.spawn_opt(there, async |_: Process<()>| ());
    assert!(matches!(refused, Err(SpawnError::Elsewhere)), "{refused:?}");
    assert_eq!(me.next_within(harness::QUIET).await, None, "nothing ran");
    assert_eq!(me.whereis_at(1, "only one").await, Ok(Some(first.pid)));
}

#[test]
fn d_09_a_refused_spawn_is_an_error_and_nothing_runs() {
    let outcome = Program::new("spawn there", "2x1", "shm").run();
    assert!(outcome.status.success(), "{}", outcome.story());
}

// ---- H-11, N-25 ----

/// Starts a process on each scheduler, says in which OS process it runs, and waits for ever.
async fn wait(mut me: Process<u64>) {
    for scheduler in 0..holm::schedulers() {
        me.spawn_entry(victim, me.pid(), SpawnOptions::new().scheduler(scheduler)).await.unwrap();
        println!("pid {}", me.receive().await);
    }
    println!("all run");
    std::future::pending::<()>().await;
}

/// A waiting program and the OS processes of its nodes.
fn start_waiting(layout: &str, transport: &str) -> (Running, BTreeSet<u64>) {
    let mut running = Program::new("wait", layout, transport).start();
    let (nodes, schedulers) = layout.split_once('x').unwrap();
    let count = nodes.parse::<usize>().unwrap() * schedulers.parse::<usize>().unwrap();
    let pids = (0..count).map(|_| running.line("pid ").parse().unwrap()).collect();
    running.line("all run");
    (running, pids)
}

fn assert_gone(pids: &BTreeSet<u64>) {
    let runs = |pid: &u64| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    };
    for _ in 0..1000 {
        if !pids.iter().any(runs) {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("a node is left");
}

/// What lies in shared memory and in the directory of temporary files and is holm's.
fn left_behind() -> Vec<String> {
    let directories = ["/dev/shm".into(), std::env::temp_dir()];
    let entries = directories.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name.contains("holm")).collect()
}

#[test]
fn h_11_a_signal_stops_all_nodes_in_order() {
    let before = left_behind();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        for (layout, transport) in [("1x2", "shm"), ("2x1", "shm"), ("3x1", "tcp"), ("2x1", "unix")] {
            let (running, pids) = start_waiting(layout, transport);
            running.signal(signal);
            let outcome = running.finish();
            assert_eq!(outcome.status.code(), Some(code), "{layout} {transport}: {}", outcome.story());
            assert!(!outcome.stderr.contains("ended"), "in order: {}", outcome.story());
            assert_gone(&pids);
        }
    }
    assert_eq!(left_behind(), before);
}

#[test]
fn n_25_no_node_survives_a_program_that_is_killed() {
    let before = left_behind();
    for (layout, transport) in [("4x1", "shm"), ("2x1", "tcp")] {
        let (running, pids) = start_waiting(layout, transport);
        running.signal(Signal::KILL);
        assert!(!running.finish().status.success());
        assert_gone(&pids);
    }
    assert_eq!(left_behind(), before);
}

// ---- the end of the program ----

fn run(role: &str, layout: &str) -> Outcome {
    let outcome = Program::new(role, layout, "shm").run();
    assert!(outcome.in_time, "{}", outcome.story());
    outcome
}

#[test]
fn a_first_process_that_panics_is_the_end_with_its_words() {
    for layout in ["1x1", "1x2", "2x1"] {
        let outcome = run("panic", layout);
        assert_eq!(outcome.status.code(), Some(1), "{}", outcome.story());
        assert!(outcome.stderr.contains("error: panic: the first process has had enough"), "{}", outcome.story());
    }
}

#[test]
fn the_reason_of_the_first_process_is_the_exit_status() {
    let outcome = run("fail", "2x1");
    assert_eq!(outcome.status.code(), Some(1));
    assert!(outcome.stderr.contains("error: error: no disk") || outcome.stderr.contains("error: no disk"));
    assert_eq!(run("shut down", "2x1").status.code(), Some(0));
}

// ---- H-07 ----

fn options() -> Options {
    Options { layout: Some("1x2".parse().unwrap()), oversubscribe: true, ..Options::default() }
}

/// A pid of one runtime is nobody in another, and its names are its own.
#[test]
fn h_07_a_runtime_knows_nothing_of_another() {
    let (tell, told) = mpsc::channel::<Pid<u64>>();
    let (stop, stopped) = mpsc::channel::<()>();
    let first = thread::spawn(move || {
        holm::block_on_with(&options(), async move |mut me: Process<u64>| {
            me.register("same name").unwrap();
            tell.send(me.pid()).unwrap();
            holm::spawn_blocking(move || stopped.recv()).unwrap().await.unwrap().unwrap();
            assert_eq!(me.receive_within(Duration::ZERO).await, None);
        })
        .unwrap();
    });
    let stranger = told.recv().unwrap();
    holm::block_on_with(&options(), async move |mut me: Process<u64>| {
        me.register("same name").unwrap();
        assert!(!holm::is_alive(stranger));
        stranger.send(1).unwrap();
        holm::exit(stranger, Reason::Kill);
        let monitor = me.monitor(stranger);
        assert_eq!(me.down(monitor).await, Reason::NoConnection);
    })
    .unwrap();
    stop.send(()).unwrap();
    first.join().unwrap();
}

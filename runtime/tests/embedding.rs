//! Family H of the conformance catalogue: a runtime inside a host program, and its stop.
//!
//! What counts threads and descriptors, or sends signals, runs in a program of its own: `the_program`.

mod harness;

use harness::program::{Outcome, Program, role};
use holm::{Process, ProcessHandle, Reason, Runtime, SpawnError, StopError, layout::Options};
use rustix::process::{Signal, kill_process_group};
use std::{
    fs,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

/// Long enough for whatever ends by itself.
const GRACE: Duration = Duration::from_secs(20);

fn start(schedulers: u32) -> Runtime {
    let layout = Some(format!("1x{schedulers}").parse().unwrap());
    Runtime::with(&Options { layout, oversubscribe: true, ..Options::default() }).unwrap()
}

fn on_one_and_on_three(test: impl Fn(Runtime)) {
    [1, 3].into_iter().for_each(|schedulers| test(start(schedulers)));
}

/// Counts how often it was dropped.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Waits for messages for ever.
async fn idle(me: &mut Process<()>) {
    loop {
        me.receive().await;
    }
}

#[test]
fn the_program() {
    match role().as_deref() {
        Some("cycles") => cycles(std::env::var("CYCLES").unwrap().parse().unwrap()),
        Some("serve") => serve(),
        Some("descriptors") => descriptors(),
        Some("leftovers") => leftovers(),
        _ => {}
    }
}

fn run(role: &str, layout: &str) -> Outcome {
    Program::new(role, layout, "shm").run()
}

#[test]
fn h_01_stop_asks_then_kills_and_runs_every_destructor_once() {
    on_one_and_on_three(|runtime| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let counted = || Counted(dropped.clone());
        let (ready, is_ready) = mpsc::channel();
        let tell = || {
            let ready = ready.clone();
            move || ready.send(()).unwrap()
        };
        let mut handles: Vec<(ProcessHandle<()>, Reason)> = Vec::new();
        for _ in 0..100 {
            let (one, ready) = (counted(), tell());
            let waits = runtime.spawn(async move |mut me: Process<()>| {
                let _one = one;
                ready();
                idle(&mut me).await;
            });
            handles.push((waits.unwrap(), Reason::Shutdown));
            let (one, ready) = (counted(), tell());
            let obeys = runtime.spawn(async move |mut me: Process<()>| {
                let _one = one;
                me.trap_exits(true);
                ready();
                me.next().await;
            });
            handles.push((obeys.unwrap(), Reason::Normal));
            let (one, ready) = (counted(), tell());
            let is_deaf = runtime.spawn(async move |mut me: Process<()>| {
                let _one = one;
                me.trap_exits(true);
                ready();
                idle(&mut me).await;
            });
            handles.push((is_deaf.unwrap(), Reason::Killed));
        }
        handles.iter().for_each(|_| is_ready.recv_timeout(GRACE).unwrap());
        let (began, grace) = (Instant::now(), Duration::from_millis(200));
        runtime.stop(grace).unwrap();
        assert!(began.elapsed() >= grace, "some need the grace");
        assert!(began.elapsed() < grace + Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(dropped.load(SeqCst), 300);
        for (handle, reason) in handles {
            assert_eq!(handle.wait(), reason);
        }
        let Err(SpawnError::Scheduler(refused)) = runtime.spawn(async |_: Process<()>| ()) else {
            panic!("it has stopped")
        };
        assert_eq!(refused.to_string(), "the runtime is stopping");
    });
}

#[test]
fn h_01_those_who_asked_for_it_stop_first() {
    on_one_and_on_three(|runtime| {
        let (tell, told) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let (tell_last, ready_last) = (tell.clone(), ready.clone());
        runtime
            .spawn(async move |mut me: Process<()>| {
                me.trap_exits(true);
                ready_last.send(()).unwrap();
                me.next().await;
                tell_last.send("the others").unwrap();
            })
            .unwrap();
        runtime
            .spawn(async move |mut me: Process<()>| {
                me.trap_exits(true);
                me.stop_first(true);
                ready.send(()).unwrap();
                me.next().await;
                holm::sleep(Duration::from_millis(30)).await;
                tell.send("the first").unwrap();
            })
            .unwrap();
        (0..2).for_each(|_| is_ready.recv_timeout(GRACE).unwrap());
        runtime.stop(GRACE).unwrap();
        assert_eq!(told.iter().collect::<Vec<_>>(), ["the first", "the others"]);
    });
}

/// The user saw: a process with a bounded mailbox was ended without being asked.
#[test]
fn h_01_a_process_with_a_bounded_mailbox_is_asked_too() {
    on_one_and_on_three(|runtime| {
        let (ready, is_ready) = mpsc::channel();
        let parent = runtime.spawn(async move |mut me: Process<()>| {
            let options = holm::SpawnOptions::new().mailbox(holm::Mailbox::bounded(10, holm::Overflow::Wait)).monitor();
            let child = me.spawn_opt(options, async |mut me: Process<()>| idle(&mut me).await).unwrap();
            me.trap_exits(true);
            ready.send(()).unwrap();
            me.down(child.monitor.unwrap()).await
        });
        is_ready.recv_timeout(GRACE).unwrap();
        runtime.stop(GRACE).unwrap();
        assert_eq!(parent.unwrap().wait(), Reason::Shutdown);
    });
}

/// What `run` leaves behind when its first process returns is asked before it is killed, too.
#[test]
fn h_01_the_end_of_a_program_asks_the_processes_that_are_left() {
    for layout in ["1x1", "1x2", "2x1"] {
        let outcome = run("leftovers", layout);
        assert!(outcome.status.success(), "{}", outcome.story());
        assert!(outcome.stdout.lines().any(|line| line == "asked to shutdown"), "{}", outcome.story());
    }
}

#[holm::entry]
async fn waits_for_the_stop(mut me: Process<()>, ready: holm::Pid<()>) {
    me.trap_exits(true);
    ready.send(()).unwrap();
    if let holm::Event::Notice(holm::Notice::Exit { reason, .. }) = me.next().await
        && reason == Reason::Shutdown
    {
        println!("asked to shutdown");
    }
}

fn leftovers() {
    let end = holm::block_on(async |mut me: Process<()>| {
        let last = holm::schedulers() - 1;
        let (parent, options) = (me.pid(), holm::SpawnOptions::new().scheduler(last));
        me.spawn_entry(waits_for_the_stop, parent, options).await.unwrap();
        me.receive().await;
    });
    end.unwrap();
}

#[test]
fn h_02_a_spawn_that_races_with_a_stop_fails_or_ends() {
    for round in 0..60 {
        let runtime = start(1 + round % 3);
        let dropped = Arc::new(AtomicUsize::new(0));
        let go = AtomicBool::new(false);
        let spawned = thread::scope(|scope| {
            let spawners: Vec<_> = (0..2)
                .map(|_| {
                    let (handle, dropped, go) = (runtime.handle(), &dropped, &go);
                    scope.spawn(move || {
                        let mut spawned = Vec::new();
                        for _ in 0..100_000 {
                            let one = Counted(dropped.clone());
                            let body = async move |mut me: Process<()>| {
                                let _one = one;
                                idle(&mut me).await;
                            };
                            match handle.spawn(body) {
                                Ok(process) => spawned.push(process),
                                Err(error) => {
                                    assert!(error.to_string().contains("stopping"), "{error}");
                                    return spawned;
                                }
                            }
                            go.store(true, SeqCst);
                        }
                        panic!("the stop does not come");
                    })
                })
                .collect();
            while !go.load(SeqCst) {
                thread::yield_now();
            }
            runtime.stop(GRACE).unwrap();
            spawners.into_iter().flat_map(|spawner| spawner.join().unwrap()).collect::<Vec<_>>()
        });
        let count = spawned.len();
        for process in spawned {
            let reason = process.wait();
            assert!(reason == Reason::Shutdown || reason == Reason::Killed, "{reason}");
        }
        // A spawn that failed dropped its value, too: one for each spawner.
        assert_eq!(dropped.load(SeqCst), count + 2);
    }
}

#[test]
fn h_03_a_blocking_call_that_never_returns_is_named() {
    on_one_and_on_three(|runtime| {
        let (release, wait) = mpsc::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let process = runtime
            .spawn(async move |mut me: Process<()>| {
                me.register("reader of the tape").unwrap();
                let call = move || {
                    ready.send(()).unwrap();
                    let _ = wait.recv();
                };
                let _ = holm::spawn_blocking(call).unwrap().await;
            })
            .unwrap();
        let pid = process.pid();
        is_ready.recv_timeout(GRACE).unwrap();
        let began = Instant::now();
        let Err(StopError::StillRunning(still)) = runtime.stop(Duration::from_millis(100)) else {
            panic!("the call is not over")
        };
        assert!(began.elapsed() < Duration::from_millis(1100), "{:?}", began.elapsed());
        assert!(still.processes.is_empty() && still.calls.len() == 1, "{still}");
        assert_eq!(still.calls[0].pid, Some(pid.untyped()));
        assert!(still.calls[0].location.starts_with("runtime/tests/embedding.rs:"), "{still}");
        assert!(still.calls[0].running > Duration::from_millis(100));
        assert_eq!(process.wait(), Reason::Shutdown, "the process itself has ended");
        drop(release);
        runtime.stop(GRACE).expect("the call has returned");
    });
}

#[test]
fn h_03_a_turn_that_does_not_end_is_named() {
    on_one_and_on_three(|runtime| {
        let go_on = Arc::new(AtomicBool::new(true));
        let (ready, is_ready) = mpsc::channel();
        let turns = go_on.clone();
        let process = runtime
            .spawn(async move |mut me: Process<String>| {
                me.register("prime seeker").unwrap();
                ready.send(()).unwrap();
                while turns.load(SeqCst) {
                    thread::yield_now();
                }
            })
            .unwrap();
        let pid = process.pid();
        is_ready.recv_timeout(GRACE).unwrap();
        let Err(StopError::StillRunning(still)) = runtime.stop(Duration::from_millis(50)) else {
            panic!("the turn is not over")
        };
        let stuck = &still.processes[0];
        assert!(still.calls.is_empty() && still.processes.len() == 1, "{still}");
        assert_eq!((stuck.pid, stuck.name.as_deref()), (Some(pid.untyped()), Some("prime seeker")));
        assert!(stuck.messages.unwrap().contains("String"), "{still}");
        assert!(stuck.body.unwrap().contains("embedding::h_03_a_turn_that_does_not_end_is_named"), "{still}");
        go_on.store(false, SeqCst);
        runtime.stop(GRACE).expect("the turn is over");
        process.wait();
    });
}

#[test]
fn h_04_a_stop_from_inside_is_refused_and_can_be_begun() {
    on_one_and_on_three(|runtime| {
        let handle = runtime.handle();
        let reason = runtime
            .spawn(async move |mut me: Process<()>| {
                assert!(matches!(handle.stop(GRACE), Err(StopError::Inside)));
                let from_a_call = handle.clone();
                let refused = holm::spawn_blocking(move || matches!(from_a_call.stop(GRACE), Err(StopError::Inside)));
                assert!(refused.unwrap().await.unwrap());
                me.trap_exits(true);
                handle.begin_stop(GRACE);
                me.next().await;
                Reason::error("asked")
            })
            .unwrap()
            .wait();
        assert_eq!(reason, Reason::error("asked"));
        runtime.stop(GRACE).unwrap();
    });
}

#[test]
fn h_04_a_process_drops_its_own_runtime() {
    on_one_and_on_three(|runtime| {
        let handle = runtime.handle();
        let process = handle.spawn(async move |mut me: Process<()>| {
            drop(runtime);
            idle(&mut me).await;
        });
        assert_eq!(process.unwrap().wait(), Reason::Shutdown);
        handle.stop(GRACE).unwrap();
    });
}

#[test]
fn h_05_a_second_stop_returns_too() {
    on_one_and_on_three(|runtime| {
        let process = runtime.spawn(async |mut me: Process<()>| idle(&mut me).await).unwrap();
        thread::scope(|scope| {
            for _ in 0..4 {
                let handle = runtime.handle();
                scope.spawn(move || handle.stop(GRACE).unwrap());
            }
        });
        runtime.stop(GRACE).unwrap();
        assert_eq!(process.wait(), Reason::Shutdown);
    });
}

/// Threads, descriptors, maps and memory of this OS process, when threads that have done their work are gone.
fn usage(most_threads: usize) -> [usize; 4] {
    let count = |of: &str| fs::read_dir(format!("/proc/self/{of}")).unwrap().count();
    let until = Instant::now() + GRACE;
    while count("task") > most_threads && Instant::now() < until {
        thread::sleep(Duration::from_millis(1));
    }
    let maps = fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    [count("task"), count("fd"), maps, pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4]
}

/// Starts and stops runtimes with something in them, and prints what the host uses before and after.
fn cycles(count: usize) {
    let cycle = || {
        let runtime = start(2);
        let sum = runtime.block_on(async |mut me: Process<u64>| {
            let parent = me.pid();
            for number in 0..50 {
                me.spawn(async move |mut child: Process<()>| {
                    parent.send(number).unwrap();
                    child.receive().await;
                })
                .unwrap();
            }
            holm::spawn_blocking(|| ()).unwrap().await.unwrap();
            let mut sum = 0;
            for _ in 0..50 {
                sum += me.receive().await;
            }
            sum
        });
        assert_eq!(sum.unwrap(), 1225);
        runtime.stop(GRACE).unwrap();
    };
    (0..20).for_each(|_| cycle());
    let before = usage(2);
    (0..count).for_each(|_| cycle());
    println!("usage: {before:?} {:?}", usage(before[0]));
}

fn check_cycles(count: &str) {
    let program = Program::new("cycles", "1x1", "shm").variable("CYCLES", count);
    let outcome = program.variable("MALLOC_ARENA_MAX", "2").run_within(Duration::from_secs(600));
    let usage = outcome.stdout.lines().find_map(|line| line.strip_prefix("usage: "));
    let usage = usage.unwrap_or_else(|| panic!("{}", outcome.story()));
    let numbers: Vec<usize> = usage.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let (before, after) = numbers.split_at(4);
    assert_eq!(before[..2], after[..2], "threads, descriptors: {usage}");
    assert!(after[2] <= before[2] + 10, "maps: {usage}");
    assert!(after[3] <= before[3] + 3 * 1024, "memory in KiB: {usage}");
}

#[test]
fn h_06_starts_and_stops_leave_nothing() {
    check_cycles("100");
}

#[test]
#[ignore = "its long form, with the full count of the catalogue"]
fn h_06_a_thousand_starts_and_stops_leave_nothing() {
    check_cycles("1000");
}

#[test]
fn h_07_two_runtimes_know_nothing_of_each_other() {
    let (one, other) = (start(1), start(2));
    let named = |runtime: &Runtime| {
        let (ready, is_ready) = mpsc::channel();
        let process = runtime.spawn(async move |mut me: Process<u64>| {
            me.register("printer").unwrap();
            ready.send(()).unwrap();
            me.receive().await;
        });
        is_ready.recv_timeout(GRACE).unwrap();
        process.unwrap()
    };
    let (mine, theirs) = (named(&one), named(&other));
    assert_ne!(mine.pid(), theirs.pid());
    assert_ne!(mine.pid().node(), theirs.pid().node());
    let (my_pid, their_pid) = (mine.pid(), theirs.pid());
    let seen = one.block_on(async move |mut me: Process<()>| {
        their_pid.send(1).unwrap();
        holm::exit(their_pid, Reason::Kill);
        let monitor = me.monitor(their_pid);
        let down = me.down(monitor).await;
        (holm::whereis::<u64>("printer"), holm::is_alive(their_pid), down, holm::schedulers())
    });
    assert_eq!(seen.unwrap(), (Some(my_pid), false, Reason::NoConnection, 1));
    one.stop(GRACE).unwrap();
    assert_eq!(mine.wait(), Reason::Shutdown);
    assert_eq!(theirs.reason(), None, "it lives on");
    other.block_on(async move |_: Process<()>| their_pid.send(1).unwrap()).unwrap();
    assert_eq!(theirs.wait(), Reason::Normal);
    other.stop(GRACE).unwrap();
}

/// A process awaits a future that another thread wakes, this many times; each wake is seen.
fn wakes_from_a_foreign_thread(schedulers: u32, count: usize) {
    let runtime = start(schedulers);
    let (hand_over, wakers) = mpsc::channel::<Waker>();
    let woken = Arc::new(AtomicUsize::new(0));
    let waking = woken.clone();
    let foreign = thread::spawn(move || {
        for waker in wakers {
            waking.fetch_add(1, SeqCst);
            waker.wake();
        }
    });
    let seen = woken.clone();
    let process = runtime.spawn(async move |_: Process<()>| {
        for round in 0..count {
            let mut asked = false;
            poll_fn(|context| {
                if !std::mem::replace(&mut asked, true) {
                    hand_over.send(context.waker().clone()).unwrap();
                }
                if seen.load(SeqCst) > round { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    });
    assert_eq!(process.unwrap().wait(), Reason::Normal);
    foreign.join().unwrap();
    assert_eq!(woken.load(SeqCst), count);
}

#[test]
fn h_08_no_wake_from_a_foreign_thread_is_lost() {
    [1, 3].into_iter().for_each(|schedulers| wakes_from_a_foreign_thread(schedulers, 20_000));
}

#[test]
#[ignore = "its long form, with the full count of the catalogue"]
fn h_08_no_wake_of_a_million_is_lost() {
    [1, 3].into_iter().for_each(|schedulers| wakes_from_a_foreign_thread(schedulers, 1_000_000));
}

#[test]
fn h_09_a_waker_that_was_kept_wakes_nobody() {
    on_one_and_on_three(|runtime| {
        let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let keep = kept.clone();
        let keeps = runtime.spawn(async move |_: Process<()>| {
            poll_fn(|context| {
                keep.lock().unwrap().push(context.waker().clone());
                Poll::Ready(())
            })
            .await;
        });
        assert_eq!(keeps.unwrap().wait(), Reason::Normal);
        let wake = || kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
        wake();
        let next = runtime.block_on(async |_: Process<()>| {
            holm::yield_now().await;
            7
        });
        assert_eq!(next.unwrap(), 7, "whoever has its slot now is not disturbed");
        runtime.stop(GRACE).unwrap();
        wake();
        drop(runtime);
        wake();
    });
}

#[test]
fn h_10_a_host_that_panics_drops_its_runtime() {
    on_one_and_on_three(|runtime| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let one = Counted(dropped.clone());
        let end: Arc<Mutex<Option<ProcessHandle<()>>>> = Arc::default();
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let body = async move |mut me: Process<()>| {
                let _one = one;
                idle(&mut me).await;
            };
            *end.lock().unwrap() = Some(runtime.spawn(body).unwrap());
            let _dropped_in_the_panic = runtime;
            panic!("the host has had enough");
        }));
        assert!(panicked.is_err());
        assert_eq!(dropped.load(SeqCst), 1);
        assert_eq!(end.lock().unwrap().take().unwrap().wait(), Reason::Shutdown);
    });
}

/// Serves until it is asked to stop, and says that its destructors ran.
fn serve() {
    struct Says;
    impl Drop for Says {
        fn drop(&mut self) {
            println!("a destructor ran");
        }
    }
    let ended = holm::block_on(async |mut me: Process<()>| {
        let _says = Says;
        let is_deaf = std::env::var_os("DEAF").is_some();
        me.trap_exits(is_deaf);
        println!("serving");
        loop {
            me.next().await;
            println!("asked");
        }
    });
    std::process::exit(ended.map_or_else(|error| error.exit_code().into(), |()| 0));
}

/// What is in shared memory's file system, where a segment with a name would be.
fn named_segments() -> usize {
    fs::read_dir("/dev/shm").map_or(0, |entries| {
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().contains("holm")).count()
    })
}

#[test]
fn h_11_sigterm_stops_in_order_and_leaves_nothing() {
    let before = named_segments();
    for (layout, transport) in [("1x2", "shm"), ("2x1", "shm"), ("2x1", "tcp")] {
        let mut program = Program::new("serve", layout, transport).start();
        program.line("serving");
        program.signal(Signal::TERM);
        let outcome = program.finish();
        assert_eq!(outcome.status.code(), Some(143), "{}", outcome.story());
        assert!(outcome.stdout.contains("a destructor ran"), "{}", outcome.story());
        assert_eq!(named_segments(), before);
    }
}

/// The user pressed stop in a process manager, which signals the whole group, and saw "node 1 ended with status 0".
#[test]
fn h_11_sigterm_to_the_whole_group_is_one_stop() {
    for _ in 0..5 {
        let mut program = Program::new("serve", "3x1", "shm").in_a_group_of_its_own().start();
        program.line("serving");
        kill_process_group(program.pid(), Signal::TERM).unwrap();
        let outcome = program.finish();
        assert_eq!(outcome.status.code(), Some(143), "{}", outcome.story());
        assert!(!outcome.stderr.contains("ended with status"), "{}", outcome.story());
    }
}

#[test]
fn h_11_sigint_twice_ends_at_once() {
    let mut program = Program::new("serve", "1x1", "shm").variable("DEAF", "1").start();
    program.line("serving");
    program.signal(Signal::INT);
    program.line("asked");
    let began = Instant::now();
    program.signal(Signal::INT);
    let outcome = program.finish();
    assert_eq!(outcome.status.code(), Some(130), "{}", outcome.story());
    assert!(began.elapsed() < Duration::from_secs(4), "it did not wait for the grace");
}

/// In each node: what a program that is started there holds.
#[holm::entry]
async fn look_at_descriptors(_: Process<()>, to: holm::Pid<Vec<String>>) {
    let ls = holm::spawn_blocking(|| Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap());
    let output = ls.unwrap().await.unwrap();
    let lines = String::from_utf8_lossy(&output.stdout).lines().map(String::from).collect();
    to.send(lines).unwrap();
}

fn descriptors() {
    let end = holm::block_on(async |mut me: Process<Vec<String>>| {
        for scheduler in 0..holm::schedulers() {
            let options = holm::SpawnOptions::new().scheduler(scheduler);
            me.spawn_entry(look_at_descriptors, me.pid(), options).await.unwrap();
            for line in me.receive().await.iter().filter(|line| line.contains(" -> ")) {
                println!("holds: {}", line.split_whitespace().rev().nth(2).unwrap());
            }
        }
    });
    end.unwrap();
}

#[test]
fn h_12_a_child_of_the_host_holds_nothing_of_the_runtime() {
    let own = Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let own = String::from_utf8_lossy(&own.stdout).lines().filter(|line| line.contains(" -> ")).count();
    for (layout, nodes) in [("1x2", 2), ("2x1", 2)] {
        let outcome = run("descriptors", layout);
        // Those that a child of this test holds: its own three, the one with which `ls` reads, and what the test was given.
        let held = outcome.stdout.lines().filter(|line| line.starts_with("holds: ")).count();
        assert_eq!(held, own * nodes, "{}", outcome.story());
    }
}

/// What a program under supervision with a million processes needs of a stop. Run it in a release build.
#[test]
#[ignore = "it takes seconds and a gigabyte"]
fn a_million_processes_stop_well_within_the_grace() {
    for schedulers in [1, 2] {
        let runtime = start(schedulers);
        let spawning = Instant::now();
        let (ready, is_ready) = mpsc::channel();
        let parent = runtime.spawn(async move |mut me: Process<()>| {
            for _ in 0..1_000_000 {
                me.spawn(async |mut me: Process<()>| idle(&mut me).await).unwrap();
            }
            ready.send(()).unwrap();
            idle(&mut me).await;
        });
        is_ready.recv().unwrap();
        let spawned = spawning.elapsed();
        let stopping = Instant::now();
        runtime.stop(GRACE).unwrap();
        println!("{schedulers} schedulers: spawned in {spawned:?}, stopped in {:?}", stopping.elapsed());
        assert_eq!(parent.unwrap().wait(), Reason::Shutdown);
        assert!(stopping.elapsed() < GRACE / 2);
    }
}

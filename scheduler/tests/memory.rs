//! What tasks leave behind when they have ended: no memory, and no name that comes back.

use holm_scheduler::{Config, JoinHandle, Scheduler, TaskId, current, spawn, trim, yield_now};
use std::{
    collections::HashSet,
    fs,
    future::poll_fn,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

const MIB: usize = 1 << 20;

fn start(schedulers: usize) -> Scheduler {
    Scheduler::start(Config { cpus: vec![None; schedulers], ..Config::default() }).unwrap()
}

/// Memory of this OS process that is really there, in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Waits until the memory is no more than this; how much it is.
fn resident_falls_to(most: usize) -> usize {
    let until = Instant::now() + Duration::from_secs(20);
    while resident() > most && Instant::now() < until {
        trim(); // the heap; slots need nothing
        thread::sleep(Duration::from_millis(5));
    }
    resident()
}

/// Runs a test of this binary again, in an OS process of its own, whose allocator does not keep more and more after
/// large values were freed (see `trim`). True in that process.
fn is_alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    let output = again
        .args([test, "--exact", "--nocapture"])
        .env("ALONE", "1")
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    false
}

/// As many tasks as asked for, all alive at once, which end when the switch is on; each says its name and its waker.
async fn crowd(count: usize, end: Arc<AtomicBool>) -> (Vec<(TaskId, Waker)>, Vec<JoinHandle<()>>) {
    let (tell, told) = std::sync::mpsc::channel();
    let mut tasks = Vec::with_capacity(count);
    for _ in 0..count {
        let (mut tell, end) = (Some(tell.clone()), end.clone());
        let wait = poll_fn(move |context| {
            if end.load(SeqCst) {
                return Poll::Ready(());
            }
            if let Some(tell) = tell.take() {
                tell.send((current().unwrap().1, context.waker().clone())).unwrap();
            }
            Poll::Pending
        });
        tasks.push(spawn(wait).unwrap());
    }
    drop(tell);
    let mut names = Vec::with_capacity(count);
    while names.len() < count {
        match told.try_recv() {
            Ok(name) => names.push(name),
            Err(_) => yield_now().await,
        }
    }
    (names, tasks)
}

#[test]
fn the_memory_of_a_million_tasks_comes_back() {
    if !is_alone("the_memory_of_a_million_tasks_comes_back") {
        return;
    }
    for schedulers in [1, 3] {
        let pool = start(schedulers);
        let run = |count: usize| {
            let end = Arc::new(AtomicBool::new(false));
            pool.block_on(async move {
                let (names, tasks) = crowd(count, end.clone()).await;
                let high = resident();
                end.store(true, SeqCst);
                names.into_iter().for_each(|(_, waker)| waker.wake());
                for task in tasks {
                    task.await.unwrap();
                }
                high
            })
        };
        run(100_000).unwrap();
        trim();
        let before = resident();
        let high = run(1_000_000).unwrap();
        assert!(high > before + 200 * MIB, "a million tasks need their slots: {} MiB", high / MIB);
        let after = resident_falls_to(before + 8 * MIB);
        println!("{schedulers}: {} MiB, with the crowd {}, after it {}", before / MIB, high / MIB, after / MIB);
        assert!(after <= before + 8 * MIB, "{} MiB before, {} MiB after", before / MIB, after / MIB);
    }
}

/// P-10 where the pages of slots were given back: their next tasks have other names, and old wakers wake nobody.
#[test]
fn no_name_comes_back_with_the_memory() {
    if !is_alone("no_name_comes_back_with_the_memory") {
        return;
    }
    for schedulers in [1, 2] {
        let pool = start(schedulers);
        let mut seen = HashSet::new();
        let mut wakers = Vec::new();
        for _ in 0..4 {
            let end = Arc::new(AtomicBool::new(false));
            let names = pool.block_on(async move {
                let (names, tasks) = crowd(60_000, end.clone()).await;
                end.store(true, SeqCst);
                names.iter().for_each(|(_, waker)| waker.wake_by_ref());
                for task in tasks {
                    task.await.unwrap();
                }
                names
            });
            for (name, waker) in names.unwrap() {
                assert!(seen.insert(name), "{name:?} was the name of two tasks");
                wakers.push(waker);
            }
            wakers.iter().for_each(Waker::wake_by_ref);
        }
        drop(pool);
        wakers.iter().for_each(Waker::wake_by_ref);
    }
}

/// Old wakers are woken while pages are dropped and used again: each task runs to its end all the same.
#[test]
fn wakers_of_the_past_meet_slots_that_come_and_go() {
    let pool = start(2);
    let stop = Arc::new(AtomicBool::new(false));
    let (tell, told) = std::sync::mpsc::channel::<Vec<Waker>>();
    let disturber = thread::spawn({
        let stop = stop.clone();
        move || {
            let mut wakers = Vec::new();
            while !stop.load(SeqCst) {
                wakers.extend(told.try_iter().flatten());
                wakers.iter().for_each(Waker::wake_by_ref);
            }
        }
    });
    let ended = Arc::new(AtomicUsize::new(0));
    for _ in 0..5 {
        let (tell, ended) = (tell.clone(), ended.clone());
        let end = Arc::new(AtomicBool::new(false));
        pool.block_on(async move {
            let (names, tasks) = crowd(30_000, end.clone()).await;
            end.store(true, SeqCst);
            names.iter().for_each(|(_, waker)| waker.wake_by_ref());
            for task in tasks {
                task.await.unwrap();
                ended.fetch_add(1, SeqCst);
            }
            tell.send(names.into_iter().map(|(_, waker)| waker).collect()).unwrap();
        })
        .unwrap();
    }
    stop.store(true, SeqCst);
    disturber.join().unwrap();
    assert_eq!(ended.load(SeqCst), 150_000);
}

//! Many runtimes in one OS process, one after another and side by side: what unit tests and doc tests do (H-06).
//! It has one test, because it counts threads and descriptors of its own OS process.

use holm::{Process, Reason, layout::Options};
use std::{fs, thread, time::Duration};

fn options() -> Options {
    Options { layout: Some("1x2".parse().unwrap()), oversubscribe: true, ..Options::default() }
}

/// Sends something there and back.
fn run_once() {
    holm::block_on_with(&options(), async |mut me: Process<u64>| {
        let parent = me.pid();
        let (child, monitor) = me
            .spawn_monitor(async move |mut me: Process<u64>| {
                let number = me.receive().await;
                holm::spawn_blocking(|| ()).unwrap().await.unwrap();
                parent.send(number + 1).unwrap();
            })
            .unwrap();
        child.send(1).unwrap();
        assert_eq!(me.receive().await, 2);
        assert_eq!(me.down(monitor).await, Reason::Normal);
    })
    .unwrap();
}

fn count(of: &str) -> usize {
    fs::read_dir(format!("/proc/self/{of}")).unwrap().count()
}

/// The user saw: each `block_on` left a thread and four descriptors behind.
#[test]
fn runtimes_one_after_another_and_side_by_side_leave_nothing() {
    run_once(); // what is made once and stays
    let before = (count("task"), count("fd"));
    for _ in 0..50 {
        run_once();
    }
    assert_back_to(before);
    for _ in 0..5 {
        let threads: Vec<_> = (0..6).map(|_| thread::spawn(run_once)).collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    assert_back_to(before);
}

/// A thread that has done its work may still be listed for a moment, now or when it was counted before.
fn assert_back_to(before: (usize, usize)) {
    for _ in 0..1000 {
        if count("task") <= before.0 && count("fd") <= before.1 {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("threads and descriptors: {:?}, {before:?} before", (count("task"), count("fd")));
}

/// The closure that makes the program's future runs on the caller's thread: its panic is the caller's, and nothing is
/// waited for.
#[test]
fn a_program_that_panics_before_it_has_a_future_panics_in_its_caller() {
    let start = || holm::block_on(|_: holm::Process<()>| -> std::future::Ready<()> { panic!("too early") });
    let payload = std::panic::catch_unwind(start).unwrap_err();
    assert_eq!(holm::panic_text(&*payload), "too early");
}

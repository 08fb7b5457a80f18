//! What a scheduler promises of plain tasks.

use holm_scheduler::{Config, JoinError, Scheduler, scheduler, sleep, spawn, spawn_blocking, spawn_on, yield_now};
use std::{
    collections::HashSet,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::{Poll, Waker},
    thread,
    time::{Duration, Instant},
};

fn start(schedulers: usize) -> Scheduler {
    Scheduler::start(Config { cpus: vec![None; schedulers], ..Config::default() }).unwrap()
}

fn on_one_and_on_three(test: impl Fn(Scheduler)) {
    [1, 3].into_iter().for_each(|schedulers| test(start(schedulers)));
}

#[test]
fn a_hundred_thousand_tasks_each_run_once() {
    on_one_and_on_three(|scheduler| {
        let sum = scheduler.block_on(async {
            let tasks: Vec<_> = (0..100_000u64).map(|n| spawn(async move { n }).unwrap()).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(sum.unwrap(), 100_000 * 99_999 / 2);
    });
}

#[test]
fn a_large_future_is_boxed_and_runs_like_a_small_one() {
    on_one_and_on_three(|scheduler| {
        let large = [7u8; 10_000];
        let got = scheduler.block_on(async move {
            yield_now().await;
            large.iter().map(|&byte| u64::from(byte)).sum::<u64>()
        });
        assert_eq!(got.unwrap(), 70_000);
    });
}

#[test]
fn a_panic_stays_with_its_task() {
    on_one_and_on_three(|scheduler| {
        let after = scheduler.block_on(async {
            let bad = spawn(async {
                if true {
                    panic!("what the user said")
                }
            })
            .unwrap();
            let Err(JoinError::Panicked(payload)) = bad.await else { panic!("no panic arrived") };
            assert_eq!(payload.downcast_ref::<&str>(), Some(&"what the user said"));
            spawn(async { 5 }).unwrap().await.unwrap()
        });
        assert_eq!(after.unwrap(), 5);
    });
}

#[test]
fn a_pinned_task_never_leaves_its_scheduler() {
    let pool = start(3);
    let homes = pool.block_on(async {
        let (pool, _) = holm_scheduler::here().unwrap();
        let mut tasks = Vec::new();
        for pin in 0..3 {
            for _ in 0..20 {
                let task = spawn_on(&pool, Some(pin), async move {
                    let mut seen = HashSet::new();
                    for _ in 0..200 {
                        seen.insert(scheduler().unwrap());
                        yield_now().await;
                    }
                    (pin, seen)
                });
                tasks.push(task.unwrap());
            }
        }
        let mut homes = Vec::new();
        for task in tasks {
            homes.push(task.await.unwrap());
        }
        homes
    });
    for (pin, seen) in homes.unwrap() {
        assert_eq!(seen, HashSet::from([pin]));
    }
}

#[test]
fn a_pin_to_a_scheduler_that_is_not_there_is_refused() {
    let pool = start(2);
    let error = spawn_on(pool.pool(), Some(2), async {}).unwrap_err();
    assert_eq!(error.to_string(), "there is no scheduler 2: this pool has 2, counted from 0");
}

#[test]
fn idle_schedulers_take_over_the_tasks_of_a_busy_one() {
    let pool = start(2);
    let (tell, told) = mpsc::channel();
    pool.block_on(async move {
        // The parent never lets go; its children must run elsewhere.
        let busy = scheduler().unwrap();
        for _ in 0..10 {
            let tell = tell.clone();
            spawn(async move { tell.send(scheduler().unwrap()).unwrap() }).unwrap();
        }
        for _ in 0..10 {
            let ran_on = told.recv_timeout(Duration::from_secs(10)).expect("a child waits behind its busy parent");
            assert_ne!(ran_on, busy);
        }
    })
    .unwrap();
}

/// The shared queue was once emptied into a full ring under its own lock, which the overflow then asked for.
#[test]
fn thousands_of_tasks_that_yield_do_not_stop_their_schedulers() {
    for schedulers in [1, 2, 3] {
        let pool = start(schedulers);
        let turns = pool.block_on(async {
            let busy = || async {
                for _ in 0..20 {
                    yield_now().await;
                }
                20
            };
            let tasks: Vec<_> = (0..5_000).map(|_| spawn(busy()).unwrap()).collect();
            let mut turns = 0;
            for task in tasks {
                turns += task.await.unwrap();
            }
            turns
        });
        assert_eq!(turns.unwrap(), 100_000);
    }
}

#[test]
fn a_sleep_never_ends_early_and_sleeps_end_in_order() {
    on_one_and_on_three(|scheduler| {
        let order = scheduler.block_on(async {
            let (tell, told) = mpsc::channel();
            let tasks: Vec<_> = [40, 5, 80, 1, 20]
                .into_iter()
                .map(|ms| {
                    let tell = tell.clone();
                    spawn(async move {
                        let (asked, start) = (Duration::from_millis(ms), Instant::now());
                        sleep(asked).await;
                        assert!(start.elapsed() >= asked, "{ms} ms ended early");
                        tell.send(ms).unwrap();
                    })
                    .unwrap()
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            told.try_iter().collect::<Vec<_>>()
        });
        assert_eq!(order.unwrap(), [1, 5, 20, 40, 80]);
    });
}

#[test]
fn a_cancelled_task_drops_its_future_and_says_so() {
    on_one_and_on_three(|scheduler| {
        let dropped = Arc::new(AtomicUsize::new(0));
        struct Count(Arc<AtomicUsize>);
        impl Drop for Count {
            fn drop(&mut self) {
                self.0.fetch_add(1, SeqCst);
            }
        }
        let guard = Count(dropped.clone());
        scheduler
            .block_on(async move {
                let task = spawn(async move {
                    let _guard = guard;
                    sleep(Duration::from_secs(3600)).await;
                })
                .unwrap();
                yield_now().await;
                task.cancel();
                assert!(matches!(task.await, Err(JoinError::Cancelled)));
            })
            .unwrap();
        assert_eq!(dropped.load(SeqCst), 1);
    });
}

#[test]
fn wakes_from_foreign_threads_are_never_lost() {
    on_one_and_on_three(|scheduler| {
        let (send, receive) = mpsc::channel::<Waker>();
        let waking = thread::spawn(move || receive.into_iter().for_each(|waker| waker.wake()));
        let rounds = scheduler.block_on(async move {
            for _ in 0..20_000 {
                let mut asked = false;
                poll_fn(|context| {
                    if std::mem::replace(&mut asked, true) {
                        return Poll::Ready(());
                    }
                    send.send(context.waker().clone()).unwrap();
                    Poll::Pending
                })
                .await;
            }
        });
        rounds.unwrap();
        waking.join().unwrap();
    });
}

#[test]
fn a_waker_that_outlives_its_task_and_its_runtime_is_harmless() {
    on_one_and_on_three(|scheduler| {
        let waker = scheduler.block_on(poll_fn(|context| Poll::Ready(context.waker().clone()))).unwrap();
        waker.wake_by_ref();
        drop(scheduler);
        waker.wake();
    });
}

#[test]
fn a_blocking_call_blocks_no_scheduler() {
    on_one_and_on_three(|scheduler| {
        let got = scheduler.block_on(async {
            let (release, wait) = mpsc::channel();
            let blocked = spawn_blocking(move || wait.recv().unwrap()).unwrap();
            spawn(async move { release.send(9).unwrap() }).unwrap().await.unwrap();
            blocked.await.unwrap()
        });
        assert_eq!(got.unwrap(), 9);
    });
}

#[test]
fn stop_drops_every_task_and_resolves_every_handle() {
    on_one_and_on_three(|mut pool| {
        let handles: Vec<_> = (0..1000)
            .map(|n| {
                let future = async move {
                    sleep(Duration::from_secs(3600 + n)).await;
                };
                spawn_on(pool.pool(), None, future).unwrap()
            })
            .collect();
        assert!(pool.stop(Duration::from_secs(5)).is_empty());
        for handle in handles {
            assert!(matches!(handle.wait(), Err(JoinError::Cancelled)));
        }
    });
}

#[test]
fn a_hundred_starts_and_stops_leave_no_thread_and_no_descriptor() {
    let count = |what: &str| std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
    // Other tests of this binary start and stop too: compare in a process of our own.
    if std::env::var_os("HOLM_TEST_ALONE").is_none() {
        let me = std::env::current_exe().unwrap();
        let name = "a_hundred_starts_and_stops_leave_no_thread_and_no_descriptor";
        let status = std::process::Command::new(me).args(["--exact", name]).env("HOLM_TEST_ALONE", "1").status();
        return assert!(status.unwrap().success());
    }
    drop(start(2));
    let (threads, descriptors) = (count("task"), count("fd"));
    for _ in 0..100 {
        let pool = start(2);
        pool.block_on(async { spawn(async {}).unwrap().await.unwrap() }).unwrap();
    }
    assert_eq!((count("task"), count("fd")), (threads, descriptors));
}

#[test]
fn the_limit_of_tasks_is_an_error_and_ends_with_a_task() {
    let pool = Scheduler::start(Config { tasks_max: 64, ..Config::default() }).unwrap();
    pool.block_on(async {
        let mut tasks = Vec::new();
        let refused = loop {
            match spawn(sleep(Duration::from_secs(3600))) {
                Ok(task) => tasks.push(task),
                Err(error) => break error,
            }
            assert!(tasks.len() <= 64);
        };
        assert_eq!(refused.to_string(), "the limit of 64 tasks is reached");
        let ended = tasks.pop().unwrap();
        ended.cancel();
        let _ = ended.await;
        spawn(async {}).expect("there is room again").await.unwrap();
    })
    .unwrap();
}

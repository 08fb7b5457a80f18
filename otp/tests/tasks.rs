//! What tasks promise.

use holm::{Event, Message, Notice, Process, Reason, block_on_with, is_alive, layout::Options, sleep, yield_now};
use holm_otp::task::{StreamOptions, Supervisor, Task, TaskError, spawn, spawn_nolink, stream};
use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(10);

fn with_owner<Fut>(program: impl FnOnce(Process<()>) -> Fut + Send + 'static)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let options = Options { layout: Some("1x2".parse().unwrap()), oversubscribe: true, ..Options::default() };
    block_on_with(&options, program).unwrap();
}

async fn expect_silence<M: Message + std::fmt::Debug>(me: &mut Process<M>) {
    let event = me.next_within(SHORT).await;
    assert!(event.is_none(), "nothing was to come, but {event:?} did");
}

fn panicked<T>(end: Result<T, TaskError>, with: &str) -> bool {
    matches!(end, Err(TaskError::Ended(Reason::Panic(panic))) if panic.message == with)
}

#[test]
fn a_task_gives_its_value_and_leaves_nothing_in_the_mailbox() {
    with_owner(async |mut me| {
        let tasks: Vec<Task<usize>> = (0..50).map(|n| spawn(&mut me, async move { n }).unwrap()).collect();
        for (n, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.await_within(&mut me, LONG).await, Ok(n));
        }
        expect_silence(&mut me).await;
    });
}

#[test]
fn a_linked_task_that_panics_takes_its_owner_with_it_and_one_that_is_not_linked_is_a_value() {
    with_owner(async |mut me| {
        let (_, monitor) = me
            .spawn_monitor(async |mut me: Process<()>| {
                spawn(&mut me, async { panic!("in a task") }).unwrap().join(&mut me).await.unwrap_or(())
            })
            .unwrap();
        assert!(matches!(me.down(monitor).await, Reason::Panic(panic) if panic.message == "in a task"));
        let task = spawn_nolink(&mut me, async { panic!("in a task") }).unwrap();
        assert!(panicked::<()>(task.join(&mut me).await, "in a task"));
        expect_silence(&mut me).await;
    });
}

#[test]
fn tasks_end_with_their_owner() {
    with_owner(async |mut me| {
        for linked in [true, false] {
            let (tell, told) = std::sync::mpsc::channel();
            let owner = async move |mut me: Process<()>| {
                let task = match linked {
                    true => spawn(&mut me, pending::<()>()),
                    false => spawn_nolink(&mut me, pending::<()>()),
                };
                tell.send(task.unwrap().pid()).unwrap();
                Reason::error("the owner has had enough")
            };
            let (_, monitor) = me.spawn_monitor(owner).unwrap();
            me.down(monitor).await;
            let task = me.monitor(told.recv().unwrap());
            me.down(task).await;
        }
    });
}

#[test]
fn a_task_that_is_late_is_killed_and_one_that_is_yielded_to_runs_on() {
    with_owner(async |mut me| {
        let task = spawn(&mut me, pending::<()>()).unwrap();
        let pid = task.pid();
        assert_eq!(task.await_within(&mut me, SHORT).await, Err(TaskError::Timeout));
        assert!(!is_alive(pid));
        let mut task = spawn(&mut me, async { sleep(5 * SHORT).await }).unwrap();
        assert_eq!(task.yield_within(&mut me, Duration::ZERO).await, None);
        assert_eq!(task.yield_within(&mut me, LONG).await, Some(Ok(())));
        expect_silence(&mut me).await;
    });
}

/// Ends in its own time when it is told to.
async fn stubborn() {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(SHORT);
        }
    }
    let _slow = Slow;
    pending::<()>().await;
}

#[test]
fn a_shutdown_ends_a_task_or_finds_its_value_and_is_no_signal() {
    with_owner(async |mut me| {
        let ended = spawn(&mut me, async { 7 }).unwrap();
        while is_alive(ended.pid()) {
            yield_now().await;
        }
        assert_eq!(ended.shutdown(&mut me, LONG).await, Ok(7));
        let runs = spawn(&mut me, stubborn()).unwrap();
        assert_eq!(runs.shutdown(&mut me, LONG).await, Err(TaskError::Ended(Reason::Shutdown)));
        let runs = spawn(&mut me, stubborn()).unwrap();
        assert_eq!(runs.shutdown(&mut me, Duration::ZERO).await, Err(TaskError::Ended(Reason::Killed)));
        spawn_nolink(&mut me, async { panic!("nobody minds") }).unwrap().ignore(&mut me);
        expect_silence(&mut me).await;
    });
}

#[test]
fn an_owner_may_leave_the_waiting_to_its_loop() {
    with_owner(async |mut me| {
        let task = spawn(&mut me, async { 7 }).unwrap();
        match me.next().await {
            Event::Notice(Notice::Down { monitor, reason, .. }) if monitor == task.monitor() => {
                assert_eq!(task.ended(reason), Ok(7));
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn only_its_owner_waits_for_a_task() {
    with_owner(async |mut me| {
        let task = spawn(&mut me, async { 7 }).unwrap();
        let (_, monitor) = me.spawn_monitor(async |mut me: Process<()>| drop(task.join(&mut me).await)).unwrap();
        let reason = me.down(monitor).await;
        assert!(matches!(&reason, Reason::Panic(panic) if panic.message.contains("did not start it")), "{reason}");
    });
}

#[test]
fn a_stream_keeps_the_order_and_never_runs_more_than_it_may() {
    with_owner(async |mut me| {
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (inside, high) = (running.clone(), most.clone());
        let mut values = stream(0..40u64, StreamOptions::new().concurrency(4), move |n| {
            let (running, most) = (inside.clone(), high.clone());
            async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                sleep(Duration::from_millis((40 - n) % 5)).await;
                running.fetch_sub(1, SeqCst);
                n
            }
        });
        for n in 0..40 {
            assert_eq!(values.next(&mut me).await, Some(Ok(n)));
        }
        assert_eq!((values.next(&mut me).await, running.load(SeqCst)), (None, 0));
        assert!((2..=4).contains(&most.load(SeqCst)), "{most:?} ran at once");
        expect_silence(&mut me).await;
    });
}

#[test]
fn an_unordered_stream_gives_what_is_ready_first() {
    with_owner(async |mut me| {
        let gate = Arc::new(Mutex::new(true));
        let closed = gate.clone();
        let mut values = stream(0..10, StreamOptions::new().concurrency(3).unordered(), move |n| {
            let gate = closed.clone();
            async move {
                while n == 0 && *gate.lock().unwrap() {
                    yield_now().await;
                }
                n
            }
        });
        let mut others = Vec::new();
        for _ in 1..10 {
            others.push(values.next(&mut me).await.unwrap().unwrap());
        }
        others.sort_unstable();
        assert_eq!(others, (1..10).collect::<Vec<_>>(), "the first holds nobody up");
        *gate.lock().unwrap() = false;
        assert_eq!(values.next(&mut me).await, Some(Ok(0)));
        assert_eq!(values.next(&mut me).await, None);
    });
}

#[test]
fn in_a_stream_panics_and_time_outs_are_values_in_their_place() {
    with_owner(async |mut me| {
        let options = StreamOptions::new().concurrency(2).limit(5 * SHORT);
        let mut values = stream(0..6, options, async |n| match n {
            1 => panic!("one"),
            3 => pending().await,
            n => n,
        });
        let mut ends = Vec::new();
        while let Some(end) = values.next(&mut me).await {
            ends.push(end);
        }
        assert_eq!(ends.len(), 6);
        assert!(panicked(ends.remove(1), "one"));
        assert_eq!(ends, [Ok(0), Ok(2), Err(TaskError::Timeout), Ok(4), Ok(5)]);
        expect_silence(&mut me).await;
    });
}

#[test]
fn a_stream_that_is_closed_leaves_no_task_and_no_word() {
    with_owner(async |mut me| {
        let pids = Arc::new(Mutex::new(Vec::new()));
        let inside = pids.clone();
        let mut values = stream(0.., StreamOptions::new().concurrency(3), move |n| {
            let pids = inside.clone();
            async move {
                pids.lock().unwrap().push(n);
                if n > 0 {
                    pending::<()>().await;
                }
            }
        });
        assert_eq!(values.next(&mut me).await, Some(Ok(())));
        assert!(pids.lock().unwrap().len() <= 4, "it starts no more than it was asked for");
        values.close(&mut me);
        expect_silence(&mut me).await;
    });
}

#[test]
fn supervised_tasks_outlive_their_owner_and_end_with_their_supervisor() {
    with_owner(async |mut me| {
        me.trap_exits(true);
        let supervisor = Supervisor::start_link(&mut me).await.unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let owner = async move |mut me: Process<()>| {
            tell.send(supervisor.spawn(&mut me, pending::<()>()).await.unwrap().pid()).unwrap();
        };
        let (_, monitor) = me.spawn_monitor(owner).unwrap();
        me.down(monitor).await;
        let orphan = told.recv().unwrap();
        let task = supervisor.spawn(&mut me, async { panic!("as a value") }).await.unwrap();
        assert!(panicked::<()>(task.join(&mut me).await, "as a value"));
        assert!(is_alive(orphan));
        assert_eq!(supervisor.tasks(&mut me).await, Ok(vec![orphan]));
        let task = supervisor.spawn(&mut me, stubborn()).await.unwrap();
        holm::exit(supervisor.pid(), Reason::Shutdown);
        assert_eq!(task.join(&mut me).await, Err(TaskError::Ended(Reason::Shutdown)));
        let from = supervisor.pid();
        assert_eq!(me.next().await, Event::Notice(Notice::Exit { from, reason: Reason::Shutdown }));
        assert!(!is_alive(orphan), "it waited for all");
        assert!(matches!(supervisor.spawn(&mut me, async {}).await, Err(TaskError::Supervisor(_))));
    });
}

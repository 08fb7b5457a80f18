//! How a process starts under another, seen from the starter.

use holm::{Event, Message, Notice, Process, Reason, block_on, whereis_untyped};
use holm_otp::proc_lib::{StartError, StartOptions, Starting, catch, start, start_link};
use std::{future::pending, time::Duration};

/// A starter that traps exits, so that one which should not come would be seen.
fn with_starter<Fut>(program: impl FnOnce(Process<u32>) -> Fut + Send + 'static)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    block_on(async move |mut me: Process<u32>| {
        me.trap_exits(true);
        program(me).await;
    })
    .unwrap();
}

async fn expect_silence<M: Message + std::fmt::Debug>(me: &mut Process<M>) {
    let event = me.next_within(Duration::from_millis(20)).await;
    assert!(event.is_none(), "nothing was to come, but {event:?} did");
}

fn named() -> StartOptions {
    StartOptions::new().name("starts")
}

#[test]
fn the_starter_goes_on_when_the_process_is_ready_and_is_linked() {
    with_starter(async |mut me| {
        let parent = me.pid();
        let child = start_link(&mut me, named(), async move |_: Process<()>, starting: Starting| {
            assert_eq!((starting.starter(), starting.is_linked()), (parent.untyped(), true));
            parent.send(1).unwrap();
            starting.ready();
            pending::<()>().await;
        });
        let child = child.await.unwrap();
        assert_eq!(me.receive_within(Duration::ZERO).await, Some(1), "what came before it was ready is there");
        holm::exit(child, Reason::Shutdown);
        assert_eq!(me.next().await, Event::Notice(Notice::Exit { from: child.untyped(), reason: Reason::Shutdown }));
        expect_silence(&mut me).await;
    });
}

#[test]
fn a_start_that_fails_is_a_value_and_no_signal_and_leaves_no_name() {
    async fn fail(mut me: Process<()>, starting: Starting) -> Reason {
        starting.fail(&mut me, Reason::error("no"))
    }
    async fn ignore(mut me: Process<()>, starting: Starting) -> Reason {
        starting.ignore(&mut me);
        Reason::Normal
    }
    async fn panics(mut me: Process<()>, starting: Starting) -> Reason {
        match catch(async { panic!("in init") }).await {
            Ok(()) => Reason::Normal,
            Err(panicked) => starting.resume(&mut me, panicked),
        }
    }
    with_starter(async |mut me| {
        assert_eq!(start_link(&mut me, named(), fail).await, Err(StartError::Failed(Reason::error("no"))));
        assert_eq!(whereis_untyped("starts"), None);
        assert_eq!(start_link(&mut me, named(), ignore).await, Err(StartError::Ignored));
        assert_eq!(whereis_untyped("starts"), None);
        let panicked = start_link(&mut me, named(), panics).await;
        assert!(matches!(&panicked, Err(StartError::Failed(Reason::Panic(panic))) if panic.message == "in init"));
        assert_eq!(whereis_untyped("starts"), None);
        expect_silence(&mut me).await;
    });
}

#[test]
fn a_process_that_is_not_ready_in_time_is_killed_and_its_name_is_free() {
    with_starter(async |mut me| {
        let never = async |_: Process<()>, starting: Starting| {
            pending::<()>().await;
            starting.ready();
        };
        let limited = named().limit(Duration::from_millis(10));
        assert_eq!(start_link(&mut me, limited, never).await, Err(StartError::Timeout));
        assert_eq!(whereis_untyped("starts"), None);
        expect_silence(&mut me).await;
    });
}

#[test]
fn a_second_start_under_a_name_says_who_has_it() {
    with_starter(async |mut me| {
        let serve = async |_: Process<()>, starting: Starting| {
            starting.ready();
            pending::<()>().await;
        };
        let first = start(&mut me, named(), serve).await.unwrap();
        assert_eq!(start(&mut me, named(), serve).await, Err(StartError::AlreadyStarted(first.untyped())));
    });
}

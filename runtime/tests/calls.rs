//! Calls: what the families G and D of the conformance catalogue promise of a request and its answer.

mod harness;

use harness::{CASE_LIMIT, QUIET, There, end, expect_silence};
use holm::{Alias, CallError, Message, Pid, Process, Reason, Reply, SpawnOptions};
use serde::{Deserialize, Serialize};
use std::time::Duration;

cases! {
    in_every_placement:
        g_04_each_of_a_thousand_callers_gets_its_own_answer,
        g_05_a_server_that_ends_ends_the_call_with_its_reason,
        g_05_a_request_in_the_mailbox_ends_with_its_server,
        g_06_a_late_answer_never_comes,
        g_07_a_call_to_nobody_says_so,
        g_10_casts_and_calls_are_handled_in_order,
        g_18_an_answer_may_come_from_another_process,
        g_19_a_reply_that_is_dropped_ends_the_call,
        g_25_a_call_that_was_dropped_harms_nobody,
        an_answer_of_a_mebibyte_arrives_intact,
        a_reply_passed_to_one_that_has_ended_ends_the_call,
        a_reply_passed_to_one_of_another_type_ends_the_call,
        a_reply_passed_through_an_alias_or_a_name_is_not_lost,
        a_question_to_a_node_that_was_given_up_harms_nobody,
        p_12_a_call_beside_a_hundred_thousand_messages_costs_no_more;
    on_one_node:
        g_08_a_call_to_oneself_is_an_error;
}

#[derive(Debug, Serialize, Deserialize, Message)]
enum Ask {
    Double(u64, Reply<u64>),
    /// Never answered; the server ends with this reason.
    End(Reason, Reply<u64>),
    /// Kept until the server ends.
    Keep(Reply<u64>),
    Drop(Reply<u64>),
    Later(u64, Reply<u64>),
    PassOn(Pid<Ask>, u64, Reply<u64>),
    Big(usize, Reply<Vec<u8>>),
    Cast(u64),
    Casts(Reply<Vec<u64>>),
    Sleep,
}

#[holm::entry]
async fn server(mut me: Process<Ask>, _: ()) -> Reason {
    let (mut kept, mut casts) = (Vec::new(), Vec::new());
    loop {
        match me.receive().await {
            Ask::Double(number, reply) => reply.send(2 * number),
            Ask::End(reason, _reply) => return reason,
            Ask::Keep(reply) => kept.push(reply),
            Ask::Drop(reply) => drop(reply),
            Ask::Later(number, reply) => {
                holm::sleep(QUIET).await;
                reply.send(number);
            }
            Ask::PassOn(other, number, reply) => other.send(Ask::Double(number, reply)).unwrap(),
            Ask::Big(len, reply) => reply.send(vec![5; len]),
            Ask::Cast(number) => casts.push(number),
            Ask::Casts(reply) => reply.send(std::mem::take(&mut casts)),
            Ask::Sleep => holm::sleep(QUIET).await,
        }
    }
}

async fn g_04_each_of_a_thousand_callers_gets_its_own_answer(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    let own = me.pid();
    for number in 0..1000 {
        me.spawn(async move |mut me: Process<()>| {
            let answer = me.call(b, |reply| Ask::Double(number, reply), CASE_LIMIT).await;
            assert_eq!(answer, Ok(2 * number));
            own.send(number).unwrap();
        })
        .unwrap();
    }
    let mut answered: Vec<u64> = Vec::new();
    while answered.len() < 1000 {
        answered.push(me.receive().await);
    }
    answered.sort();
    assert_eq!(answered, (0..1000).collect::<Vec<_>>());
    end(&mut me, b, Reason::Kill).await;
}

async fn g_05_a_server_that_ends_ends_the_call_with_its_reason(mut me: Process<u64>, there: There) {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("g_05")] {
        let b = there.start(server, (), &mut me).await;
        let answer = me.call(b, |reply| Ask::End(reason.clone(), reply), CASE_LIMIT).await;
        assert_eq!(answer, Err(CallError::Unanswered(reason)));
    }
    expect_silence(&mut me).await;
}

async fn g_05_a_request_in_the_mailbox_ends_with_its_server(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    b.send(Ask::Sleep).unwrap();
    let own = me.pid();
    me.spawn(async move |_: Process<()>| {
        holm::sleep(QUIET / 2).await;
        holm::exit(b, Reason::error("g_05"));
        own.send(1).unwrap();
    })
    .unwrap();
    let answer = me.call(b, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
    assert_eq!(answer, Err(CallError::Unanswered(Reason::error("g_05"))));
    assert_eq!(me.receive().await, 1);
    expect_silence(&mut me).await;
}

async fn g_06_a_late_answer_never_comes(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    let answer = me.call(b, |reply| Ask::Later(1, reply), QUIET / 10).await;
    assert_eq!(answer, Err(CallError::Timeout));
    assert_eq!(me.call(b, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4), "and not the late answer");
    expect_silence(&mut me).await;
    end(&mut me, b, Reason::Kill).await;
}

/// The user saw: a call to a process that has ended said that its request was dropped in a normal way.
async fn g_07_a_call_to_nobody_says_so(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    end(&mut me, b, Reason::Kill).await;
    for _ in 0..100 {
        let answer = me.call(b, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
        assert_eq!(answer, Err(CallError::Unanswered(Reason::NoProc)));
    }
}

async fn g_08_a_call_to_oneself_is_an_error(mut me: Process<Ask>, _: There) {
    let own = me.pid();
    assert_eq!(me.call(own, |reply| Ask::Double(1, reply), CASE_LIMIT).await, Err(CallError::Itself));
    assert!(me.receive_within(Duration::ZERO).await.is_none());
}

async fn g_10_casts_and_calls_are_handled_in_order(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    for round in 0..50 {
        let casts: Vec<u64> = (0..round).collect();
        casts.iter().for_each(|cast| b.send(Ask::Cast(*cast)).unwrap());
        assert_eq!(me.call(b, Ask::Casts, CASE_LIMIT).await, Ok(casts));
    }
    end(&mut me, b, Reason::Kill).await;
}

async fn g_18_an_answer_may_come_from_another_process(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    for place in [There(0), there] {
        let other = place.start(server, (), &mut me).await;
        assert_eq!(me.call(b, |reply| Ask::PassOn(other, 4, reply), CASE_LIMIT).await, Ok(8));
        end(&mut me, other, Reason::Kill).await;
    }
    end(&mut me, b, Reason::Kill).await;
}

async fn g_19_a_reply_that_is_dropped_ends_the_call(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(server, (), &mut me).await;
    assert_eq!(me.call(b, Ask::Drop, CASE_LIMIT).await, Err(CallError::Unanswered(Reason::Normal)));
    let own = me.pid();
    me.spawn(async move |mut me: Process<()>| {
        let answer = me.call(b, Ask::Keep, CASE_LIMIT).await;
        assert_eq!(answer, Err(CallError::Unanswered(Reason::Shutdown)));
        own.send(1).unwrap();
    })
    .unwrap();
    holm::sleep(QUIET / 2).await;
    holm::exit(b, Reason::Shutdown);
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    assert_eq!(me.receive().await, 1);
}

async fn g_25_a_call_that_was_dropped_harms_nobody(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    for number in 0..100 {
        let (caller, monitor) = me
            .spawn_monitor(async move |mut me: Process<()>| {
                let _ = me.call(b, |reply| Ask::Double(number, reply), CASE_LIMIT).await;
            })
            .unwrap();
        holm::yield_now().await;
        holm::exit(caller, Reason::Kill);
        me.down(monitor).await;
    }
    assert_eq!(me.call(b, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4));
    end(&mut me, b, Reason::Kill).await;
    // A request that finds its server gone at the moment of delivery.
    for _ in 0..500 {
        let options = SpawnOptions::new().scheduler(0);
        let c = me.spawn_opt(options, async |mut me: Process<Ask>| drop(me.receive().await)).unwrap().pid;
        c.send(Ask::Sleep).unwrap();
        let answer = me.call(c, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
        assert!(matches!(answer, Err(CallError::Unanswered(Reason::Normal | Reason::NoProc))), "{answer:?}");
    }
}

async fn an_answer_of_a_mebibyte_arrives_intact(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    for len in [0, 65_000, 65_536, 1 << 20] {
        assert!(me.call(b, |reply| Ask::Big(len, reply), CASE_LIMIT).await == Ok(vec![5; len]));
    }
    end(&mut me, b, Reason::Kill).await;
}

// ---- replies that travel ----

/// What is told to pass a question on.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Route {
    Process(Pid<Ask>, Reply<u64>),
    /// To a process of another type of messages, by a pid that claims otherwise.
    Stranger(Pid<Ask>, Reply<u64>),
    Alias(Alias<Ask>, Reply<u64>),
    Name(holm::NodeId, String, Reply<u64>),
}

/// Passes questions on.
#[holm::entry]
async fn router(mut me: Process<Route>, _: ()) {
    loop {
        match me.receive().await {
            Route::Process(pid, reply) | Route::Stranger(pid, reply) => pid.send(Ask::Double(1, reply)).unwrap(),
            Route::Alias(alias, reply) => alias.send(Ask::Double(2, reply)).unwrap(),
            Route::Name(node, name, reply) => holm::send_to_name_on(node, &name, Ask::Double(3, reply)).unwrap(),
        }
    }
}

/// The user saw: a question that a server passed on to a process which had ended, on a third node or back home, was
/// answered by nothing but the time limit.
async fn a_reply_passed_to_one_that_has_ended_ends_the_call(mut me: Process<u64>, there: There) {
    let router = there.start(router, (), &mut me).await;
    for place in [There(0), there] {
        let gone = place.start(server, (), &mut me).await;
        end(&mut me, gone, Reason::Kill).await;
        for _ in 0..50 {
            let answer = me.call(router, |reply| Route::Process(gone, reply), CASE_LIMIT).await;
            assert_eq!(answer, Err(CallError::Unanswered(Reason::NoProc)));
        }
    }
    end(&mut me, router, Reason::Kill).await;
}

async fn a_reply_passed_to_one_of_another_type_ends_the_call(mut me: Process<u64>, there: There) {
    let router_pid = there.start(router, (), &mut me).await;
    for place in [There(0), there] {
        let stranger = place.start(router, (), &mut me).await;
        let claimed: Pid<Ask> = postcard::from_bytes(&postcard::to_stdvec(&stranger).unwrap()).unwrap();
        let answer = me.call(router_pid, |reply| Route::Stranger(claimed, reply), CASE_LIMIT).await;
        assert!(matches!(answer, Err(CallError::Unanswered(_))), "{answer:?}");
        end(&mut me, stranger, Reason::Kill).await;
    }
    end(&mut me, router_pid, Reason::Kill).await;
}

async fn a_reply_passed_through_an_alias_or_a_name_is_not_lost(mut me: Process<Ask>, there: There) {
    let router_pid = there.start(router, (), &mut me).await;
    let (own_node, alias) = (me.node(), me.alias());
    for open in [true, false] {
        let request = me.send_request(router_pid, |reply| Route::Alias(alias, reply)).unwrap();
        if open {
            let Ask::Double(2, reply) = me.receive().await else { panic!("it is open") };
            reply.send(4);
            assert_eq!(me.response(request, CASE_LIMIT).await, Ok(4));
            assert!(me.unalias(alias));
        } else {
            let answer = me.response(request, CASE_LIMIT).await;
            assert_eq!(answer, Err(CallError::Unanswered(Reason::NoProc)));
        }
    }
    let to_name = |reply| Route::Name(own_node, "nobody has it".into(), reply);
    assert_eq!(me.call(router_pid, to_name, CASE_LIMIT).await, Err(CallError::Unanswered(Reason::NoProc)));
    end(&mut me, router_pid, Reason::Kill).await;
}

/// The user saw: a process that often gave up asking a node grew.
async fn a_question_to_a_node_that_was_given_up_harms_nobody(mut me: Process<u64>, there: There) {
    me.trap_exits(true);
    for _ in 0..100 {
        drop(within_one_look(me.whereis_at::<u64>(there.0, "nobody")).await);
        drop(within_one_look(me.spawn_entry(server, (), there.options().monitor())).await);
    }
    // A child that was to be linked stays so: this one's end is its end.
    let own = me.pid();
    let (parent, monitor) = me
        .spawn_monitor(async move |mut parent: Process<()>| {
            let asked = parent.spawn_entry(say_when_ended, own, there.options().link());
            drop(within_one_look(asked).await);
            parent.receive().await;
            Reason::Shutdown
        })
        .unwrap();
    assert_eq!(me.receive().await, 1, "the child runs");
    parent.send(()).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    assert_eq!(me.receive().await, 2, "the child has ended");
    expect_silence(&mut me).await;
}

/// Looks at a future once, and drops it.
async fn within_one_look<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let look = |context: &mut std::task::Context<'_>| match future.as_mut().poll(context) {
        std::task::Poll::Ready(value) => std::task::Poll::Ready(Some(value)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    };
    std::future::poll_fn(look).await
}

/// Says when it runs, and when it is ended.
#[holm::entry]
async fn say_when_ended(mut me: Process<u64>, to: Pid<u64>) {
    struct Says(Pid<u64>);
    impl Drop for Says {
        fn drop(&mut self) {
            self.0.send(2).unwrap();
        }
    }
    let _says = Says(to);
    to.send(1).unwrap();
    me.receive().await;
}

/// An answer goes past the mailbox. Medians of rounds by turns, so that whatever else runs on the machine hits both
/// alike; the best of three attempts.
async fn p_12_a_call_beside_a_hundred_thousand_messages_costs_no_more(mut me: Process<u64>, there: There) {
    let b = there.start(server, (), &mut me).await;
    let mut ratios = Vec::new();
    while ratios.len() < 3 && ratios.iter().all(|ratio| *ratio > 2.0) {
        let (mut empty, mut full) = (Vec::new(), Vec::new());
        for _ in 0..5 {
            empty.push(a_hundred_calls(&mut me, b).await);
            (0..100_000).for_each(|number| me.pid().send(number).unwrap());
            // They are received when it next looks, which is not what is measured.
            assert_eq!(me.receive_where(|number| *number == 99_999).await, 99_999);
            full.push(a_hundred_calls(&mut me, b).await);
            for number in 0..99_999 {
                assert_eq!(me.receive().await, number);
            }
        }
        empty.sort();
        full.sort();
        ratios.push(full[2].as_secs_f64() / empty[2].as_secs_f64());
    }
    assert!(ratios.iter().any(|ratio| *ratio <= 2.0), "with a full mailbox it takes {ratios:?} times as long");
    end(&mut me, b, Reason::Kill).await;
}

async fn a_hundred_calls(me: &mut Process<u64>, b: Pid<Ask>) -> Duration {
    let began = std::time::Instant::now();
    for number in 0..100 {
        assert_eq!(me.call(b, |reply| Ask::Double(number, reply), CASE_LIMIT).await, Ok(2 * number));
    }
    began.elapsed()
}

//! Calls: what the families G and D of the conformance catalogue promise of a request and its answer.

mod harness;

use harness::{CASE_LIMIT, QUIET, There, end, expect_silence};
use holm::{CallError, Message, Pid, Process, Reason, Reply, SpawnOptions};
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
        an_answer_of_a_mebibyte_arrives_intact;
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

//! Calls that block: what their threads may do.

use holm::{Message, Process, Reply};
use std::time::Duration;

#[derive(serde::Serialize, serde::Deserialize, Message)]
struct Ask(u64, Reply<u64>);

#[test]
fn a_blocking_call_answers_for_its_process() {
    holm::block_on(async |mut me: Process<()>| {
        let server = me.spawn(async |mut me: Process<Ask>| {
            loop {
                let Ask(number, reply) = me.receive().await;
                holm::spawn_blocking(move || reply.send(number + 1)).unwrap();
            }
        });
        let server = server.unwrap();
        for number in 0..100 {
            assert_eq!(me.call(server, |reply| Ask(number, reply), Duration::from_secs(20)).await, Ok(number + 1));
        }
    })
    .unwrap();
}

#[test]
fn a_request_that_is_dropped_in_a_blocking_call_ends_the_call() {
    holm::block_on(async |mut me: Process<()>| {
        let server = me.spawn(async |mut me: Process<Ask>| {
            let Ask(_, reply) = me.receive().await;
            holm::spawn_blocking(move || drop(reply)).unwrap().await.unwrap();
            me.receive().await;
        });
        let answer = me.call(server.unwrap(), |reply| Ask(1, reply), Duration::from_secs(20)).await;
        assert!(matches!(answer, Err(holm::CallError::Unanswered(_))), "{answer:?}");
    })
    .unwrap();
}

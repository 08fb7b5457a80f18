//! Programs that the macros accept do what the macros promise: names, codecs, bodies and registrations.
#![deny(warnings)]

extern crate self as holm;

mod fake;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use fake::*;
use serde::{Deserialize, Serialize};

/// What `answerer` is asked.
#[derive(Debug, Message, Serialize, Deserialize)]
pub struct Ask {
    question: String,
}

#[derive(Message, Serialize, Deserialize)]
#[message(name = "envelope")]
enum Envelope<T, const N: usize> {
    Full(T),
    Empty,
}

#[derive(Message)]
#[message(local)]
struct Shared<T>(#[expect(dead_code)] Arc<T>)
where
    T: Sync;

/// Refuses questions that are too short.
#[entry]
pub async fn answerer(mut me: Process<Ask>, (least, ask): (usize, Ask)) -> Result<(), String> {
    let ask = me.receive().await.unwrap_or(ask);
    if ask.question.len() < least {
        return Err(format!("{} is too short", ask.question));
    }
    Ok(())
}

#[holm::entry(name = "clock")]
async fn ticking(_: holm::Process<Envelope<u8, 1>>) {}

/// Each parent names the entry itself, as it does to spawn its children.
#[entry]
async fn tree(_me: Process<Ask>, depth: u32) -> Result<(), String> {
    if depth == 0 { Err(name_of(tree).into()) } else { Box::pin(child(tree, depth - 1)).await }
}

#[entry]
#[deprecated]
#[expect(dead_code)]
async fn old(_me: Process<Ask>) {}

#[entry]
#[cfg(not(test))]
async fn left_out(_me: Process<Missing>) {}

#[entry]
async fn r#loop(_me: Process<Ask>) {}

mod bank {
    pub(crate) use counter::teller;

    mod counter {
        use crate::{Ask, Process, entry};

        #[entry]
        pub(crate) async fn teller(_me: Process<Ask>, _cents: u64) {}
    }
}

macro_rules! entry_for {
    ($name:ident, $process:ty, $argument:ty) => {
        #[holm::entry]
        async fn $name(_me: $process, _argument: $argument) {}
    };
}
entry_for!(made_by_a_macro, Process<Ask>, Vec<u8>);

fn name_of<E: Entry>(_: impl FnOnce() -> E) -> &'static str {
    E::NAME
}

/// Ends for the reason of a further `E`: `tree` hands its own name over, as it would to a spawn.
fn child<E: Entry<Message = Ask, Argument = u32>>(
    _: impl FnOnce() -> E,
    depth: u32,
) -> impl Future<Output = Result<(), String>> + Send {
    let body = E::body(Process::new(), depth);
    async move { Err(Box::pin(body).await.into_reason()) }
}

fn reason<E: Entry>(_: impl FnOnce() -> E, argument: E::Argument) -> String {
    match pin!(E::body(Process::new(), argument)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result.into_reason(),
        Poll::Pending => panic!("the bodies here wait for nothing"),
    }
}

#[test]
fn messages_are_known_by_module_path_or_given_name() {
    assert_eq!(Ask::NAME, "accepted::Ask");
    assert_eq!(<Envelope<u8, 2> as Message>::NAME, "envelope");
    assert_eq!(Shared::<u8>::NAME, "accepted::Shared");
    let _ = (Envelope::<u8, 2>::Full(1), Envelope::<u8, 2>::Empty);
}

#[test]
fn only_local_messages_have_no_codec() {
    fn crosses<M: Crosses>() -> bool {
        M::WIRE.is_some()
    }
    assert!(crosses::<Ask>() && crosses::<Envelope<String, 0>>());
    assert!(Shared::<u8>::WIRE.is_none());
}

#[test]
fn the_body_is_the_function_that_was_written() {
    assert_eq!(reason(answerer, (3, Ask { question: "why".into() })), "normal");
    assert_eq!(reason(answerer, (4, Ask { question: "why".into() })), "why is too short");
    assert_eq!(reason(ticking, ()), "normal");
}

#[test]
fn an_entry_can_name_itself() {
    assert_eq!(reason(tree, 3), "accepted::tree");
}

#[test]
fn a_variable_may_have_the_name_of_its_entry_point() {
    let tree = reason(tree, 1);
    assert_eq!(tree, "accepted::tree");
}

#[test]
fn an_entry_point_is_named_across_modules() {
    assert_eq!(name_of(bank::teller), "accepted::bank::counter::teller");
    assert_eq!(reason(bank::teller, 1), "normal");
}

#[test]
fn names_are_known_as_they_are_said_aloud() {
    assert_eq!(name_of(r#loop), "accepted::loop");
    assert_eq!(name_of(made_by_a_macro), "accepted::made_by_a_macro");
}

#[test]
fn every_entry_is_found_by_name() {
    let mut names: Vec<_> = inventory::iter::<EntryPoint>.into_iter().map(|entry| entry.name).collect();
    names.sort_unstable();
    let expected = [
        "accepted::answerer",
        "accepted::bank::counter::teller",
        "accepted::inside_a_function",
        "accepted::loop",
        "accepted::made_by_a_macro",
        "accepted::old",
        "accepted::tree",
        "clock",
    ];
    assert_eq!(names, expected);
}

#[test]
fn an_entry_can_stand_inside_a_function() {
    #[entry]
    async fn inside_a_function(_me: Process<Ask>) {}
    assert_eq!(reason(inside_a_function, ()), "normal");
}

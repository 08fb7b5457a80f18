//! What the bounds of `Entry` refuse is reported at the words that the user wrote.

extern crate self as holm;

#[path = "../fake/mod.rs"]
mod fake;

use fake::*;

struct NoMessage;

#[entry]
async fn lacks_message(_me: Process<NoMessage>) {}

#[derive(Message)]
#[message(local)]
struct Ask;

struct NoArgument;

#[entry]
async fn lacks_crossing_argument(_me: Process<Ask>, _argument: NoArgument) {}

#[entry]
async fn lacks_reason(_me: Process<Ask>) -> f32 {
    0.5
}

#[entry]
async fn lacks_process(_me: Vec<Ask>) {}

#[entry]
async fn lacks_send(_me: Process<Ask>) {
    let shared = std::rc::Rc::new(1);
    std::future::ready(()).await;
    drop(shared);
}

fn main() {}

//! A public entry with a private message or argument is reported at that type.

extern crate self as holm;

#[path = "../fake/mod.rs"]
mod fake;

use fake::*;

#[derive(Message)]
#[message(local)]
struct Private;

#[entry]
pub async fn teller(_me: Process<Private>) {}

fn main() {}

//! A public entry with a private message or argument is warned of, as a public function would be.

#![deny(private_interfaces)]

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

//! A message crosses unless it is local, and what crosses needs serde.

extern crate self as holm;

#[path = "../fake/mod.rs"]
mod fake;

use fake::*;

#[derive(Message)]
struct Ask {
    question: String,
}

fn main() {}

//! What the derive itself refuses.

#[derive(holm_macros::Message)]
struct Borrows<'a>(&'a str);

#[derive(holm_macros::Message)]
union Either {
    signed: i32,
    unsigned: u32,
}

#[derive(holm_macros::Message)]
#[message(remote)]
struct Unknown;

#[derive(holm_macros::Message)]
#[message]
struct Nothing;

#[derive(holm_macros::Message)]
#[message(name = "")]
struct Nameless;

#[derive(holm_macros::Message)]
#[message(name = "one", name = "two")]
struct Twice;

fn main() {}

//! What the attribute itself refuses.

use holm_macros::entry;

#[entry]
fn waits_for_nothing(me: Process<Ask>) {}

#[entry]
async fn generic<T>(me: Process<T>) {}

#[entry]
async fn conditional(me: Process<Ask>)
where
    Ask: Copy,
{
}

#[entry]
async fn lonely() {}

#[entry]
async fn crowded(me: Process<Ask>, one: u8, two: u8) {}

#[entry]
async fn borrows(me: Process<Ask>, name: &str) {}

#[entry]
async fn understands_nothing(me: u64) {}

#[entry]
async unsafe fn promises(me: Process<Ask>) {}

#[entry]
async extern "C" fn foreign(me: Process<Ask>) {}

struct Bank;

impl Bank {
    #[entry]
    async fn method(&self, me: Process<Ask>) {}
}

#[entry(local)]
async fn unknown(me: Process<Ask>) {}

#[entry]
struct NotAFunction;

fn main() {}

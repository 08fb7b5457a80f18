//! The only place that reads time.
//!
//! Time is monotonic (`CLOCK_MONOTONIC`), in nanoseconds since the OS process first asked. A clock read costs about
//! 30 ns where the kernel serves it without a call, as much as several messages, so a worker reads it once in a while
//! and not for each of them.

use std::{sync::OnceLock, time::Duration, time::Instant};

static START: OnceLock<Instant> = OnceLock::new();

/// Nanoseconds since the first look at the clock.
#[inline]
pub fn now_ns() -> u64 {
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// [`now_ns`] as a duration, which is what the protocols of the transport take.
#[inline]
pub fn now() -> Duration {
    Duration::from_nanos(now_ns())
}

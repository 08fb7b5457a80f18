//! The atomics of the crate's lock-free parts, from std or, in models, from loom.
//!
//! [`door`](crate::door), [`ring`](crate::ring), [`stack`](crate::stack), [`idle`](crate::idle) and [`claims`](crate::claims) take theirs from
//! here and from nowhere else, so that `RUSTFLAGS="--cfg loom"` models the very code that runs.

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, fence};

pub(crate) use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

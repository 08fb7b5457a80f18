//! Long mailboxes without a bound: an event says that one has become long, once for each time that it does.
//!
//! The process finds out itself, when it looks at what lies at its door; nothing is counted where messages are sent. One
//! that computes without awaiting is therefore not noticed before its turn ends; a mailbox with
//! [`super::Mailbox::warn_above`] counts where messages are sent.

use crate::pid::RawPid;
use parking_lot::Mutex;
use std::{
    collections::HashSet,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

/// Letters above which a mailbox counts as long, unless [`crate::warn_of_mailboxes_above`] says otherwise.
const LEN: u64 = 100_000;

/// Processes whose mailboxes were reported, at most; then all are forgotten, and may be reported once more.
const REPORTED_MAX: usize = 10_000;

/// See the module's text.
#[derive(Debug)]
pub(crate) struct LongMailbox {
    len: AtomicU64,
    reported: Mutex<HashSet<RawPid>>,
}

impl Default for LongMailbox {
    fn default() -> Self {
        LongMailbox { len: AtomicU64::new(LEN), reported: Mutex::default() }
    }
}

impl LongMailbox {
    #[inline]
    pub(crate) fn len(&self) -> u64 {
        self.len.load(Relaxed)
    }

    pub(crate) fn set_len(&self, len: u64) {
        self.len.store(len.max(1), Relaxed);
    }

    /// A mailbox has grown by `received` to `len`, which is long; true if that has to be reported. One that was reported
    /// is reported again when it was shorter than half of it before it grew.
    pub(crate) fn is_news(&self, pid: RawPid, len: u64, received: u64) -> bool {
        let mut reported = self.reported.lock();
        let was_short = len - received < self.len() / 2;
        if reported.len() >= REPORTED_MAX {
            reported.clear();
        }
        reported.insert(pid) || was_short
    }
}

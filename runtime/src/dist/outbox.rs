//! The outbox of a link: encoded signals that wait for the link's task.
//!
//! Two buffers change places: senders append to one, the task sends out of the other. Above [`MARK_LEN`] senders are
//! held back or refused; above [`LEN_MAX`] nothing is taken, so a node that does not read costs a bounded amount.

use super::WhenFull;
use crate::send::SendError;
use holm_transport::Lane;
use parking_lot::Mutex;
use std::{
    mem,
    task::{Context, Poll, Waker},
};

/// Bytes above which the link counts as full.
pub(super) const MARK_LEN: usize = 1 << 20;

/// Bytes above which nothing more is queued.
pub(super) const LEN_MAX: usize = 256 << 20;

/// Why a signal was not queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NoConnection,
    Busy,
    CannotCross,
    Unsendable(String),
}

impl Refused {
    /// The error that gives a message back.
    pub(super) fn of<M>(self, message: M) -> SendError<M> {
        match self {
            Refused::Busy => SendError::Busy(message),
            Refused::CannotCross => SendError::CannotCross(message),
            Refused::Unsendable(why) => SendError::Unsendable(message, why),
            Refused::NoConnection => SendError::Unsendable(message, "there is no connection to the node".into()),
        }
    }
}

/// Signals one behind another, and where each ends.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) signals: Vec<(Lane, u64, usize)>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(2 * MARK_LEN);
        self.signals.clear();
    }
}

#[derive(Debug, Default)]
struct State {
    batch: Batch,
    /// Bytes that the link's task has taken and not sent.
    unsent_len: usize,
    closed: bool,
    /// The link's task, while it waits for signals.
    task: Option<Waker>,
    waiting: Vec<Waker>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(super) struct Outbox(Mutex<State>);

impl Outbox {
    /// Queues what `encode` appends. If it fails, nothing is queued.
    pub(super) fn push(
        &self,
        lane: Lane,
        key: u64,
        when_full: WhenFull,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), String>,
    ) -> Result<(), Refused> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(Refused::NoConnection);
        }
        let waiting_len = state.batch.bytes.len() + state.unsent_len;
        if lane == Lane::Data && waiting_len >= MARK_LEN {
            if when_full == WhenFull::Refuse || waiting_len >= LEN_MAX {
                return Err(Refused::Busy);
            }
            holm_scheduler::spend(u32::MAX); // the sender's turn ends at its next await
        }
        let start = state.batch.bytes.len();
        if let Err(why) = encode(&mut state.batch.bytes) {
            state.batch.bytes.truncate(start);
            return Err(Refused::Unsendable(why));
        }
        let end = state.batch.bytes.len();
        let longest = holm_transport::Limits::default().message_len_max as usize;
        if end - start > longest {
            state.batch.bytes.truncate(start);
            return Err(Refused::Unsendable(format!("it has {} bytes, a link carries {longest}", end - start)));
        }
        state.batch.signals.push((lane, key, end));
        let task = state.task.take();
        drop(state);
        task.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Changes the batch for an empty one. If there is nothing, the task is woken when there is.
    pub(super) fn swap(&self, batch: &mut Batch, unsent_len: usize, context: &mut Context<'_>) -> bool {
        let mut state = self.0.lock();
        state.unsent_len = unsent_len;
        let has_room = state.batch.bytes.len() + unsent_len < MARK_LEN;
        let waiting = if has_room { mem::take(&mut state.waiting) } else { Vec::new() };
        let full = !state.batch.signals.is_empty();
        if full {
            mem::swap(&mut state.batch, batch);
            state.unsent_len += batch.bytes.len();
        } else {
            state.task = Some(context.waker().clone());
        }
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        full
    }

    /// Ready when there is room, or nobody who reads.
    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.closed || state.batch.bytes.len() + state.unsent_len < MARK_LEN {
            return Poll::Ready(());
        }
        state.waiting.push(context.waker().clone());
        Poll::Pending
    }

    /// The connection is lost: nothing is queued any more, and nobody waits.
    pub(super) fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.batch = Batch::default();
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn fill(outbox: &Outbox, len: usize, when_full: WhenFull) -> Result<(), Refused> {
        outbox.push(Lane::Data, 0, when_full, |bytes| {
            bytes.resize(bytes.len() + len, 0);
            Ok(())
        })
    }

    #[test]
    fn above_the_mark_a_sender_is_refused_and_control_still_goes() {
        let outbox = Outbox::default();
        fill(&outbox, MARK_LEN, WhenFull::Refuse).unwrap();
        assert_eq!(fill(&outbox, 1, WhenFull::Refuse), Err(Refused::Busy));
        assert_eq!(fill(&outbox, 1, WhenFull::HoldBack), Ok(()));
        assert_eq!(outbox.push(Lane::Control, 0, WhenFull::Refuse, |_| Ok(())), Ok(()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(outbox.poll_room(&mut context).is_pending());
        let mut batch = Batch::default();
        assert!(outbox.swap(&mut batch, 0, &mut context));
        assert_eq!(batch.signals.len(), 3);
        batch.clear();
        assert!(!outbox.swap(&mut batch, 0, &mut context));
        assert!(outbox.poll_room(&mut context).is_ready());
    }

    #[test]
    fn what_cannot_be_encoded_or_is_too_long_leaves_nothing_behind() {
        let outbox = Outbox::default();
        let refused = outbox.push(Lane::Data, 0, WhenFull::Refuse, |bytes| {
            bytes.push(1);
            Err("no".into())
        });
        assert_eq!(refused, Err(Refused::Unsendable("no".into())));
        assert!(matches!(fill(&outbox, (64 << 20) + 1, WhenFull::Refuse), Err(Refused::Unsendable(_))));
        let mut batch = Batch::default();
        assert!(!outbox.swap(&mut batch, 0, &mut Context::from_waker(Waker::noop())));
        assert_eq!(outbox.0.lock().batch.bytes.len(), 0);
    }
}

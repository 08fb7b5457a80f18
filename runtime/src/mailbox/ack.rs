//! The answer that a waiting sender waits for: its message is in, or it is not and will not be.
//!
//! One value between the sender and whoever settles it: the receiver's turn on this node, the link's task for another.

use parking_lot::Mutex;
use std::{
    future::{Future, poll_fn},
    mem,
    sync::Arc,
    task::{Poll, Waker},
};

/// See the module's text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ack(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    taken: Option<bool>,
    waiting: Vec<Waker>,
}

impl Ack {
    /// The message is in, or its receiver is gone and it is lost like any other (true); or it was withdrawn (false).
    /// What comes first counts.
    pub(crate) fn settle(&self, taken: bool) {
        let mut state = self.0.lock();
        state.taken.get_or_insert(taken);
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Waits until it is settled.
    pub(crate) fn settled(&self) -> impl Future<Output = bool> + Send + '_ {
        poll_fn(|context| {
            let mut state = self.0.lock();
            if let Some(taken) = state.taken {
                return Poll::Ready(taken);
            }
            if !state.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                state.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.0.lock().taken.is_some()
    }

    pub(crate) fn is(&self, other: &Ack) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

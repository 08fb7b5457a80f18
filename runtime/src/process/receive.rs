//! Receiving: how a process takes messages and notices out of its mailbox.
//!
//! Every wait is one look at a time: first through what was received before, then at the door. Nothing is taken out
//! before the look that gives it to the caller, so that a wait may be dropped at any moment.

use super::{Monitor, Process};
use crate::{
    body::State,
    letter::{Owned, Sort},
    message::Message,
    reason::Reason,
    signal::Notice,
};
use holm_scheduler::{Sleep, deadline_ns, spend_as};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

/// What a process received: a message, or what the runtime tells it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<M> {
    /// A message.
    Message(M),
    /// A trapped exit signal, the end of a monitored process, a node that came or went.
    Notice(Notice),
}

impl<M: Message> Process<M> {
    /// Waits for a letter that is wanted, and takes it out of the mailbox.
    #[inline]
    fn poll_letter(&mut self, context: &mut Context<'_>, mut wanted: impl FnMut(&Owned) -> bool) -> Poll<Owned> {
        match spend_as(self.slot, self.generation, 1) {
            Some(true) => {}
            Some(false) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => self.assert_current(),
        }
        // SAFETY: as in `state`: it is this process's turn.
        let state = unsafe { &mut *self.slot.body().cast::<State>() };
        // Whatever comes to the door after the last look gives the process another turn. One that is to end receives
        // nothing more: what was sent behind an exit signal must not be seen before it.
        loop {
            if state.exit.is_some() {
                return Poll::Pending;
            }
            if let Some(letter) = state.queue.take(&mut wanted) {
                self.slot.notes().take_one();
                return Poll::Ready(letter);
            }
            if !state.fetch() {
                return Poll::Pending;
            }
        }
    }

    /// Waits for the next message. Notices stay in the mailbox, in their order, for [`Process::next`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    ///
    /// # Signals
    ///
    /// An exit signal that is not trapped ends the process here.
    // The hottest wait there is: one future, without an async function's state around it.
    pub fn receive(&mut self) -> impl Future<Output = M> + Send + '_ {
        poll_fn(|context| {
            let letter = self.poll_letter(context, |letter| letter.sort() == Sort::Message);
            letter.map(|letter| letter.into_message().expect("`deliver` lets only messages of the process's type in"))
        })
    }

    /// Waits for the next message that fits; others stay in the mailbox, in their order.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn receive_where(&mut self, mut fits: impl FnMut(&M) -> bool) -> M {
        let mut wanted = |letter: &Owned| letter.as_message().is_some_and(&mut fits);
        let letter = poll_fn(|context| self.poll_letter(context, &mut wanted)).await;
        letter.into_message().expect("it was just looked at as a message")
    }

    /// Waits for the next message, up to `limit`. With a limit of zero it looks once.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped, nor when message and time-out meet.
    pub async fn receive_within(&mut self, limit: Duration) -> Option<M> {
        within(limit, self.receive()).await
    }

    /// Waits for the next of all that arrives: messages and notices in the order of their arrival.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn next(&mut self) -> Event<M> {
        let letter = poll_fn(|context| self.poll_letter(context, |_| true)).await;
        match letter.into_notice() {
            Ok(notice) => Event::Notice(notice),
            Err(letter) => Event::Message(letter.into_message().expect("what is no notice is a message")),
        }
    }

    /// As [`Process::next`], up to `limit`.
    ///
    /// # Cancel safety
    ///
    /// As [`Process::receive_within`].
    pub async fn next_within(&mut self, limit: Duration) -> Option<Event<M>> {
        within(limit, self.next()).await
    }

    /// Waits for the next of all that fits, messages and notices; the others stay in the mailbox, in their order.
    ///
    /// Two waits side by side, one for messages and one for notices, are not this: what one of them takes from the door
    /// the other has not seen, and nothing wakes the process for it again.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn next_where(
        &mut self,
        mut message_fits: impl FnMut(&M) -> bool,
        mut notice_fits: impl FnMut(&Notice) -> bool,
    ) -> Event<M> {
        let mut wanted = |letter: &Owned| match letter.as_notice() {
            Some(notice) => notice_fits(notice),
            None => letter.as_message().is_some_and(&mut message_fits),
        };
        let letter = poll_fn(|context| self.poll_letter(context, &mut wanted)).await;
        match letter.into_notice() {
            Ok(notice) => Event::Notice(notice),
            Err(letter) => Event::Message(letter.into_message().expect("what is no notice is a message")),
        }
    }

    /// Waits for the next notice that fits; all else stays in the mailbox.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn notice_where(&mut self, mut fits: impl FnMut(&Notice) -> bool) -> Notice {
        let mut wanted = |letter: &Owned| letter.as_notice().is_some_and(&mut fits);
        let letter = poll_fn(|context| self.poll_letter(context, &mut wanted)).await;
        letter.into_notice().unwrap_or_else(|_| unreachable!("it was just looked at as a notice"))
    }

    /// Waits until the process that this monitor watches has ended, and says why.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub async fn down(&mut self, monitor: Monitor) -> Reason {
        let is_it = |notice: &Notice| matches!(notice, Notice::Down { monitor: fired, .. } if *fired == monitor);
        match self.notice_where(is_it).await {
            Notice::Down { reason, .. } => reason,
            other => unreachable!("{other:?} is no down"),
        }
    }
}

/// Waits for a future, up to a limit if there is one; the future is looked at first, so that a limit of zero is one
/// look.
pub(crate) async fn within<T>(limit: impl Into<Option<Duration>>, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut sleep: Option<std::pin::Pin<Box<Sleep>>> = None;
    let deadline = limit.into().map(|limit| (!limit.is_zero()).then(|| deadline_ns(limit)));
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        match deadline {
            None => Poll::Pending,
            // No look was had yet if the turn's reductions are used up: that is for the next turn.
            Some(None) if !holm_scheduler::spend(0) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(None) => Poll::Ready(None),
            Some(Some(deadline)) => {
                let sleep = sleep.get_or_insert_with(|| Box::pin(Sleep::until(deadline)));
                sleep.as_mut().poll(context).map(|()| None)
            }
        }
    })
    .await
}

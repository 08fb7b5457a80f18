//! A process's handle on itself: what its code is given, and with which it receives, links, monitors and spawns.

use crate::{
    body::State,
    letter::{Owned, Sort},
    message::Message,
    names::NameError,
    pid::{NodeId, Pid},
    reason::Reason,
    send,
    signal::{Control, Notice},
};
use holm_scheduler::{Sleep, Slot, TimerKey, current, deadline_ns, spend_as};
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    fmt,
    future::{Future, pending, poll_fn},
    marker::PhantomData,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

/// A monitor that was set; it is known to the process that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Monitor(pub(crate) u64);

/// What a process received: a message, or what the runtime tells it.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<M> {
    /// A message.
    Message(M),
    /// A trapped exit signal, the end of a monitored process, a node that came or went.
    Notice(Notice),
}

/// The process that runs, as seen by its own code. `M` is the type of messages that it receives.
///
/// It is handed to a process's body and stays with it: used by another task it panics.
///
/// ```
/// use holm::Process;
///
/// async fn echo(mut me: Process<(holm::Pid<String>, String)>) {
///     loop {
///         let (from, text) = me.receive().await;
///         from.send(text).unwrap();
///     }
/// }
///
/// holm::block_on(async |mut me: Process<String>| {
///     let echo = me.spawn_link(echo).unwrap();
///     echo.send((me.pid(), "hello".into())).unwrap();
///     assert_eq!(me.receive().await, "hello");
/// })
/// .unwrap();
/// ```
pub struct Process<M> {
    slot: &'static Slot,
    generation: u32,
    messages: PhantomData<fn() -> M>,
}

impl<M> fmt::Debug for Process<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("slot", &self.slot).field("generation", &self.generation).finish()
    }
}

impl<M: Message> Process<M> {
    pub(crate) fn new(slot: &'static Slot, generation: u32) -> Self {
        Process { slot, generation, messages: PhantomData }
    }

    /// The process's state.
    #[inline]
    pub(crate) fn state(&mut self) -> &mut State {
        self.assert_current();
        // SAFETY: the slot holds this process's body, whose state comes first; only its own turn touches it, which is
        // this one, and the handle is borrowed as long as the state.
        unsafe { &mut *self.slot.body().cast::<State>() }
    }

    #[inline]
    fn assert_current(&self) {
        let is_me =
            current().is_some_and(|(slot, id)| std::ptr::eq(slot, self.slot) && id.generation == self.generation);
        assert!(is_me, "the handle of a process is used outside of it");
    }

    /// The process's pid.
    ///
    /// # Panics
    ///
    /// Outside the process; so does every other function here.
    pub fn pid(&self) -> Pid<M> {
        self.assert_current();
        // SAFETY: as in `state`; the pid is never written.
        Pid::new(unsafe { (*self.slot.body().cast::<State>()).pid })
    }

    // ---- receiving ----

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

    // ---- exits ----

    /// Whether exit signals arrive as [`Notice::Exit`] instead of ending the process. What counts is the setting when a
    /// signal is received, not when it was sent. Returns the setting before.
    pub fn trap_exits(&mut self, on: bool) -> bool {
        std::mem::replace(&mut self.state().trapping, on)
    }

    /// Ends the process with a reason. [`Reason::Kill`] reaches linked processes as `Kill`, which they can trap.
    pub async fn exit(&mut self, reason: Reason) -> Infallible {
        let state = self.state();
        if state.exit.is_none() {
            state.exit = Some(reason);
        }
        pending().await
    }

    /// Links this process and another: when one ends, the other gets an exit signal with the reason. A link is single,
    /// however often it is set; a link to oneself has no effect.
    ///
    /// If there is no such process any more, the exit signal comes with [`Reason::NoProc`].
    pub fn link<N>(&mut self, other: Pid<N>) {
        let state = self.state();
        if other.raw != state.pid && state.bonds().link(other.raw) {
            let from = state.pid;
            state.tell_tied(other.raw, Control::Link { from });
        }
    }

    /// Removes the link to another process: no exit signal of it enters the mailbox from here on.
    pub fn unlink<N>(&mut self, other: Pid<N>) {
        let state = self.state();
        state.fetch(); // an exit signal that is there already takes effect, or stays
        let unlink = state.number();
        if state.bonds().unlink(other.raw, unlink) {
            send::control(state.node(), other.raw, Control::Unlink { from: state.pid, unlink });
        }
    }

    /// Watches another process: when it ends, or if it has, a [`Notice::Down`] comes, once. Every monitor has its own.
    pub fn monitor<N>(&mut self, other: Pid<N>) -> Monitor {
        let state = self.state();
        let monitor = state.number();
        if other.raw != state.pid {
            state.bonds().monitors.insert(monitor, other.raw);
            let from = state.pid;
            state.tell_tied(other.raw, Control::Monitor { from, monitor });
        }
        Monitor(monitor)
    }

    /// Ends a monitor, and takes its `Down` out of the mailbox if it is there: none comes from here on. True if the
    /// monitor had not fired.
    pub fn demonitor(&mut self, monitor: Monitor) -> bool {
        let state = self.state();
        state.fetch();
        let active = state.bonds().monitors.remove(&monitor.0);
        if let Some(other) = active {
            send::control(state.node(), other, Control::Demonitor { from: state.pid, monitor: monitor.0 });
        }
        let is_it = |letter: &Owned| matches!(letter.as_notice(), Some(Notice::Down { monitor: fired, .. }) if *fired == monitor);
        drop(state.queue.take(is_it));
        active.is_some()
    }

    // ---- names and nodes ----

    /// Gives this process a name in its node.
    ///
    /// # Errors
    ///
    /// If the name is taken or malformed.
    pub fn register(&mut self, name: &str) -> Result<(), NameError> {
        let state = self.state();
        state.node().names.register(name, state.pid)?;
        state.bonds().named = true;
        Ok(())
    }

    /// Whether nodes that come and go are told as [`Notice::Node`].
    pub fn watch_nodes(&mut self, on: bool) {
        let state = self.state();
        state.bonds().watches_nodes = on;
        state.node().watch_nodes(state.pid, on);
    }

    /// The node that the process lives on.
    pub fn node(&mut self) -> NodeId {
        self.state().node().id
    }

    /// The number, over the whole layout, of the scheduler that runs the process now.
    pub fn scheduler(&mut self) -> u32 {
        let local = holm_scheduler::scheduler().expect("a process runs on a scheduler");
        self.state().node().place.node().schedulers.start + local as u32
    }
}

/// Sends an exit signal to a process, as if from the current one.
///
/// | reason | the receiver traps exits | it does not |
/// | --- | --- | --- |
/// | [`Reason::Kill`] | ends with [`Reason::Killed`] | the same |
/// | [`Reason::Normal`] | [`Notice::Exit`] | nothing (to oneself: ends) |
/// | any other | [`Notice::Exit`] | ends with it |
pub fn exit<N>(pid: Pid<N>, reason: Reason) {
    let Some(node) = crate::node::here() else { return };
    send::control(node, pid.raw, Control::Exit { from: current_pid(node), reason, by_link: false });
}

/// The pid of the process whose turn it is; a plain task has one that is nobody's.
pub(crate) fn current_pid(node: &crate::node::Node) -> crate::pid::RawPid {
    let (slot, generation) = current().map_or((u32::MAX, u32::MAX), |(_, id)| (id.slot, id.generation));
    crate::pid::RawPid { node: node.id, slot, generation }
}

/// True if a process of this node lives. A process of another node is asked by a monitor.
pub fn is_alive<N>(pid: Pid<N>) -> bool {
    crate::node::here().is_some_and(|node| pid.raw.node == node.id && crate::deliver::is_alive(node, pid.raw))
}

/// The process that has a name in this node, if it receives messages of this type.
pub fn whereis<N: Message>(name: &str) -> Option<Pid<N>> {
    let node = crate::node::here()?;
    node.names.whereis(name).filter(|pid| crate::deliver::receives::<N>(node, *pid)).map(Pid::new)
}

/// The process that has a name in this node, whatever it receives.
pub fn whereis_untyped(name: &str) -> Option<Pid> {
    crate::node::here()?.names.whereis(name).map(Pid::new)
}

/// Frees a name of this node, whosever it is. True if somebody had it.
pub fn unregister(name: &str) -> bool {
    crate::node::here().is_some_and(|node| node.names.unregister(name))
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
            Some(None) => Poll::Ready(None),
            Some(Some(deadline)) => {
                let sleep = sleep.get_or_insert_with(|| Box::pin(Sleep::until(deadline)));
                sleep.as_mut().poll(context).map(|()| None)
            }
        }
    })
    .await
}

/// A message that is to be sent later; see [`send_after`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    key: TimerKey,
    deadline_ns: u64,
}

/// Sends a message when `after` has passed, also if the current process has ended by then.
///
/// # Panics
///
/// Outside the runtime.
pub fn send_after<N: Message>(after: Duration, to: Pid<N>, message: N) -> Timer {
    let deadline_ns = deadline_ns(after);
    // A message that cannot leave this node any more is lost like one to a process that has ended.
    let key = holm_scheduler::call_at(deadline_ns, Box::new(move || drop(to.send(message))));
    Timer { key, deadline_ns }
}

/// Cancels a timer: the time that was left, or nothing if it has fired or was set on another scheduler.
pub fn cancel_timer(timer: Timer) -> Option<Duration> {
    let left = timer.deadline_ns.saturating_sub(holm_scheduler::clock::now_ns());
    holm_scheduler::cancel(timer.key).then(|| Duration::from_nanos(left))
}

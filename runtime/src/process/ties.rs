//! What ties a process to others: exits, links, monitors.
//!
//! Each call notes the tie on this side and tells the other side of it; the rules are in [`bonds`](crate::bonds).

use super::Process;
use crate::{
    letter::Owned,
    message::Message,
    pid::Pid,
    reason::Reason,
    send,
    signal::{Control, Notice},
};
use serde::{Deserialize, Serialize};
use std::{convert::Infallible, future::pending};

/// A monitor that was set; it is known to the process that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Monitor(pub(crate) u64);

impl<M: Message> Process<M> {
    /// Whether exit signals arrive as [`Notice::Exit`] instead of ending the process. What counts is the setting when a
    /// signal is received, not when it was sent. Returns the setting before.
    pub fn trap_exits(&mut self, on: bool) -> bool {
        let state = self.state();
        let before = std::mem::replace(&mut state.trapping, on);
        state.publish();
        before
    }

    /// The reason of a process that ends with a panic which its own code caught, to do something before it ends. The panic
    /// is told as one that ends a process is.
    pub fn panicked(&mut self, payload: Box<dyn std::any::Any + Send>) -> Reason {
        crate::report::panicked(self.state(), payload)
    }

    /// Ends the process with a reason. [`Reason::Kill`] reaches linked processes as `Kill`, which they can trap.
    pub async fn exit(&mut self, reason: Reason) -> Infallible {
        let state = self.state();
        if state.exit.is_none() {
            state.exit = Some(reason);
        }
        pending().await
    }

    /// The process has begun to end: callers whose requests it lets go of, in this turn and from here on, learn that when
    /// it has ended, with its reason, and not at the turn's end. For what cleans up, over several turns, before it ends.
    pub fn conclude(&mut self) {
        self.state().bonds().concluding = true;
    }

    /// Links this process and another: when one ends, the other gets an exit signal with the reason. A link is single,
    /// however often it is set; a link to oneself has no effect.
    ///
    /// If there is no such process any more, the exit signal comes with [`Reason::NoProc`].
    pub fn link<N>(&mut self, other: Pid<N>) {
        let state = self.state();
        if other.raw != state.pid && state.bonds().links.link(other.raw) {
            let from = state.pid;
            state.publish();
            state.tell_tied(other.raw, Control::Link { from });
        }
    }

    /// Removes the link to another process: no exit signal of it enters the mailbox from here on.
    pub fn unlink<N>(&mut self, other: Pid<N>) {
        let state = self.state();
        state.fetch(); // an exit signal that is there already takes effect, or stays
        let unlink = state.number();
        if state.bonds().links.unlink(other.raw, unlink) {
            state.publish();
            send::control(state.node(), other.raw, Control::Unlink { from: state.pid, unlink });
        }
    }

    /// Watches another process: when it ends, or if it has, a [`Notice::Down`] comes, once. Every monitor has its own.
    pub fn monitor<N>(&mut self, other: Pid<N>) -> Monitor {
        let monitor = self.state().number();
        self.monitor_as(monitor, other)
    }

    /// Sets a monitor under a number that was drawn.
    pub(crate) fn monitor_as<N>(&mut self, monitor: u64, other: Pid<N>) -> Monitor {
        let state = self.state();
        if other.raw != state.pid {
            state.bonds().monitors.watch(monitor, other.raw);
            let from = state.pid;
            state.publish();
            state.tell_tied(other.raw, Control::Monitor { from, monitor });
        }
        Monitor(monitor)
    }

    /// Ends a monitor, and takes its `Down` out of the mailbox if it is there: none comes from here on. True if the
    /// monitor had not fired. An alias that was made with it is closed.
    pub fn demonitor(&mut self, monitor: Monitor) -> bool {
        let state = self.state();
        state.bonds().aliases.close_with(monitor.0);
        state.fetch();
        let active = state.bonds().monitors.unwatch(monitor.0);
        state.publish();
        // One that is not known yet is told when it is found.
        if let Some(other) = active.filter(|other| !other.is_nobody()) {
            send::control(state.node(), other, Control::Demonitor { from: state.pid, monitor: monitor.0 });
        }
        let is_it = |letter: &Owned| matches!(letter.as_notice(), Some(Notice::Down { monitor: fired, .. }) if *fired == monitor);
        if active.is_none() && state.queue.take(is_it).is_some() {
            state.notes().take_one();
        }
        active.is_some()
    }
}

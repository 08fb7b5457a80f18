//! The only place that ends a process.
//!
//! In this order: its door is closed and its name is nobody's (the scheduler did that), its future is dropped, its
//! registered names are free and what else it holds is released, and only then do exit and down signals leave. Whoever
//! sees that it has ended finds nothing of it any more.

use crate::{body::State, reason::Reason, report, send, signal::Control};
use std::fmt;

pub(crate) fn reap(mut state: State) {
    let (node, pid) = (state.node(), state.pid);
    // A process that is ended without a reason is ended by the stop of its runtime.
    let reason = state.exit.take().unwrap_or(Reason::Killed);
    if !reason.is_normal() {
        report::ended(&state, &reason);
    }
    if pid.marks().has_gate() {
        // Closed before anybody learns of the end, so that whoever waits before it goes on.
        for letter in node.gates.close(pid) {
            if letter.is_naming() {
                state.bonds().named = true;
            }
            state.queue.push(letter);
        }
    }
    let mut on_end = None;
    if let Some(mut bonds) = state.take_bonds() {
        on_end = bonds.on_end.take();
        if bonds.named {
            node.names.release(pid);
        }
        for release in std::mem::take(&mut bonds.releases.0) {
            holm_scheduler::quietly(release); // one that panics keeps neither the others nor the signals back
        }
        if bonds.born_abroad {
            node.parents.lock().remove(&pid);
        }
        if bonds.watches_nodes {
            node.watch_nodes(pid, false);
        }
        if bonds.stops_first {
            node.stop_first(pid, false);
        }
        if bonds.abroad {
            node.peers.forget(pid);
        }
        for &(caller, call) in &bonds.unanswered {
            crate::reply::unanswered(node, caller, call, reason.clone());
        }
        for other in bonds.links.linked() {
            send::control(node, other, Control::Exit { from: pid, reason: reason.clone(), by_link: true });
        }
        for (watcher, monitor) in bonds.monitors.watchers() {
            send::control(node, watcher, Control::Down { from: pid, monitor, reason: reason.clone() });
        }
        for (other, monitor) in bonds.monitors.watched() {
            send::control(node, other, Control::Demonitor { from: pid, monitor });
        }
    }
    while let Some(letter) = state.queue.pop() {
        match letter.into_control() {
            Ok(control) => send::bounce(node, control, pid),
            Err(letter) => drop(letter),
        }
    }
    if let Some(OnEnd(then)) = on_end {
        holm_scheduler::quietly(|| then(reason));
    }
}

/// What is called with the reason when a process has ended, after all else.
pub(crate) struct OnEnd(Box<dyn FnOnce(Reason) + Send>);

impl OnEnd {
    pub(crate) fn new(then: impl FnOnce(Reason) + Send + 'static) -> Self {
        OnEnd(Box::new(then))
    }
}

impl fmt::Debug for OnEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnEnd(..)")
    }
}

thread_local! {
    static ENDING: std::cell::RefCell<Option<Reason>> = const { std::cell::RefCell::new(None) };
}

/// While a process's future and letters are dropped: the reason with which it ended, for calls whose answers go down
/// with it.
pub(crate) struct Ending(Option<Reason>);

impl Ending {
    pub(crate) fn with(reason: Reason) -> Self {
        Ending(ENDING.replace(Some(reason)))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        ENDING.set(self.0.take());
    }
}

/// Drops what came too late, which may hold a reply of its own: nobody's end is the reason.
#[cold]
pub(crate) fn let_go<T>(late: T) {
    let _ending = Ending::with(Reason::Normal);
    drop(late);
}

/// Why whatever is dropped on this thread now is dropped: a process ends, or somebody lets go of it.
pub(crate) fn ending() -> Option<Reason> {
    ENDING.with_borrow(Clone::clone)
}

//! A process's handle on itself: what its code is given, and with which it receives, links, monitors and spawns.
//!
//! | file | what |
//! | --- | --- |
//! | `receive` | messages and notices out of the mailbox |
//! | `ties` | exits, links and monitors |
//!
//! Names are given in [`names`](crate::names), aliases made in [`alias`](crate::alias), calls begun in
//! [`call`](crate::call), children started in [`spawn`](crate::spawn) and [`entry`](crate::entry).

mod receive;
mod ties;

pub(crate) use receive::within;
pub use {receive::Event, ties::Monitor};

use crate::{
    body::State,
    message::Message,
    pid::{NodeId, Pid},
    reason::Reason,
    send,
    signal::Control,
};
use holm_scheduler::{Slot, current};
use std::{fmt, marker::PhantomData};

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

    // ---- nodes ----

    /// Has this run when the process has ended, after its future is dropped and with the release of its names: before
    /// any exit or down signal leaves. So tables that others read can be cleared of a process before anybody can see
    /// that it has ended.
    ///
    /// It runs on a scheduler, for as long as a destructor should take; it must neither wait nor use the process. A panic
    /// in it goes nowhere.
    ///
    /// ```
    /// use holm::Process;
    /// use std::sync::{Arc, Mutex};
    ///
    /// holm::block_on(async |mut me: Process<()>| {
    ///     let present = Arc::new(Mutex::new(vec!["you"]));
    ///     let table = present.clone();
    ///     let guest = async move |mut me: Process<()>| {
    ///         table.lock().unwrap().push("guest");
    ///         me.on_release(move || table.lock().unwrap().retain(|name| *name != "guest"));
    ///     };
    ///     let (_, monitor) = me.spawn_monitor(guest).unwrap();
    ///     me.down(monitor).await;
    ///     assert_eq!(*present.lock().unwrap(), ["you"]);
    /// })
    /// .unwrap();
    /// ```
    pub fn on_release(&mut self, release: impl FnOnce() + Send + 'static) {
        self.state().bonds().releases.0.push(Box::new(release));
    }

    /// Whether nodes that come and go are told as [`crate::Notice::Node`].
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
/// | [`Reason::Normal`] | [`crate::Notice::Exit`] | nothing (to oneself: ends) |
/// | any other | [`crate::Notice::Exit`] | ends with it |
pub fn exit<N>(pid: Pid<N>, reason: Reason) {
    let Some(node) = crate::node::here() else { return };
    send::control(node, pid.raw, Control::Exit { from: current_pid(node), reason, by_link: false });
}

/// The pid of the process whose turn it is; a plain task has one that is nobody's.
pub(crate) fn current_pid(node: &crate::node::Node) -> crate::pid::RawPid {
    match current() {
        Some((slot, id)) => crate::deliver::pid_of(node, slot, id).0,
        None => crate::pid::RawPid { node: node.id, slot: u32::MAX, generation: u32::MAX },
    }
}

/// The key under which a link keeps the order of what the current process sends; see `RawPid::order_key`.
pub(crate) fn current_order_key() -> u64 {
    current().map_or(u64::MAX, |(_, id)| crate::pid::order_key(id.slot, id.generation))
}

/// True if a process of this node lives. A process of another node is asked by a monitor.
pub fn is_alive<N>(pid: Pid<N>) -> bool {
    crate::node::here().is_some_and(|node| pid.raw.node == node.id && crate::deliver::is_alive(node, pid.raw))
}

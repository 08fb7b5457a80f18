//! The body of a process: its state and its future, side by side in one slot.
//!
//! Each turn first takes what lies at the door and acts on the signals among it, in order; what is for the program
//! (messages, trapped exits, downs) goes to the queue that `receive` reads. So a process is reached by an exit signal
//! at its next turn, whatever it waits for.

use crate::{
    bonds::{Bonds, Call, monitors::Target},
    dist::SpawnAnswer,
    info::Ties,
    letter::{Owned, Queue, Sort},
    mailbox::{self, Gate},
    node::Node,
    pid::{NodeId, Pid, RawPid},
    process::Monitor,
    reap,
    reason::{IntoReason, Reason},
    report, send,
    signal::{Control, Notice, Watched},
    spawn::SpawnError,
};
use holm_scheduler::{BODY_ALIGN, BODY_SIZE, Body, Notes, Parcels, Slot, TaskId, take_parcels};
use std::{
    future::Future,
    mem::ManuallyDrop,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    ptr::{self, NonNull},
    task::{Context, Poll},
};

/// What a process owns beside its future. Only the worker that runs the process touches it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) node: NonNull<Node>,
    pub(crate) pid: RawPid,
    /// Received and not yet taken: messages and notices; after `exit` is set also signals that came too late.
    pub(crate) queue: Queue,
    bonds: Option<Box<Bonds>>,
    /// Set when the process is to end.
    pub(crate) exit: Option<Reason>,
    pub(crate) trapping: bool,
}

impl State {
    pub(crate) fn new(node: &Node, pid: RawPid) -> Self {
        State { node: NonNull::from(node), pid, queue: Queue::new(), bonds: None, exit: None, trapping: false }
    }

    pub(crate) fn node(&self) -> &'static Node {
        // SAFETY: the runtime keeps the node until all processes have ended.
        unsafe { self.node.as_ref() }
    }

    /// A number that this process has not used: for monitors, unlinks and calls.
    pub(crate) fn number(&mut self) -> u64 {
        self.bonds().number()
    }

    pub(crate) fn bonds(&mut self) -> &mut Bonds {
        self.bonds.get_or_insert_default()
    }

    pub(crate) fn take_bonds(&mut self) -> Option<Box<Bonds>> {
        self.bonds.take()
    }

    /// The process begins to depend on a process of another node. False if that node is not connected: whatever ties
    /// this process to it has ended just now.
    pub(crate) fn depend_on(&mut self, node: NodeId) -> bool {
        if node == self.pid.node {
            return true;
        }
        self.bonds().abroad = true;
        let connected = self.node().peers.bind(self.pid, node);
        if !connected {
            self.lose_node(node);
        }
        connected
    }

    /// Tells another process of a tie that was just made on this side.
    pub(crate) fn tell_tied(&mut self, other: RawPid, control: Control) {
        if self.depend_on(other.node) {
            send::control(self.node(), other, control);
        }
    }

    /// Begins a call; it ends when the node is lost.
    pub(crate) fn begin_call(&mut self, call: u64, node: NodeId) {
        self.bonds().calls.begin(call, node, None);
        self.depend_on(node);
    }

    /// Begins a request to a node, whose answer may be a process with ties to this one.
    pub(crate) fn begin_call_to_node(
        &mut self,
        call: u64,
        node: NodeId,
        ties: Option<(bool, Option<u64>)>,
    ) -> Result<(), SpawnError> {
        self.bonds().calls.begin(call, node, ties);
        match self.depend_on(node) {
            true => Ok(()),
            false => {
                self.bonds().calls.forget(call);
                Err(SpawnError::NoConnection)
            }
        }
    }

    /// Takes what lies at the door and acts on it; true if there is something new to receive.
    #[inline]
    pub(crate) fn fetch(&mut self) -> bool {
        let (mut news, mut received) = (false, 0);
        for parcel in take_parcels() {
            // SAFETY: what lies at a process's door are letters, and what was taken is ours.
            let letter = unsafe { Owned::from_raw(parcel) };
            if letter.label() != u64::from(self.pid.generation) && !self.comes_in(&letter) {
                let _ending = reap::Ending::with(Reason::NoProc);
                drop(letter);
                continue;
            }
            match letter.sort() {
                Sort::Message => {
                    self.queue.push(letter);
                    received += 1;
                }
                _ => news |= self.act(letter),
            }
        }
        self.count(received) || news
    }

    /// Counts what has come into the mailbox; true if something has.
    #[inline]
    fn count(&mut self, received: u64) -> bool {
        if received == 0 {
            return false;
        }
        let count = self.notes().add(received);
        if count > self.node().long_mailbox.threshold() {
            self.report(count, received);
        }
        true
    }

    /// The mailbox is long, or was.
    #[cold]
    fn report(&mut self, count: u64, received: u64) {
        let (count, is_due) = self.node().long_mailbox.look(count, received);
        self.notes().set_count(count);
        if is_due {
            tracing::warn!(pid = ?self.pid, len = mailbox::len(count), "a mailbox is long");
        }
    }

    /// What others may read of the process.
    #[inline]
    pub(crate) fn notes(&self) -> &'static Notes {
        Slot::at(self.pid.index()).expect("a process lives in a slot").notes()
    }

    /// Publishes the ties, for `process_info`.
    pub(crate) fn publish(&self) {
        let bonds = self.bonds.as_deref();
        let ties = Ties {
            links: bonds.map_or(0, |bonds| bonds.links.len()),
            monitors: bonds.map_or(0, |bonds| bonds.monitors.len().0),
            monitored_by: bonds.map_or(0, |bonds| bonds.monitors.len().1),
            trapping: self.trapping,
        };
        self.notes().set_figures(ties.pack());
    }

    /// Takes what lies behind the gate, as from the door.
    fn look_behind(&mut self, gate: &Gate) -> bool {
        let mut news = false;
        for (letter, _) in gate.look() {
            if letter.label() != u64::from(self.pid.generation) && !self.comes_in(&letter) {
                let _ending = reap::Ending::with(Reason::NoProc);
                drop(letter);
                continue;
            }
            match letter.sort() {
                Sort::Message => {
                    self.queue.push(letter);
                    self.notes().add(1);
                    news = true;
                }
                _ => news |= self.act(letter),
            }
        }
        while gate.has_too_many() {
            let _ending = reap::Ending::with(Reason::Overflow);
            drop(self.queue.take(|letter| letter.sort() == Sort::Message));
            self.notes().take_one();
        }
        news
    }

    /// True if a letter is for this process and no earlier one of its slot, and came through an alias that is open.
    #[cold]
    fn comes_in(&mut self, letter: &Owned) -> bool {
        letter.generation() == self.pid.generation && self.bonds().aliases.is_open(letter.alias())
    }

    #[cold]
    fn act(&mut self, letter: Owned) -> bool {
        if letter.is_naming() {
            self.bonds().named = true; // also if it comes too late for all else: `reap` frees the name
            return false;
        }
        let letter = match letter.into_bell() {
            Ok(gate) => return self.look_behind(&gate),
            Err(letter) => letter,
        };
        if self.exit.is_some() {
            self.queue.push(letter); // too late: `reap` answers it
            return false;
        }
        if let Some(call) = letter.call() {
            return match self.bonds().calls.settle(call, Call::Answered(letter)) {
                Ok(()) => true,
                Err(late) => {
                    reap::let_go(late);
                    false
                }
            };
        }
        match letter.into_control() {
            Ok(control) => {
                let news = self.obey(control);
                self.publish();
                news
            }
            Err(letter) => {
                self.queue.push(letter);
                true
            }
        }
    }

    /// Acts on a control signal; true if there is something new to receive.
    fn obey(&mut self, control: Control) -> bool {
        match control {
            Control::Exit { from, reason, by_link } => return self.exit_signal(from, reason, by_link),
            Control::Link { from } => {
                self.bonds().links.linked_by(from);
                return !self.depend_on(from.node);
            }
            Control::Unlink { from, unlink } => {
                self.bonds().links.unlinked_by(from);
                send::control(self.node(), from, Control::UnlinkAck { from: self.pid, unlink });
            }
            Control::UnlinkAck { from, unlink } => self.bonds().links.unlink_acknowledged(from, unlink),
            Control::Monitor { from, monitor } => {
                self.bonds().monitors.watched_by(from, monitor);
                self.depend_on(from.node);
            }
            Control::Demonitor { from, monitor } => self.bonds().monitors.unwatched_by(from, monitor),
            Control::Found { from, monitor } => {
                if !self.bonds().monitors.found(monitor, from) {
                    send::control(self.node(), from, Control::Demonitor { from: self.pid, monitor });
                }
            }
            Control::Named => unreachable!("`act` takes it"),
            Control::Moved { call, node, hop } => {
                return self.bonds().calls.moved(call, node, hop) && !self.depend_on(node);
            }
            Control::Down { from, monitor, reason } => return self.down(from, monitor, reason),
            Control::NoAnswer { call, reason } => return self.bonds().calls.settle(call, Call::Ended(reason)).is_ok(),
            Control::EncodedAnswer { call, hash, bytes } => {
                self.tie_spawned(call, &bytes);
                return self.bonds().calls.settle(call, Call::Encoded { hash, bytes }).is_ok();
            }
            Control::ConnectionLost { node } => {
                self.lose_node(node);
                return true;
            }
            Control::Node(event) => {
                self.notice(Notice::Node(event));
                return true;
            }
            Control::Overflow => self.exit = Some(Reason::Overflow),
        }
        false
    }

    /// The turn is over, and the process lives on: it let go of these requests for no reason.
    #[inline]
    fn tell_unanswered(&mut self) {
        if self.exit.is_none()
            && let Some(bonds) = &mut self.bonds
            && !bonds.unanswered.is_empty()
            && !bonds.concluding
        {
            let unanswered = std::mem::take(&mut bonds.unanswered);
            for (caller, call) in unanswered {
                crate::reply::unanswered(self.node(), caller, call, Reason::Normal);
            }
        }
    }

    /// The connection to a node is lost: what tied this process to it ends, here.
    fn lose_node(&mut self, node: NodeId) {
        let lost = self.bonds().lose_node(node);
        for pid in lost.links {
            self.take_effect(pid, Reason::NoConnection);
        }
        for (monitor, target) in lost.monitors {
            self.notice_down(monitor, target, Reason::NoConnection);
        }
    }

    /// A process that was asked for has its pid: its ties hold from here on, before any signal of it is looked at.
    fn tie_spawned(&mut self, call: u64, answer: &[u8]) {
        if let Some((link, monitor)) = self.bonds().calls.take_ties(call)
            && let Ok(Ok(child)) = postcard::from_bytes::<SpawnAnswer>(answer)
        {
            self.bind_child(child.raw, link, monitor);
        }
    }

    /// The table of exit signals; see `docs/processes.md`.
    fn exit_signal(&mut self, from: RawPid, reason: Reason, by_link: bool) -> bool {
        match by_link {
            true if !self.bonds().links.exited(from) => false,
            false if reason == Reason::Kill => {
                self.exit = Some(Reason::Killed);
                false
            }
            false if reason.is_normal() && from == self.pid && !self.trapping => {
                self.exit = Some(reason);
                false
            }
            _ => self.take_effect(from, reason),
        }
    }

    fn take_effect(&mut self, from: RawPid, reason: Reason) -> bool {
        if self.trapping {
            self.notice(Notice::Exit { from: Pid::new(from), reason });
            return true;
        }
        if !reason.is_normal() && self.exit.is_none() {
            self.exit = Some(reason);
        }
        false
    }

    fn down(&mut self, from: RawPid, monitor: u64, reason: Reason) -> bool {
        let Some(target) = self.bonds().monitors.fired(monitor, from) else { return false };
        self.bonds().aliases.close_with(monitor);
        self.notice_down(monitor, target, reason);
        true
    }

    fn notice_down(&mut self, monitor: u64, (pid, name): Target, reason: Reason) {
        let watched = match name {
            Some(name) => Watched::Name(name, pid.node),
            None => Watched::Process(Pid::new(pid)),
        };
        self.notice(Notice::Down { monitor: Monitor(monitor), watched, reason });
    }

    fn notice(&mut self, notice: Notice) {
        self.queue.push(Owned::notice(self.pid.generation, notice));
        self.notes().add(1);
    }
}

impl State {
    /// What the body returned; an error that nobody hears of is told.
    #[inline]
    fn returned(&self, reason: Reason) -> Reason {
        if matches!(reason, Reason::Error(_)) && self.bonds.as_ref().is_none_or(|bonds| bonds.is_alone()) {
            report::lost(self, &reason);
        }
        reason
    }
}

/// The process that runs lets go of a request. Whether it ends in this turn, and why, is not known yet, and the caller
/// is told at the turn's end. False if no process runs here.
pub(crate) fn leave_unanswered(caller: RawPid, call: u64) -> bool {
    let process = holm_scheduler::current().filter(|(slot, id)| slot.tag_of(id.generation).is_some());
    if let Some((slot, _)) = process {
        // SAFETY: a task with a tag is a process, whose state comes first; it is this one's turn, and its own code runs,
        // which holds no reference to the state. (What the runtime drops, it drops under a `reap::Ending`.)
        unsafe { &mut *slot.body().cast::<State>() }.bonds().unanswered.push((caller, call));
    }
    process.is_some()
}

/// A process in its slot; the state comes first, where [`crate::process::Process`] finds it.
#[repr(C)]
pub(crate) struct ProcessBody<F> {
    state: State,
    future: ManuallyDrop<F>,
}

impl<F> ProcessBody<F> {
    /// Whether the future fits beside the state; if not, it is boxed.
    pub(crate) const FITS: bool = size_of::<Self>() <= BODY_SIZE && align_of::<Self>() <= BODY_ALIGN;

    pub(crate) fn new(state: State, future: F) -> Self {
        ProcessBody { state, future: ManuallyDrop::new(future) }
    }
}

// SAFETY: 1. the future runs and is dropped inside `catch_unwind`, the rest does not panic; 2. `end` drops both parts.
unsafe impl<F: Future<Output: IntoReason> + 'static> Body for ProcessBody<F> {
    unsafe fn poll(this: *mut Self, context: &mut Context<'_>) -> Poll<()> {
        // The future holds a `Process`, which reaches the state during the poll: no reference to it is kept here.
        // SAFETY: (of all derefs) the body is ours during the turn, and parts are borrowed one after another.
        unsafe { (*this).state.fetch() };
        // SAFETY: as above.
        if unsafe { (*this).state.exit.is_none() } {
            // SAFETY: the future stays where it is until it is dropped there.
            let future = unsafe { Pin::new_unchecked(&mut *(*this).future) };
            let polled = catch_unwind(AssertUnwindSafe(|| future.poll(context).map(IntoReason::into_reason)));
            // SAFETY: as above.
            let state = unsafe { &mut (*this).state };
            let reason = match polled {
                Ok(Poll::Pending) => None,
                Ok(Poll::Ready(reason)) => Some(state.returned(reason)),
                Err(payload) => Some(report::panicked(state, payload)),
            };
            // The first reason counts: one that came by a signal was there before.
            if state.exit.is_none() {
                state.exit = reason;
            }
            state.tell_unanswered();
        }
        // SAFETY: as above.
        match unsafe { (*this).state.exit.is_some() } {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    unsafe fn end(this: *mut Self, _: TaskId, parcels: Parcels) {
        // SAFETY: as in `poll`.
        let _ending = reap::Ending::with(unsafe { (*this).state.exit.clone() }.unwrap_or(Reason::Killed));
        // SAFETY: called once; the future is dropped in place and not touched again. Its destructors may use the state.
        let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { ManuallyDrop::drop(&mut (*this).future) }));
        // SAFETY: the state is moved out, and the body is not touched again.
        let mut state = unsafe { ptr::read(&raw const (*this).state) };
        if let Err(payload) = dropped {
            let panicked = report::panicked(&state, payload);
            // P-18: a destructor's panic becomes the reason of a process that had none of its own.
            state.exit = match state.exit {
                None | Some(Reason::Normal) => Some(panicked),
                first => first,
            };
        }
        for parcel in parcels {
            // SAFETY: as in `fetch`.
            let letter = unsafe { Owned::from_raw(parcel) };
            if letter.generation() == state.pid.generation {
                if letter.is_naming() {
                    state.bonds().named = true;
                }
                state.queue.push(letter);
            }
        }
        reap::reap(state);
    }
}

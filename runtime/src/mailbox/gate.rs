//! The gate of a process with a bounded mailbox: the rules of `room.rs` under a lock, and what follows from them.
//!
//! Letters are dropped, senders told and bells rung after the lock is free: a letter's destructor is the user's code, and
//! a sender that is told may send.

use super::{
    Mailbox,
    room::{Acknowledge, Arrived, Behind, Figures, Met, Room, Told},
};
use crate::{deliver, dist, letter::Owned, node, pid::RawPid, reap::Ending, reason::Reason, signal::Control};
use parking_lot::{Mutex, RwLock};
use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Parts of the table of gates, each with a lock of its own.
const PARTS: usize = 16;

/// The gates of a node's processes.
#[derive(Debug, Default)]
pub(crate) struct Gates([RwLock<HashMap<RawPid, Arc<Gate>>>; PARTS]);

impl Gates {
    fn part(&self, pid: RawPid) -> &RwLock<HashMap<RawPid, Arc<Gate>>> {
        &self.0[pid.slot as usize % PARTS]
    }

    /// A process with a gate begins.
    pub(crate) fn open(&self, pid: RawPid, mailbox: Mailbox) {
        let gate = Gate { pid, room: Mutex::new(Room::new(mailbox)) };
        self.part(pid).write().insert(pid, Arc::new(gate));
    }

    pub(crate) fn get(&self, pid: RawPid) -> Option<Arc<Gate>> {
        self.part(pid).read().get(&pid).cloned()
    }

    /// A process with a gate has ended: what lay behind the gate comes back, and nobody waits before it any more.
    pub(crate) fn close(&self, pid: RawPid) -> Vec<Owned> {
        let gate = self.part(pid).write().remove(&pid);
        gate.map(|gate| gate.close()).unwrap_or_default()
    }
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Gate {
    pid: RawPid,
    room: Mutex<Room<Owned>>,
}

/// What became of a message that was brought to a gate.
#[derive(Debug)]
pub(crate) enum Offer {
    In,
    /// It waits, and whoever wanted to be told will be.
    Waits,
    Full(Owned),
    /// The process ends, or has ended.
    Gone(Owned),
}

impl Gate {
    /// Brings a message. If there is no room, it waits if somebody is named who does.
    pub(crate) fn offer(self: &Arc<Self>, letter: Owned, size: u64, wait: Option<Told>) -> Offer {
        let mut room = self.room.lock();
        let (dropped, overflowed) = match room.enter(letter, size) {
            Met::In(dropped) => (dropped, false),
            Met::Overflowed(dropped) => (dropped, true),
            Met::Gone(letter) => return Offer::Gone(letter.without_place()),
            Met::Full(letter) => {
                return match wait {
                    Some((from, tell)) => {
                        room.wait(letter, size, from, tell);
                        Offer::Waits
                    }
                    None => Offer::Full(letter.without_place()),
                };
            }
        };
        let (rings, long) = (room.must_ring(), room.must_warn());
        drop(room);
        if let Some(len) = long {
            tracing::warn!(pid = ?self.pid, len, "a mailbox is long");
        }
        drop_all(dropped.into_iter().map(Owned::without_place));
        if overflowed {
            // A process that has ended meanwhile needs no end.
            let _ = self.signal(Owned::control(self.pid.generation, Control::Overflow), Behind::None);
        }
        if rings {
            self.ring();
        }
        Offer::In
    }

    /// Brings a message that no bound counts for.
    pub(crate) fn admit(self: &Arc<Self>, letter: Owned, size: u64) -> Offer {
        let mut room = self.room.lock();
        match room.admit(letter, size) {
            Ok(()) => self.follow_up(room, Vec::new()),
            Err(letter) => return Offer::Gone(letter.without_place()),
        }
        Offer::In
    }

    /// Drops a message that found no room, and whose sender cannot be told.
    pub(crate) fn count_dropped(&self, letter: Owned) {
        self.room.lock().count_dropped();
        drop_all(std::iter::once(letter));
    }

    /// True if a message of this sender, which is of another node, waits already.
    pub(crate) fn waits_for(&self, from: RawPid) -> bool {
        self.room.lock().waits_for(from)
    }

    /// Brings a signal that is no message.
    ///
    /// # Errors
    ///
    /// Gives it back if the process has ended.
    pub(crate) fn signal(self: &Arc<Self>, letter: Owned, behind: Behind) -> Result<(), Owned> {
        let mut room = self.room.lock();
        room.signal(letter, behind)?;
        self.follow_up(room, Vec::new());
        Ok(())
    }

    /// The process looks at what has arrived.
    pub(crate) fn look(&self) -> VecDeque<Arrived<Owned>> {
        self.room.lock().look()
    }

    /// True if the process has to drop the oldest message that it has looked at; it is counted.
    pub(crate) fn has_too_many(&self) -> bool {
        let mut room = self.room.lock();
        let too_many = room.has_too_many();
        if too_many {
            room.count_dropped();
        }
        too_many
    }

    /// A sender no longer waits: its message, if that is not in.
    pub(crate) fn withdraw(&self, is_it: impl Fn(RawPid, &Acknowledge) -> bool) -> Option<Owned> {
        self.room.lock().withdraw(is_it).map(Owned::without_place)
    }

    /// What can be said of the mailbox.
    pub(crate) fn figures(&self) -> Figures {
        self.room.lock().figures()
    }

    fn leave(self: &Arc<Self>, size: u64) {
        let mut room = self.room.lock();
        let told = room.leave(size);
        self.follow_up(room, told);
    }

    fn close(&self) -> Vec<Owned> {
        let (arrived, waiting, told) = self.room.lock().close();
        self.tell(told);
        let arrived = arrived.into_iter().map(|(letter, _)| letter);
        arrived.chain(waiting.into_iter().map(Owned::without_place)).collect()
    }

    fn follow_up(self: &Arc<Self>, mut room: parking_lot::MutexGuard<'_, Room<Owned>>, told: Vec<Told>) {
        let rings = room.must_ring();
        drop(room);
        self.tell(told);
        if rings {
            self.ring();
        }
    }

    fn tell(&self, told: Vec<Told>) {
        for (from, tell) in told {
            match (tell, node::here()) {
                (Acknowledge::Here(ack), _) => ack.settle(true),
                (Acknowledge::There, Some(node)) => dist::acknowledge(node, from, self.pid, true),
                (Acknowledge::There, None) => {} // the runtime is gone, and its links with it
            }
        }
    }

    fn ring(self: &Arc<Self>) {
        if let Some(node) = node::here() {
            deliver::ring(node, self.pid, self.clone());
        }
    }
}

/// Drops messages for which there was no room. What their destructors do is theirs, also a panic.
fn drop_all(letters: impl Iterator<Item = Owned>) {
    let _ending = Ending::with(Reason::Overflow);
    for letter in letters {
        drop(catch_unwind(AssertUnwindSafe(|| drop(letter))));
    }
}

/// A message's place in a bounded mailbox; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Option<Arc<Gate>>,
    size: u64,
}

impl Place {
    pub(crate) fn new(gate: Arc<Gate>, size: u64) -> Self {
        Place { gate: Some(gate), size }
    }

    /// The message was not let in, or is counted out already.
    pub(crate) fn forget(&mut self) {
        self.gate = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            gate.leave(self.size);
        }
    }
}

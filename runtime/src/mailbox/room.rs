//! The rules of a bounded mailbox, as plain data: what is let in, what waits, what is dropped.
//!
//! ```text
//!                         ┌ waiting: full, and its sender waits ┐
//!   a message ──► full? ──┤                                     ├──► arrived ──► looked at ──► taken
//!                         └ room ───────────────────────────────┘    (both count: `len`)
//!   any other signal ────────────────────────────────────────────► arrived
//! ```
//!
//! Messages that were looked at lie in the process's own queue, out of reach; only their number is known here.
//!
//! Rules:
//! 1. Somebody waits only while the mailbox is full: whoever makes room lets the first in. So nobody is overtaken.
//! 2. A signal does not overtake a message of its own sender: one that waits is let in before it, bound or not.
//! 3. What is let in or given back tells whoever waits for it, once.
//! 4. The bell is rung when something has arrived and was not rung since the process last looked.
//!
//! The lock around this is `gate.rs`'s, and so is all that acts: ringing, dropping letters, waking senders.

use super::{Ack, Mailbox, Overflow};
use crate::pid::{NodeId, RawPid};
use std::collections::VecDeque;

/// Who is told that a message is in.
#[derive(Clone, Debug)]
pub(crate) enum Acknowledge {
    /// A process of this node.
    Here(Ack),
    /// The process of another node that sent it.
    There,
}

/// What arrived: a letter, and its size if it is a message.
pub(super) type Arrived<L> = (L, Option<u64>);

/// A message that waits for room.
#[derive(Debug)]
struct Waiting<L> {
    letter: L,
    size: u64,
    from: RawPid,
    tell: Acknowledge,
}

/// Who is to be told that its message is in.
pub(super) type Told = (RawPid, Acknowledge);

/// What a message met.
#[derive(Debug)]
pub(super) enum Met<L> {
    /// It is in; these were dropped for it.
    In(Vec<L>),
    /// The mailbox is full.
    Full(L),
    /// It was the one too much: the process has to end, and these are dropped.
    Overflowed(Vec<L>),
    /// The process ends, or has ended.
    Gone(L),
}

/// Whom a signal must not overtake.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behind {
    /// Nobody.
    None,
    /// Its sender.
    Process(RawPid),
    /// All of a node: it is lost.
    Node(NodeId),
}

/// What can be said of a bounded mailbox.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Messages that are in and not taken.
    pub(crate) len: u64,
    /// Their sizes.
    pub(crate) bytes: u64,
    /// Messages that stand before it.
    pub(crate) waiting: u64,
    /// Messages that were dropped for newer ones.
    pub(crate) dropped: u64,
}

/// How long a process has to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// It is to end; no message is let in.
    Overflowed,
    /// It has ended; nothing is let in.
    Ended,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Room<L> {
    limits: Mailbox,
    /// Messages that are in and not taken, and their sizes.
    len: u64,
    bytes: u64,
    arrived: VecDeque<Arrived<L>>,
    arrived_len: u64,
    arrived_bytes: u64,
    waiting: VecDeque<Waiting<L>>,
    rung: bool,
    stage: Stage,
    dropped: u64,
    warned: bool,
}

impl<L> Room<L> {
    pub(super) fn new(limits: Mailbox) -> Self {
        Room {
            limits,
            len: 0,
            bytes: 0,
            arrived: VecDeque::new(),
            arrived_len: 0,
            arrived_bytes: 0,
            waiting: VecDeque::new(),
            rung: false,
            stage: Stage::Open,
            dropped: 0,
            warned: false,
        }
    }

    pub(super) fn figures(&self) -> Figures {
        Figures { len: self.len, bytes: self.bytes, waiting: self.waiting.len() as u64, dropped: self.dropped }
    }

    /// A message wants to come in.
    pub(super) fn enter(&mut self, letter: L, size: u64) -> Met<L> {
        if self.stage != Stage::Open {
            return Met::Gone(letter);
        }
        if self.has_room(size) {
            self.arrive(letter, Some(size));
            return Met::In(Vec::new());
        }
        match self.limits.overflow {
            Overflow::Wait | Overflow::Busy => Met::Full(letter),
            Overflow::DropOldest => {
                self.arrive(letter, Some(size));
                Met::In(self.drop_oldest())
            }
            Overflow::Kill => {
                self.stage = Stage::Overflowed;
                let mut dropped = self.drop_messages();
                dropped.push(letter);
                Met::Overflowed(dropped)
            }
        }
    }

    /// A message comes in, whether there is room or not. It comes back if the process ends, or has ended.
    pub(super) fn admit(&mut self, letter: L, size: u64) -> Result<(), L> {
        if self.stage != Stage::Open {
            return Err(letter);
        }
        self.arrive(letter, Some(size));
        Ok(())
    }

    /// A message for which there was no room waits.
    pub(super) fn wait(&mut self, letter: L, size: u64, from: RawPid, tell: Acknowledge) {
        self.waiting.push_back(Waiting { letter, size, from, tell });
    }

    /// True if a message of this sender, which is of another node, waits already.
    pub(super) fn waits_for(&self, from: RawPid) -> bool {
        self.waiting.iter().any(|waiting| waiting.from == from && matches!(waiting.tell, Acknowledge::There))
    }

    /// A signal that is no message; rule 2. It comes back if the process has ended.
    pub(super) fn signal(&mut self, letter: L, behind: Behind) -> Result<Vec<Told>, L> {
        if self.stage == Stage::Ended {
            return Err(letter);
        }
        let mut told = Vec::new();
        let goes_first = |from: RawPid| match behind {
            Behind::None => false,
            Behind::Process(process) => from == process,
            Behind::Node(node) => from.node == node,
        };
        while let Some(at) = self.waiting.iter().position(|waiting| goes_first(waiting.from)) {
            let waiting = self.waiting.remove(at).expect("its position was just found");
            told.push(self.let_in(waiting));
        }
        self.arrive(letter, None);
        Ok(told)
    }

    /// The process looks at what has arrived.
    pub(super) fn look(&mut self) -> VecDeque<Arrived<L>> {
        self.rung = false;
        (self.arrived_len, self.arrived_bytes) = (0, 0);
        std::mem::take(&mut self.arrived)
    }

    /// A message has left: it was taken, or dropped by the process.
    pub(super) fn leave(&mut self, size: u64) -> Vec<Told> {
        self.len -= 1;
        self.bytes -= size;
        self.warned &= self.limits.warn_len.is_some_and(|warn_len| self.len > u64::from(warn_len) / 2);
        let mut told = Vec::new();
        while let Some(first) = self.waiting.front()
            && self.stage == Stage::Open
            && self.has_room(first.size)
        {
            let first = self.waiting.pop_front().expect("it was just looked at");
            told.push(self.let_in(first));
        }
        told
    }

    /// True if the process has to drop the oldest message that it has looked at.
    pub(super) fn has_too_many(&self) -> bool {
        self.limits.overflow == Overflow::DropOldest
            && self.is_over(self.len, self.bytes)
            && self.len > self.arrived_len
    }

    /// A message is dropped for want of room.
    pub(super) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// A sender no longer waits.
    pub(super) fn withdraw(&mut self, is_it: impl Fn(RawPid, &Acknowledge) -> bool) -> Option<L> {
        let at = self.waiting.iter().position(|waiting| is_it(waiting.from, &waiting.tell))?;
        self.waiting.remove(at).map(|waiting| waiting.letter)
    }

    /// The process has ended: what has arrived, what waited, and who waited.
    pub(super) fn close(&mut self) -> (VecDeque<Arrived<L>>, Vec<L>, Vec<Told>) {
        self.stage = Stage::Ended;
        let waiting = std::mem::take(&mut self.waiting);
        let (letters, told) = waiting.into_iter().map(|waiting| (waiting.letter, (waiting.from, waiting.tell))).unzip();
        (self.look(), letters, told)
    }

    /// True if the bell has to be rung; rule 4.
    pub(super) fn must_ring(&mut self) -> bool {
        !self.arrived.is_empty() && !std::mem::replace(&mut self.rung, true)
    }

    /// The number of messages, if a warning has to be given of it.
    pub(super) fn must_warn(&mut self) -> Option<u64> {
        let over = self.limits.warn_len.is_some_and(|warn_len| self.len > u64::from(warn_len));
        (over && !std::mem::replace(&mut self.warned, true)).then_some(self.len)
    }

    fn has_room(&self, size: u64) -> bool {
        let alone = self.len == 0 && self.limits.overflow != Overflow::Kill;
        let fits = self.limits.bytes_max.is_none_or(|bytes_max| self.bytes.saturating_add(size) <= bytes_max);
        self.limits.len_max.is_none_or(|len_max| self.len < u64::from(len_max)) && (fits || alone)
    }

    fn is_over(&self, len: u64, bytes: u64) -> bool {
        let long = self.limits.len_max.is_some_and(|len_max| len > u64::from(len_max));
        long || (len > 1 && self.limits.bytes_max.is_some_and(|bytes_max| bytes > bytes_max))
    }

    fn arrive(&mut self, letter: L, size: Option<u64>) {
        if let Some(size) = size {
            self.len += 1;
            self.bytes += size;
            self.arrived_len += 1;
            self.arrived_bytes += size;
        }
        self.arrived.push_back((letter, size));
    }

    fn let_in(&mut self, waiting: Waiting<L>) -> Told {
        self.arrive(waiting.letter, Some(waiting.size));
        (waiting.from, waiting.tell)
    }

    /// Drops the oldest messages that the process has not looked at, until the others keep the bound by themselves. Those
    /// that it has looked at are older, and the process drops them before it goes on: see `has_too_many`.
    fn drop_oldest(&mut self) -> Vec<L> {
        let mut dropped = Vec::new();
        while self.is_over(self.arrived_len, self.arrived_bytes) {
            dropped.extend(self.drop_message());
            self.dropped += 1;
        }
        dropped
    }

    fn drop_messages(&mut self) -> Vec<L> {
        std::iter::from_fn(|| self.drop_message()).collect()
    }

    /// Takes out the oldest message that has arrived.
    fn drop_message(&mut self) -> Option<L> {
        let at = self.arrived.iter().position(|(_, size)| size.is_some())?;
        let (letter, size) = self.arrived.remove(at)?;
        let size = size?;
        self.len -= 1;
        self.bytes -= size;
        self.arrived_len -= 1;
        self.arrived_bytes -= size;
        Some(letter)
    }
}

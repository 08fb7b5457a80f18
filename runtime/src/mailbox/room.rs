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
//! 2. A signal does not overtake a message of its own sender: one that waits is let in before it, bound or not. But its
//!    sender waits on until there is room, so that nobody fills a mailbox by a signal behind each message.
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
    /// Nothing if a signal pushed it in; then only its sender waits.
    letter: Option<L>,
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
        let waiting = self.waiting.iter().filter(|waiting| waiting.letter.is_some()).count() as u64;
        Figures { len: self.len, bytes: self.bytes, waiting, dropped: self.dropped }
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
        self.waiting.push_back(Waiting { letter: Some(letter), size, from, tell });
    }

    /// True if a message of this sender, which is of another node, waits already.
    pub(super) fn waits_for(&self, from: RawPid) -> bool {
        self.waiting.iter().any(|waiting| waiting.from == from && matches!(waiting.tell, Acknowledge::There))
    }

    /// A signal that is no message; rule 2. It comes back if the process has ended.
    pub(super) fn signal(&mut self, letter: L, behind: Behind) -> Result<(), L> {
        if self.stage == Stage::Ended {
            return Err(letter);
        }
        let goes_first = |from: RawPid| match behind {
            Behind::None => false,
            Behind::Process(process) => from == process,
            Behind::Node(node) => from.node == node,
        };
        for at in 0..self.waiting.len() {
            let Waiting { from, size, .. } = self.waiting[at];
            if goes_first(from)
                && let Some(message) = self.waiting[at].letter.take()
            {
                self.arrive(message, Some(size));
            }
        }
        self.arrive(letter, None);
        Ok(())
    }

    /// The process looks at what has arrived.
    pub(super) fn look(&mut self) -> VecDeque<Arrived<L>> {
        // The planted mistake: who has looked is not rung for again.
        #[cfg(not(mutant))]
        {
            self.rung = false;
        }
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
            && self.has_room(first.letter.as_ref().map_or(0, |_| first.size))
        {
            let Waiting { letter, size, from, tell } = self.waiting.pop_front().expect("it was just looked at");
            letter.into_iter().for_each(|letter| self.arrive(letter, Some(size)));
            told.push((from, tell));
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

    /// A sender no longer waits: its message, if that is not in.
    pub(super) fn withdraw(&mut self, is_it: impl Fn(RawPid, &Acknowledge) -> bool) -> Option<L> {
        let waits = |waiting: &Waiting<L>| waiting.letter.is_some() && is_it(waiting.from, &waiting.tell);
        let at = self.waiting.iter().position(waits)?;
        self.waiting.remove(at)?.letter
    }

    /// The process has ended: what has arrived, what waited, and who waited.
    pub(super) fn close(&mut self) -> (VecDeque<Arrived<L>>, Vec<L>, Vec<Told>) {
        self.stage = Stage::Ended;
        let waiting = std::mem::take(&mut self.waiting);
        let (letters, told): (Vec<_>, _) =
            waiting.into_iter().map(|waiting| (waiting.letter, (waiting.from, waiting.tell))).unzip();
        (self.look(), letters.into_iter().flatten().collect(), told)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sender and number of a signal.
    type Signal = (u32, u32);

    fn pid(sender: u32) -> RawPid {
        RawPid { node: NodeId(1), slot: sender, generation: 0 }
    }

    fn room(limits: Mailbox) -> Room<Signal> {
        Room::new(limits)
    }

    /// Two senders, and a process that looks and takes, against the rules.
    struct Model {
        room: Room<Signal>,
        len_max: u64,
        /// Numbers so far of each sender, and which of its messages waits.
        sent: [u32; 2],
        waits: [Option<Ack>; 2],
        rung: bool,
        looked_at: VecDeque<Signal>,
        seen: Vec<Signal>,
    }

    impl Model {
        fn new(len_max: u32) -> Self {
            let room = room(Mailbox::bounded(len_max, Overflow::Wait));
            let waits = [None, None];
            let (looked_at, seen) = (VecDeque::new(), Vec::new());
            Model { room, len_max: len_max.into(), sent: [0; 2], waits, rung: false, looked_at, seen }
        }

        fn next(&mut self, sender: u32) -> Signal {
            self.sent[sender as usize] += 1;
            (sender, self.sent[sender as usize])
        }

        fn tell(told: Vec<Told>) {
            for (_, tell) in told {
                let Acknowledge::Here(ack) = tell else { unreachable!("all are of this node") };
                assert!(!ack.is_settled(), "a sender is told twice");
                ack.settle(true);
            }
        }

        fn send(&mut self, sender: u32) {
            let wait = &mut self.waits[sender as usize];
            if wait.as_ref().is_some_and(|ack| !ack.is_settled()) {
                return; // it waits
            }
            *wait = None;
            let signal = self.next(sender);
            if let Met::Full(signal) = self.room.enter(signal, 1) {
                let ack = Ack::default();
                self.room.wait(signal, 1, pid(sender), Acknowledge::Here(ack.clone()));
                self.waits[sender as usize] = Some(ack);
            }
        }

        fn signal(&mut self, sender: u32) {
            let signal = self.next(sender);
            self.room.signal(signal, Behind::Process(pid(sender))).expect("it has not ended");
        }

        /// The process has its turn if it was rung for.
        fn turn(&mut self) {
            if std::mem::take(&mut self.rung) {
                for (signal, size) in self.room.look() {
                    match size {
                        Some(_) => self.looked_at.push_back(signal),
                        None => self.seen.push(signal),
                    }
                    let order = |&&(sender, number): &&Signal| (sender, number) != signal && sender == signal.0;
                    let before = self.seen.iter().chain(&self.looked_at).filter(order).map(|signal| signal.1).max();
                    assert!(before.is_none_or(|before| before < signal.1), "{signal:?} came after {before:?}");
                }
            }
            if let Some(message) = self.looked_at.pop_front() {
                self.seen.push(message);
                let told = self.room.leave(1);
                Self::tell(told);
            }
        }

        fn step(&mut self, step: u32) {
            match step {
                0 | 1 => self.send(step),
                2 => self.signal(0),
                _ => self.turn(),
            }
            self.rung |= self.room.must_ring();
            let Figures { len, .. } = self.room.figures();
            assert!(self.room.waiting.is_empty() || len >= self.len_max, "somebody waits although there is room");
            assert!(len <= self.len_max + 2, "more than the bound and one of each sender are in");
            assert!(self.rung || self.room.arrived.is_empty(), "something arrived, and the bell was not rung");
        }
    }

    /// B-01, B-03 and the four rules, in every order of eight steps.
    #[test]
    fn model_senders_against_a_process_that_takes() {
        for len_max in 1..=2 {
            for order in 0u32..1 << 16 {
                let mut model = Model::new(len_max);
                (0..8).for_each(|at| model.step(order >> (2 * at) & 3));
                (0..20).for_each(|_| model.step(3));
                let sent = model.sent.iter().sum::<u32>() as usize;
                assert_eq!(model.seen.len(), sent, "order {order:o}: each signal is seen once");
                assert!(model.waits.iter().flatten().all(Ack::is_settled), "order {order:o}: nobody waits for ever");
            }
        }
    }

    #[test]
    fn the_oldest_is_dropped_where_it_lies() {
        let mut room = room(Mailbox::bounded(2, Overflow::DropOldest));
        assert!(matches!(room.enter((0, 1), 1), Met::In(dropped) if dropped.is_empty()));
        room.look();
        for number in 2..=3 {
            assert!(matches!(room.enter((0, number), 1), Met::In(dropped) if dropped.is_empty()));
        }
        assert!(room.has_too_many(), "one that was looked at is the oldest");
        assert!(matches!(room.enter((0, 4), 1), Met::In(dropped) if dropped == [(0, 2)]));
        room.leave(1);
        assert!(!room.has_too_many());
        assert_eq!(room.look().into_iter().map(|(signal, _)| signal.1).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn a_long_message_is_let_in_alone_and_kills_where_that_was_asked_for() {
        let mut waits = room(Mailbox::bytes(10, Overflow::Wait));
        assert!(matches!(waits.enter((0, 1), 99), Met::In(_)));
        assert!(matches!(waits.enter((0, 2), 1), Met::Full(_)));
        let mut kills = room(Mailbox::bytes(10, Overflow::Kill));
        assert!(matches!(kills.enter((0, 1), 10), Met::In(_)));
        assert!(matches!(kills.enter((0, 2), 1), Met::Overflowed(dropped) if dropped.len() == 2));
        assert!(matches!(kills.enter((0, 3), 1), Met::Gone(_)));
        assert!(kills.signal((0, 4), Behind::None).is_ok(), "the signal that ends it");
        kills.close();
        assert!(kills.signal((0, 5), Behind::None).is_err());
    }
}

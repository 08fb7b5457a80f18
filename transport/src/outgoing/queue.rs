//! Signals that wait, in order per key.
//!
//! Each key with something waiting has a line of its own; a key stands in exactly one of four lists, chosen by the signal
//! at the head of its line: small control, small data, big control, big data. Taking a head moves its key to the list of
//! the next head. So order per key needs no argument (a line has one front), and which key goes next is decided by the
//! lists alone: control before data, data keys by turns, big ones a fragment at a time.

use super::Lane;
use super::bulk::Bulk;
use crate::bounds::{CONTROL_STREAMS_MAX, DATA_STREAMS_MAX, FRAGMENT_LEN_MAX};
use crate::credit::Allowance;
use crate::wire::{HEADER_LEN, Kind, put};
use std::collections::{HashMap, VecDeque};

/// A signal that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) lane: Lane,
    bytes: Vec<u8>,
    /// Where the part that has not left begins.
    start: usize,
}

impl Waiting {
    /// A signal whose body is `bytes[start..]`.
    pub(super) fn new(lane: Lane, bytes: Vec<u8>, start: usize) -> Waiting {
        Waiting { lane, bytes, start }
    }

    /// What has not left yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// The first `length` bytes of the rest left.
    pub(super) fn advance(&mut self, length: usize) {
        self.start += length;
    }

    fn is_big(&self) -> bool {
        self.rest().len() > FRAGMENT_LEN_MAX as usize
    }
}

/// The waiting signals of each key that has any, in order.
pub(super) type Lines = HashMap<u64, VecDeque<Waiting>>;

/// The first waiting signal of a key that stands in a list.
pub(super) fn head(lines: &mut Lines, key: u64) -> &mut Waiting {
    lines.get_mut(&key).and_then(|line| line.front_mut()).expect("a listed key has a line with a head")
}

/// All signals that wait.
#[derive(Debug)]
pub(super) struct Queue {
    lines: Lines,
    control: VecDeque<u64>,
    data: VecDeque<u64>,
    bulk: [Bulk; 2],
    length: usize,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            lines: HashMap::new(),
            control: VecDeque::new(),
            data: VecDeque::new(),
            bulk: [Bulk::new(CONTROL_STREAMS_MAX), Bulk::new(DATA_STREAMS_MAX)],
            length: 0,
        }
    }
}

impl Queue {
    /// The peer's bounds are known.
    pub(super) fn open(&mut self, message_len_max: u32, assembly_len_max: u32) {
        self.bulk[Lane::Control as usize].open(message_len_max);
        self.bulk[Lane::Data as usize].open(assembly_len_max);
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Has this key something waiting?
    pub(super) fn holds(&self, key: u64) -> bool {
        self.lines.contains_key(&key)
    }

    /// Do small data signals wait?
    pub(super) fn data_waits(&self) -> bool {
        !self.data.is_empty()
    }

    /// The bytes of all waiting signals.
    #[inline]
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// The longest waiting signal.
    pub(super) fn longest(&self) -> usize {
        self.lines.values().flatten().map(|waiting| waiting.rest().len()).max().unwrap_or(0)
    }

    /// A signal goes to the end of its key's line.
    pub(super) fn push(&mut self, key: u64, waiting: Waiting) {
        self.length += waiting.rest().len();
        let line = self.lines.entry(key).or_default();
        line.push_back(waiting);
        if line.len() == 1 {
            self.enlist(key);
        }
    }

    /// Put a key into the list its head belongs to.
    fn enlist(&mut self, key: u64) {
        let head = &self.lines[&key][0];
        match (head.is_big(), head.lane) {
            (true, lane) => self.bulk[lane as usize].enlist(key),
            (false, Lane::Control) => self.control.push_back(key),
            (false, Lane::Data) => self.data.push_back(key),
        }
    }

    /// Remove the head of a key that has just been taken from its list.
    fn pop(&mut self, key: u64) {
        let line = self.lines.get_mut(&key).expect("a listed key has a line");
        let head = line.pop_front().expect("a line has a head");
        self.length -= head.rest().len();
        if line.is_empty() {
            self.lines.remove(&key);
        } else {
            self.enlist(key);
        }
    }

    /// All small control signals leave.
    pub(super) fn control_turn(&mut self, out: &mut Vec<u8>) {
        while let Some(key) = self.control.pop_front() {
            put(out, Kind::Signal, Lane::Control.flags(), 0, [self.lines[&key][0].rest(), &[]]);
            self.pop(key);
        }
    }

    /// Small data signals leave, a signal per key by turns, up to a fragment's worth and as far as credit goes.
    pub(super) fn data_turn(&mut self, out: &mut Vec<u8>, allowance: &mut Allowance) {
        let end = out.len() + FRAGMENT_LEN_MAX as usize;
        while let Some(&key) = self.data.front() {
            let body = self.lines[&key][0].rest();
            let frame_len = HEADER_LEN + body.len();
            if out.len() >= end || !allowance.covers(frame_len) {
                break;
            }
            put(out, Kind::Signal, 0, 0, [body, &[]]);
            allowance.spend(frame_len);
            self.data.pop_front();
            self.pop(key);
        }
    }

    /// One fragment of the lane's next big signal leaves, as far as its stream, room at the peer and credit go.
    pub(super) fn bulk_turn(&mut self, lane: Lane, out: &mut Vec<u8>, allowance: &mut Allowance) {
        let before = out.len();
        let (left, ended) = self.bulk[lane as usize].turn(lane, &mut self.lines, out, allowance);
        self.length -= left;
        debug_assert_eq!(left == 0, out.len() == before, "a turn moves bytes or does nothing");
        if let Some(key) = ended {
            self.pop(key);
        }
    }
}

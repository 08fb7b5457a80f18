//! Big signals under way in one lane, a fragment at a time.
//!
//! A big signal first waits for a *stream* (a small number that marks its fragments) and for *room*: the lengths of all
//! signals under way must stay within what the peer puts together at once. Both are free again the moment the last
//! fragment enters the out buffer, because the road keeps order: the peer will have finished that signal before it sees
//! the next one begin. Signals wait for room first come, first served, so that none starves; those under way take turns.

use super::Lane;
use super::queue::{Lines, head};
use crate::bounds::FRAGMENT_LEN_MAX;
use crate::credit::Allowance;
use crate::wire::{HEADER_LEN, Kind, put};
use std::collections::VecDeque;

/// The bytes of a total length before the first fragment's.
const TOTAL_LEN: usize = 4;

/// A big signal under way.
#[derive(Debug)]
struct Active {
    key: u64,
    stream: u16,
    total: u32,
    begun: bool,
}

/// The big signals of one lane, by key.
#[derive(Debug)]
pub(super) struct Bulk {
    waiting: VecDeque<u64>,
    active: VecDeque<Active>,
    streams_max: u16,
    room_max: u64,
}

impl Bulk {
    /// A lane with this many streams and no room yet.
    pub(super) fn new(streams_max: u16) -> Bulk {
        Bulk { waiting: VecDeque::new(), active: VecDeque::new(), streams_max, room_max: 0 }
    }

    /// The peer puts this many bytes together at once.
    pub(super) fn open(&mut self, room_max: u32) {
        self.room_max = u64::from(room_max);
    }

    /// A key whose head is big waits to begin.
    pub(super) fn enlist(&mut self, key: u64) {
        self.waiting.push_back(key);
    }

    /// Send one fragment if possible: how many bytes of a signal left, and the key of a signal that ended.
    pub(super) fn turn(
        &mut self,
        lane: Lane,
        lines: &mut Lines,
        out: &mut Vec<u8>,
        allowance: &mut Allowance,
    ) -> (usize, Option<u64>) {
        self.begin(lines);
        let Some(active) = self.active.front_mut() else {
            return (0, None);
        };
        let signal = head(lines, active.key);
        let room = FRAGMENT_LEN_MAX as usize - if active.begun { 0 } else { TOTAL_LEN };
        let length = signal.rest().len().min(room);
        let prefix = active.total.to_le_bytes();
        let (kind, prefix) = match (active.begun, length == signal.rest().len()) {
            (false, _) => (Kind::First, &prefix[..]),
            (true, false) => (Kind::Middle, &[][..]),
            (true, true) => (Kind::Last, &[][..]),
        };
        let frame_len = HEADER_LEN + prefix.len() + length;
        if lane == Lane::Data {
            if !allowance.covers(frame_len) {
                return (0, None);
            }
            allowance.spend(frame_len);
        }
        put(out, kind, lane.flags(), active.stream, [prefix, &signal.rest()[..length]]);
        signal.advance(length);
        active.begun = true;
        if kind == Kind::Last {
            (length, self.active.pop_front().map(|active| active.key))
        } else {
            self.active.rotate_left(1);
            (length, None)
        }
    }

    /// Let waiting signals begin while there are streams and room.
    fn begin(&mut self, lines: &mut Lines) {
        while let Some(&key) = self.waiting.front() {
            let total = head(lines, key).rest().len() as u32;
            let announced = self.active.iter().map(|active| u64::from(active.total)).sum::<u64>();
            let free = (0..self.streams_max).find(|stream| self.active.iter().all(|active| active.stream != *stream));
            let Some(stream) = free.filter(|_| announced + u64::from(total) <= self.room_max) else {
                break;
            };
            self.active.push_back(Active { key, stream, total, begun: false });
            self.waiting.pop_front();
        }
    }
}

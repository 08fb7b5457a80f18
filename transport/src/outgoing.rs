//! From signals to bytes that wait to be written.
//!
//! The usual signal is small, its key has nothing queued, credit covers it and the out buffer is low. It is encoded
//! straight into the out buffer, behind eight bytes left free for its header, and that is all: no allocation, no table.
//! Every other signal goes into the [`queue`], ordered by key, and is pumped into the out buffer when that runs low.
//!
//! Bytes in the out buffer are committed; nothing overtakes them, so it is kept low ([`PUMP_BELOW_LEN`]) whenever there is
//! something to choose from. Set aside: one buffer per lane and `writev`; two lanes need an order between them anyway, and
//! one write of one slice is what both sockets and rings like best.

mod bulk;
mod queue;

use crate::bounds::{CONTROL_RESERVE_LEN, FRAGMENT_LEN_MAX, PUMP_BELOW_LEN, STRAIGHT_BELOW_LEN};
use crate::credit::Allowance;
use crate::handshake::Agreement;
use crate::wire::{FLAG_CONTROL, HEADER_LEN, Header, Kind, put};
use crate::{Limits, Violation};
use queue::{Queue, Waiting};

/// An out buffer with more room than this is given back when a big signal leaves it.
const BUFFER_KEEP_LEN: usize = 4 * STRAIGHT_BELOW_LEN;

/// Which road through the node a signal takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub enum Lane {
    /// Exits, downs, acknowledgements: needs no credit and overtakes queued data of other keys.
    Control = 0,
    /// Everything else.
    Data = 1,
}

impl Lane {
    /// The flags of this lane's frames.
    pub(crate) const fn flags(self) -> u8 {
        match self {
            Lane::Control => FLAG_CONTROL,
            Lane::Data => 0,
        }
    }
}

/// Why a signal was not queued. Nothing of it was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendRefused {
    /// The signal is longer than both ends take.
    #[error("a signal of {length} bytes is longer than the {max} that both nodes take")]
    TooBig {
        /// The signal's length.
        length: usize,
        /// The longest that is taken.
        max: usize,
    },
    /// Too many bytes wait to be written.
    #[error("{waiting} bytes already wait for the peer; no more are queued")]
    Full {
        /// How many bytes wait.
        waiting: usize,
    },
    /// The session is over.
    #[error("the session is closed")]
    Closed,
}

/// The writing half of a session.
#[derive(Debug)]
pub(crate) struct Outgoing {
    buffer: Vec<u8>,
    written: usize,
    open: bool,
    allowance: Allowance,
    queue: Queue,
    message_len_max: usize,
    queued_len_max: usize,
    high_water_len: usize,
}

impl Outgoing {
    /// A writing half before its handshake: signals queue, only handshake frames leave.
    pub(crate) fn new(limits: &Limits) -> Outgoing {
        Outgoing {
            buffer: Vec::new(),
            written: 0,
            open: false,
            allowance: Allowance::default(),
            queue: Queue::default(),
            message_len_max: limits.message_len_max as usize,
            queued_len_max: limits.queued_len_max,
            high_water_len: limits.high_water_len,
        }
    }

    /// The handshake is over. False when a signal queued before is too long for what was agreed.
    #[must_use]
    pub(crate) fn open(&mut self, agreement: &Agreement) -> bool {
        self.open = true;
        self.allowance = Allowance::new(agreement.window_len);
        self.message_len_max = agreement.message_len_max as usize;
        self.queue.open(agreement.message_len_max, agreement.assembly_len_max);
        self.queue.longest() <= self.message_len_max
    }

    /// The session is over: what is queued is dropped, what is in the out buffer may still be written.
    pub(crate) fn close(&mut self) {
        self.open = false;
        self.queue = Queue::default();
    }

    /// Queue one signal.
    #[inline]
    pub(crate) fn send(&mut self, lane: Lane, key: u64, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), SendRefused> {
        let waiting = self.waiting_len();
        let reserve = if lane == Lane::Control { CONTROL_RESERVE_LEN } else { 0 };
        if waiting > self.queued_len_max.saturating_add(reserve) {
            return Err(SendRefused::Full { waiting });
        }
        let low = self.pending_len();
        let draft = Draft::new(&mut self.buffer);
        encode(draft.buffer);
        let (start, length) = draft.finish();
        if self.may_go_straight(lane, key, length, low) {
            let header = Header::new(length as u32, Kind::Signal, lane.flags(), 0);
            self.buffer[start..start + HEADER_LEN].copy_from_slice(&header.to_bytes());
            if lane == Lane::Data {
                self.allowance.spend(HEADER_LEN + length);
            }
            return Ok(());
        }
        self.divert(lane, key, start, length)
    }

    /// May a signal of this length skip the queue?
    #[inline]
    fn may_go_straight(&self, lane: Lane, key: u64, length: usize, low: usize) -> bool {
        if !self.open || length > FRAGMENT_LEN_MAX as usize {
            return false;
        }
        let queued = !self.queue.is_empty();
        match lane {
            Lane::Control => !(queued && self.queue.holds(key)),
            Lane::Data => {
                self.allowance.covers(HEADER_LEN + length)
                    && low < STRAIGHT_BELOW_LEN
                    && !(queued && (low >= PUMP_BELOW_LEN || self.queue.data_waits() || self.queue.holds(key)))
            }
        }
    }

    /// Take the signal just encoded out of the buffer again, into the queue.
    #[cold]
    fn divert(&mut self, lane: Lane, key: u64, start: usize, length: usize) -> Result<(), SendRefused> {
        if length > self.message_len_max {
            self.cut_back(start);
            return Err(SendRefused::TooBig { length, max: self.message_len_max });
        }
        let body_start = start + HEADER_LEN;
        let waiting = if self.buffer.capacity() > BUFFER_KEEP_LEN && length > start {
            // A big signal keeps the buffer it was encoded in, without its spare room; the little before it moves.
            let before = self.buffer[..start].to_vec();
            let mut whole = std::mem::replace(&mut self.buffer, before);
            whole.shrink_to_fit();
            Waiting::new(lane, whole, body_start)
        } else {
            let body = self.buffer[body_start..].to_vec();
            self.cut_back(start);
            Waiting::new(lane, body, 0)
        };
        self.queue.push(key, waiting);
        Ok(())
    }

    /// Forget what was encoded from `start` on, and the room it took if that was much.
    fn cut_back(&mut self, start: usize) {
        self.buffer.truncate(start);
        if self.buffer.capacity() > BUFFER_KEEP_LEN {
            self.buffer.shrink_to(BUFFER_KEEP_LEN);
        }
    }

    /// Append a frame that overtakes everything not yet in the out buffer.
    pub(crate) fn frame(&mut self, kind: Kind, payload: &[u8]) {
        put(&mut self.buffer, kind, 0, 0, [payload, &[]]);
    }

    /// The out buffer itself, for handshake frames.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// The peer grants up to `granted` data bytes.
    pub(crate) fn credit(&mut self, granted: u64) -> Result<(), Violation> {
        if self.allowance.raise(granted) { Ok(()) } else { Err(Violation::CreditLie(granted)) }
    }

    /// The bytes to write next.
    #[inline]
    pub(crate) fn out(&mut self) -> &[u8] {
        if self.open && !self.queue.is_empty() {
            self.pump();
        }
        &self.buffer[self.written..]
    }

    /// The first `length` of those bytes were written.
    #[inline]
    pub(crate) fn wrote(&mut self, length: usize) {
        assert!(length <= self.pending_len(), "no more can be written than out() showed");
        self.written += length;
        if self.written == self.buffer.len() {
            self.buffer.clear();
            self.written = 0;
            if self.buffer.capacity() > BUFFER_KEEP_LEN {
                self.buffer.shrink_to(BUFFER_KEEP_LEN);
            }
        } else if self.written >= STRAIGHT_BELOW_LEN {
            self.buffer.drain(..self.written);
            self.written = 0;
        }
    }

    /// Fill the out buffer from the queue: control first, then data small and big by turns.
    fn pump(&mut self) {
        while self.pending_len() < PUMP_BELOW_LEN {
            let before = self.buffer.len();
            self.queue.control_turn(&mut self.buffer);
            self.queue.bulk_turn(Lane::Control, &mut self.buffer, &mut self.allowance);
            self.queue.data_turn(&mut self.buffer, &mut self.allowance);
            self.queue.bulk_turn(Lane::Data, &mut self.buffer, &mut self.allowance);
            if self.buffer.len() == before {
                break;
            }
        }
    }

    /// Bytes in the out buffer.
    #[inline]
    pub(crate) fn pending_len(&self) -> usize {
        self.buffer.len() - self.written
    }

    /// All bytes that wait, in the out buffer and in the queue.
    #[inline]
    pub(crate) fn waiting_len(&self) -> usize {
        self.pending_len() + self.queue.length()
    }

    /// May callers go on sending data?
    #[inline]
    pub(crate) fn writable(&self) -> bool {
        self.waiting_len() < self.high_water_len
    }

    /// Does anything wait for credit, for its turn, or for the handshake?
    pub(crate) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }
}

/// A signal that is being encoded at the end of the out buffer. Dropped unfinished (the encoder panicked) it leaves no trace.
struct Draft<'a> {
    buffer: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Draft<'a> {
    #[inline]
    fn new(buffer: &'a mut Vec<u8>) -> Draft<'a> {
        let start = buffer.len();
        buffer.extend_from_slice(&[0; HEADER_LEN]);
        Draft { buffer, start }
    }

    /// Where the frame starts, and how long the signal is.
    #[inline]
    fn finish(self) -> (usize, usize) {
        let whole = std::mem::ManuallyDrop::new(self);
        let length = whole.buffer.len().checked_sub(whole.start + HEADER_LEN);
        (whole.start, length.expect("an encoder only appends to the buffer it is given"))
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        self.buffer.truncate(self.start);
    }
}

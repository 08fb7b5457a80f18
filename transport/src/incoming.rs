//! From bytes that arrived to whole frames and whole signals.
//!
//! A frame that lies whole in the caller's bytes is handed on as a slice of them; only a frame cut in two is copied, into a
//! buffer never longer than one frame. A signal in fragments is put together in an *assembly*. An assembly reserves what
//! its sender announced, but allocates only as bytes arrive. When the last byte has come the signal is handed on and the
//! assembly is gone; the sender knows that without being told, because the road keeps order. So the sender can keep within
//! our bounds exactly, and one that does not is closed (*announced too much*).
//!
//! Nothing here panics on any input, and each refusal has a name in [`Violation`].

use crate::bounds::{CONTROL_STREAMS_MAX, DATA_STREAMS_MAX, FRAGMENT_LEN_MAX};
use crate::copy::append;
use crate::outgoing::Lane;
use crate::wire::{HEADER_LEN, Header};

/// How a peer broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The kind is none of this version's.
    #[error("frame kind {0} is not one of this wire version")]
    UnknownKind(u8),
    /// A flag or stream number is set where none may be.
    #[error("flags {flags:#x} or stream {stream} are not allowed in a frame of kind {kind}")]
    StrayBits {
        /// The frame's kind.
        kind: u8,
        /// Its flags.
        flags: u8,
        /// Its stream.
        stream: u16,
    },
    /// The payload is longer than any frame's may be.
    #[error("a frame of {length} bytes is longer than the {max} allowed here")]
    FrameTooLong {
        /// The payload length in the header.
        length: u32,
        /// The longest payload allowed.
        max: u32,
    },
    /// The payload does not have the length its kind calls for.
    #[error("a frame of kind {kind} cannot have {length} payload bytes")]
    WrongLength {
        /// The frame's kind.
        kind: u8,
        /// The payload length.
        length: u32,
    },
    /// A handshake frame came after the handshake.
    #[error("a handshake frame of kind {0} came after the handshake")]
    LateHandshake(u8),
    /// More fragments streams than the lane has.
    #[error("fragment stream {0} is beyond the last of its lane")]
    NoSuchStream(u16),
    /// A stream begins again before it ended.
    #[error("fragment stream {0} begins before its last signal ended")]
    StreamBusy(u16),
    /// A fragment without a beginning.
    #[error("a fragment of stream {0} has no beginning")]
    NoBeginning(u16),
    /// A big signal announces a length out of range.
    #[error("a signal in fragments announces {0} bytes, which is not between a fragment and the longest signal")]
    BadTotal(u32),
    /// All announced signals together are more than this end puts together.
    #[error("the signals under way announce {0} bytes, more than this node puts together at once")]
    AnnouncedTooMuch(u64),
    /// The fragments do not add up to the announced length.
    #[error("the fragments of stream {0} do not add up to the announced length")]
    SumWrong(u16),
    /// Data came that credit did not cover.
    #[error("data came that no credit covers")]
    BeyondCredit,
    /// A grant shrinks or exceeds the window.
    #[error("a credit of {0} is less than before or more than the window")]
    CreditLie(u64),
    /// A goodbye is not text.
    #[error("a goodbye is not UTF-8 text")]
    NotText,
}

/// What [`cut`] found at the start of some bytes.
pub(crate) enum Cut<'a> {
    /// A whole frame, and the bytes after it.
    Frame(Header, &'a [u8], &'a [u8]),
    /// The beginning of one.
    Short,
}

/// Look for a frame at the start of `input`.
#[inline]
pub(crate) fn cut(input: &[u8], length_max: u32) -> Result<Cut<'_>, Violation> {
    let Some((header, rest)) = input.split_first_chunk::<HEADER_LEN>() else {
        return Ok(Cut::Short);
    };
    let header = Header::from_bytes(*header);
    let length = header.length();
    if length > length_max {
        return Err(Violation::FrameTooLong { length, max: length_max });
    }
    match rest.split_at_checked(length as usize) {
        Some((payload, after)) => Ok(Cut::Frame(header, payload, after)),
        None => Ok(Cut::Short),
    }
}

/// Move bytes from `input` until `partial` holds one whole frame; false while it does not.
pub(crate) fn top_up(partial: &mut Vec<u8>, input: &mut &[u8], length_max: u32) -> Result<bool, Violation> {
    take(partial, input, HEADER_LEN);
    let Some(header) = partial.first_chunk::<HEADER_LEN>() else {
        return Ok(false);
    };
    let length = Header::from_bytes(*header).length();
    if length > length_max {
        return Err(Violation::FrameTooLong { length, max: length_max });
    }
    let whole_len = HEADER_LEN + length as usize;
    take(partial, input, whole_len);
    Ok(partial.len() == whole_len)
}

/// Move bytes from `input` until `partial` has `length_wanted`, as far as they go.
fn take(partial: &mut Vec<u8>, input: &mut &[u8], length_wanted: usize) {
    let missing = length_wanted.saturating_sub(partial.len()).min(input.len());
    let (moved, rest) = input.split_at(missing);
    append(partial, moved);
    *input = rest;
}

/// The signals of one lane that are being put together.
#[derive(Debug)]
struct Lines {
    slots: Vec<Option<Assembly>>,
    announced: u64,
    announced_max: u64,
    message_len_max: u32,
}

/// One signal being put together.
#[derive(Debug)]
struct Assembly {
    total: u32,
    bytes: Vec<u8>,
}

impl Assembly {
    /// Take more bytes; false when they exceed the announced total. Room grows by a quarter, never beyond the total.
    fn take(&mut self, more: &[u8]) -> bool {
        let total = self.total as usize;
        let length = self.bytes.len() + more.len();
        if length > total {
            return false;
        }
        if length > self.bytes.capacity() {
            let wanted = length.max(length + length / 4).min(total);
            self.bytes.reserve_exact(wanted - self.bytes.len());
        }
        append(&mut self.bytes, more);
        true
    }
}

/// All signals of a peer that are being put together.
#[derive(Debug)]
pub(crate) struct Assemblies {
    lanes: [Lines; 2],
}

impl Assemblies {
    /// No signal yet; data signals may announce `assembly_len_max` bytes in all, control signals one message's worth.
    pub(crate) fn new(message_len_max: u32, assembly_len_max: u32) -> Assemblies {
        let lane = |announced_max: u32| Lines {
            slots: Vec::new(),
            announced: 0,
            announced_max: u64::from(announced_max),
            message_len_max,
        };
        Assemblies { lanes: [lane(message_len_max), lane(assembly_len_max)] }
    }

    /// The beginning of a signal: its announced length, then its first bytes.
    pub(crate) fn first(&mut self, lane: Lane, stream: u16, payload: &[u8]) -> Result<(), Violation> {
        let streams_max = if lane == Lane::Control { CONTROL_STREAMS_MAX } else { DATA_STREAMS_MAX };
        if stream >= streams_max {
            return Err(Violation::NoSuchStream(stream));
        }
        let Some((total, bytes)) = payload.split_first_chunk::<4>() else {
            return Err(Violation::SumWrong(stream));
        };
        let total = u32::from_le_bytes(*total);
        let lines = &mut self.lanes[lane as usize];
        if total <= FRAGMENT_LEN_MAX || total > lines.message_len_max {
            return Err(Violation::BadTotal(total));
        }
        if lines.slots.len() <= usize::from(stream) {
            lines.slots.resize_with(usize::from(stream) + 1, || None);
        }
        let slot = &mut lines.slots[usize::from(stream)];
        if slot.is_some() {
            return Err(Violation::StreamBusy(stream));
        }
        let announced = lines.announced + u64::from(total);
        if announced > lines.announced_max {
            return Err(Violation::AnnouncedTooMuch(announced));
        }
        lines.announced = announced;
        slot.insert(Assembly { total, bytes: Vec::new() }).grow(stream, bytes)
    }

    /// More of a signal, but not its end.
    pub(crate) fn middle(&mut self, lane: Lane, stream: u16, payload: &[u8]) -> Result<(), Violation> {
        match self.lanes[lane as usize].slots.get_mut(usize::from(stream)) {
            Some(Some(assembly)) => assembly.grow(stream, payload),
            _ => Err(Violation::NoBeginning(stream)),
        }
    }

    /// The end of a signal, which is now whole.
    pub(crate) fn last(&mut self, lane: Lane, stream: u16, payload: &[u8]) -> Result<Vec<u8>, Violation> {
        let lines = &mut self.lanes[lane as usize];
        let Some(mut assembly) = lines.slots.get_mut(usize::from(stream)).and_then(Option::take) else {
            return Err(Violation::NoBeginning(stream));
        };
        lines.announced -= u64::from(assembly.total);
        if payload.is_empty() || !assembly.take(payload) || assembly.bytes.len() != assembly.total as usize {
            return Err(Violation::SumWrong(stream));
        }
        Ok(assembly.bytes)
    }

    /// The bytes held for signals that are not whole yet.
    pub(crate) fn held_len(&self) -> usize {
        self.lanes.iter().flat_map(|lines| lines.slots.iter().flatten()).map(|assembly| assembly.bytes.capacity()).sum()
    }
}

impl Assembly {
    /// Take a fragment that is not the last: it brings something, and leaves something to come.
    fn grow(&mut self, stream: u16, more: &[u8]) -> Result<(), Violation> {
        let fits = !more.is_empty() && self.take(more) && self.bytes.len() < self.total as usize;
        if fits { Ok(()) } else { Err(Violation::SumWrong(stream)) }
    }
}

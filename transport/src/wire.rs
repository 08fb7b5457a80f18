//! The frame: what stands between two signals on a road, in wire version 1.
//!
//! ```text
//!  byte 0         4      5       6         8
//!      | length    | kind | flags | stream  | payload: length bytes |
//!      | u32       | u8   | u8    | u16     |
//! ```
//!
//! All numbers are little endian; `length` counts the payload alone. `flags` bit 0 says *control lane*; the other bits are
//! zero. `stream` numbers the big signals under way in one lane; it is zero in all frames but fragments. The eight bytes are
//! one 64-bit word on purpose: the reader's usual case ("a small data signal") is one load and one comparison.
//!
//! | kind | name | payload |
//! | --- | --- | --- |
//! | 1 | Hello | see `handshake` |
//! | 2 | Proof | 32 bytes |
//! | 3 | Refuse | one byte, a reason |
//! | 16 | Signal | one whole application signal |
//! | 17 | First | total length u32, then the first bytes of a signal longer than a fragment |
//! | 18 | Middle | more bytes |
//! | 19 | Last | the last bytes; the sum must be the announced total |
//! | 32 | Credit | u64: all data bytes since the start that may have been sent |
//! | 33 | Heartbeat | nothing |
//! | 34 | Goodbye | text, at most 255 bytes |
//!
//! Set aside: variable-length integers (a branch per byte to save six bytes in 64), a checksum (TCP has one, memory needs
//! none, and neither protects against an attacker), a sequence number (roads keep order).

/// The size of a frame's header.
pub const HEADER_LEN: usize = 8;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Handshake steps 1 and 2: who I am, what I speak, what I take.
    Hello = 1,
    /// Handshake steps 3 and 4: I know the secret.
    Proof = 2,
    /// The handshake ends here, and why.
    Refuse = 3,
    /// One whole application signal.
    Signal = 16,
    /// The beginning of a signal longer than a fragment.
    First = 17,
    /// More of it.
    Middle = 18,
    /// The end of it.
    Last = 19,
    /// More data may be sent.
    Credit = 32,
    /// I am alive.
    Heartbeat = 33,
    /// I leave, and why.
    Goodbye = 34,
}

impl Kind {
    /// The kind with this number, if version 1 has one.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Kind> {
        Some(match byte {
            1 => Kind::Hello,
            2 => Kind::Proof,
            3 => Kind::Refuse,
            16 => Kind::Signal,
            17 => Kind::First,
            18 => Kind::Middle,
            19 => Kind::Last,
            32 => Kind::Credit,
            33 => Kind::Heartbeat,
            34 => Kind::Goodbye,
            _ => return None,
        })
    }
}

/// Flag bit 0: the frame belongs to the control lane, which pays no credit.
pub const FLAG_CONTROL: u8 = 1;

/// A frame's header as its one 64-bit word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header(u64);

const _: () = assert!(size_of::<Header>() == HEADER_LEN);

impl Header {
    /// The header of a frame with `length` payload bytes.
    #[must_use]
    pub const fn new(length: u32, kind: Kind, flags: u8, stream: u16) -> Header {
        Header(length as u64 | (kind as u64) << 32 | (flags as u64) << 40 | (stream as u64) << 48)
    }

    /// The header in these bytes, unchecked.
    #[inline]
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HEADER_LEN]) -> Header {
        Header(u64::from_le_bytes(bytes))
    }

    /// The bytes of this header.
    #[inline]
    #[must_use]
    pub const fn to_bytes(self) -> [u8; HEADER_LEN] {
        self.0.to_le_bytes()
    }

    /// The number of payload bytes.
    #[inline]
    #[must_use]
    pub const fn length(self) -> u32 {
        self.0 as u32
    }

    /// Is this a small signal of the data lane, the usual case?
    #[inline]
    #[must_use]
    pub const fn is_data_signal(self) -> bool {
        self.0 >> 32 == Kind::Signal as u64
    }

    /// The number in the kind field.
    #[must_use]
    pub const fn kind_byte(self) -> u8 {
        (self.0 >> 32) as u8
    }

    /// The flags.
    #[must_use]
    pub const fn flags(self) -> u8 {
        (self.0 >> 40) as u8
    }

    /// The stream number.
    #[must_use]
    pub const fn stream(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

/// Append a whole frame to `out`.
pub(crate) fn put(out: &mut Vec<u8>, kind: Kind, flags: u8, stream: u16, parts: [&[u8]; 2]) {
    let length = parts[0].len() + parts[1].len();
    debug_assert!(length <= crate::bounds::FRAGMENT_LEN_MAX as usize, "no frame of ours is longer than a fragment");
    out.extend_from_slice(&Header::new(length as u32, kind, flags, stream).to_bytes());
    out.extend_from_slice(parts[0]);
    out.extend_from_slice(parts[1]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_laid_out_as_drawn() {
        let header = Header::new(0x0403_0201, Kind::First, FLAG_CONTROL, 0x0b0a);
        assert_eq!(header.to_bytes(), [1, 2, 3, 4, 17, 1, 0x0a, 0x0b]);
        assert_eq!(Header::from_bytes(header.to_bytes()), header);
        assert_eq!(
            (header.length(), header.kind_byte(), header.flags(), header.stream()),
            (0x0403_0201, 17, 1, 0x0b0a)
        );
    }

    #[test]
    fn every_kind_has_one_number_and_every_other_number_has_no_kind() {
        let known = (0..=255).filter_map(Kind::from_byte).collect::<Vec<_>>();
        assert_eq!(known.len(), 10);
        assert!(known.iter().all(|kind| Kind::from_byte(*kind as u8) == Some(*kind)));
    }

    #[test]
    fn only_a_data_signal_without_flags_or_stream_is_the_usual_case() {
        assert!(Header::new(64, Kind::Signal, 0, 0).is_data_signal());
        assert!(!Header::new(64, Kind::Signal, FLAG_CONTROL, 0).is_data_signal());
        assert!(!Header::new(64, Kind::Signal, 0, 1).is_data_signal());
        assert!(!Header::new(64, Kind::Last, 0, 0).is_data_signal());
    }
}

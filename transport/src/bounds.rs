//! Every bound of a session, in one place.
//!
//! What a peer can make this end hold is listed here and nowhere else. Constants belong to wire version 1 and are the same
//! on both ends; [`Limits`] may differ from node to node and those that the other end must respect travel in its Hello.
//!
//! | what | bound | when it is reached |
//! | --- | --- | --- |
//! | a frame before the proofs | [`HANDSHAKE_FRAME_LEN_MAX`] | the session closes |
//! | the whole handshake | [`Limits::handshake`] | the session closes |
//! | a frame after them | [`FRAGMENT_LEN_MAX`] | the session closes |
//! | unreturned data bytes | [`Limits::window_len`] | the sender waits; a sender that does not is closed |
//! | one signal | [`Limits::message_len_max`] | the sender is told; a sender that does not ask is closed |
//! | signals being put together | [`Limits::assembly_len_max`], [`DATA_STREAMS_MAX`], [`CONTROL_STREAMS_MAX`] | the next big one waits at its sender |
//! | bytes not yet written | [`Limits::high_water_len`], then [`Limits::queued_len_max`] | `writable` says no, then `send` says full |

use crate::Features;
use std::time::Duration;

/// The longest payload of a frame from a peer that has not proved the secret.
pub const HANDSHAKE_FRAME_LEN_MAX: u32 = 512;

/// The longest payload of any frame, and the size of the pieces into which a bigger signal is cut.
pub const FRAGMENT_LEN_MAX: u32 = 64 * 1024;

/// How many big data signals of one sender may be under way at once.
pub const DATA_STREAMS_MAX: u16 = 16;

/// How many big control signals of one sender may be under way at once.
pub const CONTROL_STREAMS_MAX: u16 = 4;

/// Queued signals enter the out buffer only while it holds less than this, so that a late control signal or heartbeat
/// finds few bytes before it.
pub const PUMP_BELOW_LEN: usize = FRAGMENT_LEN_MAX as usize;

/// A data signal goes straight into the out buffer only while it holds less than this; later ones queue by key.
pub const STRAIGHT_BELOW_LEN: usize = 4 * FRAGMENT_LEN_MAX as usize;

/// Control signals are still taken when this much more than [`Limits::queued_len_max`] waits.
pub const CONTROL_RESERVE_LEN: usize = 16 * 1024 * 1024;

/// The smallest credit window: the three quarters of it that always come back must hold a whole fragment.
pub const WINDOW_LEN_MIN: u32 = 4 * FRAGMENT_LEN_MAX;

/// The longest text of a goodbye, in bytes.
pub const GOODBYE_LEN_MAX: usize = 255;

/// The shortest silence a session may be told to endure; shorter ones would make heartbeats the main traffic.
pub const SILENCE_MIN: Duration = Duration::from_millis(100);

/// The longest silence: what fits the Hello's 32 bits of milliseconds.
pub const SILENCE_MAX: Duration = Duration::from_millis(u32::MAX as u64);

/// What one end of a session takes, offers and endures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Data bytes (headers included) the peer may send before we return credit. At least [`WINDOW_LEN_MIN`].
    pub window_len: u32,
    /// The longest signal taken or sent; the smaller of both ends' holds. At least [`FRAGMENT_LEN_MAX`].
    pub message_len_max: u32,
    /// All data signals that are being put together, by the length they announced. At least `message_len_max`.
    pub assembly_len_max: u32,
    /// Above this many unwritten bytes [`crate::Session::writable`] is false.
    pub high_water_len: usize,
    /// Above this many unwritten bytes `send` refuses.
    pub queued_len_max: usize,
    /// How long a peer may be silent; it is noticed between 1.0 and 1.25 times this. At least [`SILENCE_MIN`].
    pub silence: Duration,
    /// How long the handshake may take in all.
    pub handshake: Duration,
    /// The features this end can use; the common ones are used.
    pub offered: Features,
    /// The features without which this end does not talk.
    pub required: Features,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            window_len: 1024 * 1024,
            message_len_max: 64 * 1024 * 1024,
            assembly_len_max: 128 * 1024 * 1024,
            high_water_len: 1024 * 1024,
            queued_len_max: 256 * 1024 * 1024,
            silence: Duration::from_secs(60),
            handshake: Duration::from_secs(5),
            offered: Features::NONE,
            required: Features::NONE,
        }
    }
}

impl Limits {
    /// These limits, with each value that the protocol could not live with moved to the nearest it can.
    #[must_use]
    pub fn sound(mut self) -> Limits {
        self.window_len = self.window_len.max(WINDOW_LEN_MIN);
        self.message_len_max = self.message_len_max.max(FRAGMENT_LEN_MAX);
        self.assembly_len_max = self.assembly_len_max.max(self.message_len_max);
        self.silence = self.silence.clamp(SILENCE_MIN, SILENCE_MAX);
        self.offered = self.offered.with(self.required);
        self
    }
}

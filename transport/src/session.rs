//! One end of a link's protocol: bytes in, events and bytes out.
//!
//! A session owns no socket and no clock. Its owner feeds it what arrived ([`Session::receive`]), writes what it shows
//! ([`Session::out`], [`Session::wrote`]), and calls [`Session::tick`] when [`Session::deadline`] has passed. So a whole
//! cluster of sessions runs in one thread under virtual time.
//!
//! ```text
//!   Meeting ──proof verified──► Up ──goodbye, silence, violation──► Closed
//!      └───────────refusal, handshake deadline───────────────────────┘
//! ```
//!
//! Laws:
//! 1. Signals of one key arrive in the order they were sent, whatever their size and lane.
//! 2. No event leaves before the peer has proved the secret.
//! 3. After an error or a goodbye no event leaves; the out buffer may hold a last frame that says why.
//! 4. Heartbeats and credit overtake all that is queued; control overtakes queued data of other keys.

mod taking;

use crate::bounds::{GOODBYE_LEN_MAX, HANDSHAKE_FRAME_LEN_MAX, STRAIGHT_BELOW_LEN};
use crate::credit::Ledger;
use crate::handshake::Handshake;
use crate::incoming::Assemblies;
use crate::outgoing::Outgoing;
use crate::pulse::{Pulse, Verdict};
use crate::wire::Kind;
use crate::{Features, Identity, Lane, Limits, Refusal, Role, Secret, SendRefused, Violation};
use std::time::Duration;

/// What a session tells its owner, in order.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The peer has proved the secret; signals may come.
    Up(Identity, Features),
    /// One whole application signal.
    Signal(&'a [u8]),
    /// Queued data may move again.
    Credit,
    /// The peer leaves, and why; nothing follows.
    Goodbye(&'a str),
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// This end refused the peer.
    #[error("the peer was refused: {0}")]
    Refused(Refusal),
    /// The peer refused this end.
    #[error("the peer refused this node: {0}")]
    RefusedByPeer(Refusal),
    /// The handshake took too long.
    #[error("the handshake was not over before its deadline")]
    HandshakeTimeout,
    /// The peer was silent for too long.
    #[error("the peer was silent for longer than the tick time")]
    TickTimeout,
    /// The peer broke the protocol.
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// A signal queued before the handshake is longer than the peer takes.
    #[error("a signal queued before the handshake is longer than the peer takes")]
    QueuedTooBig,
    /// The session had ended before.
    #[error("the session is closed")]
    Closed,
}

/// Where a session is in its life.
#[derive(Debug)]
enum Phase {
    /// The handshake is under way.
    Meeting(Box<Handshake>),
    /// Signals flow.
    Up,
    /// It is over.
    Closed,
}

/// One end of the protocol between two nodes.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    frame_len_max: u32,
    hold_credit: bool,
    ledger: Ledger,
    partial: Vec<u8>,
    assemblies: Assemblies,
    outgoing: Outgoing,
    pulse: Pulse,
    meet_until: Duration,
    version: u16,
}

impl Session {
    /// A session that starts its handshake now. `nonce` must be fresh random bytes ([`crate::nonce`]).
    #[must_use]
    pub fn new(
        role: Role,
        identity: Identity,
        secret: &Secret,
        limits: Limits,
        nonce: [u8; 32],
        now: Duration,
    ) -> Session {
        let limits = limits.sound();
        let seed = u64::from_le_bytes(std::array::from_fn(|index| nonce[index]));
        let handshake = Handshake::new(role, identity, secret, &limits, nonce);
        let mut outgoing = Outgoing::new(&limits);
        handshake.begin(outgoing.buffer());
        Session {
            phase: Phase::Meeting(Box::new(handshake)),
            frame_len_max: HANDSHAKE_FRAME_LEN_MAX,
            hold_credit: false,
            ledger: Ledger::new(limits.window_len),
            partial: Vec::new(),
            assemblies: Assemblies::new(limits.message_len_max, limits.assembly_len_max),
            outgoing,
            pulse: Pulse::new(limits.silence, seed, now),
            meet_until: now.saturating_add(limits.handshake),
            version: 0,
        }
    }

    /// Queue one signal. Signals with the same `key` arrive in order. `encode` appends the signal to the buffer it is given.
    ///
    /// Before the handshake is over, signals are kept and follow it. A signal is at most [`Limits::message_len_max`] long.
    ///
    /// # Errors
    /// When the signal is too long, too much waits already, or the session is over. Nothing of the signal was kept.
    ///
    /// # Panics
    /// When `encode` removes bytes that it did not append. A panic of `encode` itself leaves the session as it was.
    #[inline]
    pub fn send(&mut self, lane: Lane, key: u64, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), SendRefused> {
        if self.is_closed() {
            return Err(SendRefused::Closed);
        }
        self.outgoing.send(lane, key, encode)
    }

    /// Take bytes that arrived. Events are handed to `on` in order, before this returns.
    ///
    /// # Errors
    /// When the peer refuses or is refused or breaks the protocol. The session is then closed, and its out buffer may hold
    /// one last frame that tells the peer why.
    #[inline]
    pub fn receive(&mut self, input: &[u8], now: Duration, on: &mut impl FnMut(Event<'_>)) -> Result<(), SessionError> {
        if self.is_closed() {
            return Err(SessionError::Closed);
        }
        if input.is_empty() {
            return Ok(());
        }
        self.pulse.heard(now);
        let taken = self.take(input, now, on);
        match taken {
            Ok(()) => self.return_credit(),
            Err(error) => self.fail(error),
        }
        taken
    }

    /// Announce new credit when enough has been used up. Not while the out buffer is full: a peer that sends but never reads
    /// would fill our memory with credit it does not take.
    #[inline]
    fn return_credit(&mut self) {
        if !self.hold_credit
            && self.outgoing.pending_len() < STRAIGHT_BELOW_LEN
            && matches!(self.phase, Phase::Up)
            && let Some(granted) = self.ledger.due()
        {
            self.outgoing.frame(Kind::Credit, &granted.to_le_bytes());
        }
    }

    /// While `held`, no credit goes back, so that the peer stops after one window of data; its control signals still come.
    pub fn hold_credit(&mut self, held: bool) {
        self.hold_credit = held;
        self.return_credit();
    }

    /// The bytes to write next; empty when there are none.
    #[inline]
    pub fn out(&mut self) -> &[u8] {
        self.outgoing.out()
    }

    /// The first `length` bytes of [`Session::out`] were written.
    ///
    /// # Panics
    /// When that is more than `out` showed.
    #[inline]
    pub fn wrote(&mut self, length: usize) {
        if length > 0 {
            self.pulse.wrote();
        }
        self.outgoing.wrote(length);
        self.return_credit();
    }

    /// May callers go on sending data? False above [`Limits::high_water_len`] bytes that wait; look again after
    /// [`Session::wrote`] and after [`Event::Credit`].
    #[inline]
    #[must_use]
    pub fn writable(&self) -> bool {
        self.outgoing.writable()
    }

    /// All bytes that wait to be written, in the out buffer and queued behind it.
    #[must_use]
    pub fn outstanding_len(&self) -> usize {
        self.outgoing.waiting_len()
    }

    /// Bytes held for signals of the peer that are not whole yet.
    #[must_use]
    pub fn assembly_len(&self) -> usize {
        self.assemblies.held_len()
    }

    /// Leave: what is in the out buffer and a last frame with this reason (cut to 255 bytes) may still be written, queued
    /// signals are dropped. To leave politely, wait until [`Session::outstanding_len`] is zero first.
    pub fn goodbye(&mut self, reason: &str) {
        if matches!(self.phase, Phase::Up) {
            let end = (0..=GOODBYE_LEN_MAX.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
            self.outgoing.frame(Kind::Goodbye, &reason.as_bytes()[..end.unwrap_or(0)]);
        }
        self.close();
    }

    /// When [`Session::tick`] is to be called next; `None` when the session is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Meeting(_) => Some(self.meet_until),
            Phase::Up => Some(self.pulse.deadline()),
            Phase::Closed => None,
        }
    }

    /// Do what time calls for: a heartbeat, or the end.
    ///
    /// # Errors
    /// When the handshake took too long or the peer was silent too long. The session is then closed.
    pub fn tick(&mut self, now: Duration) -> Result<(), SessionError> {
        let error = match self.phase {
            Phase::Meeting(_) if now >= self.meet_until => SessionError::HandshakeTimeout,
            Phase::Up => match self.pulse.tick(now) {
                Verdict::Silent => SessionError::TickTimeout,
                Verdict::Beat if self.outgoing.pending_len() == 0 => {
                    self.outgoing.frame(Kind::Heartbeat, &[]);
                    return Ok(());
                }
                Verdict::Beat | Verdict::Wait => return Ok(()),
            },
            Phase::Meeting(_) | Phase::Closed => return Ok(()),
        };
        self.fail(error);
        Err(error)
    }

    /// Has the peer proved the secret, and is the session not over?
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Up)
    }

    /// Is the session over?
    #[inline]
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// The wire version in use; 0 before the handshake is over.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.version
    }

    /// End with an error, and leave a frame that says why if the peer can make use of it.
    #[cold]
    fn fail(&mut self, error: SessionError) {
        match (&self.phase, error) {
            (Phase::Up, SessionError::Violation(violation)) => return self.goodbye(&violation.to_string()),
            (Phase::Meeting(_), SessionError::Refused(refusal)) => {
                self.outgoing.frame(Kind::Refuse, &[refusal as u8]);
            }
            (Phase::Meeting(_), SessionError::Violation(_)) => {
                self.outgoing.frame(Kind::Refuse, &[Refusal::Malformed as u8]);
            }
            _ => {}
        }
        self.close();
    }

    /// Let go of everything but the out buffer.
    fn close(&mut self) {
        self.phase = Phase::Closed;
        self.outgoing.close();
        self.partial = Vec::new();
        self.assemblies = Assemblies::new(0, 0);
    }
}

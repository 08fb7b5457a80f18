//! The reading half of a session: frames, one after the other, and what each does.
//!
//! The usual frame, a small data signal of a peer that is up, takes the first branch of [`Session::frame`]: one comparison,
//! one addition, and the signal is the owner's. All others go through one `match`, where each kind is one line or two.

use super::{Event, Phase, Session, SessionError};
use crate::bounds::{FRAGMENT_LEN_MAX, GOODBYE_LEN_MAX};
use crate::copy::append;
use crate::handshake::Agreement;
use crate::incoming::{Cut, cut, top_up};
use crate::wire::{FLAG_CONTROL, HEADER_LEN, Header, Kind};
use crate::{Lane, Refusal, Violation};
use std::time::Duration;

impl Session {
    /// Cut `input` into frames and take each.
    pub(super) fn take(
        &mut self,
        mut input: &[u8],
        now: Duration,
        on: &mut impl FnMut(Event<'_>),
    ) -> Result<(), SessionError> {
        if !self.partial.is_empty() {
            let mut partial = std::mem::take(&mut self.partial);
            let whole = top_up(&mut partial, &mut input, self.frame_len_max)?;
            if let (true, Some((header, payload))) = (whole, partial.split_first_chunk::<HEADER_LEN>()) {
                self.frame(Header::from_bytes(*header), payload, now, on)?;
                partial.clear();
            }
            self.partial = partial;
            if !whole {
                return Ok(());
            }
        }
        while !self.is_closed() {
            let Cut::Frame(header, payload, rest) = cut(input, self.frame_len_max)? else {
                append(&mut self.partial, input);
                break;
            };
            input = rest;
            self.frame(header, payload, now, on)?;
        }
        Ok(())
    }

    /// Take one whole frame: small data signals here, all others below.
    #[inline]
    fn frame(
        &mut self,
        header: Header,
        payload: &[u8],
        now: Duration,
        on: &mut impl FnMut(Event<'_>),
    ) -> Result<(), SessionError> {
        if header.is_data_signal() && matches!(self.phase, Phase::Up) {
            if !self.ledger.count(HEADER_LEN + payload.len()) {
                return Err(Violation::BeyondCredit.into());
            }
            on(Event::Signal(payload));
            return Ok(());
        }
        self.other_frame(header, payload, now, on)
    }

    /// Take a frame that is not a small data signal, or any frame of the handshake.
    #[inline(never)]
    fn other_frame(
        &mut self,
        header: Header,
        payload: &[u8],
        now: Duration,
        on: &mut impl FnMut(Event<'_>),
    ) -> Result<(), SessionError> {
        let (kind, lane) = checked(header)?;
        match &mut self.phase {
            Phase::Closed => Err(SessionError::Closed),
            Phase::Meeting(_) if kind == Kind::Refuse => {
                let reason = payload.first().map_or(Refusal::Other, |byte| Refusal::from_byte(*byte));
                Err(SessionError::RefusedByPeer(reason))
            }
            Phase::Meeting(handshake) => {
                let stepped = handshake.step(kind, payload, self.outgoing.buffer());
                match stepped.map_err(SessionError::Refused)? {
                    Some(agreement) => self.come_up(agreement, now, on),
                    None => Ok(()),
                }
            }
            Phase::Up => self.up_frame(kind, lane, header, payload, on),
        }
    }

    /// The peer has proved the secret.
    fn come_up(
        &mut self,
        agreement: Agreement,
        now: Duration,
        on: &mut impl FnMut(Event<'_>),
    ) -> Result<(), SessionError> {
        if !self.outgoing.open(&agreement) {
            return Err(SessionError::QueuedTooBig);
        }
        self.phase = Phase::Up;
        self.frame_len_max = FRAGMENT_LEN_MAX;
        self.version = agreement.version;
        self.pulse.peer_endures(agreement.silence, now);
        on(Event::Up(agreement.peer, agreement.features));
        Ok(())
    }

    /// Take a frame of an authenticated peer.
    fn up_frame(
        &mut self,
        kind: Kind,
        lane: Lane,
        header: Header,
        payload: &[u8],
        on: &mut impl FnMut(Event<'_>),
    ) -> Result<(), SessionError> {
        let fragment = matches!(kind, Kind::First | Kind::Middle | Kind::Last);
        if fragment && lane == Lane::Data && !self.ledger.count(HEADER_LEN + payload.len()) {
            return Err(Violation::BeyondCredit.into());
        }
        let stream = header.stream();
        match kind {
            Kind::Signal => on(Event::Signal(payload)),
            Kind::First => self.assemblies.first(lane, stream, payload)?,
            Kind::Middle => self.assemblies.middle(lane, stream, payload)?,
            Kind::Last => on(Event::Signal(&self.assemblies.last(lane, stream, payload)?)),
            Kind::Credit => {
                let granted = payload.try_into().map(u64::from_le_bytes).map_err(|_| wrong_length(header))?;
                self.outgoing.credit(granted)?;
                if self.outgoing.has_queue() {
                    on(Event::Credit);
                }
            }
            Kind::Heartbeat if payload.is_empty() => {}
            Kind::Goodbye if payload.len() <= GOODBYE_LEN_MAX => {
                let text = std::str::from_utf8(payload).map_err(|_| Violation::NotText)?;
                self.close();
                on(Event::Goodbye(text));
            }
            Kind::Heartbeat | Kind::Goodbye => return Err(wrong_length(header).into()),
            Kind::Hello | Kind::Proof | Kind::Refuse => return Err(Violation::LateHandshake(kind as u8).into()),
        }
        Ok(())
    }
}

/// The kind and lane of a header whose fields go together.
fn checked(header: Header) -> Result<(Kind, Lane), Violation> {
    let kind = Kind::from_byte(header.kind_byte()).ok_or(Violation::UnknownKind(header.kind_byte()))?;
    let (flags_allowed, stream_allowed) = match kind {
        Kind::Signal => (true, false),
        Kind::First | Kind::Middle | Kind::Last => (true, true),
        _ => (false, false),
    };
    let lane = match header.flags() {
        0 => Some(Lane::Data),
        FLAG_CONTROL if flags_allowed => Some(Lane::Control),
        _ => None,
    };
    match lane {
        Some(lane) if stream_allowed || header.stream() == 0 => Ok((kind, lane)),
        _ => Err(Violation::StrayBits { kind: kind as u8, flags: header.flags(), stream: header.stream() }),
    }
}

/// The violation of a frame whose payload has the wrong length for its kind.
fn wrong_length(header: Header) -> Violation {
    Violation::WrongLength { kind: header.kind_byte(), length: header.length() }
}

//! Mutual proof of the secret, in four steps.
//!
//! ```text
//!       initiator                         acceptor
//!  1    Hello  ─────────────────────────►            who I am, a fresh nonce, what I speak and take
//!  2           ◄─────────────────────────  Hello     the same
//!  3    Proof  ─────────────────────────►            HMAC(secret, label ‖ 1 ‖ Hello 1 ‖ Hello 2); acceptor is up
//!  4           ◄─────────────────────────  Proof     HMAC(secret, label ‖ 2 ‖ Hello 1 ‖ Hello 2); initiator is up
//!       Refuse ◄────────────────────────►  Refuse    at any step: one byte, why it ends here
//! ```
//!
//! A proof covers *all bytes* of both Hellos, each after its length: both nonces, names, node numbers, roles, versions,
//! features and bounds. So a bit changed by anyone on the way is refused by the end that verifies next. A replayed
//! Hello meets a fresh nonce; a reflected one carries the wrong role and our own nonce; a reflected proof carries the wrong
//! role byte. The initiator proves first, so a stranger who connects obtains no MAC at all.
//!
//! What it does not do: it authenticates the ends, not the later bytes. Someone who can change bytes on the road can do so
//! after step 4; use it over shared memory, Unix sockets, or a network that is trusted or encrypted.
//!
//! # Hello
//!
//! ```text
//!   0 magic "HOLM"      4 version min u16   6 version max u16   8 role u8   9 name length u8   10 zero u16
//!  12 window u32       16 message max u32  20 assembly max u32
//!  24 silence ms u32   28 zero u32         32 node u64
//!  40 offered u64      48 required u64     56 nonce 32 bytes
//!  88 name, then bytes a later version may add: covered by the proofs, otherwise ignored
//! ```
//!
//! The layout of Hello and Refuse is the same in every version; that is how two versions can tell each other apart.

use crate::bounds::{FRAGMENT_LEN_MAX, HANDSHAKE_FRAME_LEN_MAX, SILENCE_MIN, WINDOW_LEN_MIN};
use crate::features::{Offer, agree};
use crate::wire::{Kind, put};
use crate::{Features, Identity, Limits, NodeName, Role, Secret, VERSION_MAX, VERSION_MIN};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::time::Duration;
use subtle::ConstantTimeEq;

const MAGIC: [u8; 4] = *b"HOLM";
const PROOF_LABEL: &[u8] = b"holm wire proof";
const PROOF_LEN: usize = 32;
const HELLO_LEN_MIN: usize = 88;

const _: () = assert!(HELLO_LEN_MIN + crate::identity::NODE_NAME_LEN_MAX <= HANDSHAKE_FRAME_LEN_MAX as usize);

/// Why a handshake was refused; the number is its byte in a Refuse frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[repr(u8)]
pub enum Refusal {
    /// A frame was not what the step calls for, or not well formed.
    #[error("a handshake frame is not well formed or comes out of turn")]
    Malformed = 1,
    /// The version ranges do not meet.
    #[error("no wire version is spoken by both nodes")]
    Version = 2,
    /// One end requires a feature that the other does not have.
    #[error("a feature that one node requires is unknown to the other")]
    Feature = 3,
    /// Both ends claim the same role, or our own Hello came back.
    #[error("both ends claim the same role in the handshake")]
    Role = 4,
    /// The peer has this node's own name.
    #[error("the peer has this node's own name")]
    SameName = 5,
    /// The proof is wrong: the secrets differ, or someone changed a byte.
    #[error("the proof is wrong: the secrets differ")]
    Secret = 6,
    /// The peer's bounds are too small to talk within.
    #[error("a bound in the peer's hello is below the least this protocol needs")]
    Bounds = 7,
    /// A reason that this version does not know.
    #[error("a reason that this version does not know")]
    Other = 255,
}

impl Refusal {
    /// The refusal with this number.
    pub(crate) fn from_byte(byte: u8) -> Refusal {
        use Refusal::{Bounds, Feature, Malformed, Role, SameName, Secret, Version};
        let known = [Malformed, Version, Feature, Role, SameName, Secret, Bounds];
        known.into_iter().find(|refusal| *refusal as u8 == byte).unwrap_or(Refusal::Other)
    }
}

/// What both ends know when the handshake is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) peer: Identity,
    pub(crate) version: u16,
    pub(crate) features: Features,
    /// The peer's window: how far we may send ahead.
    pub(crate) window_len: u32,
    /// The longest signal both ends take.
    pub(crate) message_len_max: u32,
    /// What the peer puts together at once.
    pub(crate) assembly_len_max: u32,
    /// How long the peer endures our silence.
    pub(crate) silence: Duration,
}

/// A Hello's fields; see the drawing above.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hello {
    role: Role,
    identity: Identity,
    offer: Offer,
    window_len: u32,
    message_len_max: u32,
    assembly_len_max: u32,
    silence_ms: u32,
    nonce: [u8; 32],
}

impl Hello {
    fn to_bytes(&self) -> Vec<u8> {
        let name = self.identity.name.as_str().as_bytes();
        let mut out = Vec::with_capacity(HELLO_LEN_MIN + name.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.offer.version_min.to_le_bytes());
        out.extend_from_slice(&self.offer.version_max.to_le_bytes());
        out.extend_from_slice(&[self.role.byte(), name.len() as u8, 0, 0]);
        for number in [self.window_len, self.message_len_max, self.assembly_len_max, self.silence_ms, 0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.identity.node, self.offer.offered.bits(), self.offer.required.bits()] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(name);
        out
    }

    fn from_bytes(bytes: &[u8]) -> Result<Hello, Refusal> {
        let (fixed, rest) = bytes.split_first_chunk::<HELLO_LEN_MIN>().ok_or(Refusal::Malformed)?;
        let name_len = usize::from(fixed[9]);
        if fixed[..4] != MAGIC || fixed[10..12] != [0; 2] || fixed[28..32] != [0; 4] || rest.len() < name_len {
            return Err(Refusal::Malformed);
        }
        let role = match fixed[8] {
            1 => Role::Initiator,
            2 => Role::Acceptor,
            _ => return Err(Refusal::Malformed),
        };
        let name = NodeName::from_wire(&rest[..name_len]).map_err(|_| Refusal::Malformed)?;
        Ok(Hello {
            role,
            identity: Identity { name, node: u64::from_le_bytes(at(fixed, 32)) },
            offer: Offer {
                version_min: u16::from_le_bytes(at(fixed, 4)),
                version_max: u16::from_le_bytes(at(fixed, 6)),
                offered: Features::from_bits(u64::from_le_bytes(at(fixed, 40))),
                required: Features::from_bits(u64::from_le_bytes(at(fixed, 48))),
            },
            window_len: u32::from_le_bytes(at(fixed, 12)),
            message_len_max: u32::from_le_bytes(at(fixed, 16)),
            assembly_len_max: u32::from_le_bytes(at(fixed, 20)),
            silence_ms: u32::from_le_bytes(at(fixed, 24)),
            nonce: at(fixed, 56),
        })
    }
}

/// The `N` bytes at an offset of a Hello's fixed part.
fn at<const N: usize>(fixed: &[u8; HELLO_LEN_MIN], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| fixed[offset + index])
}

/// One end's handshake: frames in, frames and at last an agreement out.
#[derive(Debug)]
pub(crate) struct Handshake {
    secret: Secret,
    hello: Hello,
    peer: Option<(Hello, Box<[u8]>)>,
}

impl Handshake {
    /// A handshake of this end.
    pub(crate) fn new(role: Role, identity: Identity, secret: &Secret, limits: &Limits, nonce: [u8; 32]) -> Handshake {
        let silence_ms = limits.silence.as_millis() as u32;
        let offer = Offer {
            version_min: VERSION_MIN,
            version_max: VERSION_MAX,
            offered: limits.offered,
            required: limits.required,
        };
        let hello = Hello {
            role,
            identity,
            offer,
            window_len: limits.window_len,
            message_len_max: limits.message_len_max,
            assembly_len_max: limits.assembly_len_max,
            silence_ms,
            nonce,
        };
        Handshake { secret: secret.clone(), hello, peer: None }
    }

    /// Step 1, when this end takes it.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        if self.hello.role == Role::Initiator {
            put(out, Kind::Hello, 0, 0, [&self.hello.to_bytes(), &[]]);
        }
    }

    /// Take a frame of the peer; an agreement means that the peer has proved the secret.
    pub(crate) fn step(&mut self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<Option<Agreement>, Refusal> {
        match (kind, &self.peer) {
            (Kind::Hello, None) => self.meet(payload, out).map(|()| None),
            (Kind::Proof, Some((peer, bytes))) => self.verify(peer, bytes, payload, out).map(Some),
            _ => Err(Refusal::Malformed),
        }
    }

    /// Steps 1 and 2: look at the peer's Hello, and answer with ours or with our proof.
    fn meet(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Refusal> {
        let peer = Hello::from_bytes(payload)?;
        if peer.role == self.hello.role || peer.nonce == self.hello.nonce {
            return Err(Refusal::Role);
        }
        if peer.identity.name == self.hello.identity.name {
            return Err(Refusal::SameName);
        }
        agree(self.hello.offer, peer.offer)?;
        let silence_too_short = Duration::from_millis(u64::from(peer.silence_ms)) < SILENCE_MIN;
        let message_too_short = peer.message_len_max < FRAGMENT_LEN_MAX || peer.assembly_len_max < peer.message_len_max;
        if peer.window_len < WINDOW_LEN_MIN || message_too_short || silence_too_short {
            return Err(Refusal::Bounds);
        }
        match self.hello.role {
            Role::Acceptor => put(out, Kind::Hello, 0, 0, [&self.hello.to_bytes(), &[]]),
            Role::Initiator => put(out, Kind::Proof, 0, 0, [&self.proof(self.hello.role, payload), &[]]),
        }
        self.peer = Some((peer, payload.into()));
        Ok(())
    }

    /// Steps 3 and 4: look at the peer's proof, and answer with ours if it is still owed.
    fn verify(&self, peer: &Hello, bytes: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<Agreement, Refusal> {
        let expected = self.proof(peer.role, bytes);
        if !bool::from(expected.as_slice().ct_eq(payload)) {
            return Err(Refusal::Secret);
        }
        if self.hello.role == Role::Acceptor {
            put(out, Kind::Proof, 0, 0, [&self.proof(self.hello.role, bytes), &[]]);
        }
        let (version, features) = agree(self.hello.offer, peer.offer)?;
        Ok(Agreement {
            peer: peer.identity.clone(),
            version,
            features,
            window_len: peer.window_len,
            message_len_max: peer.message_len_max.min(self.hello.message_len_max),
            assembly_len_max: peer.assembly_len_max,
            silence: Duration::from_millis(u64::from(peer.silence_ms)),
        })
    }

    /// What an end in this role must say to prove the secret, given the peer's Hello as it came.
    fn proof(&self, prover: Role, peer_bytes: &[u8]) -> [u8; PROOF_LEN] {
        let own_bytes = self.hello.to_bytes();
        let (first, second) = match self.hello.role {
            Role::Initiator => (own_bytes.as_slice(), peer_bytes),
            Role::Acceptor => (peer_bytes, own_bytes.as_slice()),
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose()).expect("HMAC takes a key of any length");
        mac.update(PROOF_LABEL);
        mac.update(&[prover.byte()]);
        for hello in [first, second] {
            mac.update(&(hello.len() as u32).to_le_bytes());
            mac.update(hello);
        }
        mac.finalize().into_bytes().into()
    }
}

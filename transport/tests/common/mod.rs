//! Two sessions face to face under virtual time, and what each has heard.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use holm_transport::{Event, Features, Identity, Lane, Limits, NodeName, Role, Secret, Session, SessionError};
use std::time::Duration;

/// An event that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    Up(Identity, Features),
    Signal(Vec<u8>),
    Credit,
    Goodbye(String),
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Heard {
        match event {
            Event::Up(peer, features) => Heard::Up(peer, features),
            Event::Signal(bytes) => Heard::Signal(bytes.to_vec()),
            Event::Credit => Heard::Credit,
            Event::Goodbye(text) => Heard::Goodbye(text.to_owned()),
        }
    }
}

pub fn identity(name: &str, node: u64) -> Identity {
    Identity { name: NodeName::new(name).unwrap(), node }
}

pub fn secret(byte: u8) -> Secret {
    Secret::from_bytes(&[byte; 32]).unwrap()
}

pub fn initiator(limits: Limits) -> Session {
    Session::new(Role::Initiator, identity("anna", 1), &secret(7), limits, [1; 32], Duration::ZERO)
}

pub fn acceptor(limits: Limits) -> Session {
    Session::new(Role::Acceptor, identity("bela", 2), &secret(7), limits, [2; 32], Duration::ZERO)
}

/// Everything a session has to write, taken.
pub fn drain(session: &mut Session) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let bytes = session.out().to_vec();
        if bytes.is_empty() {
            return all;
        }
        session.wrote(bytes.len());
        all.extend_from_slice(&bytes);
    }
}

/// Feed bytes, and collect what is heard.
pub fn feed(session: &mut Session, bytes: &[u8]) -> (Vec<Heard>, Result<(), SessionError>) {
    feed_at(session, bytes, Duration::ZERO)
}

pub fn feed_at(session: &mut Session, bytes: &[u8], now: Duration) -> (Vec<Heard>, Result<(), SessionError>) {
    let mut heard = Vec::new();
    let result = session.receive(bytes, now, &mut |event| heard.push(event.into()));
    (heard, result)
}

/// Move everything both ways until nothing moves; what each end heard.
pub fn settle(a: &mut Session, b: &mut Session) -> (Vec<Heard>, Vec<Heard>) {
    let (mut heard_a, mut heard_b) = (Vec::new(), Vec::new());
    loop {
        let (to_b, to_a) = (drain(a), drain(b));
        if to_a.is_empty() && to_b.is_empty() {
            return (heard_a, heard_b);
        }
        for (session, bytes, heard) in [(&mut *b, to_b, &mut heard_b), (&mut *a, to_a, &mut heard_a)] {
            if !bytes.is_empty() {
                let (more, result) = feed(session, &bytes);
                result.unwrap();
                heard.extend(more);
            }
        }
    }
}

/// Two sessions that are up.
pub fn up(limits: Limits) -> (Session, Session) {
    let (mut a, mut b) = (initiator(limits), acceptor(limits));
    settle(&mut a, &mut b);
    assert!(a.is_up() && b.is_up());
    (a, b)
}

pub fn send(session: &mut Session, lane: Lane, key: u64, bytes: &[u8]) {
    session.send(lane, key, |out| out.extend_from_slice(bytes)).unwrap();
}

/// Only the signals of what was heard.
pub fn signals(heard: &[Heard]) -> Vec<Vec<u8>> {
    heard.iter().filter_map(|event| if let Heard::Signal(bytes) = event { Some(bytes.clone()) } else { None }).collect()
}

/// The frames in some bytes: (kind, flags, stream, payload).
pub fn frames(mut bytes: &[u8]) -> Vec<(u8, u8, u16, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        let stream = u16::from_le_bytes(bytes[6..8].try_into().unwrap());
        frames.push((bytes[4], bytes[5], stream, bytes[8..8 + length].to_vec()));
        bytes = &bytes[8 + length..];
    }
    frames
}

/// A frame made by hand.
pub fn frame(kind: u8, flags: u8, stream: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

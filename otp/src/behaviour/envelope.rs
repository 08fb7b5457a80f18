//! What reaches a behaviour's process: a message of its users, or a request to the process itself.
//!
//! An envelope crosses a wall when the message in it does. On the wire it is one byte that says which, and then the one
//! or the other in its own encoding.

use super::Trace;
use crate::sys::Inspection;
use holm::{Crosses, Message, Reason, Reply, SendError, Wire, WireError};
use serde::{Deserialize, Serialize};
use std::{any::Any, fmt};

/// See the module's text.
#[derive(Debug)]
pub enum Envelope<M> {
    /// A message of a user.
    User(M),
    /// A request to the process itself.
    System(System),
}

/// A request that every behaviour's process answers; [`sys`](crate::sys) makes them.
#[derive(Debug, Serialize, Deserialize, Message)]
pub struct System(pub(crate) Request);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Suspend(Reply<()>),
    Resume(Reply<()>),
    Stop(Reason),
    Inspect(Reply<Inspection>),
    Trace(Trace, Reply<()>),
    /// Not to other nodes: a function cannot cross.
    #[serde(skip)]
    Change(Change),
}

impl Request {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Request::Suspend(_) => "suspend",
            Request::Resume(_) => "resume",
            Request::Stop(_) => "stop",
            Request::Inspect(_) => "inspect",
            Request::Trace(..) => "trace",
            Request::Change(_) => "change",
        }
    }
}

/// A function that is to be run with the state, and answers for itself.
pub(crate) struct Change(pub(crate) Box<Function>);

type Function = dyn FnOnce(&mut dyn Any) + Send;

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Change")
    }
}

impl<M> Envelope<M> {
    /// The user's message, if it is one.
    pub fn into_user(self) -> Option<M> {
        match self {
            Envelope::User(message) => Some(message),
            Envelope::System(_) => None,
        }
    }
}

/// What came back is what was sent: a user's message.
pub(crate) fn unsent<M>(error: SendError<Envelope<M>>) -> SendError<M> {
    error.map(|envelope| envelope.into_user().expect("a user's message was sent"))
}

const USER: u8 = 0;
const SYSTEM: u8 = 1;

impl<M: Message> Message for Envelope<M> {
    const NAME: &'static str = "Envelope<M>";
    const WIRE: Option<Wire<Self>> = match M::WIRE {
        Some(_) => Some(Wire::new(encode, decode)),
        None => None,
    };
    const HASH: u32 = M::HASH.rotate_left(9) ^ 0x6f74_7031;
}

impl<M: Crosses> Crosses for Envelope<M> {}

fn wire<M: Message>() -> Result<Wire<M>, WireError> {
    M::WIRE.ok_or_else(|| WireError::new(format!("messages of type {} cannot cross", M::NAME)))
}

fn encode<M: Message>(envelope: &Envelope<M>, into: &mut Vec<u8>) -> Result<(), WireError> {
    match envelope {
        Envelope::User(message) => {
            into.push(USER);
            wire::<M>()?.encode(message, into)
        }
        Envelope::System(request) => {
            into.push(SYSTEM);
            wire::<System>()?.encode(request, into)
        }
    }
}

fn decode<M: Message>(bytes: &[u8]) -> Result<Envelope<M>, WireError> {
    match bytes {
        [USER, message @ ..] => wire::<M>()?.decode(message).map(Envelope::User),
        [SYSTEM, request @ ..] => wire::<System>()?.decode(request).map(Envelope::System),
        [other, ..] => Err(WireError::new(format!("an envelope begins with 0 or 1, not with {other}"))),
        [] => Err(WireError::new("an envelope has at least one byte")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(envelope: Envelope<String>) -> Vec<u8> {
        let mut bytes = Vec::new();
        wire().unwrap().encode(&envelope, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let message: Envelope<String> = decode(&bytes_of(Envelope::User("text".into()))).unwrap();
        assert_eq!(message.into_user().as_deref(), Some("text"));
        let request = bytes_of(Envelope::System(System(Request::Stop(Reason::Shutdown))));
        let decoded: Envelope<String> = decode(&request).unwrap();
        assert!(matches!(decoded, Envelope::System(System(Request::Stop(Reason::Shutdown)))));
    }

    #[test]
    fn a_function_cannot_cross_and_odd_bytes_are_an_error() {
        let change: Envelope<String> = Envelope::System(System(Request::Change(Change(Box::new(|_| ())))));
        assert!(wire().unwrap().encode(&change, &mut Vec::new()).is_err());
        for odd in [&[][..], &[2], &[USER], &[SYSTEM, 200], &[USER, 1, b'a', b'b']] {
            assert!(decode::<String>(odd).is_err(), "{odd:?}");
        }
    }
}

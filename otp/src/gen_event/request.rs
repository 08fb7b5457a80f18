//! What a manager receives. Events cross to it from other nodes when their type does; handlers and functions never do.
//!
//! ```text
//! 0, event
//! 1, length of the reply, reply, event   an event that is waited for
//! 2, handler (8 bytes), reply            remove
//! 3, reply                               which handlers
//! ```

use super::{
    HandlerId,
    handler::{Handler, Owner},
};
use holm::{Crosses, Message, Reply, Wire, WireError};
use std::{any::Any, fmt};

/// A message to a manager, which [`EventManager`](super::EventManager) makes.
pub struct ManagerMessage<E>(pub(super) Request<E>);

/// A function to be run with a handler, or with nothing if that is gone; it answers for itself.
pub(super) type Visit = dyn FnOnce(Option<&mut (dyn Any + Send)>) + Send;

pub(super) enum Request<E> {
    Notify(E),
    SyncNotify(E, Reply<()>),
    Add { handler: Box<dyn Handler<E>>, owner: Option<Owner>, added: Reply<HandlerId> },
    With(HandlerId, Box<Visit>),
    Remove(HandlerId, Reply<bool>),
    Which(Reply<Vec<(HandlerId, String)>>),
}

impl<E> fmt::Debug for ManagerMessage<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl<E> Request<E> {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Request::Notify(_) => "notify",
            Request::SyncNotify(..) => "sync notify",
            Request::Add { .. } => "add",
            Request::With(..) => "with",
            Request::Remove(..) => "remove",
            Request::Which(_) => "which",
        }
    }
}

const NOTIFY: u8 = 0;
const SYNC_NOTIFY: u8 = 1;
const REMOVE: u8 = 2;
const WHICH: u8 = 3;

impl<E: Message> Message for ManagerMessage<E> {
    const NAME: &'static str = "ManagerMessage<E>";
    const WIRE: Option<Wire<Self>> = match E::WIRE {
        Some(_) => Some(Wire::new(encode, decode)),
        None => None,
    };
    const HASH: u32 = E::HASH.rotate_left(13) ^ 0x6576_6e74;
}

impl<E: Crosses> Crosses for ManagerMessage<E> {}

fn wire<M: Message>() -> Result<Wire<M>, WireError> {
    M::WIRE.ok_or_else(|| WireError::new(format!("messages of type {} cannot cross", M::NAME)))
}

fn encode<E: Message>(message: &ManagerMessage<E>, into: &mut Vec<u8>) -> Result<(), WireError> {
    match &message.0 {
        Request::Notify(event) => {
            into.push(NOTIFY);
            wire::<E>()?.encode(event, into)
        }
        Request::SyncNotify(event, reply) => {
            into.extend([SYNC_NOTIFY, 0]);
            let begin = into.len();
            wire()?.encode(reply, into)?;
            into[begin - 1] = u8::try_from(into.len() - begin).expect("a reply is some numbers");
            wire::<E>()?.encode(event, into)
        }
        Request::Remove(id, reply) => {
            into.push(REMOVE);
            into.extend(id.0.to_le_bytes());
            wire()?.encode(reply, into)
        }
        Request::Which(reply) => {
            into.push(WHICH);
            wire()?.encode(reply, into)
        }
        Request::Add { .. } | Request::With(..) => Err(WireError::new("a handler or a function cannot cross")),
    }
}

fn decode<E: Message>(bytes: &[u8]) -> Result<ManagerMessage<E>, WireError> {
    let request = match bytes {
        [NOTIFY, event @ ..] => Request::Notify(wire::<E>()?.decode(event)?),
        [SYNC_NOTIFY, length, rest @ ..] => {
            let split = rest.split_at_checked(usize::from(*length));
            let (reply, event) = split.ok_or_else(|| WireError::new("the message ends in its reply"))?;
            Request::SyncNotify(wire::<E>()?.decode(event)?, wire()?.decode(reply)?)
        }
        [REMOVE, rest @ ..] => {
            let split = rest.split_first_chunk();
            let (id, reply) = split.ok_or_else(|| WireError::new("the message ends in its handler"))?;
            Request::Remove(HandlerId(u64::from_le_bytes(*id)), wire()?.decode(reply)?)
        }
        [WHICH, reply @ ..] => Request::Which(wire()?.decode(reply)?),
        _ => return Err(WireError::new("a message to a manager begins with a number up to 3")),
    };
    Ok(ManagerMessage(request))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_it_was_and_odd_bytes_are_an_error() {
        let mut bytes = Vec::new();
        encode(&ManagerMessage(Request::Notify("hot".to_string())), &mut bytes).unwrap();
        let decoded = decode::<String>(&bytes).unwrap();
        assert!(matches!(decoded.0, Request::Notify(event) if event == "hot"));
        for odd in [&[][..], &[4], &[SYNC_NOTIFY], &[SYNC_NOTIFY, 9, 1], &[SYNC_NOTIFY, 0], &[REMOVE, 1, 2], &[WHICH]] {
            assert!(decode::<String>(odd).is_err(), "{odd:?}");
        }
    }
}

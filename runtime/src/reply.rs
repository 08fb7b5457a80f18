//! The way to answer a call, as a value: used up by the answer, and never lost in silence.
//!
//! It may travel on, to another process or node. If it is dropped, whoever dropped it, the caller is told that nobody
//! answers, and why. The exception is a value that was encoded and is on its way to another node: that one's other self
//! answers, and [`carried`](crate::carried) sees to it that it arrives or is missed.

use crate::{
    body,
    carried::{self, Carried},
    message::{Crosses, Message, Wire},
    node::{self, Node},
    pid::{Pid, RawPid},
    reap,
    reason::Reason,
    send,
    signal::Control,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use std::{
    fmt,
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

/// The way to answer a call: see [`Process::call`](crate::Process::call).
pub struct Reply<T> {
    caller: RawPid,
    call: u64,
    /// How many walls it has crossed.
    hop: u32,
    /// Whether dropping it means that nobody answers. Not after it was encoded otherwise than by a send, which sees to
    /// that itself (`carried.rs`): its other self answers.
    armed: AtomicBool,
    answers: PhantomData<fn(T)>,
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("caller", &self.caller).field("call", &self.call).finish()
    }
}

impl<T> Reply<T> {
    pub(crate) fn new(caller: RawPid, call: u64, hop: u32) -> Self {
        Reply { caller, call, hop, armed: AtomicBool::new(true), answers: PhantomData }
    }

    /// Who waits for the answer.
    pub fn caller(&self) -> Pid {
        Pid::new(self.caller)
    }
}

impl<T: Message> Reply<T> {
    /// Answers. If the caller no longer waits, nothing happens.
    pub fn send(self, answer: T) {
        if let Some(node) = node::here() {
            self.armed.store(false, Relaxed);
            send::answer(node, self.caller, self.call, answer);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if !self.armed.load(Relaxed) || carried::has_departed(self.caller, self.call) {
            return;
        }
        let Some(node) = node::here() else { return };
        match reap::ending() {
            Some(reason) => unanswered(node, self.caller, self.call, reason),
            None if body::leave_unanswered(self.caller, self.call) => {}
            None => unanswered(node, self.caller, self.call, Reason::Normal),
        }
    }
}

/// Tells a caller that there will be no answer.
pub(crate) fn unanswered(node: &Node, caller: RawPid, call: u64, reason: Reason) {
    send::control(node, caller, Control::NoAnswer { call, reason });
}

impl<T> Serialize for Reply<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (caller, call, hop) = (self.caller, self.call, self.hop.saturating_add(1));
        if !carried::note(Carried { caller, call, hop }) {
            self.armed.store(false, Relaxed);
        }
        (caller, call, hop).serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Reply<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (caller, call, hop) = Deserialize::deserialize(deserializer)?;
        Ok(Reply::new(caller, call, hop))
    }
}

impl<T: Crosses + Serialize + DeserializeOwned> Message for Reply<T> {
    const NAME: &'static str = "Reply<T>";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
    const HASH: u32 = T::HASH.rotate_left(7) ^ 0x5eed;
}

impl<T: Crosses + Serialize + DeserializeOwned> Crosses for Reply<T> {}

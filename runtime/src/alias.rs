//! Aliases: addresses of a process that stop working when their owner says so.
//!
//! A pid reaches its process as long as that lives. Whoever asks a question with a limit, and has given up, does not
//! want the answer any more: it hands out an alias and closes it then. What comes through a closed alias is thrown away
//! before it enters the mailbox. (Calls need no alias: their answers do not go through the mailbox.)
//!
//! The sender's side knows nothing of this: what is sent through an alias lies in the same queue as all else, in order,
//! with the alias's number on it, and its owner looks at that when it takes the letter in. So closing an alias costs no
//! signal, and holds at once.

use crate::{
    deliver, dist,
    message::{Crosses, Message, Wire, mix},
    node,
    pid::{Pid, RawPid},
    process::{Monitor, Process},
    send::SendError,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
};

/// An address of a process, good until its owner closes it. Like a pid it is plain data, and may be sent anywhere.
///
/// ```
/// use holm::{Alias, Process};
/// use std::time::Duration;
///
/// holm::block_on(async |mut me: Process<String>| {
///     let alias: Alias<String> = me.alias();
///     alias.send("in time".into()).unwrap();
///     assert_eq!(me.receive().await, "in time");
///     assert!(me.unalias(alias));
///     alias.send("late".into()).unwrap();
///     assert_eq!(me.receive_within(Duration::ZERO).await, None);
/// })
/// .unwrap();
/// ```
pub struct Alias<M> {
    owner: RawPid,
    number: u32,
    messages: PhantomData<fn(M)>,
}

impl<M> Alias<M> {
    /// The process that it is an address of.
    pub fn owner(self) -> Pid {
        Pid::new(self.owner)
    }
}

impl<M: Message> Alias<M> {
    /// Sends a message, as [`Pid::send`] does, and in one order with all else that the sender sends to that process. If
    /// the alias is closed when it arrives, it is lost, as to a process that has ended.
    ///
    /// # Errors
    ///
    /// Those of [`Pid::send`].
    pub fn send(self, message: M) -> Result<(), SendError<M>> {
        let Some(node) = node::here() else { return Err(SendError::NoNode(message)) };
        holm_scheduler::spend(1);
        if self.owner.node == node.id {
            deliver::through_alias(node, self.owner, self.number, message);
            return Ok(());
        }
        dist::send_through_alias(node, self.owner, self.number, message)
    }
}

impl<M: Message> Process<M> {
    /// Opens an alias of this process, until [`Process::unalias`].
    pub fn alias(&mut self) -> Alias<M> {
        let state = self.state();
        let number = state.bonds().alias_number();
        Alias { owner: state.pid, number: state.bonds().aliases.open(number), messages: PhantomData }
    }

    /// Closes an alias: no message through it enters the mailbox from here on; what has entered stays. True if it was
    /// open, and this process's.
    pub fn unalias(&mut self, alias: Alias<M>) -> bool {
        let state = self.state();
        alias.owner == state.pid && state.bonds().aliases.close(alias.number)
    }

    /// Watches another process, as [`Process::monitor`] does, and opens an alias that ends with the monitor: when the
    /// [`Down`](crate::Notice::Down) comes, or by [`Process::demonitor`]. It is what a question wants whose answer is to
    /// come as a message: the answer, or the `Down`, and nothing any more after `demonitor`.
    pub fn monitor_with_alias<N>(&mut self, other: Pid<N>) -> (Monitor, Alias<M>) {
        let state = self.state();
        let number = state.bonds().alias_number();
        let alias = Alias { owner: state.pid, number: state.bonds().aliases.open(number), messages: PhantomData };
        (self.monitor_as(number, other), alias)
    }
}

impl<M> Clone for Alias<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Alias<M> {}

impl<M> PartialEq for Alias<M> {
    fn eq(&self, other: &Self) -> bool {
        (self.owner, self.number) == (other.owner, other.number)
    }
}

impl<M> Eq for Alias<M> {}

impl<M> Hash for Alias<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.owner, self.number).hash(state);
    }
}

impl<M> fmt::Debug for Alias<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}#{}", self.owner, self.number)
    }
}

impl<M> Serialize for Alias<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.owner, self.number).serialize(serializer)
    }
}

impl<'de, M> Deserialize<'de> for Alias<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (owner, number) = Deserialize::deserialize(deserializer)?;
        Ok(Alias { owner, number, messages: PhantomData })
    }
}

impl<M: Message> Message for Alias<M> {
    const NAME: &'static str = "Alias<M>";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
    const HASH: u32 = mix("Alias<M>", M::HASH);
}

impl<M: Message> Crosses for Alias<M> {}

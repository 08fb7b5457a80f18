//! How a server is reached.

use crate::{
    behaviour::{Envelope, unsent},
    sys::{self, StopError},
};
use holm::{CallError, Crosses, Message, Pid, Process, Reason, Reply, Request, SendError, SpawnError, Wire};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, hash::Hash, time::Duration};

/// A server, and the messages that it takes: plain data like a pid, and good on every node. It crosses a wall whatever
/// its messages are; whether these can is asked when one is sent.
pub struct ServerRef<M>(Pid<Envelope<M>>);

impl<M: Message> ServerRef<M> {
    /// The server of this name on this node, if it takes these messages.
    pub fn whereis(name: &str) -> Option<Self> {
        holm::whereis(name).map(ServerRef)
    }

    /// The server of this name on the node that runs a scheduler, if it takes these messages.
    ///
    /// # Errors
    ///
    /// If there is no such scheduler, or no connection to its node.
    ///
    /// # Cancel safety
    ///
    /// The answer is lost.
    pub async fn whereis_at<P: Message>(
        me: &mut Process<P>,
        scheduler: u32,
        name: &str,
    ) -> Result<Option<Self>, SpawnError> {
        Ok(me.whereis_at(scheduler, name).await?.map(ServerRef))
    }

    /// The server's process.
    pub fn pid(self) -> Pid<Envelope<M>> {
        self.0
    }

    /// Sends a message and goes on at once, whether or not there is such a server.
    ///
    /// # Errors
    ///
    /// If the message cannot leave this node; it comes back.
    pub fn cast(self, message: M) -> Result<(), SendError<M>> {
        self.0.send(Envelope::User(message)).map_err(unsent)
    }

    /// Sends a request and waits for its answer, up to `limit`; with `None` for as long as it takes.
    ///
    /// # Errors
    ///
    /// | error | what happened |
    /// | --- | --- |
    /// | `Unanswered(NoProc)` | there is no such server |
    /// | `Unanswered(NoConnection)` | its node is lost |
    /// | `Unanswered(reason)` | it ended with this reason before it answered |
    /// | `Unanswered(Normal)` | that too, or it dropped the reply |
    /// | `Timeout` | no answer within the limit |
    /// | `Itself` | the caller is the server |
    /// | `Unsent`, `Undecodable` | the request or the answer does not cross |
    ///
    /// # Cancel safety
    ///
    /// If the call is dropped, its answer is thrown away when it comes.
    pub async fn call<P: Message, T: Message>(
        self,
        me: &mut Process<P>,
        request: impl FnOnce(Reply<T>) -> M,
        limit: impl Into<Option<Duration>>,
    ) -> Result<T, CallError> {
        me.call(self.0, |reply| Envelope::User(request(reply)), limit).await
    }

    /// Sends a request, and leaves its answer for [`Process::response`].
    ///
    /// # Errors
    ///
    /// [`CallError::Itself`] and [`CallError::Unsent`].
    pub fn send_request<P: Message, T: Message>(
        self,
        me: &mut Process<P>,
        request: impl FnOnce(Reply<T>) -> M,
    ) -> Result<Request<T>, CallError> {
        me.send_request(self.0, |reply| Envelope::User(request(reply)))
    }

    /// Stops the server: see [`sys::stop`].
    ///
    /// # Errors
    ///
    /// See [`StopError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the server ends all the same.
    pub async fn stop<P: Message>(
        self,
        me: &mut Process<P>,
        reason: Reason,
        limit: impl Into<Option<Duration>>,
    ) -> Result<(), StopError> {
        sys::stop(me, self, reason, limit).await
    }
}

impl<M> From<Pid<Envelope<M>>> for ServerRef<M> {
    fn from(pid: Pid<Envelope<M>>) -> Self {
        ServerRef(pid)
    }
}

impl<M> From<ServerRef<M>> for Pid<Envelope<M>> {
    fn from(server: ServerRef<M>) -> Self {
        server.0
    }
}

impl<M> From<ServerRef<M>> for Pid {
    fn from(server: ServerRef<M>) -> Self {
        server.0.untyped()
    }
}

impl<M> Clone for ServerRef<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for ServerRef<M> {}

impl<M> PartialEq for ServerRef<M> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<M> Eq for ServerRef<M> {}

impl<M> Hash for ServerRef<M> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<M> fmt::Debug for ServerRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerRef").field(&self.0).finish()
    }
}

impl<M> fmt::Display for ServerRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M> Serialize for ServerRef<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M> Deserialize<'de> for ServerRef<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pid::deserialize(deserializer).map(ServerRef)
    }
}

impl<M: Message> Message for ServerRef<M> {
    const NAME: &'static str = "ServerRef<M>";
    const WIRE: Option<Wire<Self>> = Some(Wire::of());
    const HASH: u32 = <Pid<Envelope<M>> as Message>::HASH ^ 0x5e7e;
}

impl<M: Message> Crosses for ServerRef<M> {}

//! A server by its name on a node: `{Name, Node}`.

use crate::behaviour::{Envelope, unsent};
use holm::{CallError, Message, NodeId, Process, Reply, Request, SendError, send_to_name_on};
use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

/// A name on a node, and the messages that its server takes. Each message looks the name up when it gets there: so this
/// stays good over restarts of the server, which a [`ServerRef`](super::ServerRef) does not.
pub struct ServerName<M> {
    node: NodeId,
    name: Arc<str>,
    messages: PhantomData<fn(M)>,
}

impl<M: Message> ServerName<M> {
    /// A name on a node; nothing is looked up yet.
    pub fn new(node: NodeId, name: &str) -> Self {
        ServerName { node, name: name.into(), messages: PhantomData }
    }

    /// The node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a message to whoever has the name, and goes on at once, whether or not there is such a server.
    ///
    /// # Errors
    ///
    /// If the message cannot leave this node; it comes back.
    pub fn cast(&self, message: M) -> Result<(), SendError<M>> {
        send_to_name_on(self.node, &self.name, Envelope::User(message)).map_err(unsent)
    }

    /// Sends a request to whoever has the name, and waits for the answer, up to `limit`; see
    /// [`ServerRef::call`](super::ServerRef::call). A process that calls its own name waits for itself, up to the limit.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// If the call is dropped, its answer is thrown away when it comes.
    pub async fn call<P: Message, T: Message>(
        &self,
        me: &mut Process<P>,
        request: impl FnOnce(Reply<T>) -> M,
        limit: impl Into<Option<Duration>>,
    ) -> Result<T, CallError> {
        let request = self.send_request(me, request)?;
        me.response(request, limit).await
    }

    /// Sends a request, and leaves its answer for [`Process::response`].
    ///
    /// # Errors
    ///
    /// [`CallError::Unsent`].
    pub fn send_request<P: Message, T: Message>(
        &self,
        me: &mut Process<P>,
        request: impl FnOnce(Reply<T>) -> M,
    ) -> Result<Request<T>, CallError> {
        let (reply, open) = me.open_call();
        match self.cast(request(reply)) {
            Ok(()) => Ok(open),
            Err(error) => {
                me.abandon(open);
                Err(CallError::Unsent(error.to_string()))
            }
        }
    }
}

impl<M> Clone for ServerName<M> {
    fn clone(&self) -> Self {
        ServerName { node: self.node, name: self.name.clone(), messages: PhantomData }
    }
}

impl<M> PartialEq for ServerName<M> {
    fn eq(&self, other: &Self) -> bool {
        (self.node, &self.name) == (other.node, &other.name)
    }
}

impl<M> fmt::Debug for ServerName<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerName({:?} on {})", self.name, self.node)
    }
}

//! A scope of names as the processes of its node see it: a table that all may read and one process writes.

use super::{
    names::{Names, Verdict},
    request::{Peer, Request},
    server,
};
use crate::{
    proc_lib::{StartError, StartOptions},
    tables,
};
use holm::{CallError, Message, NodeId, Pid, Process, Reply, is_alive, whereis};
use parking_lot::RwLock;
use std::{fmt, sync::Arc};

/// Bytes of a global name at most.
pub const GLOBAL_NAME_LEN_MAX: usize = 255;

/// Why a process did not get a name, or keeps it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// The process lives on another node: there it can have names.
    #[error("{0} lives on another node, and gets and gives up names there")]
    NotLocal(Pid),
    /// Another process has the name, or this one has it already.
    #[error("{0} has the name")]
    Taken(Pid),
    /// The process ended before it got the name.
    #[error("{0} has ended, and only a living process gets a name")]
    Ended(Pid),
    /// Nobody has the name.
    #[error("nobody has the name {0:?}")]
    NotRegistered(String),
    /// The name is too long.
    #[error("a global name has {GLOBAL_NAME_LEN_MAX} bytes at most, and not {0}")]
    NameTooLong(usize),
    /// The scope's process does not answer.
    #[error("the scope of the name does not answer: {0}")]
    Scope(#[from] CallError),
}

/// How whoever asked for a name is answered.
pub(super) type Ticket = Reply<Verdict<Pid>>;

pub(super) type Table<M> = RwLock<Names<Peer<M>, Pid<M>, Ticket>>;

/// A scope of names on this node; see the [module](super). Clones are the same scope.
pub struct Global<M> {
    scope: Peer<M>,
    table: Arc<Table<M>>,
}

impl<M> Clone for Global<M> {
    fn clone(&self) -> Self {
        Global { scope: self.scope, table: self.table.clone() }
    }
}

impl<M> fmt::Debug for Global<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Global").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<M: Message> Global<M> {
    /// Starts a scope on this node, linked to its starter. Its name is that of its process. When it has started, it and
    /// the scopes of this name on the other nodes know each other, and each other's names.
    ///
    /// It waits for what they say. A process there that has the name and is no such scope says nothing: it is waited for
    /// five seconds.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; [`StartError::AlreadyStarted`] if the node has one of this name.
    ///
    /// # Cancel safety
    ///
    /// As [`crate::proc_lib::start_link`].
    pub async fn start_link<P: Message>(me: &mut Process<P>, scope: &str) -> Result<Self, StartError> {
        let table = Arc::new(RwLock::new(Names::new()));
        let (shared, scope_name) = (table.clone(), scope.to_string());
        let start = crate::proc_lib::start_link(me, StartOptions::new().name(scope), |me, starting| {
            server::serve(me, starting, scope_name, shared)
        });
        Ok(Global { scope: start.await?, table })
    }

    /// The scope of this name on this node, if one runs whose processes take these messages.
    pub fn find(scope: &str) -> Option<Self> {
        let scope = whereis::<Request<M>>(scope)?;
        Some(Global { scope, table: tables::find(scope.untyped())? })
    }

    /// The scope's process on this node.
    pub fn pid(&self) -> Pid {
        self.scope.untyped()
    }

    /// The other nodes that are asked before a name is given away: those whose scope of this name is known here.
    pub fn nodes(&self) -> Vec<NodeId> {
        self.table.read().peers().map(|peer| peer.node()).collect()
    }

    /// Gives a process of this node a name, if nobody on any node has it. One process may have many.
    ///
    /// Waits for the answers of all [nodes](Global::nodes); one that is lost is waited for no longer.
    ///
    /// # Errors
    ///
    /// See [`GlobalError`]; of those who want a name at once all but one get [`GlobalError::Taken`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, it is decided all the same.
    pub async fn register<P: Message>(&self, me: &mut Process<P>, name: &str, pid: Pid<M>) -> Result<(), GlobalError> {
        self.claim(me, name, pid, false).await
    }

    /// Gives a process of this node a name, and takes it from whoever has it, on any node; that one is not told. Within
    /// the node the name changes hands at once; between two it is nobody's for as long as a message takes.
    ///
    /// # Errors
    ///
    /// See [`GlobalError`]; not [`GlobalError::Taken`].
    ///
    /// # Cancel safety
    ///
    /// As [`Global::register`].
    pub async fn re_register<P: Message>(
        &self,
        me: &mut Process<P>,
        name: &str,
        pid: Pid<M>,
    ) -> Result<(), GlobalError> {
        self.claim(me, name, pid, true).await
    }

    async fn claim<P: Message>(
        &self,
        me: &mut Process<P>,
        name: &str,
        holder: Pid<M>,
        takes: bool,
    ) -> Result<(), GlobalError> {
        if name.len() > GLOBAL_NAME_LEN_MAX {
            return Err(GlobalError::NameTooLong(name.len()));
        }
        if holder.node() != self.scope.node() {
            return Err(GlobalError::NotLocal(holder.untyped()));
        }
        let name = name.to_string();
        match me.call(self.scope, |done| Request::Register { name, holder, takes, done }, None).await? {
            Verdict::Granted => Ok(()),
            Verdict::Taken(by) => Err(GlobalError::Taken(by)),
            Verdict::Ended => Err(GlobalError::Ended(holder.untyped())),
        }
    }

    /// Frees the name of a process of this node. Any process may.
    ///
    /// # Errors
    ///
    /// See [`GlobalError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the name is freed all the same.
    pub async fn unregister<P: Message>(&self, me: &mut Process<P>, name: &str) -> Result<(), GlobalError> {
        let name = name.to_string();
        let asked = name.clone();
        if me.call(self.scope, |done| Request::Unregister { name: asked, done }, None).await? {
            return Ok(());
        }
        match self.whereis(&name) {
            Some(holder) => Err(GlobalError::NotLocal(holder.untyped())),
            None => Err(GlobalError::NotRegistered(name)),
        }
    }

    /// Who has a name, on any node, as far as this one knows. It looks into a table: no message, no wait.
    pub fn whereis(&self, name: &str) -> Option<Pid<M>> {
        let holder = self.table.read().whereis(name);
        holder.filter(|holder| holder.node() != self.scope.node() || is_alive(*holder))
    }

    /// The names that processes have, on any node, in their order.
    pub fn registered_names(&self) -> Vec<String> {
        self.table.read().names().into_iter().collect()
    }
}

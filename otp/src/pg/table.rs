//! A scope as the processes of its node see it: a table that all may read and one process writes.

use super::{
    request::{Peer, Request},
    scope::{Change, Scope},
    server,
};
use crate::{
    proc_lib::{StartError, StartOptions},
    tables,
};
use holm::{CallError, Message, Pid, Process, whereis};
use parking_lot::RwLock;
use std::{collections::BTreeMap, fmt, sync::Arc};

/// Bytes of a group's name at most.
pub const GROUP_NAME_LEN_MAX: usize = 255;

/// Why a process did not join a group, or leave it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The member lives on another node: there it can join.
    #[error("{0} lives on another node, and joins and leaves groups there")]
    NotLocal(Pid),
    /// It is not in the group.
    #[error("{0} is not in the group")]
    NotJoined(Pid),
    /// The group's name is too long.
    #[error("a group's name has {GROUP_NAME_LEN_MAX} bytes at most, and not {0}")]
    NameTooLong(usize),
    /// The scope's process does not answer.
    #[error("the scope of the group does not answer: {0}")]
    Scope(#[from] CallError),
}

/// A watch over a group or a scope, for [`Groups::demonitor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watch(u64);

type Tell<M> = dyn Fn(&Change<Pid<M>>) + Send + Sync;

/// The groups of a scope and their members.
pub type Membership<M> = Vec<(String, Vec<Pid<M>>)>;

/// Who is told of changes, and of which.
struct Watcher<M> {
    owner: Pid,
    /// All groups, if it is none.
    group: Option<String>,
    tell: Box<Tell<M>>,
}

/// What is under the table's lock.
pub(super) struct View<M> {
    pub(super) scope: Scope<Peer<M>, Pid<M>>,
    watchers: BTreeMap<Watch, Watcher<M>>,
    /// Who has ever watched, until it ends: each has one release.
    owners: std::collections::BTreeSet<Pid>,
    last_watch: u64,
}

pub(super) type Table<M> = RwLock<View<M>>;

impl<M> View<M> {
    pub(super) fn new() -> Self {
        View { scope: Scope::default(), watchers: BTreeMap::new(), owners: Default::default(), last_watch: 0 }
    }

    /// Tells those who watch the group. They hear of it in the order in which the table changed, for its lock is held.
    pub(super) fn tell(&self, change: &Change<Pid<M>>) {
        let watches = |watcher: &&Watcher<M>| watcher.group.as_ref().is_none_or(|group| *group == change.group);
        self.watchers.values().filter(watches).for_each(|watcher| (watcher.tell)(change));
    }

    fn forget(&mut self, owner: Pid) {
        self.owners.remove(&owner);
        self.watchers.retain(|_, watcher| watcher.owner != owner);
    }
}

/// A scope on this node; see the [module](super). Clones are the same scope.
pub struct Groups<M> {
    scope: Peer<M>,
    table: Arc<Table<M>>,
}

impl<M> Clone for Groups<M> {
    fn clone(&self) -> Self {
        Groups { scope: self.scope, table: self.table.clone() }
    }
}

impl<M> fmt::Debug for Groups<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Groups").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<M: Message> Groups<M> {
    /// Starts a scope on this node, linked to its starter. Its name is that of its process.
    ///
    /// # Errors
    ///
    /// See [`StartError`]; [`StartError::AlreadyStarted`] if the node has one of this name.
    ///
    /// # Cancel safety
    ///
    /// As [`crate::proc_lib::start_link`].
    pub async fn start_link<P: Message>(me: &mut Process<P>, name: &str) -> Result<Self, StartError> {
        let table = Arc::new(RwLock::new(View::new()));
        let (shared, scope_name) = (table.clone(), name.to_string());
        let start = crate::proc_lib::start_link(me, StartOptions::new().name(name), |me, starting| {
            server::serve(me, starting, scope_name, shared)
        });
        Ok(Groups { scope: start.await?, table })
    }

    /// The scope of this name on this node, if one runs whose members take these messages.
    pub fn find(name: &str) -> Option<Self> {
        let scope = whereis::<Request<M>>(name)?;
        Some(Groups { scope, table: tables::find(scope.untyped())? })
    }

    /// The scope's process on this node.
    pub fn pid(&self) -> Pid {
        self.scope.untyped()
    }

    /// Makes a process of this node a member of a group, once more if it is one.
    ///
    /// # Errors
    ///
    /// See [`GroupError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, it joins all the same.
    pub async fn join<P: Message>(&self, me: &mut Process<P>, group: &str, member: Pid<M>) -> Result<(), GroupError> {
        let group = self.check(group, member)?;
        Ok(me.call(self.scope, |done| Request::Join { group, member, done }, None).await?)
    }

    /// Takes a process of this node out of a group, once.
    ///
    /// # Errors
    ///
    /// See [`GroupError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, it leaves all the same.
    pub async fn leave<P: Message>(&self, me: &mut Process<P>, group: &str, member: Pid<M>) -> Result<(), GroupError> {
        let group = self.check(group, member)?;
        match me.call(self.scope, |done| Request::Leave { group, member, done }, None).await? {
            true => Ok(()),
            false => Err(GroupError::NotJoined(member.untyped())),
        }
    }

    fn check(&self, group: &str, member: Pid<M>) -> Result<String, GroupError> {
        if group.len() > GROUP_NAME_LEN_MAX {
            return Err(GroupError::NameTooLong(group.len()));
        }
        match member.node() == self.scope.node() {
            true => Ok(group.to_string()),
            false => Err(GroupError::NotLocal(member.untyped())),
        }
    }

    /// The members of a group on all nodes, those of this node first, each as often as it has joined. A group that is
    /// not there has none.
    pub fn members(&self, group: &str) -> Vec<Pid<M>> {
        self.table.read().scope.members(group)
    }

    /// The members of a group on this node.
    pub fn local_members(&self, group: &str) -> Vec<Pid<M>> {
        self.table.read().scope.local_members(group)
    }

    /// The groups that have members, in the order of their names.
    pub fn which_groups(&self) -> Vec<String> {
        self.table.read().scope.groups()
    }

    /// The groups that have members on this node.
    pub fn which_local_groups(&self) -> Vec<String> {
        self.table.read().scope.local_groups()
    }

    /// Gives the members of a group now, and sends this process every change from then on, as a message of its own.
    ///
    /// ```
    /// use holm::{Pid, Process};
    /// use holm_otp::pg::{Change, Groups};
    ///
    /// #[derive(holm::Message)]
    /// #[message(local)]
    /// struct Changed(Change<Pid<u32>>);
    ///
    /// holm::block_on(async |mut me: Process<Changed>| {
    ///     let groups = Groups::<u32>::start_link(&mut me, "numbers").await.unwrap();
    ///     let (_, members) = groups.monitor(&mut me, "odd", Changed);
    ///     assert!(members.is_empty());
    ///     let odd = me.spawn(async |mut me: Process<u32>| drop(me.receive().await)).unwrap();
    ///     groups.join(&mut me, "odd", odd).await.unwrap();
    ///     assert_eq!(me.receive().await.0.joined, [odd]);
    ///     odd.send(1).unwrap(); // it ends
    ///     assert_eq!(me.receive().await.0.left, [odd]);
    /// })
    /// .unwrap();
    /// ```
    pub fn monitor<P: Message>(
        &self,
        me: &mut Process<P>,
        group: &str,
        wrap: impl Fn(Change<Pid<M>>) -> P + Send + Sync + 'static,
    ) -> (Watch, Vec<Pid<M>>) {
        self.watch(me, Some(group.to_string()), wrap, |scope| scope.members(group))
    }

    /// As [`Groups::monitor`], for all groups of the scope.
    pub fn monitor_scope<P: Message>(
        &self,
        me: &mut Process<P>,
        wrap: impl Fn(Change<Pid<M>>) -> P + Send + Sync + 'static,
    ) -> (Watch, Membership<M>) {
        self.watch(me, None, wrap, |scope| {
            scope.groups().into_iter().map(|group| (group.clone(), scope.members(&group))).collect()
        })
    }

    fn watch<P: Message, T>(
        &self,
        me: &mut Process<P>,
        group: Option<String>,
        wrap: impl Fn(Change<Pid<M>>) -> P + Send + Sync + 'static,
        now: impl FnOnce(&Scope<Peer<M>, Pid<M>>) -> T,
    ) -> (Watch, T) {
        let pid = me.pid();
        let (watch, is_new, now) = {
            let mut view = self.table.write();
            view.last_watch += 1;
            let watch = Watch(view.last_watch);
            let is_new = view.owners.insert(pid.untyped());
            // To a process of its own node a message always goes, and to one that has ended it is nothing.
            let tell = Box::new(move |change: &Change<Pid<M>>| drop(pid.send(wrap(change.clone()))));
            view.watchers.insert(watch, Watcher { owner: pid.untyped(), group, tell });
            (watch, is_new, now(&view.scope))
        };
        if is_new {
            let table = Arc::downgrade(&self.table);
            me.on_release(move || {
                if let Some(table) = table.upgrade() {
                    table.write().forget(pid.untyped());
                }
            });
        }
        (watch, now)
    }

    /// Ends a watch: no change is sent from here on. What was sent lies in the mailbox. True if this process had it.
    pub fn demonitor<P: Message>(&self, me: &Process<P>, watch: Watch) -> bool {
        let mut view = self.table.write();
        let is_mine = view.watchers.get(&watch).is_some_and(|watcher| me.pid() == watcher.owner);
        is_mine && view.watchers.remove(&watch).is_some()
    }
}

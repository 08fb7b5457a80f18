//! The process of a scope: the only writer of its table. It does what the scope's rules say is to be done.

use super::{
    request::{Peer, Request},
    scope::{Action, Gossip, Scope},
    table::Table,
};
use crate::{proc_lib::Starting, tables};
use holm::{Event, Message, Monitor, NodeEvent, NodeId, Notice, Pid, Process, send_to_name_on};
use std::{collections::HashMap, sync::Arc};

/// Why a scope ends by itself.
#[derive(Debug, thiserror::Error)]
#[error("a peer could not be told: {0}")]
pub(super) struct Failure(String);

/// Whom a monitor watches.
enum Watched<M> {
    Peer(Peer<M>),
    Member(Pid<M>),
}

struct Server<M: Message> {
    me: Process<Request<M>>,
    name: String,
    table: Arc<Table<M>>,
    monitors: HashMap<Monitor, Watched<M>>,
    members: HashMap<Pid<M>, Monitor>,
}

pub(super) async fn serve<M: Message>(
    mut me: Process<Request<M>>,
    starting: Starting,
    name: String,
    table: Arc<Table<M>>,
) -> Result<(), Failure> {
    tables::list(&mut me, &table, |view| view.scope = Scope::default());
    me.watch_nodes(true);
    let mut server = Server { me, name, table, monitors: HashMap::new(), members: HashMap::new() };
    for node in holm::nodes() {
        server.discover(node.id)?;
    }
    starting.ready();
    loop {
        match server.me.next().await {
            Event::Message(request) => server.obey(request)?,
            Event::Notice(Notice::Down { monitor, .. }) => server.down(monitor)?,
            Event::Notice(Notice::Node(NodeEvent::Up { node, .. })) => server.discover(node)?,
            Event::Notice(_) => {} // a node that goes shows as its scope's end
        }
    }
}

impl<M: Message> Server<M> {
    /// Says hello to the scope of the same name on another node. If there is none yet, it says hello itself when there
    /// is: so of two that start at once, one finds the other.
    fn discover(&mut self, node: NodeId) -> Result<(), Failure> {
        if node == self.me.pid().node() {
            return Ok(());
        }
        let hello = Request::Gossip { from: self.me.pid(), gossip: Gossip::Discover };
        send_to_name_on(node, &self.name, hello).map_err(|error| Failure(error.to_string()))
    }

    fn obey(&mut self, request: Request<M>) -> Result<(), Failure> {
        match request {
            Request::Join { group, member, done } => {
                self.act(|scope| scope.join(&group, member))?;
                done.send(());
            }
            Request::Leave { group, member, done } => {
                let mut was_member = false;
                self.act(|scope| {
                    let actions = scope.leave(&group, member);
                    was_member = actions.is_some();
                    actions.unwrap_or_default()
                })?;
                done.send(was_member);
            }
            Request::Gossip { from, gossip } => self.act(|scope| scope.hear(from, gossip))?,
        }
        Ok(())
    }

    fn down(&mut self, monitor: Monitor) -> Result<(), Failure> {
        match self.monitors.remove(&monitor) {
            Some(Watched::Peer(peer)) => self.act(|scope| scope.peer_down(peer)),
            Some(Watched::Member(member)) => {
                self.members.remove(&member);
                self.act(|scope| scope.member_down(member))
            }
            None => Ok(()),
        }
    }

    /// Changes the scope, tells those who watch while the table is locked, and does the rest after.
    fn act(
        &mut self,
        change: impl FnOnce(&mut Scope<Peer<M>, Pid<M>>) -> Vec<Action<Peer<M>, Pid<M>>>,
    ) -> Result<(), Failure> {
        let actions = {
            let mut view = self.table.write();
            let actions = change(&mut view.scope);
            for action in &actions {
                if let Action::Changed(change) = action {
                    view.tell(change);
                }
            }
            actions
        };
        actions.into_iter().try_for_each(|action| self.perform(action))
    }

    fn perform(&mut self, action: Action<Peer<M>, Pid<M>>) -> Result<(), Failure> {
        match action {
            Action::Send(peer, gossip) => {
                let gossip = Request::Gossip { from: self.me.pid(), gossip };
                peer.send(gossip).map_err(|error| Failure(error.to_string()))?;
            }
            Action::WatchPeer(peer) => {
                self.monitors.insert(self.me.monitor(peer), Watched::Peer(peer));
            }
            Action::WatchMember(member) => {
                let monitor = self.me.monitor(member);
                self.monitors.insert(monitor, Watched::Member(member));
                self.members.insert(member, monitor);
            }
            Action::UnwatchMember(member) => {
                if let Some(monitor) = self.members.remove(&member) {
                    self.monitors.remove(&monitor);
                    self.me.demonitor(monitor);
                }
            }
            Action::Changed(_) => {}
        }
        Ok(())
    }
}

//! The process of a scope: the only writer of its table. It does what the rules of the names say is to be done.

use super::{
    names::{Action, Gossip, Names, Verdict},
    request::{NameConflict, Peer, Request},
    table::{Table, Ticket},
};
use crate::{proc_lib::Starting, tables};
use holm::{Event, Message, Monitor, NodeEvent, NodeId, Notice, Pid, Process, Reason, is_alive, send_to_name_on};
use std::{collections::HashMap, sync::Arc};

/// Why a scope ends by itself.
#[derive(Debug, thiserror::Error)]
#[error("a peer could not be told: {0}")]
pub(super) struct Failure(String);

/// Whom a monitor watches.
enum Watched<M> {
    Peer(Peer<M>),
    Holder(Pid<M>),
}

struct Server<M: Message> {
    me: Process<Request<M>>,
    scope: String,
    table: Arc<Table<M>>,
    monitors: HashMap<Monitor, Watched<M>>,
    holders: HashMap<Pid<M>, Monitor>,
}

pub(super) async fn serve<M: Message>(
    mut me: Process<Request<M>>,
    starting: Starting,
    scope: String,
    table: Arc<Table<M>>,
) -> Result<(), Failure> {
    tables::list(&mut me, &table, |names| *names = Names::default());
    me.watch_nodes(true);
    let mut server = Server { me, scope, table, monitors: HashMap::new(), holders: HashMap::new() };
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
    /// Says hello to the scope of the same name on another node; one that starts later says hello itself.
    fn discover(&mut self, node: NodeId) -> Result<(), Failure> {
        if node == self.me.pid().node() {
            return Ok(());
        }
        let hello = Request::Gossip { from: self.me.pid(), gossip: Gossip::Discover };
        send_to_name_on(node, &self.scope, hello).map_err(|error| Failure(error.to_string()))
    }

    fn obey(&mut self, request: Request<M>) -> Result<(), Failure> {
        match request {
            Request::Register { holder, done, .. } if !is_alive(holder) => done.send(Verdict::Ended),
            Request::Register { name, holder, takes, done } => {
                self.free_if_ended(&name)?;
                self.act(|names| names.register(&name, holder, takes, done))?;
            }
            Request::Unregister { name, done } => {
                self.free_if_ended(&name)?;
                let mut was_held = false;
                self.act(|names| {
                    let actions = names.unregister(&name);
                    was_held = actions.is_some();
                    actions.unwrap_or_default()
                })?;
                done.send(was_held);
            }
            Request::Gossip { from, gossip } => {
                if let Gossip::Ask(name, ..) = &gossip {
                    self.free_if_ended(name)?;
                }
                self.act(|names| names.hear(from, gossip))?;
            }
        }
        Ok(())
    }

    /// Whoever asks for the name may know of its holder's end before we do: no process that has ended keeps a name from
    /// another.
    fn free_if_ended(&mut self, name: &str) -> Result<(), Failure> {
        let holder = self.table.read().local_holder(name);
        match holder.filter(|holder| !is_alive(*holder)) {
            Some(ended) => self.act(|names| names.holder_down(ended)),
            None => Ok(()),
        }
    }

    fn down(&mut self, monitor: Monitor) -> Result<(), Failure> {
        match self.monitors.remove(&monitor) {
            Some(Watched::Peer(peer)) => self.act(|names| names.peer_down(peer)),
            Some(Watched::Holder(holder)) => {
                self.holders.remove(&holder);
                self.act(|names| names.holder_down(holder))
            }
            None => Ok(()),
        }
    }

    /// Changes the names, and does after it what that asks for.
    fn act(
        &mut self,
        change: impl FnOnce(&mut Names<Peer<M>, Pid<M>, Ticket>) -> Vec<Action<Peer<M>, Pid<M>, Ticket>>,
    ) -> Result<(), Failure> {
        let actions = change(&mut self.table.write());
        actions.into_iter().try_for_each(|action| self.perform(action))
    }

    fn perform(&mut self, action: Action<Peer<M>, Pid<M>, Ticket>) -> Result<(), Failure> {
        match action {
            Action::Send(peer, gossip) => {
                let gossip = Request::Gossip { from: self.me.pid(), gossip };
                peer.send(gossip).map_err(|error| Failure(error.to_string()))?;
            }
            Action::WatchPeer(peer) => {
                self.monitors.insert(self.me.monitor(peer), Watched::Peer(peer));
            }
            Action::Watch(holder) => {
                let monitor = self.me.monitor(holder);
                self.monitors.insert(monitor, Watched::Holder(holder));
                self.holders.insert(holder, monitor);
            }
            Action::Unwatch(holder) => {
                if let Some(monitor) = self.holders.remove(&holder) {
                    self.monitors.remove(&monitor);
                    self.me.demonitor(monitor);
                }
            }
            Action::Answer(done, verdict) => done.send(match verdict {
                Verdict::Granted => Verdict::Granted,
                Verdict::Taken(holder) => Verdict::Taken(holder.untyped()),
                Verdict::Ended => Verdict::Ended,
            }),
            Action::TellLoser { loser, name, winner } => {
                holm::exit(loser, Reason::value(&NameConflict { name, winner: winner.untyped() }));
            }
        }
        Ok(())
    }
}

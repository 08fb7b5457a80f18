//! The process of a scope: the only writer of its table. It does what the rules of the names say is to be done.

use super::{
    names::{Action, Gossip, Names, Verdict},
    request::{NameConflict, Peer, Request},
    table::{Table, Ticket},
};
use crate::{proc_lib::Starting, tables, within::within};
use holm::{Event, Message, Monitor, NodeEvent, NodeId, Notice, Pid, Process, Reason, is_alive, send_to_name_on};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// Why a scope ends by itself.
#[derive(Debug, thiserror::Error)]
#[error("a peer could not be told: {0}")]
pub(super) struct Failure(String);

/// Whom a monitor watches.
enum Watched<M> {
    Peer(Peer<M>),
    Holder(Pid<M>),
    /// Whoever had our scope's name on a node when we started, until it has said what it has.
    Unheard(NodeId),
}

/// How long a scope that starts waits for what the others have. A process that has our name and is no scope, or names
/// processes that take other messages, says nothing.
const HEARING_LIMIT: Duration = Duration::from_secs(5);

struct Server<M: Message> {
    me: Process<Request<M>>,
    scope: String,
    table: Arc<Table<M>>,
    monitors: HashMap<Monitor, Watched<M>>,
    holders: HashMap<Pid<M>, Monitor>,
    /// The nodes whose scopes are yet to be heard.
    unheard: HashMap<NodeId, Monitor>,
}

pub(super) async fn serve<M: Message>(
    mut me: Process<Request<M>>,
    starting: Starting,
    scope: String,
    table: Arc<Table<M>>,
) -> Result<(), Failure> {
    tables::list(&mut me, &table, |names| *names = Names::default());
    me.watch_nodes(true);
    let mut server =
        Server { me, scope, table, monitors: HashMap::new(), holders: HashMap::new(), unheard: HashMap::new() };
    server.hear_all().await?;
    starting.ready();
    loop {
        server.turn().await?;
    }
}

impl<M: Message> Server<M> {
    /// Who starts hears what all others have given away, before it gives anything away itself.
    async fn hear_all(&mut self) -> Result<(), Failure> {
        let here = self.me.pid().node();
        for node in holm::nodes().iter().map(|node| node.id).filter(|node| *node != here) {
            let monitor = self.me.monitor_name(&self.scope, Some(node));
            self.monitors.insert(monitor, Watched::Unheard(node));
            self.unheard.insert(node, monitor);
            self.discover(node)?;
        }
        let all = async {
            while !self.unheard.is_empty() {
                self.turn().await?;
            }
            Ok(())
        };
        within(Some(HEARING_LIMIT), all).await.unwrap_or(Ok(()))
    }

    async fn turn(&mut self) -> Result<(), Failure> {
        match self.me.next().await {
            Event::Message(request) => self.obey(request),
            Event::Notice(Notice::Down { monitor, .. }) => self.down(monitor),
            Event::Notice(Notice::Node(NodeEvent::Up { node, .. })) => self.discover(node),
            Event::Notice(_) => Ok(()), // a node that goes shows as its scope's end
        }
    }

    /// Says hello to the scope of the same name on another node; one that starts later says hello itself.
    fn discover(&self, node: NodeId) -> Result<(), Failure> {
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
                match &gossip {
                    Gossip::Ask(name, ..) => self.free_if_ended(name)?,
                    Gossip::Sync(_) => self.heard(from.node()),
                    _ => {}
                }
                self.act(|names| names.hear(from, gossip))?;
            }
        }
        Ok(())
    }

    fn heard(&mut self, node: NodeId) {
        if let Some(monitor) = self.unheard.remove(&node) {
            self.monitors.remove(&monitor);
            self.me.demonitor(monitor);
        }
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
            Some(Watched::Unheard(node)) => {
                self.unheard.remove(&node); // nobody has our name there, or nobody any more
                Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::global::{Global, names::Claim};

    async fn idle(mut me: Process<u64>) {
        me.next().await;
    }

    /// Says that it traps exits, and ends with the reason of the first that comes.
    async fn trapping(mut me: Process<u64>, ready: Pid<u64>) -> Reason {
        me.trap_exits(true);
        ready.send(0).unwrap();
        match me.next().await {
            Event::Notice(Notice::Exit { reason, .. }) => reason,
            event => Reason::error(format!("no exit came, but {event:?}")),
        }
    }

    /// Registers the loser, meets a node that gave the name away before, and reads the reason of the loser's end.
    async fn lose(me: &mut Process<u64>, name: &str, loser: Pid<u64>, monitor: Monitor) {
        let names = Global::<u64>::find("r 16").unwrap();
        let scope = holm::whereis::<Request<u64>>("r 16").unwrap();
        let winner = me.spawn(idle).unwrap();
        names.register(me, name, loser).await.unwrap();
        let gossip = Gossip::Sync(vec![(name.to_string(), Claim { stamp: 0, holder: winner })]);
        let other_part =
            me.spawn(async |mut me: Process<Request<u64>>| drop(me.notice_where(|_| false).await)).unwrap();
        scope.send(Request::Gossip { from: other_part, gossip }).unwrap();
        let conflict = NameConflict { name: name.to_string(), winner: winner.untyped() };
        assert_eq!(me.down(monitor).await.get(), Some(conflict));
        assert_eq!(names.whereis(name), Some(winner));
        holm::exit(other_part, Reason::Kill);
    }

    #[test]
    fn r_16_the_loser_of_a_conflict_gets_an_exit_signal_that_says_who_won() {
        holm::block_on(async |mut me: Process<u64>| {
            Global::<u64>::start_link(&mut me, "r 16").await.unwrap();
            let own = me.pid();
            let (loser, monitor) = me.spawn_monitor(async move |me: Process<u64>| trapping(me, own).await).unwrap();
            me.receive().await;
            lose(&mut me, "it traps", loser, monitor).await;
            let (loser, monitor) = me.spawn_monitor(idle).unwrap();
            lose(&mut me, "it does not", loser, monitor).await;
        })
        .unwrap();
    }
}

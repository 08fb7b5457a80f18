//! Two nodes in one OS process, each with a scheduler of its own, joined by a pair of Unix sockets: shutting these down is
//! the loss of the connection, another pair is its return. Parties on them do as they are told and tell what they see.

use crate::{
    Event, Message, Notice, Pid, Process, Reason, SpawnError, SpawnOptions,
    dist::{Link, LinkState, start_link},
    layout::{Binding, LinkEnd, NodePlace, Place, Socket, Transport},
    node::{self, Node},
    spawn::{self, Ties},
};
use holm_scheduler::{Config, Scheduler, send_errand, spawn_on};
use holm_transport::Secret;
use serde::{Deserialize, Serialize};
use std::{
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{Arc, mpsc},
    time::Duration,
};

/// Long enough for anything that is to come; waited out only when a test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Two nodes of one layout, and what joins them.
pub(super) struct Pair {
    pub(super) nodes: [Arc<Node>; 2],
    schedulers: Vec<Scheduler>,
    links: Vec<Arc<Link>>,
    /// A copy of one end of the connection.
    connection: Option<UnixStream>,
}

impl Pair {
    pub(super) fn joined() -> Self {
        let secret = Secret::generate().unwrap();
        let place = |rank| Place {
            rank,
            nodes: (0..2).map(node_place).collect(),
            transport: Transport::Unix,
            secret: secret.clone(),
            binding: Binding { bind_type: "u".into(), asked: false },
            notes: Vec::new(),
        };
        let (nodes, schedulers): (Vec<_>, Vec<_>) = (0..2).map(|rank| start_node(place(rank))).unzip();
        let nodes = nodes.try_into().expect("two were made");
        let mut pair = Pair { nodes, schedulers, links: Vec::new(), connection: None };
        pair.join();
        pair
    }

    /// Connects the nodes, and waits until both see it.
    pub(super) fn join(&mut self) {
        let (one, other) = UnixStream::pair().unwrap();
        self.connection = Some(one.try_clone().unwrap());
        self.links = [(0, one), (1, other)]
            .map(|(rank, socket)| {
                let socket = Socket::Unix(socket);
                let end = LinkEnd { peer: 1 - rank, initiator: rank == 0, socket, shared_memory: false };
                start_link(&self.nodes[rank as usize], end, 0).unwrap()
            })
            .into();
        for link in &self.links {
            assert_eq!(link.wait_up(PATIENCE), LinkState::Up);
        }
    }

    /// Loses the connection, and waits until both see it.
    pub(super) fn cut(&mut self) {
        self.shut_down();
        self.wait_lost();
    }

    pub(super) fn shut_down(&mut self) {
        self.connection.take().expect("they are joined").shutdown(Shutdown::Both).unwrap();
    }

    pub(super) fn wait_lost(&self) {
        for link in &self.links {
            assert!(link.wait_lost(PATIENCE));
        }
    }

    /// Keeps a node's scheduler from all else until the answer is dropped.
    pub(super) fn hold(&self, at: usize) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let holding = async move {
            tell.send(()).unwrap();
            let _ = released.recv();
        };
        spawn_on(&self.nodes[at].pool, None, holding).map(drop).unwrap();
        told.recv_timeout(PATIENCE).unwrap();
        release
    }

    /// Starts a party on a node.
    pub(super) fn party(&self, at: usize) -> Party {
        let (tell, told) = mpsc::channel();
        let node = self.nodes[at].clone();
        let starting = async move {
            spawn::start(&node, None, Ties::default(), |_| (), |me| party(me, tell)).unwrap();
        };
        spawn_on(&self.nodes[at].pool, None, starting).map(drop).unwrap();
        match told.recv_timeout(PATIENCE).unwrap() {
            Seen::Started(pid) => Party { pid, node: self.nodes[at].clone(), told },
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.schedulers.drain(..).for_each(|mut scheduler| {
            drop(scheduler.stop(PATIENCE));
        });
    }
}

fn node_place(rank: u32) -> NodePlace {
    NodePlace {
        rank,
        name: format!("rejoin-{rank}@here"),
        id: u64::from(rank + 1) << 32 | 7,
        schedulers: rank..rank + 1,
        cpus: vec![None],
        numa_nodes: vec![None],
        why: vec![String::new()],
    }
}

fn start_node(place: Place) -> (Arc<Node>, Scheduler) {
    let config = Config { discard: crate::letter::discard, spin: Duration::ZERO, ..Config::default() };
    let scheduler = Scheduler::start(config).unwrap();
    let node = Node::new(place, scheduler.pool().clone());
    let (settled, (tell, told)) = (node.clone(), mpsc::channel());
    let errand = move || {
        settled.settle();
        tell.send(()).unwrap();
    };
    send_errand(&node.pool, Some(0), Box::new(errand));
    told.recv().unwrap();
    (node, scheduler)
}

/// What a party is told to do.
#[derive(Debug, Serialize, Deserialize, Message)]
pub(super) enum Do {
    Link(Pid),
    Monitor(Pid),
    /// Greets another party: behind all that it has sent there before.
    Greet(Pid<Do>),
    Greeting,
    /// Starts a child on the other scheduler.
    Spawn,
    End(Reason),
}

/// What a party tells the test.
#[derive(Debug, PartialEq)]
pub(super) enum Seen {
    Started(Pid<Do>),
    Greeting,
    Notice(Notice),
    Spawned(Result<(), SpawnError>),
}

/// Does as it is told and tells all that it sees; it traps exits.
async fn party(mut me: Process<Do>, tell: mpsc::Sender<Seen>) -> Reason {
    me.trap_exits(true);
    let _ = tell.send(Seen::Started(me.pid()));
    loop {
        let seen = match me.next().await {
            Event::Message(Do::Link(other)) => {
                me.link(other);
                continue;
            }
            Event::Message(Do::Monitor(other)) => {
                me.monitor(other);
                continue;
            }
            Event::Message(Do::Greet(other)) => {
                other.send(Do::Greeting).unwrap();
                continue;
            }
            Event::Message(Do::Greeting) => Seen::Greeting,
            Event::Message(Do::Spawn) => {
                let there = SpawnOptions::new().scheduler(1).link();
                Seen::Spawned(me.spawn_entry(super::child, (), there).await.map(drop))
            }
            Event::Message(Do::End(reason)) => return reason,
            Event::Notice(notice) => Seen::Notice(notice),
        };
        let _ = tell.send(seen); // the test may have seen enough
    }
}

/// A party as the test sees it.
pub(super) struct Party {
    pub(super) pid: Pid<Do>,
    node: Arc<Node>,
    told: mpsc::Receiver<Seen>,
}

impl Party {
    pub(super) fn told(&self, what: Do) {
        let _visit = node::visit(self.node.clone());
        self.pid.send(what).unwrap();
    }

    pub(super) fn sees(&self) -> Seen {
        self.told.recv_timeout(PATIENCE).expect("something was to come")
    }

    pub(super) fn sees_exit(&self, of: &Party, why: Reason) {
        assert_eq!(self.sees(), Seen::Notice(Notice::Exit { from: of.pid.untyped(), reason: why }));
    }

    pub(super) fn sees_down(&self, of: &Party, why: Reason) {
        let seen = self.sees();
        let Seen::Notice(Notice::Down { watched, reason, .. }) = &seen else { panic!("{seen:?} was no down") };
        assert_eq!((watched.pid(), reason), (Some(of.pid.untyped()), &why));
    }

    /// The child that it was given is lost with the connection, and it hears so.
    pub(super) fn sees_lost_child(&self) {
        let seen = self.sees();
        assert!(matches!(seen, Seen::Notice(Notice::Exit { reason: Reason::NoConnection, .. })), "{seen:?}");
    }

    /// Nothing has come but what was seen, and it lives: it hears a greeting next.
    pub(super) fn sees_nothing(&self) {
        self.told(Do::Greeting);
        assert_eq!(self.sees(), Seen::Greeting);
    }
}

/// All that `from` has sent to `to` has arrived.
pub(super) fn settle(from: &Party, to: &Party) {
    from.told(Do::Greet(to.pid));
    assert_eq!(to.sees(), Seen::Greeting);
}

/// A on one node, linked to B on the other.
pub(super) fn linked(pair: &Pair) -> (Party, Party) {
    let (a, b) = (pair.party(0), pair.party(1));
    a.told(Do::Link(b.pid.untyped()));
    settle(&a, &b);
    (a, b)
}

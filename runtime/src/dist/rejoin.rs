//! Cases about a connection that is lost while both nodes live, and comes back.
//!
//! A layout's nodes do not reconnect yet, and no program can cut a connection without killing a node. So here two nodes
//! live in one OS process, each with a scheduler of its own, joined by a pair of Unix sockets: shutting these down is
//! the loss, another pair is the return. What is tested is all of `dist` above the road.

use super::{Link, LinkState, start_link};
use crate::{
    Event, Message, Notice, Pid, Process, Reason, SpawnError, SpawnOptions,
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
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// Long enough for anything that is to come; waited out only when a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Two nodes of one layout, and what joins them.
struct Pair {
    nodes: [Arc<Node>; 2],
    schedulers: Vec<Scheduler>,
    links: Vec<Arc<Link>>,
    /// A copy of one end of the connection.
    connection: Option<UnixStream>,
}

impl Pair {
    fn joined() -> Self {
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
    fn join(&mut self) {
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
    fn cut(&mut self) {
        self.shut_down();
        self.wait_lost();
    }

    fn shut_down(&mut self) {
        self.connection.take().expect("they are joined").shutdown(Shutdown::Both).unwrap();
    }

    fn wait_lost(&self) {
        for link in &self.links {
            assert!(link.wait_lost(PATIENCE));
        }
    }

    /// Keeps a node's scheduler from all else until the answer is dropped.
    fn hold(&self, at: usize) -> mpsc::Sender<()> {
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
    fn party(&self, at: usize) -> Party {
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
enum Do {
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
enum Seen {
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
                Seen::Spawned(me.spawn_entry(child, (), there).await.map(drop))
            }
            Event::Message(Do::End(reason)) => return reason,
            Event::Notice(notice) => Seen::Notice(notice),
        };
        let _ = tell.send(seen); // the test may have seen enough
    }
}

/// A party as the test sees it.
struct Party {
    pid: Pid<Do>,
    node: Arc<Node>,
    told: mpsc::Receiver<Seen>,
}

impl Party {
    fn told(&self, what: Do) {
        let _visit = node::visit(self.node.clone());
        self.pid.send(what).unwrap();
    }

    fn sees(&self) -> Seen {
        self.told.recv_timeout(PATIENCE).expect("something was to come")
    }

    fn sees_exit(&self, of: &Party, why: Reason) {
        assert_eq!(self.sees(), Seen::Notice(Notice::Exit { from: of.pid.untyped(), reason: why }));
    }

    fn sees_down(&self, of: &Party, why: Reason) {
        let seen = self.sees();
        let Seen::Notice(Notice::Down { watched, reason, .. }) = &seen else { panic!("{seen:?} was no down") };
        assert_eq!((watched.pid(), reason), (Some(of.pid.untyped()), &why));
    }

    /// The child that it was given is lost with the connection, and it hears so.
    fn sees_lost_child(&self) {
        let seen = self.sees();
        assert!(matches!(seen, Seen::Notice(Notice::Exit { reason: Reason::NoConnection, .. })), "{seen:?}");
    }

    /// Nothing has come but what was seen, and it lives: it hears a greeting next.
    fn sees_nothing(&self) {
        self.told(Do::Greeting);
        assert_eq!(self.sees(), Seen::Greeting);
    }
}

/// All that `from` has sent to `to` has arrived.
fn settle(from: &Party, to: &Party) {
    from.told(Do::Greet(to.pid));
    assert_eq!(to.sees(), Seen::Greeting);
}

/// A on one node, linked to B on the other.
fn linked(pair: &Pair) -> (Party, Party) {
    let (a, b) = (pair.party(0), pair.party(1));
    a.told(Do::Link(b.pid.untyped()));
    settle(&a, &b);
    (a, b)
}

#[test]
fn l_16_a_lost_connection_is_one_exit_to_each_side_and_both_live() {
    let mut pair = Pair::joined();
    let (a, b) = linked(&pair);
    pair.cut();
    a.sees_exit(&b, Reason::NoConnection);
    b.sees_exit(&a, Reason::NoConnection);
    a.sees_nothing();
    b.sees_nothing();
}

#[test]
fn l_17_a_link_does_not_come_back_with_its_connection() {
    let mut pair = Pair::joined();
    for the_first_ends in [true, false] {
        let (a, b) = linked(&pair);
        pair.cut();
        a.sees_exit(&b, Reason::NoConnection);
        b.sees_exit(&a, Reason::NoConnection);
        pair.join();
        let (ends, stays) = if the_first_ends { (&a, &b) } else { (&b, &a) };
        // Exits by links leave before downs: if the old link were there, an exit would come first, or instead.
        stays.told(Do::Monitor(ends.pid.untyped()));
        settle(stays, ends);
        ends.told(Do::End(Reason::Shutdown));
        stays.sees_down(ends, Reason::Shutdown);
        stays.sees_nothing();
    }
}

#[test]
fn l_17_a_link_that_is_set_anew_holds() {
    let mut pair = Pair::joined();
    let (a, b) = linked(&pair);
    pair.cut();
    a.sees_exit(&b, Reason::NoConnection);
    b.sees_exit(&a, Reason::NoConnection);
    pair.join();
    a.told(Do::Link(b.pid.untyped()));
    settle(&a, &b);
    b.told(Do::End(Reason::Shutdown));
    a.sees_exit(&b, Reason::Shutdown);
    a.sees_nothing();
}

#[test]
fn m_11_a_monitor_fires_once_for_a_lost_connection_and_not_for_the_end() {
    let mut pair = Pair::joined();
    let (a, b) = (pair.party(0), pair.party(1));
    a.told(Do::Monitor(b.pid.untyped()));
    settle(&a, &b);
    pair.cut();
    a.sees_down(&b, Reason::NoConnection);
    b.sees_nothing();
    pair.join();
    a.told(Do::Monitor(b.pid.untyped()));
    settle(&a, &b);
    b.told(Do::End(Reason::Shutdown));
    a.sees_down(&b, Reason::Shutdown); // of the second monitor: it has B's own reason
    a.sees_nothing();
}

/// How many children run.
static CHILDREN: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        CHILDREN.fetch_sub(1, SeqCst);
    }
}

/// Lives until its parent, or the connection to it, does not.
#[holm::entry]
async fn child(mut me: Process<()>, _: ()) {
    CHILDREN.fetch_add(1, SeqCst);
    let _counted = Counted;
    me.receive().await;
}

#[test]
fn d_10_a_child_whose_parent_is_lost_before_it_hears_of_it_ends() {
    let mut pair = Pair::joined();
    let mut refused = 0;
    for round in 0..40 {
        let a = pair.party(0);
        // In every other round the request lies before a node that is busy; else it is met anywhere.
        let held = (round % 2 == 0).then(|| pair.hold(1));
        a.told(Do::Spawn);
        thread::sleep(Duration::from_micros(round * 25));
        pair.shut_down();
        drop(held);
        pair.wait_lost();
        match a.sees() {
            Seen::Spawned(Err(SpawnError::NoConnection)) => refused += 1,
            Seen::Spawned(Ok(())) => a.sees_lost_child(),
            other => panic!("{other:?}"),
        }
        pair.party(1).sees_nothing(); // and so whatever was started there has had its first turn
        let began = Instant::now();
        while CHILDREN.load(SeqCst) > 0 {
            assert!(began.elapsed() < PATIENCE, "a child outlives the connection to its parent");
            thread::sleep(Duration::from_millis(1));
        }
        pair.join();
    }
    assert!(refused >= 20, "an answer cannot come from a node that was held until the connection was lost");
}

//! The task of one link: it alone touches the session and the road.
//!
//! Each turn: what came in is handed to [`ops`](super::ops), what waits in the outbox goes to the session, what the
//! session has goes to the road; until nothing moves. Then it waits: for the outbox, for the road, for the session's
//! deadline. While the scheduler is awake it looks at a shared-memory road between turns ([`Watch`]); only when it
//! falls asleep does it announce that it wants the bell.

use super::{Peer, ops, outbox::Batch};
use crate::{
    layout::{LinkEnd, Socket},
    node::Node,
    node_event::NodeEvent,
    pid::NodeId,
    signal::Control,
};
use holm_scheduler::{Direction, Sleep, Source, Watched, clock, unwatch, watch};
use holm_transport::{Event, Identity, Limits, NodeName, Road, Role, Session, StreamRoad, append, nonce, shm};
use mio::{Interest, Registry, Token, unix::SourceFd};
use parking_lot::{Condvar, Mutex};
use std::{
    future::{Future, poll_fn},
    io,
    os::fd::{AsRawFd, RawFd},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

/// Bytes of each of the two rings of a shared-memory road.
const RING_LEN: usize = 1 << 20;

/// Bytes read from a road at once.
const READ_LEN: usize = 64 << 10;

/// Reads of one turn: then the processes that were woken have theirs.
const READS_MAX: usize = 4;

/// Whether a link is up, for whoever waits for the mesh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Meeting,
    Up,
    Lost(String),
}

/// A link as its runtime sees it.
#[derive(Debug)]
pub(crate) struct Link {
    state: Mutex<LinkState>,
    changed: Condvar,
    leave: Mutex<Option<Waker>>,
    leaving: Mutex<bool>,
}

impl Link {
    fn set(&self, state: LinkState) {
        *self.state.lock() = state;
        self.changed.notify_all();
    }

    /// Blocks until the link is up or lost, at most `limit`.
    pub(crate) fn wait_up(&self, limit: Duration) -> LinkState {
        let mut state = self.state.lock();
        let _ = self.changed.wait_while_for(&mut state, |state| *state == LinkState::Meeting, limit);
        state.clone()
    }

    /// Blocks until the link is lost, at most `limit`.
    pub(crate) fn wait_lost(&self, limit: Duration) -> bool {
        let mut state = self.state.lock();
        !self.changed.wait_while_for(&mut state, |state| !matches!(state, LinkState::Lost(_)), limit).timed_out()
    }

    /// Asks the link to say goodbye, once what is queued has left.
    pub(crate) fn leave(&self) {
        *self.leaving.lock() = true;
        self.leave.lock().take().into_iter().for_each(Waker::wake);
    }
}

/// Makes the road of a link's end, and starts its task on a scheduler of this node.
///
/// # Errors
///
/// What the operating system says of the socket or the segment.
pub(crate) fn start(node: &Arc<Node>, end: LinkEnd, scheduler: usize) -> io::Result<Arc<Link>> {
    let peer = &node.place.nodes[end.peer as usize];
    let (expected, expected_name) = (NodeId(peer.id), peer.name.clone());
    let role = if end.initiator { Role::Initiator } else { Role::Acceptor };
    let road = match end.socket {
        Socket::Unix(socket) if end.shared_memory => Road::Shm(match role {
            Role::Initiator => shm::offer(socket, RING_LEN)?,
            Role::Acceptor => shm::accept(socket)?,
        }),
        Socket::Unix(socket) => Road::Stream(StreamRoad::unix(socket)?),
        Socket::Tcp(socket) => Road::Stream(StreamRoad::tcp(socket)?),
    };
    let name = NodeName::new(&node.place.node().name).map_err(io::Error::other)?;
    let identity = Identity { name, node: node.id.get() };
    let nonce = nonce().map_err(io::Error::other)?;
    let session = Session::new(role, identity, &node.place.secret, Limits::default(), nonce, clock::now());
    let link = Arc::new(Link {
        state: Mutex::new(LinkState::Meeting),
        changed: Condvar::new(),
        leave: Mutex::new(None),
        leaving: Mutex::new(false),
    });
    let task = run(node.clone(), link.clone(), road, session, expected, expected_name);
    holm_scheduler::spawn_on(&node.pool, Some(scheduler), task).map_err(io::Error::other)?;
    Ok(link)
}

async fn run(node: Arc<Node>, link: Arc<Link>, road: Road, session: Session, expected: NodeId, name: String) {
    let why = match Turning::new(&node, &link, road, session, expected, name) {
        Ok(mut turning) => {
            let why = turning.run().await;
            turning.lose(&why);
            why
        }
        Err(error) => format!("the road cannot be watched: {error}"),
    };
    link.set(LinkState::Lost(why));
}

/// A link's task's own.
struct Turning<'a> {
    node: &'a Arc<Node>,
    link: &'a Arc<Link>,
    /// Dropped before the road, whose descriptor it watches.
    readiness: Watched<RoadFd>,
    watch: Option<Arc<Watch>>,
    road: Arc<Mutex<Road>>,
    session: Session,
    expected: NodeId,
    name: String,
    peer: Option<Arc<Peer>>,
    batch: Batch,
    buffer: Box<[u8]>,
    goodbye_said: bool,
}

impl<'a> Turning<'a> {
    fn new(
        node: &'a Arc<Node>,
        link: &'a Arc<Link>,
        road: Road,
        session: Session,
        expected: NodeId,
        name: String,
    ) -> io::Result<Self> {
        let readiness = Watched::new(RoadFd(road.fd().as_raw_fd()))?;
        let looks = !road.wakes_by_writable();
        let road = Arc::new(Mutex::new(road));
        let watched = looks.then(|| {
            Arc::new(Watch { road: road.clone(), task: Mutex::new(None), wants_room: AtomicBool::new(false) })
        });
        if let Some(watched) = &watched {
            watch(watched.clone());
        }
        Ok(Turning {
            node,
            link,
            readiness,
            watch: watched,
            road,
            session,
            expected,
            name,
            peer: None,
            batch: Batch::default(),
            buffer: vec![0; READ_LEN].into_boxed_slice(),
            goodbye_said: false,
        })
    }

    /// Runs until the connection is lost, and says why.
    async fn run(&mut self) -> String {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        let mut timer_at = None;
        let mut lost = pin!(poll_fn(|context| {
            if let Err(why) = self.turn(context) {
                return Poll::Ready(why);
            }
            let deadline = self.session.deadline();
            if deadline != timer_at {
                timer = deadline.map(|at| Box::pin(Sleep::until(at.as_nanos() as u64)));
                timer_at = deadline;
            }
            if let Some(sleep) = &mut timer
                && sleep.as_mut().poll(context).is_ready()
            {
                (timer, timer_at) = (None, None);
                if let Err(error) = self.session.tick(clock::now()) {
                    let _ = self.write(); // the last frame says why
                    return Poll::Ready(error.to_string());
                }
                context.waker().wake_by_ref();
            }
            Poll::Pending
        }));
        lost.as_mut().await
    }

    /// Moves everything that can be moved. An error is the end of the link, in words.
    fn turn(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        if let Some(watch) = &self.watch {
            *watch.task.lock() = Some(context.waker().clone());
        }
        *self.link.leave.lock() = Some(context.waker().clone());
        // Tickets are taken before reading and writing: an event that comes later moves the count; see `Watched`.
        if let Poll::Ready(ticket) = self.readiness.poll_ready(Direction::Read, context) {
            self.road.lock().drain_bell();
            self.readiness.clear(Direction::Read, ticket);
        }
        if let Poll::Ready(ticket) = self.readiness.poll_ready(Direction::Write, context) {
            self.readiness.clear(Direction::Write, ticket);
        }
        let mut reads_left = READS_MAX;
        loop {
            let read = self.read()?;
            let queued = self.take_outbox(context);
            let wrote = self.write()?;
            if !read && !queued && !wrote {
                break;
            }
            reads_left -= usize::from(read);
            if reads_left == 0 {
                context.waker().wake_by_ref();
                return Ok(());
            }
        }
        self.leave_politely()?;
        if let Some(watch) = &self.watch {
            watch.wants_room.store(!self.session.out().is_empty(), Relaxed);
        }
        self.wait_for_descriptor(context);
        Ok(())
    }

    /// Reads once; true if something came.
    fn read(&mut self) -> Result<bool, String> {
        let read = self.road.lock().read(&mut self.buffer);
        let len = match read {
            Ok(0) => return Err("the connection was closed".into()),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.to_string()),
        };
        let Self { node, link, session, buffer, peer, expected, name, .. } = self;
        let mut end = None;
        let taken = session.receive(&buffer[..len], clock::now(), &mut |event| match event {
            Event::Signal(signal) if peer.is_some() => ops::receive(node, *expected, signal),
            Event::Signal(_) | Event::Credit => {}
            Event::Up(identity, _) if identity.node == expected.get() && identity.name.as_str() == *name => {
                *peer = Some(come_up(node, *expected, name));
                link.set(LinkState::Up);
            }
            Event::Up(identity, _) => end = Some(format!("{} answers where {name} should", identity.name.as_str())),
            Event::Goodbye(reason) => end = Some(reason.to_string()),
        });
        match (taken, end) {
            (Ok(()), None) => Ok(true),
            (_, Some(why)) => Err(why),
            (Err(error), None) => {
                let _ = self.write(); // the last frame says why
                Err(error.to_string())
            }
        }
    }

    /// Hands what waits in the outbox to the session, while that has room.
    fn take_outbox(&mut self, context: &mut Context<'_>) -> bool {
        let Some(peer) = &self.peer else { return false };
        if !self.session.writable() || !peer.outbox.swap(&mut self.batch, self.session.outstanding_len(), context) {
            return false;
        }
        let mut start = 0;
        for &(lane, key, end) in &self.batch.signals {
            let signal = &self.batch.bytes[start..end];
            start = end;
            // Refused is only what is longer than the peer takes; the outbox let nothing longer in.
            if self.session.send(lane, key, |out| append(out, signal)).is_err() {
                Node::count(&self.node.counters.undecodable);
            }
        }
        self.batch.clear();
        true
    }

    /// Writes what the session has; true if the road took something.
    fn write(&mut self) -> Result<bool, String> {
        let mut wrote = false;
        loop {
            let out = self.session.out();
            if out.is_empty() {
                return Ok(wrote);
            }
            let written = self.road.lock().write(out); // the lock is free again before the answer is looked at
            match written {
                Ok(len) => {
                    self.session.wrote(len);
                    wrote = true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.road.lock().wait_for_room() {
                        return Ok(wrote);
                    }
                }
                // What the peer wrote before it went can still be read; the end comes from there.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe && !self.session.is_closed() => {
                    return Ok(wrote);
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// When the node stops: a goodbye behind all that was queued, and the end.
    fn leave_politely(&mut self) -> Result<(), String> {
        if !*self.link.leaving.lock() || self.session.outstanding_len() > 0 {
            return Ok(());
        }
        if !self.goodbye_said {
            self.goodbye_said = true;
            self.session.goodbye("shutdown");
            self.write()?;
        }
        Err("this node stops".into())
    }

    /// Waits for the descriptor: input or a bell always, room on a socket if there is something to write.
    fn wait_for_descriptor(&mut self, context: &mut Context<'_>) {
        let read = self.readiness.poll_ready(Direction::Read, context).is_ready();
        let wants_room = self.watch.is_none() && !self.session.out().is_empty();
        let write = wants_room && self.readiness.poll_ready(Direction::Write, context).is_ready();
        if read || write {
            context.waker().wake_by_ref();
        }
    }

    /// The connection is lost: whoever depended on it hears of it, after all that had come.
    fn lose(&mut self, why: &str) {
        if let Some(watched) = self.watch.take() {
            let watched: Arc<dyn Source> = watched;
            unwatch(&watched);
        }
        let Some(peer) = self.peer.take() else { return };
        for process in self.node.peers.remove(&peer) {
            // One that has ended needs no telling.
            let _ = crate::deliver::control(self.node, process, Control::ConnectionLost { node: peer.node });
        }
        let event = NodeEvent::Down { node: peer.node, name: peer.name.clone(), why: why.into() };
        self.node.tell_watchers(&event);
    }
}

/// The peer has proved the secret: signals may go to it from here on.
fn come_up(node: &Arc<Node>, id: NodeId, name: &str) -> Arc<Peer> {
    let peer = Arc::new(Peer {
        node: id,
        name: name.into(),
        outbox: Default::default(),
        offers: Default::default(),
        bound: Mutex::new(Some(Default::default())),
    });
    node.peers.add(peer.clone());
    node.tell_watchers(&NodeEvent::Up { node: id, name: peer.name.clone() });
    peer
}

/// What the scheduler looks at between turns: see [`Source`].
#[derive(Debug)]
struct Watch {
    road: Arc<Mutex<Road>>,
    task: Mutex<Option<Waker>>,
    /// The task has bytes that the road did not take.
    wants_room: AtomicBool,
}

impl Source for Watch {
    fn has_input(&self) -> bool {
        self.road.lock().has_input()
    }

    fn wake(&self) {
        let task = self.task.lock().clone();
        task.into_iter().for_each(Waker::wake);
    }

    fn prepare_sleep(&self) -> bool {
        let quiet = self.road.lock().prepare_sleep();
        if !quiet {
            self.wake();
        }
        quiet
    }

    fn awake(&self) {
        self.road.lock().awake();
        // That also withdrew the wish for room: whoever had it must look for room again.
        if self.wants_room.load(Relaxed) {
            self.wake();
        }
    }
}

/// A road's descriptor, as the poll wants it. The road keeps it open.
#[derive(Debug)]
struct RoadFd(RawFd);

impl mio::event::Source for RoadFd {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.0).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.0).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.0).deregister(registry)
    }
}

//! Child: a node that a launcher started finds its place.
//!
//! Serves `enter` in such a process, and the runtime with [`ControlEnd`]. The steps:
//!
//! 1. `HOLM_NODE` is set and descriptor 0 is a Unix socket: this is a node. (Set, but no socket: the variable was
//!    inherited through a program that a node started, which is then a launcher of its own.)
//! 2. Take the control socket away from descriptor 0 and put `/dev/null` there: the program may read stdin as it likes.
//! 3. Die with the launcher: the kernel kills this process when the thread that started it ends. Was the launcher gone
//!    before that was set, then the control socket has hung up.
//! 4. Be deaf to SIGINT, which the terminal sends to all nodes at once: the launcher orders the stop.
//! 5. Receive the place and the links.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::net::AddressFamily;
use rustix::process::{Signal, set_parent_process_death_signal};
use signal_hook::consts::SIGINT;

use super::control::{ControlSocket, Hello, Message};
use super::error::{LayoutError, refused};
use super::links::{LinkEnd, Socket};
use super::place::Place;
use super::{Control, Entered, binding, options};

/// Descriptors below this are stdin, stdout and stderr.
const FIRST_FREE_DESCRIPTOR: i32 = 3;

/// The control socket, if this process is a node that a launcher started.
pub(super) fn control_socket() -> Result<Option<ControlSocket>, LayoutError> {
    let is_socket = rustix::net::sockopt::socket_domain(rustix::stdio::stdin()) == Ok(AddressFamily::UNIX);
    if options::node_rank()?.is_none() || !is_socket {
        return Ok(None);
    }
    let stream = UnixStream::from(take_stdin().map_err(refused("to free stdin"))?);
    ControlSocket::new(stream).map(Some).map_err(refused("the control socket"))
}

fn take_stdin() -> io::Result<OwnedFd> {
    let taken = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), FIRST_FREE_DESCRIPTOR)?;
    rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)?;
    Ok(taken)
}

/// Finds this node's place.
pub(super) fn enter(control: ControlSocket) -> Result<Entered, LayoutError> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| refused("a parent-death signal")(error.into()))?;
    if control.hung_up().map_err(refused("to look at the control socket"))? {
        return Err(LayoutError::ParentGone);
    }
    signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false))).map_err(refused("a handler of SIGINT"))?;
    let Message::Hello(hello) = expect(&control)?.0 else { return Err(LayoutError::OutOfOrder("its place was due")) };
    let Hello { rank, nodes, transport, secret, binding, mask } = *hello;
    if rank as usize >= nodes.len() || nodes.len() > holm_affinity::MAX_NODES as usize {
        return Err(LayoutError::OutOfOrder("the place is outside the layout"));
    }
    let mut place =
        Place { rank, nodes, transport, secret, binding, processes_max: options::processes_max()?, notes: Vec::new() };
    binding::confine(&mask, &place.binding, &mut place.notes)?;
    let links = receive_links(&control, &place)?;
    let control = Control::Child(ControlEnd { socket: control, early: Mutex::default() });
    Ok(Entered { place, links, control })
}

fn expect(control: &ControlSocket) -> Result<(Message, Option<OwnedFd>), LayoutError> {
    control.receive()?.ok_or(LayoutError::ParentGone)
}

/// One link to each other node, by rank.
fn receive_links(control: &ControlSocket, place: &Place) -> Result<Vec<LinkEnd>, LayoutError> {
    let mut links: Vec<Option<LinkEnd>> = place.nodes.iter().map(|_| None).collect();
    for _ in 1..place.nodes.len() {
        let (Message::Link { peer, initiator }, Some(descriptor)) = expect(control)? else {
            return Err(LayoutError::OutOfOrder("a link was due"));
        };
        let end = LinkEnd::new(place.rank, peer, place.transport, Socket::arrived(place.transport, descriptor));
        let vacant = links.get_mut(peer as usize).filter(|link| link.is_none() && peer != place.rank);
        match vacant {
            Some(link) if end.initiator == initiator => *link = Some(end),
            _ => return Err(LayoutError::OutOfOrder("a link leads to no other node, or came twice")),
        }
    }
    Ok(links.into_iter().flatten().collect())
}

/// A node's end of the control socket, once it has its place. One thread waits on it.
#[derive(Debug)]
pub struct ControlEnd {
    socket: ControlSocket,
    /// What came while `Go` was waited for; at most one event for each other node.
    early: Mutex<VecDeque<ControlEvent>>,
}

/// What the launcher tells a node that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlEvent {
    /// Stop in order; the launcher kills what is left after the grace.
    Stop {
        /// How long an orderly stop may take.
        grace: Duration,
    },
    /// Another node ended.
    Died {
        /// Its rank.
        rank: u32,
        /// How: `by signal 9`, `with status 1`.
        status: String,
    },
    /// The launcher is gone, or no longer makes sense: end at once.
    ParentGone,
}

/// A node was not told to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoGo {
    /// Nothing came in time.
    TimedOut,
    /// The launcher ordered a stop instead; `next` gives the order.
    Stopped,
    /// The launcher is gone.
    ParentGone,
}

impl fmt::Display for NoGo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoGo::TimedOut => "the launcher gave no order to start in time",
            NoGo::Stopped => "the launcher ordered a stop before the start",
            NoGo::ParentGone => "the launcher ended before the start",
        })
    }
}

impl std::error::Error for NoGo {}

impl ControlEnd {
    /// Tells the launcher that this node could start.
    ///
    /// # Errors
    ///
    /// The launcher is gone or does not listen.
    pub fn ready(&self) -> Result<(), LayoutError> {
        Ok(self.socket.send(&Message::Ready, None)?)
    }

    /// Waits until all nodes are ready and the launcher says go, at most `timeout` for each word of the launcher.
    ///
    /// # Errors
    ///
    /// It did not say so; the node should end.
    pub fn wait_go(&self, timeout: Duration) -> Result<(), NoGo> {
        loop {
            if !self.socket.wait_readable(Some(timeout)).unwrap_or(true) {
                return Err(NoGo::TimedOut);
            }
            let event = match self.hear() {
                Heard::Go => return Ok(()),
                Heard::Event(ControlEvent::ParentGone) => return Err(NoGo::ParentGone),
                Heard::Event(event) => event,
            };
            let stopped = matches!(event, ControlEvent::Stop { .. });
            self.early.lock().push_back(event);
            if stopped {
                return Err(NoGo::Stopped);
            }
        }
    }

    /// Blocks until the launcher says something, and returns it.
    ///
    /// After [`ControlEvent::ParentGone`] every call returns it again, at once.
    pub fn next(&self) -> ControlEvent {
        if let Some(event) = self.early.lock().pop_front() {
            return event;
        }
        loop {
            if let Heard::Event(event) = self.hear() {
                return event;
            }
        }
    }

    fn hear(&self) -> Heard {
        let event = match self.socket.receive() {
            Ok(Some((Message::Go, _))) => return Heard::Go,
            Ok(Some((Message::Stop { grace_ms }, _))) => ControlEvent::Stop { grace: Duration::from_millis(grace_ms) },
            Ok(Some((Message::Died { rank, status }, _))) => ControlEvent::Died { rank, status },
            Ok(Some(_) | None) | Err(_) => ControlEvent::ParentGone,
        };
        Heard::Event(event)
    }
}

enum Heard {
    Go,
    Event(ControlEvent),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn launcher_and_node() -> (ControlSocket, ControlEnd) {
        let (launcher, node) = UnixStream::pair().unwrap();
        let end = |socket| ControlEnd { socket, early: Mutex::default() };
        (ControlSocket::new(launcher).unwrap(), end(ControlSocket::new(node).unwrap()))
    }

    fn died(rank: u32) -> Message {
        Message::Died { rank, status: "by signal 9".to_owned() }
    }

    #[test]
    fn news_that_come_before_the_start_are_kept_for_afterwards() {
        let (launcher, node) = launcher_and_node();
        launcher.send(&died(4), None).unwrap();
        launcher.send(&Message::Go, None).unwrap();
        launcher.send(&died(5), None).unwrap();
        assert_eq!(node.wait_go(Duration::MAX), Ok(()));
        for rank in [4, 5] {
            assert_eq!(node.next(), ControlEvent::Died { rank, status: "by signal 9".to_owned() });
        }
    }

    #[test]
    fn a_stop_before_the_start_is_no_start_and_still_an_order() {
        let (launcher, node) = launcher_and_node();
        launcher.send(&Message::Stop { grace_ms: 1500 }, None).unwrap();
        assert_eq!(node.wait_go(Duration::MAX), Err(NoGo::Stopped));
        assert_eq!(node.next(), ControlEvent::Stop { grace: Duration::from_millis(1500) });
    }

    #[test]
    fn without_a_word_the_wait_for_the_start_runs_out() {
        let (_launcher, node) = launcher_and_node();
        assert_eq!(node.wait_go(Duration::ZERO), Err(NoGo::TimedOut));
    }

    #[test]
    fn a_launcher_that_is_gone_stays_gone() {
        let (launcher, node) = launcher_and_node();
        drop(launcher);
        assert_eq!(node.wait_go(Duration::MAX), Err(NoGo::ParentGone));
        assert_eq!(node.next(), ControlEvent::ParentGone);
        assert_eq!(node.next(), ControlEvent::ParentGone);
        assert!(node.ready().is_err());
    }
}

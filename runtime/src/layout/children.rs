//! Children: the launcher's hold on the nodes it started.
//!
//! Serves the runtime of node 0: a barrier before the start, an ordered stop, and the news of deaths. No node outlives it:
//! dropping it kills and reaps what is left, also while a panic unwinds; and should the launcher itself be killed, the
//! nodes follow by their parent-death signal and the end of their control socket (see `child`).
//! Whether a death is a reason to stop the others, to go on, or to start anew is for the runtime to say.

use std::fmt;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitStatus;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;

use super::control::{ControlError, Message};
use super::error::LayoutError;
use super::relay::{self, Stream};
use super::seats::{Death, Seats};
use super::watch;

/// How long a broken control socket is given to turn out as a death, which makes the better sentence.
const DEATH_SHOWS_WITHIN: Duration = Duration::from_secs(2);

/// All nodes but node 0, which is this process.
#[derive(Debug)]
pub struct Children {
    seats: Arc<Seats>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Children {
    /// Begins to watch the seats and to relay their output. `processes` are their process descriptors, in their order.
    pub(super) fn new(seats: Seats, processes: Vec<OwnedFd>, streams: Vec<Stream>) -> io::Result<Self> {
        let (all_ended, last_words) = UnixStream::pair()?;
        let children = Children { seats: Arc::new(seats), threads: Mutex::default() };
        let watch = watch::start(Arc::clone(&children.seats), processes, last_words)?;
        children.threads.lock().push(watch);
        let relay = relay::start(streams, all_ended)?;
        children.threads.lock().push(relay);
        Ok(children)
    }

    /// Waits until every node has said that it is ready, at most `timeout`.
    ///
    /// # Errors
    ///
    /// A node ended or was not ready in time; its name is in the sentence. All nodes are then killed and reaped.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), LayoutError> {
        self.seats.wait_all_ready(timeout);
        let error = if let Some(death) = self.seats.deaths().into_iter().next() {
            LayoutError::Ended(death)
        } else {
            match self.seats.starting() {
                starting if starting.is_empty() => return Ok(()),
                starting => {
                    LayoutError::NotReady { nodes: starting.iter().map(|seat| seat.title()).collect(), timeout }
                }
            }
        };
        self.kill_and_reap();
        Err(error)
    }

    /// Tells every node to start.
    ///
    /// # Errors
    ///
    /// A node has ended or does not listen. The others are left as they are.
    pub fn go(&self) -> Result<(), LayoutError> {
        self.seats.iter().try_for_each(|seat| self.tell(seat.rank, &Message::Go, None))
    }

    /// Orders every node to stop, waits up to `grace` until all have ended, kills what is left, and reaps all.
    ///
    /// Returns how each node ended, by rank. What the nodes printed has been passed on when this returns. A second call
    /// returns the same.
    pub fn stop_all(&self, grace: Duration) -> Vec<(u32, ExitStatus)> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        for seat in self.seats.living() {
            // A node that does not take the order is killed after the grace.
            let _ = seat.control.send(&Message::Stop { grace_ms }, None);
        }
        self.seats.wait_all_ended(grace);
        self.kill_and_reap();
        self.deaths().into_iter().map(|death| (death.rank, death.status)).collect()
    }

    /// Calls `callback` once for each node that ends, in whatever way, from now on and for those that have ended already.
    ///
    /// It is called on the thread that watches the nodes and must neither block nor panic nor call back into `self`.
    /// A second callback takes the place of the first.
    pub fn on_death(&self, callback: impl FnMut(&Death) + Send + 'static) {
        self.seats.on_death(Box::new(callback));
    }

    /// The nodes that have ended until now, by rank.
    pub fn deaths(&self) -> Vec<Death> {
        self.seats.deaths()
    }

    /// A handle that can kill all nodes and keeps none of them.
    pub fn killer(&self) -> Killer {
        Killer(Arc::downgrade(&self.seats))
    }

    /// Says something to one node; a failure is told as the node's death if that is the cause.
    pub(super) fn tell(
        &self,
        rank: u32,
        message: &Message,
        descriptor: Option<BorrowedFd<'_>>,
    ) -> Result<(), LayoutError> {
        let seat = self.seats.of(rank);
        seat.control.send(message, descriptor).map_err(|source| self.explain(rank, source))
    }

    fn explain(&self, rank: u32, source: ControlError) -> LayoutError {
        if matches!(&source, ControlError::Socket(error) if hung_up(error)) {
            self.seats.wait_ended(rank, DEATH_SHOWS_WITHIN);
        }
        match self.deaths().into_iter().find(|death| death.rank == rank) {
            Some(death) => LayoutError::Ended(death),
            None => LayoutError::Deaf { node: self.seats.of(rank).title(), source },
        }
    }

    fn kill_and_reap(&self) {
        self.seats.kill_all();
        // Both threads end with the last node. One that panicked has printed why; there is nobody left to tell.
        self.threads.lock().drain(..).for_each(|thread| drop(thread.join()));
    }
}

fn hung_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

impl Drop for Children {
    fn drop(&mut self) {
        self.kill_and_reap();
    }
}

/// Can kill all nodes that a launcher started, from any thread; see [`Children::killer`].
#[derive(Clone)]
pub struct Killer(Weak<Seats>);

impl Killer {
    /// Kills all nodes that are left. They are reaped by the [`Children`] they belong to.
    pub fn kill_all(&self) {
        if let Some(seats) = self.0.upgrade() {
            seats.kill_all();
        }
    }
}

impl fmt::Debug for Killer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Killer(..)")
    }
}

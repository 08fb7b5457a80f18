//! Readiness: descriptors that a task waits for.
//!
//! A descriptor is registered once, edge-triggered, with the poll of the scheduler on which that happens. Its readiness
//! bits stay set until the task that met `WouldBlock` clears them. *The late edge*: an event between that `WouldBlock`
//! and the clearing must not be lost, so each event also moves a count, and clearing fails if the count has moved.

use crate::{here, pool::Pool};
use mio::{Interest, Registry, Token, event::Event, event::Source};
use parking_lot::Mutex;
use slab::Slab;
use std::{
    io,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{AcqRel, Acquire},
        },
    },
    task::{Context, Poll, Waker},
};

const READABLE: usize = 1;
const WRITABLE: usize = 2;
const COUNT: usize = 4;

/// What a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Input, or the peer's end.
    Read,
    /// Room for output, or an error.
    Write,
}

impl Direction {
    fn bit(self) -> usize {
        match self {
            Direction::Read => READABLE,
            Direction::Write => WRITABLE,
        }
    }
}

/// The descriptors that one scheduler's poll watches.
#[derive(Debug)]
pub(crate) struct Descriptors {
    registry: Registry,
    table: Mutex<Slab<Arc<State>>>,
}

#[derive(Debug)]
struct State {
    /// `count << 2 | bits`
    word: AtomicUsize,
    wakers: Mutex<[Option<Waker>; 2]>,
}

impl Descriptors {
    pub(crate) fn new(registry: Registry) -> Self {
        Descriptors { registry, table: Mutex::new(Slab::new()) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.lock().is_empty()
    }

    /// An event of the poll.
    pub(crate) fn ready(&self, event: &Event) {
        let Some(state) = self.table.lock().get(event.token().0).cloned() else { return };
        let read = event.is_readable() || event.is_read_closed() || event.is_error();
        let write = event.is_writable() || event.is_write_closed() || event.is_error();
        let bits = if read { READABLE } else { 0 } | if write { WRITABLE } else { 0 };
        let _ = state.word.fetch_update(AcqRel, Acquire, |word| Some((word | bits).wrapping_add(COUNT)));
        let mut wakers = state.wakers.lock();
        let woken = [read.then(|| wakers[0].take()).flatten(), write.then(|| wakers[1].take()).flatten()];
        drop(wakers);
        woken.into_iter().flatten().for_each(Waker::wake);
    }
}

/// A descriptor under watch; dropping it ends the watch.
#[derive(Debug)]
pub struct Watched<S: Source> {
    source: S,
    pool: Arc<Pool>,
    scheduler: usize,
    token: usize,
    state: Arc<State>,
}

impl<S: Source> Watched<S> {
    /// Registers with the poll of the calling scheduler.
    ///
    /// # Errors
    ///
    /// What the kernel says of the descriptor.
    ///
    /// # Panics
    ///
    /// Outside a scheduler.
    pub fn new(mut source: S) -> io::Result<Self> {
        let (pool, scheduler) = here::here().expect("a descriptor is watched by a scheduler: call this in a task");
        let descriptors = &pool.remote(scheduler).descriptors;
        let state = Arc::new(State { word: AtomicUsize::new(0), wakers: Mutex::new([None, None]) });
        let token = descriptors.table.lock().insert(state.clone());
        let both = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = descriptors.registry.register(&mut source, Token(token), both) {
            descriptors.table.lock().remove(token);
            return Err(error);
        }
        Ok(Watched { source, pool, scheduler, token, state })
    }

    /// The descriptor.
    pub fn get(&self) -> &S {
        &self.source
    }

    /// The descriptor.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Waits until the descriptor is ready; the answer is a ticket for [`Watched::clear`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the wait is dropped.
    pub fn poll_ready(&self, direction: Direction, context: &mut Context<'_>) -> Poll<Ticket> {
        let look = || {
            let word = self.state.word.load(Acquire);
            (word & direction.bit() != 0).then_some(Ticket(word))
        };
        if let Some(ticket) = look() {
            return Poll::Ready(ticket);
        }
        self.state.wakers.lock()[direction as usize] = Some(context.waker().clone());
        // Look again: the event may have come before the waker lay there.
        look().map_or(Poll::Pending, Poll::Ready)
    }

    /// The descriptor would block: not ready, unless an event came since the ticket was given.
    pub fn clear(&self, direction: Direction, ticket: Ticket) {
        // Failing is right: see *the late edge*.
        let _ = self.state.word.compare_exchange(ticket.0, ticket.0 & !direction.bit(), AcqRel, Acquire);
    }
}

/// What was known when a descriptor was found ready.
#[derive(Clone, Copy, Debug)]
pub struct Ticket(usize);

impl<S: Source> Drop for Watched<S> {
    fn drop(&mut self) {
        let descriptors = &self.pool.remote(self.scheduler).descriptors;
        // A descriptor that the kernel has forgotten already needs no forgetting.
        let _ = descriptors.registry.deregister(&mut self.source);
        descriptors.table.lock().remove(self.token);
    }
}

//! Roads: what carries a session's bytes between two nodes.
//!
//! All roads are non-blocking and look alike. They keep the order of bytes and lose none until they end.
//!
//! | call | answers |
//! | --- | --- |
//! | [`Road::write`] | `Ok(n)`: the first n ≥ 1 bytes were taken (0 only of an empty slice) · `WouldBlock`: full, nothing was taken · other errors: the road is over |
//! | [`Road::read`] | `Ok(n)`: n ≥ 1 bytes · `Ok(0)`: the peer is gone and everything it wrote was read · `WouldBlock`: nothing yet · other errors: the road is over |
//!
//! When the peer is gone, `write` fails first; what the peer wrote before can still be read, up to `Ok(0)`.
//!
//! # Sleeping
//!
//! A road has one descriptor ([`Road::fd`]), to be watched edge-triggered for reading, and for writing too if
//! [`Road::wakes_by_writable`]. Whoever owns the road does, in this order:
//!
//! 1. read until `WouldBlock`, write until done or `WouldBlock`;
//! 2. if bytes are left to write: [`Road::wait_for_room`]; false means that there is room now, so back to 1;
//! 3. [`Road::prepare_sleep`]; false means that something came meanwhile, so back to 1;
//! 4. sleep until the descriptor is ready (or the session's deadline);
//! 5. [`Road::awake`], and [`Road::drain_bell`] if the descriptor was ready; back to 1.
//!
//! # The doorbell of a shared-memory road
//!
//! A byte on the Unix socket over which the segment was handed. The same socket's end tells the peer's death, so one
//! descriptor serves for both. Set aside: an eventfd in each direction. It is a little cheaper to ring, but its
//! "non-blocking" flag belongs to both holders: a hostile peer clears the flag, fills the counter, and our ring blocks a
//! scheduler for ever. `MSG_DONTWAIT` belongs to one call and cannot be taken away. A ring costs the waker about a
//! microsecond, beside the ten or more that waking costs anyway, and only when the peer really sleeps.

mod memory;
mod shared;
mod stream;

pub use memory::MemoryRoad;
pub use shared::ShmRoad;
pub use stream::StreamRoad;

use rustix::fd::BorrowedFd;
use std::io;

/// Making the two ends of a shared-memory road.
pub mod shm {
    pub use super::shared::{AGREE_WITHIN, accept, offer};
    pub use crate::segment::{CAPACITY_MAX, CAPACITY_MIN};
}

/// One end of a road between two nodes.
#[derive(Debug)]
pub enum Road {
    /// Two rings in shared memory.
    Shm(ShmRoad),
    /// A TCP or Unix socket.
    Stream(StreamRoad),
    /// Two byte queues in this process.
    Memory(MemoryRoad),
}

macro_rules! each {
    ($road:expr, $inner:ident => $call:expr) => {
        match $road {
            Road::Shm($inner) => $call,
            Road::Stream($inner) => $call,
            Road::Memory($inner) => $call,
        }
    };
}

impl Road {
    /// Write as much as the road takes now.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing; any other error is the end of the road.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        each!(self, road => road.write(bytes))
    }

    /// Read what has come; zero bytes mean that the peer is gone.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has come; any other error is the end of the road.
    #[inline]
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        each!(self, road => road.read(buffer))
    }

    /// Would `read` say anything but `WouldBlock`? One load in shared memory, one system call on a socket.
    #[inline]
    #[must_use]
    pub fn has_input(&self) -> bool {
        each!(self, road => road.has_input())
    }

    /// Announce that this end is about to sleep, and look again. True: sleep. False: something has come.
    #[must_use]
    pub fn prepare_sleep(&mut self) -> bool {
        each!(self, road => road.prepare_sleep())
    }

    /// Announce that this end waits until the road takes bytes again. True: it is still full. False: write again now.
    #[must_use]
    pub fn wait_for_room(&mut self) -> bool {
        each!(self, road => road.wait_for_room())
    }

    /// Withdraw both announcements.
    pub fn awake(&mut self) {
        each!(self, road => road.awake());
    }

    /// The descriptor was ready: take the doorbell's bytes, and notice the peer's end.
    pub fn drain_bell(&mut self) {
        each!(self, road => road.drain_bell());
    }

    /// The descriptor that becomes readable when this road needs attention.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        each!(self, road => road.fd())
    }

    /// Does the descriptor become writable when there is room? If not, it becomes readable for that too.
    #[must_use]
    pub fn wakes_by_writable(&self) -> bool {
        matches!(self, Road::Stream(_))
    }
}

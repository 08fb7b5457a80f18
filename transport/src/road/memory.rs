//! A road within one process, for tests: two bounded byte queues behind a lock, and an eventfd each as a bell.
//!
//! It keeps every promise of the other roads, so whatever drives a road can be tested on it. It is not meant to be fast.

use rustix::event::{EventfdFlags, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What both ends share.
#[derive(Debug)]
struct Pipes {
    queues: [VecDeque<u8>; 2],
    gone: [bool; 2],
    capacity: usize,
}

/// One end of a road within this process.
#[derive(Debug)]
pub struct MemoryRoad {
    pipes: Arc<Mutex<Pipes>>,
    side: usize,
    bells: [Arc<OwnedFd>; 2],
}

impl MemoryRoad {
    /// Both ends of a road that holds `capacity` bytes each way.
    ///
    /// # Errors
    /// When the process cannot have more descriptors.
    pub fn pair(capacity: usize) -> io::Result<(MemoryRoad, MemoryRoad)> {
        let queues = [VecDeque::new(), VecDeque::new()];
        let pipes = Arc::new(Mutex::new(Pipes { queues, gone: [false; 2], capacity: capacity.max(1) }));
        let bell = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Arc::new);
        let bells = [bell()?, bell()?];
        let end = |side| MemoryRoad { pipes: Arc::clone(&pipes), side, bells: bells.clone() };
        Ok((end(0), end(1)))
    }

    fn pipes(&self) -> MutexGuard<'_, Pipes> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn other(&self) -> usize {
        1 - self.side
    }

    /// Tell the other end to look. A full counter means that it was told already.
    fn ring(&self) {
        let _told_already = rustix::io::write(&self.bells[self.other()], &1_u64.to_ne_bytes());
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pipes = self.pipes();
        if pipes.gone[self.other()] {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let capacity = pipes.capacity;
        let queue = &mut pipes.queues[self.side];
        let length = bytes.len().min(capacity - queue.len());
        if length == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        queue.extend(&bytes[..length]);
        drop(pipes);
        self.ring();
        Ok(length)
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut pipes = self.pipes();
        let gone = pipes.gone[self.other()];
        let length = pipes.queues[self.other()].read(buffer)?;
        drop(pipes);
        if length == 0 && !gone && !buffer.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.ring();
        Ok(length)
    }

    pub(super) fn has_input(&self) -> bool {
        let pipes = self.pipes();
        pipes.gone[self.other()] || !pipes.queues[self.other()].is_empty()
    }

    /// Every write rings, so a look is enough.
    pub(super) fn prepare_sleep(&mut self) -> bool {
        !self.has_input()
    }

    /// Every read rings, so a look is enough.
    pub(super) fn wait_for_room(&mut self) -> bool {
        let pipes = self.pipes();
        !pipes.gone[self.other()] && pipes.queues[self.side].len() == pipes.capacity
    }

    pub(super) fn awake(&mut self) {}

    pub(super) fn drain_bell(&mut self) {
        let mut count = [0; 8];
        let _empty_already = rustix::io::read(&self.bells[self.side], &mut count);
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.bells[self.side].as_fd()
    }
}

impl Drop for MemoryRoad {
    fn drop(&mut self) {
        self.pipes().gone[self.side] = true;
        self.ring();
    }
}

//! The only place that sleeps: a scheduler's poll.
//!
//! mio rounds a time-out up to whole milliseconds. A shorter wait is therefore made on the poll's own descriptor,
//! with `ppoll` and its nanoseconds, before the poll itself is asked without waiting.

use crate::io::Descriptors;
use mio::{Events, Poll, Registry, Token, Waker};
use rustix::event::{PollFd, PollFlags, Timespec};
use std::{io, os::fd::AsFd, os::fd::AsRawFd, os::fd::BorrowedFd, time::Duration};

/// The token of the waker; those of descriptors count from zero.
const WAKER: Token = Token(usize::MAX);

/// Events taken from the kernel at once.
const EVENTS: usize = 256;

/// One scheduler's poll.
#[derive(Debug)]
pub(crate) struct Park {
    poll: Poll,
    events: Events,
}

/// What other threads need of a poll.
pub(crate) fn new() -> io::Result<(Park, Waker, Registry)> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let registry = poll.registry().try_clone()?;
    Ok((Park { poll, events: Events::with_capacity(EVENTS) }, waker, registry))
}

impl Park {
    /// Looks for events without waiting.
    pub(crate) fn look(&mut self, descriptors: &Descriptors) {
        self.poll(Some(Duration::ZERO), descriptors);
    }

    /// Sleeps until an event, a wake or the time-out.
    pub(crate) fn sleep(&mut self, timeout: Option<Duration>, descriptors: &Descriptors) {
        let Some(timeout) = timeout else { return self.poll(None, descriptors) };
        if !timeout.is_zero() {
            self.wait_exactly(timeout);
        }
        self.look(descriptors);
    }

    fn wait_exactly(&self, timeout: Duration) {
        // SAFETY: the descriptor is the poll's and is open as long as `self`.
        let fd = unsafe { BorrowedFd::borrow_raw(self.poll.as_raw_fd()) };
        let timeout = Timespec { tv_sec: timeout.as_secs() as i64, tv_nsec: i64::from(timeout.subsec_nanos()) };
        // An interruption by a signal is a wake like any other: the caller looks at everything again.
        let _ = rustix::event::poll(&mut [PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)], Some(&timeout));
    }

    fn poll(&mut self, timeout: Option<Duration>, descriptors: &Descriptors) {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {
                for event in self.events.iter().filter(|event| event.token() != WAKER) {
                    descriptors.ready(event);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => panic!("the poll of a scheduler fails: {error}"),
        }
    }
}

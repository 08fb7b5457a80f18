//! A TCP or Unix socket as a road. The kernel does the queueing, the waking and the telling of the end.

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// A connected socket, non-blocking.
#[derive(Debug)]
pub struct StreamRoad {
    socket: OwnedFd,
}

impl StreamRoad {
    /// A road over TCP. Small writes leave at once: batching is the session's business.
    ///
    /// # Errors
    /// When the socket cannot be configured.
    pub fn tcp(stream: TcpStream) -> io::Result<StreamRoad> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(StreamRoad { socket: stream.into() })
    }

    /// A road over a Unix socket.
    ///
    /// # Errors
    /// When the socket cannot be configured.
    pub fn unix(stream: UnixStream) -> io::Result<StreamRoad> {
        stream.set_nonblocking(true)?;
        Ok(StreamRoad { socket: stream.into() })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        Ok(retry_on_intr(|| send(&self.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT))?)
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let received = retry_on_intr(|| recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT))?;
        Ok(received.1)
    }

    pub(super) fn has_input(&self) -> bool {
        let mut byte = [0; 1];
        let looked = retry_on_intr(|| recv(&self.socket, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT));
        looked.err() != Some(Errno::AGAIN)
    }

    /// The kernel reports every change after the last `WouldBlock`; there is nothing to announce.
    pub(super) fn prepare_sleep(&mut self) -> bool {
        true
    }

    /// As above: the socket becomes writable.
    pub(super) fn wait_for_room(&mut self) -> bool {
        true
    }

    pub(super) fn awake(&mut self) {}

    /// The socket is its own bell; `read` empties it.
    pub(super) fn drain_bell(&mut self) {}

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

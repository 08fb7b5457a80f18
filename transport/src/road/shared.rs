//! Two rings in shared memory as a road, and how its two ends come to share them.
//!
//! ```text
//!   offer                                            accept
//!   1  peer's uid is ours?                           1  peer's uid is ours?
//!   2  make, fill, seal, map the segment
//!   3  "HOLMSHM1" + the segment's descriptor ──────► 4  check seals and size, map, check the header
//!   5  wait for the byte ◄───────────────────────────── one byte: attached
//! ```
//!
//! Both wait at most [`AGREE_WITHIN`]. From then on the socket carries only doorbell bytes, and its end is the peer's end.

use crate::fdpass::{recv_fds, send_fds};
use crate::ring::{Consumer, Moved, PeerLies, Producer};
use crate::segment::{Segment, SegmentRing};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// How long each step of making a shared-memory road may wait for the peer.
pub const AGREE_WITHIN: Duration = Duration::from_secs(5);

const OFFER: &[u8; 8] = b"HOLMSHM1";
const ATTACHED: u8 = 1;

/// Offer the peer behind `socket` a road with rings of `capacity` bytes (a power of two, 4 KiB to 256 MiB) each way.
/// Blocks until the peer has attached.
///
/// # Errors
/// When the peer is another user's, the segment cannot be made, or the peer does not attach in time.
pub fn offer(mut socket: UnixStream, capacity: usize) -> io::Result<ShmRoad> {
    prepare(&socket)?;
    let (segment, file) = Segment::create(capacity)?;
    send_fds(&socket, OFFER, &[file.as_fd()])?;
    let mut answer = [0];
    socket.read_exact(&mut answer)?;
    if answer != [ATTACHED] {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the peer's answer to a segment is not \"attached\""));
    }
    let [out, back] = SegmentRing::both(segment);
    ShmRoad::new(socket, out, back)
}

/// Accept the road that the peer behind `socket` offers. Blocks until the offer has come.
///
/// # Errors
/// When the peer is another user's, nothing comes in time, or what comes is not a sound segment.
pub fn accept(mut socket: UnixStream) -> io::Result<ShmRoad> {
    prepare(&socket)?;
    let mut offer = [0; OFFER.len()];
    let (length, fds) = recv_fds(&socket, &mut offer, 1)?;
    let [file] = fds.as_slice() else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an offer brings exactly one descriptor"));
    };
    if length != OFFER.len() || &offer != OFFER {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "an offer starts with its magic"));
    }
    let segment = Segment::open(file.as_fd())?;
    socket.write_all(&[ATTACHED])?;
    let [back, out] = SegmentRing::both(segment);
    ShmRoad::new(socket, out, back)
}

/// Make sure of the peer's user, and that nobody waits for ever.
fn prepare(socket: &UnixStream) -> io::Result<()> {
    let peer = rustix::net::sockopt::socket_peercred(socket)?;
    if peer.uid != rustix::process::geteuid() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the peer runs as another user"));
    }
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(AGREE_WITHIN))?;
    socket.set_write_timeout(Some(AGREE_WITHIN))
}

/// Two rings, and the socket that is both doorbell and sign of life.
#[derive(Debug)]
pub struct ShmRoad {
    producer: Producer<SegmentRing>,
    consumer: Consumer<SegmentRing>,
    socket: UnixStream,
    /// The socket has ended: the consumer is frozen, and nothing more can be written.
    gone: bool,
    /// The peer's positions were a lie once; nothing of it is believed any more.
    lie: Option<PeerLies>,
}

impl ShmRoad {
    fn new(socket: UnixStream, out: SegmentRing, back: SegmentRing) -> io::Result<ShmRoad> {
        socket.set_nonblocking(true)?;
        Ok(ShmRoad { producer: Producer::new(out), consumer: Consumer::new(back), socket, gone: false, lie: None })
    }

    #[inline]
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let moved = self.producer.write(bytes);
        let length = self.moved(moved)?;
        if length == 0 && !bytes.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(length) }
    }

    #[inline]
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let moved = self.consumer.read(buffer);
        let length = self.moved(moved)?;
        if length == 0 && !self.gone && !buffer.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(length) }
    }

    /// Ring the peer's bell if a copy calls for it; remember a lie.
    #[inline]
    fn moved(&mut self, moved: Result<Moved, PeerLies>) -> io::Result<usize> {
        match (moved, self.lie) {
            (Ok(moved), None) => {
                if moved.ring_bell {
                    self.ring();
                }
                Ok(moved.length)
            }
            (Err(lie), _) | (Ok(_), Some(lie)) => {
                self.lie = Some(lie);
                Err(io::Error::new(io::ErrorKind::InvalidData, lie))
            }
        }
    }

    /// One byte to the peer, without ever waiting. A full socket means that the bell rings already; a broken one will be
    /// noticed where the end is looked for.
    #[cold]
    fn ring(&self) {
        let _rings_already = send(&self.socket, &[1], SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }

    #[inline]
    pub(super) fn has_input(&self) -> bool {
        self.gone || self.lie.is_some() || self.consumer.has_input()
    }

    pub(super) fn prepare_sleep(&mut self) -> bool {
        !self.gone && self.lie.is_none() && self.consumer.prepare_sleep()
    }

    pub(super) fn wait_for_room(&mut self) -> bool {
        // A lie is told by the next write.
        !self.gone && self.lie.is_none() && self.producer.wait_for_room().unwrap_or(false)
    }

    pub(super) fn awake(&mut self) {
        self.consumer.awake();
        self.producer.awake();
    }

    pub(super) fn drain_bell(&mut self) {
        let mut bytes = [0; 256];
        // A peer that rings faster than we drain does not keep us here.
        for _ in 0..8 {
            match retry_on_intr(|| recv(&self.socket, &mut bytes, RecvFlags::DONTWAIT)) {
                Ok((_, 1..)) => {}
                Err(Errno::AGAIN) => return,
                Ok(_) | Err(_) => return self.lose_peer(),
            }
        }
    }

    /// The socket has ended: what the peer published until now is all there will be.
    fn lose_peer(&mut self) {
        self.gone = true;
        if let Err(lie) = self.consumer.freeze() {
            self.lie = Some(lie);
        }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

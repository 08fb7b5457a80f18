//! File descriptors over a Unix socket.
//!
//! Used to hand a segment to a peer and sockets to a child. Descriptors travel with at least one byte; what arrives is
//! close-on-exec from its first moment, so that no child of the receiver can keep a dead peer's socket alive.

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

/// The most descriptors that travel in one message.
pub const FDS_MAX: usize = 64;

/// Send `bytes` with `fds` beside them.
///
/// # Errors
/// When `bytes` is empty, there are more than [`FDS_MAX`] descriptors, the socket takes only part of the bytes, or the
/// system call fails.
pub fn send_fds(socket: &UnixStream, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.is_empty() || fds.len() > FDS_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "1 byte or more and at most 64 descriptors can be sent",
        ));
    }
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(fds.len()))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("the control buffer is too small for its descriptors"));
    }
    let sent =
        rustix::io::retry_on_intr(|| sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL))?;
    if sent < bytes.len() {
        return Err(io::Error::new(
            io::ErrorKind::WriteZero,
            "the socket took only part of a message with descriptors",
        ));
    }
    Ok(())
}

/// Receive bytes and at most `fds_max` descriptors. Zero bytes mean that the peer closed its end.
///
/// # Errors
/// When more descriptors came than allowed (all are closed), `fds_max` is over [`FDS_MAX`], or the system call fails.
pub fn recv_fds(socket: &UnixStream, buffer: &mut [u8], fds_max: usize) -> io::Result<(usize, Vec<OwnedFd>)> {
    if fds_max > FDS_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "at most 64 descriptors can be received at once"));
    }
    let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(fds_max))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        recvmsg(socket, &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if received.flags.contains(ReturnFlags::CTRUNC) || fds.len() > fds_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more descriptors came than were expected"));
    }
    Ok((received.bytes, fds))
}

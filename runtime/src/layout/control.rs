//! Control: what the launcher and a node say to each other, and how it is framed.
//!
//! Serves the launcher (`launch`, `children`, `watch`) and the node that it started (`child`). The steps:
//!
//! 1. launcher → node: `Hello`, the node's place.
//! 2. launcher → node: `Link`, once for each other node, with one descriptor riding along.
//! 3. node → launcher: `Ready`, when its runtime could start.
//! 4. launcher → node: `Go`, when all are ready.
//! 5. launcher → node: `Died`, for each other node that ended; `Stop`, once.
//!
//! The end of the socket says that the other side is gone. A frame is
//!
//! ```text
//! | 0        3 | 4       | 5           | 6     7 | 8 …            |
//! | length     | version | descriptors | zero    | body, postcard |
//! ```
//!
//! and its descriptor, at most one, rides on its first byte. Both ends are one executable, so the version differs only
//! when the file was replaced between two starts; then the sentence says so. A packet socket was set aside: it would
//! spare the length, but a packet must fit the send buffer, whose size is the administrator's.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use holm_transport::Secret;
use holm_transport::fdpass::{recv_fds, send_fds};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::SendFlags;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::binding::Binding;
use super::place::{NodePlace, Transport};

const VERSION: u8 = 1;
const HEADER_LEN: usize = 8;

/// Bytes in a body at most: a `Hello` of the largest layout needs less than half.
const BODY_LEN_MAX: usize = 1 << 20;

/// How long one side waits for the other to take or finish a frame before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(10);

/// What is said over the control socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// The node's place in the layout.
    Hello(Box<Hello>),
    /// A link to node `peer`; its socket rides along.
    Link { peer: u32, initiator: bool },
    /// The node could start.
    Ready,
    /// All nodes are ready: start.
    Go,
    /// Stop in order within the grace; what is left then is killed.
    Stop { grace_ms: u64 },
    /// Another node ended.
    Died { rank: u32, status: String },
}

/// The place of a node that the launcher started, and the CPUs that its threads may use (empty: all it inherited).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) rank: u32,
    pub(super) nodes: Vec<NodePlace>,
    pub(super) transport: Transport,
    #[serde(with = "secret")]
    pub(super) secret: Secret,
    pub(super) binding: Binding,
    pub(super) mask: Vec<u32>,
}

/// The secret's bytes as they cross to a node; this file alone lets them out, and wipes what it copies.
mod secret {
    use holm_transport::Secret;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
        secret.expose().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        let bytes = Zeroizing::new(Vec::deserialize(deserializer)?);
        Secret::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

/// The control socket failed.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The socket itself failed.
    #[error("the control socket failed: {0}")]
    Socket(#[from] io::Error),
    /// The other side speaks another version.
    #[error(
        "a control message has version {0}, but this program speaks {VERSION} (was it replaced while it was starting?)"
    )]
    Version(u8),
    /// A frame is longer than any message can be.
    #[error("a control message has {0} bytes, but must have at most {BODY_LEN_MAX}")]
    TooLong(usize),
    /// A frame cannot be understood, or its descriptor is missing.
    #[error("a control message cannot be understood: {0}")]
    Malformed(&'static str),
}

impl From<Errno> for ControlError {
    fn from(error: Errno) -> Self {
        ControlError::Socket(error.into())
    }
}

/// One end of a control socket. Whole frames may be sent from several threads; one thread receives.
#[derive(Debug)]
pub(super) struct ControlSocket {
    stream: UnixStream,
    sending: Mutex<()>,
}

impl ControlSocket {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(STUCK_AFTER))?;
        Ok(ControlSocket { stream, sending: Mutex::new(()) })
    }

    /// Sends one message, with a descriptor where the message needs one.
    pub(super) fn send(&self, message: &Message, descriptor: Option<BorrowedFd<'_>>) -> Result<(), ControlError> {
        let frame = encode(message, descriptor.is_some())?;
        let (header, body) = frame.split_at(HEADER_LEN);
        let _whole_frames = self.sending.lock();
        send_fds(&self.stream, header, descriptor.as_slice())?;
        Ok(send_all(&self.stream, body)?)
    }

    /// Waits for the next message. `None`: the other side is gone.
    pub(super) fn receive(&self) -> Result<Option<(Message, Option<OwnedFd>)>, ControlError> {
        self.wait_readable(None)?;
        self.stream.set_read_timeout(Some(STUCK_AFTER))?;
        let mut header = [0; HEADER_LEN];
        let Some(descriptor) = self.receive_header(&mut header)? else { return Ok(None) };
        let [l0, l1, l2, l3, version, descriptors, ..] = header;
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if version != VERSION {
            return Err(ControlError::Version(version));
        }
        if length > BODY_LEN_MAX {
            return Err(ControlError::TooLong(length));
        }
        if usize::from(descriptors) != usize::from(descriptor.is_some()) {
            return Err(ControlError::Malformed("it announces another number of descriptors than came with it"));
        }
        let mut body = Zeroizing::new(vec![0; length]);
        (&self.stream).read_exact(&mut body)?;
        let message = postcard::from_bytes(&body).map_err(|_| ControlError::Malformed("its body is no message"))?;
        Ok(Some((message, descriptor)))
    }

    /// Fills the header. Outer `None`: the end came instead of a frame.
    fn receive_header(&self, header: &mut [u8; HEADER_LEN]) -> Result<Option<Option<OwnedFd>>, ControlError> {
        let mut descriptor = None;
        let mut filled = 0;
        while filled < HEADER_LEN {
            let (received, mut arrived) = recv_fds(&self.stream, &mut header[filled..], 1)?;
            if received == 0 {
                return if filled == 0 { Ok(None) } else { Err(ControlError::Malformed("it ends inside its header")) };
            }
            filled += received;
            descriptor = descriptor.or(arrived.pop());
        }
        Ok(Some(descriptor))
    }

    /// Whether the other side is gone, though words of it may still be there to be read.
    pub(super) fn hung_up(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.stream, PollFlags::empty())];
        retry_on_intr(|| rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })))?;
        Ok(fds[0].revents().contains(PollFlags::HUP))
    }

    /// Waits until a message or the end is there; false when `timeout` came first.
    pub(super) fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let timeout =
            timeout.map(|timeout| Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 }));
        let mut fds = [PollFd::new(&self.stream, PollFlags::IN)];
        Ok(retry_on_intr(|| rustix::event::poll(&mut fds, timeout.as_ref()))? > 0)
    }
}

impl AsFd for ControlSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// The frame of a message; wiped when dropped, because `Hello` holds the secret.
fn encode(message: &Message, with_descriptor: bool) -> Result<Zeroizing<Vec<u8>>, ControlError> {
    let body = postcard::to_stdvec(message).map(Zeroizing::new);
    let body = body.map_err(|_| ControlError::Malformed("it cannot be encoded"))?;
    if body.len() > BODY_LEN_MAX {
        return Err(ControlError::TooLong(body.len()));
    }
    let mut frame = Zeroizing::new(Vec::with_capacity(HEADER_LEN + body.len()));
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.extend_from_slice(&[VERSION, u8::from(with_descriptor), 0, 0]);
    frame.extend_from_slice(&body);
    Ok(frame)
}

/// Not std's `write_all`: a peer that is gone must be an error even where SIGPIPE is not ignored.
fn send_all(stream: &UnixStream, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        let sent = retry_on_intr(|| rustix::net::send(stream, bytes, SendFlags::NOSIGNAL))?;
        bytes = &bytes[sent..];
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn pair() -> (ControlSocket, ControlSocket) {
        let (left, right) = UnixStream::pair().unwrap();
        (ControlSocket::new(left).unwrap(), ControlSocket::new(right).unwrap())
    }

    #[test]
    fn messages_arrive_in_order_and_each_descriptor_with_its_own() {
        let (launcher, node) = pair();
        let (kept, given) = UnixStream::pair().unwrap();
        launcher.send(&Message::Ready, None).unwrap();
        launcher.send(&Message::Link { peer: 7, initiator: true }, Some(given.as_fd())).unwrap();
        launcher.send(&Message::Go, None).unwrap();
        drop(given);

        assert!(matches!(node.receive().unwrap(), Some((Message::Ready, None))));
        let Some((Message::Link { peer: 7, initiator: true }, Some(arrived))) = node.receive().unwrap() else {
            panic!("the link comes second, with its descriptor");
        };
        assert!(matches!(node.receive().unwrap(), Some((Message::Go, None))));
        (&kept).write_all(b"x").unwrap();
        let mut byte = [0];
        UnixStream::from(arrived).read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn the_end_of_the_other_side_is_no_error() {
        let (launcher, node) = pair();
        launcher.send(&Message::Go, None).unwrap();
        assert!(!node.hung_up().unwrap());
        drop(launcher);
        assert!(node.hung_up().unwrap(), "it is known before the last word is read");
        assert!(node.receive().unwrap().is_some());
        assert!(node.receive().unwrap().is_none());
    }

    #[test]
    fn malformed_frames_are_refused_before_they_are_believed() {
        let too_long = (BODY_LEN_MAX as u32 + 1).to_le_bytes();
        let table: [(&[u8], &str); 6] = [
            (&[1, 0, 0, 0, 9, 0, 0, 0, 2], "version 9"),
            (&[too_long[0], too_long[1], too_long[2], too_long[3], VERSION, 0, 0, 0], "1048577 bytes"),
            (&[1, 0, 0, 0, VERSION, 1, 0, 0, 2], "descriptor"),
            (&[1, 0, 0, 0, VERSION, 0, 0, 0, 200], "no message"),
            (&[1, 0, 0], "inside its header"),
            (&[9, 0, 0, 0, VERSION, 0, 0, 0, 2], "failed to fill"),
        ];
        for (bytes, reason) in table {
            let (launcher, node) = pair();
            (&launcher.stream).write_all(bytes).unwrap();
            drop(launcher);
            let message = node.receive().unwrap_err().to_string();
            assert!(message.contains(reason), "{bytes:?}: {message}");
        }
    }

    #[test]
    fn the_largest_layout_fits_a_hello_with_room_to_spare() {
        let nodes = (0..holm_affinity::MAX_NODES).map(|rank| NodePlace {
            rank,
            name: crate::layout::place::node_name(&"p".repeat(100), rank, &"h".repeat(100)),
            id: u64::MAX,
            schedulers: rank * 4..rank * 4 + 4,
            cpus: vec![Some(u32::MAX); 4],
            numa_nodes: vec![Some(u32::MAX); 4],
            why: vec!["w".repeat(100); 4],
        });
        let hello = Hello {
            rank: 1,
            nodes: nodes.collect(),
            transport: Transport::Tcp,
            secret: Secret::generate().unwrap(),
            binding: Binding { bind_type: "tnnps".to_owned(), asked: true },
            mask: vec![u32::MAX; 4096],
        };
        let frame = encode(&Message::Hello(Box::new(hello)), false).unwrap();
        assert!(frame.len() < BODY_LEN_MAX / 2, "{} bytes", frame.len());
    }

    #[test]
    fn waiting_for_a_message_can_be_bounded() {
        let (launcher, node) = pair();
        assert!(!node.wait_readable(Some(Duration::ZERO)).unwrap());
        launcher.send(&Message::Go, None).unwrap();
        assert!(node.wait_readable(Some(Duration::MAX)).unwrap());
    }
}

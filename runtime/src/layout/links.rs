//! Links: the launcher makes both ends of every road and hands them out.
//!
//! Serves `launch`, which needs a connected pair for each two nodes, and `child`, which receives its ends. The lower
//! rank is the initiator of the handshake; which handshake, and what runs on the road, is not known here.
//! For `shm` the socket carries the descriptors of the segments, the doorbells, and the news of the peer's end.
//!
//! Nodes that look for each other (a listener in each, addresses spread by the launcher) were set aside: all nodes of a
//! layout start together on one machine, so a pair made in one place needs no retry, no address and no deadline, and
//! leaves nothing behind in the file system.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use super::error::{LayoutError, refused};
use super::place::Transport;

/// Connections of others that may come in between ours before the port counts as crowded.
const STRANGERS_MAX: usize = 64;

/// Links made on one port before another is taken. A port has about 28 000 partners (`ip_local_port_range`), 256 nodes have
/// 32 640 links, and finding a free partner is slow long before the last one. A fixed port stays and so has that limit.
const LINKS_PER_PORT: usize = 1000;

/// This node's end of the road to one other node.
#[derive(Debug)]
pub struct LinkEnd {
    /// The other node's rank.
    pub peer: u32,
    /// Whether this end begins the handshake; the end of the lower rank does.
    pub initiator: bool,
    /// The connected socket, blocking as std makes it.
    pub socket: Socket,
    /// Whether data goes through shared memory, so that the socket carries only descriptors and doorbells.
    pub shared_memory: bool,
}

impl LinkEnd {
    pub(super) fn new(me: u32, peer: u32, transport: Transport, socket: Socket) -> Self {
        LinkEnd { peer, initiator: me < peer, socket, shared_memory: transport == Transport::SharedMemory }
    }
}

/// A connected stream socket.
#[derive(Debug)]
pub enum Socket {
    /// One end of a pair of Unix sockets.
    Unix(UnixStream),
    /// One end of a TCP connection over the loopback address.
    Tcp(TcpStream),
}

impl Socket {
    /// The socket that arrived over the control socket for a link of this transport.
    pub(super) fn arrived(transport: Transport, descriptor: OwnedFd) -> Self {
        match transport {
            Transport::SharedMemory | Transport::Unix => Socket::Unix(descriptor.into()),
            Transport::Tcp => Socket::Tcp(descriptor.into()),
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Socket::Unix(stream) => stream.as_fd(),
            Socket::Tcp(stream) => stream.as_fd(),
        }
    }
}

/// Makes connected pairs of one kind. Its TCP listener lives as long as it.
#[derive(Debug)]
pub(super) enum Broker {
    Unix,
    Tcp { listener: TcpListener, made: usize, port: Option<u16> },
}

impl Broker {
    /// A broker for `transport`; `port` fixes the loopback port of TCP.
    pub(super) fn new(transport: Transport, port: Option<u16>) -> Result<Self, LayoutError> {
        match transport {
            Transport::SharedMemory | Transport::Unix => Ok(Broker::Unix),
            Transport::Tcp => Ok(Broker::Tcp { listener: listen(port)?, made: 0, port }),
        }
    }

    /// A connected pair: the initiator's end first.
    pub(super) fn pair(&mut self) -> Result<(Socket, Socket), LayoutError> {
        let refused = refused("the sockets of a link");
        match self {
            Broker::Unix => {
                let (initiator, other) = UnixStream::pair().map_err(refused)?;
                Ok((Socket::Unix(initiator), Socket::Unix(other)))
            }
            Broker::Tcp { listener, made, port } => {
                *made += 1;
                if port.is_none() && made.is_multiple_of(LINKS_PER_PORT) {
                    *listener = listen(None)?;
                }
                let (initiator, other) = tcp_pair(listener).map_err(refused)?;
                Ok((Socket::Tcp(initiator), Socket::Tcp(other)))
            }
        }
    }
}

fn listen(port: Option<u16>) -> Result<TcpListener, LayoutError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).map_err(|source| match port {
        Some(port) if source.kind() == io::ErrorKind::AddrInUse => LayoutError::PortInUse { port },
        Some(port) => LayoutError::PortRefused { port, source },
        None => refused("a TCP listener on 127.0.0.1")(source),
    })
}

/// The kernel finishes a loopback connect before anybody accepts, so one thread can do both in turn.
fn tcp_pair(listener: &TcpListener) -> io::Result<(TcpStream, TcpStream)> {
    let initiator = TcpStream::connect(listener.local_addr()?)?;
    let ours = initiator.local_addr()?;
    for _ in 0..STRANGERS_MAX {
        let (accepted, peer) = listener.accept()?;
        if peer == ours {
            initiator.set_nodelay(true)?;
            accepted.set_nodelay(true)?;
            return Ok((initiator, accepted));
        }
    }
    Err(io::Error::other("strangers keep connecting to the port on which the links are made"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_stranger_at_the_port_gets_no_end_of_a_link() {
        let mut broker = Broker::new(Transport::Tcp, None).unwrap();
        let Broker::Tcp { listener, .. } = &broker else { panic!("tcp makes a listener") };
        let mut stranger = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (Socket::Tcp(mut initiator), Socket::Tcp(mut other)) = broker.pair().unwrap() else {
            panic!("tcp makes tcp sockets");
        };
        initiator.write_all(b"x").unwrap();
        let mut byte = [0];
        other.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        assert_eq!(stranger.read(&mut byte).unwrap_or(0), 0, "the stranger was hung up on");
    }

    #[test]
    fn a_fixed_port_that_is_taken_is_named() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = Broker::new(Transport::Tcp, Some(port)).unwrap_err().to_string();
        assert!(message.starts_with(&format!("HOLM_TCP_PORT={port}: the port is in use")), "{message}");
    }

    #[test]
    fn so_many_links_that_a_port_runs_out_of_partners_are_spread_over_ports() {
        let ports = |port: Option<u16>| {
            let mut broker = Broker::new(Transport::Tcp, port).unwrap();
            let ports = (0..=LINKS_PER_PORT).map(|_| match broker.pair().unwrap() {
                (Socket::Tcp(initiator), _) => initiator.peer_addr().unwrap().port(),
                _ => unreachable!("tcp makes tcp sockets"),
            });
            ports.collect::<std::collections::BTreeSet<u16>>()
        };
        assert_eq!(ports(None).len(), 2);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        assert_eq!(ports(Some(free)).into_iter().collect::<Vec<_>>(), [free], "a fixed port stays");
    }

    #[test]
    fn the_lower_rank_begins() {
        let end = |me, peer| {
            let (socket, _) = Broker::Unix.pair().unwrap();
            LinkEnd::new(me, peer, Transport::Unix, socket)
        };
        assert!(end(0, 1).initiator);
        assert!(!end(1, 0).initiator);
        assert!(!end(0, 1).shared_memory);
    }
}

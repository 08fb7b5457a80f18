//! Launch: node 0 starts the others.
//!
//! Serves `enter` in the process that the user started, which is node 0 and launcher in one: there is one process fewer,
//! the terminal and the exit status are the user's program's own. The steps:
//!
//! 1. Make room for descriptors, and the broker that makes links.
//! 2. Start the same executable once for each further rank, with the same arguments and environment and `HOLM_NODE`. A
//!    node's stdin is its control socket, so that nothing is inherited by accident and no code runs between fork and exec.
//! 3. Watch them, from before the first word: a node that fails is told as its own end, not as a broken socket.
//! 4. Say `Hello` to each, then hand out both ends of every link and keep none but our own.
//!
//! A failure at any step drops what was started, and dropping kills and reaps. Nothing is written to any file system.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, setrlimit};

use super::Entered;
use super::children::Children;
use super::control::{ControlError, ControlSocket, Hello, Message};
use super::error::{LayoutError, refused};
use super::links::{Broker, LinkEnd, Socket};
use super::options::{NODE, Options, PROCESSES};
use super::place::Place;
use super::plan::Planned;
use super::relay::{Stream, To};
use super::seats::{Seat, Seats};
use super::{Control, binding};

/// Descriptors that the launcher holds for each node: control, stdout, stderr, process and link; two more to be sure.
const DESCRIPTORS_PER_NODE: u64 = 7;

/// Descriptors that the program may need beside the nodes before the soft limit is raised.
const DESCRIPTORS_BESIDE: u64 = 256;

/// The kernel counts descriptors on their way through sockets and refuses more than the limit of open files until nodes
/// have taken some: so often is a link offered again, with this pause.
const HAND_OVER_ATTEMPTS: u32 = 2000;
const HAND_OVER_PAUSE: Duration = Duration::from_millis(5);

/// Starts all nodes but this one and connects them.
pub(super) fn launch(options: &Options, planned: Planned) -> Result<Entered, LayoutError> {
    let Planned { mut place, masks } = planned;
    make_room(place.nodes.len() as u64);
    let mut broker = Broker::new(options.transport, options.tcp_port)?;
    let children = start_nodes(options, &place)?;
    for (node, mask) in place.nodes.iter().zip(&masks).skip(1) {
        children.tell(node.rank, &hello(&place, node.rank, mask), None)?;
    }
    let links = connect(&children, &place, &mut broker)?;
    binding::confine(&masks[0], &place.binding, &mut place.notes)?;
    Ok(Entered { place, links, control: Control::Parent(children) })
}

/// Raises the soft limit of open files to the hard one when this many nodes need it. A limit that stays too low shows at
/// the descriptor that is one too many.
fn make_room(nodes: u64) {
    let limit = getrlimit(Resource::Nofile);
    let needed = nodes * DESCRIPTORS_PER_NODE + DESCRIPTORS_BESIDE;
    if limit.current.is_some_and(|current| current < needed) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
}

fn hello(place: &Place, rank: u32, mask: &[u32]) -> Message {
    Message::Hello(Box::new(Hello {
        rank,
        nodes: place.nodes.clone(),
        transport: place.transport,
        secret: place.secret.clone(),
        binding: place.binding.clone(),
        mask: mask.to_vec(),
    }))
}

fn start_nodes(options: &Options, place: &Place) -> Result<Children, LayoutError> {
    let image = Image::of_this_process()?;
    let (mut seats, mut processes, mut streams) = (Vec::new(), Vec::new(), Vec::new());
    for node in &place.nodes[1..] {
        let (ours, theirs) = UnixStream::pair().map_err(refused("a control socket"))?;
        let control = ControlSocket::new(ours).map_err(refused("a control socket"))?;
        let mut child = image.start(node.rank, place.processes_max, theirs.into())?;
        let prefix = if options.prefix { format!("{}| ", node.name) } else { String::new() };
        streams.extend(take_streams(&mut child, &prefix));
        let process = Pid::from_child(&child);
        seats.push(Seat::new(node.rank, node.name.clone(), control, child));
        let process = pidfd_open(process, PidfdFlags::empty()).map_err(io::Error::from);
        processes.push(process.map_err(refused("a process descriptor"))?);
    }
    Children::new(Seats::new(seats), processes, streams).map_err(refused("the threads that watch the nodes"))
}

fn take_streams(child: &mut Child, prefix: &str) -> Vec<Stream> {
    let stdout = child.stdout.take().map(|pipe| Stream::new(pipe.into(), To::Stdout, prefix.to_owned()));
    let stderr = child.stderr.take().map(|pipe| Stream::new(pipe.into(), To::Stderr, prefix.to_owned()));
    stdout.into_iter().chain(stderr).collect()
}

/// What this process runs, to be run again.
struct Image {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl Image {
    fn of_this_process() -> Result<Self, LayoutError> {
        let program = std::env::current_exe().map_err(refused("the name of this executable"))?;
        Ok(Image { program, arguments: std::env::args_os().collect() })
    }

    fn start(&self, rank: u32, processes_max: Option<u32>, control: OwnedFd) -> Result<Child, LayoutError> {
        let mut command = Command::new(&self.program);
        if let Some((name, arguments)) = self.arguments.split_first() {
            command.arg0(name).args(arguments);
        }
        command.env(NODE, rank.to_string());
        if let Some(most) = processes_max {
            command.env(PROCESSES, most.to_string());
        }
        command.stdin(Stdio::from(control)).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = || self.program.display().to_string();
        command.spawn().map_err(|source| LayoutError::Start { rank, program: program(), source })
    }
}

/// Makes all links, hands out their ends and returns node 0's own.
fn connect(children: &Children, place: &Place, broker: &mut Broker) -> Result<Vec<LinkEnd>, LayoutError> {
    let ranks = place.nodes.len() as u32;
    let mut own = Vec::with_capacity(place.nodes.len() - 1);
    for low in 0..ranks {
        for high in low + 1..ranks {
            let (initiator, other) = broker.pair()?;
            hand_over(children, high, low, &other)?;
            match low {
                0 => own.push(LinkEnd::new(0, high, place.transport, initiator)),
                _ => hand_over(children, low, high, &initiator)?,
            }
        }
    }
    Ok(own)
}

/// Gives node `to` its end of the link to `peer`.
fn hand_over(children: &Children, to: u32, peer: u32, end: &Socket) -> Result<(), LayoutError> {
    let message = Message::Link { peer, initiator: to < peer };
    for _ in 1..HAND_OVER_ATTEMPTS {
        match children.tell(to, &message, Some(end.as_fd())) {
            Err(LayoutError::Deaf { source: ControlError::Socket(error), .. }) if too_many_on_their_way(&error) => {
                std::thread::sleep(HAND_OVER_PAUSE);
            }
            answer => return answer,
        }
    }
    children.tell(to, &message, Some(end.as_fd()))
}

fn too_many_on_their_way(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::TOOMANYREFS.raw_os_error())
}

//! Relay: one thread of the launcher that passes on what the nodes print.
//!
//! Serves the user at the terminal: output of all nodes arrives as whole lines on the launcher's own stdout and stderr,
//! through the same locks as its own prints. It keeps the order within one stream of one node, and promises none between
//! streams: two pipes carry no common time. It knows nothing of deaths; `watch` tells it that the last node has ended by
//! closing a socket, and then what lies in the pipes is drained without waiting, because a grandchild may hold a pipe open.
//!
//! When the launcher's own output is closed, the node's pipe is closed too: the node then sees what it would see alone.
//! Handing the terminal itself to the nodes was set aside: long lines of two nodes would meet.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;

use super::lines::Lines;

/// Bytes read from a pipe at once.
const READ_LEN: usize = 16 * 1024;

const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// One stream of one node.
#[derive(Debug)]
pub(super) struct Stream {
    pipe: std::fs::File,
    to: To,
    lines: Lines,
}

/// Where a stream goes.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Stdout,
    Stderr,
}

impl Stream {
    pub(super) fn new(pipe: OwnedFd, to: To, prefix: String) -> Self {
        Stream { pipe: pipe.into(), to, lines: Lines::new(prefix) }
    }

    /// Passes on what is there; false when nothing more will come or nobody takes it.
    fn pass_on(&mut self, buffer: &mut [u8]) -> bool {
        match self.pipe.read(buffer) {
            Ok(0) => {
                let _ = self.to.write(&self.lines.finish());
                false
            }
            Ok(length) => self.to.write(&self.lines.push(&buffer[..length])).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        }
    }
}

impl To {
    fn write(self, lines: &[u8]) -> io::Result<()> {
        fn write_whole(mut to: impl Write, lines: &[u8]) -> io::Result<()> {
            to.write_all(lines)?;
            to.flush()
        }
        match self {
            _ if lines.is_empty() => Ok(()),
            To::Stdout => write_whole(io::stdout().lock(), lines),
            To::Stderr => write_whole(io::stderr().lock(), lines),
        }
    }
}

/// Starts the thread. It ends when all streams have, or when `last_words` is closed and the pipes are drained.
pub(super) fn start(streams: Vec<Stream>, last_words: impl AsFd + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("holm-relay".to_owned()).spawn(move || relay(streams, last_words.as_fd()))
}

fn relay(mut streams: Vec<Stream>, last_words: BorrowedFd<'_>) {
    let mut buffer = vec![0; READ_LEN];
    let mut draining = false;
    while !streams.is_empty() {
        let (readable, ended) = wait_for_output(&streams, last_words, draining);
        if draining && !readable.contains(&true) {
            break;
        }
        draining |= ended;
        let mut readable = readable.into_iter();
        streams.retain_mut(|stream| readable.next() != Some(true) || stream.pass_on(&mut buffer));
    }
    for mut stream in streams {
        let _ = stream.to.write(&stream.lines.finish());
    }
}

/// Which streams have something to read, and whether the last node has ended.
fn wait_for_output(streams: &[Stream], last_words: BorrowedFd<'_>, draining: bool) -> (Vec<bool>, bool) {
    let pipes = streams.iter().map(|stream| PollFd::new(&stream.pipe, PollFlags::IN));
    let mut polled: Vec<PollFd<'_>> = pipes.chain([PollFd::from_borrowed_fd(last_words, PollFlags::IN)]).collect();
    let timeout = draining.then_some(&AT_ONCE);
    if retry_on_intr(|| poll(&mut polled, timeout)).is_err() {
        // Only a lack of kernel memory is left as a reason: let others run, then look again.
        std::thread::yield_now();
        return (Vec::new(), false);
    }
    let mut answers: Vec<bool> = polled.iter().map(|answer| !answer.revents().is_empty()).collect();
    let ended = answers.pop() == Some(true);
    (answers, ended)
}

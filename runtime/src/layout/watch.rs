//! Watch: one thread of the launcher that learns what happens to the nodes it started.
//!
//! Serves `seats`, where it writes down which node is ready and which has ended. It ends when the last node has.
//! It prints nothing and relays nothing: a terminal that does not take output stops `relay`, and a death must be known
//! nonetheless.
//!
//! A death is seen by a process descriptor, which becomes readable when the process ends and can be waited for together
//! with the control sockets. SIGCHLD was set aside: it belongs to the user's program, which may start children of its own.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;

use super::control::Message;
use super::seats::{Seat, Seats};

/// What the thread still expects of one node.
struct Expected<'a> {
    seat: &'a Seat,
    ended: &'a OwnedFd,
    talks: bool,
}

/// Starts the thread. `processes` are the process descriptors of the seats, in their order; `last_words` is closed when
/// the last node has ended.
pub(super) fn start(
    seats: Arc<Seats>,
    processes: Vec<OwnedFd>,
    last_words: impl Send + 'static,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("holm-watch".to_owned()).spawn(move || {
        watch(&seats, &processes);
        drop(last_words);
    })
}

fn watch(seats: &Seats, processes: &[OwnedFd]) {
    let expect = |(seat, ended)| Expected { seat, ended, talks: true };
    let mut expected: Vec<Expected<'_>> = seats.iter().zip(processes).map(expect).collect();
    while !expected.is_empty() {
        let readable = wait_for_news(&expected);
        // Words before ends: a node that says it is ready and ends at once has been ready.
        for (node, (talks, _)) in expected.iter_mut().zip(&readable) {
            if *talks {
                node.talks = listen(seats, node.seat);
            }
        }
        let mut ends = readable.iter().map(|(_, ended)| *ended);
        expected.retain(|node| !(ends.next() == Some(true) && bury(seats, node.seat)));
    }
}

/// For each node: does it say something, has it ended?
fn wait_for_news(expected: &[Expected<'_>]) -> Vec<(bool, bool)> {
    let descriptors =
        expected.iter().flat_map(|node| [node.talks.then(|| node.seat.control.as_fd()), Some(node.ended.as_fd())]);
    let descriptors: Vec<Option<BorrowedFd<'_>>> = descriptors.collect();
    let mut polled: Vec<PollFd<'_>> =
        descriptors.iter().flatten().map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
    if retry_on_intr(|| poll(&mut polled, None)).is_err() {
        // Only a lack of kernel memory is left as a reason; looking at everything is then right, and slow enough.
        std::thread::yield_now();
        return expected.iter().map(|_| (false, true)).collect();
    }
    let mut answers = polled.iter().map(|answer| !answer.revents().is_empty());
    let mut answer = |asked: Option<BorrowedFd<'_>>| asked.is_some() && answers.next() == Some(true);
    descriptors.chunks_exact(2).map(|pair| (answer(pair[0]), answer(pair[1]))).collect()
}

/// Takes one message; false when the node will say no more, by its end or by talking nonsense.
fn listen(seats: &Seats, seat: &Seat) -> bool {
    match seat.control.receive() {
        Ok(Some((Message::Ready, _))) => {
            seats.note_ready(seat);
            true
        }
        Ok(Some(_)) => true,
        Ok(None) | Err(_) => false,
    }
}

/// Reaps a node that has ended; false when it has not after all.
fn bury(seats: &Seats, seat: &Seat) -> bool {
    let status = seat.reap();
    status.inspect(|status| seats.note_ended(seat, *status)).is_some()
}

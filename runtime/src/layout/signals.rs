//! Signals: SIGINT and SIGTERM become a request to stop.
//!
//! Serves the runtime, which stops its processes in order when asked. What each signal means:
//!
//! | | node 0, or a node alone | a node that a launcher started |
//! | --- | --- | --- |
//! | SIGINT | request; the second ends at once with status 130 | nothing: the launcher orders the stop |
//! | SIGTERM | request; the second ends at once with status 143 | request; the second ends at once with status 143 |
//!
//! Any two count as first and second: a user who is in haste does not choose. Ending at once kills the other nodes first.
//! The handlers stay for the rest of the process. A signal writes one byte into a socket, and a thread that waits there
//! calls back; nothing else runs in a handler.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level;

use super::Control;
use super::children::Killer;
use super::error::{LayoutError, refused};

/// Somebody outside asked this process to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopRequested {
    /// The signal's number: SIGINT (2) or SIGTERM (15).
    pub signal: i32,
}

/// Calls `callback` when this process is asked to stop, once; a second request ends the process at once.
///
/// To be called once in a process, after [`super::enter`]. `callback` runs on a thread of its own and must not block, or
/// the second request is not heard.
///
/// # Errors
///
/// The system refuses a handler or the thread.
pub fn on_stop(control: &Control, callback: impl FnOnce(StopRequested) + Send + 'static) -> Result<(), LayoutError> {
    let (signals, killer): (&[i32], _) = match control {
        Control::Alone => (&[SIGINT, SIGTERM], None),
        Control::Parent(children) => (&[SIGINT, SIGTERM], Some(children.killer())),
        Control::Child(_) => (&[SIGTERM], None),
    };
    let refused = refused("to handle SIGINT and SIGTERM");
    let bells = signals.iter().map(|signal| Bell::hang(*signal)).collect::<io::Result<Vec<_>>>().map_err(&refused)?;
    let listen = move || listen(&bells, callback, killer);
    std::thread::Builder::new().name("holm-signals".to_owned()).spawn(listen).map(drop).map_err(refused)
}

/// One signal and the socket that rings for it.
#[derive(Debug)]
struct Bell {
    signal: i32,
    rings: UnixStream,
}

impl Bell {
    fn hang(signal: i32) -> io::Result<Self> {
        let (rings, rope) = UnixStream::pair()?;
        low_level::pipe::register(signal, rope)?;
        Ok(Bell { signal, rings })
    }
}

fn listen(bells: &[Bell], callback: impl FnOnce(StopRequested), killer: Option<Killer>) {
    let Some(signal) = wait_for_ring(bells) else { return };
    // A callback that panics has said so; the second request must be heard nonetheless.
    let _ = catch_unwind(AssertUnwindSafe(|| callback(StopRequested { signal })));
    let Some(signal) = wait_for_ring(bells) else { return };
    if let Some(killer) = killer {
        killer.kill_all();
    }
    low_level::exit(128 + signal);
}

/// The next signal; `None` when the system no longer lets us wait.
fn wait_for_ring(bells: &[Bell]) -> Option<i32> {
    let mut polled: Vec<PollFd<'_>> = bells.iter().map(|bell| PollFd::new(&bell.rings, PollFlags::IN)).collect();
    retry_on_intr(|| poll(&mut polled, None)).ok()?;
    let rung = polled.iter().position(|answer| !answer.revents().is_empty())?;
    let bell = &bells[rung];
    (&bell.rings).read_exact(&mut [0]).ok()?;
    Some(bell.signal)
}

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
//! A signal that comes while nobody listens does what it would have done without holm.
//!
//! One OS process may run many runtimes, one after another or side by side (tests do), so the handlers, their sockets and
//! the thread that waits at them are made once and stay; runtimes come and go in a list. A signal writes one byte into a
//! socket, and the thread calls back; nothing else runs in a handler.

use std::fmt;
use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::Mutex;
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

/// Calls `callback` when this process is asked to stop, once, as long as what is returned is kept; a second request ends
/// the process at once.
///
/// To be called after [`super::enter`]. `callback` runs on a thread of its own and must not block, or the second request
/// is not heard.
///
/// # Errors
///
/// The system refuses a handler or the thread.
pub fn on_stop(
    control: &Control,
    callback: impl FnOnce(StopRequested) + Send + 'static,
) -> Result<Listening, LayoutError> {
    let (signals, killer): (&[i32], _) = match control {
        Control::Alone => (&[SIGINT, SIGTERM], None),
        Control::Parent(children) => (&[SIGINT, SIGTERM], Some(children.killer())),
        Control::Child(_) => (&[SIGTERM], None),
    };
    let mut listeners = LISTENERS.lock();
    if !listeners.hears {
        hear(signals).map_err(refused("to handle SIGINT and SIGTERM"))?;
        listeners.hears = true;
    }
    listeners.last_number += 1;
    let number = listeners.last_number;
    listeners.list.push(Listener { number, callback: Some(Box::new(callback)), killer });
    Ok(Listening(number))
}

/// Somebody is to be told when this process is asked to stop; dropping this ends that.
#[derive(Debug)]
#[must_use = "dropping it ends the listening"]
pub struct Listening(u64);

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENERS.lock().list.retain(|listener| listener.number != self.0);
    }
}

/// Who listens now.
static LISTENERS: Mutex<Listeners> = Mutex::new(Listeners { hears: false, last_number: 0, list: Vec::new() });

#[derive(Debug)]
struct Listeners {
    /// The handlers and the thread are there.
    hears: bool,
    last_number: u64,
    list: Vec<Listener>,
}

type Callback = Box<dyn FnOnce(StopRequested) + Send>;

struct Listener {
    number: u64,
    /// Nothing once it was asked.
    callback: Option<Callback>,
    killer: Option<Killer>,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What a signal comes to.
enum Answer {
    /// Nobody listens.
    Default,
    /// The first request: everybody is told.
    Ask(Vec<Callback>),
    /// Somebody was asked already and has not stopped yet: the end, after all nodes were killed.
    End(Vec<Killer>),
}

impl Listeners {
    fn answer(&mut self) -> Answer {
        if self.list.is_empty() {
            return Answer::Default;
        }
        if self.list.iter().any(|listener| listener.callback.is_none()) {
            return Answer::End(self.list.iter().filter_map(|listener| listener.killer.clone()).collect());
        }
        Answer::Ask(self.list.iter_mut().filter_map(|listener| listener.callback.take()).collect())
    }
}

/// Installs the handlers and starts the thread that waits for them.
fn hear(signals: &[i32]) -> io::Result<()> {
    let bells = signals.iter().map(|signal| Bell::hang(*signal)).collect::<io::Result<Vec<_>>>()?;
    let listen = move || {
        while let Some(signal) = wait_for_ring(&bells) {
            obey(signal);
        }
    };
    std::thread::Builder::new().name("holm-signals".to_owned()).spawn(listen).map(drop)
}

fn obey(signal: i32) {
    let answer = LISTENERS.lock().answer();
    match answer {
        // Fails only for a signal that has no default.
        Answer::Default => drop(low_level::emulate_default_handler(signal)),
        Answer::Ask(callbacks) => {
            for callback in callbacks {
                // A callback that panics has said so; the others, and the second request, must be heard nonetheless.
                let _ = catch_unwind(AssertUnwindSafe(|| callback(StopRequested { signal })));
            }
        }
        Answer::End(killers) => {
            killers.iter().for_each(Killer::kill_all);
            low_level::exit(128 + signal);
        }
    }
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

/// The next signal; `None` when the system no longer lets us wait.
fn wait_for_ring(bells: &[Bell]) -> Option<i32> {
    let mut polled: Vec<PollFd<'_>> = bells.iter().map(|bell| PollFd::new(&bell.rings, PollFlags::IN)).collect();
    retry_on_intr(|| poll(&mut polled, None)).ok()?;
    let rung = polled.iter().position(|answer| !answer.revents().is_empty())?;
    let bell = &bells[rung];
    (&bell.rings).read_exact(&mut [0]).ok()?;
    Some(bell.signal)
}

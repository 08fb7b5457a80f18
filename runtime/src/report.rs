//! Reports: what is told of a process that panicked, or ended by an error that nobody hears of.
//!
//! A panic of a process is told once, when it has ended it: with its message, its place, and the process's name. One that
//! the process catches itself is not told. The place is known to the panic hook only, so holm chains one in front of
//! the hook that was there, when its first runtime starts:
//!
//! | a panic | the hook that was there | who tells |
//! | --- | --- | --- |
//! | outside of processes (host, plain task, blocking call) | acts as ever | it |
//! | in a process's turn | is not called | this file, at the process's end |
//! | in a destructor while a panic unwinds: Rust aborts | acts as ever | this file what came before, then it |
//!
//! What is told is an event of `tracing` (target `holm::process`): an error for a panic; a warning for a body that returned
//! an error while nobody was linked to it or monitored it; for other ends that are not normal, debug. If the program
//! has set no subscriber, a panic is printed to stderr, as Rust does it ([`print_reports`]), and the rest is not told.

use crate::{
    body::State,
    node::Node,
    pid::RawPid,
    reason::{PanicReason, Reason},
};
use holm_scheduler::{TaskId, current, panic_text, quietly};
use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::RefCell,
    io::Write,
    panic::{self, PanicHookInfo},
    sync::{
        Arc, Once,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

/// Panics of one turn that are kept until the process ends or lives on; a process that catches many keeps the last.
const KEPT_MAX: usize = 4;

/// How the messages begin with which Rust aborts where a panic cannot unwind.
const ABORTS: [&str; 2] = ["panic in a destructor during cleanup", "panic in a function that cannot unwind"];

static PRINTS: AtomicBool = AtomicBool::new(true);

thread_local! {
    static SEEN: RefCell<Vec<Seen>> = const { RefCell::new(Vec::new()) };
}

/// A panic in the turn of a process, as the hook saw it.
struct Seen {
    task: TaskId,
    message: String,
    location: Option<String>,
    backtrace: Backtrace,
}

/// Whether panics of processes are printed to stderr while the program has set no subscriber of `tracing`; they are, until
/// this says otherwise. With a subscriber, its filter decides what becomes of the target `holm::process`.
pub fn print_reports(on: bool) {
    PRINTS.store(on, Relaxed);
}

/// Chains the hook, once in an OS process.
pub(crate) fn listen() {
    static CHAINED: Once = Once::new();
    if thread::panicking() {
        return; // the hook cannot be changed now; a later runtime does it
    }
    CHAINED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !see(panic) {
                before(panic);
            }
        }));
    });
}

/// True if it is a panic of a process, which is told at its end.
fn see(panic: &PanicHookInfo<'_>) -> bool {
    let Some((_, task)) = current().filter(|(slot, _)| !slot.is_plain()) else { return false };
    let message = panic_text(panic.payload()).to_string();
    let seen = |seen: &RefCell<Vec<Seen>>| {
        let Ok(mut seen) = seen.try_borrow_mut() else { return false };
        if ABORTS.iter().any(|abort| message.starts_with(abort)) {
            seen.drain(..).filter(|seen| seen.task == task).for_each(|seen| print(&format!("{task:?}"), &seen));
            return false;
        }
        seen.retain(|seen| seen.task == task);
        seen.truncate(KEPT_MAX - 1);
        let location = panic.location().map(ToString::to_string);
        seen.push(Seen { task, message: message.clone(), location, backtrace: Backtrace::capture() });
        true
    };
    SEEN.try_with(seen).unwrap_or(false)
}

/// What the hook saw of the panic that ends this process. Nothing if it was thrown on without the hook, or if the program
/// has set another hook since.
fn take_seen(task: TaskId, message: &str) -> Option<Seen> {
    let mut seen = SEEN.take();
    let at = seen.iter().rposition(|seen| seen.task == task && seen.message == message)?;
    Some(seen.swap_remove(at))
}

/// A process by its name, if it has one, and its pid.
fn title(node: &Node, pid: RawPid) -> String {
    match node.names.first_of(pid) {
        Some(name) => format!("{name:?} {pid:?}"),
        None => format!("{pid:?}"),
    }
}

/// A process panicked: tells it, and gives the reason. The payload's destructor may panic too.
#[cold]
pub(crate) fn panicked(state: &State, payload: Box<dyn Any + Send>) -> Reason {
    let (node, pid) = (state.node(), state.pid);
    let message = panic_text(&*payload).to_string();
    quietly(|| drop(payload));
    let seen = take_seen(TaskId { slot: pid.index(), generation: pid.generation }, &message);
    let (name, process) = (node.names.first_of(pid), title(node, pid));
    let location = seen.as_ref().and_then(|seen| seen.location.clone());
    let reason = Reason::Panic(Arc::new(PanicReason { message, location, process }));
    let Reason::Panic(panic) = &reason else { unreachable!("it was just made") };
    if tracing::dispatcher::has_been_set() {
        quietly(|| {
            let (name, location) = (name.as_deref(), panic.location.as_deref());
            tracing::error!(target: "holm::process", ?pid, name, location, %reason, "{}", panic.message);
        });
    } else if PRINTS.load(Relaxed) {
        let backtrace = Backtrace::disabled();
        let unseen = || Seen {
            task: TaskId { slot: 0, generation: 0 },
            message: panic.message.clone(),
            location: None,
            backtrace,
        };
        print(&panic.process, &seen.unwrap_or_else(unseen));
    }
    reason
}

/// A body returned an error, and nobody is tied to the process who would hear of it.
#[cold]
pub(crate) fn lost(state: &State, reason: &Reason) {
    let (pid, name) = (state.pid, state.node().names.first_of(state.pid));
    let name = name.as_deref();
    quietly(
        || tracing::warn!(target: "holm::process", ?pid, name, %reason, "a process failed, and nobody hears of it"),
    );
}

/// A process ended with a reason that is not normal.
#[cold]
pub(crate) fn ended(state: &State, reason: &Reason) {
    if tracing::enabled!(target: "holm::process", tracing::Level::DEBUG) {
        let (pid, name) = (state.pid, state.node().names.first_of(state.pid));
        let name = name.as_deref();
        quietly(|| tracing::debug!(target: "holm::process", ?pid, name, %reason, "a process ended"));
    }
}

/// Prints a panic as Rust does. A stderr that is closed is no reason to panic.
fn print(process: &str, seen: &Seen) {
    let place = seen.location.as_deref().unwrap_or("a place that was not seen");
    let mut text = format!("\nprocess {process} panicked at {place}:\n{}\n", seen.message);
    if seen.backtrace.status() == BacktraceStatus::Captured {
        text += &format!("stack backtrace:\n{}\n", seen.backtrace);
    }
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

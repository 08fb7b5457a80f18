//! The order of a stop, and what it cannot end.
//!
//! 1. No process is spawned any more.
//! 2. `Shutdown` to the processes that asked to be first, and when those have ended, to all others.
//! 3. After the grace, `Kill` to those that are left.
//! 4. Links say goodbye; the schedulers end every task where it waits, and are joined; blocking calls are waited for.
//!
//! A turn or a blocking call that does not return cannot be ended in one address space. It is named, its thread is left
//! alone, and so is the memory that it may touch.
//!
//! The stop looks for living processes by their slots and waits by looking again: a counter would cost every spawn and
//! every end, for something that happens once.

use crate::{
    deliver,
    engine::Engine,
    node::{self, Node},
    pid::{Pid, RawPid},
    process::Process,
    reason::Reason,
    signal::Control,
};
use holm_scheduler::{Leftover, LongCall, LongTurn, Slot, TaskId, may_touch, send_errand};
use std::{
    fmt, thread,
    time::{Duration, Instant},
};

/// How long killed processes may take until the schedulers end them where they wait.
const KILL_LIMIT: Duration = Duration::from_millis(300);

/// How long after the kill threads are waited for. With [`KILL_LIMIT`] less than the second that is promised.
const JOIN_LIMIT: Duration = Duration::from_millis(550);

/// How long spawns that have begun are waited for.
const CLOSE_LIMIT: Duration = Duration::from_millis(50);

/// The first and the longest pause between two looks at a process that is to end.
const PAUSES: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(2));

/// Why a runtime is not stopped.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StopError {
    /// The calling thread is one of the runtime's own, and would wait for itself.
    #[error("a runtime is not stopped from inside: use begin_stop there")]
    Inside,
    /// What cannot be ended from outside goes on.
    #[error(transparent)]
    StillRunning(#[from] StillRunning),
}

/// What still runs after a stop.
#[derive(Clone, Debug, thiserror::Error)]
pub struct StillRunning {
    /// Processes, or tasks, whose turn does not end.
    pub processes: Vec<StuckProcess>,
    /// Blocking calls that do not return.
    pub calls: Vec<StuckCall>,
}

/// A process whose turn does not end; see [`StillRunning`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckProcess {
    /// Its scheduler, numbered over the whole layout.
    pub scheduler: u32,
    /// Its pid; nothing if it is a plain task.
    pub pid: Option<Pid>,
    /// The first of its registered names.
    pub name: Option<String>,
    /// The type of its messages, by name.
    pub messages: Option<&'static str>,
    /// The path of its async function or block, with what holm puts around it.
    pub body: Option<&'static str>,
    /// How long its turn has taken, at least.
    pub running: Duration,
}

/// A blocking call that does not return; see [`StillRunning`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckCall {
    /// Who made it: the process, or nothing if no process did.
    pub pid: Option<Pid>,
    /// The first of that process's registered names, if it still lives.
    pub name: Option<String>,
    /// Where it was made: file, line, column.
    pub location: String,
    /// How long it has run.
    pub running: Duration,
}

impl fmt::Display for StillRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("still running: ")?;
        let mut separator = "";
        for process in &self.processes {
            write!(f, "{separator}{process}")?;
            separator = "; ";
        }
        for call in &self.calls {
            write!(f, "{separator}{call}")?;
            separator = "; ";
        }
        Ok(())
    }
}

impl fmt::Display for StuckProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid}")?,
            None => f.write_str("a task")?,
        }
        self.name.iter().try_for_each(|name| write!(f, " {name:?}"))?;
        self.messages.iter().try_for_each(|messages| write!(f, " with messages of type {messages}"))?;
        self.body.iter().try_for_each(|body| write!(f, ", body {body}"))?;
        write!(f, ", in a turn on scheduler {} for more than {:?}", self.scheduler, self.running)
    }
}

impl fmt::Display for StuckCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blocking call")?;
        self.pid.iter().try_for_each(|pid| write!(f, " of process {pid}"))?;
        self.name.iter().try_for_each(|name| write!(f, " {name:?}"))?;
        write!(f, ", made at {}, for {:?}", self.location, self.running)
    }
}

impl Engine {
    /// See [`crate::RuntimeHandle::stop`].
    pub(crate) fn stop(&self, grace: Duration) -> Result<(), StopError> {
        if self.is_here() {
            return Err(StopError::Inside);
        }
        let mut scheduler = self.scheduler.lock(); // whoever comes second waits here
        self.end_processes(grace);
        self.leave();
        let joining = Instant::now();
        let leftover = scheduler.stop(JOIN_LIMIT);
        if leftover.is_empty() {
            return Ok(());
        }
        // What goes on finds the node by its address, for as long as it likes.
        std::mem::forget(self.node.clone());
        Err(self.name_leftover(leftover, joining.elapsed()).into())
    }

    /// Ends every process: asks, waits for the grace, kills.
    pub(crate) fn end_processes(&self, grace: Duration) {
        let now = Instant::now();
        let until = now.checked_add(grace);
        self.node.pool.close(CLOSE_LIMIT);
        let first = self.node.first_to_stop();
        signal(&self.node, first.clone(), Reason::Shutdown);
        wait_until_ended(&self.node, first.into_iter(), until);
        self.shut_down();
        if wait_until_ended(&self.node, living(&self.node), until) {
            return;
        }
        signal_all(&self.node, Reason::Kill);
        wait_until_ended(&self.node, living(&self.node), Instant::now().checked_add(KILL_LIMIT));
    }

    /// Asks every process to end, and lets no new ones come.
    pub(crate) fn shut_down(&self) {
        self.node.pool.close(CLOSE_LIMIT);
        signal_all(&self.node, Reason::Shutdown);
    }

    fn pid_of(&self, task: TaskId) -> RawPid {
        let slot = Slot::at(task.slot).expect("a task has a slot");
        deliver::pid_of(&self.node, slot, task).0
    }

    fn name_leftover(&self, leftover: Leftover, waited: Duration) -> StillRunning {
        let turn = |turn: &LongTurn| {
            let pid = turn.task.map(|task| self.pid_of(task));
            let messages = pid.and_then(|pid| deliver::messages_of(&self.node, pid));
            StuckProcess {
                scheduler: self.node.place.node().schedulers.start + turn.scheduler as u32,
                pid: pid.filter(|_| messages.is_some()).map(Pid::new),
                name: pid.and_then(|pid| self.node.names.first_of(pid)).map(|name| name.to_string()),
                messages,
                body: turn.body,
                running: waited,
            }
        };
        let call = |call: &LongCall| {
            let pid = call.task.map(|task| self.pid_of(task));
            StuckCall {
                pid: pid.map(Pid::new),
                name: pid.and_then(|pid| self.node.names.first_of(pid)).map(|name| name.to_string()),
                location: call.location.to_string(),
                running: call.running,
            }
        };
        StillRunning {
            processes: leftover.turns.iter().map(turn).collect(),
            calls: leftover.calls.iter().map(call).collect(),
        }
    }
}

/// The processes that live now, each as it is found.
fn living(node: &Node) -> impl Iterator<Item = RawPid> + use<> {
    deliver::living_of(node.id, &node.pool)
}

/// Sends an exit signal in nobody's name, on this thread or on a scheduler, whichever may touch doors.
fn signal(node: &Node, to: impl IntoIterator<Item = RawPid> + Send + 'static, reason: Reason) {
    let from = RawPid::nobody(node.id);
    let send = move |node: &Node| {
        for pid in to {
            let exit = Control::Exit { from, reason: reason.clone(), by_link: false };
            let _ = deliver::control(node, pid, exit); // one that has ended needs no signal
        }
    };
    if may_touch(&node.pool) {
        let _visit = node.shared().map(node::visit); // gates of bounded mailboxes find the node by the thread
        return send(node);
    }
    let errand = move || {
        if let Some(node) = node::here() {
            send(node);
        }
    };
    send_errand(&node.pool, Some(0), Box::new(errand));
}

fn signal_all(node: &Node, reason: Reason) {
    signal(node, living(node), reason);
}

/// Waits until these processes have ended; false if the time is over first.
fn wait_until_ended(node: &Node, mut pids: impl Iterator<Item = RawPid>, until: Option<Instant>) -> bool {
    pids.all(|pid| {
        let mut pause = PAUSES.0;
        while deliver::is_alive(node, pid) {
            if until.is_some_and(|until| Instant::now() >= until) {
                return false;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
        true
    })
}

impl<M: crate::Message> Process<M> {
    /// Whether this process is told first when its runtime stops: it gets [`Reason::Shutdown`] then, and processes that
    /// did not ask for this get theirs when all that did have ended, or the grace is over. That is for those who end
    /// others in an order of their own, such as the root of a tree of supervisors.
    pub fn stop_first(&mut self, on: bool) {
        let state = self.state();
        state.node().stop_first(state.pid, on);
        state.bonds().stops_first = on;
    }
}

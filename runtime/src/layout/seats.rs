//! Seats: the nodes that the launcher started, and what is known of each.
//!
//! Serves `children` (the launcher's face to the runtime) and `watch` (the thread that learns what happens to nodes).
//! Data and the rules on it; it starts nothing and waits for nothing but its own condition.
//!
//! The one thread that reaps is `watch`. Killing is done by anybody, under the seat's lock, so that a signal can never
//! reach a process id that was already reaped and given to somebody else.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::control::{ControlSocket, Message};

/// The status of a node that somebody else reaped, such as a program that ignores SIGCHLD: 255, as a wait status.
const STATUS_LOST: i32 = 255 << 8;

/// A node ended. Displays as `node 2 (app-2@host) ended by signal 9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// The node's rank.
    pub rank: u32,
    /// The node's name.
    pub name: String,
    /// How it ended.
    pub status: ExitStatus,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended {}", titled(self.rank, &self.name), how(self.status))
    }
}

fn titled(rank: u32, name: &str) -> String {
    format!("node {rank} ({name})")
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("with status {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => format!("with {status}"),
    }
}

/// One node that the launcher started. Dropping it kills and reaps what is still there.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) rank: u32,
    pub(super) name: String,
    pub(super) control: ControlSocket,
    child: Mutex<Child>,
}

impl Seat {
    pub(super) fn new(rank: u32, name: String, control: ControlSocket, child: Child) -> Self {
        Seat { rank, name, control, child: Mutex::new(child) }
    }

    /// `node 2 (app-2@host)`.
    pub(super) fn title(&self) -> String {
        titled(self.rank, &self.name)
    }

    pub(super) fn kill(&self) {
        // Fails only for a child that was reaped already, which is what is wanted.
        let _ = self.child.lock().kill();
    }

    /// Reaps the node if it has ended.
    pub(super) fn reap(&self) -> Option<ExitStatus> {
        // An error means that there is no such child any more.
        self.child.lock().try_wait().unwrap_or(Some(ExitStatus::from_raw(STATUS_LOST)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// All seats, and what became of them.
#[derive(Debug)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    states: Mutex<Vec<State>>,
    changed: Condvar,
    news: Mutex<News>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Starting,
    Ready,
    Ended(ExitStatus),
}

/// What is to be told of each death.
pub(super) type Callback = Box<dyn FnMut(&Death) + Send>;

/// Deaths on their way to the callback; they wait here until there is one.
#[derive(Default)]
struct News {
    undelivered: Vec<Death>,
    callback: Option<Callback>,
}

impl fmt::Debug for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("News").field("undelivered", &self.undelivered).finish_non_exhaustive()
    }
}

impl News {
    /// Tells what is new. A callback that panics is not called again: `watch` must live on to reap.
    fn deliver(&mut self) {
        let Some(mut callback) = self.callback.take() else { return };
        let deaths = self.undelivered.drain(..);
        let told = catch_unwind(AssertUnwindSafe(|| deaths.for_each(|death| callback(&death))));
        self.callback = told.is_ok().then_some(callback);
    }
}

impl Seats {
    /// Seats of ranks 1, 2, …, in this order.
    pub(super) fn new(seats: Vec<Seat>) -> Self {
        assert!(
            seats.iter().enumerate().all(|(index, seat)| seat.rank as usize == index + 1),
            "seats come in rank order"
        );
        let states = Mutex::new(vec![State::Starting; seats.len()]);
        Seats { seats, states, changed: Condvar::new(), news: Mutex::default() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter()
    }

    /// The seat of a node other than the launcher's own.
    pub(super) fn of(&self, rank: u32) -> &Seat {
        &self.seats[rank as usize - 1]
    }

    pub(super) fn note_ready(&self, seat: &Seat) {
        self.states.lock()[seat.rank as usize - 1] = State::Ready;
        self.changed.notify_all();
    }

    /// Records a death, tells the other nodes and the callback of it, in this order. Nodes that are not ready are not
    /// told: they expect other words, and a death before all are ready ends the start.
    pub(super) fn note_ended(&self, seat: &Seat, status: ExitStatus) {
        self.states.lock()[seat.rank as usize - 1] = State::Ended(status);
        self.changed.notify_all();
        for other in self.in_state(|state| *state == State::Ready) {
            // A node that does not take the news learns of the death from its link.
            let _ = other.control.send(&Message::Died { rank: seat.rank, status: how(status) }, None);
        }
        let mut news = self.news.lock();
        news.undelivered.push(Death { rank: seat.rank, name: seat.name.clone(), status });
        news.deliver();
    }

    pub(super) fn on_death(&self, callback: Callback) {
        let mut news = self.news.lock();
        news.callback = Some(callback);
        news.deliver();
    }

    /// The nodes that have not ended.
    pub(super) fn living(&self) -> Vec<&Seat> {
        self.in_state(|state| !matches!(state, State::Ended(_)))
    }

    /// The nodes that are alive and not ready.
    pub(super) fn starting(&self) -> Vec<&Seat> {
        self.in_state(|state| *state == State::Starting)
    }

    fn in_state(&self, wanted: impl Fn(&State) -> bool) -> Vec<&Seat> {
        let states = self.states.lock();
        self.seats.iter().zip(&*states).filter(|(_, state)| wanted(state)).map(|(seat, _)| seat).collect()
    }

    pub(super) fn deaths(&self) -> Vec<Death> {
        let states = self.states.lock();
        let death = |(seat, state): (&Seat, &State)| match state {
            State::Ended(status) => Some(Death { rank: seat.rank, name: seat.name.clone(), status: *status }),
            State::Starting | State::Ready => None,
        };
        self.seats.iter().zip(&*states).filter_map(death).collect()
    }

    pub(super) fn kill_all(&self) {
        self.seats.iter().for_each(Seat::kill);
    }

    /// Waits until all nodes are ready or one has ended, at most `timeout`.
    pub(super) fn wait_all_ready(&self, timeout: Duration) {
        let undecided = |states: &mut Vec<State>| {
            states.contains(&State::Starting) && !states.iter().any(|state| matches!(state, State::Ended(_)))
        };
        self.changed.wait_while_for(&mut self.states.lock(), undecided, timeout);
    }

    /// Waits until node `rank` has ended, at most `timeout`.
    pub(super) fn wait_ended(&self, rank: u32, timeout: Duration) {
        let alive = |states: &mut Vec<State>| !matches!(states[rank as usize - 1], State::Ended(_));
        self.changed.wait_while_for(&mut self.states.lock(), alive, timeout);
    }

    /// Waits until all nodes have ended, at most `timeout`; false when some are left then.
    pub(super) fn wait_all_ended(&self, timeout: Duration) -> bool {
        let some_left = |states: &mut Vec<State>| states.iter().any(|state| !matches!(state, State::Ended(_)));
        !self.changed.wait_while_for(&mut self.states.lock(), some_left, timeout).timed_out()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    #[test]
    fn a_death_is_told_in_one_sentence() {
        let death =
            |raw| Death { rank: 2, name: "app-2@host".to_owned(), status: ExitStatus::from_raw(raw) }.to_string();
        assert_eq!(death(9), "node 2 (app-2@host) ended by signal 9");
        assert_eq!(death(3 << 8), "node 2 (app-2@host) ended with status 3");
        assert_eq!(death(0), "node 2 (app-2@host) ended with status 0");
    }

    /// Two nodes that do nothing, and the nodes' own ends of their control sockets.
    fn two_seats() -> (Seats, Vec<ControlSocket>) {
        let pairs = [UnixStream::pair().unwrap(), UnixStream::pair().unwrap()];
        let (ours, theirs): (Vec<_>, Vec<_>) =
            pairs.map(|(a, b)| (a, ControlSocket::new(b).unwrap())).into_iter().unzip();
        let seat = |(index, ours)| {
            let child = Command::new("sleep").arg("1000").spawn().unwrap();
            Seat::new(index as u32 + 1, format!("n{}", index + 1), ControlSocket::new(ours).unwrap(), child)
        };
        (Seats::new(ours.into_iter().enumerate().map(seat).collect()), theirs)
    }

    #[test]
    fn a_death_waits_for_its_callback_and_is_told_once() {
        let (seats, _ends) = two_seats();
        seats.note_ended(seats.of(2), ExitStatus::from_raw(9));
        let (tell, told) = std::sync::mpsc::channel();
        seats.on_death(Box::new(move |death| tell.send(death.rank).unwrap()));
        seats.note_ended(seats.of(1), ExitStatus::from_raw(0));
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_callback_that_panics_costs_no_death() {
        let (seats, _ends) = two_seats();
        seats.on_death(Box::new(|_| panic!("on purpose")));
        seats.note_ended(seats.of(1), ExitStatus::from_raw(9));
        seats.note_ended(seats.of(2), ExitStatus::from_raw(9));
        assert_eq!(seats.deaths().len(), 2);
        assert!(seats.wait_all_ended(Duration::ZERO));
    }

    #[test]
    fn only_ready_nodes_hear_of_a_death() {
        for ready in [false, true] {
            let (seats, ends) = two_seats();
            if ready {
                seats.note_ready(seats.of(2));
            }
            seats.note_ended(seats.of(1), ExitStatus::from_raw(9));
            assert_eq!(ends[1].wait_readable(Some(Duration::ZERO)).unwrap(), ready);
        }
    }

    #[test]
    fn a_seat_that_is_dropped_leaves_no_process() {
        let (seats, _ends) = two_seats();
        let pid = seats.of(1).child.lock().id();
        drop(seats);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "killed and reaped");
    }
}

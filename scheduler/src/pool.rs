//! The pool: what the schedulers of one runtime share, and what each lets the others touch.

use crate::{
    blocking::Blocking,
    claims::Claims,
    door::Parcel,
    idle::Idle,
    injector::Injector,
    io::Descriptors,
    priority::Priority,
    ring::{self, Ring},
    slot::{self, Slot},
    stack::Stack,
    stock::Stock,
    turn::{Seen, Shown},
    watchdog::Watchdog,
    wheel::Key,
};
use crossbeam_utils::CachePadded;
use parking_lot::{Mutex, RwLock};
use std::{
    convert::Infallible,
    fmt,
    ptr::{self, NonNull},
    sync::{
        atomic::{
            AtomicBool, AtomicPtr, AtomicU32, AtomicUsize,
            Ordering::{AcqRel, Relaxed, SeqCst},
            fence,
        },
        mpsc,
    },
    time::{Duration, Instant},
};

/// What a task does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// It waits to be woken.
    Waiting,
    /// It is queued.
    Runnable,
    /// It has its turn, on this scheduler of its pool.
    Running(usize),
}

/// Something to do on a scheduler, from a thread that may not do it itself.
pub(crate) type Errand = Box<dyn FnOnce() + Send>;

/// How a pool is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// One entry for each scheduler: the CPU it is pinned to, or none.
    pub cpus: Vec<Option<u32>>,
    /// For each scheduler, the others in the order in which it steals from them. Empty: by number.
    pub steal_order: Vec<Vec<usize>>,
    /// How long a scheduler with nothing to do looks around before it sleeps. Zero where it shares its CPU.
    pub spin: Duration,
    /// Threads are called `name-k`.
    pub thread_name: String,
    /// At most this many tasks at once.
    pub tasks_max: usize,
    /// A turn that lasts so long is a stall: counted, and reported ([`Pool::on_stall`]). Nothing: nobody watches.
    pub stall_after: Option<Duration>,
    /// Threads for blocking calls at most.
    pub blocking_threads_max: usize,
    /// Frees a parcel that came too late for the task it was meant for. Called with parcels that were left at doors of
    /// this pool, once each.
    pub discard: unsafe fn(*mut Parcel),
}

impl Default for Config {
    /// One unbound scheduler.
    fn default() -> Self {
        Config {
            cpus: vec![None],
            steal_order: Vec::new(),
            spin: Duration::from_micros(50),
            thread_name: "holm".into(),
            tasks_max: 16_000_000,
            stall_after: Some(Duration::from_millis(10)),
            blocking_threads_max: 512,
            discard: |_| unreachable!("a pool whose users leave parcels says how to free one"),
        }
    }
}

/// What the others may touch of a scheduler.
pub(crate) struct Remote {
    /// Tasks that any scheduler may run; the owner's, others steal.
    ring: Ring<Slot>,
    /// The same, for those of other than normal priority.
    levels: [Ring<Slot>; 3],
    /// The task to run next; the owner's, the sentinel takes it from behind a long turn.
    pub(crate) next: AtomicPtr<Slot>,
    /// Turns so far, so that the sentinel sees a long one.
    pub(crate) turns: AtomicU32,
    /// How long its turns were lately, in nanoseconds; 0 if that is not known yet.
    pub(crate) turn_ns: AtomicU32,
    /// Pinned tasks that somebody else woke.
    pub(crate) inbox: Stack<Slot>,
    /// What other threads want done here.
    pub(crate) errands: Mutex<Vec<Errand>>,
    pub(crate) errands_len: AtomicUsize,
    /// Timers that others have claimed, or no longer sleep by: to be taken off the wheel.
    pub(crate) cancels: Mutex<Vec<Key>>,
    /// The words by which others claim a timer; see claims.rs. The owner has the same ones at hand.
    pub(crate) claims: Mutex<Claims>,
    pub(crate) descriptors: Descriptors,
    /// Whose turn it is, for whoever waits in vain for its end.
    pub(crate) turn: Shown<Slot>,
    asleep: AtomicBool,
    waker: mio::Waker,
}

impl Remote {
    pub(crate) fn new(waker: mio::Waker, registry: mio::Registry) -> Self {
        Remote {
            ring: Ring::new(),
            levels: [(); 3].map(|()| Ring::new()),
            next: AtomicPtr::new(ptr::null_mut()),
            turns: AtomicU32::new(0),
            turn_ns: AtomicU32::new(0),
            inbox: Stack::new(),
            errands: Mutex::new(Vec::new()),
            errands_len: AtomicUsize::new(0),
            cancels: Mutex::new(Vec::new()),
            claims: Mutex::new(Claims::default()),
            descriptors: Descriptors::new(registry),
            turn: Shown::new(),
            asleep: AtomicBool::new(false),
            waker,
        }
    }

    /// The ring for tasks of a priority.
    #[inline]
    pub(crate) fn ring_of(&self, priority: Priority) -> &Ring<Slot> {
        match priority {
            Priority::Normal => &self.ring,
            Priority::Low => &self.levels[0],
            Priority::High => &self.levels[1],
            Priority::Max => &self.levels[2],
        }
    }

    /// How many tasks lie in the rings, as far as one can say.
    pub(crate) fn backlog(&self) -> u32 {
        self.ring.len() + self.levels.iter().map(Ring::len).sum::<u32>()
    }

    /// The owner announces that it is going to sleep; it must look at everything once more.
    pub(crate) fn announce_sleep(&self) {
        self.asleep.store(true, SeqCst);
        fence(SeqCst); // see *the late sleeper* in idle.rs
    }

    pub(crate) fn withdraw_sleep(&self) {
        self.asleep.store(false, Relaxed);
    }

    /// Wakes the owner if it sleeps. What it is to find must be visible before.
    pub(crate) fn rouse(&self) {
        fence(SeqCst); // see *the late sleeper* in idle.rs
        if self.asleep.load(Relaxed) && self.asleep.swap(false, SeqCst) {
            self.waker.wake().expect("a scheduler's waker is open as long as the pool");
        }
    }

    /// Cancels a timed call on the owner's wheel, from another thread; true if it had not been made.
    pub(crate) fn cancel_call(&self, key: Key) -> bool {
        let claimed = self.claims.lock().take(key);
        if claimed {
            self.cancels.lock().push(key);
        }
        claimed
    }

    pub(crate) fn send_errand(&self, errand: Errand) {
        let mut errands = self.errands.lock();
        errands.push(errand);
        self.errands_len.store(errands.len(), SeqCst);
        drop(errands);
        self.rouse();
    }

    pub(crate) fn take_errands(&self) -> Vec<Errand> {
        if self.errands_len.load(Relaxed) == 0 {
            return Vec::new();
        }
        let mut errands = self.errands.lock();
        self.errands_len.store(0, Relaxed);
        std::mem::take(&mut *errands)
    }
}

/// See the module's text.
pub struct Pool {
    /// One scheduler: its doors, queues and free list take no locked instruction.
    pub(crate) alone: bool,
    pub(crate) remotes: Box<[CachePadded<Remote>]>,
    pub(crate) injector: Injector<Slot>,
    pub(crate) idle: Idle,
    pub(crate) blocking: Blocking,
    pub(crate) watchdog: Watchdog,
    pub(crate) config: Config,
    pub(crate) stopping: AtomicBool,
    /// Not every spawn is allowed any more.
    pub(crate) closed: AtomicBool,
    /// Read-locked by whoever spawns from outside, so that nothing opens a door after the last task was ended.
    pub(crate) gate: RwLock<()>,
    pub(crate) running: AtomicUsize,
    stock: Mutex<Stock>,
    /// What [`Stock::is_roomy`] said last.
    roomy: AtomicBool,
    /// Free slots for threads that are no schedulers.
    spare: Mutex<Vec<&'static Slot>>,
    round_robin: AtomicUsize,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("schedulers", &self.remotes.len()).finish_non_exhaustive()
    }
}

/// Keeps a pool from going away while a thread that is not its own looks at it: wakers of foreign threads read-lock
/// it, the end of a pool write-locks it.
pub(crate) static VISITORS: RwLock<()> = RwLock::new(());

impl Pool {
    pub(crate) fn new(config: Config, remotes: Vec<Remote>) -> Self {
        Pool {
            alone: remotes.len() == 1,
            idle: Idle::new(remotes.len()),
            running: AtomicUsize::new(remotes.len()),
            remotes: remotes.into_iter().map(CachePadded::new).collect(),
            injector: Injector::new(),
            blocking: Blocking::new(config.blocking_threads_max, &config.thread_name),
            watchdog: Watchdog::new(),
            config,
            stopping: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            gate: RwLock::new(()),
            stock: Mutex::new(Stock::new()),
            roomy: AtomicBool::new(false),
            spare: Mutex::new(Vec::new()),
            round_robin: AtomicUsize::new(0),
        }
    }

    /// How many schedulers there are.
    pub(crate) fn len(&self) -> usize {
        self.remotes.len()
    }

    #[inline]
    pub(crate) fn remote(&self, scheduler: usize) -> &Remote {
        &self.remotes[scheduler]
    }

    /// Gives a queued task to the scheduler that it is pinned to.
    pub(crate) fn hand_to(&self, scheduler: usize, slot: &'static Slot) {
        let remote = self.remote(scheduler);
        remote.inbox.push(slot);
        remote.rouse();
    }

    /// Wakes a sleeper to search, if one sleeps and nobody searches.
    pub(crate) fn call_helper(&self) {
        if let Some(sleeper) = self.idle.claim() {
            self.remote(sleeper).rouse();
        }
    }

    /// Queues a task from a thread that is no scheduler of this pool.
    pub(crate) fn inject(&self, slot: &'static Slot) {
        match slot.pin().or(self.alone.then_some(0)) {
            Some(scheduler) => self.hand_to(scheduler, slot),
            None => {
                self.injector.push(slot.priority(), &[ptr::from_ref(slot).cast_mut()]);
                self.call_helper();
            }
        }
    }

    /// Moves the tasks that any scheduler may run from behind a long turn to where the others look for them.
    pub(crate) fn free_rings(&self, scheduler: usize) {
        let (remote, mut half) = (self.remote(scheduler), [ptr::null_mut(); ring::CAPACITY as usize / 2]);
        if self.alone {
            return;
        }
        for priority in Priority::DESCENDING {
            while let count @ 1.. = remote.ring_of(priority).take_half(&mut half) as usize {
                self.injector.push(priority, &half[..count]);
            }
        }
        // Ordering: as for the sentinel, in `Worker::steal`. What is there is of normal priority.
        let next = remote.next.swap(ptr::null_mut(), AcqRel);
        if !next.is_null() {
            self.injector.push(Priority::Normal, &[next]);
        }
        if self.injector.len() > 0 {
            self.call_helper();
        }
    }

    /// A scheduler for an errand that any of them can do.
    pub(crate) fn any_scheduler(&self) -> usize {
        self.round_robin.fetch_add(1, Relaxed) % self.len()
    }

    /// A chain of free slots and its length; nothing if the limit is reached.
    pub(crate) fn take_batch(&self) -> Option<(NonNull<Slot>, u32)> {
        self.stock.lock().take(self)
    }

    /// True if there is much more memory for tasks than tasks: a scheduler that has nothing to do holds no free slots.
    pub(crate) fn is_roomy(&self) -> bool {
        self.roomy.load(Relaxed)
    }

    /// Takes back a chain of free slots, and gives memory back to the system if there is much of it.
    pub(crate) fn return_chain(&self, chain: *mut Slot) {
        let mut stock = self.stock.lock();
        stock.give(chain);
        let roomy = stock.is_roomy();
        let whole = if roomy { stock.take_whole() } else { Vec::new() };
        drop(stock);
        if !whole.is_empty() {
            whole.iter().for_each(|&number| slot::drop_pages(number)); // long enough to let others at the stock
            self.stock.lock().add_bare(whole);
        }
        if self.roomy.swap(roomy, Relaxed) != roomy && roomy {
            self.rouse_all(); // whoever sleeps gives back what it holds, before it sleeps again
        }
    }

    /// One free slot, for a thread that is no scheduler of this pool.
    pub(crate) fn take_one(&self) -> Option<&'static Slot> {
        if let Some(slot) = self.take_spare() {
            return Some(slot);
        }
        let (mut chain, count) = self.take_batch()?;
        let mut slots = Vec::with_capacity(count as usize);
        loop {
            // SAFETY: the chain is made of free slots, which are never unmapped.
            let slot: &'static Slot = unsafe { chain.as_ref() };
            slots.push(slot);
            match NonNull::new(slot.next.load(Relaxed)) {
                Some(next) => chain = next,
                None => break,
            }
        }
        let one = slots.pop();
        self.spare.lock().extend(slots);
        one
    }

    /// One of the free slots that are kept for other threads.
    pub(crate) fn take_spare(&self) -> Option<&'static Slot> {
        self.spare.lock().pop()
    }

    /// From here on no task with a tag is spawned: the crate above is about to end its own. Plain tasks are, until the pool
    /// stops.
    ///
    /// Waits up to `limit` for spawns that have begun, so that their tasks are among the [`Pool::slots`]: from outside by
    /// the gate, from inside by an errand that each scheduler does between two turns. A turn that is longer does not spawn
    /// any more, unless just that takes so long.
    pub fn close(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let gate = self.gate.try_write_for(limit);
        let was_closed = self.closed.swap(true, SeqCst);
        drop(gate);
        if was_closed {
            return;
        }
        let (done, all_done) = mpsc::channel::<Infallible>();
        for remote in &self.remotes {
            let done = done.clone();
            remote.send_errand(Box::new(move || drop(done)));
        }
        drop(done);
        // Ends when the last errand is done, or dropped by a scheduler that ends.
        let _ = all_done.recv_timeout(until.saturating_duration_since(Instant::now()));
    }

    /// Wakes every scheduler.
    pub(crate) fn rouse_all(&self) {
        self.remotes.iter().for_each(|remote| remote.rouse());
    }

    /// What the task in a slot of this pool does now.
    pub fn activity(&self, slot: &Slot) -> Activity {
        if !slot.door.is_queued() {
            return Activity::Waiting;
        }
        let is_it = |seen: Seen<Slot>| ptr::eq(seen.task, slot) && seen.generation == slot.generation();
        let runs = |remote: &CachePadded<Remote>| remote.turn.see().is_some_and(is_it);
        self.remotes.iter().position(runs).map_or(Activity::Runnable, Activity::Running)
    }

    /// All slots that tasks of this pool live in.
    pub fn slots(&self) -> impl Iterator<Item = &'static Slot> + use<> {
        let carved = self.stock.lock().carved();
        carved.into_iter().flat_map(|(chunk, carved)| slot::slots(chunk, 0, carved))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Wait for foreign wakers that passed the generation check and still look at this pool.
        let _nobody_visits = VISITORS.write();
        self.stock.lock().dissolve();
    }
}

//! The worker: one scheduler's thread, and the loop it runs.
//!
//! A turn takes the next task, runs it until it waits or has used up its reductions, and puts it to rest or back into
//! the queue. Between turns, once in [`LOOK_NS`] or in 64 turns, it looks around: clock, timers, inbox, errands,
//! sources, descriptors, the injector, and whether its backlog is worth a helper. What others are told, and when, is in
//! [`idle`](crate::idle); sleeping is in [`park`](crate::park).
//!
//! Which task is next: the one that was woken last (its data are warm: a message's receiver follows its sender), but
//! not more often than [`STREAK_MAX`] times in a row; then by turns the pinned ones and the ring, oldest first.

use crate::{
    behaviour::{Behaviour, Body},
    clock,
    door::{Left, Parcel},
    idle::Sleep,
    park::Park,
    pool::{BATCH, Pool, Remote, VISITORS},
    ring,
    slot::{Parcels, Slot, TaskId},
    source::Source,
    timer::{Expiry, TimerKey},
    waker::waker_of,
    wheel::Wheel,
};
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    hint, ptr,
    sync::{
        Arc,
        atomic::Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
    },
    task::{Context, Poll},
    time::Duration,
};

/// What a task may do in one turn, counted by the awaits that holm owns (BEAM gives a process 4,000).
const REDUCTIONS: u32 = 4_000;

/// Turns in a row that the task woken last may have before the queue has one.
const STREAK_MAX: u32 = 32;

/// A scheduler looks around about this often, or once in `LOOK_TURNS_MAX` turns, whichever comes first.
const LOOK_NS: u64 = 20_000;
const LOOK_TURNS_MAX: u64 = 64;

/// The kernel is asked for readiness not more often than this while there are tasks to run.
const POLL_NS: u64 = 50_000;

/// What it costs to wake a sleeping scheduler until it runs: a backlog shorter than this is not worth a helper.
const WAKE_NS: u64 = 50_000;

/// The sentinel looks for work this often; see idle.rs, rule 4.
const WATCH: Duration = Duration::from_millis(1);

/// Free slots beyond this go back to the pool, a batch at a time.
const FREE_MAX: u32 = 8 * BATCH;

thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

/// Why nothing was spawned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// The calling thread is no scheduler, and none was named.
    NoScheduler,
    /// There is no scheduler of this number in the pool.
    UnknownScheduler {
        /// The number asked for.
        scheduler: usize,
        /// How many there are; they count from 0.
        schedulers: usize,
    },
    /// The limit of tasks is reached.
    TooMany {
        /// The limit.
        tasks_max: usize,
    },
    /// The pool stops, or has stopped.
    Stopping,
}

impl std::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SpawnError::NoScheduler => f.write_str("there is no scheduler on this thread: spawn inside the runtime"),
            SpawnError::UnknownScheduler { scheduler, schedulers } => {
                write!(f, "there is no scheduler {scheduler}: this pool has {schedulers}, counted from 0")
            }
            SpawnError::TooMany { tasks_max } => write!(f, "the limit of {tasks_max} tasks is reached"),
            SpawnError::Stopping => f.write_str("the runtime is stopping"),
        }
    }
}

impl std::error::Error for SpawnError {}

/// How a task is set up.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The scheduler that alone may run it.
    pub pin: Option<usize>,
    /// See [`Slot::tag_of`].
    pub tag: *mut (),
}

impl Default for Spec {
    fn default() -> Self {
        Spec { pin: None, tag: ptr::null_mut() }
    }
}

/// One scheduler.
pub(crate) struct Worker {
    pool: Arc<Pool>,
    index: usize,
    alone: bool,
    /// The task whose turn it is.
    current: Cell<Option<(&'static Slot, u32)>>,
    reductions: Cell<u32>,
    /// All tasks of a scheduler that is alone; the pinned ones of any other.
    own: RefCell<VecDeque<&'static Slot>>,
    streak: Cell<u32>,
    free: Cell<*mut Slot>,
    free_len: Cell<u32>,
    turns: Cell<u64>,
    look: Cell<Look>,
    wheel: RefCell<Wheel<Expiry>>,
    sources: RefCell<Vec<Arc<dyn Source>>>,
    park: RefCell<Park>,
    searching: Cell<bool>,
    /// Where each other's count of turns stood when the sentinel last looked.
    seen_turns: RefCell<Vec<u32>>,
}

/// When the worker looked around, and when it does again.
#[derive(Clone, Copy)]
struct Look {
    at_ns: u64,
    at_turn: u64,
    next_turn: u64,
    polled_ns: u64,
}

impl Worker {
    pub(crate) fn new(pool: Arc<Pool>, index: usize, park: Park) -> Self {
        let now = clock::now_ns();
        Worker {
            alone: pool.alone,
            current: Cell::new(None),
            reductions: Cell::new(0),
            own: RefCell::new(VecDeque::new()),
            streak: Cell::new(0),
            free: Cell::new(ptr::null_mut()),
            free_len: Cell::new(0),
            turns: Cell::new(0),
            look: Cell::new(Look { at_ns: now, at_turn: 0, next_turn: LOOK_TURNS_MAX, polled_ns: now }),
            wheel: RefCell::new(Wheel::new(now)),
            sources: RefCell::new(Vec::new()),
            park: RefCell::new(park),
            searching: Cell::new(false),
            seen_turns: RefCell::new(vec![0; pool.len()]),
            pool,
            index,
        }
    }

    #[inline]
    fn remote(&self) -> &Remote {
        self.pool.remote(self.index)
    }

    /// Runs tasks until the pool stops.
    pub(crate) fn run(&self) {
        WORKER.set(self);
        while !self.pool.stopping.load(Relaxed) {
            if self.turns.get() >= self.look.get().next_turn {
                self.look_around();
            }
            match self.next().or_else(|| self.search_then_park()) {
                Some(slot) => self.turn(slot),
                None => break,
            }
        }
        self.end_all();
        WORKER.set(ptr::null());
    }

    // ---- a turn ----

    #[inline]
    fn turn(&self, slot: &'static Slot) {
        let turns = self.turns.get() + 1;
        self.turns.set(turns);
        let generation = slot.generation();
        self.current.set(Some((slot, generation)));
        self.reductions.set(REDUCTIONS);
        if self.alone {
            slot.door.alone().begin();
        } else {
            self.remote().turns.store(turns as u32, Relaxed);
            slot.door.shared().begin();
        }
        if slot.door.has_parcels() && slot.is_plain() {
            self.discard(take_parcels());
        }
        let waker = waker_of(slot, generation);
        let mut context = Context::from_waker(&waker);
        // SAFETY: the slot came out of a queue, so this worker holds it until it rests.
        let polled = unsafe { (slot.behaviour().poll)(slot.body(), &mut context) };
        match polled {
            Poll::Ready(()) => self.end(slot),
            Poll::Pending => {
                let rests = if self.alone { slot.door.alone().rest() } else { slot.door.shared().rest() };
                if !rests {
                    self.queue_last(slot);
                }
            }
        }
        self.current.set(None);
    }

    /// What a late sender left at the door of a plain task, which once was the door of another.
    #[cold]
    fn discard(&self, parcels: Parcels) {
        // SAFETY: the parcels came out of a door of this pool.
        parcels.for_each(|parcel| unsafe { (self.pool.config.discard)(parcel.as_ptr()) });
    }

    /// Ends a task whose slot this worker holds.
    fn end(&self, slot: &'static Slot) {
        let stack = if self.alone { slot.door.alone().close() } else { slot.door.shared().close() };
        end_body(&self.pool, slot, stack);
        self.give_free(slot);
    }

    // ---- queues ----

    /// The next task of the worker's own.
    #[inline]
    fn next(&self) -> Option<&'static Slot> {
        if self.streak.get() < STREAK_MAX
            && let Some(slot) = self.take_woken()
        {
            self.streak.set(self.streak.get() + 1);
            return Some(slot);
        }
        self.streak.set(0);
        self.oldest().or_else(|| self.take_woken())
    }

    #[inline]
    fn oldest(&self) -> Option<&'static Slot> {
        let own = || self.own.borrow_mut().pop_front();
        if self.alone {
            return own();
        }
        // SAFETY: (both) what is in a ring is a slot.
        let ring = || self.remote().ring.pop().map(|slot| unsafe { &*slot });
        match self.turns.get().is_multiple_of(2) {
            true => own().or_else(ring),
            false => ring().or_else(own),
        }
    }

    #[inline]
    fn take_woken(&self) -> Option<&'static Slot> {
        let next = &self.remote().next;
        let mut slot = next.load(Relaxed);
        if slot.is_null() {
            return None;
        }
        match self.alone {
            true => next.store(ptr::null_mut(), Relaxed),
            // Ordering: Acquire and Release hand the task over if the sentinel takes it meanwhile.
            false => slot = next.swap(ptr::null_mut(), AcqRel),
        }
        // SAFETY: what is in `next` is a slot.
        unsafe { slot.as_ref() }
    }

    /// Queues a task that was woken here, to run soon.
    #[inline]
    fn queue_woken(&self, slot: &'static Slot) {
        if !self.alone && slot.pin().is_some() {
            return self.queue_last(slot);
        }
        let (next, slot) = (&self.remote().next, ptr::from_ref(slot).cast_mut());
        let displaced = next.load(Relaxed);
        match self.alone {
            true => next.store(slot, Relaxed),
            // Ordering: as in `take_woken`. What is displaced is what the swap finds.
            false => {
                let displaced = next.swap(slot, AcqRel);
                // SAFETY: what is in `next` is a slot.
                return unsafe { displaced.as_ref() }.into_iter().for_each(|slot| self.queue_last(slot));
            }
        }
        // SAFETY: as above.
        unsafe { displaced.as_ref() }.into_iter().for_each(|slot| self.queue_last(slot));
    }

    /// Queues a task behind all others.
    #[inline]
    fn queue_last(&self, slot: &'static Slot) {
        if self.alone {
            return self.own.borrow_mut().push_back(slot);
        }
        match slot.pin() {
            None => self.queue_in_ring(slot),
            Some(scheduler) if scheduler == self.index => self.own.borrow_mut().push_back(slot),
            Some(scheduler) => self.pool.hand_to(scheduler, slot),
        }
    }

    #[inline]
    fn queue_in_ring(&self, slot: &'static Slot) {
        if let Err(slot) = self.remote().ring.push(ptr::from_ref(slot).cast_mut()) {
            return self.overflow(slot);
        }
        if self.pool.idle.is_unwatched() {
            self.pool.call_helper(); // idle.rs, rule 5
        }
    }

    #[cold]
    fn overflow(&self, slot: *mut Slot) {
        let mut half = [ptr::null_mut(); ring::CAPACITY as usize / 2 + 1];
        let count = self.remote().ring.take_half(&mut half[..ring::CAPACITY as usize / 2]) as usize;
        half[count] = slot;
        self.pool.injector.push(&half[..=count]);
        self.pool.call_helper();
    }

    // ---- looking around ----

    #[cold]
    fn look_around(&self) {
        let now = clock::now_ns();
        let turns = self.turns.get();
        let mut look = self.look.get();
        let turn_ns = now.saturating_sub(look.at_ns) / (turns - look.at_turn).max(1);
        look.next_turn = turns + (LOOK_NS / turn_ns.max(1)).clamp(1, LOOK_TURNS_MAX);
        (look.at_ns, look.at_turn) = (now, turns);
        let poll = now - look.polled_ns >= POLL_NS;
        if poll {
            look.polled_ns = now;
        }
        self.look.set(look);

        self.serve(now);
        if poll && !self.remote().descriptors.is_empty() {
            self.park.borrow_mut().look(&self.remote().descriptors);
        }
        if !self.alone {
            self.pool.injector.pop(1, |slot| self.queue_in_ring(slot));
            let backlog = u64::from(self.remote().ring.len()) + self.pool.injector.len() as u64;
            if backlog * turn_ns > WAKE_NS && self.pool.idle.could_help() {
                self.pool.call_helper(); // idle.rs, rule 3
            }
        }
    }

    /// Does what came from elsewhere: inbox, errands, sources, timers.
    fn serve(&self, now_ns: u64) {
        let remote = self.remote();
        if remote.inbox.is_filled() {
            // SAFETY: what is in an inbox is a slot.
            remote.inbox.take().for_each(|slot| self.own.borrow_mut().push_back(unsafe { &*slot }));
        }
        remote.take_errands().into_iter().for_each(|errand| errand());
        for source in self.sources.borrow().iter().filter(|source| source.has_input()) {
            source.wake();
        }
        self.expire(now_ns);
    }

    fn expire(&self, now_ns: u64) {
        let mut wheel = self.wheel.borrow_mut();
        for key in std::mem::take(&mut *self.remote().cancels.lock()) {
            wheel.cancel(key.key);
        }
        if wheel.len() == 0 {
            return;
        }
        let mut due = Vec::new();
        wheel.expire(now_ns, |expiry| due.push(expiry));
        drop(wheel);
        for expiry in due {
            match expiry {
                Expiry::Wake(waker) => waker.wake(),
                Expiry::Call(call) => call(),
            }
        }
    }

    // ---- nothing to do ----

    /// Looks for a task everywhere, for a while; then sleeps, and looks again. Nothing when the pool stops.
    #[cold]
    fn search_then_park(&self) -> Option<&'static Slot> {
        let mut watched = false;
        loop {
            if let Some(slot) = self.search(watched) {
                return Some(slot);
            }
            if self.pool.stopping.load(SeqCst) {
                return None;
            }
            watched = self.park();
        }
    }

    fn search(&self, watched: bool) -> Option<&'static Slot> {
        let searching = self.searching.replace(false) || (!self.alone && self.pool.idle.start_search());
        let found = self.spin(searching, watched);
        if searching && self.pool.idle.stop_search() {
            if found.is_none() {
                // The last searcher looks once more: whoever added work meanwhile saw it searching, and called nobody.
                return self.find(true, watched);
            }
            if self.is_work_left() {
                self.pool.call_helper();
            }
        }
        found
    }

    fn spin(&self, searching: bool, watched: bool) -> Option<&'static Slot> {
        let worth_it = !self.alone || !self.sources.borrow().is_empty();
        let spin = if worth_it && !watched { self.pool.config.spin } else { Duration::ZERO };
        let until = clock::now_ns() + spin.as_nanos() as u64;
        loop {
            if let Some(slot) = self.find(searching, watched) {
                return Some(slot);
            }
            if clock::now_ns() >= until || self.pool.stopping.load(Relaxed) {
                return None;
            }
            (0..16).for_each(|_| hint::spin_loop());
        }
    }

    /// One look at everything.
    fn find(&self, searching: bool, watched: bool) -> Option<&'static Slot> {
        self.serve(clock::now_ns());
        if let Some(slot) = self.next() {
            return Some(slot);
        }
        if self.alone {
            return None;
        }
        let most = 1 + (self.pool.injector.len() / self.pool.len()).min(ring::CAPACITY as usize / 2 - 1);
        if self.pool.injector.pop(most, |slot| self.queue_in_ring(slot)) > 0 {
            return self.next();
        }
        if searching { self.steal(watched) } else { None }
    }

    /// Takes from the others, the nearest first. After a watch also the task that waits behind a long turn.
    fn steal(&self, watched: bool) -> Option<&'static Slot> {
        let by_number;
        let order = match self.pool.config.steal_order.get(self.index) {
            Some(order) => order,
            None => {
                by_number = (1..self.pool.len()).map(|n| (self.index + n) % self.pool.len()).collect();
                &by_number
            }
        };
        order.iter().find_map(|&victim| {
            let remote = self.pool.remote(victim);
            // SAFETY: what is in a ring is a slot.
            let stolen = remote.ring.steal_into(&self.remote().ring).map(|slot| unsafe { &*slot });
            stolen.or_else(|| if watched { self.steal_from_long_turn(victim) } else { None })
        })
    }

    fn steal_from_long_turn(&self, victim: usize) -> Option<&'static Slot> {
        let remote = self.pool.remote(victim);
        let turns = remote.turns.load(Relaxed);
        let seen = std::mem::replace(&mut self.seen_turns.borrow_mut()[victim], turns);
        if seen != turns || remote.next.load(Relaxed).is_null() {
            return None;
        }
        // SAFETY: what is in `next` is a slot. Ordering: as in `take_woken`.
        unsafe { remote.next.swap(ptr::null_mut(), AcqRel).as_ref() }
    }

    fn is_work_left(&self) -> bool {
        self.pool.injector.len() > 0 || self.pool.remotes.iter().any(|remote| remote.ring.len() > 1)
    }

    /// Sleeps; true if it was a watch that ran out.
    fn park(&self) -> bool {
        let idle = &self.pool.idle;
        let sleep = idle.lie_down(self.index);
        self.remote().announce_sleep();
        let sources = self.sources.borrow();
        let quiet = sources.iter().all(|source| source.prepare_sleep());
        if quiet && !self.has_arrivals() {
            let timeout = self.timeout(sleep);
            self.park.borrow_mut().sleep(timeout, &self.remote().descriptors);
        }
        self.remote().withdraw_sleep();
        sources.iter().for_each(|source| source.awake());
        drop(sources);
        self.searching.set(idle.get_up(self.index, sleep));
        let now = clock::now_ns();
        self.look.set(Look { at_ns: now, at_turn: self.turns.get(), polled_ns: now, ..self.look.get() });
        sleep == Sleep::Watching
    }

    /// The last look before sleeping: what can come from outside at any time.
    fn has_arrivals(&self) -> bool {
        let remote = self.remote();
        remote.inbox.is_filled()
            || remote.errands_len.load(SeqCst) > 0
            || self.pool.injector.len() > 0
            || self.pool.stopping.load(SeqCst)
    }

    fn timeout(&self, sleep: Sleep) -> Option<Duration> {
        let now = clock::now_ns();
        let timer = self.wheel.borrow().next_ns().map(|at| Duration::from_nanos(at.saturating_sub(now)));
        match sleep {
            Sleep::Watching => Some(timer.map_or(WATCH, |timer| timer.min(WATCH))),
            Sleep::Deep => timer,
        }
    }

    // ---- slots ----

    fn take_free(&self) -> Option<&'static Slot> {
        if self.free.get().is_null() {
            let Some((chain, count)) = self.pool.take_batch() else { return self.pool.take_spare() };
            self.free.set(chain.as_ptr());
            self.free_len.set(count);
        }
        // SAFETY: the free list holds slots.
        let slot: &'static Slot = unsafe { &*self.free.get() };
        self.free.set(slot.next.load(Relaxed));
        self.free_len.set(self.free_len.get() - 1);
        Some(slot)
    }

    fn give_free(&self, slot: &'static Slot) {
        slot.next.store(self.free.get(), Relaxed);
        self.free.set(ptr::from_ref(slot).cast_mut());
        self.free_len.set(self.free_len.get() + 1);
        if self.free_len.get() >= FREE_MAX {
            self.return_batch();
        }
    }

    #[cold]
    fn return_batch(&self) {
        let chain = self.free.get();
        let mut last = chain;
        for _ in 1..BATCH {
            // SAFETY: the free list is longer than a batch.
            last = unsafe { &*last }.next.load(Relaxed);
        }
        // SAFETY: as above.
        let rest = unsafe { &*last }.next.swap(ptr::null_mut(), Relaxed);
        self.free.set(rest);
        self.free_len.set(self.free_len.get() - BATCH);
        self.pool.return_batch(chain);
    }

    // ---- the end ----

    /// Ends the tasks that are left: each scheduler those pinned to it, the last one all others.
    fn end_all(&self) {
        self.remote().take_errands().into_iter().for_each(drop);
        let last = self.pool.running.fetch_sub(1, AcqRel) == 1;
        for slot in self.pool.slots() {
            let mine = slot.pin() == Some(self.index);
            if slot.door.is_open() && (mine || (last && slot.pin().is_none())) {
                self.current.set(Some((slot, slot.generation())));
                self.end(slot);
                self.current.set(None);
            }
        }
        self.wheel.replace(Wheel::new(0));
        self.sources.borrow_mut().clear();
    }
}

/// Retires a task whose door was closed, and ends its body.
fn end_body(pool: &Pool, slot: &'static Slot, stack: *mut Parcel) {
    let (id, mut parcels) = (slot.id(), Parcels::from_stack(stack));
    slot.retire();
    if slot.is_plain() {
        // SAFETY: the parcels came out of a door of this pool.
        parcels.by_ref().for_each(|parcel| unsafe { (pool.config.discard)(parcel.as_ptr()) });
    }
    // SAFETY: the task's last turn is over and its door is closed, by the caller, who holds the slot; the parcels came
    // out of that door.
    unsafe { (slot.behaviour().end)(slot.body(), id, parcels) };
}

/// Ends what was spawned from outside while the schedulers stopped. All of them have.
pub(crate) fn end_stragglers(pool: &Pool) {
    for slot in pool.slots().into_iter().filter(|slot| slot.door.is_open()) {
        end_body(pool, slot, slot.door.shared().close());
    }
}

// ---- what the rest of the crate, and the crate above, ask of "here" ----

/// Calls `f` with the worker of this thread, if it is one.
#[inline]
fn with<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    // SAFETY: `run` sets the pointer to a worker that outlives the time during which it is set.
    f(unsafe { WORKER.get().as_ref() })
}

/// The pool and the number of the scheduler that runs here.
pub fn here() -> Option<(Arc<Pool>, usize)> {
    with(|worker| worker.map(|worker| (worker.pool.clone(), worker.index)))
}

/// The number of the scheduler that runs here.
#[inline]
pub fn scheduler() -> Option<usize> {
    with(|worker| worker.map(|worker| worker.index))
}

/// The task whose turn it is on this thread.
#[inline]
pub fn current() -> Option<(&'static Slot, TaskId)> {
    with(|worker| worker?.current.get()).map(|(slot, generation)| (slot, TaskId { slot: slot.id().slot, generation }))
}

/// Takes what lies at the door of the current task, oldest first.
///
/// # Panics
///
/// If no task runs on this thread.
#[inline]
pub fn take_parcels() -> Parcels {
    with(|worker| {
        let worker = worker.expect("only a task takes its parcels");
        let (slot, _) = worker.current.get().expect("only a task takes its parcels");
        if !slot.door.has_parcels() {
            return Parcels::from_stack(ptr::null_mut());
        }
        Parcels::from_stack(if worker.alone { slot.door.alone().take() } else { slot.door.shared().take() })
    })
}

/// Counts reductions of the current task; false if it has none left in this turn and should yield.
#[inline]
pub fn spend(reductions: u32) -> bool {
    with(|worker| {
        let Some(worker) = worker else { return true };
        let left = worker.reductions.get().saturating_sub(reductions);
        worker.reductions.set(left);
        left > 0
    })
}

/// Leaves a parcel at the door of a task, and wakes it.
///
/// # Errors
///
/// Gives the parcel back if the slot has no task, or belongs to another pool.
///
/// # Safety
///
/// 1. `parcel` is the caller's, and of the type that the bodies of this pool take out of their doors.
/// 2. The calling thread may touch the doors of this pool: see [`may_touch`].
#[inline]
pub unsafe fn leave(pool: &Pool, slot: &'static Slot, parcel: *mut Parcel) -> Result<(), *mut Parcel> {
    if !ptr::eq(slot.pool(), pool) {
        return Err(parcel);
    }
    with(|worker| match worker.filter(|worker| ptr::eq(&*worker.pool, pool)) {
        Some(worker) => {
            let left = if worker.alone { slot.door.alone().leave(parcel) } else { slot.door.shared().leave(parcel) };
            match left {
                Left::MustQueue => worker.queue_woken(slot),
                Left::Seen => {}
                Left::Closed => return Err(parcel),
            }
            Ok(())
        }
        None => leave_from_outside(pool, slot, parcel),
    })
}

#[cold]
fn leave_from_outside(pool: &Pool, slot: &'static Slot, parcel: *mut Parcel) -> Result<(), *mut Parcel> {
    debug_assert!(!pool.alone, "a pool of one scheduler is reached by errands");
    match slot.door.shared().leave(parcel) {
        Left::MustQueue => pool.inject(slot),
        Left::Seen => {}
        Left::Closed => return Err(parcel),
    }
    Ok(())
}

/// True if the calling thread may touch the doors of this pool: it is one of its schedulers, or the pool has several.
#[inline]
pub fn may_touch(pool: &Pool) -> bool {
    !pool.alone || with(|worker| worker.is_some_and(|worker| ptr::eq(&*worker.pool, pool)))
}

/// Runs `errand` on a scheduler of the pool: the given one, or any.
pub fn send_errand(pool: &Pool, scheduler: Option<usize>, errand: Box<dyn FnOnce() + Send>) {
    let scheduler = scheduler.unwrap_or_else(|| pool.any_scheduler());
    pool.remote(scheduler).send_errand(errand);
}

/// Wakes the task that lives in a slot.
#[inline]
pub(crate) fn wake(slot: &'static Slot) {
    with(|worker| match worker.filter(|worker| ptr::eq(&*worker.pool, slot.pool())) {
        Some(worker) => {
            let left = if worker.alone { slot.door.alone().wake() } else { slot.door.shared().wake() };
            if left == Left::MustQueue {
                worker.queue_woken(slot);
            }
        }
        None => wake_from_outside(slot),
    });
}

#[cold]
fn wake_from_outside(slot: &'static Slot) {
    // While a task's door is open its pool lives; the lock keeps the pool until we are done.
    let _visit = VISITORS.read();
    if !slot.door.is_open() {
        return;
    }
    // SAFETY: see above.
    let Some(pool) = (unsafe { slot.pool().as_ref() }) else { return };
    if pool.alone {
        let generation = slot.generation();
        let errand = move || {
            if slot.generation() == generation {
                wake(slot)
            }
        };
        pool.remote(0).send_errand(Box::new(errand));
    } else if slot.door.shared().wake() == Left::MustQueue {
        pool.inject(slot);
    }
}

/// Puts a body into a slot and queues it: on this scheduler's pool, or on the one that is named.
///
/// # Errors
///
/// See [`SpawnError`]. The body is made only when nothing can fail any more.
///
/// # Safety
///
/// The body is `Send`, or pinned to the scheduler that runs here.
pub unsafe fn spawn<B: Body>(
    spec: Spec,
    pool: Option<&Arc<Pool>>,
    body: impl FnOnce(TaskId) -> B,
) -> Result<TaskId, SpawnError> {
    with(|worker| {
        let inside = worker.filter(|worker| pool.is_none_or(|pool| Arc::ptr_eq(pool, &worker.pool)));
        let pool = match inside {
            Some(worker) => &worker.pool,
            None => pool.ok_or(SpawnError::NoScheduler)?,
        };
        if let Some(scheduler) = spec.pin.filter(|&scheduler| scheduler >= pool.len()) {
            return Err(SpawnError::UnknownScheduler { scheduler, schedulers: pool.len() });
        }
        if pool.stopping.load(Acquire) {
            return Err(SpawnError::Stopping);
        }
        let slot = match inside {
            Some(worker) => worker.take_free(),
            None => pool.take_one(),
        };
        let slot = slot.ok_or(SpawnError::TooMany { tasks_max: pool.config.tasks_max })?;
        let id = slot.id();
        // SAFETY: the slot is free and ours; the size fits, which `Behaviour::of` asserts.
        unsafe { slot.body().cast::<B>().write(body(id)) };
        slot.settle(spec.tag, spec.pin, Behaviour::of::<B>());
        match inside {
            Some(worker) => {
                slot.door.open_queued();
                worker.queue_last(slot);
            }
            None => {
                slot.door.open();
                wake_from_outside(slot);
            }
        }
        Ok(id)
    })
}

/// Watches a source on the scheduler that runs here, until the pool stops or [`unwatch`] is called with its address.
///
/// # Panics
///
/// Outside a scheduler.
pub fn watch(source: Arc<dyn Source>) {
    with(|worker| worker.expect("a source is watched by a scheduler").sources.borrow_mut().push(source));
}

/// Ends the watch of a source, on the scheduler that watches it.
pub fn unwatch(source: &Arc<dyn Source>) {
    with(|worker| {
        let Some(worker) = worker else { return };
        worker.sources.borrow_mut().retain(|watched| !Arc::ptr_eq(watched, source));
    });
}

pub(crate) fn set_timer(deadline_ns: u64, expiry: Expiry) -> TimerKey {
    with(|worker| {
        let worker = worker.expect("a timer is set on a scheduler: call this in a task");
        TimerKey { scheduler: worker.index, key: worker.wheel.borrow_mut().set(deadline_ns, expiry) }
    })
}

pub(crate) fn cancel_timer(timer: TimerKey) -> bool {
    with(|worker| match worker {
        Some(worker) if worker.index == timer.scheduler => {
            let cancelled = worker.wheel.borrow_mut().cancel(timer.key);
            cancelled.is_some()
        }
        Some(worker) => {
            worker.pool.remote(timer.scheduler).cancels.lock().push(timer);
            false
        }
        None => false,
    })
}

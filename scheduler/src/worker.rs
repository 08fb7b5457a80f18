//! The worker: one scheduler's thread, and the loop it runs.
//!
//! A turn takes the next task, runs it until it waits or has used up its reductions, and puts it to rest or back into
//! the queue. Between turns, once in 20 µs or in 64 turns, the worker looks around.
//!
//! | file | what |
//! | --- | --- |
//! | `queues` | which task is next, and where a woken one goes |
//! | `levels` | those of other than normal priority |
//! | `look` | what is looked at between turns |
//! | `evening` | taking from others while busy |
//! | `idling` | searching, and lying down |
//! | `timers` | the wheel, and what is due on it |
//! | `free` | free slots |
//!
//! Others reach a worker through its [`Remote`]; code in a turn reaches it through [`here`].

mod evening;
mod free;
mod idling;
mod levels;
mod look;
mod queues;
mod timers;

use crate::{
    claims::Claims,
    clock,
    door::Parcel,
    here,
    park::Park,
    pool::{Pool, Remote},
    slot::{Parcels, Slot},
    source::Source,
    task::quietly,
    timer::Expiry,
    turn::Turn,
    waker::waker_of,
    wheel::Wheel,
};
use levels::Levels;
use look::LOOK_TURNS_MAX;
use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    ptr,
    sync::{
        Arc,
        atomic::Ordering::{AcqRel, Relaxed},
    },
    task::{Context, Poll},
};

/// What a task may do in one turn, counted by the awaits that holm owns (BEAM gives a process 4,000).
const REDUCTIONS: u32 = 4_000;

/// One scheduler.
pub(crate) struct Worker {
    pool: Arc<Pool>,
    index: usize,
    alone: bool,
    /// The task whose turn it is.
    current: Turn<Slot>,
    reductions: Cell<u32>,
    /// All tasks of a scheduler that is alone; the pinned ones of any other. Of normal priority.
    own: RefCell<VecDeque<&'static Slot>>,
    streak: Cell<u32>,
    levels: Levels,
    free: Cell<*mut Slot>,
    free_len: Cell<u32>,
    look: Cell<Look>,
    wheel: RefCell<Wheel<Expiry>>,
    /// Whose the timed calls are; nobody claims any in a pool of one.
    claims: RefCell<Claims>,
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
    at_turn: usize,
    next_turn: usize,
    polled_ns: u64,
    evened_ns: u64,
}

impl Worker {
    pub(crate) fn new(pool: Arc<Pool>, index: usize, park: Park) -> Self {
        let now = clock::now_ns();
        Worker {
            alone: pool.alone,
            current: Turn::new(),
            reductions: Cell::new(0),
            own: RefCell::new(VecDeque::new()),
            streak: Cell::new(0),
            levels: Levels::default(),
            free: Cell::new(ptr::null_mut()),
            free_len: Cell::new(0),
            look: Cell::new(Look { at_ns: now, at_turn: 0, next_turn: LOOK_TURNS_MAX, polled_ns: now, evened_ns: now }),
            wheel: RefCell::new(Wheel::new(now)),
            claims: RefCell::default(),
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
        let _here = here::settle(self);
        let _shown = self.remote().turn.show(&self.current);
        while !self.pool.stopping.load(Relaxed) {
            if self.current.number() >= self.look.get().next_turn {
                self.look_around();
            }
            match self.next().or_else(|| self.search_then_park()) {
                Some(slot) => self.turn(slot),
                None => break,
            }
        }
        self.end_all();
    }

    #[inline]
    fn turn(&self, slot: &'static Slot) {
        let generation = slot.generation();
        self.current.begin(slot, generation);
        self.reductions.set(REDUCTIONS);
        if self.alone {
            slot.door.alone().begin();
        } else {
            self.remote().turns.store(self.current.number() as u32, Relaxed);
            slot.door.shared().begin();
        }
        if slot.door.has_parcels() && slot.is_plain() {
            self.discard(self.take_parcels());
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
        self.current.end();
    }

    /// What a late sender left at the door of a plain task, which once was the door of another.
    #[cold]
    fn discard(&self, parcels: Parcels) {
        // SAFETY: the parcels came out of a door of this pool.
        parcels.for_each(|parcel| quietly(|| unsafe { (self.pool.config.discard)(parcel.as_ptr()) }));
    }

    /// Ends a task whose slot this worker holds.
    fn end(&self, slot: &'static Slot) {
        let stack = if self.alone { slot.door.alone().close() } else { slot.door.shared().close() };
        end_body(&self.pool, slot, stack);
        self.give_free(slot);
    }

    // ---- what code in a turn asks for, through `here` ----

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// True if this is the pool's only scheduler: its doors are touched by no other thread.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// The task whose turn it is, and its generation.
    pub(crate) fn current(&self) -> Option<(&'static Slot, u32)> {
        self.current.get()
    }

    /// Takes what lies at the door of the task whose turn it is.
    pub(crate) fn take_parcels(&self) -> Parcels {
        let (slot, _) = self.current.get().expect("only a task takes its parcels");
        if !slot.door.has_parcels() {
            return Parcels::from_stack(ptr::null_mut());
        }
        Parcels::from_stack(if self.alone { slot.door.alone().take() } else { slot.door.shared().take() })
    }

    /// Counts reductions; false if the task has none left in this turn.
    pub(crate) fn spend(&self, reductions: u32) -> bool {
        let left = self.reductions.get().saturating_sub(reductions);
        self.reductions.set(left);
        left > 0
    }

    pub(crate) fn watch(&self, source: Arc<dyn Source>) {
        self.sources.borrow_mut().push(source);
    }

    pub(crate) fn unwatch(&self, source: &Arc<dyn Source>) {
        self.sources.borrow_mut().retain(|watched| !Arc::ptr_eq(watched, source));
    }

    /// Ends the tasks that are left: each scheduler those pinned to it, and then the last one all others.
    fn end_all(&self) {
        self.remote().take_errands().into_iter().for_each(|errand| quietly(|| drop(errand)));
        self.end_tasks(|slot| slot.pin() == Some(self.index));
        if self.pool.running.fetch_sub(1, AcqRel) == 1 {
            self.end_tasks(|_| true);
        }
        quietly(|| drop(self.wheel.replace(Wheel::new(0))));
        self.sources.borrow_mut().clear();
    }

    fn end_tasks(&self, mine: impl Fn(&Slot) -> bool) {
        for slot in self.pool.slots().filter(|slot| slot.door.is_open() && mine(slot)) {
            self.current.begin(slot, slot.generation());
            self.end(slot);
            self.current.end();
        }
    }
}

/// Retires a task whose door was closed, and ends its body.
fn end_body(pool: &Pool, slot: &'static Slot, stack: *mut Parcel) {
    let (id, mut parcels) = (slot.id(), Parcels::from_stack(stack));
    slot.retire();
    if slot.is_plain() {
        // SAFETY: the parcels came out of a door of this pool.
        parcels.by_ref().for_each(|parcel| quietly(|| unsafe { (pool.config.discard)(parcel.as_ptr()) }));
    }
    // SAFETY: the task's last turn is over and its door is closed, by the caller, who holds the slot; the parcels came
    // out of that door.
    unsafe { (slot.behaviour().end)(slot.body(), id, parcels) };
}

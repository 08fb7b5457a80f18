//! "Here": what a thread can ask of the scheduler that runs on it, and how other threads reach a pool.
//!
//! Doors, queues and timers are the worker's; code that runs in a turn reaches them through the thread. A thread that is
//! no scheduler of the pool in question goes round: by a locked instruction on the door and the injector, or, where a
//! pool has one scheduler and its doors know no locks, by an errand.

use crate::{
    door::{Left, Parcel},
    pool::{Pool, VISITORS},
    priority::Priority,
    slot::{Parcels, Slot, TaskId},
    source::Source,
    timer::TimerKey,
    worker::Worker,
};
use std::{
    cell::Cell,
    ptr,
    sync::{Arc, atomic::Ordering::Relaxed, mpsc},
    time::Duration,
};

/// How often a thread that waits for a scheduler looks whether its pool stops.
const STOP_LOOK: Duration = Duration::from_millis(10);

thread_local! {
    static WORKER: Cell<*const Worker> = const { Cell::new(ptr::null()) };
}

/// Makes this thread find its worker, until the guard is dropped.
pub(crate) fn settle(worker: &Worker) -> impl Drop + use<> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            WORKER.set(ptr::null());
        }
    }
    WORKER.set(worker);
    Leave
}

/// Calls `f` with the worker of this thread, if it is one.
#[inline]
pub(crate) fn with<R>(f: impl FnOnce(Option<&Worker>) -> R) -> R {
    // SAFETY: `run` sets the pointer to a worker that outlives the time during which it is set.
    f(unsafe { WORKER.get().as_ref() })
}

/// The pool and the number of the scheduler that runs here.
pub fn here() -> Option<(Arc<Pool>, usize)> {
    with(|worker| worker.map(|worker| (worker.pool().clone(), worker.index())))
}

/// The number of the scheduler that runs here.
#[inline]
pub fn scheduler() -> Option<usize> {
    with(|worker| worker.map(Worker::index))
}

/// The task whose turn it is on this thread.
#[inline]
pub fn current() -> Option<(&'static Slot, TaskId)> {
    with(|worker| worker?.current()).map(|(slot, generation)| (slot, TaskId { slot: slot.id().slot, generation }))
}

/// Takes what lies at the door of the current task, oldest first.
///
/// # Panics
///
/// If no task runs on this thread.
#[inline]
pub fn take_parcels() -> Parcels {
    with(|worker| worker.expect("only a task takes its parcels").take_parcels())
}

/// Counts reductions of the current task; false if it has none left in this turn and should yield.
#[inline]
pub fn spend(reductions: u32) -> bool {
    with(|worker| worker.is_none_or(|worker| worker.spend(reductions)))
}

/// As [`spend`], for code that belongs to one task: nothing if it is not that task's turn.
#[inline]
pub fn spend_as(slot: &'static Slot, generation: u32, reductions: u32) -> Option<bool> {
    with(|worker| {
        let worker = worker?;
        let (current, its_generation) = worker.current()?;
        (ptr::eq(current, slot) && its_generation == generation).then(|| worker.spend(reductions))
    })
}

/// Sets the priority of the current task, from its next turn on; the one before.
///
/// # Panics
///
/// If no task runs on this thread.
pub fn set_priority(priority: Priority) -> Priority {
    let (slot, _) = current().expect("only a task has a priority");
    let before = slot.priority();
    slot.set_priority(priority);
    before
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
    with(|worker| match worker.filter(|worker| ptr::eq(&**worker.pool(), pool)) {
        Some(worker) => {
            let left =
                if worker.is_alone() { slot.door.alone().leave(parcel) } else { slot.door.shared().leave(parcel) };
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
    !pool.alone || with(|worker| worker.is_some_and(|worker| ptr::eq(&**worker.pool(), pool)))
}

/// Runs `errand` on a scheduler of the pool: the given one, or any.
pub fn send_errand(pool: &Pool, scheduler: Option<usize>, errand: Box<dyn FnOnce() + Send>) {
    let scheduler = scheduler.unwrap_or_else(|| pool.any_scheduler());
    pool.remote(scheduler).send_errand(errand);
}

/// Wakes the task that lives in a slot.
#[inline]
pub(crate) fn wake(slot: &'static Slot) {
    with(|worker| match worker.filter(|worker| ptr::eq(&**worker.pool(), slot.pool())) {
        Some(worker) => {
            let left = if worker.is_alone() { slot.door.alone().wake() } else { slot.door.shared().wake() };
            if left == Left::MustQueue {
                worker.queue_woken(slot);
            }
        }
        None => wake_from_outside(slot),
    });
}

#[cold]
pub(crate) fn wake_from_outside(slot: &'static Slot) {
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

/// Watches a source on the scheduler that runs here, until the pool stops or [`unwatch`] is called with its address.
///
/// # Panics
///
/// Outside a scheduler.
pub fn watch(source: Arc<dyn Source>) {
    with(|worker| worker.expect("a source is watched by a scheduler").watch(source));
}

/// Ends the watch of a source, on the scheduler that watches it.
pub fn unwatch(source: &Arc<dyn Source>) {
    with(|worker| worker.into_iter().for_each(|worker| worker.unwatch(source)));
}

/// The worker on which a timer is set.
pub(crate) fn with_wheel<R>(f: impl FnOnce(&Worker) -> R) -> R {
    with(|worker| f(worker.expect("a timer is set on a scheduler: call this in a task")))
}

/// Takes a sleep off its wheel, soon if it is another scheduler's.
pub(crate) fn cancel_sleep(timer: TimerKey) {
    with(|worker| worker.into_iter().for_each(|worker| worker.cancel_sleep(timer)));
}

/// Cancels a timed call of a pool; true if it had not been made.
pub(crate) fn cancel_call(pool: &Pool, timer: TimerKey) -> bool {
    with(|worker| match worker.filter(|worker| ptr::eq(&**worker.pool(), pool)) {
        Some(worker) => worker.cancel_call(timer),
        None => cancel_from_outside(pool, timer),
    })
}

#[cold]
fn cancel_from_outside(pool: &Pool, timer: TimerKey) -> bool {
    let Some(remote) = pool.remotes.get(timer.scheduler as usize) else { return false };
    if !pool.alone {
        return remote.cancel_call(timer.key);
    }
    // The one scheduler claims nothing: it is asked to cancel, and this thread, which is no scheduler's, may wait.
    let (tell, told) = mpsc::channel();
    let errand = move || {
        let cancelled = with(|worker| worker.is_some_and(|worker| worker.cancel_call(timer)));
        let _ = tell.send(cancelled); // whoever asked waits, or has stopped waiting
    };
    remote.send_errand(Box::new(errand));
    loop {
        match told.recv_timeout(STOP_LOOK) {
            Ok(cancelled) => return cancelled,
            Err(mpsc::RecvTimeoutError::Timeout) if !pool.stopping.load(Relaxed) => {}
            Err(_) => return false, // a pool that stops makes no calls either
        }
    }
}

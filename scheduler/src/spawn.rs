//! Spawning: a body goes into a free slot, and the slot into a queue.

use crate::{
    behaviour::{Behaviour, Body},
    here::{wake_from_outside, with},
    pool::Pool,
    priority::Priority,
    slot::TaskId,
};
use std::{
    ptr,
    sync::{Arc, atomic::Ordering::Acquire},
};

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
    /// How often it has a turn when others wait too.
    pub priority: Priority,
    /// What [`crate::Slot::tag_of`] gives to those who know the generation.
    pub tag: *mut (),
    /// What [`crate::Slot::notes_of`] says of it.
    pub label: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Spec { pin: None, priority: Priority::Normal, tag: ptr::null_mut(), label: 0 }
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
        let inside = worker.filter(|worker| pool.is_none_or(|pool| Arc::ptr_eq(pool, worker.pool())));
        let pool = match inside {
            Some(worker) => worker.pool(),
            None => pool.ok_or(SpawnError::NoScheduler)?,
        };
        if let Some(scheduler) = spec.pin.filter(|&scheduler| scheduler >= pool.len()) {
            return Err(SpawnError::UnknownScheduler { scheduler, schedulers: pool.len() });
        }
        // Recursive, because the body is made by the user's code, which may spawn too.
        let _open = inside.is_none().then(|| pool.gate.read_recursive());
        if pool.closed.load(Acquire) && (!spec.tag.is_null() || pool.stopping.load(Acquire)) {
            return Err(SpawnError::Stopping);
        }
        let slot = match inside {
            Some(worker) => worker.take_free(),
            None => pool.take_one(),
        };
        let slot = slot.ok_or(SpawnError::TooMany { tasks_max: pool.config.tasks_max })?;
        let id = slot.id();
        slot.notes.begin(spec.label);
        // SAFETY: the slot is free and ours; the size fits, which `Behaviour::of` asserts.
        unsafe { slot.body().cast::<B>().write(body(id)) };
        slot.settle(spec, Behaviour::of::<B>());
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

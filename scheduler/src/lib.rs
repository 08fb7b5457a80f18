//! *When* code runs: schedulers, their run queues, stealing, sleeping, timers and readiness.
//!
//! A [`Scheduler`] starts one thread for each entry of its [`Config`]; each runs tasks from its own queue and steals
//! from the nearest others when it has none. This crate knows tasks and nothing of pids, messages or nodes: what the
//! crate above leaves at a task's door is an opaque [`Parcel`].
//!
//! ```
//! use holm_scheduler::{Config, Scheduler, spawn};
//!
//! let scheduler = Scheduler::start(Config { cpus: vec![None; 2], ..Config::default() })?;
//! let sum = scheduler.block_on(async {
//!     let tasks: Vec<_> = (0..10u64).map(|n| spawn(async move { n * n }).unwrap()).collect();
//!     let mut sum = 0;
//!     for task in tasks {
//!         sum += task.await.unwrap();
//!     }
//!     sum
//! });
//! assert_eq!(sum.unwrap(), 285);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Reading order: `door` (a task's word), `slot` (its memory), `behaviour`, `ring`, `idle` (who wakes whom), `worker`
//! (the loop), `park` (the only sleep).

mod claims;
mod door;
mod doze;
mod idle;
mod injector;
mod priority;
mod ring;
mod stack;
mod sync;
mod tenancy;
mod turn;
mod wheel;

#[cfg(not(loom))]
mod behaviour;
#[cfg(not(loom))]
mod blocking;
#[cfg(not(loom))]
pub mod clock;
#[cfg(not(loom))]
mod here;
#[cfg(not(loom))]
mod io;
#[cfg(not(loom))]
mod notes;
#[cfg(not(loom))]
mod park;
#[cfg(not(loom))]
mod pool;
#[cfg(not(loom))]
mod slot;
#[cfg(not(loom))]
mod source;
#[cfg(not(loom))]
mod spawn;
#[cfg(not(loom))]
mod start;
#[cfg(not(loom))]
mod stock;
#[cfg(not(loom))]
mod task;
#[cfg(not(loom))]
mod timer;
#[cfg(not(loom))]
mod trim;
#[cfg(not(loom))]
mod waker;
#[cfg(not(loom))]
mod watchdog;
#[cfg(not(loom))]
mod worker;

#[cfg(not(loom))]
pub use crate::{
    behaviour::Body,
    blocking::LongCall,
    door::Parcel,
    here::{
        current, here, leave, may_touch, scheduler, send_errand, set_priority, spend, spend_as, take_parcels, unwatch,
        watch,
    },
    io::{Direction, Ticket, Watched},
    notes::{Noted, Notes},
    pool::{Activity, Config, Pool},
    priority::Priority,
    slot::{BODY_ALIGN, BODY_SIZE, Parcels, Slot, TaskId},
    source::Source,
    spawn::{SpawnError, Spec, spawn as spawn_body},
    start::{Binding, Leftover, LongTurn, Scheduler},
    task::{JoinError, JoinHandle, panic_text, quietly, spawn, spawn_blocking, spawn_on, yield_now},
    timer::{ReservedTimer, Sleep, TimerKey, call_at, cancel, deadline_ns, reserve_timer, sleep},
    trim::trim,
    watchdog::Stall,
};

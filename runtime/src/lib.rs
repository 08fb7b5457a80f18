//! Green processes with Erlang's failure semantics, in one OS process or many.
//!
//! A program is written once, in terms of processes, pids and numbered schedulers. A [layout] says, when it starts, how
//! the schedulers are dealt out over OS processes: `1x8` is one process with eight schedulers, `8x1` eight processes
//! with one each, joined by shared memory or TCP. The program does the same in all of them.
//!
//! ```
//! use holm::{Process, Reason};
//!
//! holm::block_on(async |mut me: Process<String>| {
//!     let parent = me.pid();
//!     let (_, monitor) = me
//!         .spawn_monitor(async move |_: Process<()>| {
//!             parent.send("hello".into()).unwrap();
//!             Reason::Shutdown
//!         })
//!         .unwrap();
//!     assert_eq!(me.receive().await, "hello");
//!     assert_eq!(me.down(monitor).await, Reason::Shutdown);
//! })
//! .unwrap();
//! ```
//!
//! Where to read on: [`Process`] is what a process can do, [`Pid`] how it is sent to, [`macro@entry`] what can be
//! started on another node, [`run`] how a program begins.

// Under loom only models are built, out of the plain parts: see `tests/models.rs`.
#![cfg(not(loom))]

extern crate self as holm;

mod alias;
mod blocking;
mod body;
mod bonds;
mod call;
mod carried;
mod deliver;
mod dist;
mod engine;
mod entry;
mod info;
pub mod layout;
mod letter;
mod lock;
mod mailbox;
mod message;
mod names;
mod node;
mod node_event;
mod nodes;
mod pid;
mod process;
mod program;
mod reap;
mod reason;
mod reply;
mod report;
mod runtime;
mod send;
mod signal;
mod spawn;
mod stalls;
mod stop;
mod timers;
mod turns;

pub use alias::Alias;
pub use blocking::spawn_blocking;
pub use call::{CallError, Request};
pub use entry::{Entry, EntryPoint};
pub use holm_macros::{Message, entry};
pub use holm_scheduler::{
    JoinError, JoinHandle, Priority, Sleep, clock, panic_text, sleep, spawn as spawn_task, trim, yield_now,
};
pub use info::{ProcessInfo, Status, process_info, processes, warn_of_mailboxes_above};
pub use mailbox::{Mailbox, Overflow};
pub use message::{Crosses, Message, Wire, WireError};
pub use names::{
    NAME_LEN_MAX, NameError, NameSendError, send_to_name, send_to_name_everywhere, send_to_name_on, unregister,
    whereis, whereis_untyped,
};
pub use node_event::NodeEvent;
pub use nodes::{NodeInfo, nodes, schedulers};
pub use pid::{NodeId, Pid, Untyped};
pub use process::{Event, Monitor, Process, exit, is_alive};
pub use program::{Error, block_on, block_on_with, exit_code, run};
pub use reason::{IntoReason, PanicReason, Reason, ValueReason};
pub use reply::Reply;
pub use report::print_reports;
pub use runtime::{ProcessHandle, Runtime, RuntimeHandle};
pub use send::SendError;
pub use signal::{Notice, Watched};
pub use spawn::{Place, SpawnError, SpawnOptions, Spawned, spawn};
pub use stalls::stalls;
pub use stop::{StillRunning, StopError, StuckCall, StuckProcess};
pub use timers::{Timer, cancel_timer, send_after, send_after_to_name, start_timer};
pub use turns::bump_reductions;

#[doc(hidden)]
pub use {inventory, serde};

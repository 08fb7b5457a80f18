//! Names that one process has over all nodes: "the printer", wherever it runs.
//!
//! ```
//! use holm::Process;
//! use holm_otp::global::{Global, GlobalError};
//!
//! holm::block_on(async |mut me: Process<String>| {
//!     Global::<String>::start_link(&mut me, "services").await.unwrap(); // once per node
//!     let services = Global::<String>::find("services").unwrap(); // anywhere in the node
//!     let own = me.pid();
//!     services.register(&mut me, "printer", own).await.unwrap();
//!     let again = services.register(&mut me, "printer", own).await;
//!     assert_eq!(again, Err(GlobalError::Taken(own.untyped())));
//!     services.whereis("printer").unwrap().send("a page".into()).unwrap(); // on any node
//!     assert_eq!(me.receive().await, "a page");
//! })
//! .unwrap();
//! ```
//!
//! After Erlang's `global`. As with [groups](crate::pg), a *scope* is a set of names with a name of its own: on each
//! node that takes part a process keeps it, and a scope says which messages the processes take that it names.
//!
//! - A name is given away when all connected nodes agree. Of several that want it at once, one gets it.
//! - It is free when its holder ends or its node is lost. Whoever has seen the end can have the name at once, on any
//!   node; a look on another node than the holder's finds that it is free a message later.
//! - [`Global::whereis`] reads a table, in the caller: it asks no process.
//! - Nodes that are parted may each give a name away. When they meet, the process whose claim is the earlier keeps it.
//!   The other gets an exit signal with the reason [`NameConflict`]: it ends, or, if it traps exits, goes on without.
//!
//! The rules are in [`names`], as plain data. A scope that starts hears first what the others have given away, so that
//! no name is given twice but by nodes that were parted. A scope that cannot say something to a peer ends with an error;
//! started again by its supervisor it is empty, and its processes have to register again.

mod gossip;
pub mod names;
mod request;
mod server;
mod table;

pub use self::{
    request::NameConflict,
    table::{GLOBAL_NAME_LEN_MAX, Global, GlobalError},
};

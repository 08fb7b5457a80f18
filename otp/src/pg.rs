//! Groups of processes over all nodes: who is in "the printers", wherever they run.
//!
//! ```
//! use holm::Process;
//! use holm_otp::pg::Groups;
//!
//! holm::block_on(async |mut me: Process<String>| {
//!     Groups::<String>::start_link(&mut me, "chat").await.unwrap(); // once per node
//!     let groups = Groups::<String>::find("chat").unwrap(); // anywhere in the node
//!     let own = me.pid();
//!     groups.join(&mut me, "lobby", own).await.unwrap();
//!     for member in groups.members("lobby") {
//!         member.send("welcome".into()).unwrap();
//!     }
//!     assert_eq!(me.receive().await, "welcome");
//! })
//! .unwrap();
//! ```
//!
//! After Erlang's `pg`. A *scope* is a set of groups with a name; on each node that takes part a process of that name
//! keeps it, and these find each other, now and when nodes come. A scope says which messages its members take, so that
//! whoever finds a member may send to it; two scopes of one name and other messages do not see each other.
//!
//! - A process joins as often as it likes, is listed that often, and leaves that often. When it ends it is in no group.
//! - Any process may join a member or take it out, on the member's node.
//! - A group is there while it has members.
//! - Membership is *eventually consistent*: a call returns when its own node knows; the others hear of it in order, a
//!   message later. A node that is lost takes its members with it, on the others; when it comes back, they do.
//! - [`Groups::members`] reads a table, in the caller: it asks no process.
//! - [`Groups::monitor`] gives the members now and every change from then on, without a gap.
//!
//! The rules are in [`scope`], as plain data. A scope that cannot say something to a peer (its link is full beyond all
//! measure) ends with an error; started again by its supervisor it is empty, and its members have to join again, as in
//! Erlang.

mod request;
pub mod scope;
mod server;
mod table;

pub use self::{
    scope::Change,
    table::{GROUP_NAME_LEN_MAX, GroupError, Groups, Membership, Watch},
};

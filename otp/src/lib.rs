//! OTP's behaviours for holm, on its public API alone: servers, state machines, event managers, supervisors,
//! applications, groups, global names.
//!
//! | module | OTP's name | what it is |
//! | --- | --- | --- |
//! | [`gen_server`] | `gen_server` | a process that serves requests |
//! | [`gen_statem`] | `gen_statem` | a process that is in one of several states |
//! | [`gen_event`] | `gen_event` | a process that hands events to handlers, which come and go |
//! | [`task`] | Elixir's `Task` | work that another process does, for its value |
//! | [`application`] | `application` | parts of a program that start and stop in order |
//! | [`registry`] | Elixir's `Registry` | processes of a node by keys of any type |
//! | [`pg`] | `pg` | groups of processes over all nodes |
//! | [`global`] | `global` | names that one process has over all nodes |
//! | [`sys`] | `sys` | looking into a behaviour's process: suspend, inspect, trace, stop |
//! | [`behaviour`] | `gen`, `sys` | what all behaviours have in common, for those who write one |
//! | [`proc_lib`] | `proc_lib` | how a process starts under another: acknowledged, linked, within a limit |
//! | [`supervisor`] | `supervisor` | processes that start others, watch them, and start them again |
//! | [`dynamic_supervisor`] | `simple_one_for_one` | a supervisor of many children that come and go |

pub mod application;
pub mod behaviour;
pub mod dynamic_supervisor;
pub mod gen_event;
pub mod gen_server;
pub mod gen_statem;
pub mod global;
pub mod pg;
pub mod proc_lib;
pub mod registry;
pub mod supervisor;
pub mod sys;
mod tables;
pub mod task;
mod within;

pub use dynamic_supervisor::DynamicSupervisor;
pub use supervisor::Supervisor;

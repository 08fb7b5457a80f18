//! OTP's behaviours for holm, on its public API alone: servers, state machines, event managers, supervisors,
//! applications, groups.
//!
//! | module | OTP's name | what it is |
//! | --- | --- | --- |
//! | [`proc_lib`] | `proc_lib` | how a process starts under another: acknowledged, linked, within a limit |

pub mod proc_lib;

//! Pids that nobody was given: a pid is plain data, and whoever reads it from the wire may have made it up.
//!
//! This looks into a pid by its encoding, so it stands apart from the harness, which needs nothing but holm.

#![allow(dead_code)] // each test binary uses a part of this

use holm::Pid;

/// A process's pid as it would be on another node: of another name, or of another start of the same.
pub(crate) fn forged<M>(pid: Pid<M>, change: impl FnOnce(u64) -> u64) -> Pid<M> {
    let (node, rest): (u64, (u32, u32)) = postcard::from_bytes(&postcard::to_allocvec(&pid).unwrap()).unwrap();
    postcard::from_bytes(&postcard::to_allocvec(&(change(node), rest)).unwrap()).unwrap()
}

/// The slot in which a process lives: a later process may live there, too.
pub(crate) fn slot<M>(pid: Pid<M>) -> u32 {
    let (_, slot, _): (u64, u32, u32) = postcard::from_bytes(&postcard::to_allocvec(&pid).unwrap()).unwrap();
    slot
}

//! The only place that puts a signal at a process's door. It knows this node's processes and no others.

use crate::{
    letter::{Owned, label},
    message::{Message, WireError},
    node::Node,
    pid::RawPid,
    reap::Ending,
    reason::Reason,
    signal::Control,
};
use holm_scheduler::{Slot, leave, may_touch, send_errand};
use std::{any::TypeId, ptr::NonNull};

/// What every process with messages of one type shares: a slot's tag points to it.
pub(crate) struct ProcessType {
    messages: TypeId,
    name: &'static str,
    hash: u32,
    receive_encoded: fn(u64, &[u8]) -> Result<Owned, WireError>,
}

struct TypeOf<M>(M);

impl<M: Message> TypeOf<M> {
    const PROCESS: &'static ProcessType = &ProcessType {
        messages: TypeId::of::<M>(),
        name: M::NAME,
        hash: M::HASH,
        receive_encoded: |label, bytes| match M::WIRE {
            Some(wire) => Ok(Owned::message(label, (wire.decode)(bytes)?)),
            None => Err(WireError(format!("messages of type {} cannot cross", M::NAME))),
        },
    };
}

/// The tag of processes that receive `M`.
pub(crate) fn tag<M: Message>() -> *mut () {
    std::ptr::from_ref(TypeOf::<M>::PROCESS).cast_mut().cast()
}

/// The process's slot and type, if it lives.
#[inline]
fn find(node: &Node, to: RawPid) -> Option<(&'static Slot, &'static ProcessType)> {
    let slot = Slot::at(to.slot).filter(|slot| std::ptr::eq(slot.pool(), &*node.pool))?;
    let tag = slot.tag_of(to.generation)?;
    // SAFETY: tags of this pool's tasks are made by `tag`.
    Some((slot, unsafe { tag.cast::<ProcessType>().as_ref() }))
}

/// The name of the type of messages that a process receives, if it lives.
pub(crate) fn messages_of(node: &Node, pid: RawPid) -> Option<&'static str> {
    living(node, pid).map(|process| process.name)
}

/// True if the process lives.
pub(crate) fn is_alive(node: &Node, pid: RawPid) -> bool {
    find(node, pid).is_some_and(|(slot, _)| slot.is_alive(pid.generation))
}

/// True if the process receives messages of this type.
#[inline]
fn takes<M: Message>(process: &'static ProcessType) -> bool {
    // The address decides in nearly all cases; a constant may have more than one.
    std::ptr::eq(process, TypeOf::<M>::PROCESS) || process.messages == TypeId::of::<M>()
}

/// The type of a process that lives. One that is being spawned has its name before its door is open, and does not live
/// yet: its type is not to be read.
fn living(node: &Node, pid: RawPid) -> Option<&'static ProcessType> {
    Slot::at(pid.slot).filter(|slot| slot.is_alive(pid.generation))?;
    find(node, pid).map(|(_, process)| process)
}

/// True if the process lives and receives messages of this type.
pub(crate) fn receives<M: Message>(node: &Node, pid: RawPid) -> bool {
    living(node, pid).is_some_and(takes::<M>)
}

/// True if the process lives and receives messages of the type with this hash.
pub(crate) fn takes_hash(node: &Node, pid: RawPid, hash: u32) -> bool {
    living(node, pid).is_some_and(|process| process.hash == hash)
}

/// Delivers a message, or drops it if the process has ended. A pid that came over a wall may claim another type of
/// messages than its process has: such a message is dropped too.
#[inline]
pub(crate) fn message<M: Message>(node: &Node, to: RawPid, message: M) {
    labelled(node, to, u64::from(to.generation), message);
}

/// As [`message`], through an alias of the process.
pub(crate) fn through_alias<M: Message>(node: &Node, to: RawPid, alias: u32, message: M) {
    labelled(node, to, label(to.generation, alias), message);
}

#[inline]
fn labelled<M: Message>(node: &Node, to: RawPid, label: u64, message: M) {
    if let Some((slot, process)) = find(node, to)
        && takes::<M>(process)
    {
        match leave_letter(node, slot, Owned::message(label, message)) {
            Ok(()) => {}
            Err(letter) => undeliverable(letter),
        }
        return;
    }
    undeliverable(message);
}

/// Drops what found no process; a call in it is told so.
#[cold]
pub(crate) fn undeliverable<T>(what: T) {
    let _ending = Ending::with(Reason::NoProc);
    drop(what);
}

/// Delivers a message that came over a wall, through an alias if that is not 0.
///
/// # Errors
///
/// If the process takes messages of another type, or the bytes are none.
pub(crate) fn encoded(node: &Node, to: RawPid, alias: u32, hash: u32, bytes: &[u8]) -> Result<bool, WireError> {
    let Some((slot, process)) = find(node, to) else { return Ok(false) };
    if process.hash != hash {
        return Err(WireError(format!("{to:?} takes messages of type {}", process.name)));
    }
    let letter = (process.receive_encoded)(label(to.generation, alias), bytes)?;
    Ok(leave_letter(node, slot, letter).map_err(undeliverable).is_ok())
}

/// Delivers an answer to a call of this node.
pub(crate) fn answer(node: &Node, to: RawPid, answer: Owned) {
    if let Some((slot, _)) = find(node, to) {
        drop(leave_letter(node, slot, answer));
    }
}

/// Delivers a control signal.
///
/// # Errors
///
/// Gives it back if there is no such process.
pub(crate) fn control(node: &Node, to: RawPid, control: Control) -> Result<(), Control> {
    let Some((slot, _)) = find(node, to) else { return Err(control) };
    leave_letter(node, slot, Owned::control(to.generation, control))
        .map_err(|letter| letter.into_control().expect("the letter is the one that was packed"))
}

/// Leaves a letter at a door; given back if the door is closed.
#[inline]
fn leave_letter(node: &Node, slot: &'static Slot, letter: Owned) -> Result<(), Owned> {
    if may_touch(&node.pool) {
        // SAFETY: 1. letters are what the bodies of this pool take, and this one is ours; 2. just checked.
        return unsafe { leave(&node.pool, slot, letter.into_raw().as_ptr()) }
            // SAFETY: what comes back is the letter.
            .map_err(|parcel| unsafe { Owned::from_raw(NonNull::new_unchecked(parcel)) });
    }
    // Another thread than the one scheduler's. Such threads send no requests (links, monitors), only messages and exit
    // signals, so nobody has to be told when the process turns out to have ended.
    send_errand(
        &node.pool,
        Some(0),
        Box::new(move || {
            if let Some(node) = crate::node::here() {
                drop(leave_letter(node, slot, letter));
            }
        }),
    );
    Ok(())
}

//! The only place that puts a signal at a process's door. It knows this node's processes and no others.

use crate::{
    letter::{self, Owned, label, placed_size},
    mailbox::{Acknowledge, Behind, Gate, Marks, Offer, Place},
    message::{Message, WireError},
    node::Node,
    pid::RawPid,
    reap::Ending,
    reason::Reason,
    send::SendError,
    signal::Control,
};
use holm_scheduler::{Slot, TaskId, leave, may_touch, send_errand};
use std::{any::TypeId, ptr::NonNull, sync::Arc};

/// Makes a letter for a process with a gate out of bytes, and says its size there.
type DecodePlaced = fn(&Arc<Gate>, u64, &[u8]) -> Result<(Owned, u64), WireError>;

/// What every process with messages of one type shares: a slot's tag points to it.
pub(crate) struct ProcessType {
    messages: TypeId,
    name: &'static str,
    hash: u32,
    marks: Marks,
    /// Bytes of a letter with one message.
    letter_size: usize,
    receive_encoded: fn(u64, &[u8]) -> Result<Owned, WireError>,
    /// As `receive_encoded`, for a process with a gate: the letter, and its size.
    receive_placed: DecodePlaced,
}

struct TypeOf<M>(M);

impl<M: Message> TypeOf<M> {
    const PROCESS: &'static ProcessType = &Self::with(Marks::NONE);
    const WITH_GATE: &'static ProcessType = &Self::with(Marks::GATE);
    const WITH_WAIT: &'static ProcessType = &Self::with(Marks::WAIT);
    const WITH_BUSY: &'static ProcessType = &Self::with(Marks::BUSY);

    const fn with(marks: Marks) -> ProcessType {
        ProcessType {
            messages: TypeId::of::<M>(),
            name: M::NAME,
            hash: M::HASH,
            marks,
            letter_size: letter::size::<M>(),
            receive_encoded: |label, bytes| Ok(Owned::message(label, decode::<M>(bytes)?)),
            receive_placed: |gate, label, bytes| {
                let (message, size) = (decode::<M>(bytes)?, placed_size::<M>() as u64 + bytes.len() as u64);
                Ok((Owned::placed(label, message, Place::new(gate.clone(), size)), size))
            },
        }
    }
}

fn decode<M: Message>(bytes: &[u8]) -> Result<M, WireError> {
    match M::WIRE {
        Some(wire) => (wire.decode)(bytes),
        None => Err(WireError(format!("messages of type {} cannot cross", M::NAME))),
    }
}

/// The tag of processes that receive `M`, and whose pids have these marks.
pub(crate) fn tag<M: Message>(marks: Marks) -> *mut () {
    let process = match marks {
        Marks::GATE => TypeOf::<M>::WITH_GATE,
        Marks::WAIT => TypeOf::<M>::WITH_WAIT,
        Marks::BUSY => TypeOf::<M>::WITH_BUSY,
        _ => TypeOf::<M>::PROCESS,
    };
    std::ptr::from_ref(process).cast_mut().cast()
}

/// The slot with this number and the type of its process, if that is of this generation.
#[inline]
fn look_up(node: &Node, slot: u32, generation: u32) -> Option<(&'static Slot, &'static ProcessType)> {
    let slot = Slot::at(slot).filter(|slot| std::ptr::eq(slot.pool(), &*node.pool))?;
    let tag = slot.tag_of(generation)?;
    // SAFETY: tags of this pool's tasks are made by `tag`.
    Some((slot, unsafe { tag.cast::<ProcessType>().as_ref() }))
}

/// The process's slot and type, if it lives.
#[inline]
fn find(node: &Node, to: RawPid) -> Option<(&'static Slot, &'static ProcessType)> {
    look_up(node, to.index(), to.generation).filter(|(_, process)| process.marks == to.marks())
}

/// The pid of a task of this node: what its slot and generation do not say, its type does. A plain task has no type.
#[inline]
pub(crate) fn pid_of(node: &Node, slot: &'static Slot, id: TaskId) -> (RawPid, bool) {
    // SAFETY: as in `look_up`.
    let process = slot.tag_of(id.generation).map(|tag| unsafe { tag.cast::<ProcessType>().as_ref() });
    let marks = process.map_or(0, |process| process.marks.0);
    (RawPid { node: node.id, slot: id.slot | marks, generation: id.generation }, process.is_some())
}

/// The living processes of a node.
pub(crate) fn all(node: &Node) -> Vec<RawPid> {
    let pids = node.pool.slots().filter_map(|slot| {
        let id = slot.id();
        let (pid, is_process) = slot.is_alive(id.generation).then(|| pid_of(node, slot, id))?;
        is_process.then_some(pid)
    });
    pids.collect()
}

/// What is known of a process's type: the name of its messages' type, and the bytes of a letter with one.
pub(crate) fn type_of(node: &Node, pid: RawPid) -> Option<(&'static Slot, &'static str, usize)> {
    living(node, pid)?;
    find(node, pid).map(|(slot, process)| (slot, process.name, process.letter_size))
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
    std::ptr::eq(process, TypeOf::<M>::PROCESS)
        || (process.messages == TypeId::of::<M>() && process.marks == Marks::NONE)
}

/// As [`takes`], for a process with a gate or without.
fn takes_at_all<M: Message>(process: &'static ProcessType) -> bool {
    process.messages == TypeId::of::<M>()
}

/// The type of a process that lives. One that is being spawned has its name before its door is open, and does not live
/// yet: its type is not to be read.
fn living(node: &Node, pid: RawPid) -> Option<&'static ProcessType> {
    Slot::at(pid.index()).filter(|slot| slot.is_alive(pid.generation))?;
    find(node, pid).map(|(_, process)| process)
}

/// True if the process lives and receives messages of this type.
pub(crate) fn receives<M: Message>(node: &Node, pid: RawPid) -> bool {
    living(node, pid).is_some_and(takes_at_all::<M>)
}

/// True if the process lives and receives messages of the type with this hash.
pub(crate) fn takes_hash(node: &Node, pid: RawPid, hash: u32) -> bool {
    living(node, pid).is_some_and(|process| process.hash == hash)
}

/// Delivers a message, or drops it if the process has ended. A pid that came over a wall may claim another type of
/// messages than its process has: such a message is dropped too.
///
/// # Errors
///
/// Gives it back if the process's mailbox is full.
#[inline]
pub(crate) fn message<M: Message>(node: &Node, to: RawPid, message: M) -> Result<(), SendError<M>> {
    // A pid with marks has no slot's number, and misses here.
    if let Some((slot, process)) = look_up(node, to.slot, to.generation)
        && takes::<M>(process)
    {
        match leave_letter(node, slot, Owned::message(to.generation.into(), message)) {
            Ok(()) => {}
            Err(letter) => undeliverable(letter),
        }
        return Ok(());
    }
    message_slowly(node, to, message)
}

/// As [`message`], through an alias of the process. A bound does not count for it: the process has asked for what comes
/// that way, and can close it.
pub(crate) fn through_alias<M: Message>(node: &Node, to: RawPid, alias: u32, message: M) {
    let found = find(node, to).filter(|(_, process)| takes_at_all::<M>(process));
    let label = label(to.generation, alias);
    match (found, to.marks().has_gate()) {
        (Some((slot, _)), false) => {
            let _ = leave_letter(node, slot, Owned::message(label, message)).map_err(undeliverable);
        }
        (Some(_), true) => match node.gates.get(to) {
            Some(gate) => {
                let size = placed_size::<M>() as u64;
                let letter = Owned::placed(label, message, Place::new(gate.clone(), size));
                if let Offer::Gone(letter) = gate.admit(letter, size) {
                    undeliverable(letter);
                }
            }
            None => undeliverable(message),
        },
        (None, _) => undeliverable(message),
    }
}

#[cold]
fn message_slowly<M: Message>(node: &Node, to: RawPid, message: M) -> Result<(), SendError<M>> {
    match bring(node, to, message, None) {
        (Offer::Full(letter), _) => Err(SendError::Full(opened(letter))),
        _ => Ok(()),
    }
}

/// Brings a message to a gate. If there is no gate any more, it is dropped, and counts as in. The gate is given for
/// whoever wants to withdraw a message that waits.
pub(crate) fn bring<M: Message>(
    node: &Node,
    to: RawPid,
    message: M,
    wait: Option<(RawPid, Acknowledge)>,
) -> (Offer, Option<Arc<Gate>>) {
    let gate = find(node, to).filter(|(_, process)| takes_at_all::<M>(process)).and_then(|_| node.gates.get(to));
    let Some(gate) = gate else {
        undeliverable(message);
        return (Offer::In, None);
    };
    let size = placed_size::<M>() as u64;
    let letter = Owned::placed(to.generation.into(), message, Place::new(gate.clone(), size));
    match gate.offer(letter, size, wait) {
        Offer::Gone(letter) => {
            undeliverable(letter);
            (Offer::In, None)
        }
        offer => (offer, Some(gate)),
    }
}

/// The message that was brought and came back.
pub(crate) fn opened<M: Message>(letter: Owned) -> M {
    letter.into_message().expect("the letter is the one that was packed")
}

/// Rings at a process's door: something lies behind its gate.
pub(crate) fn ring(node: &Node, pid: RawPid, gate: Arc<Gate>) {
    if let Some((slot, _)) = find(node, pid) {
        // A door that is closed needs no bell: what lies behind the gate is found at the end.
        drop(leave_letter(node, slot, Owned::bell(pid.generation, gate)));
    }
}

/// Drops what found no process; a call in it is told so.
#[cold]
pub(crate) fn undeliverable<T>(what: T) {
    let _ending = Ending::with(Reason::NoProc);
    drop(what);
}

/// What became of a message that came over a wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    In,
    /// It stands before a gate; its sender is told when it is in.
    Waits,
    NoProcess,
}

/// By which way a message came over a wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the process's pid.
    Pid,
    /// To its pid, from a sender that waits to be told if that pid says so.
    Offer(RawPid),
    /// Through an alias.
    Alias(u32),
    /// To a name that it has.
    Name,
}

/// Delivers a message that came over a wall.
///
/// # Errors
///
/// If the process takes messages of another type, or the bytes are none, or the sender should have waited.
pub(crate) fn encoded(node: &Node, to: RawPid, way: Way, hash: u32, bytes: &[u8]) -> Result<Arrival, WireError> {
    let Some((slot, process)) = find(node, to) else { return Ok(Arrival::NoProcess) };
    if process.hash != hash {
        return Err(WireError(format!("{to:?} takes messages of type {}", process.name)));
    }
    if to.marks().has_gate() {
        return encoded_to_gate(node, to, process, way, bytes);
    }
    let letter = (process.receive_encoded)(way.label(to.generation), bytes)?;
    Ok(leave_letter(node, slot, letter).map_or_else(gone, |()| Arrival::In))
}

impl Way {
    #[inline]
    fn label(self, generation: u32) -> u64 {
        match self {
            Way::Alias(alias) => label(generation, alias),
            _ => generation.into(),
        }
    }
}

#[cold]
fn encoded_to_gate(
    node: &Node,
    to: RawPid,
    process: &ProcessType,
    way: Way,
    bytes: &[u8],
) -> Result<Arrival, WireError> {
    let Some(gate) = node.gates.get(to) else { return Ok(Arrival::NoProcess) };
    let takes_turns = match way {
        Way::Pid => false,
        Way::Offer(from) => !gate.waits_for(from),
        Way::Alias(_) | Way::Name => true,
    };
    if to.marks().acknowledges() && !takes_turns {
        return Err(WireError(format!("{to:?} takes one message at a time of each sender")));
    }
    let (letter, size) = (process.receive_placed)(&gate, way.label(to.generation), bytes)?;
    let offer = match way {
        Way::Alias(_) => gate.admit(letter, size),
        Way::Offer(from) => gate.offer(letter, size, Some((from, Acknowledge::There))),
        Way::Pid | Way::Name => gate.offer(letter, size, None),
    };
    match offer {
        Offer::In => Ok(Arrival::In),
        Offer::Waits => Ok(Arrival::Waits),
        Offer::Full(letter) => {
            gate.count_dropped(letter);
            Ok(Arrival::In)
        }
        Offer::Gone(letter) => Ok(gone(letter)),
    }
}

fn gone(letter: Owned) -> Arrival {
    undeliverable(letter);
    Arrival::NoProcess
}

/// Delivers an answer to a call of this node.
pub(crate) fn answer(node: &Node, to: RawPid, answer: Owned) {
    if let Some((slot, _)) = find(node, to) {
        drop(leave_signal(node, slot, to, answer, Behind::None));
    }
}

/// Delivers a control signal.
///
/// # Errors
///
/// Gives it back if there is no such process.
pub(crate) fn control(node: &Node, to: RawPid, control: Control) -> Result<(), Control> {
    let Some((slot, _)) = find(node, to) else { return Err(control) };
    let behind = if to.marks().has_gate() { control.behind() } else { Behind::None };
    leave_signal(node, slot, to, Owned::control(to.generation, control), behind)
        .map_err(|letter| letter.into_control().expect("the letter is the one that was packed"))
}

/// Leaves a signal that is no message at a door, or behind a gate.
#[inline]
fn leave_signal(node: &Node, slot: &'static Slot, to: RawPid, letter: Owned, behind: Behind) -> Result<(), Owned> {
    if !to.marks().has_gate() {
        return leave_letter(node, slot, letter);
    }
    match node.gates.get(to) {
        Some(gate) => gate.signal(letter, behind),
        None => Err(letter),
    }
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

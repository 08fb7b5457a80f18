//! The slot: the 256 bytes in which a task lives, and the arena whose addresses are slots for ever.
//!
//! ```text
//!   0  door          8   what others touch: parcels, wakes        (door.rs)
//!   8  tenancy      16   how many tasks have lived here, and a word of the crate above (tenancy.rs)
//!  24  next          8   link of whatever queue the slot is in
//!  32  pool          8   whose scheduler runs it
//!  40  index         4   this slot's number
//!  44  route         4   which queues the task belongs in: pin and priority; 0 for anywhere and normal
//!  48  behaviour     8   how to run and to end the body
//!  56  notes        24   what the crate above publishes of the task       (notes.rs)
//!  80  body        176   the future and what belongs to it
//! ```
//!
//! A slot's memory is a slot for ever. A stale [`TaskId`] or a waker that outlived its task therefore reads a
//! generation that does not match, and nothing worse: pids and wakers need no reference count. What a late sender
//! might still leave at the door of the slot's next task carries the old generation, and the owner throws it away.
//!
//! A chunk of slots belongs to one pool from its first use until the pool is gone; then it serves the next pool. A chunk
//! without tasks may lose its pages meanwhile (`stock.rs` says when): whoever looks at one of its slots then reads zeros,
//! which are a closed door of generation 0 without a tag, and nobody writes behind a closed door. When its pages are
//! used again, its slots begin above every generation that lived in the chunk, so that no name comes back.
//!
//! Set aside: a counted reference for each task (async-task, tokio): every wake and every pid lookup pays two locked
//! instructions. Epochs: memory of a busy pool comes back late, and outsiders need a registration.

use crate::{
    behaviour::Behaviour,
    door::{Door, Parcel},
    notes::{Noted, Notes},
    pool::Pool,
    priority::Priority,
    spawn::Spec,
    stack::Linked,
    tenancy::Tenancy,
};
use parking_lot::Mutex;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};
use std::{
    cell::UnsafeCell,
    fmt,
    mem::MaybeUninit,
    ptr::{self, NonNull},
    sync::atomic::{
        AtomicPtr, AtomicU32,
        Ordering::{Acquire, Relaxed, Release},
    },
};

/// Bytes of a body that fit into a slot; a larger one is boxed.
pub const BODY_SIZE: usize = 176;

/// A body is aligned to this at most; one that wants more is boxed.
pub const BODY_ALIGN: usize = 16;

/// Slots in one chunk (1 MiB).
pub(crate) const CHUNK_SLOTS: u32 = 4096;

/// Bytes of one chunk.
const CHUNK_SIZE: usize = CHUNK_SLOTS as usize * size_of::<Slot>();

/// Bits of a slot's route that hold the scheduler it is pinned to, plus one; above them stands the priority.
const PIN_BITS: u32 = 24;
const PIN: u32 = (1 << PIN_BITS) - 1;

/// Chunks in the arena, and so 16,777,216 slots in one OS process.
const CHUNKS_MAX: usize = 4096;

/// A task's name for as long as the OS process runs: no two tasks share one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId {
    /// The slot's number.
    pub slot: u32,
    /// Which of the slot's tasks.
    pub generation: u32,
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

/// See the module's text.
#[repr(C, align(64))]
pub struct Slot {
    pub(crate) door: Door,
    tenancy: Tenancy,
    pub(crate) next: AtomicPtr<Slot>,
    pool: AtomicPtr<Pool>,
    index: AtomicU32,
    route: AtomicU32,
    behaviour: AtomicPtr<Behaviour>,
    pub(crate) notes: Notes,
    body: UnsafeCell<Space>,
}

/// Room for a body.
#[repr(C, align(16))]
struct Space(MaybeUninit<[u8; BODY_SIZE]>);

const _: () = assert!(align_of::<Space>() == BODY_ALIGN);
const _: () = assert!(size_of::<Slot>() == 256);

// SAFETY: `body` is touched by the one thread that runs or ends the task (it holds the slot from the
// queue it popped it from, or is the one that fills it), the rest is atomic.
unsafe impl Sync for Slot {}

// SAFETY: 1. a field; 2. a slot is in at most one queue, and only queues and the free list use the link.
unsafe impl Linked for Slot {
    fn link(&self) -> &AtomicPtr<Slot> {
        &self.next
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({:?})", self.id())
    }
}

impl Slot {
    /// The name of the task that lives here now.
    #[inline]
    pub fn id(&self) -> TaskId {
        TaskId { slot: self.index.load(Relaxed), generation: self.tenancy.generation_relaxed() }
    }

    /// The generation that lives here now.
    #[inline]
    pub fn generation(&self) -> u32 {
        self.tenancy.generation()
    }

    /// True while the task of this generation lives.
    #[inline]
    pub fn is_alive(&self, generation: u32) -> bool {
        self.door.is_open() && self.generation() == generation
    }

    /// The tag of the task of this generation, if that is the one that lives here.
    #[inline]
    pub fn tag_of(&self, generation: u32) -> Option<NonNull<()>> {
        self.tenancy.tag_of(generation)
    }

    /// What the task's own turns publish.
    #[inline]
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// What is published of the task of this generation, if that lives.
    pub fn notes_of(&self, generation: u32) -> Option<Noted> {
        if !self.is_alive(generation) {
            return None;
        }
        let noted = self.notes.read();
        (self.generation() == generation).then_some(noted)
    }

    /// The scheduler to which the task is pinned.
    #[inline]
    pub fn pin(&self) -> Option<usize> {
        ((self.route.load(Relaxed) & PIN) as usize).checked_sub(1)
    }

    /// How often the task has a turn.
    #[inline]
    pub fn priority(&self) -> Priority {
        Priority::from_bits(self.route.load(Relaxed) >> PIN_BITS)
    }

    /// Only for the task's own turn: where it is queued next, it is queued by this.
    pub(crate) fn set_priority(&self, priority: Priority) {
        self.route.store(self.route.load(Relaxed) & PIN | priority.to_bits() << PIN_BITS, Relaxed);
    }

    /// Neither pinned nor of any priority but the normal one.
    #[inline]
    pub(crate) fn is_ordinary(&self) -> bool {
        self.route.load(Relaxed) == 0
    }

    /// Of normal priority, pinned or not.
    #[inline]
    pub(crate) fn is_normal(&self) -> bool {
        self.route.load(Relaxed) & !PIN == 0
    }

    /// True for a task without a tag: nothing is meant to be left at its door.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.tenancy.tag().is_none()
    }

    /// The pool that the slot belongs to; only to be compared.
    #[inline]
    pub fn pool(&self) -> *const Pool {
        self.pool.load(Relaxed)
    }

    /// A pool begins to use the slot, with a generation that none of its tasks had.
    pub(crate) fn adopt(&self, index: u32, generation: u32, pool: *const Pool) {
        self.tenancy.begin_at(generation);
        self.index.store(index, Relaxed);
        self.pool.store(pool.cast_mut(), Relaxed);
    }

    #[inline]
    pub(crate) fn behaviour(&self) -> &'static Behaviour {
        // SAFETY: `settle` stores a reference to what lives for ever.
        unsafe { self.behaviour.load(Relaxed).as_ref() }.expect("a task that is run or ended has a behaviour")
    }

    /// The name of the type of the body that lives here, or lived here last.
    pub fn body_name(&self) -> Option<&'static str> {
        // SAFETY: as above.
        unsafe { self.behaviour.load(Relaxed).as_ref() }.map(|behaviour| (behaviour.name)())
    }

    /// Where the body lies: up to the crate above, which knows its type, and when it may be touched.
    #[inline]
    pub fn body(&self) -> *mut () {
        self.body.get().cast()
    }

    /// A new task moves in: everything but the body and the door.
    #[inline]
    pub(crate) fn settle(&self, spec: Spec, behaviour: &'static Behaviour) {
        self.tenancy.settle(spec.tag);
        let pin = spec.pin.map_or(0, |scheduler| scheduler as u32 + 1);
        self.route.store(pin | spec.priority.to_bits() << PIN_BITS, Relaxed);
        self.behaviour.store(ptr::from_ref(behaviour).cast_mut(), Relaxed);
    }

    /// The task has ended: from here on its name is nobody's.
    #[inline]
    pub(crate) fn retire(&self) {
        self.tenancy.retire();
    }

    /// True if all generations are used up: no task may move in any more.
    #[inline]
    pub(crate) fn is_worn_out(&self) -> bool {
        self.tenancy.generation_relaxed() == u32::MAX
    }

    /// The slot with this number, if there is one.
    #[inline]
    pub fn at(index: u32) -> Option<&'static Slot> {
        let chunk = CHUNKS.get((index / CHUNK_SLOTS) as usize)?.load(Acquire);
        if chunk.is_null() {
            return None;
        }
        // SAFETY: a chunk has CHUNK_SLOTS slots and is never unmapped.
        Some(unsafe { &*chunk.add((index % CHUNK_SLOTS) as usize) })
    }
}

/// The first slot of each chunk.
static CHUNKS: [AtomicPtr<Slot>; CHUNKS_MAX] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNKS_MAX];

/// Chunks that no pool uses, each with the generation at which its slots begin, and how many chunks there are at all.
static UNUSED: Mutex<(Vec<(u32, u32)>, u32)> = Mutex::new((Vec::new(), 0));

/// Gives a chunk to a pool, which adopts its slots as it needs them: its number, and the generation at which they begin.
/// Nothing if the arena is full, or the system has no more memory.
pub(crate) fn take_chunk() -> Option<(u32, u32)> {
    let mut unused = UNUSED.lock();
    if let Some(chunk) = unused.0.pop() {
        return Some(chunk);
    }
    let number = unused.1;
    let place = CHUNKS.get(number as usize)?;
    place.store(map_chunk()?, Release);
    unused.1 += 1;
    Some((number, 0))
}

/// Takes back the chunks of a pool that has ended all its tasks, with the generations at which they are to begin.
pub(crate) fn return_chunks(chunks: impl Iterator<Item = (u32, u32)>) {
    UNUSED.lock().0.extend(chunks.filter(|&(_, generation)| generation < u32::MAX));
}

/// Takes a chunk's pages away: its slots read as zeros until they are used again. No task lives in it.
pub(crate) fn drop_pages(chunk: u32) {
    let first = CHUNKS[chunk as usize].load(Acquire);
    // SAFETY: the range is one chunk, mapped by `map_chunk`; nobody has a reference into a free slot's body, and its
    // other fields are atomic, for which zeros are what the module's text says. A refusal (the memory is locked) leaves
    // closed doors and old generations, which are as good.
    let _ = unsafe { madvise(first.cast(), CHUNK_SIZE, Advice::LinuxDontNeed) };
}

/// Slots of a chunk, by position.
pub(crate) fn slots(chunk: u32, from: u32, count: u32) -> impl DoubleEndedIterator<Item = &'static Slot> {
    let first = chunk * CHUNK_SLOTS + from;
    (first..first + count).map(|index| Slot::at(index).expect("a chunk that was given out is mapped"))
}

/// Zero bytes are closed doors, no behaviour, null pointers.
fn map_chunk() -> Option<*mut Slot> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: a new mapping at an address of the system's choice touches nothing that is there.
    let chunk = unsafe { mmap_anonymous(ptr::null_mut(), CHUNK_SIZE, ProtFlags::READ | ProtFlags::WRITE, flags) };
    chunk.ok().map(|chunk| chunk.cast())
}

/// Parcels that came out of a door, oldest first.
#[derive(Debug)]
pub struct Parcels {
    next: *mut Parcel,
}

impl Parcels {
    /// Turns a door's stack, newest first, round.
    #[inline]
    pub(crate) fn from_stack(mut newest: *mut Parcel) -> Self {
        let mut oldest = ptr::null_mut::<Parcel>();
        while !newest.is_null() {
            // SAFETY: the caller took the stack from a door, so its parcels are alive and the caller's alone.
            let parcel = unsafe { &*newest };
            let older = parcel.next();
            parcel.set_next(oldest);
            (oldest, newest) = (newest, older);
        }
        Parcels { next: oldest }
    }

    /// The parcels as a chain linked from the oldest to the newest, null if there are none.
    #[inline]
    pub fn into_chain(self) -> *mut Parcel {
        self.next
    }
}

impl Iterator for Parcels {
    type Item = NonNull<Parcel>;

    #[inline]
    fn next(&mut self) -> Option<NonNull<Parcel>> {
        let parcel = NonNull::new(self.next)?;
        // SAFETY: as in `from_stack`; the link is read before the parcel is handed out.
        self.next = unsafe { parcel.as_ref() }.next();
        Some(parcel)
    }
}

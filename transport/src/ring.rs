//! A byte ring between one producer and one consumer who need not trust each other.
//!
//! The ring is four shared words and a power of two of bytes. *Where* they live is a [`Place`]: a sealed segment mapped by
//! two nodes, or the heap in tests and models. Positions count all bytes since the start and never wrap; a position's low
//! bits are its place in the ring.
//!
//! | word | written by | meaning |
//! | --- | --- | --- |
//! | tail | producer | bytes published |
//! | head | consumer | bytes freed: a published copy, the consumer goes by its own |
//! | producer waits | producer | odd: it wants to be told when there is room |
//! | consumer sleeps | consumer | odd: it wants to be told when there are bytes |
//!
//! # Steps
//!
//! Write: **W1** see the room between the known head and the own tail; if it is too little, load head once and check it ·
//! **W2** copy in · **W3** publish tail (release) · **W4** full fence · **W5** look at *consumer sleeps*; say "ring the bell"
//! if it is odd and was not answered yet.
//!
//! Read: **R1** see the bytes between own head and known tail; if there are none, load tail once and check it · **R2** copy
//! out · **R3** publish head (release) · **R4** full fence · **R5** look at *producer waits*; say "ring the bell" if it is odd,
//! not answered yet, and a quarter of the ring is free.
//!
//! Sleep: **S1** announce (make the own word odd) · **S2** full fence · **S3** look again; on finding something, withdraw
//! (make it even) · **S4** sleep until the bell, withdraw.
//!
//! # Races
//!
//! *Late sleeper*: the consumer finds nothing, the producer publishes and sees nobody asleep, the consumer sleeps for ever.
//! W4 and S2 exclude it: of the two fences one comes first, so either W5 sees the announcement or S3 sees the bytes. *Late
//! waiter* is the same for room, by R4 and S2. The bell is rung once per announcement: its number is remembered.
//!
//! # Laws
//!
//! 1. Each shared word has one writer.
//! 2. A word is loaded once, checked, and the checked copy is used.
//! 3. Bytes are copied out before anyone looks at them; there is never a reference into the ring.
//! 4. A position that cannot be is [`PeerLies`], and the link closes. The bytes themselves are the peer's business.
//!
//! A peer that vanishes at any step leaves either all of a write or none of it, because W3 is one store.
//!
//! Set aside: a sequence number in each slot (fastest for fixed messages, wasteful for bytes of all sizes), a lock (its
//! holder dies), positions modulo capacity (full and empty look alike; a lie is harder to see).

mod doorbell;

use crate::trial::{Weakness, planted};
use doorbell::{Announcement, Answer};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

pub use crate::sync::AtomicU64;

/// The four shared words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Word {
    /// Bytes published by the producer.
    Tail = 0,
    /// Bytes freed by the consumer.
    Head = 1,
    /// Odd while the producer waits for room.
    ProducerWaits = 2,
    /// Odd while the consumer sleeps.
    ConsumerSleeps = 3,
}

/// Where a ring's words and bytes live.
///
/// The ring asks only for offsets and lengths within the capacity; a place checks that again and panics if it is not so.
pub trait Place {
    /// One of the four words.
    fn word(&self, word: Word) -> &AtomicU64;
    /// How many bytes the ring holds: a power of two, and the same on each call.
    fn capacity(&self) -> usize;
    /// Copy `bytes` in at `offset`; they do not pass the end.
    fn copy_in(&self, offset: usize, bytes: &[u8]);
    /// Copy bytes out from `offset` until `into` is full; they do not pass the end.
    fn copy_out(&self, offset: usize, into: &mut [u8]);
}

/// The other end published a position that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the peer's {word:?} position {position} is not between {least} and {most}")]
pub struct PeerLies {
    /// The word that was loaded.
    pub word: Word,
    /// What it held.
    pub position: u64,
    /// The least it could be.
    pub least: u64,
    /// The most it could be.
    pub most: u64,
}

/// How far a write or a read went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// The bytes copied.
    pub length: usize,
    /// The other end announced that it sleeps: ring its bell now.
    pub ring_bell: bool,
}

impl Moved {
    const NOTHING: Moved = Moved { length: 0, ring_bell: false };
}

/// The writing end of a ring.
#[derive(Debug)]
pub struct Producer<P> {
    place: P,
    capacity: u64,
    tail: u64,
    head_known: u64,
    waits: Announcement,
    sleeper: Answer,
}

impl<P: Place> Producer<P> {
    /// The writing end of a fresh ring; there must be only one.
    ///
    /// # Panics
    /// When the place's capacity is not a power of two.
    pub fn new(place: P) -> Producer<P> {
        let capacity = place.capacity();
        assert!(capacity.is_power_of_two(), "a ring's capacity is a power of two, not {capacity}");
        Producer {
            place,
            capacity: capacity as u64,
            tail: 0,
            head_known: 0,
            waits: Announcement::new(Word::ProducerWaits),
            sleeper: Answer::new(Word::ConsumerSleeps, Weakness::NoFenceAfterPublish),
        }
    }

    /// Write as much of `bytes` as there is room for, which may be nothing.
    ///
    /// # Errors
    /// When the consumer's position is a lie.
    #[inline]
    pub fn write(&mut self, bytes: &[u8]) -> Result<Moved, PeerLies> {
        let mut room = self.capacity - (self.tail - self.head_known);
        if room < bytes.len() as u64 {
            room = self.look_for_room()?;
        }
        let length = bytes.len().min(room as usize);
        if length == 0 {
            return Ok(Moved::NOTHING);
        }
        let offset = (self.tail & (self.capacity - 1)) as usize;
        let (before_end, wrapped) = bytes[..length].split_at(length.min(self.capacity as usize - offset));
        self.place.copy_in(offset, before_end);
        if !wrapped.is_empty() {
            self.place.copy_in(0, wrapped);
        }
        self.tail += length as u64;
        // Ordering: Release pairs with the Acquire in `Consumer::look_for_bytes`: whoever sees this tail sees the bytes.
        let ordering = if planted(Weakness::PublishRelaxed) { Relaxed } else { Release };
        self.place.word(Word::Tail).store(self.tail, ordering);
        let ring_bell = self.sleeper.is_called_for(&self.place, || true);
        Ok(Moved { length, ring_bell })
    }

    /// W1's look at the shared head: one load, one check.
    fn look_for_room(&mut self) -> Result<u64, PeerLies> {
        // Ordering: Acquire pairs with the Release of R3: the consumer is done with the bytes below this head.
        let head = self.place.word(Word::Head).load(Acquire);
        if head < self.head_known || head > self.tail {
            return Err(PeerLies { word: Word::Head, position: head, least: self.head_known, most: self.tail });
        }
        self.head_known = head;
        Ok(self.capacity - (self.tail - head))
    }

    /// Announce that this end waits for room, and look again. True: the ring is still full, the bell will ring when a
    /// quarter of it is free. False: there is room, and nothing is announced.
    ///
    /// # Errors
    /// When the consumer's position is a lie.
    pub fn wait_for_room(&mut self) -> Result<bool, PeerLies> {
        self.waits.make(&self.place);
        if planted(Weakness::NoSecondLookForRoom) {
            return Ok(true);
        }
        let room = self.look_for_room()?;
        let full = room < quarter(self.capacity);
        if !full {
            self.waits.withdraw(&self.place);
        }
        Ok(full)
    }

    /// This end no longer waits.
    pub fn awake(&mut self) {
        self.waits.withdraw(&self.place);
    }
}

/// The reading end of a ring.
#[derive(Debug)]
pub struct Consumer<P> {
    place: P,
    capacity: u64,
    head: u64,
    tail_known: u64,
    frozen: bool,
    sleeps: Announcement,
    waiter: Answer,
}

impl<P: Place> Consumer<P> {
    /// The reading end of a fresh ring; there must be only one.
    ///
    /// # Panics
    /// When the place's capacity is not a power of two.
    pub fn new(place: P) -> Consumer<P> {
        let capacity = place.capacity();
        assert!(capacity.is_power_of_two(), "a ring's capacity is a power of two, not {capacity}");
        Consumer {
            place,
            capacity: capacity as u64,
            head: 0,
            tail_known: 0,
            frozen: false,
            sleeps: Announcement::new(Word::ConsumerSleeps),
            waiter: Answer::new(Word::ProducerWaits, Weakness::NoFenceAfterFree),
        }
    }

    /// Read as many bytes as there are and `into` has room for, which may be none.
    ///
    /// # Errors
    /// When the producer's position is a lie.
    #[inline]
    pub fn read(&mut self, into: &mut [u8]) -> Result<Moved, PeerLies> {
        if self.head == self.tail_known && !self.frozen {
            self.look_for_bytes()?;
        }
        let length = into.len().min((self.tail_known - self.head) as usize);
        if length == 0 {
            return Ok(Moved::NOTHING);
        }
        let offset = (self.head & (self.capacity - 1)) as usize;
        let (before_end, wrapped) = into[..length].split_at_mut(length.min(self.capacity as usize - offset));
        self.place.copy_out(offset, before_end);
        if !wrapped.is_empty() {
            self.place.copy_out(0, wrapped);
        }
        self.head += length as u64;
        // Ordering: Release pairs with the Acquire in `Producer::look_for_room`: our copying ends before they overwrite.
        let ordering = if planted(Weakness::FreeRelaxed) { Relaxed } else { Release };
        self.place.word(Word::Head).store(self.head, ordering);
        let (capacity, used) = (self.capacity, self.tail_known - self.head);
        let ring_bell = self.waiter.is_called_for(&self.place, || capacity - used >= quarter(capacity));
        Ok(Moved { length, ring_bell })
    }

    /// R1's look at the shared tail: one load, one check.
    fn look_for_bytes(&mut self) -> Result<(), PeerLies> {
        // Ordering: Acquire pairs with the Release of W3: the bytes below this tail are there.
        let tail = self.place.word(Word::Tail).load(Acquire);
        let most = self.head.saturating_add(self.capacity);
        if tail < self.tail_known || tail > most {
            return Err(PeerLies { word: Word::Tail, position: tail, least: self.tail_known, most });
        }
        self.tail_known = tail;
        Ok(())
    }

    /// Is there something to read? One load at most; a lie counts as something, so that `read` tells it.
    #[inline]
    pub fn has_input(&self) -> bool {
        self.head != self.tail_known || (!self.frozen && self.place.word(Word::Tail).load(Relaxed) != self.tail_known)
    }

    /// Announce that this end is about to sleep, and look again. True: sleep, the bell will ring. False: there are bytes,
    /// and nothing is announced.
    pub fn prepare_sleep(&mut self) -> bool {
        if planted(Weakness::NoSecondLook) {
            let empty = !self.has_input();
            self.sleeps.make(&self.place);
            return empty;
        }
        self.sleeps.make(&self.place);
        let found = self.has_input();
        if found {
            self.sleeps.withdraw(&self.place);
        }
        !found
    }

    /// This end no longer sleeps.
    #[inline]
    pub fn awake(&mut self) {
        self.sleeps.withdraw(&self.place);
    }

    /// The producer is gone: look at its last position once more, and never again.
    ///
    /// # Errors
    /// When that position is a lie.
    pub fn freeze(&mut self) -> Result<(), PeerLies> {
        let looked = if self.frozen { Ok(()) } else { self.look_for_bytes() };
        self.frozen = true;
        looked
    }
}

/// How much room is worth waking a producer for.
const fn quarter(capacity: u64) -> u64 {
    if capacity < 4 { 1 } else { capacity / 4 }
}

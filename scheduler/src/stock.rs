//! The stock: a pool's free slots, chunk by chunk, and the memory that goes back to the system when many tasks ended.
//!
//! Schedulers take and give free slots a batch at a time; between batches they ask nobody (`worker/free.rs`). Each free
//! slot lies in its own chunk's list, so that a chunk without tasks is known without a search. What is taken comes from
//! the lowest chunks, so that the higher ones run empty when there is less to do.
//!
//! The stock is *roomy* when there are more than twice as many free slots as tasks, and some megabytes of them. Then
//!
//! 1. schedulers that have nothing to do give back all the free slots they hold (a few of them keep many chunks), and
//! 2. chunks without tasks lose their pages, all but [`KEPT`]. Their addresses stay, see `slot.rs`.
//!
//! A pool whose number of tasks goes up and down within a factor of three therefore gives nothing back.
//!
//! Set aside: one list of batches for all chunks, which is a little cheaper and never knows that a chunk is free; and
//! giving back by the clock, which an idle pool does not look at.

use crate::{
    pool::Pool,
    slot::{self, CHUNK_SLOTS, Slot},
};
use std::{
    ptr::{self, NonNull},
    sync::atomic::Ordering::Relaxed,
};

/// Slots that move between a scheduler's free list and the stock at once.
pub(crate) const BATCH: u32 = 64;

/// Free slots that are no reason to give memory back, however few tasks there are: 4 MiB.
const ROOM_MIN: usize = 4 * CHUNK_SLOTS as usize;

/// Chunks without tasks that keep their pages for what may come.
const KEPT: usize = 2;

/// What the stock knows of one chunk of the arena.
#[derive(Clone, Copy)]
struct Chunk {
    first_free: *mut Slot,
    free: u32,
    /// Slots from the chunk's beginning that have been used; 0 for one without pages, or of another pool.
    carved: u32,
    /// Above all generations of slots that came back.
    generation: u32,
}

const BLANK: Chunk = Chunk { first_free: ptr::null_mut(), free: 0, carved: 0, generation: 0 };

/// See the module's text.
pub(crate) struct Stock {
    /// By the chunk's number in the arena.
    chunks: Vec<Chunk>,
    /// No chunk below has free slots.
    lowest: usize,
    /// The chunk whose slots are not all carved.
    carving: Option<u32>,
    /// Chunks of this pool without pages.
    bare: Vec<u32>,
    /// Slots in chunks with pages.
    carved: usize,
    free: usize,
    /// Chunks with pages and without tasks.
    whole: usize,
}

// SAFETY: the pointers are to free slots, which are never unmapped and belong to whoever holds the stock.
unsafe impl Send for Stock {}

impl Stock {
    pub(crate) const fn new() -> Self {
        Stock { chunks: Vec::new(), lowest: 0, carving: None, bare: Vec::new(), carved: 0, free: 0, whole: 0 }
    }

    /// True if much more is free than used.
    pub(crate) fn is_roomy(&self) -> bool {
        self.free > 2 * (self.carved - self.free) + ROOM_MIN
    }

    /// A chain of free slots and its length, at most [`BATCH`]; nothing if `pool` has all the tasks it may have.
    pub(crate) fn take(&mut self, pool: &Pool) -> Option<(NonNull<Slot>, u32)> {
        let (mut chain, mut count) = (ptr::null_mut(), 0);
        while count < BATCH && self.free > 0 {
            let slot = self.take_lowest();
            slot.next.store(chain, Relaxed);
            chain = ptr::from_ref(slot).cast_mut();
            count += 1;
        }
        match NonNull::new(chain) {
            Some(chain) => Some((chain, count)),
            None => self.carve(pool),
        }
    }

    fn take_lowest(&mut self) -> &'static Slot {
        while self.chunks[self.lowest].free == 0 {
            self.lowest += 1;
        }
        let chunk = &mut self.chunks[self.lowest];
        if chunk.free == CHUNK_SLOTS {
            self.whole -= 1;
        }
        // SAFETY: a chunk's list holds its free slots.
        let slot: &'static Slot = unsafe { &*chunk.first_free };
        chunk.first_free = slot.next.load(Relaxed);
        chunk.free -= 1;
        self.free -= 1;
        slot
    }

    /// Free slots that were not used since their chunk got its pages.
    fn carve(&mut self, pool: &Pool) -> Option<(NonNull<Slot>, u32)> {
        let count = pool.config.tasks_max.saturating_sub(self.carved).min(BATCH as usize) as u32;
        if count == 0 {
            return None;
        }
        let number = match self.carving {
            Some(number) => number,
            None => self.add_chunk()?,
        };
        let chunk = &mut self.chunks[number as usize];
        let count = count.min(CHUNK_SLOTS - chunk.carved);
        let mut chain = ptr::null_mut();
        for (at, slot) in (0..count).rev().zip(slot::slots(number, chunk.carved, count).rev()) {
            slot.adopt(number * CHUNK_SLOTS + chunk.carved + at, chunk.generation, pool);
            slot.next.store(chain, Relaxed);
            chain = ptr::from_ref(slot).cast_mut();
        }
        chunk.carved += count;
        self.carved += count as usize;
        self.carving = (chunk.carved < CHUNK_SLOTS).then_some(number);
        Some((NonNull::new(chain)?, count))
    }

    /// A chunk without used slots, its own first.
    fn add_chunk(&mut self) -> Option<u32> {
        if let Some(number) = self.bare.pop() {
            return Some(number);
        }
        let (number, generation) = slot::take_chunk()?;
        if self.chunks.len() <= number as usize {
            self.chunks.resize(number as usize + 1, BLANK);
        }
        self.chunks[number as usize].generation = generation;
        Some(number)
    }

    /// Takes free slots back.
    pub(crate) fn give(&mut self, mut chain: *mut Slot) {
        // SAFETY: the chain holds free slots, which are the caller's.
        while let Some(slot) = unsafe { chain.as_ref() } {
            chain = slot.next.load(Relaxed);
            let number = (slot.id().slot / CHUNK_SLOTS) as usize;
            let chunk = &mut self.chunks[number];
            slot.next.store(chunk.first_free, Relaxed);
            chunk.first_free = ptr::from_ref(slot).cast_mut();
            chunk.free += 1;
            chunk.generation = chunk.generation.max(slot.generation());
            self.whole += usize::from(chunk.free == CHUNK_SLOTS);
            self.lowest = self.lowest.min(number);
            self.free += 1;
        }
    }

    /// The chunks that are to lose their pages. They are nobody's until [`Stock::add_bare`] has them back.
    pub(crate) fn take_whole(&mut self) -> Vec<u32> {
        let mut taken = Vec::new();
        let mut numbers = (0..self.chunks.len()).rev();
        while self.whole > KEPT
            && self.is_roomy()
            && let Some(number) = numbers.find(|&number| self.chunks[number].free == CHUNK_SLOTS)
        {
            let generation = self.chunks[number].generation;
            self.chunks[number] = Chunk { generation, ..BLANK };
            self.whole -= 1;
            self.free -= CHUNK_SLOTS as usize;
            self.carved -= CHUNK_SLOTS as usize;
            taken.push(number as u32);
        }
        taken
    }

    /// Chunks that have lost their pages. One whose generations are used up is never used again.
    pub(crate) fn add_bare(&mut self, numbers: Vec<u32>) {
        let chunks = &self.chunks;
        self.bare.extend(numbers.into_iter().filter(|&number| chunks[number as usize].generation < u32::MAX));
    }

    /// All slots that tasks of this pool can live in, as ranges: chunk, and how many from its beginning.
    pub(crate) fn carved(&self) -> Vec<(u32, u32)> {
        let chunks = self.chunks.iter().enumerate();
        chunks.filter(|(_, chunk)| chunk.carved > 0).map(|(number, chunk)| (number as u32, chunk.carved)).collect()
    }

    /// At the end of the pool: gives everything back to the arena. No task lives any more.
    pub(crate) fn dissolve(&mut self) {
        let used = self.carved();
        for &(number, carved) in &used {
            let chunk = &mut self.chunks[number as usize];
            let highest = slot::slots(number, 0, carved).map(Slot::generation).max();
            chunk.generation = chunk.generation.max(highest.unwrap_or(0));
            slot::drop_pages(number);
        }
        let mut bare = std::mem::take(&mut self.bare);
        bare.extend(used.into_iter().map(|(number, _)| number));
        slot::return_chunks(bare.into_iter().map(|number| (number, self.chunks[number as usize].generation)));
        *self = Stock::new();
    }
}

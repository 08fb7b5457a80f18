//! The shared memory of one link: a sealed, unnamed segment with two rings.
//!
//! ```text
//!      0  magic "HOLMSHM1"          8 version u64      16 capacity u64 (bytes of each ring)      zeros
//!    512  ring 0 (offerer writes):  tail · +128 head · +256 producer waits · +384 consumer sleeps
//!   1024  ring 1 (accepter writes): tail · +128 head · +256 producer waits · +384 consumer sleeps
//!   4096  bytes of ring 0
//!      …  bytes of ring 1, at 4096 + capacity; the segment ends at 4096 + 2 · capacity
//! ```
//!
//! Each word stands alone in a pair of cache lines, because the prefetcher fetches pairs. Rings start at a page, so a
//! copy's alignment depends only on positions.
//!
//! The segment is a memfd: it has no name to guess and nothing to clean up. It is filled (so that a full tmpfs fails here
//! and not as SIGBUS later), then sealed against shrinking, growing and more seals, then shared. The receiver checks seals
//! and size *before* it maps. The peer may write any byte at any time, so everything in here is reached by atomics or by
//! raw copies, and the header is looked at once.
//!
//! This is the crate's only unsafe code.

use crate::copy::block_len;
use crate::ring::{AtomicU64, Place, Word};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io;
use std::ptr::NonNull;
use std::sync::Arc;

const MAGIC: u64 = u64::from_le_bytes(*b"HOLMSHM1");
const VERSION: u64 = 1;
const PAGE_LEN: usize = 4096;
const RING_WORDS_AT: usize = 512;
const WORD_STRIDE: usize = 128;
const RING_STRIDE: usize = 512;
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

const _: () = assert!(RING_WORDS_AT + 2 * RING_STRIDE <= PAGE_LEN && 4 * WORD_STRIDE <= RING_STRIDE);

/// The smallest ring: one page.
pub const CAPACITY_MIN: usize = PAGE_LEN;
/// The largest ring.
pub const CAPACITY_MAX: usize = 256 * 1024 * 1024;

/// Is this a size a ring of a segment can have?
fn capacity_allowed(capacity: usize) -> bool {
    capacity.is_power_of_two() && (CAPACITY_MIN..=CAPACITY_MAX).contains(&capacity)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A mapped segment.
#[derive(Debug)]
pub(crate) struct Segment {
    base: NonNull<u8>,
    capacity: usize,
}

// SAFETY: the mapping belongs to no thread; all access goes through atomics and raw copies.
unsafe impl Send for Segment {}
// SAFETY: as above; which thread may copy where is decided by the ring protocol, one `Producer` and one `Consumer` each.
unsafe impl Sync for Segment {}

impl Segment {
    /// A fresh, sealed segment, mapped, and the descriptor to hand to the peer.
    pub(crate) fn create(capacity: usize) -> io::Result<(Segment, OwnedFd)> {
        if !capacity_allowed(capacity) {
            return Err(invalid("a ring's capacity is a power of two between 4 KiB and 256 MiB"));
        }
        let length = PAGE_LEN + 2 * capacity;
        let file = rustix::fs::memfd_create("holm-link", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::io::retry_on_intr(|| rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, length as u64))?;
        rustix::fs::fcntl_add_seals(&file, SEALS)?;
        let segment = Segment::map(file.as_fd(), capacity)?;
        for (index, value) in [MAGIC, VERSION, capacity as u64].into_iter().enumerate() {
            segment.word_at(index * 8).store(value, std::sync::atomic::Ordering::Relaxed);
        }
        Ok((segment, file))
    }

    /// The segment behind a peer's descriptor, if it is one: seals and size first, then the map, then the header.
    pub(crate) fn open(file: BorrowedFd<'_>) -> io::Result<Segment> {
        let seals = rustix::fs::fcntl_get_seals(file).map_err(|_| invalid("the descriptor is not a memfd"))?;
        if !seals.contains(SEALS) {
            return Err(invalid("the segment is not sealed against shrinking, growing and more seals"));
        }
        if seals.intersects(SealFlags::WRITE.union(SealFlags::FUTURE_WRITE)) {
            return Err(invalid("the segment is sealed against writing"));
        }
        let length = usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
        let capacity = length.saturating_sub(PAGE_LEN) / 2;
        if !capacity_allowed(capacity) || length != PAGE_LEN + 2 * capacity {
            return Err(invalid("the segment's size is not a page and two rings"));
        }
        // A sparse file would raise SIGBUS when memory runs out; filling it again costs nothing where it is full.
        rustix::io::retry_on_intr(|| rustix::fs::fallocate(file, FallocateFlags::empty(), 0, length as u64))?;
        let segment = Segment::map(file, capacity)?;
        for (index, wanted) in [MAGIC, VERSION, capacity as u64].into_iter().enumerate() {
            if segment.word_at(index * 8).load(std::sync::atomic::Ordering::Relaxed) != wanted {
                return Err(invalid("the segment's magic, version or capacity is not what it should be"));
            }
        }
        Ok(segment)
    }

    /// Map a sealed file of exactly a page and two rings.
    fn map(file: BorrowedFd<'_>, capacity: usize) -> io::Result<Segment> {
        let length = PAGE_LEN + 2 * capacity;
        // SAFETY: a new mapping at an address the kernel chooses touches no memory of ours; the file cannot shrink under it
        // because it is sealed.
        let base = unsafe {
            mmap(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED, file, 0)?
        };
        let base = NonNull::new(base.cast()).ok_or_else(|| invalid("the kernel mapped the segment at zero"))?;
        Ok(Segment { base, capacity })
    }

    /// The word at an offset of the header page.
    fn word_at(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset < PAGE_LEN, "a word lies aligned within the header page");
        // SAFETY: 1. in bounds and aligned: asserted above, and the mapping starts at a page and is longer than one.
        // 2. valid while borrowed: the mapping lives as long as `self`. 3. all access, ours and any other, is atomic or by
        // another process, which no Rust reference here can observe except through this atomic.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) }
    }

    /// The address of ring bytes, after checking that they lie within ring `ring`.
    fn bytes_at(&self, ring: usize, offset: usize, length: usize) -> *mut u8 {
        let fits = offset.checked_add(length).is_some_and(|end| end <= self.capacity);
        assert!(ring < 2 && fits, "a copy stays within its ring");
        // SAFETY: the offset is within the mapping: a page, `ring` whole rings, and less than one more, asserted above.
        unsafe { self.base.as_ptr().add(PAGE_LEN + ring * self.capacity + offset) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: this is exactly the mapping made in `map`, and no reference into it outlives `self`.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), PAGE_LEN + 2 * self.capacity) };
        debug_assert!(unmapped.is_ok(), "a whole mapping can be unmapped");
    }
}

/// One of a segment's two rings.
#[derive(Debug, Clone)]
pub(crate) struct SegmentRing {
    segment: Arc<Segment>,
    ring: usize,
}

impl SegmentRing {
    /// Both rings: the one the offerer writes, the one the accepter writes.
    pub(crate) fn both(segment: Segment) -> [SegmentRing; 2] {
        let segment = Arc::new(segment);
        [0, 1].map(|ring| SegmentRing { segment: Arc::clone(&segment), ring })
    }
}

impl Place for SegmentRing {
    #[inline]
    fn word(&self, word: Word) -> &AtomicU64 {
        self.segment.word_at(RING_WORDS_AT + self.ring * RING_STRIDE + word as usize * WORD_STRIDE)
    }

    #[inline]
    fn capacity(&self) -> usize {
        self.segment.capacity
    }

    #[inline]
    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        let to = self.segment.bytes_at(self.ring, offset, bytes.len());
        // SAFETY: 1. `to` is valid for that many bytes: checked by `bytes_at`. 2. `bytes` is private memory, so the two do
        // not overlap. 3. no reference into the ring exists; the peer may write there at the same time only by breaking
        // the protocol, and then only the bytes it will read itself are garbage.
        unsafe { copy_by_blocks(bytes.as_ptr(), to, bytes.len()) }
    }

    #[inline]
    fn copy_out(&self, offset: usize, into: &mut [u8]) {
        let from = self.segment.bytes_at(self.ring, offset, into.len());
        // SAFETY: 1. `from` is valid for that many bytes: checked by `bytes_at`. 2. `into` is private memory. 3. a byte that
        // a lying peer changes meanwhile arrives as one value or another, and only the private copy is ever looked at.
        unsafe { copy_by_blocks(from, into.as_mut_ptr(), into.len()) }
    }
}

/// Copy bytes; in small blocks where long ones crawl: a byte ring cannot choose its distances (see `copy`).
///
/// # Safety
/// 1. Both pointers are valid for `length` bytes. 2. The two ranges do not overlap.
#[inline]
unsafe fn copy_by_blocks(from: *const u8, to: *mut u8, length: usize) {
    let block = block_len(from, to, length);
    let mut done = 0;
    while done < length {
        let step = block.min(length - done);
        // SAFETY: obligations 1 and 2 of this function, for the part from `done` on, which ends at or before `length`.
        unsafe { std::ptr::copy_nonoverlapping(from.add(done), to.add(done), step) };
        done += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy::BLOCK_LEN;

    #[test]
    fn a_copy_is_whole_at_every_distance_and_around_the_block_length() {
        let source = (0..4 * BLOCK_LEN + 64).map(|index| index as u8).collect::<Vec<_>>();
        let mut target = vec![0; 8192 + source.len()];
        for shift in (0..64).chain(4090..4100) {
            for length in [0, 1, BLOCK_LEN, BLOCK_LEN + 1, 3 * BLOCK_LEN + 5] {
                target.fill(0xee);
                // SAFETY: both vectors are longer than `shift + length`, and are different allocations.
                unsafe { copy_by_blocks(source.as_ptr(), target.as_mut_ptr().add(shift), length) };
                assert_eq!(target[shift..shift + length], source[..length]);
                assert_eq!(target[shift + length], 0xee);
            }
        }
    }

    #[test]
    fn a_segment_opened_twice_is_the_same_memory() {
        let (mine, file) = Segment::create(CAPACITY_MIN).unwrap();
        let theirs = Segment::open(file.as_fd()).unwrap();
        let ([mine, _], [theirs, _]) = (SegmentRing::both(mine), SegmentRing::both(theirs));
        mine.copy_in(10, b"hello");
        let mut seen = [0; 5];
        theirs.copy_out(10, &mut seen);
        assert_eq!(&seen, b"hello");
    }

    #[test]
    fn a_segment_cannot_be_resized_or_resealed_after_it_is_made() {
        let (_, file) = Segment::create(CAPACITY_MIN).unwrap();
        for length in [0, PAGE_LEN as u64, 1 << 20] {
            assert!(rustix::fs::ftruncate(&file, length).is_err());
        }
        assert!(rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE).is_err());
    }

    #[test]
    fn files_that_are_unsealed_half_sealed_or_of_the_wrong_size_are_refused_before_they_are_mapped() {
        let memfd = |length: usize, seals: SealFlags| {
            let file = rustix::fs::memfd_create("test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
            rustix::fs::ftruncate(&file, length as u64).unwrap();
            rustix::fs::fcntl_add_seals(&file, seals).unwrap();
            file
        };
        let right_length = PAGE_LEN + 2 * CAPACITY_MIN;
        for seals in
            [SealFlags::empty(), SealFlags::SHRINK, SEALS.difference(SealFlags::SHRINK), SEALS.union(SealFlags::WRITE)]
        {
            assert!(Segment::open(memfd(right_length, seals).as_fd()).is_err(), "{seals:?}");
        }
        for length in [0, 1, PAGE_LEN, right_length - 1, right_length + 1, PAGE_LEN + 3 * CAPACITY_MIN] {
            assert!(Segment::open(memfd(length, SEALS).as_fd()).is_err(), "{length}");
        }
        assert!(Segment::open(memfd(right_length, SEALS).as_fd()).is_err(), "sealed and sized, but without magic");
        let null = std::fs::File::open("/dev/null").unwrap();
        assert!(Segment::open(null.as_fd()).is_err());
    }

    #[test]
    fn ring_capacities_are_powers_of_two_within_bounds() {
        for capacity in [0, 1, CAPACITY_MIN - 1, CAPACITY_MIN / 2, CAPACITY_MIN + 1, CAPACITY_MAX * 2] {
            assert!(Segment::create(capacity).is_err(), "{capacity}");
        }
    }
}

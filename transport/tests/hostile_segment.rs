//! A peer that attaches to a shared-memory road and then does as it pleases with everything it can reach.
//!
//! The peer here is hand-made: it takes the offered descriptor, maps the segment itself, and writes where the protocol says
//! it must not. Whatever it does, this end neither crashes nor hangs: it reads garbage, or learns that the peer lies.

use holm_transport::fdpass::recv_fds;
use holm_transport::shm::{CAPACITY_MIN, offer};
use holm_transport::{Road, ShmRoad};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::io::{ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const LENGTH: usize = 4096 + 2 * CAPACITY_MIN;

/// The peer's mapping of the segment, word by word.
struct Mapping(*mut core::ffi::c_void);

// SAFETY: the mapping is only reached through atomics.
unsafe impl Send for Mapping {}

impl Mapping {
    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is `LENGTH` bytes, page-aligned, and lives as long as `self`; all access is atomic.
        unsafe { std::slice::from_raw_parts(self.0.cast::<AtomicU64>(), LENGTH / 8) }
    }

    /// A word of the ring that the offerer writes (0) or reads (1), by its number in the header.
    fn word(&self, ring: usize, word: usize) -> &AtomicU64 {
        &self.words()[(512 + ring * 512 + word * 128) / 8]
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: exactly the mapping made in `attach`, and no reference outlives `self`.
        unsafe { munmap(self.0, LENGTH).unwrap() };
    }
}

/// The victim's road, and what the peer holds.
fn attach() -> (Road, Mapping, UnixStream) {
    let (here, mut there) = UnixStream::pair().unwrap();
    let victim = std::thread::spawn(move || offer(here, CAPACITY_MIN).unwrap());
    let (_, fds) = recv_fds(&there, &mut [0; 8], 1).unwrap();
    // SAFETY: a fresh shared mapping of a sealed file that is exactly this long.
    let address = unsafe {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        mmap(std::ptr::null_mut(), LENGTH, access, MapFlags::SHARED, &fds[0], 0).unwrap()
    };
    there.write_all(&[1]).unwrap();
    let road: ShmRoad = victim.join().unwrap();
    (Road::Shm(road), Mapping(address), there)
}

fn is_lie<T: std::fmt::Debug>(result: std::io::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::InvalidData)
}

#[test]
fn an_impossible_tail_is_a_lie_that_is_not_forgotten() {
    for tail in [CAPACITY_MIN as u64 + 1, u64::MAX, 1 << 63] {
        let (mut road, mapping, _socket) = attach();
        mapping.word(1, 0).store(tail, Ordering::SeqCst);
        assert!(road.has_input());
        assert!(is_lie(road.read(&mut [0; 100])));
        mapping.word(1, 0).store(0, Ordering::SeqCst);
        assert!(is_lie(road.read(&mut [0; 100])) && is_lie(road.write(b"x")));
        assert!(!road.prepare_sleep() && !road.wait_for_room());
    }
}

#[test]
fn an_impossible_head_is_a_lie() {
    for head in [CAPACITY_MIN as u64 + 1, u64::MAX, 1 << 63] {
        let (mut road, mapping, _socket) = attach();
        assert_eq!(road.write(&[1; CAPACITY_MIN]).unwrap(), CAPACITY_MIN);
        mapping.word(0, 1).store(head, Ordering::SeqCst);
        assert!(is_lie(road.write(b"x")), "{head}");
    }
}

#[test]
fn the_largest_possible_tail_reads_garbage_and_no_more_than_the_ring() {
    let (mut road, mapping, _socket) = attach();
    mapping.word(1, 0).store(CAPACITY_MIN as u64, Ordering::SeqCst);
    let mut buffer = vec![0; 3 * CAPACITY_MIN];
    assert_eq!(road.read(&mut buffer).unwrap(), CAPACITY_MIN);
}

#[test]
fn overwriting_our_own_words_does_not_mislead_us() {
    let (mut road, mapping, _socket) = attach();
    mapping.word(1, 0).store(100, Ordering::SeqCst);
    assert_eq!(road.read(&mut [0; 60]).unwrap(), 60);
    mapping.word(1, 1).store(u64::MAX, Ordering::SeqCst);
    assert_eq!(road.read(&mut [0; 60]).unwrap(), 40, "our position is our own; the shared one is a copy");
    road.write(b"abc").unwrap();
    mapping.word(0, 0).store(u64::MAX, Ordering::SeqCst);
    assert_eq!(road.write(b"def").unwrap(), 3);
    assert_eq!(mapping.word(0, 0).load(Ordering::SeqCst), 6, "published anew from our own count");
}

#[test]
fn a_peer_that_claims_to_sleep_for_ever_cannot_block_us() {
    let (mut road, mapping, _socket) = attach();
    for number in (1..400_000_u64).step_by(2) {
        mapping.word(0, 3).store(number, Ordering::SeqCst);
        mapping.word(0, 1).store(number / 2, Ordering::SeqCst);
        // Nobody drains the socket, so it fills up; the bell must not wait for it.
        assert_eq!(road.write(b"x").unwrap(), 1);
    }
}

#[test]
fn the_header_of_the_segment_is_not_looked_at_again() {
    let (mut road, mapping, _socket) = attach();
    for word in &mapping.words()[..8] {
        word.store(u64::MAX, Ordering::SeqCst);
    }
    assert_eq!(road.write(&[1; 2 * CAPACITY_MIN]).unwrap(), CAPACITY_MIN);
    mapping.word(1, 0).store(10, Ordering::SeqCst);
    assert_eq!(road.read(&mut [0; 100]).unwrap(), 10);
}

#[test]
fn a_peer_that_scribbles_over_everything_is_survived() {
    let stop = Arc::new(AtomicBool::new(false));
    for seed in 1..40_u64 {
        let (mut road, mapping, socket) = attach();
        stop.store(false, Ordering::SeqCst);
        let stopped = Arc::clone(&stop);
        let scribbler = std::thread::spawn(move || {
            let mut random = seed;
            while !stopped.load(Ordering::Relaxed) {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Values close to plausible ones get further than wild ones; write both, to words and bytes alike.
                let value = if random & 1 << 40 == 0 { random >> 50 } else { random };
                let index = (random >> 20) as usize;
                let is_word = random & 1 << 41 == 0;
                let slot = if is_word { (512 + index % 8 * 128) / 8 } else { index % (LENGTH / 8) };
                mapping.words()[slot].store(value, Ordering::Relaxed);
            }
            drop(socket);
        });
        let mut buffer = [0; 5000];
        for round in 0..3000_usize {
            let read = road.read(&mut buffer);
            assert!(read.is_err() || read.unwrap() <= CAPACITY_MIN);
            let written = road.write(&buffer[..round % 5000]);
            assert!(written.is_err() || written.unwrap() <= CAPACITY_MIN);
            if round % 7 == 0 {
                let _may_sleep = road.prepare_sleep();
                let _may_wait = road.wait_for_room();
                road.awake();
                road.drain_bell();
            }
        }
        stop.store(true, Ordering::SeqCst);
        scribbler.join().unwrap();
    }
}

#[test]
fn after_the_peers_end_a_moving_tail_cannot_keep_us_reading() {
    let (mut road, mapping, socket) = attach();
    mapping.word(1, 0).store(10, Ordering::SeqCst);
    drop(socket);
    road.drain_bell();
    mapping.word(1, 0).store(1000, Ordering::SeqCst);
    assert_eq!(road.read(&mut [0; 2000]).unwrap(), 10);
    assert_eq!(road.read(&mut [0; 2000]).unwrap(), 0);
}

//! The byte ring on the heap: odd sizes first, then whole streams, then lies.

use holm_transport::ring::{AtomicU64, Consumer, PeerLies, Place, Producer, Word};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// A ring's words and bytes on the heap.
#[derive(Clone)]
struct Heap(Arc<(Vec<AtomicU64>, Vec<AtomicU8>)>);

impl Heap {
    fn new(capacity: usize) -> Heap {
        let words = (0..4).map(|_| AtomicU64::new(0)).collect();
        Heap(Arc::new((words, (0..capacity).map(|_| AtomicU8::new(0)).collect())))
    }
}

impl Place for Heap {
    fn word(&self, word: Word) -> &AtomicU64 {
        &self.0.0[word as usize]
    }

    fn capacity(&self) -> usize {
        self.0.1.len()
    }

    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        for (cell, byte) in self.0.1[offset..offset + bytes.len()].iter().zip(bytes) {
            cell.store(*byte, Ordering::Relaxed);
        }
    }

    fn copy_out(&self, offset: usize, into: &mut [u8]) {
        let length = into.len();
        for (cell, byte) in self.0.1[offset..offset + length].iter().zip(into) {
            *byte = cell.load(Ordering::Relaxed);
        }
    }
}

fn ring(capacity: usize) -> (Heap, Producer<Heap>, Consumer<Heap>) {
    let heap = Heap::new(capacity);
    (heap.clone(), Producer::new(heap.clone()), Consumer::new(heap))
}

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| index as u8).collect()
}

fn read_all(consumer: &mut Consumer<Heap>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 100];
    loop {
        let moved = consumer.read(&mut buffer).unwrap();
        if moved.length == 0 {
            return all;
        }
        all.extend_from_slice(&buffer[..moved.length]);
    }
}

#[test]
fn nothing_one_one_less_all_and_one_more_than_the_capacity() {
    for capacity in [1, 2, 4, 64] {
        for length in [0, 1, capacity - 1, capacity, capacity + 1, 3 * capacity] {
            let (_, mut producer, mut consumer) = ring(capacity);
            let moved = producer.write(&bytes(length)).unwrap();
            assert_eq!(moved.length, length.min(capacity), "{length} into {capacity}");
            assert_eq!(read_all(&mut consumer), bytes(length)[..moved.length]);
            assert!(!consumer.has_input());
        }
    }
}

#[test]
fn every_length_at_every_offset_wraps_whole() {
    for offset in 0..16 {
        for length in 0..=16 {
            let (_, mut producer, mut consumer) = ring(16);
            producer.write(&bytes(offset)).unwrap();
            read_all(&mut consumer);
            assert_eq!(producer.write(&bytes(length)).unwrap().length, length);
            assert_eq!(read_all(&mut consumer), bytes(length));
        }
    }
}

#[test]
fn a_full_ring_takes_nothing_until_something_is_read() {
    let (_, mut producer, mut consumer) = ring(4);
    assert_eq!(producer.write(&bytes(9)).unwrap().length, 4);
    assert_eq!(producer.write(&bytes(9)).unwrap().length, 0);
    assert_eq!(consumer.read(&mut [0; 1]).unwrap().length, 1);
    assert_eq!(producer.write(&bytes(9)).unwrap().length, 1);
}

#[test]
fn a_long_stream_between_two_threads_arrives_byte_for_byte() {
    let (_, mut producer, mut consumer) = ring(64);
    let total = 200_000;
    let writer = std::thread::spawn(move || {
        let (all, mut done, mut step) = (bytes(total), 0, 1);
        while done < total {
            done += producer.write(&all[done..(done + step).min(total)]).unwrap().length;
            step = step % 97 + 1;
            std::hint::spin_loop();
        }
    });
    let mut all = Vec::new();
    while all.len() < total {
        all.extend(read_all(&mut consumer));
        std::thread::yield_now();
    }
    writer.join().unwrap();
    assert!(all == bytes(total));
}

#[test]
fn the_bell_is_rung_once_per_announcement_and_not_for_those_awake() {
    let (_, mut producer, mut consumer) = ring(64);
    assert!(!producer.write(b"a").unwrap().ring_bell, "nobody sleeps");
    read_all(&mut consumer);
    for _ in 0..3 {
        assert!(consumer.prepare_sleep());
        assert!(producer.write(b"b").unwrap().ring_bell);
        assert!(!producer.write(b"c").unwrap().ring_bell, "rung already");
        consumer.awake();
        read_all(&mut consumer);
    }
}

#[test]
fn a_consumer_with_bytes_to_read_does_not_fall_asleep() {
    let (_, mut producer, mut consumer) = ring(64);
    producer.write(b"a").unwrap();
    assert!(!consumer.prepare_sleep());
    assert!(!producer.write(b"b").unwrap().ring_bell, "the announcement was withdrawn");
}

#[test]
fn a_waiting_producer_is_told_when_a_quarter_is_free_and_only_then() {
    let (_, mut producer, mut consumer) = ring(64);
    assert!(!producer.wait_for_room().unwrap(), "an empty ring has room");
    producer.write(&bytes(64)).unwrap();
    assert!(producer.wait_for_room().unwrap());
    assert!(!consumer.read(&mut [0; 15]).unwrap().ring_bell);
    assert!(consumer.read(&mut [0; 1]).unwrap().ring_bell);
    assert!(!consumer.read(&mut [0; 40]).unwrap().ring_bell, "told already");
    producer.awake();
    assert_eq!(producer.write(&bytes(64)).unwrap().length, 56);
}

#[test]
fn a_second_announcement_without_a_withdrawal_is_answered_again() {
    let (_, mut producer, mut consumer) = ring(64);
    for _ in 0..3 {
        while producer.write(&bytes(64)).unwrap().length > 0 {}
        assert!(producer.wait_for_room().unwrap());
        assert!(consumer.read(&mut [0; 64]).unwrap().ring_bell);
    }
}

#[test]
fn a_frozen_consumer_reads_what_was_published_and_no_more() {
    let (_, mut producer, mut consumer) = ring(64);
    producer.write(b"last").unwrap();
    consumer.freeze().unwrap();
    producer.write(b"too late").unwrap();
    assert_eq!(read_all(&mut consumer), b"last");
    assert!(!consumer.has_input());
}

#[test]
fn a_tail_that_runs_away_or_back_is_a_lie() {
    for wrong in [0, 9, 10 + 65, u64::MAX / 2, u64::MAX] {
        let (heap, mut producer, mut consumer) = ring(64);
        producer.write(&bytes(10)).unwrap();
        assert_eq!(consumer.read(&mut [0; 10]).unwrap().length, 10);
        heap.word(Word::Tail).store(wrong, Ordering::Relaxed);
        assert!(consumer.has_input(), "so that read tells it");
        let lie = consumer.read(&mut [0; 100]);
        assert_eq!(lie, Err(PeerLies { word: Word::Tail, position: wrong, least: 10, most: 74 }));
    }
}

#[test]
fn a_head_that_runs_ahead_of_the_tail_or_back_is_a_lie() {
    for wrong in [0, 11, 65, u64::MAX] {
        let (heap, mut producer, mut consumer) = ring(64);
        producer.write(&bytes(64)).unwrap();
        consumer.read(&mut [0; 12]).unwrap();
        assert_eq!(producer.write(&bytes(1)).unwrap().length, 1);
        heap.word(Word::Head).store(wrong, Ordering::Relaxed);
        producer.write(&bytes(11)).unwrap();
        let lie = producer.write(&bytes(1));
        assert_eq!(lie.is_err(), !(12..=76).contains(&wrong), "{wrong}: {lie:?}");
    }
}

#[test]
fn a_capacity_that_is_no_power_of_two_is_a_programming_error() {
    for capacity in [0, 3, 100] {
        assert!(std::panic::catch_unwind(|| Producer::new(Heap::new(capacity))).is_err());
        assert!(std::panic::catch_unwind(|| Consumer::new(Heap::new(capacity))).is_err());
    }
}

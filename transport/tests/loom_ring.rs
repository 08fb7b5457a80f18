//! Models of the ring: all interleavings of small cases, and for each part that the protocol rests on, proof that the
//! model fails without it.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test -p holm-transport --release --test loom_ring`. Capacities are one or two
//! bytes, so that full, empty and wrapped are all reached within a few steps.
#![cfg(loom)]

use holm_transport::ring::{AtomicU64, Consumer, Place, Producer, Word};
use holm_transport::trial::{Weakness, plant};
use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

/// Words and bytes on loom's heap; a byte touched by both ends at once fails the model.
#[derive(Clone)]
struct Heap(Arc<(Vec<AtomicU64>, Vec<UnsafeCell<u8>>)>);

// SAFETY: the bytes are only touched through loom's cells, which check every access.
unsafe impl Send for Heap {}

impl Heap {
    fn new(capacity: usize) -> Heap {
        let words = (0..4).map(|_| AtomicU64::new(0)).collect();
        Heap(Arc::new((words, (0..capacity).map(|_| UnsafeCell::new(0)).collect())))
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
        for (index, byte) in bytes.iter().enumerate() {
            // SAFETY: the pointer is valid, and loom fails the model if anyone else holds it.
            self.0.1[offset + index].with_mut(|cell| unsafe { *cell = *byte });
        }
    }

    fn copy_out(&self, offset: usize, into: &mut [u8]) {
        for (index, byte) in into.iter_mut().enumerate() {
            // SAFETY: as above.
            *byte = self.0.1[offset + index].with(|cell| unsafe { *cell });
        }
    }
}

fn ring(capacity: usize) -> (Producer<Heap>, Consumer<Heap>) {
    let heap = Heap::new(capacity);
    (Producer::new(heap.clone()), Consumer::new(heap))
}

/// Explore a model with a weakness planted, or none.
fn explore(weakness: Option<Weakness>, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(Some(3));
    builder.check(move || {
        plant(weakness);
        model();
    });
}

/// The model must fail when this part is taken away.
fn must_fail(weakness: Weakness, model: impl Fn() + Sync + Send + 'static) {
    let explored = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| explore(Some(weakness), model)));
    plant(None);
    assert!(explored.is_err(), "the model does not notice that {weakness:?} is planted");
}

/// Four bytes through a ring of two, in whatever pieces they go; each end gives up when the other is slow, and the rest
/// is moved after the join.
fn bytes_pass_in_order() {
    let (mut producer, mut consumer) = ring(2);
    let writer = thread::spawn(move || {
        let mut done = 0;
        for _ in 0..3 {
            let all = [1, 2, 3, 4];
            done += producer.write(&all[done..]).unwrap().length;
        }
        done
    });
    let mut heard = Vec::new();
    let mut buffer = [0; 4];
    for _ in 0..3 {
        let length = consumer.read(&mut buffer).unwrap().length;
        heard.extend_from_slice(&buffer[..length]);
    }
    let written = writer.join().unwrap();
    while let Ok(moved) = consumer.read(&mut buffer) {
        if moved.length == 0 {
            break;
        }
        heard.extend_from_slice(&buffer[..moved.length]);
    }
    assert_eq!(heard, [1, 2, 3, 4][..written]);
}

#[test]
fn bytes_pass_in_order_through_a_ring_that_fills_and_wraps() {
    explore(None, bytes_pass_in_order);
}

#[test]
fn bytes_pass_in_order_needs_the_publishing_release() {
    must_fail(Weakness::PublishRelaxed, bytes_pass_in_order);
}

#[test]
fn bytes_pass_in_order_needs_the_freeing_release() {
    must_fail(Weakness::FreeRelaxed, bytes_pass_in_order);
}

/// *Late sleeper*: the consumer falls asleep while the producer publishes. If it sleeps, its bell was rung.
fn no_consumer_sleeps_on_bytes() {
    let (mut producer, mut consumer) = ring(2);
    let writer = thread::spawn(move || {
        let first = producer.write(&[1]).unwrap();
        let second = producer.write(&[2]).unwrap();
        (first.ring_bell || second.ring_bell, first.length + second.length)
    });
    let mut buffer = [0; 2];
    let read = consumer.read(&mut buffer).unwrap().length;
    let asleep = consumer.prepare_sleep();
    let (rung, written) = writer.join().unwrap();
    assert_eq!(written, 2);
    assert!(!asleep || rung || read == 2, "asleep on {} bytes without a bell", 2 - read);
}

#[test]
fn a_consumer_that_falls_asleep_is_rung_or_has_read_everything() {
    explore(None, no_consumer_sleeps_on_bytes);
}

#[test]
fn falling_asleep_needs_the_producers_fence() {
    must_fail(Weakness::NoFenceAfterPublish, no_consumer_sleeps_on_bytes);
}

#[test]
fn falling_asleep_needs_the_consumers_fence() {
    must_fail(Weakness::NoFenceBeforeSecondLook, no_consumer_sleeps_on_bytes);
}

#[test]
fn falling_asleep_needs_the_second_look() {
    must_fail(Weakness::NoSecondLook, no_consumer_sleeps_on_bytes);
}

/// *Late waiter*: the producer waits for room while the consumer frees it. If it waits, its bell was rung.
fn no_producer_waits_beside_room() {
    let (mut producer, mut consumer) = ring(1);
    producer.write(&[1]).unwrap();
    let reader = thread::spawn(move || consumer.read(&mut [0; 2]).unwrap());
    let wrote = producer.write(&[2]).unwrap().length;
    let waits = wrote == 0 && producer.wait_for_room().unwrap();
    let read = reader.join().unwrap();
    assert!(!waits || read.ring_bell, "waits beside {} free bytes without a bell", read.length);
}

#[test]
fn a_producer_that_waits_for_room_is_rung() {
    explore(None, no_producer_waits_beside_room);
}

#[test]
fn waiting_for_room_needs_the_consumers_fence() {
    must_fail(Weakness::NoFenceAfterFree, no_producer_waits_beside_room);
}

#[test]
fn waiting_for_room_needs_the_producers_fence() {
    must_fail(Weakness::NoFenceBeforeSecondLook, no_producer_waits_beside_room);
}

#[test]
fn waiting_for_room_needs_the_second_look() {
    must_fail(Weakness::NoSecondLookForRoom, no_producer_waits_beside_room);
}

/// A doorbell that remembers a ring nobody waited for. A sleeper that nobody rings is a deadlock, which loom reports.
#[derive(Clone)]
struct Bell(Arc<(Mutex<bool>, Condvar)>);

impl Bell {
    fn new() -> Bell {
        Bell(Arc::new((Mutex::new(false), Condvar::new())))
    }

    fn ring(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_one();
    }

    fn sleep(&self) {
        let mut rung = self.0.0.lock().unwrap();
        while !*rung {
            rung = self.0.1.wait(rung).unwrap();
        }
        *rung = false;
    }
}

/// Both ends as they are used: each sleeps when it can do nothing, wakes at its bell, and goes on until all has passed.
/// Its weaknesses are planted in the smaller models above, because a deadlock that loom finds cannot be caught and gone on
/// from.
fn everything_passes_although_both_ends_sleep() {
    let (mut producer, mut consumer) = ring(1);
    let (bytes_bell, room_bell) = (Bell::new(), Bell::new());
    let (bytes_rung, room_waited) = (bytes_bell.clone(), room_bell.clone());
    let writer = thread::spawn(move || {
        for byte in [1, 2, 3] {
            loop {
                let moved = producer.write(&[byte]).unwrap();
                if moved.ring_bell {
                    bytes_rung.ring();
                }
                if moved.length == 1 {
                    break;
                }
                if producer.wait_for_room().unwrap() {
                    room_waited.sleep();
                    producer.awake();
                }
            }
        }
    });
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let mut buffer = [0; 2];
        let moved = consumer.read(&mut buffer).unwrap();
        heard.extend_from_slice(&buffer[..moved.length]);
        if moved.ring_bell {
            room_bell.ring();
        }
        if heard.len() < 3 && consumer.prepare_sleep() {
            bytes_bell.sleep();
            consumer.awake();
        }
    }
    writer.join().unwrap();
    assert_eq!(heard, [1, 2, 3]);
}

#[test]
fn everything_passes_and_every_sleep_is_answered_anew() {
    explore(None, everything_passes_although_both_ends_sleep);
}

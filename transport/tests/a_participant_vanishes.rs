//! One end of a ring vanishes at each step in turn, in the middle of a copy too; the other end must be none the worse.
//!
//! Every step of the ring that others can see goes through its [`Place`], so a place with a fuse is a complete list of
//! crash points: it stops its user at the n-th access, for each n until the script runs to its end.

use holm_transport::ring::{AtomicU64, Consumer, Place, Producer, Word};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::Ordering;

const CAPACITY: usize = 16;

/// Words and bytes that both ends share; `fuse` counts down one end's accesses.
#[derive(Clone)]
struct Mortal {
    words: Rc<[AtomicU64; 4]>,
    bytes: Rc<[Cell<u8>; CAPACITY]>,
    fuse: Rc<Cell<u32>>,
}

impl Mortal {
    fn new() -> Mortal {
        Mortal {
            words: Rc::new([const { AtomicU64::new(0) }; 4]),
            bytes: Rc::new([const { Cell::new(0) }; CAPACITY]),
            fuse: Rc::new(Cell::new(u32::MAX)),
        }
    }

    /// The same memory, for an end that vanishes at its access number `fuse`.
    fn doomed(&self, fuse: u32) -> Mortal {
        Mortal { fuse: Rc::new(Cell::new(fuse)), ..self.clone() }
    }

    fn burn(&self) -> bool {
        self.fuse.set(self.fuse.get().saturating_sub(1));
        self.fuse.get() == 0
    }

    fn vanish(&self) -> ! {
        std::panic::resume_unwind(Box::new("vanished"))
    }
}

impl Place for Mortal {
    fn word(&self, word: Word) -> &AtomicU64 {
        if self.burn() {
            self.vanish();
        }
        &self.words[word as usize]
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }

    fn copy_in(&self, offset: usize, bytes: &[u8]) {
        let last = self.burn();
        let length = if last { bytes.len() / 2 } else { bytes.len() };
        for (cell, byte) in self.bytes[offset..].iter().zip(&bytes[..length]) {
            cell.set(*byte);
        }
        if last {
            self.vanish();
        }
    }

    fn copy_out(&self, offset: usize, into: &mut [u8]) {
        if self.burn() {
            self.vanish();
        }
        for (cell, byte) in self.bytes[offset..].iter().zip(into) {
            *byte = cell.get();
        }
    }
}

/// Call `script` with ever longer fuses until it is not cut short; how many crash points there were.
fn at_each_step(mut script: impl FnMut(u32) -> bool) -> u32 {
    (1..1000).find(|fuse| script(*fuse)).expect("a script ends")
}

#[test]
fn a_producer_that_vanishes_leaves_whole_writes_or_none() {
    let writes = [&b"one"[..], b"twotwo", b"threethree", b"4"];
    let crash_points = at_each_step(|fuse| {
        let memory = Mortal::new();
        let mut producer = Producer::new(memory.doomed(fuse));
        let mut consumer = Consumer::new(memory);
        let (mut heard, mut buffer) = (Vec::new(), [0; CAPACITY]);
        let lived = catch_unwind(AssertUnwindSafe(|| {
            for bytes in writes {
                assert_eq!(producer.write(bytes).unwrap().length, bytes.len());
                assert!(!producer.wait_for_room().unwrap());
                let read = consumer.read(&mut buffer).unwrap().length;
                heard.extend_from_slice(&buffer[..read]);
            }
        }))
        .is_ok();
        consumer.freeze().unwrap();
        let read = consumer.read(&mut buffer).unwrap().length;
        heard.extend_from_slice(&buffer[..read]);
        let prefixes = (0..=writes.len()).map(|count| writes[..count].concat()).collect::<Vec<_>>();
        assert!(prefixes.contains(&heard), "{heard:?} is not whole after step {fuse}");
        assert!(!consumer.has_input());
        lived
    });
    assert!(crash_points > 20, "only {crash_points} steps were tried");
}

#[test]
fn a_consumer_that_vanishes_neither_blocks_nor_misleads_the_producer() {
    let crash_points = at_each_step(|fuse| {
        let memory = Mortal::new();
        let mut consumer = Consumer::new(memory.doomed(fuse));
        let mut producer = Producer::new(memory);
        let lived = catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..4 {
                assert!(consumer.prepare_sleep());
                assert_eq!(producer.write(b"0123456789").unwrap().length, 10);
                consumer.awake();
                assert_eq!(consumer.read(&mut [0; 7]).unwrap().length, 7);
                assert_eq!(consumer.read(&mut [0; 7]).unwrap().length, 3);
            }
        }))
        .is_ok();
        let mut written = 0;
        for _ in 0..100 {
            written += producer.write(b"abc").unwrap().length;
        }
        assert!(written <= CAPACITY && producer.wait_for_room().unwrap(), "{written} bytes after step {fuse}");
        lived
    });
    assert!(crash_points > 20, "only {crash_points} steps were tried");
}

#[test]
fn a_survivors_announcement_is_its_own_whatever_the_other_leaves_behind() {
    let memory = Mortal::new();
    let mut producer = Producer::new(memory.clone());
    let mut consumer = Consumer::new(memory.clone());
    assert!(consumer.prepare_sleep());
    memory.word(Word::ConsumerSleeps).store(u64::MAX, Ordering::Relaxed);
    assert!(producer.write(b"x").unwrap().ring_bell);
    consumer.awake();
    assert_eq!(memory.word(Word::ConsumerSleeps).load(Ordering::Relaxed), 2, "published anew from its own count");
}

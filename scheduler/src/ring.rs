//! The run queue of one scheduler: a bounded ring that the owner fills and empties, and that others steal half of.
//!
//! It follows the run queue of Go's scheduler (`runtime/proc.go`, `runqput`, `runqgrab`): `tail` is written by the
//! owner alone, `head` is moved by whoever takes, by compare-and-swap. A thief first copies the entries and then moves
//! `head` over them; if `head` moved meanwhile, the copies are thrown away. Entries between `head` and `tail` are never
//! overwritten, because the owner refuses to push when the ring is full.
//!
//! Set aside: crossbeam's deque, whose inside cannot be modelled with loom, which grows without a bound, and whose
//! FIFO pop costs a SeqCst read-modify-write too; st3, which is not faster and no longer kept.

use crate::sync::{Acquire, AtomicPtr, AtomicU32, Relaxed, Release};
use crossbeam_utils::CachePadded;
use std::ptr;

/// Entries of one ring; a power of two. Models use few, so that wrapping and overflow come early.
#[cfg(not(loom))]
pub(crate) const CAPACITY: u32 = 256;
#[cfg(loom)]
pub(crate) const CAPACITY: u32 = 4;

/// The ring; see the module's text for who may do what.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    head: CachePadded<AtomicU32>,
    tail: CachePadded<AtomicU32>,
    entries: Box<[AtomicPtr<T>]>,
}

impl<T> Ring<T> {
    pub(crate) fn new() -> Self {
        Ring {
            head: CachePadded::new(AtomicU32::new(0)),
            tail: CachePadded::new(AtomicU32::new(0)),
            entries: (0..CAPACITY).map(|_| AtomicPtr::new(ptr::null_mut())).collect(),
        }
    }

    /// How many entries there are, as far as one can say.
    #[inline]
    pub(crate) fn len(&self) -> u32 {
        let head = self.head.load(Acquire);
        self.tail.load(Acquire).wrapping_sub(head).min(CAPACITY)
    }

    #[inline]
    fn entry(&self, at: u32) -> &AtomicPtr<T> {
        &self.entries[(at & (CAPACITY - 1)) as usize]
    }

    /// Owner only: adds at the tail, or gives the entry back if the ring is full.
    #[inline]
    pub(crate) fn push(&self, item: *mut T) -> Result<(), *mut T> {
        // Ordering: Acquire pairs with the Release of `pop` and `steal`: what they read out may be overwritten.
        let head = self.head.load(Acquire);
        let tail = self.tail.load(Relaxed);
        if tail.wrapping_sub(head) >= CAPACITY {
            return Err(item);
        }
        self.entry(tail).store(item, Relaxed);
        // Ordering: Release publishes the entry, and what it points to, to thieves.
        self.tail.store(tail.wrapping_add(1), Release);
        Ok(())
    }

    /// Owner only: takes from the head, the oldest first.
    #[inline]
    pub(crate) fn pop(&self) -> Option<*mut T> {
        let mut head = self.head.load(Acquire);
        loop {
            let tail = self.tail.load(Relaxed);
            if head == tail {
                return None;
            }
            let item = self.entry(head).load(Relaxed);
            // Ordering: Release, so that a later push that sees the new head also sees our read done.
            match self.head.compare_exchange_weak(head, head.wrapping_add(1), Release, Acquire) {
                Ok(_) => return Some(item),
                Err(now) => head = now,
            }
        }
    }

    /// Any thread: takes the older half out, or as many of it as there is room for.
    pub(crate) fn take_half(&self, into: &mut [*mut T]) -> u32 {
        self.grab(into)
    }

    /// Any thread: moves the older half to `thief`, which must be the caller's own and empty, and returns the oldest
    /// of them to run at once.
    pub(crate) fn steal_into(&self, thief: &Ring<T>) -> Option<*mut T> {
        let mut grabbed = [ptr::null_mut(); CAPACITY as usize / 2];
        let count = self.grab(&mut grabbed);
        let (&first, rest) = grabbed[..count as usize].split_first()?;
        for &item in rest {
            thief.push(item).unwrap_or_else(|_| unreachable!("an empty ring has room for half a ring"));
        }
        Some(first)
    }

    fn grab(&self, into: &mut [*mut T]) -> u32 {
        loop {
            // Ordering: Acquire on both; `tail`'s pairs with `push` and makes the entries readable.
            let head = self.head.load(Acquire);
            let tail = self.tail.load(Acquire);
            let len = tail.wrapping_sub(head);
            let half = len - len / 2;
            if half > CAPACITY / 2 {
                continue; // head and tail are of different moments
            }
            let half = half.min(into.len() as u32);
            if half == 0 {
                return 0;
            }
            for at in 0..half {
                into[at as usize] = self.entry(head.wrapping_add(at)).load(Relaxed);
            }
            let taken = head.wrapping_add(half);
            if cfg!(mutant) {
                // The mutant: move the head without asking whether it is still where the copies were made from.
                self.head.store(taken, Release);
                return half;
            }
            if self.head.compare_exchange(head, taken, Release, Relaxed).is_ok() {
                return half;
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize},
    };

    fn item(n: usize) -> *mut u8 {
        ptr::without_provenance_mut(n)
    }

    #[test]
    fn first_in_first_out_over_many_rounds_of_the_ring() {
        let ring = Ring::new();
        for n in 1..10 * CAPACITY as usize {
            ring.push(item(2 * n)).unwrap();
            ring.push(item(2 * n + 1)).unwrap();
            assert_eq!(ring.pop(), Some(item(2 * n)));
            assert_eq!(ring.pop(), Some(item(2 * n + 1)));
        }
        assert_eq!(ring.pop(), None);
    }

    #[test]
    fn a_full_ring_gives_the_item_back() {
        let ring = Ring::new();
        for n in 1..=CAPACITY as usize {
            ring.push(item(n)).unwrap();
        }
        assert_eq!(ring.push(item(7777)), Err(item(7777)));
        assert_eq!(ring.len(), CAPACITY);
    }

    #[test]
    fn a_thief_takes_the_older_half_in_order() {
        let (ring, thief) = (Ring::new(), Ring::new());
        (1..=5).for_each(|n| ring.push(item(n)).unwrap());
        assert_eq!(ring.steal_into(&thief), Some(item(1)));
        assert_eq!((thief.pop(), thief.pop(), thief.pop()), (Some(item(2)), Some(item(3)), None));
        assert_eq!((ring.pop(), ring.pop(), ring.pop()), (Some(item(4)), Some(item(5)), None));
    }

    #[test]
    fn each_item_comes_out_once_with_two_thieves() {
        const ITEMS: usize = 200_000;
        let ring = Arc::new(Ring::<u8>::new());
        let (sum, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let thieves: Vec<_> = (0..2)
            .map(|_| {
                let (ring, sum, done) = (ring.clone(), sum.clone(), done.clone());
                std::thread::spawn(move || {
                    let mine = Ring::new();
                    while !done.load(Relaxed) {
                        let mut next = ring.steal_into(&mine);
                        while let Some(item) = next {
                            sum.fetch_add(item.addr(), Relaxed);
                            next = mine.pop();
                        }
                    }
                })
            })
            .collect();
        for n in 1..=ITEMS {
            while ring.push(item(n)).is_err() {
                if let Some(item) = ring.pop() {
                    sum.fetch_add(item.addr(), Relaxed);
                }
            }
        }
        while let Some(item) = ring.pop() {
            sum.fetch_add(item.addr(), Relaxed);
        }
        done.store(true, Relaxed);
        thieves.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(sum.load(Relaxed), ITEMS * (ITEMS + 1) / 2);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::sync::Arc;

    fn item(n: usize) -> *mut u8 {
        ptr::without_provenance_mut(n)
    }

    fn drain(ring: &Ring<u8>, into: &mut Vec<usize>) {
        while let Some(item) = ring.pop() {
            into.push(item.addr());
        }
    }

    /// The owner pops while a thief steals: each item once.
    #[test]
    fn model_owner_against_thief() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            (1..=3).for_each(|n| ring.push(item(n)).unwrap());
            let thief = {
                let ring = ring.clone();
                loom::thread::spawn(move || {
                    let mine = Ring::new();
                    let mut got: Vec<usize> = ring.steal_into(&mine).into_iter().map(|p| p.addr()).collect();
                    drain(&mine, &mut got);
                    got
                })
            };
            let mut got = Vec::new();
            drain(&ring, &mut got);
            got.extend(thief.join().unwrap());
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3]);
        });
    }

    /// Two thieves at one ring while the owner pushes on: each item once.
    #[test]
    fn model_two_thieves() {
        loom::model(|| {
            let ring = Arc::new(Ring::new());
            (1..=2).for_each(|n| ring.push(item(n)).unwrap());
            let thieves: Vec<_> = (0..2)
                .map(|_| {
                    let ring = ring.clone();
                    loom::thread::spawn(move || {
                        let mine = Ring::new();
                        let mut got: Vec<usize> = ring.steal_into(&mine).into_iter().map(|p| p.addr()).collect();
                        drain(&mine, &mut got);
                        got
                    })
                })
                .collect();
            ring.push(item(3)).unwrap();
            let mut got: Vec<usize> = thieves.into_iter().flat_map(|t| t.join().unwrap()).collect();
            drain(&ring, &mut got);
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3]);
        });
    }
}

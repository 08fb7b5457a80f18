//! The queue that all schedulers share: what came from outside, and what did not fit into a ring.
//!
//! A lock around lists, one for each priority, that are linked through the tasks. It is off every hot path: rings hand
//! over half of themselves at a time, and a scheduler looks here once in a while and when it has nothing else. It takes
//! from every list alike; who runs first is decided among the scheduler's own queues, and there only.

use crate::{
    priority::Priority,
    stack::Linked,
    sync::{Acquire, AtomicUsize, Mutex, Relaxed, Release},
};
use std::ptr;

#[derive(Debug)]
struct List<T> {
    head: *mut T,
    tail: *mut T,
}

impl<T: Linked> List<T> {
    fn new() -> Self {
        List { head: ptr::null_mut(), tail: ptr::null_mut() }
    }

    fn push(&mut self, item: *mut T) {
        // SAFETY: what is queued is never unmapped, and the caller took this one from a queue.
        unsafe { &*item }.link().store(ptr::null_mut(), Relaxed);
        match self.tail.is_null() {
            true => self.head = item,
            // SAFETY: the tail is in this list.
            false => unsafe { &*self.tail }.link().store(item, Relaxed),
        }
        self.tail = item;
    }

    /// Takes up to `most` from the front: the first of them, still linked, and how many they are.
    fn take(&mut self, most: usize) -> (*mut T, usize) {
        let (first, mut taken) = (self.head, 0);
        while taken < most && !self.head.is_null() {
            // SAFETY: what is in the list is alive.
            self.head = unsafe { &*self.head }.link().load(Relaxed);
            taken += 1;
        }
        if self.head.is_null() {
            self.tail = ptr::null_mut();
        }
        (first, taken)
    }
}

/// See the module's text. What is in it is alive for as long as the program runs.
#[derive(Debug)]
pub(crate) struct Injector<T: 'static> {
    lists: Mutex<[List<T>; 4]>,
    len: AtomicUsize,
}

// SAFETY: the pointers are to items that are `Sync` and never unmapped.
unsafe impl<T: Sync> Send for Injector<T> {}
// SAFETY: as above; the lists are behind a lock.
unsafe impl<T: Sync> Sync for Injector<T> {}

impl<T: Linked> Injector<T> {
    pub(crate) fn new() -> Self {
        Injector { lists: Mutex::new([(); 4].map(|()| List::new())), len: AtomicUsize::new(0) }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len.load(Acquire)
    }

    /// Adds tasks of one priority at the end, in their order.
    pub(crate) fn push(&self, priority: Priority, items: &[*mut T]) {
        let mut lists = self.lists.lock();
        items.iter().for_each(|&item| lists[priority as usize].push(item));
        // Ordering: Release pairs with the Acquire in `len`; the lists themselves are behind the lock.
        self.len.store(self.len.load(Relaxed) + items.len(), Release);
    }

    /// Takes up to `most` of each priority from the front. `each` is called without the lock: a full ring sends tasks
    /// back here.
    pub(crate) fn pop(&self, most: usize, mut each: impl FnMut(&'static T)) -> usize {
        let seen = self.len();
        if seen == 0 {
            return 0;
        }
        let mut lists = self.lists.lock();
        let taken = Priority::DESCENDING.map(|priority| lists[priority as usize].take(most));
        let count = taken.iter().map(|(_, count)| count).sum::<usize>();
        // The mutant: subtract from the length that was seen before the lock was taken.
        let len = if cfg!(mutant) { seen } else { self.len.load(Relaxed) };
        self.len.store(len - count, Release);
        drop(lists);
        for (first, count) in taken {
            let mut next = first;
            for _ in 0..count {
                // SAFETY: as in `take`; what was taken is ours, and its link is read before it is given away.
                let item: &'static T = unsafe { &*next };
                next = item.link().load(Relaxed);
                each(item);
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::AtomicPtr;

    struct Item {
        number: usize,
        link: AtomicPtr<Item>,
    }

    // SAFETY: 1. a field; 2. the tests leave it alone.
    unsafe impl Linked for Item {
        fn link(&self) -> &AtomicPtr<Item> {
            &self.link
        }
    }

    fn item(number: usize) -> *mut Item {
        Box::into_raw(Box::new(Item { number, link: AtomicPtr::new(ptr::null_mut()) }))
    }

    fn numbers(injector: &Injector<Item>, most: usize) -> Vec<usize> {
        let mut numbers = Vec::new();
        let taken = injector.pop(most, |item| numbers.push(item.number));
        assert_eq!(taken, numbers.len());
        numbers
    }

    #[cfg(not(loom))]
    #[test]
    fn each_priority_gives_as_many_and_keeps_its_order() {
        let injector = Injector::new();
        injector.push(Priority::Low, &[item(31), item(32)]);
        injector.push(Priority::Normal, &[item(21), item(22), item(23)]);
        injector.push(Priority::Max, &[item(1)]);
        assert_eq!(numbers(&injector, 2), [1, 21, 22, 31, 32]);
        injector.push(Priority::Normal, &[item(24)]);
        assert_eq!(injector.len(), 2);
        assert_eq!(numbers(&injector, 9), [23, 24]);
        assert_eq!(numbers(&injector, 9), []);
    }

    /// Somebody adds while somebody takes: nothing is lost, and the length is that of the lists.
    #[cfg(loom)]
    #[test]
    fn model_push_against_pop() {
        loom::model(|| {
            let injector = loom::sync::Arc::new(Injector::new());
            injector.push(Priority::Normal, &[item(1), item(2)]);
            let pusher = {
                let injector = injector.clone();
                loom::thread::spawn(move || {
                    injector.push(Priority::High, &[item(3)]);
                })
            };
            let mut got = numbers(&injector, 1);
            pusher.join().unwrap();
            while injector.len() > 0 {
                got.extend(numbers(&injector, 2));
            }
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3]);
        });
    }
}

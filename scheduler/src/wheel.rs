//! Timers: a hierarchical wheel (Varghese and Lauck, 1987), one for each scheduler.
//!
//! Six levels of 64 slots; a tick is 2^17 ns (131 µs), so level 0 spans 8.4 ms and all levels 104 days; a deadline
//! beyond waits in the last slot and is dealt with again. Setting and cancelling touch one list each. A timer never
//! fires early: a deadline inside a tick is due when the tick has passed.
//!
//! The wheel knows no clock and no task: it takes `now` and gives back what is due, in portions if it is asked to, so
//! that a hundred thousand timers for one instant hold nobody up. Entries lie in one vector and are linked by number; a
//! key carries the entry's generation, so that a late cancel finds nothing.

const LEVELS: usize = 6;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const TICK_BITS: u32 = 17;
const NONE: u32 = u32::MAX;

/// A timer that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    entry: u32,
    generation: u32,
}

#[derive(Debug)]
struct Entry<T> {
    deadline_ns: u64,
    generation: u32,
    list: u16,
    next: u32,
    previous: u32,
    payload: Option<T>,
}

/// The wheel; see the module's text.
#[derive(Debug)]
pub(crate) struct Wheel<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    heads: [u32; LEVELS * SLOTS],
    tails: [u32; LEVELS * SLOTS],
    occupied: [u64; LEVELS],
    tick: u64,
    len: usize,
}

impl<T> Wheel<T> {
    pub(crate) fn new(now_ns: u64) -> Self {
        Wheel {
            entries: Vec::new(),
            free: NONE,
            heads: [NONE; LEVELS * SLOTS],
            tails: [NONE; LEVELS * SLOTS],
            occupied: [0; LEVELS],
            tick: now_ns >> TICK_BITS,
            len: 0,
        }
    }

    /// How many timers are set.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Sets a timer.
    pub(crate) fn set(&mut self, deadline_ns: u64, payload: T) -> Key {
        let entry = self.allocate(deadline_ns, payload);
        self.link(entry);
        self.len += 1;
        Key { entry, generation: self.entries[entry as usize].generation }
    }

    /// Cancels a timer; its payload, if it had not fired.
    pub(crate) fn cancel(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.get(key.entry as usize)?;
        if entry.generation != key.generation || entry.payload.is_none() {
            return None;
        }
        self.unlink(key.entry);
        self.release(key.entry)
    }

    /// The moment at which something may be due: exact for the next 8 ms, and never later than the next deadline.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        (0..LEVELS)
            .filter(|&level| self.occupied[level] != 0)
            .map(|level| {
                let shift = SLOT_BITS * level as u32;
                let position = (self.tick >> shift) as u32 % SLOTS as u32;
                // A slot of an upper level at the current position holds what is a whole round away: it comes last.
                let first = u32::from(level > 0);
                let distance = self.occupied[level].rotate_right(position + first).trailing_zeros() + first;
                (((self.tick >> shift) + u64::from(distance)) << shift) << TICK_BITS
            })
            .min()
    }

    /// Hands out what is due at `now`, in order of its tick, but not more than `most`. True if there may be more.
    pub(crate) fn expire(&mut self, now_ns: u64, most: usize, mut due: impl FnMut(T)) -> bool {
        let now = now_ns >> TICK_BITS;
        let mut left = most;
        while self.tick <= now {
            let list = self.tick as usize % SLOTS;
            while self.heads[list] != NONE {
                if left == 0 {
                    return true;
                }
                left -= 1;
                let entry = self.heads[list];
                self.unlink(entry);
                self.release(entry).into_iter().for_each(&mut due);
            }
            if self.len == 0 || self.tick == now {
                self.tick = self.tick.max(now);
                break;
            }
            self.advance(now);
        }
        false
    }

    /// Goes to the next tick at which there is something to do, at most to `now`.
    fn advance(&mut self, now: u64) {
        let next = self.next_ns().map_or(now, |ns| ns >> TICK_BITS);
        self.tick = next.clamp(self.tick + 1, now);
        for level in 1..LEVELS {
            let shift = SLOT_BITS * level as u32;
            if self.tick & ((1 << shift) - 1) != 0 {
                break;
            }
            let position = (self.tick >> shift) as usize % SLOTS;
            self.spread(level * SLOTS + position);
        }
    }

    /// Takes a whole list off and links its entries anew, seen from the current tick, in the order in which they were set.
    fn spread(&mut self, list: usize) {
        let mut entry = std::mem::replace(&mut self.heads[list], NONE);
        self.tails[list] = NONE;
        self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
        while entry != NONE {
            let next = self.entries[entry as usize].next;
            self.link(entry);
            entry = next;
        }
    }

    fn allocate(&mut self, deadline_ns: u64, payload: T) -> u32 {
        let entry = self.free;
        if entry == NONE {
            let new = Entry { deadline_ns, generation: 0, list: 0, next: NONE, previous: NONE, payload: Some(payload) };
            self.entries.push(new);
            return (self.entries.len() - 1) as u32;
        }
        let used = &mut self.entries[entry as usize];
        self.free = used.next;
        used.deadline_ns = deadline_ns;
        used.payload = Some(payload);
        entry
    }

    fn release(&mut self, entry: u32) -> Option<T> {
        let used = &mut self.entries[entry as usize];
        used.generation = used.generation.wrapping_add(1);
        used.next = self.free;
        self.free = entry;
        self.len -= 1;
        used.payload.take()
    }

    /// Puts an entry at the end of the list of its deadline, seen from the current tick.
    fn link(&mut self, entry: u32) {
        // Round up: the tick in which the deadline lies must have passed.
        let due =
            (self.entries[entry as usize].deadline_ns.saturating_add((1 << TICK_BITS) - 1) >> TICK_BITS).max(self.tick);
        let ahead = due - self.tick;
        let level = if ahead < SLOTS as u64 { 0 } else { (63 - ahead.leading_zeros()) / SLOT_BITS };
        let (level, due) = match (level as usize) < LEVELS {
            true => (level as usize, due),
            false => (LEVELS - 1, self.tick + (1 << (SLOT_BITS * LEVELS as u32)) - 1),
        };
        let position = (due >> (SLOT_BITS * level as u32)) as usize % SLOTS;
        let list = level * SLOTS + position;
        let tail = std::mem::replace(&mut self.tails[list], entry);
        match tail {
            NONE => self.heads[list] = entry,
            tail => self.entries[tail as usize].next = entry,
        }
        self.occupied[level] |= 1 << position;
        let linked = &mut self.entries[entry as usize];
        (linked.list, linked.next, linked.previous) = (list as u16, NONE, tail);
    }

    fn unlink(&mut self, entry: u32) {
        let Entry { list, next, previous, .. } = self.entries[entry as usize];
        let list = list as usize;
        match previous {
            NONE => self.heads[list] = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NONE => self.tails[list] = previous,
            next => self.entries[next as usize].previous = previous,
        }
        if self.heads[list] == NONE {
            self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn fired(wheel: &mut Wheel<u64>, now_ns: u64) -> Vec<u64> {
        let mut due = Vec::new();
        wheel.expire(now_ns, usize::MAX, |payload| due.push(payload));
        due
    }

    #[test]
    fn nothing_fires_early_and_all_fires_within_a_tick() {
        // A plain linear congruence for deadlines over five levels.
        let mut wheel = Wheel::new(0);
        let mut seed = 1u64;
        let mut deadlines = Vec::new();
        for _ in 0..5_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let deadline = (seed >> 33) % (1 << (20 + seed % 23));
            deadlines.push(deadline);
            wheel.set(deadline, deadline);
        }
        deadlines.sort_unstable();
        let mut seen = Vec::new();
        let mut now = 0;
        while wheel.len() > 0 {
            let next = wheel.next_ns().expect("timers are set");
            assert!(next <= deadlines[seen.len()] + (1 << TICK_BITS), "the next look comes too late");
            now = next.max(now);
            for deadline in fired(&mut wheel, now) {
                assert!(deadline <= now, "{deadline} fired early, at {now}");
                assert!(now - deadline <= 1 << TICK_BITS, "{deadline} fired late, at {now}");
                seen.push(deadline);
            }
            now += 1;
        }
        seen.sort_unstable();
        assert_eq!(seen, deadlines);
    }

    #[test]
    fn timers_that_are_set_while_others_fire_are_not_half_a_second_late() {
        // One timer for each quarter of a millisecond, each set for 10 to 1,000 ms ahead, as time goes on.
        let mut wheel = Wheel::new(0);
        let (mut now, mut late_most) = (0, 0);
        for n in 0..8_000u64 {
            let deadline = now + (10 + n * 7919 % 991) * MS;
            wheel.set(deadline, deadline);
            let until = now + MS / 4;
            while let Some(next) = wheel.next_ns().filter(|next| *next <= until) {
                now = next.max(now);
                let mut due = Vec::new();
                wheel.expire(now, usize::MAX, |deadline| due.push(deadline));
                late_most = due.iter().map(|deadline| now - deadline).fold(late_most, u64::max);
                now += 1;
            }
            now = now.max(until);
        }
        assert!(late_most <= 2 << TICK_BITS, "a timer was {} µs late", late_most / 1000);
    }

    #[test]
    fn what_is_due_at_once_comes_in_portions_and_in_order_beside_cancels_and_new_ones() {
        let mut wheel = Wheel::new(0);
        let keys: Vec<Key> = (0..10).map(|n| wheel.set(MS, n)).collect();
        let mut due = Vec::new();
        assert!(wheel.expire(2 * MS, 4, |n| due.push(n)), "there is more");
        assert_eq!(wheel.cancel(keys[5]), Some(5), "it is due and has not fired");
        wheel.set(0, 10);
        assert!(wheel.next_ns().is_some_and(|next| next <= 2 * MS), "nobody sleeps before the rest has fired");
        assert!(wheel.expire(2 * MS, 4, |n| due.push(n)));
        assert!(!wheel.expire(2 * MS, 4, |n| due.push(n)));
        assert_eq!(due, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn a_long_jump_fires_everything_in_order_of_ticks() {
        let mut wheel = Wheel::new(5 * MS);
        for ms in [900, 1, 30, 7_000, 30] {
            wheel.set(ms * MS, ms);
        }
        assert_eq!(fired(&mut wheel, 10_000 * MS), [1, 30, 30, 900, 7_000]);
        assert_eq!(wheel.next_ns(), None);
    }

    #[test]
    fn a_cancelled_timer_never_fires_and_its_memory_is_used_again() {
        let mut wheel = Wheel::new(0);
        for _ in 0..100_000 {
            let key = wheel.set(5_000 * MS, 1);
            assert_eq!(wheel.cancel(key), Some(1));
            assert_eq!(wheel.cancel(key), None, "once");
        }
        assert_eq!(wheel.entries.len(), 1);
        assert_eq!(fired(&mut wheel, 10_000 * MS), []);
    }

    #[test]
    fn a_deadline_beyond_the_last_level_waits_its_time() {
        let mut wheel = Wheel::new(0);
        let day = 86_400_000 * MS;
        wheel.set(300 * day, 300);
        wheel.set(u64::MAX, 0);
        let mut now = 0;
        while now < 300 * day {
            assert_eq!(fired(&mut wheel, now), [], "at day {}", now / day);
            now += day;
        }
        assert_eq!(fired(&mut wheel, 300 * day + MS), [300]);
    }
}

//! Priorities: which of the waiting tasks has the next turn, by numbers that starve nobody.
//!
//! | who waits | who has the turns |
//! | --- | --- |
//! | max or high, and normal or low | 4 of the upper pair, then 1 of the lower |
//! | max and high | 8 max, then 1 high |
//! | normal and low | 8 normal, then 1 low |
//!
//! A scheduler applies the table to what waits in its own queues, at every turn. So the normal task that is first of
//! its queue waits for at most 9 turns of others, the first high one for at most 11 and the first low one for at most
//! 44, whatever the others do; a turn is up to 4,000 reductions. What does not wait costs nobody anything: the counters
//! run on while a lower queue is empty, and whoever comes to it then is served at once.
//!
//! Why 4 in the first line: turns that are no stalls (`stall.rs`) last less than 10 ms, and 9 of them less than 100.
//!
//! This is state in, decision out: the queues are the worker's (`worker/levels.rs`).
//!
//! Set aside: BEAM's rule, by which a process of high priority shuts the normal ones out for as long as it wants to
//! run. Only its 8:1 of normal and low is kept. Shares of time instead of turns: they need the clock at every turn.

/// How often a task has a turn when others wait too. The names are Erlang's; the rule is not: no priority shuts out
/// another. See `docs/scheduling.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// One turn after eight of normal ones.
    Low,
    /// What a task has that asks for nothing.
    #[default]
    Normal,
    /// Four turns before one of the normal or low ones.
    High,
    /// Eight turns before one of the high ones.
    Max,
}

use Priority::{High, Low, Max, Normal};

/// Turns in a row that max and high have while normal or low ones wait.
const UPPER_IN_A_ROW: u32 = 4;

/// Turns in a row that the upper one of a pair has while the other one waits.
const IN_A_ROW: u32 = 8;

impl Priority {
    /// All of them, the most urgent first.
    pub(crate) const DESCENDING: [Priority; 4] = [Max, High, Normal, Low];

    /// Two bits for a slot's word, zero for normal.
    pub(crate) fn to_bits(self) -> u32 {
        self as u32 ^ Normal as u32
    }

    pub(crate) fn from_bits(bits: u32) -> Priority {
        match bits ^ Normal as u32 {
            0 => Low,
            1 => Normal,
            2 => High,
            _ => Max,
        }
    }
}

impl TryFrom<u8> for Priority {
    type Error = u8;

    /// The priority of this number: 0 for low to 3 for max. Gives back a number that is none.
    fn try_from(number: u8) -> Result<Priority, u8> {
        Priority::DESCENDING.into_iter().find(|&priority| priority as u8 == number).ok_or(number)
    }
}

/// One scheduler's memory of who had the last turns.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turns {
    /// Of max and high, since the last normal or low one.
    upper: u32,
    /// Of max, since the last high one.
    max: u32,
    /// Of normal, since the last low one.
    normal: u32,
}

impl Turns {
    /// In which order to look for the next task.
    pub(crate) fn order(self) -> [Priority; 4] {
        let pair = |first, second, turns| if turns < IN_A_ROW { [first, second] } else { [second, first] };
        let (upper, lower) = (pair(Max, High, self.max), pair(Normal, Low, self.normal));
        let [[a, b], [c, d]] = if self.upper < UPPER_IN_A_ROW { [upper, lower] } else { [lower, upper] };
        [a, b, c, d]
    }

    /// After a turn of this priority.
    #[must_use]
    pub(crate) fn after(self, priority: Priority) -> Turns {
        let more = |turns: u32| (turns + 1).min(IN_A_ROW);
        match priority {
            Max => Turns { upper: more(self.upper), max: more(self.max), ..self },
            High => Turns { upper: more(self.upper), max: 0, ..self },
            Normal => Turns { upper: 0, normal: more(self.normal), ..self },
            Low => Turns { upper: 0, normal: 0, ..self },
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Who has the turns if these wait all the time.
    fn turns_of(waiting: &[Priority], turns: usize) -> Vec<Priority> {
        let mut state = Turns::default();
        let next = || {
            let next = state.order().into_iter().find(|priority| waiting.contains(priority)).unwrap();
            state = state.after(next);
            next
        };
        std::iter::repeat_with(next).take(turns).collect()
    }

    fn count(turns: &[Priority], priority: Priority) -> usize {
        turns.iter().filter(|had| **had == priority).count()
    }

    #[test]
    fn two_that_wait_share_as_the_table_says() {
        for (upper, lower, to_one) in
            [(Normal, Low, 8), (Max, High, 8), (High, Normal, 4), (High, Low, 4), (Max, Normal, 4), (Max, Low, 4)]
        {
            let turns = turns_of(&[upper, lower], 100 * (to_one + 1));
            assert_eq!(
                (count(&turns, upper), count(&turns, lower)),
                (100 * to_one, 100),
                "{upper:?} against {lower:?}"
            );
        }
    }

    #[test]
    fn with_all_four_waiting_none_waits_longer_than_is_written() {
        let turns = turns_of(&Priority::DESCENDING, 10_000);
        let longest_wait = |priority| {
            let at: Vec<usize> = (0..turns.len()).filter(|&at| turns[at] == priority).collect();
            at.windows(2).map(|pair| pair[1] - pair[0] - 1).max().unwrap()
        };
        assert_eq!([Max, High, Normal, Low].map(longest_wait), [2, 11, 9, 44]);
    }

    #[test]
    fn one_that_comes_late_is_served_at_once() {
        let mut state = Turns::default();
        (0..1000).for_each(|_| state = state.after(High));
        assert_eq!(state.order()[0], Normal);
        assert_eq!(state.after(Normal).order()[0], Max);
    }

    #[test]
    fn bits_come_out_as_they_went_in_and_normal_is_zero() {
        for priority in Priority::DESCENDING {
            assert_eq!(Priority::from_bits(priority.to_bits()), priority);
        }
        assert_eq!(Normal.to_bits(), 0);
    }
}

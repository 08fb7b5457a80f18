//! In which order, how often and for how long the cells are measured.
//!
//! Repetitions are rounds over the whole grid. The order is shuffled once with a fixed seed, so that neighbours in the
//! grid do not share the same disturbed second, and each round starts further along, so that the repetitions of a
//! cell lie about two thirds of a round apart at three repetitions. A fresh shuffle per round was set aside: it puts some
//! repetitions back to back.

use std::time::Duration;

use crate::split_mix::split_mix;

/// Start, connect and end of one cell, measured or not: what has to be paid beside its running time. It is about 60 ms
/// for two nodes on two CPUs.
const OVERHEAD_MS: u64 = 80;
/// Shorter runs measure their own start.
const RUN_MS_MIN: u64 = 150;
/// Longer runs teach nothing new about a cell.
const RUN_MS_MAX: u64 = 2_000;
/// Decides nothing but the order, which should be the same each time.
const SEED: u64 = 0x686f_6c6d;

/// The running time of each cell, so that all of it takes about as long as the budget.
pub(crate) fn run_ms(budget: Duration, cells: usize, reps: usize) -> u64 {
    let runs = (cells * reps).max(1) as u64;
    let run_ms = (budget.as_millis() as u64 / runs).saturating_sub(OVERHEAD_MS);
    (run_ms * 5 / 6).clamp(RUN_MS_MIN, RUN_MS_MAX) // a sixth is the cell's warm-up
}

/// For each round the indices of all cells in the order to run them.
pub(crate) fn rounds(cells: usize, reps: usize) -> Vec<Vec<usize>> {
    let order = shuffled(cells);
    let start_of = |round: usize| round * cells / reps.max(1);
    (0..reps).map(|round| order.iter().cycle().skip(start_of(round)).take(cells).copied().collect()).collect()
}

fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = SEED;
    for last in (1..count).rev() {
        order.swap(last, (split_mix(&mut state) % (last as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_measures_every_cell_once() {
        for (cells, reps) in [(84, 3), (1, 1), (2, 5), (7, 1)] {
            let rounds = rounds(cells, reps);
            assert_eq!(rounds.len(), reps);
            for mut round in rounds {
                round.sort_unstable();
                assert_eq!(round, (0..cells).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn repetitions_of_a_cell_lie_apart() {
        let all: Vec<usize> = rounds(84, 3).concat();
        for cell in 0..84 {
            let at: Vec<usize> = (0..all.len()).filter(|&index| all[index] == cell).collect();
            assert!(at.windows(2).all(|pair| pair[1] - pair[0] >= 84 / 2), "{cell}: {at:?}");
        }
    }

    #[test]
    fn the_order_is_shuffled_and_always_the_same() {
        assert_eq!(rounds(84, 3), rounds(84, 3));
        assert_ne!(rounds(84, 1)[0], (0..84).collect::<Vec<_>>());
    }

    #[test]
    fn the_budget_is_kept_by_shorter_runs_down_to_a_floor() {
        assert_eq!(run_ms(Duration::from_secs(126), 84, 3), 350);
        assert_eq!(run_ms(Duration::from_secs(126), 5_000, 3), RUN_MS_MIN);
        assert_eq!(run_ms(Duration::from_secs(126), 1, 1), RUN_MS_MAX);
    }
}

//! Arithmetic that is the same in every program holm is measured beside: work of a known length, costs, sleeps.
//!
//! Results of the work are checked by another way of computing them ([`lcg_jump`]), so that a compiler that skips the
//! work is found out.

use std::hint::black_box;
use std::time::Instant;

const FACTOR: u64 = 1_664_525;
const ADDEND: u64 = 1_013_904_223;
const MASK: u64 = 0xffff_ffff;
/// Spreads small numbers (2^32 divided by the golden ratio).
const SPREAD: u64 = 2_654_435_761;

/// Steps of one calibration; long beside a read of the clock, short beside a time slice.
const CALIBRATION_STEPS: u64 = 100_000;
/// Calibrations, of which the fastest counts: a disturbance only ever makes one slower.
const CALIBRATIONS: usize = 16;

/// `x = (x * 1664525 + 1013904223) mod 2^32`, `steps` times, one after another.
#[inline(never)]
pub(super) fn lcg(mut x: u64, steps: u64) -> u64 {
    for _ in 0..steps {
        x = (x * FACTOR + ADDEND) & MASK;
        // SAFETY: there is no instruction in it. It tells LLVM that x changed, which keeps it from folding several steps
        // into one, as the compilers of Go and BEAM do not.
        unsafe { std::arch::asm!("/* {0} */", inout(reg) x, options(pure, nomem, nostack, preserves_flags)) };
    }
    x
}

/// What [`lcg`] computes, by repeated squaring.
pub(super) fn lcg_jump(x: u64, mut steps: u64) -> u64 {
    let (mut factor, mut addend) = (FACTOR, ADDEND);
    let (mut all_factor, mut all_addend) = (1u64, 0u64);
    while steps > 0 {
        if steps & 1 == 1 {
            (all_factor, all_addend) = ((factor * all_factor) & MASK, (factor * all_addend + addend) & MASK);
        }
        (factor, addend) = ((factor * factor) & MASK, (factor * addend + addend) & MASK);
        steps >>= 1;
    }
    (all_factor * x + all_addend) & MASK
}

/// Steps of task `number` of the workload `imbalance`.
pub(super) fn cost(number: u64, base: u64) -> u64 {
    let height = number * SPREAD % 97;
    base + base * height * height / 97
}

/// How long process `number` of the workload `timers` sleeps: 10 to 1000 ms.
pub(super) fn sleep_ms(number: u64) -> u64 {
    10 + number * SPREAD % 991
}

/// The sum of the numbers below `count`.
pub(super) fn sum_below(count: u64) -> u64 {
    count * (count - 1) / 2
}

/// How many steps of [`lcg`] take a microsecond on this machine at its best.
pub(super) fn steps_per_us() -> f64 {
    let once = |_| {
        let start = Instant::now();
        black_box(lcg(black_box(1), CALIBRATION_STEPS));
        start.elapsed().as_nanos() as f64
    };
    let best_ns = (0..CALIBRATIONS).map(once).fold(f64::INFINITY, f64::min);
    CALIBRATION_STEPS as f64 * 1e3 / best_ns.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumping_lands_where_stepping_does() {
        for (x, steps) in [(0, 0), (1, 1), (7, 2), (123, 1_000), (MASK, 4_097)] {
            assert_eq!(lcg(x, steps), lcg_jump(x, steps));
        }
        assert_eq!(lcg(0, 1), ADDEND);
    }

    #[test]
    fn costs_and_sleeps_stay_within_their_bounds() {
        assert_eq!((cost(0, 5_000), cost(1, 97)), (5_000, 97 + (SPREAD % 97).pow(2)));
        let sleeps: Vec<u64> = (0..10_000).map(sleep_ms).collect();
        assert_eq!((sleeps.iter().min(), sleeps.iter().max()), (Some(&10), Some(&1_000)));
        assert!((0..1_000).all(|number| cost(number, 5_000) <= 5_000 + 5_000 * 96 * 96 / 97));
    }

    #[test]
    fn work_can_be_calibrated() {
        assert!(steps_per_us() > 1.0);
    }
}

//! How late something was, over all times it happened: nearest-rank quantiles in microseconds.

use anyhow::{Result, ensure};

use crate::report_line::Report;

/// Delays in nanoseconds, sorted, at least one.
#[derive(Debug)]
pub(super) struct Lateness(Vec<i64>);

impl Lateness {
    /// Sorts them. Nothing may happen before its time, and something must have happened.
    pub(super) fn of(mut late_ns: Vec<i64>) -> Result<Self> {
        late_ns.sort_unstable();
        let early = late_ns.iter().take_while(|&&late| late < 0).count();
        ensure!(early == 0, "self-check failed: {early} of {} timers fired early", late_ns.len());
        ensure!(!late_ns.is_empty(), "self-check failed: no timer fired");
        Ok(Self(late_ns))
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which that share of all lies.
    pub(super) fn quantile_us(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1] as f64 / 1e3
    }

    /// The usual quantiles as further figures of a report.
    pub(super) fn in_report(&self, report: Report) -> Report {
        let figures = [("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999), ("max_us", 1.0)];
        figures.iter().fold(report, |report, (name, share)| report.extra(name, self.quantile_us(*share)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let late = Lateness::of((1..=100).rev().map(|us| us * 1_000).collect()).unwrap();
        assert_eq!([0.0, 0.5, 0.99, 0.999, 1.0].map(|share| late.quantile_us(share)), [1.0, 50.0, 99.0, 100.0, 100.0]);
    }

    #[test]
    fn nothing_may_be_early_and_something_must_happen() {
        assert!(Lateness::of(vec![5, -1]).unwrap_err().to_string().contains("1 of 2 timers fired early"));
        assert!(Lateness::of(Vec::new()).is_err());
    }
}

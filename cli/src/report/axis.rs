//! The two axes of a chart: shares along the bottom, a logarithmic value up the side.
//!
//! Shares are *ordinal*: every measured share gets equal room, whatever its distance, and between two of them p runs
//! evenly. A linear axis would press 0, 0.01 and 0.05 into one point, where layouts overtake each other; a logarithmic
//! one has no 0. Values are logarithmic because layouts differ by factors: equal factors are equal heights.

/// Where shares lie, from 0 (left) to 1 (right).
#[derive(Debug)]
pub(crate) struct ShareAxis<'a> {
    shares: &'a [f64],
}

impl<'a> ShareAxis<'a> {
    /// An axis over the measured shares, which ascend.
    pub(crate) fn new(shares: &'a [f64]) -> Self {
        Self { shares }
    }

    /// The place of the share with that index.
    pub(crate) fn tick(&self, index: usize) -> f64 {
        if self.shares.len() < 2 { 0.5 } else { index as f64 / (self.shares.len() - 1) as f64 }
    }

    /// The place of any share: even between its measured neighbours, at the edge beyond them.
    pub(crate) fn place(&self, share: f64) -> f64 {
        let above = self.shares.partition_point(|&measured| measured < share);
        let (Some(&high), Some(&low)) = (self.shares.get(above), above.checked_sub(1).and_then(|i| self.shares.get(i)))
        else {
            return self.tick(above.min(self.shares.len().saturating_sub(1)));
        };
        let within = (share - low) / (high - low);
        self.tick(above - 1) + within * (self.tick(above) - self.tick(above - 1))
    }
}

/// Where values lie, from 0 (bottom) to 1 (top), and which of them are written beside the axis.
#[derive(Debug, PartialEq)]
pub(crate) struct LogAxis {
    low: f64,
    high: f64,
}

/// Fewer labelled values than this and the next finer steps are taken.
const TICKS_MIN: usize = 4;
/// The range is at least this factor, so that noise does not fill a chart.
const FACTOR_MIN: f64 = 4.0;
/// Room above and below the extremes, as a factor.
const MARGIN: f64 = 1.12;

impl LogAxis {
    /// An axis that shows all of the values; those that are not positive have no place on it.
    pub(crate) fn over(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let positive = values.into_iter().filter(|value| *value > 0.0 && value.is_finite());
        let (low, high) = positive.fold((f64::INFINITY, 0.0), |(low, high), value| (value.min(low), value.max(high)));
        if high == 0.0 {
            return None;
        }
        let (low, high) = (low / MARGIN, high * MARGIN);
        let widen = (FACTOR_MIN / (high / low)).max(1.0).sqrt();
        Some(Self { low: low / widen, high: high * widen })
    }

    /// The place of a positive value.
    pub(crate) fn place(&self, value: f64) -> f64 {
        (value / self.low).ln() / (self.high / self.low).ln()
    }

    /// The values to write beside the axis.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let steps: [&[f64]; 3] = [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0]];
        let candidates = steps.into_iter().map(|steps| self.multiples(steps));
        let finest = || self.multiples(&[1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0]);
        candidates.into_iter().find(|ticks| ticks.len() >= TICKS_MIN).unwrap_or_else(finest)
    }

    fn multiples(&self, steps: &[f64]) -> Vec<f64> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let all = (first..=last).flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
        all.filter(|tick| (self.low..=self.high).contains(tick)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARES: [f64; 5] = [0.0, 0.01, 0.1, 0.5, 1.0];

    #[test]
    fn every_share_gets_equal_room() {
        let axis = ShareAxis::new(&SHARES);
        assert_eq!(SHARES.map(|share| axis.place(share)), [0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn between_two_shares_p_runs_evenly() {
        let axis = ShareAxis::new(&SHARES);
        assert!((axis.place(0.055) - 0.375).abs() < 1e-12 && (axis.place(0.3) - 0.625).abs() < 1e-12);
        assert_eq!((axis.place(-1.0), axis.place(2.0)), (0.0, 1.0));
    }

    #[test]
    fn a_single_share_stands_in_the_middle() {
        let axis = ShareAxis::new(&[0.5]);
        assert_eq!((axis.place(0.5), axis.place(0.7)), (0.5, 0.5));
    }

    #[test]
    fn equal_factors_are_equal_heights() {
        let axis = LogAxis::over([1.0, 100.0]).unwrap();
        let (a, b, c) = (axis.place(1.0), axis.place(10.0), axis.place(100.0));
        assert!((b - a - (c - b)).abs() < 1e-12 && a > 0.0 && c < 1.0);
    }

    #[test]
    fn wide_and_narrow_ranges_both_have_a_few_labels() {
        for (low, high) in [(1.0, 1.01), (9.0, 31.0), (0.02, 3.0), (1e5, 2e7), (1.0, 1e9)] {
            let ticks = LogAxis::over([low, high]).unwrap().ticks();
            assert!((3..=12).contains(&ticks.len()), "{low}..{high}: {ticks:?}");
            assert!(ticks.is_sorted());
        }
    }

    #[test]
    fn values_that_are_not_positive_have_no_place() {
        assert_eq!(LogAxis::over([0.0, -1.0, f64::NAN]), None);
        assert_eq!(LogAxis::over([0.0, 2.0]), LogAxis::over([2.0]));
    }
}

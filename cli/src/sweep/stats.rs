//! What a few repetitions say together: the middle and how far they lie apart.
//!
//! Medians and ranges, no means and no standard deviations: three repetitions on a machine that other programs share
//! have outliers on one side only, and a range hides nothing.

use serde::Serialize;

/// Median, smallest and largest of the repetitions of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of the values, if there are any and all are finite.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 };
        (min.is_finite() && max.is_finite()).then_some(Self { median, min, max })
    }

    /// Half of the range, relative to the median: the number behind ±.
    pub(crate) fn relative(self) -> f64 {
        if self.median == 0.0 { 0.0 } else { (self.max - self.min) / 2.0 / self.median.abs() }
    }

    /// Whether one could be the other: the ranges have a value in common.
    pub(crate) fn overlaps(self, other: Self) -> bool {
        self.min <= other.max && other.min <= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        assert_eq!(Spread::of([4.0, 1.0, 3.0, 2.0]), Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
    }

    #[test]
    fn one_outlier_moves_the_range_and_not_the_median() {
        let spread = Spread::of([10.0, 11.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.relative()), (10.0, 0.45));
    }

    #[test]
    fn nothing_measured_gives_nothing() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([1.0, f64::NAN]), None);
    }

    #[test]
    fn ranges_that_touch_overlap() {
        let of = |min, max| Spread::of([min, max]).unwrap();
        assert!(of(1.0, 2.0).overlaps(of(2.0, 3.0)) && of(1.0, 9.0).overlaps(of(2.0, 3.0)));
        assert!(!of(1.0, 2.0).overlaps(of(2.1, 3.0)) && !of(2.1, 3.0).overlaps(of(1.0, 2.0)));
    }
}

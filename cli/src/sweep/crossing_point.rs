//! p*: the share of crossing messages at which one layout overtakes another.
//!
//! Two layouts are compared share by share through the ratio of their medians. Where that ratio passes 1 between two
//! measured shares, p* is read off the straight line that joins the *logarithms* of the two ratios. The logarithm makes
//! the answer the same whichever layout is named first, and puts p* exactly where the curves of the chart, whose
//! vertical axis is logarithmic, are seen to cross.
//!
//! A crossing whose spreads overlap at both bracketing shares is no finding: it is reported as noise. Set aside: fitting
//! a model of the cost per message to all shares. It would give a p* with an error bar, and hide a second crossing.

use super::stats::Spread;

/// The rates of two layouts at one share of crossing messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) share: f64,
    pub(crate) one: Spread,
    pub(crate) other: Spread,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    One,
    Other,
}

/// A change of the lead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Crossing {
    /// p*.
    pub(crate) share: f64,
    /// Who leads at smaller shares.
    pub(crate) below: Side,
    /// The measured shares on both sides of it.
    pub(crate) bracket: [f64; 2],
    /// The spreads overlap at both of them.
    pub(crate) noise: bool,
}

/// The distance between the two at one end of the range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct End {
    pub(crate) share: f64,
    /// Leader over follower; 1 or less where the follower is level.
    pub(crate) ratio: f64,
    pub(crate) noise: bool,
}

/// What the comparison of two layouts says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// There is no share at which both were measured.
    NoData,
    /// Their spreads overlap at every share.
    WithinNoise,
    /// One is ahead everywhere.
    Leads { leader: Side, first: End, last: End },
    /// The lead changes, at each of these shares.
    Crosses(Vec<Crossing>),
}

impl Verdict {
    /// The crossings that are more than noise.
    pub(crate) fn findings(&self) -> impl Iterator<Item = &Crossing> {
        let crossings = if let Self::Crosses(crossings) = self { crossings.as_slice() } else { &[] };
        crossings.iter().filter(|crossing| !crossing.noise)
    }
}

impl Pair {
    /// Positive where `one` is ahead.
    fn lead(&self) -> f64 {
        (self.one.median / self.other.median).ln()
    }

    fn noise(&self) -> bool {
        self.one.overlaps(self.other)
    }

    fn end(&self, leader: Side) -> End {
        let lead = if leader == Side::One { self.lead() } else { -self.lead() };
        End { share: self.share, ratio: lead.exp(), noise: self.noise() }
    }
}

/// Compares two layouts over the shares at which both were measured.
pub(crate) fn judge(pairs: &[Pair]) -> Verdict {
    let mut pairs: Vec<Pair> = pairs.iter().copied().filter(|pair| pair.lead().is_finite()).collect();
    pairs.sort_by(|a, b| a.share.total_cmp(&b.share));
    let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else { return Verdict::NoData };
    if pairs.iter().all(Pair::noise) {
        return Verdict::WithinNoise;
    }
    let crossings = crossings(&pairs);
    if !crossings.is_empty() {
        return Verdict::Crosses(crossings);
    }
    let one_ahead = pairs.iter().any(|pair| pair.lead() > 0.0);
    let leader = if one_ahead { Side::One } else { Side::Other };
    Verdict::Leads { leader, first: first.end(leader), last: last.end(leader) }
}

/// Walks along the shares and notes each change of the lead. A share at which both are level is a crossing only if the
/// lead is another one behind it than before it.
fn crossings(pairs: &[Pair]) -> Vec<Crossing> {
    let mut found = Vec::new();
    let mut before: Option<&Pair> = None;
    let mut level: Option<f64> = None;
    for pair in pairs {
        if pair.lead() == 0.0 {
            level = level.or(Some(pair.share));
            continue;
        }
        if let Some(before) = before.filter(|before| before.lead() * pair.lead() < 0.0) {
            found.push(Crossing {
                share: level.unwrap_or_else(|| between(before, pair)),
                below: if before.lead() > 0.0 { Side::One } else { Side::Other },
                bracket: [before.share, pair.share],
                noise: before.noise() && pair.noise(),
            });
        }
        before = Some(pair);
        level = None;
    }
    found
}

/// Where the straight line through two leads of opposite sign is zero.
fn between(a: &Pair, b: &Pair) -> f64 {
    a.share + (b.share - a.share) * a.lead() / (a.lead() - b.lead())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs with a spread of one per cent around the medians.
    fn pairs(points: &[(f64, f64, f64)]) -> Vec<Pair> {
        let spread = |median: f64| Spread::of([median * 0.99, median, median * 1.01]).unwrap();
        points.iter().map(|&(share, one, other)| Pair { share, one: spread(one), other: spread(other) }).collect()
    }

    fn only_crossing(points: &[(f64, f64, f64)]) -> Crossing {
        match judge(&pairs(points)) {
            Verdict::Crosses(crossings) if crossings.len() == 1 => crossings[0],
            verdict => panic!("expected one crossing, got {verdict:?}"),
        }
    }

    #[test]
    fn equal_and_opposite_ratios_cross_in_the_middle() {
        let crossing = only_crossing(&[(0.0, 5.0, 10.0), (0.1, 10.0, 5.0)]);
        assert!((crossing.share - 0.05).abs() < 1e-12);
        assert_eq!((crossing.below, crossing.bracket, crossing.noise), (Side::Other, [0.0, 0.1], false));
    }

    #[test]
    fn the_line_joins_the_logarithms() {
        // ln(1/2) = -1·ln 2 and ln 8 = 3·ln 2: a quarter of the way.
        let crossing = only_crossing(&[(0.2, 1.0, 2.0), (0.6, 8.0, 1.0)]);
        assert!((crossing.share - 0.3).abs() < 1e-12);
    }

    #[test]
    fn the_answer_does_not_depend_on_who_is_named_first() {
        let points = [(0.0, 3.0, 10.0), (0.5, 9.0, 4.0)];
        let swapped = points.map(|(share, one, other)| (share, other, one));
        let (a, b) = (only_crossing(&points), only_crossing(&swapped));
        assert!((a.share - b.share).abs() < 1e-12);
        assert_eq!((a.below, b.below), (Side::Other, Side::One));
    }

    #[test]
    fn a_crossing_exactly_at_a_measured_share_is_that_share() {
        let crossing = only_crossing(&[(0.0, 5.0, 10.0), (0.1, 7.0, 7.0), (0.25, 10.0, 5.0)]);
        assert_eq!((crossing.share, crossing.bracket, crossing.noise), (0.1, [0.0, 0.25], false));
    }

    #[test]
    fn touching_without_passing_is_no_crossing() {
        let verdict = judge(&pairs(&[(0.0, 10.0, 5.0), (0.1, 7.0, 7.0), (0.25, 10.0, 5.0)]));
        assert!(matches!(verdict, Verdict::Leads { leader: Side::One, .. }), "{verdict:?}");
    }

    #[test]
    fn level_at_the_edge_is_no_crossing() {
        let verdict = judge(&pairs(&[(0.0, 7.0, 7.0), (0.1, 5.0, 10.0)]));
        let Verdict::Leads { leader, first, last } = verdict else { panic!("{verdict:?}") };
        assert_eq!(leader, Side::Other);
        assert_eq!((first.share, first.ratio, first.noise), (0.0, 1.0, true));
        assert!(last.share == 0.1 && (last.ratio - 2.0).abs() < 1e-12 && !last.noise);
    }

    #[test]
    fn without_a_crossing_the_leader_is_named_with_both_ends() {
        let verdict = judge(&pairs(&[(0.0, 10.0, 5.0), (0.5, 9.0, 1.0), (1.0, 8.0, 2.0)]));
        let Verdict::Leads { leader, first, last } = verdict else { panic!("{verdict:?}") };
        assert_eq!(leader, Side::One);
        assert!((first.ratio - 2.0).abs() < 1e-12 && (last.ratio - 4.0).abs() < 1e-12);
    }

    #[test]
    fn several_crossings_are_all_reported_in_order() {
        let verdict = judge(&pairs(&[(0.0, 1.0, 2.0), (0.1, 2.0, 1.0), (0.5, 1.0, 2.0), (1.0, 2.0, 1.0)]));
        let Verdict::Crosses(crossings) = verdict else { panic!("{verdict:?}") };
        let shares: Vec<f64> = crossings.iter().map(|crossing| crossing.share).collect();
        assert_eq!(crossings.iter().map(|c| c.below).collect::<Vec<_>>(), [Side::Other, Side::One, Side::Other]);
        for (share, expected) in shares.iter().zip([0.05, 0.3, 0.75]) {
            assert!((share - expected).abs() < 1e-12, "{shares:?}");
        }
    }

    #[test]
    fn a_missing_cell_widens_the_bracket() {
        // The share 0.1 was not measured for one of them, so its pair does not exist.
        let crossing = only_crossing(&[(0.0, 5.0, 10.0), (0.2, 10.0, 5.0)]);
        assert!((crossing.share - 0.1).abs() < 1e-12);
        assert_eq!(judge(&[]), Verdict::NoData);
    }

    #[test]
    fn a_cell_that_measured_nothing_is_a_missing_cell() {
        assert_eq!(judge(&pairs(&[(0.0, 0.0, 10.0), (0.1, 3.0, 0.0)])), Verdict::NoData);
    }

    #[test]
    fn overlap_on_both_sides_is_noise_and_on_one_side_is_not() {
        let noisy = judge(&pairs(&[(0.0, 1.0, 1.01), (0.1, 1.01, 1.0), (0.5, 2.0, 1.0)]));
        let Verdict::Crosses(crossings) = &noisy else { panic!("{noisy:?}") };
        assert!(crossings[0].noise && noisy.findings().next().is_none());
        assert!(!only_crossing(&[(0.0, 1.0, 1.01), (0.1, 2.0, 1.0)]).noise);
    }

    #[test]
    fn overlap_everywhere_is_within_noise() {
        assert_eq!(judge(&pairs(&[(0.0, 1.0, 1.01), (0.1, 1.01, 1.0)])), Verdict::WithinNoise);
    }
}

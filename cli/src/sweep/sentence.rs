//! The verdict on two layouts in words, the same for terminal and page.

use std::cmp::Reverse;

use super::crossing_point::{Crossing, End, Side, Verdict};
use super::study::{Comparison, Study};
use crate::units::{percent, share, share_rounded, size, times, work};

/// One line for each crossing, or one line for all shares.
pub(crate) fn verdict_lines(comparison: &Comparison) -> Vec<String> {
    let Comparison { one, other, verdict } = comparison;
    match verdict {
        Verdict::NoData => vec![format!("{one} and {other}: no share was measured for both")],
        Verdict::WithinNoise => vec![format!("{one} and {other}: within noise at every share")],
        Verdict::Leads { leader, first, last } => {
            let (leader, follower) = in_order(comparison, *leader);
            vec![format!("{leader} leads {follower} throughout: {}, {}", at(first), at(last))]
        }
        Verdict::Crosses(crossings) => crossings.iter().map(|crossing| crossing_line(comparison, crossing)).collect(),
    }
}

/// The answer to the question of the sweep, for the first group: what a reader should take away. The comparison with
/// the most OS processes comes first, for there the layouts differ most.
pub(crate) fn headline(study: &Study) -> Vec<String> {
    let Some(group) = study.grid.groups().next() else { return Vec::new() };
    let columns = study.grid.columns.iter().skip(1);
    let mut comparisons: Vec<(usize, Comparison)> =
        columns.map(|column| column.nodes).zip(study.against_first(group)).collect();
    comparisons.sort_by_key(|(nodes, _)| Reverse(*nodes));
    let line = |comparison| format!("{}, {}: {}", size(group.0), work(group.1), plainly(comparison));
    comparisons.iter().map(|(_, comparison)| line(comparison)).collect()
}

fn plainly(comparison: &Comparison) -> String {
    let findings: Vec<&Crossing> = comparison.verdict.findings().collect();
    let [crossing] = findings.as_slice() else { return verdict_lines(comparison).join("; ") };
    let (below, above) = in_order(comparison, crossing.below);
    format!("{below} is faster while fewer than {} of the messages cross, {above} beyond", percent(crossing.share))
}

fn crossing_line(comparison: &Comparison, crossing: &Crossing) -> String {
    let (below, above) = in_order(comparison, crossing.below);
    let [from, to] = crossing.bracket.map(share);
    if crossing.noise {
        return format!("{below} and {above} change places between p = {from} and {to}, within noise");
    }
    format!("p* = {}: {below} leads below, {above} above (measured at {from} and {to})", share_rounded(crossing.share))
}

fn in_order(comparison: &Comparison, first: Side) -> (&str, &str) {
    match first {
        Side::One => (&comparison.one, &comparison.other),
        Side::Other => (&comparison.other, &comparison.one),
    }
}

fn at(end: &End) -> String {
    let noise = if end.noise { " (within noise)" } else { "" };
    format!("{} at p = {}{noise}", times(end.ratio), share(end.share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::study::tests::example;

    fn lines(verdict: Verdict) -> Vec<String> {
        verdict_lines(&Comparison { one: "1x2".into(), other: "2x1 shm".into(), verdict })
    }

    #[test]
    fn a_crossing_names_who_leads_on_which_side() {
        let crossing = Crossing { share: 0.0833, below: Side::Other, bracket: [0.05, 0.1], noise: false };
        assert_eq!(
            lines(Verdict::Crosses(vec![crossing])),
            ["p* = 0.083: 2x1 shm leads below, 1x2 above (measured at 0.05 and 0.1)"]
        );
        assert_eq!(
            lines(Verdict::Crosses(vec![Crossing { noise: true, ..crossing }])),
            ["2x1 shm and 1x2 change places between p = 0.05 and 0.1, within noise"]
        );
    }

    #[test]
    fn a_lead_is_told_by_its_size_at_both_ends() {
        let end = |share, ratio, noise| End { share, ratio, noise };
        let verdict = Verdict::Leads { leader: Side::One, first: end(0.0, 1.01, true), last: end(1.0, 41.0, false) };
        assert_eq!(lines(verdict), ["1x2 leads 2x1 shm throughout: ×1.01 at p = 0 (within noise), ×41.0 at p = 1"]);
    }

    #[test]
    fn the_headline_is_a_sentence_for_people() {
        let headline = headline(&example());
        assert_eq!(headline.len(), 2);
        assert!(headline[0].starts_with("64 B, no work: 2x1 shm is faster while fewer than 5"), "{headline:?}");
        assert!(headline[0].ends_with("% of the messages cross, 1x2 beyond"), "{headline:?}");
    }
}

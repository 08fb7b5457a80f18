//! What became of a case when its tests ran, and how the table says it.
//!
//! The harness prints a line for each placement that it ran a case in; from these a failure gets its place:
//!
//! ```text
//! placement 2x1 tcp (tcp 1): holds
//! ```

use crate::libtest::{Report, Verdict};
use std::collections::BTreeMap;

const HOLDS: &str = "holds";
const NOT_RUN: &str = "not run";

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Holds,
    /// Where or how not.
    Fails(String),
    NotRun,
}

impl Outcome {
    /// A case holds if each of its tests passed. Long forms, which did not run, say nothing.
    pub(super) fn of_all(tests: impl Iterator<Item = Outcome>) -> Self {
        let mut whole = Outcome::NotRun;
        for test in tests {
            whole = match (whole, test) {
                (Outcome::Fails(one), Outcome::Fails(other)) => Outcome::Fails(format!("{one}; {other}")),
                (Outcome::Fails(why), _) | (_, Outcome::Fails(why)) => Outcome::Fails(why),
                (Outcome::NotRun, other) | (other, Outcome::NotRun) => other,
                (Outcome::Holds, Outcome::Holds) => Outcome::Holds,
            };
        }
        whole
    }

    pub(super) fn say(&self) -> String {
        match self {
            Outcome::Holds => HOLDS.into(),
            Outcome::Fails(how) => format!("fails: {how}"),
            Outcome::NotRun => NOT_RUN.into(),
        }
    }

    fn read(text: &str) -> Self {
        match text.strip_prefix("fails: ") {
            Some(how) => Outcome::Fails(how.to_owned()),
            None if text == HOLDS => Outcome::Holds,
            None => Outcome::NotRun,
        }
    }
}

/// What became of a test, by the reports of its package's executables.
pub(super) fn of_test<'a>(name: &str, reports: impl Iterator<Item = &'a Report>) -> Outcome {
    let mut whole = Outcome::NotRun;
    for report in reports {
        for (path, verdict) in report.verdicts.iter().filter(|(path, _)| path.rsplit("::").next() == Some(name)) {
            match verdict {
                Verdict::Passed if whole == Outcome::NotRun => whole = Outcome::Holds,
                Verdict::Passed | Verdict::Ignored => {}
                Verdict::Failed => whole = Outcome::Fails(places(report.said.get(path).map_or("", String::as_str))),
            }
        }
    }
    whole
}

/// The placements in which a test says that it failed.
fn places(said: &str) -> String {
    let failed = said.lines().filter_map(|line| line.strip_prefix("placement ")?.split_once(" ("));
    let failed: Vec<&str> = failed.filter(|(_, how)| !how.ends_with("): holds")).map(|(place, _)| place).collect();
    match failed.is_empty() {
        true => "see its test".into(),
        false => format!("in {}", failed.join(", ")),
    }
}

/// What became of each case.
#[derive(Debug, Default)]
pub(super) struct Outcomes(BTreeMap<String, Outcome>);

impl Outcomes {
    /// The results that a table shows: last in each row, whose first cell is the number.
    pub(super) fn of_table(page: &str) -> Self {
        Outcomes(page.lines().filter_map(row).map(|row| (row.number.to_owned(), Outcome::read(row.result))).collect())
    }

    pub(super) fn replace(&mut self, newer: Vec<(String, Outcome)>) {
        self.0.extend(newer);
    }

    pub(super) fn of_case(&self, number: &str) -> Outcome {
        self.0.get(number).cloned().unwrap_or(Outcome::NotRun)
    }
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) number: &'a str,
    pub(super) tests: &'a str,
    pub(super) result: &'a str,
}

/// Reads a row: `| L-09* | promise | tests | placements | result |`.
pub(super) fn row(line: &str) -> Option<Row<'_>> {
    let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
    let number = cells.next()?.trim_end_matches('*');
    let (tests, result) = (cells.nth(1)?, cells.nth(1)?);
    super::catalogue::is_number(number).then_some(Row { number, tests, result })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(text: &str) -> Report {
        Report::read(text)
    }

    #[test]
    fn a_failure_names_its_placements() {
        let report = report(
            "test in_every_placement::l_09_x ... FAILED\n---- in_every_placement::l_09_x stdout ----\n\
             placement 1x1 shm (alone 0): holds\nplacement 2x1 tcp (tcp 1): it panicked\n",
        );
        assert_eq!(of_test("l_09_x", [&report].into_iter()), Outcome::Fails("in 2x1 tcp".into()));
        assert_eq!(of_test("l_09", [&report].into_iter()), Outcome::NotRun);
    }

    #[test]
    fn one_test_that_fails_is_enough_and_a_long_form_says_nothing() {
        let fails = || Outcome::Fails("here".into());
        assert_eq!(Outcome::of_all([Outcome::Holds, fails(), Outcome::Holds].into_iter()), fails());
        assert_eq!(Outcome::of_all([Outcome::NotRun, Outcome::Holds].into_iter()), Outcome::Holds);
        assert_eq!(Outcome::of_all([].into_iter()), Outcome::NotRun);
    }

    #[test]
    fn results_are_read_back_as_they_were_said() {
        for outcome in [Outcome::Holds, Outcome::Fails("in 2x1 tcp".into()), Outcome::NotRun] {
            let page = format!("| L-09* | a \\| b | `x` | all | {} |\n", outcome.say());
            assert_eq!(Outcomes::of_table(&page).of_case("L-09"), outcome);
        }
    }
}

//! What can be wrong with the table, and how it is found without running a test.

use super::{
    CASES, REMARKS, Sources,
    outcome::{Outcome, Outcomes, Row, row},
    table,
};

/// Something about the table that is not true, or not good.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("{file}: {test} bears the number {number}, which {CASES} does not have")]
    UnknownNumber { number: String, test: String, file: String },
    #[error("{REMARKS} has a remark on {0}, which {CASES} does not have")]
    RemarkOnNothing(String),
    #[error("the table has a row for {0}, which {CASES} does not have")]
    UnknownRow(String),
    #[error("the table names {test} for {number}, and there is no such test any more")]
    TestIsGone { number: String, test: String },
    #[error("{number} {how}")]
    Fails { number: String, how: String },
    #[error("{0} has a test, but no result: it was not run")]
    NotRun(String),
    #[error("line {line} of the table is not what the tests and the catalogue say:\n  - {has:?}\n  + {wants:?}")]
    Differs { line: usize, has: String, wants: String },
}

/// Compares a page with the sources: all that is wrong with it, the plainest first.
pub(super) fn find(sources: &Sources, page: &str) -> Vec<Fault> {
    let outcomes = Outcomes::of_table(page);
    let mut faults = unknown_numbers(sources);
    for row in page.lines().filter_map(row) {
        faults.extend(of_row(sources, &row));
    }
    for case in sources.catalogue.cases() {
        let number = case.number.clone();
        match outcomes.of_case(&number) {
            Outcome::Fails(_) => faults.push(Fault::Fails { how: outcomes.of_case(&number).say(), number }),
            Outcome::NotRun if sources.survey.of_case(&number).any(|test| !test.long) => {
                faults.push(Fault::NotRun(number));
            }
            Outcome::NotRun | Outcome::Holds => {}
        }
    }
    faults.extend(difference(page, &table::render(sources, &outcomes)));
    faults
}

fn unknown_numbers(sources: &Sources) -> Vec<Fault> {
    let tests = sources.survey.tests.iter().filter(|test| !sources.catalogue.knows(&test.number));
    let unknown = tests.map(|test| {
        let (number, test, file) = (test.number.clone(), test.name.clone(), test.file.clone());
        Fault::UnknownNumber { number, test, file }
    });
    let remarks = sources.remarks.0.keys().filter(|number| !sources.catalogue.knows(number));
    unknown.chain(remarks.cloned().map(Fault::RemarkOnNothing)).collect()
}

/// A row of a case that is not there, or of tests that are not.
fn of_row(sources: &Sources, row: &Row<'_>) -> Vec<Fault> {
    let number = row.number.to_owned();
    if !sources.catalogue.knows(&number) {
        return vec![Fault::UnknownRow(number)];
    }
    let beginning = number.to_lowercase().replace('-', "_") + "_";
    let named = row.tests.split('`').skip(1).step_by(2).filter(|name| name.starts_with(&beginning));
    let gone = named.filter(|name| !sources.survey.of_case(&number).any(|test| test.name == **name));
    gone.map(|test| Fault::TestIsGone { number: number.clone(), test: test.to_owned() }).collect()
}

/// The first line in which two pages differ.
fn difference(has: &str, wants: &str) -> Option<Fault> {
    let same = has.lines().zip(wants.lines()).take_while(|(has, wants)| has == wants).count();
    let line = |page: &str| page.lines().nth(same).unwrap_or("(the end)").to_owned();
    (has != wants).then(|| Fault::Differs { line: same + 1, has: line(has), wants: line(wants) })
}

/// Each fault is planted and must be seen.
#[cfg(test)]
mod tests {
    use super::super::{
        catalogue::Catalogue,
        remarks::Remarks,
        survey::{Reach, Survey, Test},
    };
    use super::*;

    fn test(number: &str, name: &str, long: bool) -> Test {
        let (file, folder) = ("runtime/tests/links.rs".to_owned(), "runtime".into());
        let (number, name, package) = (number.to_owned(), name.to_owned(), "holm".to_owned());
        Test { number, name, file, folder, package, reach: Reach::Everywhere, long }
    }

    fn sources() -> Sources {
        let cases =
            "## L — links\n- L-01* given a, then b | c.\n- L-02 given d, then e.\n## D — far (later work)\n- D-01 f";
        Sources {
            catalogue: Catalogue::parse(cases).unwrap(),
            survey: Survey { tests: vec![test("L-01", "l_01_one", false), test("L-01", "l_01_one", true)] },
            remarks: Remarks::parse("- L-02: no way yet").unwrap(),
        }
    }

    fn page(outcome: Outcome) -> String {
        let mut outcomes = Outcomes::default();
        outcomes.replace(vec![("L-01".into(), outcome)]);
        table::render(&sources(), &outcomes)
    }

    #[test]
    fn a_true_table_has_no_fault() {
        let page = page(Outcome::Holds);
        assert_eq!(find(&sources(), &page), []);
        assert!(page.contains("1 of 3 cases have a test (1 of 2 without"), "{page}");
        assert!(page.contains(
            "| L-01* | given a, then b \\| c. | runtime/tests/links.rs: `l_01_one` (full) | every | holds |"
        ));
        assert!(page.contains("| L-02 | given d, then e. | no way yet |  | no test |"));
    }

    #[test]
    fn a_failing_case_is_a_fault() {
        let faults = find(&sources(), &page(Outcome::Fails("in 2x1 tcp".into())));
        assert_eq!(faults, [Fault::Fails { number: "L-01".into(), how: "fails: in 2x1 tcp".into() }]);
    }

    #[test]
    fn a_case_that_was_not_run_is_a_fault() {
        assert_eq!(find(&sources(), &page(Outcome::NotRun)), [Fault::NotRun("L-01".into())]);
    }

    #[test]
    fn a_test_with_an_unknown_number_is_a_fault() {
        let mut sources = sources();
        sources.survey.tests.push(test("L-99", "l_99_who", false));
        let faults = find(&sources, &page(Outcome::Holds));
        let (number, test, file) = ("L-99".into(), "l_99_who".into(), "runtime/tests/links.rs".into());
        assert_eq!(faults, [Fault::UnknownNumber { number, test, file }]);
    }

    #[test]
    fn a_remark_on_an_unknown_number_is_a_fault() {
        let mut sources = sources();
        sources.remarks.0.insert("L-98".into(), "why".into());
        assert_eq!(find(&sources, &page(Outcome::Holds)), [Fault::RemarkOnNothing("L-98".into())]);
    }

    #[test]
    fn a_test_that_is_gone_or_new_is_a_fault() {
        let mut without = sources();
        without.survey.tests.clear();
        let faults = find(&without, &page(Outcome::Holds));
        assert_eq!(faults[0], Fault::TestIsGone { number: "L-01".into(), test: "l_01_one".into() });
        let mut with = sources();
        with.survey.tests.push(test("L-01", "l_01_two", false));
        assert!(matches!(find(&with, &page(Outcome::Holds))[..], [Fault::Differs { .. }]));
        let mut with = sources();
        with.survey.tests.push(test("L-02", "l_02_new", false));
        assert_eq!(find(&with, &page(Outcome::Holds))[0], Fault::NotRun("L-02".into()));
    }

    #[test]
    fn a_table_edited_by_hand_is_a_fault() {
        let edited = page(Outcome::Holds).replace("then b", "then often b");
        assert!(matches!(find(&sources(), &edited)[..], [Fault::Differs { .. }]));
        let added = page(Outcome::Holds) + "| L-77 | more | `l_77_x` | every | holds |\n";
        assert_eq!(find(&sources(), &added)[0], Fault::UnknownRow("L-77".into()));
    }
}

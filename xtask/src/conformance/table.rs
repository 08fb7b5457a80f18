//! Makes the page of the promises, the tests, and the results: a summary, then a table for each family.

use super::{
    Sources,
    catalogue::{Case, Family},
    outcome::{Outcome, Outcomes},
    survey::{Reach, Test},
};
use std::{collections::BTreeMap, fmt::Write};

const HEAD: &str = "# Conformance

What holm promises, case by case, which tests check it, and whether it holds. Written by `cargo xtask conformance`; the
promises stand in [conformance/cases.md](conformance/cases.md), where the words are explained, too. Not edited by hand:
CI compares it with the tests.

A star asks for every placement of the two parties: one scheduler alone, one of two, two of one node, two nodes over
shared memory, two over TCP. *every*: the test runs in all five; *one node*: in the first three; *two nodes*: in the
last two; *its own*: where the test itself says. *(full)*: there is a long form, too, with the counts of the promise (`cargo xtask long`); the plain
one does fewer rounds where its file says so.
";

/// The page.
pub(super) fn render(sources: &Sources, outcomes: &Outcomes) -> String {
    let mut page = format!("{HEAD}\n**{}**\n\n", summary(sources, outcomes));
    page += "| family | cases | hold | fail | not in every placement asked for | without a test |\n";
    page += "| --- | --- | --- | --- | --- | --- |\n";
    for family in &sources.catalogue.families {
        let counts = Counts::of(&family.cases, sources, outcomes);
        let Family { letter, title, later, cases } = family;
        let later = if *later { " (later work)" } else { "" };
        let (fail, narrow, open) = (list(&counts.fail), list(&counts.narrow), list(&counts.open));
        row(
            &mut page,
            &[
                &format!("{letter} — {title}{later}"),
                &cases.len().to_string(),
                &counts.hold.to_string(),
                &fail,
                &narrow,
                &open,
            ],
        );
    }
    for family in &sources.catalogue.families {
        write!(page, "\n## {} — {}\n\n", family.letter, family.title).expect("a string takes all");
        page += "| case | promise | tests | placements | result |\n| --- | --- | --- | --- | --- |\n";
        for case in &family.cases {
            of_case(&mut page, case, sources, outcomes);
        }
    }
    page
}

/// One sentence of numbers.
pub(super) fn summary(sources: &Sources, outcomes: &Outcomes) -> String {
    let all = Counts::of(sources.catalogue.cases(), sources, outcomes);
    let now = sources.catalogue.families.iter().filter(|family| !family.later);
    let now = Counts::of(now.flat_map(|family| &family.cases), sources, outcomes);
    format!(
        "{} of {} cases have a test ({} of {} without the families of later work): {} hold, {} fail, {} did not run.",
        all.all - all.open.len(),
        all.all,
        now.all - now.open.len(),
        now.all,
        all.hold,
        all.fail.len(),
        all.not_run
    )
}

/// How many cases came out how.
#[derive(Debug, Default)]
struct Counts<'a> {
    all: usize,
    hold: usize,
    not_run: usize,
    fail: Vec<&'a str>,
    narrow: Vec<&'a str>,
    open: Vec<&'a str>,
}

impl<'a> Counts<'a> {
    fn of(cases: impl IntoIterator<Item = &'a Case>, sources: &Sources, outcomes: &Outcomes) -> Self {
        let mut counts = Counts::default();
        for case in cases {
            counts.all += 1;
            let Some(reach) = sources.survey.of_case(&case.number).map(|test| test.reach).min() else {
                counts.open.push(&case.number);
                continue;
            };
            if case.everywhere && reach != Reach::Everywhere {
                counts.narrow.push(&case.number);
            }
            match outcomes.of_case(&case.number) {
                Outcome::Holds => counts.hold += 1,
                Outcome::Fails(_) => counts.fail.push(&case.number),
                Outcome::NotRun => counts.not_run += 1,
            }
        }
        counts
    }
}

/// A case's row.
fn of_case(page: &mut String, case: &Case, sources: &Sources, outcomes: &Outcomes) {
    let tests: Vec<&Test> = sources.survey.of_case(&case.number).collect();
    let star = if case.everywhere { "*" } else { "" };
    let cell = [tests_cell(&tests), sources.remarks.on(&case.number).map(escaped).unwrap_or_default()];
    let cell: Vec<String> = cell.into_iter().filter(|part| !part.is_empty()).collect();
    let result = match tests.is_empty() {
        true => "no test".to_owned(),
        false => outcomes.of_case(&case.number).say(),
    };
    row(
        page,
        &[
            &format!("{}{star}", case.number),
            &escaped(&case.sentence),
            &cell.join("<br>"),
            tests.iter().map(|test| test.reach).min().map_or("", Reach::say),
            &result,
        ],
    );
}

/// The tests of a case, file by file.
fn tests_cell(tests: &[&Test]) -> String {
    let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for test in tests.iter().filter(|test| !test.long) {
        files.entry(&test.file).or_default().push(format!("`{}`", test.name));
    }
    for long in tests.iter().filter(|test| test.long) {
        let names = files.entry(&long.file).or_default();
        match names.iter_mut().find(|name| **name == format!("`{}`", long.name)) {
            Some(short) => *short += " (full)",
            None => names.push(format!("`{}` (full only)", long.name)),
        }
    }
    let files = files.into_iter().map(|(file, names)| format!("{file}: {}", names.join(", ")));
    files.collect::<Vec<_>>().join("<br>")
}

impl Reach {
    fn say(self) -> &'static str {
        match self {
            Reach::Everywhere => "every",
            Reach::OneNode => "one node",
            Reach::TwoNodes => "two nodes",
            Reach::ItsOwn => "its own",
        }
    }
}

fn row(page: &mut String, cells: &[&str]) {
    writeln!(page, "| {} |", cells.join(" | ")).expect("a string takes all");
}

fn list(numbers: &[&str]) -> String {
    if numbers.is_empty() { "–".into() } else { numbers.join(" ") }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

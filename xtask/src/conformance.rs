//! The table of conformance: which promise of the catalogue is checked by which tests, and whether it holds.
//!
//! Nothing in the table is written by hand. The promises come from `docs/conformance/cases.md` ([`catalogue`]), the tests
//! from the sources, by their names ([`survey`]), the results from a run ([`outcome`]), and what is to be said about a
//! case from `docs/conformance/remarks.md` ([`remarks`]). [`table`] makes the page of them; [`check`] makes it again from
//! all but the run, and compares.
//!
//! Set aside: a list of tests kept beside the catalogue, which would be the third place to forget; and attributes on
//! tests, which would need a macro where a name says as much to a reader.

mod catalogue;
mod fault;
mod outcome;
mod remarks;
mod survey;
mod table;

use crate::{
    args::ConformanceArgs,
    binaries::{self, Binary, Wanted},
    child::Ended,
    libtest::Report,
};
use anyhow::{Context, Result, ensure};
use catalogue::Catalogue;
use outcome::{Outcome, Outcomes};
use remarks::Remarks;
use std::{collections::BTreeSet, fs, path::Path, time::Duration};
use survey::{Survey, Test};

const CASES: &str = "docs/conformance/cases.md";
const REMARKS: &str = "docs/conformance/remarks.md";
const TABLE: &str = "docs/conformance.md";

/// How long one test executable may take.
const LIMIT: Duration = Duration::from_secs(900);

/// All that the table is made of, but the results.
#[derive(Debug)]
struct Sources {
    catalogue: Catalogue,
    survey: Survey,
    remarks: Remarks,
}

impl Sources {
    fn read(root: &Path) -> Result<Self> {
        let catalogue = Catalogue::parse(&read(root, CASES)?)?;
        let remarks = Remarks::parse(&read(root, REMARKS)?)?;
        Ok(Sources { catalogue, survey: Survey::of(root)?, remarks })
    }
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).with_context(|| format!("{path} cannot be read"))
}

/// Compares the table with what it is about; false if it is not true, and then the faults are on stderr.
pub(crate) fn check(root: &Path) -> Result<bool> {
    let sources = Sources::read(root)?;
    let faults = fault::find(&sources, &read(root, TABLE)?);
    for fault in &faults {
        eprintln!("{fault}");
    }
    match faults.len() {
        0 => {
            println!("{TABLE} tells the truth: {}", table::summary(&sources, &Outcomes::of_table(&read(root, TABLE)?)))
        }
        count => eprintln!("{TABLE}: {count} faults; `cargo xtask conformance` writes it anew"),
    }
    Ok(faults.is_empty())
}

/// Runs the tests of the catalogue and writes the table; false if a case does not hold or a test has an unknown number.
pub(crate) fn regenerate(root: &Path, args: &ConformanceArgs) -> Result<bool> {
    let sources = Sources::read(root)?;
    for family in &args.family {
        ensure!(sources.catalogue.families.iter().any(|known| known.letter == *family), "there is no family {family}");
    }
    let wanted =
        |test: &&Test| args.family.is_empty() || args.family.iter().any(|letter| test.number.starts_with(letter));
    let tests: Vec<&Test> = sources.survey.tests.iter().filter(wanted).collect();
    let mut outcomes = match args.family.is_empty() {
        true => Outcomes::default(),
        false => Outcomes::of_table(&fs::read_to_string(root.join(TABLE)).unwrap_or_default()),
    };
    outcomes.replace(run(root, &tests)?);
    let page = table::render(&sources, &outcomes);
    fs::write(root.join(TABLE), &page).with_context(|| format!("{TABLE} cannot be written"))?;
    println!("{TABLE}: {}", table::summary(&sources, &outcomes));
    let faults = fault::find(&sources, &page);
    for fault in &faults {
        eprintln!("{fault}");
    }
    Ok(faults.is_empty())
}

/// Runs these tests and says what became of each case.
fn run(root: &Path, tests: &[&Test]) -> Result<Vec<(String, Outcome)>> {
    let packages: BTreeSet<String> = tests.iter().map(|test| test.package.clone()).collect();
    let packages: Vec<String> = packages.into_iter().collect();
    let binaries = binaries::build(root, &Wanted { packages: &packages, release: false })?;
    let mut reports = Vec::new();
    for binary in &binaries {
        let names: Vec<&str> = tests
            .iter()
            .filter(|test| binary.folder == root.join(&test.folder))
            .map(|test| test.name.as_str())
            .collect();
        reports.extend(report(binary, &names)?.map(|report| (binary.folder.clone(), report)));
    }
    let numbers: BTreeSet<&str> = tests.iter().map(|test| test.number.as_str()).collect();
    let outcome = |number: &str| {
        let tests = tests.iter().filter(|test| test.number == number);
        let ran = tests.map(|test| {
            let reports = reports.iter().filter(|(folder, _)| *folder == root.join(&test.folder));
            outcome::of_test(&test.name, reports.map(|(_, report)| report))
        });
        Outcome::of_all(ran)
    };
    Ok(numbers.into_iter().map(|number| (number.to_owned(), outcome(number))).collect())
}

/// Runs those tests of an executable that have these names; nothing if it has none of them.
fn report(binary: &Binary, names: &[&str]) -> Result<Option<Report>> {
    let there: Vec<String> = binary.tests("", false)?;
    let is_wanted = |path: &&String| names.contains(&path.rsplit("::").next().unwrap_or_default());
    let there: Vec<&str> = there.iter().filter(is_wanted).map(String::as_str).collect();
    if there.is_empty() {
        return Ok(None);
    }
    let mut args = vec!["--exact", "--show-output"];
    args.extend(&there);
    let ended: Ended = binary.run(&args, &[], LIMIT)?;
    let report = Report::read(&ended.output);
    let failed = report.failed().count();
    let note =
        if failed == 0 && ended.succeeded() { String::new() } else { format!(", {failed} failed, {}", ended.how()) };
    println!("{:<24} {:>3} tests in {:>5.1} s{note}", binary.name, there.len(), ended.took.as_secs_f32());
    if !ended.succeeded() {
        eprintln!("{}", ended.output);
    }
    Ok(Some(report))
}

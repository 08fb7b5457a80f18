//! Reads what a test executable prints: which tests ran, how each ended, and what each said.
//!
//! Rust's stable test harness speaks no JSON, so this is its text for people: a line `test NAME ... ok` for each, and
//! with `--show-output` a paragraph `---- NAME stdout ----` for each that printed.

use std::collections::BTreeMap;

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Ignored,
}

/// What a test executable reported.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Report {
    /// By the test's full name.
    pub(crate) verdicts: BTreeMap<String, Verdict>,
    /// What a test printed, if it did and the executable showed it.
    pub(crate) said: BTreeMap<String, String>,
    /// It came to its end: `test result: …`. Otherwise a test took the whole executable down.
    pub(crate) finished: bool,
}

impl Report {
    pub(crate) fn read(text: &str) -> Self {
        let mut report = Report::default();
        let mut speaker: Option<String> = None;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----")) {
                speaker = Some(name.to_owned());
            } else if ["successes:", "failures:"].contains(&line) {
                speaker = None;
            } else if line.starts_with("test result: ") {
                report.finished = true;
                speaker = None;
            } else if let Some(name) = &speaker {
                let said = report.said.entry(name.clone()).or_default();
                said.push_str(line);
                said.push('\n');
            } else if let Some((name, verdict)) = verdict(line) {
                report.verdicts.insert(name, verdict);
            }
        }
        report
    }

    /// The tests that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = &str> {
        self.verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Failed).map(|(name, _)| name.as_str())
    }
}

/// A line `test NAME ... ok`.
fn verdict(line: &str) -> Option<(String, Verdict)> {
    let (name, how) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = name.strip_suffix(" - should panic").unwrap_or(name).to_owned();
    match how.split([',', ' ']).next()? {
        "ok" => Some((name, Verdict::Passed)),
        "FAILED" => Some((name, Verdict::Failed)),
        "ignored" => Some((name, Verdict::Ignored)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
running 4 tests
test long ... ignored, takes an hour
test loud ... ok
test sour ... FAILED
test sick - should panic ... ok

successes:

---- loud stdout ----
one
two

successes:
    loud

failures:

---- sour stdout ----

thread 'sour' panicked at x.rs:1:1:
no


failures:
    sour

test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn a_report_tells_each_end_and_who_said_what() {
        let report = Report::read(TEXT);
        let verdicts: Vec<_> = report.verdicts.iter().map(|(name, verdict)| (name.as_str(), *verdict)).collect();
        use Verdict::{Failed, Ignored, Passed};
        assert_eq!(verdicts, [("long", Ignored), ("loud", Passed), ("sick", Passed), ("sour", Failed)]);
        assert_eq!(report.said["loud"], "one\ntwo\n\n");
        assert!(report.said["sour"].contains("panicked"));
        assert_eq!(report.failed().collect::<Vec<_>>(), ["sour"]);
        assert!(report.finished);
    }

    #[test]
    fn one_that_was_taken_down_did_not_finish() {
        assert!(!Report::read("running 1 test\n").finished);
    }
}

//! Counts how often each test failed, and tells it as a table and as JSON.

use anyhow::Result;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What has been seen of all tests.
#[derive(Debug)]
pub(super) struct Tally {
    times: u32,
    busy: u32,
    tests: BTreeMap<(String, String), Seen>,
}

/// What has been seen of a test.
#[derive(Debug, Default)]
struct Seen {
    runs: u32,
    outputs: Vec<PathBuf>,
}

/// The JSON of `--json`.
#[derive(Serialize)]
struct Told<'a> {
    times: u32,
    busy: u32,
    failures: usize,
    tests: Vec<ToldTest<'a>>,
}

#[derive(Serialize)]
struct ToldTest<'a> {
    binary: &'a str,
    test: &'a str,
    runs: u32,
    failures: usize,
    outputs: &'a [PathBuf],
}

impl Tally {
    pub(super) fn new(times: u32, busy: u32) -> Self {
        Tally { times, busy, tests: BTreeMap::new() }
    }

    pub(super) fn ran(&mut self, binary: &str, test: &str) {
        self.seen(binary, test).runs += 1;
    }

    pub(super) fn failed(&mut self, binary: &str, test: &str, output: &Path) {
        self.seen(binary, test).outputs.push(output.to_owned());
    }

    fn seen(&mut self, binary: &str, test: &str) -> &mut Seen {
        self.tests.entry((binary.to_owned(), test.to_owned())).or_default()
    }

    /// How many runs of tests failed.
    pub(super) fn failures(&self) -> usize {
        self.tests.values().map(|seen| seen.outputs.len()).sum()
    }

    /// The tests that failed, the worst first; or that none did.
    pub(super) fn table(&self) -> String {
        let mut failed: Vec<_> = self.tests.iter().filter(|(_, seen)| !seen.outputs.is_empty()).collect();
        failed.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.outputs.len()));
        let mut table = format!(
            "{} tests, {} runs each beside {} busy threads: {} failures\n",
            self.tests.len(),
            self.times,
            self.busy,
            self.failures()
        );
        for ((binary, test), seen) in failed {
            let first = seen.outputs[0].display();
            table += &format!("{:>6} of {:<6} {binary} {test} (first: {first})\n", seen.outputs.len(), seen.runs);
        }
        table
    }

    pub(super) fn json(&self) -> Result<String> {
        let tests = self.tests.iter().map(|((binary, test), seen)| ToldTest {
            binary,
            test,
            runs: seen.runs,
            failures: seen.outputs.len(),
            outputs: &seen.outputs,
        });
        let told = Told { times: self.times, busy: self.busy, failures: self.failures(), tests: tests.collect() };
        Ok(serde_json::to_string_pretty(&told)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_shows_the_worst_first() {
        let mut tally = Tally::new(3, 2);
        for test in ["fine", "bad", "worse"] {
            (0..3).for_each(|_| tally.ran("holm x", test));
        }
        tally.failed("holm x", "bad", Path::new("a.log"));
        tally.failed("holm x", "worse", Path::new("b.log"));
        tally.failed("holm x", "worse", Path::new("c.log"));
        let table = tally.table();
        let lines: Vec<&str> = table.lines().map(str::trim).collect();
        assert_eq!(lines[0], "3 tests, 3 runs each beside 2 busy threads: 3 failures");
        assert_eq!(lines[1], "2 of 3      holm x worse (first: b.log)");
        assert_eq!(lines[2], "1 of 3      holm x bad (first: a.log)");
        let json: serde_json::Value = serde_json::from_str(&tally.json().unwrap()).unwrap();
        assert_eq!((&json["failures"], &json["tests"][1]["failures"]), (&3.into(), &0.into()));
    }
}

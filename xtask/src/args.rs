//! The command line, and what `--help` teaches.

use clap::{Args, Parser, Subcommand};
use std::{path::PathBuf, time::Duration};

/// What holm's developers run beside cargo.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Conformance(ConformanceArgs),
    Repeat(RepeatArgs),
    Long(LongArgs),
}

/// Run the tests of the catalogue and write docs/conformance.md
///
/// The promises stand in docs/conformance/cases.md, one a line, each with a number. A test belongs to a number by its
/// name: `l_09_link_against_unlink…` checks L-09, in whatever crate it stands. This command finds these tests, runs
/// them, and writes a table: number, promise, tests, placements, result. What has no test, or is thin, is explained by
/// a line of docs/conformance/remarks.md.
///
/// Exit status 1: a case failed, or (with --check) the table does not tell the truth.
#[derive(Debug, Args)]
pub(crate) struct ConformanceArgs {
    /// Run nothing: fail if the table does not match the names and places of the tests, knows a number that the
    /// catalogue does not, or shows a failure
    #[arg(long)]
    pub(crate) check: bool,

    /// Run only these families, as in `P,E,L`; the others keep the results that the table shows
    #[arg(long, value_delimiter = ',', conflicts_with = "check")]
    pub(crate) family: Vec<String>,
}

/// What `HOLM_TEST_ROUNDS` says to the tests' `rounds` helpers.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Rounds {
    /// A twentieth of what a plain `cargo test` does
    Few,
    /// As a plain `cargo test`
    Usual,
}

impl Rounds {
    /// The variable and its value.
    pub(crate) fn variable(self) -> (&'static str, &'static str) {
        let value = match self {
            Rounds::Few => "few",
            Rounds::Usual => "usual",
        };
        ("HOLM_TEST_ROUNDS", value)
    }
}

/// Run tests again and again, beside threads that keep the processors busy
///
/// Builds the tests once, then runs every test executable the given number of times. A test that fails now and then has
/// a race: the output of each failed run is kept, and at the end a table shows which tests failed how often.
///
/// Exit status 1: a run failed. Ctrl-C ends the running tests and all that they started.
///
/// Examples:
///   cargo xtask repeat --times 20 --package holm
///   cargo xtask repeat --only l_09 --busy 4 --json flaky.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct RepeatArgs {
    /// How often to run each test executable
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) times: u32,

    /// How many threads do nothing but compute meanwhile
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=1024))]
    pub(crate) busy: u32,

    /// Only tests whose name contains this
    #[arg(long, default_value = "")]
    pub(crate) only: String,

    /// Only this package's tests; may be given again [default: the packages that a plain `cargo test` tests]
    #[arg(long, short)]
    pub(crate) package: Vec<String>,

    /// Run this test executable and build none; may be given again
    #[arg(long, conflicts_with = "package")]
    pub(crate) binary: Vec<PathBuf>,

    /// Test a release build
    #[arg(long)]
    pub(crate) release: bool,

    /// How many rounds a case does of what races; a hundred runs with few are more than one with many
    #[arg(long, value_enum, default_value_t = Rounds::Few)]
    pub(crate) rounds: Rounds,

    /// A run that takes longer has failed
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub(crate) limit: Duration,

    /// Where the outputs of failed runs go [default: repeat/ in cargo's target folder]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) outputs: Option<PathBuf>,

    /// Write the table as JSON into this file, too
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// Run the long forms: the tests marked `#[ignore]`, with the full counts of the catalogue, in a release build
///
/// A plain `cargo test` runs each case with as many rounds as a debug build does in seconds. Here HOLM_TEST_ROUNDS=full
/// is set, and each ignored test runs alone, one after another. It takes minutes to hours.
///
/// Exit status 1: a test failed.
#[derive(Debug, Args)]
pub(crate) struct LongArgs {
    /// Only tests whose name contains this
    #[arg(long, default_value = "")]
    pub(crate) only: String,

    /// Only this package's tests; may be given again
    #[arg(long, short)]
    pub(crate) package: Vec<String>,

    /// A test that takes longer has failed
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    pub(crate) limit: Duration,

    /// Only say which tests there are
    #[arg(long)]
    pub(crate) list: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=86_400) => Ok(Duration::from_secs(seconds)),
        _ => Err("give whole seconds from 1 to 86400".into()),
    }
}

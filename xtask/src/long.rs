//! Runs the long forms: tests marked `#[ignore]`, one after another, in a release build.
//!
//! `HOLM_TEST_ROUNDS=full` tells the tests' `rounds` helpers to do as many rounds as the catalogue asks for.

use crate::{
    args::LongArgs,
    binaries::{self, Binary, Wanted},
};
use anyhow::{Result, ensure};
use std::path::Path;

const FULL: (&str, &str) = ("HOLM_TEST_ROUNDS", "full");

/// Runs them; false if one failed.
pub(crate) fn run(root: &Path, args: &LongArgs) -> Result<bool> {
    let wanted = Wanted { packages: &args.package, release: true };
    let mut tests: Vec<(Binary, String)> = Vec::new();
    for binary in binaries::build(root, &wanted)? {
        tests.extend(binary.tests(&args.only, true)?.into_iter().map(|test| (binary.clone(), test)));
    }
    ensure!(!tests.is_empty(), "no ignored test's name contains {:?}", args.only);
    let mut failures = 0;
    for (at, (binary, test)) in tests.iter().enumerate() {
        println!("{} of {}: {} {test}", at + 1, tests.len(), binary.name);
        if args.list {
            continue;
        }
        let ended = binary.run(&["--exact", "--ignored", test], &[FULL], args.limit)?;
        let verdict = if ended.succeeded() { "holds" } else { "FAILS" };
        println!("    {verdict} after {:.1} s", ended.took.as_secs_f32());
        if !ended.succeeded() {
            failures += 1;
            eprintln!("{}\nended: {}", ended.output, ended.how());
        }
    }
    if !args.list {
        println!("{} long tests: {failures} failed", tests.len());
    }
    Ok(failures == 0)
}

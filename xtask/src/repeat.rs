//! Runs tests again and again beside busy threads, and tells which fail now and then.
//!
//! What hides a race is a machine with time: each thread runs when it is woken. Busy threads take that away, and a
//! hundred runs show what one in fifty does. The unit is a run of a test executable, as in CI, with its tests beside
//! each other; whoever looks for one test says `--only`.

mod busy;
mod tally;

use crate::{
    args::RepeatArgs,
    binaries::{self, Binary, Wanted},
    child::Ended,
    libtest::Report,
};
use anyhow::{Context, Result, ensure};
use busy::Busy;
use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};
use tally::Tally;

/// Runs the tests; false if a run failed.
pub(crate) fn run(root: &Path, args: &RepeatArgs) -> Result<bool> {
    let binaries = chosen(root, args)?;
    let outputs = args.outputs.clone().unwrap_or_else(|| target_folder(root).join("repeat"));
    let _busy = Busy::start(args.busy);
    let mut tally = Tally::new(args.times, args.busy);
    for run in 1..=args.times {
        let began = Instant::now();
        for (binary, tests) in &binaries {
            one_run(binary, tests, run, args, &outputs, &mut tally)?;
        }
        let seconds = began.elapsed().as_secs();
        println!("run {run} of {}: {seconds} s, {} failures so far", args.times, tally.failures());
    }
    print!("{}", tally.table());
    if let Some(file) = &args.json {
        fs::write(file, tally.json()?).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(tally.failures() == 0)
}

/// The executables that have tests to run, and these.
fn chosen(root: &Path, args: &RepeatArgs) -> Result<Vec<(Binary, Vec<String>)>> {
    let binaries = match args.binary.is_empty() {
        true => binaries::build(root, &Wanted { packages: &args.package, release: args.release })?,
        false => args.binary.iter().map(|path| Binary::at(path)).collect::<Result<_>>()?,
    };
    let mut chosen = Vec::new();
    for binary in binaries {
        let tests = binary.tests(&args.only, false)?;
        if !tests.is_empty() {
            chosen.push((binary, tests));
        }
    }
    ensure!(!chosen.is_empty(), "no test's name contains {:?}", args.only);
    Ok(chosen)
}

/// Runs an executable once, and counts and keeps what failed.
fn one_run(
    binary: &Binary,
    tests: &[String],
    run: u32,
    args: &RepeatArgs,
    outputs: &Path,
    tally: &mut Tally,
) -> Result<()> {
    let filter: &[&str] = if args.only.is_empty() { &[] } else { &[&args.only] };
    let ended = binary.run(filter, &[args.rounds.variable()], args.limit)?;
    let report = Report::read(&ended.output);
    let mut failed: Vec<String> = report.failed().map(str::to_owned).collect();
    if failed.is_empty() && !ended.succeeded() {
        // It went down as a whole: whoever has not been reported was under way.
        failed.extend(tests.iter().filter(|test| !report.verdicts.contains_key(*test)).cloned());
    }
    for test in tests {
        tally.ran(&binary.name, test);
    }
    if !failed.is_empty() {
        let file = keep(&ended, binary, run, outputs)?;
        for test in failed {
            println!("run {run}: {} {test} failed; see {}", binary.name, file.display());
            tally.failed(&binary.name, &test, &file);
        }
    }
    Ok(())
}

/// Writes what a failed run printed into a file.
fn keep(ended: &Ended, binary: &Binary, run: u32, outputs: &Path) -> Result<PathBuf> {
    let file = outputs.join(format!("{} run {run}.log", binary.name).replace(' ', "-"));
    let text = format!("{}\nended: {}, after {:.1} s\n", ended.output, ended.how(), ended.took.as_secs_f32());
    fs::create_dir_all(outputs)
        .and_then(|()| fs::write(&file, text))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

fn target_folder(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

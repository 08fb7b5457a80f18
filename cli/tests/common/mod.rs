//! How the tests of workloads run `holm bench WORKLOAD` and read its line.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// What whoever runs the tests has in the environment must not reach the workloads.
const WISHES: [&str; 5] = ["HOLM_LAYOUT", "HOLM_TRANSPORT", "HOLM_BIND", "HOLM_OVERSUBSCRIBE", "HOLM_PREFIX"];

/// `holm bench` with these words; two schedulers also where there is one CPU.
pub(crate) fn bench(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holm"));
    command.arg("bench").args(line.split_whitespace()).arg("--oversubscribe").stdin(Stdio::null());
    for wish in WISHES {
        command.env_remove(wish);
    }
    command
}

/// Runs to the end.
pub(crate) fn run(line: &str) -> Output {
    bench(line).output().expect("holm starts")
}

/// The one line of a run that must succeed.
#[track_caller]
pub(crate) fn report(line: &str) -> Value {
    let output = run(line);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{line}: {err}");
    assert_eq!(out.lines().count(), 1, "{line}: {out}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{line}: {error}: {out}"))
}

/// The exit status and the last sentence of a run that must fail; nothing else may be on standard output.
#[track_caller]
pub(crate) fn refused(line: &str) -> (Option<i32>, String) {
    failure(line, &run(line))
}

/// The same of a run that has ended.
#[track_caller]
pub(crate) fn failure(line: &str, output: &Output) -> (Option<i32>, String) {
    assert!(output.stdout.is_empty(), "{line}: {}", String::from_utf8_lossy(&output.stdout));
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(!err.contains("panicked"), "{line}: {err}");
    let last = err.lines().next_back().unwrap_or_default();
    let sentence = last.strip_prefix("error: ").unwrap_or_else(|| panic!("{line}: {err}"));
    (output.status.code(), sentence.to_owned())
}

//! The sweep, tiny: it measures, prints tables and a sentence, and writes its three files.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn sweep(out: &Path, more: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holm"));
    let grid = ["--layouts", "1x2,2x1", "--sizes", "64", "--work", "0", "--shares", "0,1", "--ms", "200"];
    command.arg("bench").args(grid).arg("--oversubscribe").args(more).arg("--out").arg(out).env_remove("HOLM_LAYOUT");
    command.output().expect("holm starts")
}

#[test]
fn a_tiny_sweep_writes_its_three_files() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiny-sweep");
    let output = sweep(&out, &["--reps", "2", "--transports", "shm,tcp"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    for label in ["1x2", "2x1 shm", "2x1 tcp", "64 B, no work", "msgs/s", "index.html"] {
        assert!(text.contains(label), "{label}: {text}");
    }
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(read("index.html").contains("<html") && read("headline.svg").contains("<svg"));
    let rows: Vec<Value> = read("results.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 6, "three columns at two shares: {rows:?}");
}

#[test]
fn rows_can_go_to_a_program_instead() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("json-sweep");
    let output = sweep(&out, &["--reps", "1", "--transports", "shm", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()) && !text.is_empty(), "{text}");
}

//! `cargo xtask repeat` against planted tests: one that fails now and then, one that starts a program and hangs.
//!
//! The planted tests are in this executable and do nothing unless their variable is set; `repeat` is told to run this
//! executable again.

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A file to count runs in: every third fails.
const FLAKY: &str = "XTASK_PLANTED_FLAKY";

/// A file for the process ids of a test that hangs and of a program that it started.
const HANGS: &str = "XTASK_PLANTED_HANG";

#[test]
fn planted_flaky() {
    let Some(file) = env::var_os(FLAKY) else { return };
    let runs = fs::read_to_string(&file).unwrap_or_default() + "x";
    fs::write(&file, &runs).unwrap();
    assert!(!runs.len().is_multiple_of(3), "every third run fails");
}

#[test]
fn planted_hang() {
    let Some(file) = env::var_os(HANGS) else { return };
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let unfinished = PathBuf::from(&file).with_extension("part");
    fs::write(&unfinished, format!("{} {}", std::process::id(), sleeper.id())).unwrap();
    fs::rename(unfinished, file).unwrap();
    sleeper.wait().unwrap();
}

/// A new folder for what a test writes.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn repeat(folder: &Path, only: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["repeat", "--only", only, "--binary"]).arg(env::current_exe().unwrap());
    command.arg("--outputs").arg(folder).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_test_that_fails_now_and_then_is_caught() {
    let folder = folder("flaky");
    let json = folder.join("flaky.json");
    let more = ["--times", "7", "--busy", "2", "--json", json.to_str().unwrap()];
    let output = repeat(&folder, "planted_flaky", &more).env(FLAKY, folder.join("runs")).output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("1 tests, 7 runs each beside 2 busy threads: 2 failures"), "{text}");
    let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let test = &told["tests"][0];
    assert_eq!((&test["test"], &test["runs"], &test["failures"]), (&"planted_flaky".into(), &7.into(), &2.into()));
    for kept in test["outputs"].as_array().unwrap() {
        assert!(fs::read_to_string(kept.as_str().unwrap()).unwrap().contains("every third run fails"));
    }
}

#[test]
fn a_test_that_always_holds_is_no_failure() {
    let folder = folder("fine");
    let output = repeat(&folder, "planted_flaky", &["--times", "3", "--busy", "0"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("0 failures"));
}

#[test]
fn a_filter_that_fits_no_test_is_an_error() {
    let output = repeat(&folder("none"), "no_such_test", &["--times", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("no test's name contains \"no_such_test\""), "{}", text(&output));
}

/// Starts a repetition whose test hangs; gives it and the two processes that are to be gone afterwards.
fn start_hanging(folder: &Path, more: &[&str]) -> (Child, Vec<Pid>) {
    let file = folder.join("pids");
    let child = repeat(folder, "planted_hang", more).env(HANGS, &file).spawn().unwrap();
    wait_until("the planted test runs", || file.exists());
    let pids = fs::read_to_string(file).unwrap();
    (child, pids.split(' ').map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap()).collect())
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "it did not come to pass that {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn runs(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    test_kill_process(pid).is_ok() && !stat.contains(") Z ")
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let (child, pids) = start_hanging(&folder("interrupted"), &["--times", "2"]);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output));
    wait_until("all is gone", || !pids.iter().any(|pid| runs(*pid)));
}

#[test]
fn a_run_that_hangs_has_failed_at_its_limit() {
    let (child, pids) = start_hanging(&folder("hanging"), &["--times", "1", "--limit", "1"]);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("planted_hang failed"), "{}", text(&output));
    wait_until("all is gone", || !pids.iter().any(|pid| runs(*pid)));
}

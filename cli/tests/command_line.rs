//! What a user sees who types something: one sentence and an exit status for what is wrong, help for what is right.

use std::process::{Command, Output};

fn holm(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holm"));
    command.args(words).env_remove("NO_COLOR").env_remove("HOLM_LAYOUT");
    command.output().expect("holm starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the output is text")
}

/// The exit status and what was said on standard error.
fn refused(words: &[&str]) -> (Option<i32>, String) {
    let output = holm(words);
    assert!(output.stdout.is_empty(), "an error must leave standard output empty: {}", text(&output.stdout));
    (output.status.code(), text(&output.stderr))
}

#[track_caller]
fn assert_usage(words: &[&str], expected: &[&str]) {
    let (code, sentence) = refused(words);
    assert_eq!(code, Some(2), "{words:?}: {sentence}");
    for part in expected {
        assert!(sentence.contains(part), "{words:?} should say {part:?}: {sentence}");
    }
    assert!(!sentence.contains("panicked"), "{sentence}");
}

#[test]
fn an_unknown_workload_is_answered_with_the_known_ones() {
    assert_usage(&["bench", "pinpong"], &["`pinpong` is no workload", "pingpong", "nodes-stream", "crossing"]);
    let (_, sentence) = refused(&["bench", "pinpong"]);
    assert_eq!(sentence.lines().count(), 1);
}

#[test]
fn an_unknown_parameter_is_answered_with_the_known_ones() {
    assert_usage(&["bench", "ring", "--m", "5"], &["`ring` has no parameter `--m`", "--p, --n, --place"]);
}

#[test]
fn a_bad_parameter_is_named_with_what_would_be_right() {
    assert_usage(&["bench", "ring", "--n", "many"], &["`--n` takes a whole number", "`many`"]);
    assert_usage(&["bench", "ring", "--n"], &["`--n` needs a value"]);
    assert_usage(&["bench", "crossing", "--share", "2"], &["from 0 to 1", "`2`"]);
}

#[test]
fn bad_layouts_are_refused_everywhere() {
    for command in [&["bench", "--layouts"][..], &["machine", "--layout"], &["bench", "ring", "--layout"]] {
        for layout in ["0x4", "axb", "1x", "9999x1", ""] {
            assert_usage(&[command, &[layout]].concat(), &[layout]);
        }
    }
    assert_usage(&["run", "--layout", "0x4", "--", "true"], &["0x4"]);
}

#[test]
fn more_schedulers_than_cpus_need_a_word() {
    assert_usage(&["bench", "ring", "--layout", "1x1024"], &["1x1024", "--oversubscribe"]);
    assert_usage(&["machine", "--layout", "256x4"], &["256x4", "--oversubscribe"]);
    assert_usage(&["run", "--layout", "1x1024", "--", "true"], &["1x1024", "--oversubscribe"]);
    assert!(holm(&["machine", "--layout", "1x1024", "--oversubscribe"]).status.success());
}

#[test]
fn unknown_bind_types_and_transports_are_answered_with_the_known_ones() {
    assert_usage(&["bench", "--bind", "sideways"], &["sideways", "tnnps"]);
    assert_usage(&["bench", "ring", "--bind", "sideways"], &["sideways", "tnnps"]);
    assert_usage(&["bench", "--transports", "pigeon"], &["pigeon", "shm", "tcp", "unix"]);
    assert_usage(&["run", "--transport", "pigeon", "--", "true"], &["pigeon", "shm", "tcp", "unix"]);
}

#[test]
fn bad_lists_of_the_sweep_name_the_bad_value() {
    assert_usage(&["bench", "--shares", "0,1.5"], &["`1.5` is no share", "from 0 to 1"]);
    assert_usage(&["bench", "--sizes", "64,huge"], &["`huge` is no message size", "4KiB"]);
    assert_usage(&["bench", "--work", "-1"], &["-1"]);
    assert_usage(&["bench", "--reps", "0"], &["0", "1..=100"]);
}

#[test]
fn a_sweep_that_would_never_end_is_refused() {
    let shares: Vec<String> = (0..2_000).map(|share| format!("{}", f64::from(share) / 2_000.0)).collect();
    assert_usage(&["bench", "--oversubscribe", "--shares", &shares.join(",")], &["cells", "5000"]);
}

#[test]
fn nothing_to_do_is_a_usage_error_and_help_is_not() {
    assert_eq!(holm(&[]).status.code(), Some(2));
    let help = holm(&["--help"]);
    assert!(help.status.success());
    for word in ["bench", "machine", "run", "Examples:", "holm bench --quick", "PxS"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
}

#[test]
fn the_list_and_the_help_of_a_workload_show_parameters_with_defaults() {
    let list = text(&holm(&["bench", "--list"]).stdout);
    for word in ["spawn", "live", "imbalance", "nodes-pingpong", "--base 5000", "--n 2000000"] {
        assert!(list.contains(word), "{word}");
    }
    let help = text(&holm(&["bench", "fairness", "--help"]).stdout);
    assert!(help.contains("--hogs 8") && help.contains("--ms 3000") && !help.contains("skynet"), "{help}");
}

#[test]
fn colours_can_be_switched_off_and_on() {
    assert!(!text(&holm(&["bench", "pinpong"]).stderr).contains('\x1b'), "a pipe gets none");
    assert!(text(&holm(&["--color", "always", "bench", "pinpong"]).stderr).contains('\x1b'));
    assert!(text(&holm(&["bench", "pinpong", "--color=always"]).stderr).contains('\x1b'));
    assert!(!text(&holm(&["--color", "never", "bench", "--bind", "x"]).stderr).contains('\x1b'));
    assert!(text(&holm(&["--color", "always", "bench", "--bind", "x"]).stderr).contains('\x1b'));
}

#[test]
fn the_machine_is_shown_to_people_and_to_programs() {
    let shown = text(&holm(&["machine"]).stdout);
    assert!(shown.contains("scheduler") && shown.contains("cpu"), "{shown}");
    let json = text(&holm(&["machine", "--json", "--layout", "1x1"]).stdout);
    let json: serde_json::Value = serde_json::from_str(&json).expect("one JSON object");
    assert_eq!(json["plan"]["layout"], "1x1");
    assert!(json["machine"]["usable"].as_u64().expect("a number") >= 1);
}

#[test]
fn a_reader_who_has_seen_enough_is_no_failure() {
    let script = format!("'{}' bench --list | head -n 1; exit ${{PIPESTATUS[0]}}", env!("CARGO_BIN_EXE_holm"));
    let output = Command::new("bash").args(["-c", &script]).output().expect("bash starts");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_measured() {
    let output = holm(&["bench", "--oversubscribe", "--out", "/dev/null/report"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("`/dev/null/report`; choose another --out"), "{}", text(&output.stderr));
}

//! `holm run` hands its wishes over and then is gone: what the program does is what the caller sees.

use std::process::{Command, Output};

fn run(options: &[&str], program: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holm"));
    command.arg("run").args(options).arg("--").args(program);
    for name in ["HOLM_LAYOUT", "HOLM_TRANSPORT", "HOLM_BIND", "HOLM_OVERSUBSCRIBE", "HOLM_PREFIX"] {
        command.env_remove(name);
    }
    command.output().expect("holm starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("the output is text")
}

const SHOW: &str = "echo ${HOLM_LAYOUT-unset} ${HOLM_TRANSPORT-unset} ${HOLM_BIND-unset} \
                    ${HOLM_OVERSUBSCRIBE-unset} ${HOLM_PREFIX-unset}";

#[test]
fn wishes_reach_the_program_through_its_environment() {
    let options = ["--layout", "2x4", "--transport", "tcp", "--bind", "no_spread", "--oversubscribe", "--prefix"];
    assert_eq!(stdout(&run(&options, &["sh", "-c", SHOW])), "2x4 tcp ns 1 1\n");
}

#[test]
fn what_is_not_wished_for_is_not_set() {
    assert_eq!(stdout(&run(&[], &["sh", "-c", SHOW])), "unset unset unset unset unset\n");
}

#[test]
fn arguments_and_exit_status_are_the_programs_own() {
    let output = run(&["--layout", "1x1"], &["sh", "-c", "echo \"$1\"; exit 42", "sh", "--layout=nonsense"]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(42), "--layout=nonsense\n"));
}

#[test]
fn the_program_has_the_process_id_that_was_started() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holm"));
    let child = command.args(["run", "--", "sh", "-c", "echo $$"]).stdout(std::process::Stdio::piped()).spawn();
    let child = child.expect("holm starts");
    let id = child.id();
    assert_eq!(stdout(&child.wait_with_output().expect("it ends")).trim(), id.to_string());
}

#[test]
fn a_program_that_is_not_there_is_127_with_a_sentence() {
    let output = run(&[], &["no-such-program-anywhere"]);
    assert_eq!(output.status.code(), Some(127));
    let sentence = String::from_utf8_lossy(&output.stderr);
    assert!(
        sentence.contains("`no-such-program-anywhere` was not found") && sentence.lines().count() == 1,
        "{sentence}"
    );
}

#[test]
fn a_file_that_is_no_program_is_126() {
    let output = run(&[], &["/dev/null"]);
    assert_eq!(output.status.code(), Some(126));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`/dev/null` cannot be started"));
}

#[test]
fn a_program_is_required() {
    assert_eq!(run(&["--layout", "1x1"], &[]).status.code(), Some(2));
}

//! The heart of holm: one program, every layout, every transport, the same observable trace.
//!
//! The program is a play. A director starts actors on the places 0 to 3, which fall on the schedulers of whatever layout
//! there is, and each actor says what it observes: what it receives, in its order, whose exit, which reason, what a call
//! gave. A line goes to the recorder with pids beside the text; at the end the recorder knows every actor's label, puts
//! labels where pids are, and prints the lines actor by actor. So the trace holds what is promised (what each process
//! sees, in its order) and leaves out what is not (how processes interleave).
//!
//! | file | holds |
//! | --- | --- |
//! | `play.rs` | what actors say to each other and to the recorder |
//! | `actors.rs` | who plays |
//! | `scenes.rs` | what is played |
//! | `recorder.rs` | how it becomes a trace |
//! | this one | the program under each layout, and the comparison |

mod actors;
#[path = "../harness/mod.rs"]
mod harness;
mod play;
mod recorder;
mod scenes;

use harness::program::{Program, role};
use recorder::recorder;
use std::fmt::Write;

/// Set for a program whose actors are to behave differently in one small thing.
const FAULT: &str = "HOLM_TEST_FAULT";

#[test]
fn the_program() {
    let Some(_) = role() else { return };
    let faulty = std::env::var_os(FAULT).is_some();
    holm::block_on(move |me| recorder(me, faulty)).unwrap();
}

/// Runs the play under a layout.
fn trace(layout: &str, transport: &str, faulty: bool) -> Vec<String> {
    let mut program = Program::new("play", layout, transport);
    if faulty {
        program = program.variable(FAULT, "1");
    }
    let outcome = program.run();
    assert!(outcome.status.success() && outcome.in_time, "{layout} {transport}: {}", outcome.story());
    outcome.stdout.lines().filter_map(|line| line.strip_prefix("trace ")).map(str::to_owned).collect()
}

/// Where two traces differ, with a few lines around the first place; nothing if they agree.
fn difference(expected: &[String], actual: &[String]) -> Option<String> {
    let agree = expected.iter().zip(actual).take_while(|(expected, actual)| expected == actual).count();
    if agree == expected.len().max(actual.len()) {
        return None;
    }
    let mut text = format!("the traces differ at line {}:\n", agree + 1);
    for line in &expected[agree.saturating_sub(3)..agree] {
        writeln!(text, "    {line}").unwrap();
    }
    for line in expected[agree..].iter().take(5) {
        writeln!(text, "  - {line}").unwrap();
    }
    for line in actual[agree..].iter().take(5) {
        writeln!(text, "  + {line}").unwrap();
    }
    Some(text)
}

/// What all others must show.
fn expected() -> &'static [String] {
    static EXPECTED: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    EXPECTED.get_or_init(|| trace("1x2", "shm", false))
}

fn assert_agrees(layout: &str, transport: &str) {
    if let Some(difference) = difference(expected(), &trace(layout, transport, false)) {
        panic!("{layout} {transport} does not do what 1x2 does: {difference}");
    }
}

#[test]
fn the_play_shows_what_it_is_about() {
    let trace = expected();
    assert!(trace.len() > 250, "{} lines", trace.len());
    let told = [
        "director: down of one that gives a value: value of type u64 404",
        "one that is killed, watcher 2: ends: killed",
        "one that ends with kill, watcher 0: exit of one that ends with kill: kill",
        "one that returns, watcher 2: ends: normal",
        "one that panics, watcher 1: exit of one that panics: panic: as it was told",
        "director: desk 3 is desk 3",
        "director: Ok(42)",
        "director: Err(Timeout)",
        "director: traveller comes back as itself: true",
    ];
    for line in told {
        assert!(trace.iter().any(|other| other == line), "it is not said that '{line}' in:\n{}", trace.join("\n"));
    }
}

#[test]
fn a_second_run_agrees() {
    assert_agrees("1x2", "shm");
}

#[test]
fn one_scheduler_agrees() {
    assert_agrees("1x1", "shm");
}

#[test]
fn two_nodes_over_shared_memory_agree() {
    assert_agrees("2x1", "shm");
}

#[test]
fn two_nodes_over_tcp_agree() {
    assert_agrees("2x1", "tcp");
}

#[test]
fn two_nodes_over_unix_sockets_agree() {
    assert_agrees("2x1", "unix");
}

#[test]
fn two_nodes_of_two_schedulers_agree() {
    assert_agrees("2x2", "shm");
}

#[test]
fn four_schedulers_of_one_node_agree() {
    assert_agrees("1x4", "shm");
}

#[test]
fn four_nodes_agree() {
    assert_agrees("4x1", "shm");
    assert_agrees("4x1", "tcp");
}

/// Without this the tests above could be passed by a trace that says nothing.
#[test]
fn a_planted_fault_is_caught_and_shown() {
    let difference = difference(expected(), &trace("2x1", "shm", true)).expect("two messages have changed places");
    assert!(
        difference.contains("  - listener 1: number 10") && difference.contains("  + listener 1: number 11"),
        "{difference}"
    );
}

//! Every workload, small: it runs with one scheduler and with two, checks its own sums, and keeps the contract.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{bench, failure, refused, report};
use serde_json::Value;

#[allow(dead_code, reason = "other tests use other parts")]
mod common;

/// Workload and parameters, metric, which way is better, and what else is told.
const LOCAL: [(&str, &str, &str, &[&str]); 11] = [
    ("spawn --n 3000", "ns_per_process", "lower", &["cold"]),
    ("live --n 2500", "bytes_per_process", "lower", &["wake_ns_per_process", "spawn_ns_per_process"]),
    ("pingpong --n 500", "ns_per_roundtrip", "lower", &[]),
    ("ring --p 50 --n 1001", "ns_per_hop", "lower", &[]),
    ("skynet --n 1000", "ms", "lower", &["cold"]),
    ("fanin --p 5 --n 300", "msgs_per_s", "higher", &[]),
    ("big --p 20 --r 3", "msgs_per_s", "higher", &[]),
    ("call --c 5 --n 100", "calls_per_s", "higher", &[]),
    ("imbalance --n 200 --base 50", "ms", "lower", &[]),
    ("timers --n 300", "ms", "lower", &["cpu_s", "p50_us", "p99_us", "p999_us", "max_us"]),
    (
        "fairness --hogs 3 --ms 100",
        "p99_late_us",
        "lower",
        &["p50_us", "p999_us", "max_us", "beats", "hog_iterations_per_us"],
    ),
];

#[track_caller]
fn assert_contract(line: &str, cores: u64, metric: &str, better: &str, extras: &[&str]) {
    let report = report(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((&report["peer"], &report["version"]), (&"holm".into(), &env!("CARGO_PKG_VERSION").into()), "{line}");
    assert_eq!((&report["workload"], &report["cores"]), (&words[0].into(), &cores.into()), "{line}");
    assert_eq!((&report["metric"], &report["better"]), (&metric.into(), &better.into()), "{line}");
    assert!(report["value"].as_f64().is_some_and(|value| value.is_finite() && value >= 0.0), "{line}: {report}");
    let extra = report["extra"].as_object().expect("extra is an object");
    assert!(extra.values().all(Value::is_number) && extras.iter().all(|name| extra.contains_key(*name)), "{report}");
    for pair in words[1..].chunks(2).filter(|pair| pair[0] != "--cores") {
        let reported = &report["params"][&pair[0][2..]];
        let text = reported.as_str().map_or_else(|| reported.to_string(), str::to_owned);
        assert_eq!(text, pair[1], "{line}: {report}");
    }
}

#[test]
fn every_workload_runs_with_one_scheduler_and_with_two() {
    for (line, metric, better, extras) in LOCAL {
        for cores in [1, 2] {
            assert_contract(&format!("{line} --cores {cores}"), cores, metric, better, extras);
        }
    }
}

#[test]
fn hogs_that_never_yield_are_stopped_all_the_same() {
    let report = report("fairness --hogs 2 --ms 50 --yield 0 --cores 1");
    assert!(report["extra"]["beats"].as_u64().is_some_and(|beats| beats >= 1), "{report}");
}

#[test]
fn both_sides_can_be_put_on_one_scheduler_or_on_two() {
    for line in ["pingpong --n 200", "ring --p 10 --n 200", "fanin --p 3 --n 100", "call --c 3 --n 50"] {
        for place in ["--place same --cores 1", "--place same --cores 2", "--place cross --cores 2"] {
            assert!(report(&format!("{line} {place}"))["value"].as_f64().is_some_and(|value| value > 0.0));
        }
    }
}

#[test]
fn two_schedulers_may_be_two_processes() {
    for line in ["pingpong --n 50", "ring --p 10 --n 50", "fanin --p 3 --n 100", "call --c 3 --n 20"] {
        for transport in ["shm", "tcp"] {
            let line = format!("{line} --place cross --layout 2x1 --transport {transport}");
            let report = report(&line);
            assert_eq!((&report["cores"], &report["params"]["layout"]), (&2.into(), &"2x1".into()), "{line}");
        }
    }
}

#[test]
fn binaries_go_there_and_back() {
    for size in [1, 64, 70_000] {
        for more in ["--place split", "--place same", "--transport tcp", "--transport unix"] {
            let line = format!("nodes-pingpong --n 30 --size {size} {more}");
            assert_contract(&line, 2, "ns_per_roundtrip", "lower", &[]);
        }
    }
}

#[test]
fn binaries_stream() {
    for size in [1, 64, 70_000] {
        for more in ["--place split", "--place same", "--transport tcp", "--transport unix"] {
            let line = format!("nodes-stream --n 200 --size {size} {more}");
            assert_contract(&line, 2, "msgs_per_s", "higher", &["mb_per_s"]);
        }
    }
}

#[test]
fn what_cannot_be_is_told_in_a_sentence() {
    let (code, sentence) = refused("ring --cores 1 --place cross");
    assert_eq!((code, sentence.contains("needs two schedulers")), (Some(1), true), "{sentence}");
    let (code, sentence) = refused("skynet --cores 1 --n 500");
    assert_eq!((code, sentence.contains("a power of ten")), (Some(1), true), "{sentence}");
    let (code, sentence) = refused("spawn --layout 2x1 --n 10");
    assert_eq!((code, sentence.contains("runs in one OS process, not in 2")), (Some(2), true), "{sentence}");
    let (code, sentence) = refused("nodes-stream --layout 1x2");
    assert_eq!((code, sentence.contains("give a layout such as 2x1")), (Some(2), true), "{sentence}");
}

#[test]
fn a_node_that_is_killed_ends_the_run_and_leaves_no_orphan() {
    for line in ["crossing --layout 3x1 --ms 60000", "nodes-stream --layout 3x1 --n 1000000000"] {
        let first = bench(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("holm starts");
        let nodes = wait_for(|| Some(children_of(first.id())).filter(|children| children.len() == 2));
        let last = nodes.iter().max().expect("there are two"); // the later of the two, where the other side runs
        std::thread::sleep(Duration::from_millis(300)); // most likely it runs by then; the promise holds before, too
        let killed = Command::new("kill").args(["-KILL", &last.to_string()]).status().expect("kill starts");
        assert!(killed.success(), "{line}");
        let output = first.wait_with_output().expect("it ends");
        let (code, sentence) = failure(line, &output);
        assert_eq!(code, Some(1), "{line}: {sentence}");
        assert!(sentence.contains("node"), "{line}: {sentence}");
        wait_for(|| nodes.iter().all(|node| !Path::new(&format!("/proc/{node}")).exists()).then_some(()));
    }
}

fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "it did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn children_of(process: u32) -> Vec<u32> {
    let parent = |status: String| {
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        line.trim().parse::<u32>().ok()
    };
    let processes = fs::read_dir("/proc").expect("/proc is there").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| fs::read_to_string(format!("/proc/{id}/status")).ok().and_then(parent) == Some(process)).collect()
}

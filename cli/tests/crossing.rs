//! The cell of the sweep: the same messages under every layout, all of them accounted for, and faults found.

use common::{refused, report};
use serde_json::Value;

#[allow(dead_code, reason = "other tests use other parts")]
mod common;

/// Layout, its OS processes and its schedulers.
const LAYOUTS: [(&str, u64, u64); 6] = [
    ("--layout 1x1", 1, 1),
    ("--layout 1x2", 1, 2),
    ("--layout 2x1 --transport shm", 2, 2),
    ("--layout 2x1 --transport tcp", 2, 2),
    ("--layout 2x1 --transport unix", 2, 2),
    ("--layout 2x2", 2, 4),
];

fn extra(report: &Value, name: &str) -> f64 {
    report["extra"][name].as_f64().unwrap_or_else(|| panic!("{name} is missing: {report}"))
}

#[test]
fn it_runs_under_every_layout_and_tells_all_figures() {
    for (layout, nodes, schedulers) in LAYOUTS {
        let report = report(&format!("crossing {layout} --ms 200 --share 0.5"));
        assert_eq!((&report["metric"], &report["cores"]), (&"msgs_per_s".into(), &schedulers.into()), "{report}");
        assert_eq!((extra(&report, "nodes"), extra(&report, "schedulers")), (nodes as f64, schedulers as f64));
        assert_eq!(extra(&report, "lost"), 0.0);
        assert!(report["value"].as_f64().unwrap() > 0.0 && extra(&report, "messages") > 0.0, "{report}");
        let quantiles = ["p50_us", "p99_us", "p999_us"].map(|name| extra(&report, name));
        assert!(quantiles[0] > 0.0 && quantiles.is_sorted(), "{report}");
        for figure in ["cpu_s_per_million", "rss_mb", "connect_ms"] {
            assert!(extra(&report, figure) > 0.0, "{figure}: {report}");
        }
        assert!(extra(&report, "ctx_per_million") >= 0.0);
    }
}

#[test]
fn the_share_that_crosses_is_the_one_asked_for() {
    for (layout, _, schedulers) in LAYOUTS {
        for share in [0.0, 0.5, 1.0] {
            let report = report(&format!("crossing {layout} --ms 200 --share {share}"));
            let (messages, crossed) = (extra(&report, "messages"), extra(&report, "crossed"));
            let right = if schedulers == 1 { 0.0 } else { share };
            let exact = right == 0.0 || right == 1.0;
            assert!(!exact || crossed == right * messages, "{report}");
            // Seven standard deviations of that many draws.
            let tolerance = 7.0 * (0.25 / (messages / 2.0)).sqrt();
            assert!((crossed / messages - right).abs() <= tolerance, "{report}");
        }
    }
}

#[test]
fn messages_of_any_size_with_work_arrive_unchanged() {
    for layout in ["--layout 1x2", "--layout 2x1 --transport shm", "--layout 2x1 --transport tcp"] {
        for size in [1, 33, 4_096, 70_000] {
            let report = report(&format!("crossing {layout} --ms 200 --share 0.5 --work 3 --groups 3 --size {size}"));
            assert!(extra(&report, "messages") > 0.0 && extra(&report, "lost") == 0.0, "{report}");
        }
    }
}

#[test]
fn planted_faults_are_found() {
    let faults = [
        ("drop", "requests were lost"),
        ("twice", "received an answer that it did not wait for: message"),
        ("corrupt", "was changed on its way"),
    ];
    for (layout, ..) in LAYOUTS {
        for (fault, expected) in faults {
            let (code, sentence) = refused(&format!("crossing {layout} --ms 200 --share 0 --plant {fault}"));
            assert_eq!(code, Some(1), "{layout} {fault}: {sentence}");
            assert!(sentence.contains(expected), "{layout} {fault}: {sentence}");
        }
    }
}

#[test]
fn more_groups_than_everybody_can_know_are_refused() {
    let (code, sentence) = refused("crossing --layout 1x8 --groups 1000 --ms 100");
    assert_eq!((code, sentence.contains("8000 groups are too many")), (Some(1), true), "{sentence}");
}

//! The workloads by name: what each is about, and which parameters it knows.
//!
//! This table serves the help, the errors and the check of parameters; how a workload runs is not here but in
//! `workload`. Names, parameters and defaults are those of the programs that holm is measured beside, so that one
//! command line runs the same thing everywhere.

use std::fmt::Write as _;

/// One workload of `holm bench WORKLOAD`.
#[derive(Debug)]
pub(crate) struct WorkloadInfo {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// What happens and what is measured.
    pub(crate) about: &'static str,
    /// Which layouts it runs under.
    pub(crate) walls: Walls,
    /// The parameters it knows.
    pub(crate) keys: &'static [Key],
}

/// What a workload has to do with the walls between OS processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walls {
    /// Its processes are closures, which cannot cross: one OS process.
    None,
    /// Its processes are entry points: any layout.
    Any,
    /// It is about two OS processes: `--cores 2` is 2x1 instead of 1x2.
    Needed,
}

/// One parameter of a workload.
#[derive(Debug)]
pub(crate) struct Key {
    /// Without the two dashes.
    pub(crate) name: &'static str,
    /// Its values and its default.
    pub(crate) kind: Kind,
    /// What it stands for.
    pub(crate) about: &'static str,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A whole number within bounds.
    Whole { default: u64, min: u64, max: u64 },
    /// A number within bounds.
    Real { default: f64, min: f64, max: f64 },
    /// One of a few words.
    Word { default: &'static str, choices: &'static [&'static str] },
}

/// No count on a command line is larger: sums of that many numbers still fit their types.
const COUNT_MAX: u64 = 1_000_000_000;
/// No number of processes that live at the same time is larger.
const LIVE_MAX: u64 = 16_000_000;
/// No scheduler has more groups of talking processes.
const GROUPS_MAX: u64 = 1_024;
/// No message is larger.
const SIZE_MAX: u64 = crate::units::SIZE_MAX as u64;
/// No run is told to last longer than ten minutes.
const MS_MAX: u64 = 600_000;

const fn count(name: &'static str, default: u64, about: &'static str) -> Key {
    Key { name, kind: Kind::Whole { default, min: 1, max: COUNT_MAX }, about }
}

const fn live(name: &'static str, default: u64, about: &'static str) -> Key {
    Key { name, kind: Kind::Whole { default, min: 2, max: LIVE_MAX }, about }
}

const fn millis(default: u64) -> Key {
    Key { name: "ms", kind: Kind::Whole { default, min: 1, max: MS_MAX }, about: "how long it runs, in milliseconds" }
}

const fn bytes(default: u64) -> Key {
    Key { name: "size", kind: Kind::Whole { default, min: 1, max: SIZE_MAX }, about: "bytes of a message" }
}

const fn place(default: &'static str, choices: &'static [&'static str]) -> Key {
    Key { name: "place", kind: Kind::Word { default, choices }, about: "where the two sides run" }
}

/// The runtime's own choice, one scheduler, two schedulers.
const ANYWHERE: &[&str] = &["own", "same", "cross"];
/// Two nodes: on a CPU each, or both on one.
const TWO_NODES: &[&str] = &["split", "same"];

/// Every workload, in the order of the help.
pub(crate) const WORKLOADS: &[WorkloadInfo] = &[
    WorkloadInfo {
        name: "spawn",
        about: "one process after another is spawned, sends its number and ends: ns_per_process",
        walls: Walls::None,
        keys: &[count("n", 1_000_000, "processes")],
    },
    WorkloadInfo {
        name: "live",
        about: "many processes live and wait at the same time: bytes_per_process",
        walls: Walls::None,
        keys: &[live("n", 1_000_000, "processes")],
    },
    WorkloadInfo {
        name: "pingpong",
        about: "a number goes to another process and comes back: ns_per_roundtrip",
        walls: Walls::Any,
        keys: &[count("n", 1_000_000, "round trips"), place("own", ANYWHERE)],
    },
    WorkloadInfo {
        name: "ring",
        about: "a token goes round a ring of processes: ns_per_hop",
        walls: Walls::Any,
        keys: &[live("p", 1_000, "processes"), count("n", 2_000_000, "hops"), place("own", ANYWHERE)],
    },
    WorkloadInfo {
        name: "skynet",
        about: "a tree of processes, ten below each, sums its leaves: ms",
        walls: Walls::None,
        keys: &[live("n", 1_000_000, "leaves, a power of ten")],
    },
    WorkloadInfo {
        name: "fanin",
        about: "many producers send to one consumer: msgs_per_s",
        walls: Walls::Any,
        keys: &[live("p", 64, "producers"), count("n", 100_000, "messages of each producer"), place("own", ANYWHERE)],
    },
    WorkloadInfo {
        name: "big",
        about: "every process pings every other one: msgs_per_s",
        walls: Walls::None,
        keys: &[live("p", 500, "processes"), count("r", 4, "rounds")],
    },
    WorkloadInfo {
        name: "call",
        about: "clients call one server, one request after another: calls_per_s",
        walls: Walls::Any,
        keys: &[count("c", 64, "clients"), count("n", 20_000, "calls of each client"), place("own", ANYWHERE)],
    },
    WorkloadInfo {
        name: "imbalance",
        about: "tasks of very different length are spread over the schedulers: ms",
        walls: Walls::None,
        keys: &[count("n", 2_000, "tasks"), count("base", 5_000, "steps of the shortest task")],
    },
    WorkloadInfo {
        name: "timers",
        about: "every process sleeps once and tells how late it woke: ms",
        walls: Walls::None,
        keys: &[live("n", 200_000, "processes")],
    },
    WorkloadInfo {
        name: "fairness",
        about: "a heartbeat beside processes that compute without end: p99_late_us",
        walls: Walls::None,
        keys: &[
            count("hogs", 8, "computing processes"),
            millis(3_000),
            Key {
                name: "yield",
                kind: Kind::Whole { default: 1, min: 0, max: 1 },
                about: "1: they yield after each chunk, 0: they never do",
            },
        ],
    },
    WorkloadInfo {
        name: "nodes-pingpong",
        about: "a binary goes to another OS process and comes back: ns_per_roundtrip",
        walls: Walls::Needed,
        keys: &[bytes(64), count("n", 50_000, "round trips (5000 above 4 KiB)"), place("split", TWO_NODES)],
    },
    WorkloadInfo {
        name: "nodes-stream",
        about: "binaries flow to another OS process: msgs_per_s",
        walls: Walls::Needed,
        keys: &[bytes(64), count("n", 2_000_000, "messages (50000 above 4 KiB)"), place("split", TWO_NODES)],
    },
    WorkloadInfo {
        name: "crossing",
        about: "groups of processes, a share of whose messages leaves its partition: msgs_per_s; a cell of the sweep",
        walls: Walls::Any,
        keys: &[
            Key {
                name: "share",
                kind: Kind::Real { default: 0.1, min: 0.0, max: 1.0 },
                about: "share of the messages that cross",
            },
            bytes(64),
            Key {
                name: "work",
                kind: Kind::Whole { default: 0, min: 0, max: crate::units::WORK_US_MAX as u64 },
                about: "work for each message, in microseconds",
            },
            millis(1_000),
            Key {
                name: "groups",
                kind: Kind::Whole { default: 8, min: 1, max: GROUPS_MAX },
                about: "groups of processes on each scheduler",
            },
            Key {
                name: "plant",
                kind: Kind::Word { default: "none", choices: &["none", "drop", "twice", "corrupt"] },
                about: "a fault that the run must find",
            },
        ],
    },
];

/// The workload of that name.
pub(crate) fn find(name: &str) -> Option<&'static WorkloadInfo> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}

/// All names in one line, for errors.
pub(crate) fn names() -> String {
    let names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
    names.join(", ")
}

/// What `holm bench --list` prints.
pub(crate) fn list() -> String {
    WORKLOADS.iter().map(WorkloadInfo::page).collect::<Vec<_>>().join("\n")
}

impl WorkloadInfo {
    /// The key of that name.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// Name, sentence and parameters, as help shows them.
    pub(crate) fn page(&self) -> String {
        let mut page = format!("{:<15} {}\n", self.name, self.about);
        for key in self.keys {
            let head = format!("--{} {}", key.name, key.kind.default());
            let choices = match key.kind {
                Kind::Word { choices, .. } => format!(": {}", choices.join(", ")),
                _ => String::new(),
            };
            let _ = writeln!(page, "{:15}   {head:<18} {}{choices}", "", key.about);
        }
        page
    }
}

impl Kind {
    fn default(self) -> String {
        match self {
            Self::Whole { default, .. } => default.to_string(),
            Self::Real { default, .. } => default.to_string(),
            Self::Word { default, .. } => default.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_within_its_own_bounds() {
        for key in WORKLOADS.iter().flat_map(|workload| workload.keys) {
            let fits = match key.kind {
                Kind::Whole { default, min, max } => (min..=max).contains(&default),
                Kind::Real { default, min, max } => (min..=max).contains(&default),
                Kind::Word { default, choices } => choices.contains(&default),
            };
            assert!(fits, "{}", key.name);
        }
    }

    #[test]
    fn names_are_unique_and_keys_do_not_hide_the_settings() {
        let mut names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WORKLOADS.len());
        let reserved = ["cores", "layout", "transport", "bind", "oversubscribe", "color", "help"];
        assert!(WORKLOADS.iter().flat_map(|workload| workload.keys).all(|key| !reserved.contains(&key.name)));
    }

    #[test]
    fn the_list_shows_each_parameter_with_its_default() {
        let list = list();
        assert!(list.contains("--n 2000000") && list.contains("own, same, cross"));
        assert!(WORKLOADS.iter().all(|workload| list.contains(workload.about)));
    }
}

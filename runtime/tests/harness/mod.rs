//! How a case of the conformance catalogue is written once and run in every placement of its two parties.
//!
//! A case is an `async fn` that is the body of party A, a process of node 0 on scheduler 0. It gets a [`There`], the
//! scheduler on which party B belongs, and starts B with [`There::start`] and an `#[holm::entry]` of the same file:
//!
//! ```text
//! harness::cases! {
//!     in_every_placement: p_01_messages_arrive_in_order;
//!     on_one_node: p_10_no_two_pids_are_equal;
//!     on_two_nodes_alone: p_00_a_node_is_killed;
//!     in_full: p_10_no_two_pids_are_equal;
//! }
//!
//! async fn p_01_messages_arrive_in_order(mut me: Process<u64>, there: There) { … assert_eq!(…) … }
//! ```
//!
//! A case that returns has passed; one that panics, or does not end within [`CASE_LIMIT`], has failed. All cases of a
//! file run in one program for each placement, one after another; each is a test of its own all the same.
//!
//! A case in the list `on_two_nodes_alone` may kill or stop node 1: it runs in a program of its own, over shared memory and
//! over TCP.
//!
//! A case that is in the list `in_full`, too, has a long form: an ignored test that runs it with the full counts of the
//! catalogue, see [`rounds_of`]. `cargo xtask long` runs these.
//!
//! One family, one file: processes.rs P, exits.rs E, links.rs L, monitors.rs M, names.rs R, timers.rs T, scheduling.rs K,
//! overload.rs B, embedding.rs H; servers (G) and supervisors (S) are the otp crate's. nodes.rs has what N and D promise
//! of the nodes of one layout.
//!
//! | placement | layout | B on scheduler |
//! | --- | --- | --- |
//! | one scheduler, alone in its node | 1x1 | 0 |
//! | one scheduler of two | 1x2 | 0 |
//! | two schedulers of one node | 1x2 | 1 |
//! | two nodes, shared memory | 2x1 shm | 1 |
//! | two nodes, TCP | 2x1 tcp | 1 |

#![allow(dead_code)] // each test binary uses a part of this

pub(crate) mod program;

use holm::{Entry, Event, Message, Notice, Pid, Process, Reason, SpawnOptions, Spawned};
use program::{Outcome, Program};
use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

/// How long a case may take.
pub(crate) const CASE_LIMIT: Duration = Duration::from_secs(40);

/// How long the long form of a case may take in one placement.
pub(crate) const FULL_CASE_LIMIT: Duration = Duration::from_secs(1200);

/// A time in which nothing comes, if nothing is to come: what is wrongly sent comes at once.
pub(crate) const QUIET: Duration = Duration::from_millis(50);

/// What the catalogue calls *promptly* is a second on an idle machine; tests run on busy ones, too.
pub(crate) const PROMPTLY: Duration = Duration::from_secs(10);

/// Where party B belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct There(pub u32);

impl There {
    pub(crate) fn options(self) -> SpawnOptions {
        SpawnOptions::new().scheduler(self.0)
    }

    /// Starts B.
    pub(crate) async fn start<M: Message, E: Entry>(
        self,
        entry: impl FnOnce() -> E,
        argument: E::Argument,
        me: &mut Process<M>,
    ) -> Pid<E::Message> {
        self.start_with(me, entry, argument, self.options()).await.pid
    }

    /// Starts B linked to A.
    pub(crate) async fn start_link<M: Message, E: Entry>(
        self,
        entry: impl FnOnce() -> E,
        argument: E::Argument,
        me: &mut Process<M>,
    ) -> Pid<E::Message> {
        self.start_with(me, entry, argument, self.options().link()).await.pid
    }

    /// Starts B monitored by A.
    pub(crate) async fn start_monitor<M: Message, E: Entry>(
        self,
        entry: impl FnOnce() -> E,
        argument: E::Argument,
        me: &mut Process<M>,
    ) -> (Pid<E::Message>, holm::Monitor) {
        let spawned = self.start_with(me, entry, argument, self.options().monitor()).await;
        (spawned.pid, spawned.monitor.unwrap())
    }

    async fn start_with<M: Message, E: Entry>(
        self,
        me: &mut Process<M>,
        entry: impl FnOnce() -> E,
        argument: E::Argument,
        options: SpawnOptions,
    ) -> Spawned<E::Message> {
        me.spawn_entry(entry, argument, options).await.unwrap()
    }
}

/// How often to repeat what races: a round between two nodes costs a hundred times one within.
pub(crate) fn rounds(within: usize, between: usize) -> usize {
    let usual = if holm::nodes().len() == 1 { within } else { between };
    if rounds_are("few") { (usual / FEW).max(usual.min(10)) } else { usual }
}

/// The same, for a case with a long form: that one does the `full` count of the catalogue, in every placement.
pub(crate) fn rounds_of(full: usize, within: usize, between: usize) -> usize {
    if in_full() { full } else { rounds(within, between) }
}

/// Set to `full` for long forms, and to `few` by whoever runs the tests again and again.
pub(crate) const ROUNDS: &str = "HOLM_TEST_ROUNDS";

/// A run with few rounds does one of so many.
const FEW: usize = 20;

/// Whether long forms run.
pub(crate) fn in_full() -> bool {
    rounds_are("full")
}

fn rounds_are(wanted: &str) -> bool {
    std::env::var(ROUNDS).is_ok_and(|rounds| rounds == wanted)
}

/// Ends B and waits until it has.
pub(crate) async fn end<M: Message, N: Message>(me: &mut Process<M>, b: Pid<N>, reason: Reason) {
    let monitor = me.monitor(b);
    holm::exit(b, reason);
    me.down(monitor).await;
}

/// The next event must be this trapped exit.
pub(crate) async fn expect_exit<M: Message + std::fmt::Debug + PartialEq>(
    me: &mut Process<M>,
    from: Pid,
    reason: Reason,
) {
    assert_eq!(me.next().await, Event::Notice(Notice::Exit { from, reason }));
}

/// Nothing may come.
pub(crate) async fn expect_silence<M: Message + std::fmt::Debug>(me: &mut Process<M>) {
    if let Some(event) = me.next_within(QUIET).await {
        panic!("nothing was to come, but {event:?} did");
    }
}

/// A case as a spawner of its process.
pub(crate) type Spawner = fn(&mut Process<()>, There) -> (Pid, holm::Monitor);

/// A case and its name.
pub(crate) type Case = (&'static str, Spawner);

/// Spawns party A; the macro gives the body its types.
pub(crate) fn party<M, F, Fut>(runner: &mut Process<()>, body: F) -> (Pid, holm::Monitor)
where
    M: Message,
    F: FnOnce(Process<M>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let spawned = runner.spawn_opt(SpawnOptions::new().scheduler(0).monitor(), body).unwrap();
    (spawned.pid.untyped(), spawned.monitor.unwrap())
}

/// Declares the cases of a file; see the module's text.
#[macro_export]
macro_rules! cases {
    (
        $(in_every_placement: $($name:ident),* $(,)?;)?
        $(on_one_node: $($near:ident),* $(,)?;)?
        $(on_two_nodes_alone: $($alone:ident),* $(,)?;)?
        $(in_full: $($full:ident),* $(,)?;)?
    ) => {
        const IN_EVERY_PLACEMENT: &[$crate::harness::Case] =
            &[$($((stringify!($name), |runner, there| $crate::harness::party(runner, move |me| $name(me, there)))),*)?];
        const ON_ONE_NODE: &[$crate::harness::Case] =
            &[$($((stringify!($near), |runner, there| $crate::harness::party(runner, move |me| $near(me, there)))),*)?];
        const ALONE: &[$crate::harness::Case] =
            &[$($((stringify!($alone), |runner, there| $crate::harness::party(runner, move |me| $alone(me, there)))),*)?];

        #[test]
        fn the_program() {
            if let Some(role) = $crate::harness::program::role() {
                $crate::harness::run_cases(&role, IN_EVERY_PLACEMENT, ON_ONE_NODE, ALONE);
            }
        }

        $(mod in_every_placement {
            $(#[test]
            fn $name() {
                $crate::harness::check(stringify!($name), $crate::harness::PLACEMENTS);
            })*
        })?

        $(mod on_one_node {
            $(#[test]
            fn $near() {
                $crate::harness::check(stringify!($near), $crate::harness::one_node());
            })*
        })?

        $(mod on_two_nodes_alone {
            $(#[test]
            fn $alone() {
                $crate::harness::check_alone(stringify!($alone));
            })*
        })?

        $(mod in_full {
            $(#[test]
            #[ignore = "its long form, with the full counts of the catalogue"]
            fn $full() {
                let everywhere = super::IN_EVERY_PLACEMENT.iter().any(|(name, _)| *name == stringify!($full));
                $crate::harness::check_in_full(stringify!($full), everywhere);
            })*
        })?
    };
}

/// Role of the program, layout, transport.
pub(crate) type Placement = (&'static str, &'static str, &'static str);

/// Where the two parties of a case can be; those within one node come first.
pub(crate) const PLACEMENTS: &[Placement] = &[
    ("alone 0", "1x1", "shm"),
    ("same 0", "1x2", "shm"),
    ("other 1", "1x2", "shm"),
    ("shm 1", "2x1", "shm"),
    ("tcp 1", "2x1", "tcp"),
];

/// Those of [`PLACEMENTS`] within one node.
pub(crate) fn one_node() -> &'static [Placement] {
    &PLACEMENTS[..3]
}

/// The others.
pub(crate) fn two_nodes() -> &'static [Placement] {
    &PLACEMENTS[3..]
}

/// Set for a program that is to run one case alone.
const ONLY: &str = "HOLM_TEST_ONLY";

/// In the program: runs the cases of one placement, or the one that it was started for, and says how each ended.
pub(crate) fn run_cases(
    role: &str,
    in_every_placement: &'static [Case],
    on_one_node: &'static [Case],
    alone: &'static [Case],
) {
    let there = There(role.rsplit(' ').next().unwrap().parse().unwrap());
    let one_node = !role.starts_with("shm") && !role.starts_with("tcp");
    let limit = if in_full() { FULL_CASE_LIMIT } else { CASE_LIMIT };
    let on_one_node = if one_node { on_one_node } else { &[] };
    let many = in_every_placement.iter().chain(on_one_node);
    let cases: Vec<Case> = match std::env::var(ONLY) {
        Ok(only) => many.chain(alone).filter(|(name, _)| only == *name).copied().collect(),
        Err(_) => many.copied().collect(),
    };
    let program = async move |mut me: Process<()>| {
        for (name, spawn) in cases {
            let began = Instant::now();
            let (pid, monitor) = spawn(&mut me, there);
            let how = match me.next_within(limit).await {
                Some(Event::Notice(Notice::Down { reason: Reason::Normal, .. })) => "holds".to_string(),
                Some(Event::Notice(Notice::Down { reason, .. })) => reason.to_string(),
                _ => {
                    holm::exit(pid, Reason::Kill);
                    me.down(monitor).await;
                    format!("no end within {} s", limit.as_secs())
                }
            };
            println!("case {name}: {}", how.replace('\n', " | "));
            println!("time {name}: {} ms", began.elapsed().as_millis());
        }
    };
    if let Err(error) = holm::block_on(program) {
        eprintln!("the program ended with: {error}"); // as one does that has lost a node
    }
}

/// In the test: looks up how a case ended in each of these placements. The first to ask runs the programs.
pub(crate) fn check(case: &str, placements: &[Placement]) {
    static RUNS: [OnceLock<Outcome>; 5] = [const { OnceLock::new() }; 5];
    let outcomes = placements
        .iter()
        .zip(&RUNS)
        .map(|((role, layout, transport), run)| run.get_or_init(|| Program::new(role, layout, transport).run()));
    judge(case, placements, outcomes);
}

/// In the test of a case with a program of its own: runs it over each kind of road.
pub(crate) fn check_alone(case: &str) {
    let outcomes = two_nodes()
        .iter()
        .map(|(role, layout, transport)| Program::new(role, layout, transport).variable(ONLY, case).run());
    judge(case, two_nodes(), outcomes);
}

/// In the test of a long form: runs the case alone, with the full counts, in one placement after the other.
pub(crate) fn check_in_full(case: &str, everywhere: bool) {
    let placements = if everywhere { PLACEMENTS } else { one_node() };
    let outcomes = placements.iter().map(|(role, layout, transport)| {
        let program = Program::new(role, layout, transport).variable(ROUNDS, "full").variable(ONLY, case);
        program.run_within(FULL_CASE_LIMIT + CASE_LIMIT)
    });
    judge(case, placements, outcomes);
}

/// Says how a case ended in each placement (the table of conformance is made of these lines), and fails if it did not
/// hold in one.
fn judge(case: &str, placements: &[Placement], outcomes: impl Iterator<Item = impl std::borrow::Borrow<Outcome>>) {
    let mut failures = String::new();
    for ((role, layout, transport), outcome) in placements.iter().zip(outcomes) {
        let outcome = outcome.borrow();
        let beginning = format!("case {case}: ");
        let how = outcome.stdout.lines().find_map(|line| line.strip_prefix(&beginning));
        println!("placement {layout} {transport} ({role}): {}", how.unwrap_or("it was not run"));
        match how {
            Some("holds") => {}
            Some(why) => failures += &format!("{layout} {transport} ({role}): {why}\n{}\n", outcome.stderr),
            None => failures += &format!("{layout} {transport} ({role}): it was not run: {}\n", outcome.story()),
        }
    }
    assert!(failures.is_empty(), "{case} does not hold:\n{failures}");
}

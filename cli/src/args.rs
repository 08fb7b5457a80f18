//! The command line of `holm`, as data.
//!
//! What each option means is written here once, for the help and for the code. The parameters of a workload are not:
//! they are in the catalogue, and reach us as plain words.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use holm_affinity::{BindType, Layout};

use crate::paint::Colours;
use crate::transport::Transport;
use crate::units::{parse_share, parse_size, parse_work};

/// More repetitions than this are a slip of the fingers.
const REPS_MAX: u64 = 100;
/// A cell of the sweep runs no longer than this.
const RUN_MS_MAX: u64 = 60_000;

/// Runs one unchanged program as one OS process, as many, or as anything between, and compares.
#[derive(Debug, Parser)]
#[command(name = "holm", version, after_help = EXAMPLES, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Colours: auto, always, never; NO_COLOR switches them off too
    #[arg(long, global = true, value_enum, default_value_t, hide_possible_values = true, value_name = "WHEN")]
    pub(crate) color: Colours,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  holm machine                              which CPUs there are, and who would run where
  holm bench --quick                        20 seconds: which layout suits this machine?
  holm bench                                two minutes: the same, carefully, with a report
  holm bench pingpong --cores 2             one workload, one line of JSON
  holm run --layout 2x1 -- ./app --port 80  an unchanged program as two OS processes

A layout PxS is P OS processes with S schedulers each: 1x8, 8x1, 2x4; numa is one process per NUMA
node, l3 one per last-level cache.

Exit status: 0 done, 1 something failed, 2 the command line is wrong, 130 interrupted; of `holm run` the
program's own, or 126 or 127 if it cannot be started or found.";

/// What `holm` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare layouts on this machine, or run one workload
    Bench(BenchArgs),
    /// Show the machine as holm sees it, and which scheduler would run where
    Machine(MachineArgs),
    /// Start a program that uses holm under a layout
    Run(RunArgs),
}

/// `holm bench`: the sweep over shares of crossing messages, or one workload.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    override_usage = "holm bench [OPTIONS]\n       \
                      holm bench WORKLOAD [--cores N | --layout PxS] [--transport T] [--bind TYPE] [--KEY VALUE]...\n       \
                      holm bench --list",
    after_help = BENCH_EXAMPLES
)]
pub(crate) struct BenchArgs {
    /// A coarse sweep of less than 20 seconds
    #[arg(long)]
    pub(crate) quick: bool,
    /// Layouts to compare [default: one OS process, one for each CPU, and what the machine suggests between]
    #[arg(long, value_delimiter = ',', value_name = "PxS,…")]
    pub(crate) layouts: Vec<Layout>,
    /// How OS processes are joined: shm, tcp, unix [default: shm,tcp]
    #[arg(long, value_delimiter = ',', value_enum, hide_possible_values = true, value_name = "T,…")]
    pub(crate) transports: Vec<Transport>,
    /// Message sizes in bytes, as 64 or 4KiB [default: 64,4KiB]
    #[arg(long, value_delimiter = ',', value_parser = parse_size, value_name = "BYTES,…")]
    pub(crate) sizes: Vec<u32>,
    /// Work for each message in microseconds [default: 0,1]
    #[arg(long, value_delimiter = ',', value_parser = parse_work, value_name = "µS,…")]
    pub(crate) work: Vec<u32>,
    /// Shares p of the messages that cross [default: 0,0.01,0.05,0.1,0.25,0.5,1]
    #[arg(long, value_delimiter = ',', value_parser = parse_share, value_name = "P,…")]
    pub(crate) shares: Vec<f64>,
    /// Repetitions of each cell [default: 3]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=REPS_MAX), value_name = "N")]
    pub(crate) reps: Option<u64>,
    /// Milliseconds that each run measures [default: so that all takes about two minutes]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=RUN_MS_MAX), value_name = "MS")]
    pub(crate) ms: Option<u64>,
    /// Where the report goes
    #[arg(long, default_value = "holm-report", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Bindings of the schedulers
    #[command(flatten)]
    pub(crate) seat: SeatArgs,
    /// Rows of JSON on standard output instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// List the workloads with their parameters
    #[arg(long)]
    pub(crate) list: bool,
    /// One workload instead of the sweep.
    #[command(subcommand)]
    pub(crate) workload: Option<WorkloadWords>,
}

const BENCH_EXAMPLES: &str = "\
Without a WORKLOAD: groups of processes send messages, a share p of which leaves its partition. The
sweep measures every layout at every p, finds p*, the share at which one layout overtakes another,
and writes index.html, results.jsonl and headline.svg.

Examples:
  holm bench --quick
  holm bench --layouts 1x2,2x1 --transports shm --sizes 64,4KiB,64KiB --reps 5
  holm bench pingpong --cores 2 --place cross
  holm bench nodes-pingpong --transport tcp --size 4096
  holm bench pingpong --help";

/// The workload and everything behind it.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkloadWords {
    /// The name, then options and parameters.
    #[command(external_subcommand)]
    Words(Vec<String>),
}

/// Which scheduler runs on which CPU.
#[derive(Clone, Debug, Args)]
pub(crate) struct SeatArgs {
    /// How schedulers are bound to CPUs: ns, ts, ps, s, nnts, nnps, tnnps, db, or u for unbound
    #[arg(long, default_value = "db", value_name = "TYPE")]
    pub(crate) bind: BindType,
    /// Allow more schedulers than usable CPUs
    #[arg(long)]
    pub(crate) oversubscribe: bool,
}

/// `holm machine`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  holm machine\n  holm machine --layout 2x1 --bind ns\n  holm machine --json")]
pub(crate) struct MachineArgs {
    /// One JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
    /// The layout whose seats are shown [default: one OS process with a scheduler for each usable CPU]
    #[arg(long, value_name = "PxS")]
    pub(crate) layout: Option<Layout>,
    /// Bindings of the schedulers
    #[command(flatten)]
    pub(crate) seat: SeatArgs,
}

/// `holm run`.
#[derive(Debug, Args)]
#[command(
    override_usage = "holm run [OPTIONS] -- PROGRAM [ARGS]...",
    after_help = "The program takes the place of holm: signals and exit status are its own. What is not given here stays as \
the environment says: HOLM_LAYOUT, HOLM_TRANSPORT, HOLM_BIND, HOLM_OVERSUBSCRIBE, HOLM_PREFIX.\n\n\
Examples:\n  holm run --layout 1x8 -- ./app\n  holm run --layout 8x1 --transport tcp --prefix -- ./app --port 80"
)]
pub(crate) struct RunArgs {
    /// OS processes x schedulers in each, or numa, or l3
    #[arg(long, value_name = "PxS")]
    pub(crate) layout: Option<Layout>,
    /// How OS processes are joined: shm, tcp, unix
    #[arg(long, value_enum, hide_possible_values = true, value_name = "T")]
    pub(crate) transport: Option<Transport>,
    /// How schedulers are bound to CPUs: ns, ts, ps, s, nnts, nnps, tnnps, db, or u for unbound
    #[arg(long, value_name = "TYPE")]
    pub(crate) bind: Option<BindType>,
    /// Allow more schedulers than usable CPUs
    #[arg(long)]
    pub(crate) oversubscribe: bool,
    /// Begin each line of output with the name of its OS process
    #[arg(long)]
    pub(crate) prefix: bool,
    /// The program and its arguments, behind `--`
    #[arg(required = true, last = true, value_name = "PROGRAM")]
    pub(crate) program: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_stands_behind_a_workload_is_left_to_it() {
        let cli = Cli::try_parse_from(["holm", "bench", "ring", "--n", "5", "--layout", "2x1"]).unwrap();
        let Command::Bench(BenchArgs { workload: Some(WorkloadWords::Words(words)), .. }) = cli.command else {
            panic!()
        };
        assert_eq!(words, ["ring", "--n", "5", "--layout", "2x1"]);
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let line = ["holm", "bench", "--layouts", "1x2,2x1", "--sizes", "64,4KiB", "--shares", "0,0.5"];
        let Command::Bench(bench) = Cli::try_parse_from(line).unwrap().command else { panic!() };
        assert_eq!((bench.layouts.len(), bench.sizes, bench.shares), (2, vec![64, 4096], vec![0.0, 0.5]));
    }
}

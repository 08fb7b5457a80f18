//! The program `holm`: compares layouts, shows the machine, starts programs.
//!
//! This file reads the command line and turns the outcome into an exit status; everything else has a file of its own.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

mod args;
mod bench;
mod catalogue;
mod clock;
mod machine;
mod paint;
mod params;
mod report;
mod report_line;
mod run;
mod say;
mod setting;
mod split_mix;
mod stop;
mod sweep;
mod transport;
mod units;
mod workload;

use args::{Cli, Command};
use paint::Colours;
use stop::Stop;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let readable: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let colours = Colours::of_words(&readable);
    let matches = Cli::command().color(colours.for_clap()).get_matches_from(command_first(words));
    let done = Cli::from_arg_matches(&matches).map_err(|error| error.exit()).and_then(|cli| obey(&cli, colours));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("{} {stop}", colours.stderr().red("error:"));
            ExitCode::from(stop.code())
        }
    }
}

/// `holm WORKLOAD bench …` means `holm bench WORKLOAD …`: programs that run others by a common contract put the workload
/// before the words that they were given.
fn command_first(mut words: Vec<OsString>) -> Vec<OsString> {
    if let [_, workload, command, ..] = words.as_mut_slice()
        && command == "bench"
        && catalogue::WORKLOADS.iter().any(|known| *workload == *known.name)
    {
        std::mem::swap(workload, command);
    }
    words
}

fn obey(cli: &Cli, colours: Colours) -> Result<(), Stop> {
    match &cli.command {
        Command::Bench(args) => bench::run(args, colours),
        Command::Machine(args) => machine::show(args),
        Command::Run(args) => run::run(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(line: &str) -> String {
        let words = command_first(line.split(' ').map(OsString::from).collect());
        words.join(OsString::from(" ").as_os_str()).into_string().unwrap()
    }

    #[test]
    fn a_workload_may_come_before_the_command() {
        assert_eq!(ordered("holm pingpong bench --cores 2"), "holm bench pingpong --cores 2");
        assert_eq!(ordered("holm bench pingpong --cores 2"), "holm bench pingpong --cores 2");
        assert_eq!(ordered("holm run -- bench"), "holm run -- bench");
    }
}

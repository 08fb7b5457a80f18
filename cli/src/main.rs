//! The program `holm`: compares layouts, shows the machine, starts programs.
//!
//! This file reads the command line and turns the outcome into an exit status; everything else has a file of its own.

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
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let colours = Colours::of_words(&words);
    let matches = Cli::command().color(colours.for_clap()).get_matches();
    let done = Cli::from_arg_matches(&matches).map_err(|error| error.exit()).and_then(|cli| obey(&cli, colours));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            eprintln!("{} {stop}", colours.stderr().red("error:"));
            ExitCode::from(stop.code())
        }
    }
}

fn obey(cli: &Cli, colours: Colours) -> Result<(), Stop> {
    match &cli.command {
        Command::Bench(args) => bench::run(args, colours),
        Command::Machine(args) => machine::show(args),
        Command::Run(args) => run::run(args),
    }
}

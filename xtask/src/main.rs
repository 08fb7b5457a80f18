//! What holm's developers run beside cargo: `cargo xtask --help`.
//!
//! | command | question |
//! | --- | --- |
//! | `conformance` | which promises of the catalogue have a test, and do they hold? |
//! | `repeat` | does a test hold a hundred times, beside programs that want the same processors? |
//! | `long` | do the cases hold with the full counts of the catalogue? |
//!
//! This file reads the command line and turns the outcome into an exit status: 0 all is well, 1 something is not,
//! 130 interrupted. Whatever needs a shell alone is in `.ci/run`; what needs parsing is here, where it has tests.

mod args;
mod binaries;
mod child;
mod conformance;
mod libtest;
mod long;
mod repeat;

use args::{Cli, Command};
use clap::Parser;
use std::{path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    child::watch_for_interrupts();
    let done = match Cli::parse().command {
        Command::Conformance(args) if args.check => conformance::check(&root()),
        Command::Conformance(args) => conformance::regenerate(&root(), &args),
        Command::Repeat(args) => repeat::run(&root(), &args),
        Command::Long(args) => long::run(&root(), &args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if error.is::<child::Interrupted>() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The folder of the workspace.
fn root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("this package lies in the workspace's folder").to_owned()
}

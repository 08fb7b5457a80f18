//! The workloads themselves: what runs on holm.
//!
//! One door: a name from the catalogue, the layout to run under, checked parameters; a report comes back, or the
//! reason why there is none. A workload reads its parameters by name and checks its own counts and sums. It uses what
//! any program has, the public functions of `holm`, and no secret ones: what is measured is what users get.
//!
//! Each file is a family: `birth` (processes come into being), `passing` (one message at a time), `crowd` (many talk at
//! once), `toil` (they compute or sleep), `apart` (two OS processes), `crossing` (the cell of the sweep). `program` runs
//! them under a layout, `seat` places their sides, `arithmetic`, `usage` and `lateness` are what they count with.
//!
//! On a node that the launcher started this same code runs again, down to `program`, and does not come back from there:
//! so nothing before it may have an effect outside.

use crate::params::Params;
use crate::setting::Setting;
use crate::stop::Stop;

mod apart;
mod arithmetic;
mod birth;
mod crossing;
mod crowd;
mod lateness;
mod passing;
mod program;
mod seat;
mod toil;
mod usage;

pub(crate) use program::Outcome;
use program::Program;

/// Runs the workload once.
pub(crate) fn run(name: &str, setting: &Setting, params: &mut Params) -> Result<Outcome, Stop> {
    let program = Program::new(name, setting);
    match name {
        "spawn" => birth::spawn(program, params),
        "live" => birth::live(program, params),
        "skynet" => birth::skynet(program, params),
        "pingpong" => passing::pingpong(program, params),
        "ring" => passing::ring(program, params),
        "fanin" => crowd::fanin(program, params),
        "big" => crowd::big(program, params),
        "call" => crowd::call(program, params),
        "imbalance" => toil::imbalance(program, params),
        "timers" => toil::timers(program, params),
        "fairness" => toil::fairness(program, params),
        "nodes-pingpong" => apart::pingpong(program, params),
        "nodes-stream" => apart::stream(program, params),
        "crossing" => crossing::run(program, params),
        other => panic!("the catalogue lists `{other}`, so it must be built"),
    }
}

/// An error unless a count or sum is what it must be.
fn check(what: &str, got: u64, right: u64) -> anyhow::Result<()> {
    anyhow::ensure!(got == right, "self-check failed: {what} is {got}, {right} was expected");
    Ok(())
}

//! `holm bench`: the list, the sweep, or one workload.

use crate::args::{BenchArgs, WorkloadWords};
use crate::catalogue::{self, WorkloadInfo};
use crate::machine::Site;
use crate::paint::Colours;
use crate::params::Params;
use crate::say::say;
use crate::setting::Words;
use crate::stop::Stop;
use crate::{sweep, workload};

/// Does what the command line asks.
pub(crate) fn run(args: &BenchArgs, colours: Colours) -> Result<(), Stop> {
    match &args.workload {
        Some(WorkloadWords::Words(words)) => one(words),
        None if args.list => say(&catalogue::list()),
        None => sweep::run(args, colours),
    }
}

/// Runs one workload and prints its contract line. Whether its layout fits the machine is seen when it starts.
fn one(words: &[String]) -> Result<(), Stop> {
    let (name, rest) = words.split_first().expect("clap hands over the workload's name");
    let info = catalogue::find(name)
        .ok_or_else(|| Stop::Usage(format!("`{name}` is no workload; known are {}", catalogue::names())))?;
    let site = Site::discover()?;
    let (setting, given, pairs) = match Words::read(info, rest, site.usable())? {
        Words::Help => return say(&help(info)),
        Words::Run { setting, given, pairs } => (setting, given, pairs),
    };
    let mut params = Params::new(info, &pairs)?;
    let outcome = workload::run(info.name, &setting, &mut params)?;
    for (name, value) in given {
        params.note(&name, value);
    }
    say(&(outcome.report.line(info.name, outcome.schedulers as usize, params.into_read()) + "\n"))
}

fn help(info: &WorkloadInfo) -> String {
    format!(
        "{}\nUsage: holm bench {} [--cores N | --layout PxS] [--transport shm|tcp|unix] [--bind TYPE] \
         [--oversubscribe] [--KEY VALUE]...\n\nRuns once and prints one line of JSON. Beside each parameter stands its default.\n",
        info.page(),
        info.name
    )
}

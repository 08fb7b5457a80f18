//! `holm run`: an unchanged program under a layout.
//!
//! The wishes are checked against the machine, put into the environment, and then the program takes the place of this
//! process. There is nobody between the terminal and the program: its signals and its exit status are its own, and the
//! other OS processes of its layout are started by the program itself.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::args::RunArgs;
use crate::machine::Site;
use crate::stop::Stop;

/// Becomes the program; comes back only if that failed.
pub(crate) fn run(args: &RunArgs) -> Result<(), Stop> {
    if let Some(layout) = args.layout {
        let oversubscribe = args.oversubscribe || std::env::var_os("HOLM_OVERSUBSCRIBE").is_some();
        Site::discover()?.seats(layout, args.bind.unwrap_or_default(), oversubscribe)?;
    }
    let (program, arguments) = args.program.split_first().expect("clap asks for a program");
    let error = Command::new(program).args(arguments).envs(environment(args)).exec();
    let name = program.to_string_lossy().into_owned();
    Err(match error.kind() {
        ErrorKind::NotFound => Stop::NotFound(name),
        _ => Stop::NotExecutable(name, error),
    })
}

/// What is given is said; what is not stays as it was.
fn environment(args: &RunArgs) -> Vec<(&'static str, String)> {
    let wishes = [
        ("HOLM_LAYOUT", args.layout.map(|layout| layout.to_string())),
        ("HOLM_TRANSPORT", args.transport.map(|transport| transport.to_string())),
        ("HOLM_BIND", args.bind.map(|bind| bind.short_name().to_owned())),
        ("HOLM_OVERSUBSCRIBE", args.oversubscribe.then(|| "1".to_owned())),
        ("HOLM_PREFIX", args.prefix.then(|| "1".to_owned())),
    ];
    wishes.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

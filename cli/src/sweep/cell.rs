//! One cell run once: this program started again as `holm bench crossing`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::child::{Fault, output};
use super::figures::Figures;
use super::grid::{Cell, Column};
use crate::args::SeatArgs;

/// Groups of processes on each scheduler.
const GROUPS: u32 = 8;
/// What a cell may take beyond its running time before it counts as hung.
const SLACK: Duration = Duration::from_secs(20);
/// What whoever starts the sweep may have in the environment must not reach the cells: their command line says all.
const WISHES: [&str; 5] = ["HOLM_LAYOUT", "HOLM_TRANSPORT", "HOLM_BIND", "HOLM_OVERSUBSCRIBE", "HOLM_PREFIX"];

/// Starts cells.
#[derive(Debug)]
pub(crate) struct Starter {
    /// This program.
    pub(crate) program: PathBuf,
    /// How schedulers are bound.
    pub(crate) seat: SeatArgs,
    /// How long each run measures.
    pub(crate) run_ms: u64,
    /// Set by Ctrl-C.
    pub(crate) interrupted: Arc<AtomicBool>,
}

impl Starter {
    /// Runs the cell in a fresh OS process and believes its figures only if they hold.
    pub(crate) fn run(&self, cell: &Cell, column: &Column) -> Result<Figures, Fault> {
        let limit = Duration::from_millis(self.run_ms) + SLACK;
        let printed = output(self.command(cell, column), limit, &self.interrupted)?;
        let figures = Figures::read(&printed).map_err(Fault::Failed)?;
        figures.check(cell, column).map_err(Fault::Failed)?;
        Ok(figures)
    }

    fn command(&self, cell: &Cell, column: &Column) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["bench", "crossing", "--layout", &column.layout]);
        if let Some(transport) = column.transport {
            command.args(["--transport", transport.word()]);
        }
        command.args(["--bind", self.seat.bind.short_name()]);
        if self.seat.oversubscribe {
            command.arg("--oversubscribe");
        }
        let parameters = [
            ("--share", cell.share.to_string()),
            ("--size", cell.size.to_string()),
            ("--work", cell.work_us.to_string()),
            ("--ms", self.run_ms.to_string()),
            ("--groups", GROUPS.to_string()),
        ];
        for (name, value) in parameters {
            command.args([name, &value]);
        }
        for wish in WISHES {
            command.env_remove(wish);
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;
    use crate::params::Params;
    use crate::setting::Words;
    use crate::transport::Transport;

    #[test]
    fn what_a_cell_is_told_is_what_the_workload_understands() {
        let seat = SeatArgs { bind: "ns".parse().unwrap(), oversubscribe: true };
        let starter = Starter { program: "holm".into(), seat, run_ms: 400, interrupted: Arc::default() };
        let column = Column { layout: "2x1".into(), nodes: 2, schedulers: 2, transport: Some(Transport::Tcp) };
        let command = starter.command(&Cell { column: 0, share: 0.05, size: 4096, work_us: 1 }, &column);

        let words: Vec<String> = command.get_args().map(|word| word.to_str().unwrap().to_owned()).collect();
        assert_eq!(words[..2], ["bench", "crossing"]);
        let crossing = find("crossing").unwrap();
        let Words::Run { setting, pairs, .. } = Words::read(crossing, &words[2..], 2).unwrap() else { panic!() };
        assert_eq!((setting.layout.to_string(), setting.transport), ("2x1".to_owned(), Transport::Tcp));
        assert!(setting.oversubscribe && setting.bind == Some("ns".parse().unwrap()));
        let mut params = Params::new(crossing, &pairs).unwrap();
        assert_eq!((params.real("share"), params.whole("size"), params.whole("work")), (0.05, 4096, 1));
        assert_eq!((params.whole("ms"), params.whole("groups")), (400, u64::from(GROUPS)));
    }
}

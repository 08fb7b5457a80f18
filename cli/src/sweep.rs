//! The sweep: which layout is faster at which share of messages that leave their partition?
//!
//! Every cell of a grid (share, size, work, layout) is run several times, each time as a fresh OS process, in rounds
//! over the whole grid. A cell that fails stays in the table as failed and the sweep goes on; the end is a failure then.
//! Ctrl-C ends the running cell, and what was measured is reported.
//!
//! The parts, in the order of the data: `ask` makes the `grid`, `schedule` orders it, `cell` and `child` run it, `figures`
//! checks it, `study` keeps it, `stats` and `crossing_point` judge it, `sentence` and `table` say it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;

use crate::args::BenchArgs;
use crate::clock::now_utc;
use crate::machine::Site;
use crate::paint::{Colours, Paint};
use crate::say::say;
use crate::stop::Stop;
use crate::{report, units};

mod ask;
mod cell;
mod child;
mod crossing_point;
pub(crate) mod figures;
pub(crate) mod grid;
mod progress;
mod schedule;
pub(crate) mod sentence;
pub(crate) mod stats;
pub(crate) mod study;
mod table;

use cell::Starter;
use child::Fault;
use figures::Figures;
use grid::{Cell, Column};
use progress::Progress;
use study::{Header, Study};

/// Repetitions of each cell unless told otherwise.
const REPS: usize = 3;
/// The whole sweep is to take about this long.
const BUDGET: Duration = Duration::from_secs(120);
/// The quick one ends well below 20 seconds, also where processes start slowly.
const BUDGET_QUICK: Duration = Duration::from_secs(12);

/// Measures, prints, reports.
pub(crate) fn run(args: &BenchArgs, colours: Colours) -> Result<(), Stop> {
    let site = Site::discover()?;
    let mut study = plan(args, &site)?;
    report::prepare(&args.out)?;
    let paint = colours.stdout();
    if !args.json {
        say(&table::header(&study, paint))?;
    }

    let interrupted = listen_for_ctrl_c()?;
    let program = std::env::current_exe().context("this program's own file cannot be found")?;
    let starter = Starter { program, seat: args.seat.clone(), run_ms: study.header.run_ms, interrupted };
    let progress = Progress::new(study.rows.len() * study.header.reps, colours.stderr());
    let end = measure(&mut study, &progress, |cell, column| starter.run(cell, column));
    progress.clear();

    let files = report::write(&args.out, &study)?;
    if args.json {
        say(&report::jsonl::rows(&study))?;
    } else {
        say(&table::study(&study, paint))?;
        say(&closing(&study, &files, paint))?;
    }
    judge(&study, end)
}

/// Whether every run had its turn.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Complete,
    Interrupted,
}

fn plan(args: &BenchArgs, site: &Site) -> Result<Study, Stop> {
    let (grid, bindings) = ask::grid(args, site)?;
    let cells = grid.cells().len();
    let reps = args.reps.map_or(REPS, |reps| reps as usize);
    let budget = if args.quick { BUDGET_QUICK } else { BUDGET };
    let header = Header {
        version: env!("CARGO_PKG_VERSION"),
        date: now_utc(),
        command: command_line(),
        reps,
        run_ms: args.ms.unwrap_or_else(|| schedule::run_ms(budget, cells, reps)),
        machine: site.facts(),
        bindings,
    };
    Ok(Study::new(header, grid))
}

/// Runs every cell as often as planned; a cell that failed once is left alone.
fn measure(
    study: &mut Study,
    progress: &Progress,
    mut run: impl FnMut(&Cell, &Column) -> Result<Figures, Fault>,
) -> End {
    for index in schedule::rounds(study.rows.len(), study.header.reps).concat() {
        let row = &mut study.rows[index];
        let column = &study.grid.columns[row.cell.column];
        if row.fault.is_none() {
            progress.begin(format!("{}, p = {}", column.label(), units::share(row.cell.share)));
            match run(&row.cell, column) {
                Ok(figures) => row.runs.push(figures),
                Err(Fault::Failed(sentence)) => row.fault = Some(sentence),
                Err(Fault::Interrupted) => return End::Interrupted,
            }
        }
        progress.end();
    }
    End::Complete
}

/// A sweep is good only if all of it is.
fn judge(study: &Study, end: End) -> Result<(), Stop> {
    match (end, study.failed().count()) {
        (End::Interrupted, _) => Err(Stop::Interrupted),
        (End::Complete, 0) => Ok(()),
        (End::Complete, failed) => {
            let (cell, fault) = study.failed().map(|(row, fault)| (row.cell, fault)).next().expect("one has failed");
            let label = study.grid.columns[cell.column].label();
            let all = study.rows.len();
            Err(Stop::failed(format!(
                "{failed} of {all} cells failed; the first is {label} at p = {}: {fault}",
                cell.share
            )))
        }
    }
}

fn closing(study: &Study, files: &report::Files, paint: Paint) -> String {
    let mut text = String::from("\n");
    for line in sentence::headline(study) {
        text += &format!("{}\n", paint.bold(&line));
    }
    for file in [&files.page, &files.rows, &files.chart] {
        text += &format!("{}\n", file.display());
    }
    text
}

/// The flag that Ctrl-C and a request to end set.
fn listen_for_ctrl_c() -> Result<Arc<AtomicBool>, Stop> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&flag)).context("Ctrl-C cannot be listened for")?;
    }
    Ok(flag)
}

/// The command line as it can be typed again.
fn command_line() -> String {
    let quoted = |word: String| {
        let plain = |c: char| c.is_alphanumeric() || "-_=,./:+".contains(c);
        if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let words = std::env::args_os().skip(1).map(|word| quoted(word.to_string_lossy().into_owned()));
    std::iter::once("holm".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::figures::tests::sound;
    use crate::sweep::study::tests::example;

    fn unmeasured() -> Study {
        let example = example();
        Study::new(example.header, example.grid)
    }

    fn hidden() -> Progress {
        Progress::new(0, Colours::Never.stderr())
    }

    #[test]
    fn every_cell_is_run_as_often_as_planned() {
        let mut study = unmeasured();
        let end = measure(&mut study, &hidden(), |cell, column| Ok(sound(1e6, cell, column)));
        assert_eq!(end, End::Complete);
        assert!(study.rows.iter().all(|row| row.runs.len() == study.header.reps));
        assert!(judge(&study, end).is_ok());
    }

    #[test]
    fn a_cell_that_loses_messages_fails_the_sweep_loudly_and_the_others_go_on() {
        let mut study = unmeasured();
        let end = measure(&mut study, &hidden(), |cell, column| {
            let mut figures = sound(1e6, cell, column);
            if column.label() == "2x1 tcp" && cell.share == 0.25 && cell.size == 4096 {
                figures.lost = 1.0; // the planted fault
            }
            figures.check(cell, column).map_err(Fault::Failed).map(|()| figures)
        });
        assert_eq!(study.failed().count(), 2, "work 0 and 1");
        assert!(study.rows.iter().filter(|row| row.fault.is_none()).all(|row| row.runs.len() == 3));
        let stop = judge(&study, end).unwrap_err();
        assert_eq!(stop.code(), 1);
        assert!(stop.to_string().contains("2 of 84 cells failed"), "{stop}");
        assert!(stop.to_string().contains("2x1 tcp at p = 0.25: 1 of 1000001 messages were lost"), "{stop}");
        assert!(table::study(&study, Paint::DRY).contains("failed [2]"));
    }

    #[test]
    fn a_cell_that_failed_is_not_run_again() {
        let mut study = unmeasured();
        let mut runs = 0;
        measure(&mut study, &hidden(), |_, _| {
            runs += 1;
            Err(Fault::Failed("it hung".to_owned()))
        });
        assert_eq!(runs, study.rows.len());
    }

    #[test]
    fn an_interruption_keeps_what_was_measured() {
        let mut study = unmeasured();
        let mut runs = 0;
        let end = measure(&mut study, &hidden(), |cell, column| {
            runs += 1;
            if runs > 10 { Err(Fault::Interrupted) } else { Ok(sound(1e6, cell, column)) }
        });
        assert_eq!(study.rows.iter().map(|row| row.runs.len()).sum::<usize>(), 10);
        assert_eq!(judge(&study, end).unwrap_err().code(), 130);
        assert!(report::jsonl::rows(&study).contains("\"not run\""));
    }
}

//! What the sweep knows: the grid, a row for each cell, and what was measured so far.
//!
//! Plain data that the runs fill and that table, charts, page and rows on disk read. Repetitions are kept raw; medians
//! are taken where they are shown.

use serde::Serialize;

use super::crossing_point::{Pair, Verdict, judge};
use super::figures::Figures;
use super::grid::{Cell, Grid};
use super::stats::Spread;

/// Where and how a study was made.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Header {
    /// Version of holm.
    pub(crate) version: &'static str,
    /// When it began, UTC.
    pub(crate) date: String,
    /// The command line.
    pub(crate) command: String,
    /// Repetitions of each cell.
    pub(crate) reps: usize,
    /// How long each run measured.
    pub(crate) run_ms: u64,
    /// What the machine is: name and value.
    pub(crate) machine: Vec<(String, String)>,
    /// For each layout, who runs where.
    pub(crate) bindings: Vec<Binding>,
}

/// Which scheduler of a layout runs on which CPU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Binding {
    /// As given to `--layout`.
    pub(crate) layout: String,
    /// The seats in words.
    pub(crate) seats: String,
}

/// A cell and its repetitions.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) cell: Cell,
    /// The runs that passed their check.
    pub(crate) runs: Vec<Figures>,
    /// Why the cell failed; it is not run again then, and its runs are not shown.
    pub(crate) fault: Option<String>,
}

impl Row {
    /// Median and range of one figure, unless the cell failed or never ran.
    pub(crate) fn spread(&self, read: fn(&Figures) -> f64) -> Option<Spread> {
        if self.fault.is_some() { None } else { Spread::of(self.runs.iter().map(read)) }
    }
}

/// The whole sweep.
#[derive(Clone, Debug)]
pub(crate) struct Study {
    pub(crate) header: Header,
    pub(crate) grid: Grid,
    pub(crate) rows: Vec<Row>,
}

/// Two columns compared within one group.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    pub(crate) one: String,
    pub(crate) other: String,
    pub(crate) verdict: Verdict,
}

impl Study {
    /// A study in which nothing ran yet.
    pub(crate) fn new(header: Header, grid: Grid) -> Self {
        let rows = grid.cells().into_iter().map(|cell| Row { cell, runs: Vec::new(), fault: None }).collect();
        Self { header, grid, rows }
    }

    /// The row of a cell.
    pub(crate) fn row(&self, size: u32, work_us: u32, share: f64, column: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.cell == Cell { column, share, size, work_us })
    }

    /// One figure of a column along the shares.
    pub(crate) fn curve(
        &self,
        (size, work_us): (u32, u32),
        column: usize,
        read: fn(&Figures) -> f64,
    ) -> Vec<Option<Spread>> {
        let spread = |&share| self.row(size, work_us, share, column).and_then(|row| row.spread(read));
        self.grid.shares.iter().map(spread).collect()
    }

    /// Every two columns of a group, compared by their rates; those with the first column come first.
    pub(crate) fn comparisons(&self, group: (u32, u32)) -> Vec<Comparison> {
        let rates = |column| self.curve(group, column, |figures| figures.msgs_per_s);
        let compare = |(one, other)| {
            let both = rates(one).into_iter().zip(rates(other));
            let pairs: Vec<Pair> = (self.grid.shares.iter().zip(both))
                .filter_map(|(&share, (one, other))| Some(Pair { share, one: one?, other: other? }))
                .collect();
            let label = |column: usize| self.grid.columns[column].label();
            Comparison { one: label(one), other: label(other), verdict: judge(&pairs) }
        };
        self.grid.pairs().map(compare).collect()
    }

    /// The first column of a group, one OS process unless told otherwise, compared with each of the others.
    pub(crate) fn against_first(&self, group: (u32, u32)) -> Vec<Comparison> {
        let others = self.grid.columns.len().saturating_sub(1);
        self.comparisons(group).into_iter().take(others).collect()
    }

    /// The cells that failed.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (&Row, &str)> {
        self.rows.iter().filter_map(|row| row.fault.as_deref().map(|fault| (row, fault)))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::sweep::figures::tests::sound;
    use crate::sweep::grid::Column;
    use crate::transport::Transport;

    /// A study of a machine with two CPUs in which 2x1 over shared memory is ahead until about p = 0.05, and the rate
    /// of each run lies within two per cent of the middle.
    pub(crate) fn example() -> Study {
        let column = |layout: &str, nodes, transport| Column { layout: layout.into(), nodes, schedulers: 2, transport };
        let columns = vec![
            column("1x2", 1, None),
            column("2x1", 2, Some(Transport::Shm)),
            column("2x1", 2, Some(Transport::Tcp)),
        ];
        let shares = vec![0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0];
        let header = Header {
            version: "0.1.0",
            date: "2026-01-02 03:04:05 UTC".into(),
            command: "holm bench --reps 3".into(),
            reps: 3,
            run_ms: 400,
            machine: vec![("model".into(), "Example <CPU> & Co".into()), ("CPUs".into(), "2".into())],
            bindings: vec![Binding { layout: "1x2".into(), seats: "0 on CPU 0, 1 on CPU 1".into() }],
        };
        let mut study = Study::new(header, Grid { columns, shares, sizes: vec![64, 4096], works: vec![0, 1] });
        let columns = study.grid.columns.clone();
        for row in &mut study.rows {
            let Cell { column, share, size, work_us } = row.cell;
            let (local_us, crossing_us) = [(0.11, 0.5), (0.08, 1.05), (0.09, 14.0)][column];
            let us = local_us + share * crossing_us + f64::from(work_us) / 2.0 + f64::from(size) / 40_000.0;
            row.runs = [0.98, 1.0, 1.02].map(|factor| sound(factor * 1e6 / us, &row.cell, &columns[column])).to_vec();
        }
        study
    }

    #[test]
    fn a_failed_cell_has_no_figures_even_if_some_runs_passed() {
        let mut study = example();
        study.rows[0].fault = Some("3 messages were lost".into());
        assert_eq!(study.rows[0].spread(|figures| figures.msgs_per_s), None);
        assert_eq!(study.failed().count(), 1);
        assert_eq!(study.curve((64, 0), 0, |figures| figures.msgs_per_s)[0], None);
    }

    #[test]
    fn every_two_columns_are_compared_by_name() {
        let comparisons = example().comparisons((64, 0));
        let names: Vec<_> = comparisons.iter().map(|c| (c.one.as_str(), c.other.as_str())).collect();
        assert_eq!(names, [("1x2", "2x1 shm"), ("1x2", "2x1 tcp"), ("2x1 shm", "2x1 tcp")]);
        let found: Vec<f64> = comparisons[0].verdict.findings().map(|crossing| crossing.share).collect();
        assert!(found.len() == 1 && found[0] > 0.04 && found[0] < 0.07, "{found:?}");
    }
}

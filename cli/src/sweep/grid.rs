//! The grid: every combination of share, size, work and layout that the sweep measures.
//!
//! A *column* is a layout with the transport between its nodes; it is what curves and table columns stand for. A *cell*
//! is a column at one share, size and work. Which columns a machine deserves is decided here; whether it can bear them
//! is checked against the machine in `machine`.

use serde::Serialize;

use crate::transport::Transport;

/// More cells than this are a slip of the fingers.
pub(crate) const CELLS_MAX: usize = 5_000;

/// A layout and how its nodes are joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Column {
    /// As given to `--layout`.
    pub(crate) layout: String,
    /// OS processes.
    pub(crate) nodes: usize,
    /// Schedulers of all nodes together.
    pub(crate) schedulers: usize,
    /// What joins the nodes; one node alone needs nothing.
    pub(crate) transport: Option<Transport>,
}

impl Column {
    /// `1x2`, `2x1 shm`.
    pub(crate) fn label(&self) -> String {
        match self.transport {
            Some(transport) => format!("{} {transport}", self.layout),
            None => self.layout.clone(),
        }
    }
}

/// One point of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Cell {
    /// Index into the columns.
    pub(crate) column: usize,
    /// The share of the messages that cross.
    pub(crate) share: f64,
    /// Bytes of a message.
    pub(crate) size: u32,
    /// Work for each message, in microseconds.
    pub(crate) work_us: u32,
}

/// Everything that is varied.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<Column>,
    pub(crate) shares: Vec<f64>,
    pub(crate) sizes: Vec<u32>,
    pub(crate) works: Vec<u32>,
}

impl Grid {
    /// Size and work: what has a table and a chart of its own.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.sizes.iter().flat_map(|&size| self.works.iter().map(move |&work_us| (size, work_us)))
    }

    /// Every cell, group by group, share by share.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for (size, work_us) in self.groups() {
            for &share in &self.shares {
                cells.extend((0..self.columns.len()).map(|column| Cell { column, share, size, work_us }));
            }
        }
        cells
    }

    /// Every two columns, the earlier one first.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let count = self.columns.len();
        (0..count).flat_map(move |one| (one + 1..count).map(move |other| (one, other)))
    }
}

/// The layouts to compare on that many CPUs: one node, one node per CPU, and between the two those that match the
/// machine's NUMA nodes and last-level caches, or pairs of CPUs.
pub(crate) fn layouts_for(cpus: usize, numa_nodes: usize, caches: usize) -> Vec<String> {
    let mut nodes = vec![1, cpus];
    nodes.extend([numa_nodes, caches, cpus / 2].into_iter().filter(|&n| n > 0 && cpus.is_multiple_of(n)));
    nodes.sort_unstable();
    nodes.dedup();
    nodes.into_iter().map(|nodes| format!("{nodes}x{}", cpus / nodes)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cpus_have_two_layouts() {
        assert_eq!(layouts_for(2, 1, 1), ["1x2", "2x1"]);
    }

    #[test]
    fn a_larger_machine_also_tries_its_nodes_caches_and_pairs() {
        assert_eq!(layouts_for(16, 2, 4), ["1x16", "2x8", "4x4", "8x2", "16x1"]);
        assert_eq!(layouts_for(6, 4, 1), ["1x6", "3x2", "6x1"]);
        assert_eq!(layouts_for(1, 1, 1), ["1x1"]);
    }

    #[test]
    fn the_grid_is_the_product_of_what_is_varied() {
        let column = |layout: &str| Column { layout: layout.into(), nodes: 1, schedulers: 2, transport: None };
        let grid = Grid {
            columns: vec![column("1x2"), column("2x1")],
            shares: vec![0.0, 0.5, 1.0],
            sizes: vec![64, 4096],
            works: vec![0, 1],
        };
        let cells = grid.cells();
        assert_eq!(cells.len(), 2 * 3 * 2 * 2);
        assert!(cells.iter().enumerate().all(|(index, cell)| !cells[..index].contains(cell)));
        assert_eq!(grid.pairs().collect::<Vec<_>>(), [(0, 1)]);
    }
}

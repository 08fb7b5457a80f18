//! What one run of one cell says, read from its contract line and not believed blindly.
//!
//! A run that lost messages, ran under another layout or let another share of messages cross than it was told would
//! put a wrong number into a table that nobody checks again. So every line is checked here, and a line that does not
//! hold is a fault with a sentence. What is plausible but slow passes: judging speed is not a check.

use serde::{Deserialize, Serialize};

use super::grid::{Cell, Column};

/// How far the share of messages that crossed may lie from what was asked; with [`DRAWS_MIN`] draws, chance alone stays
/// well inside.
const SHARE_TOLERANCE: f64 = 0.05;
/// With fewer messages the share is too coarse to be checked.
const DRAWS_MIN: f64 = 1_000.0;

/// The figures of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Messages received per second.
    #[serde(default)]
    pub(crate) msgs_per_s: f64,
    /// Median latency.
    pub(crate) p50_us: f64,
    /// 99 of 100 messages were faster.
    pub(crate) p99_us: f64,
    /// 999 of 1000 messages were faster.
    pub(crate) p999_us: f64,
    /// CPU seconds of all nodes for a million messages.
    pub(crate) cpu_s_per_million: f64,
    /// Context switches of all nodes for a million messages.
    pub(crate) ctx_per_million: f64,
    /// Resident memory of all nodes.
    pub(crate) rss_mb: f64,
    /// Messages received.
    pub(crate) messages: f64,
    /// Messages that left their partition.
    pub(crate) crossed: f64,
    /// Messages sent and never received.
    #[serde(default)]
    pub(crate) lost: f64,
    /// OS processes that took part.
    pub(crate) nodes: f64,
    /// Schedulers that took part.
    pub(crate) schedulers: f64,
    /// From the start until every node knew every other.
    pub(crate) connect_ms: f64,
}

/// One of the figures that are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Its name on disk.
    pub(crate) name: &'static str,
    /// Takes it out of a run.
    pub(crate) read: fn(&Figures) -> f64,
}

/// The figures that are compared, in the order of the rows on disk.
pub(crate) const FIGURES: [Figure; 8] = [
    Figure { name: "msgs_per_s", read: |figures| figures.msgs_per_s },
    Figure { name: "p50_us", read: |figures| figures.p50_us },
    Figure { name: "p99_us", read: |figures| figures.p99_us },
    Figure { name: "p999_us", read: |figures| figures.p999_us },
    Figure { name: "cpu_s_per_million", read: |figures| figures.cpu_s_per_million },
    Figure { name: "ctx_per_million", read: |figures| figures.ctx_per_million },
    Figure { name: "rss_mb", read: |figures| figures.rss_mb },
    Figure { name: "connect_ms", read: |figures| figures.connect_ms },
];

#[derive(Deserialize)]
struct Line {
    metric: String,
    value: f64,
    extra: Figures,
}

impl Figures {
    /// Reads what a cell printed.
    pub(crate) fn read(output: &str) -> Result<Self, String> {
        let mut lines = output.lines().filter(|line| !line.trim().is_empty());
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(format!("the cell printed {} lines, one was expected", output.lines().count()));
        };
        let line: Line =
            serde_json::from_str(line).map_err(|error| format!("the cell's line breaks the contract: {error}"))?;
        if line.metric != "msgs_per_s" {
            return Err(format!("the cell measured {}, msgs_per_s was expected", line.metric));
        }
        Ok(Self { msgs_per_s: line.value, ..line.extra })
    }

    /// Whether the run was what it was told to be.
    pub(crate) fn check(&self, cell: &Cell, column: &Column) -> Result<(), String> {
        let Self { messages, crossed, lost, nodes, schedulers, .. } = *self;
        if lost != 0.0 {
            return Err(format!("{lost} of {} messages were lost", messages + lost));
        }
        let impossible = |figure: &&Figure| (figure.read)(self).is_nan() || (figure.read)(self) < 0.0;
        if let Some(figure) = FIGURES.iter().find(impossible) {
            return Err(format!("{} is {}, which cannot be", figure.name, (figure.read)(self)));
        }
        if messages < 1.0 || self.msgs_per_s == 0.0 {
            return Err("no message was received".to_owned());
        }
        if (nodes, schedulers) != (column.nodes as f64, column.schedulers as f64) {
            return Err(format!(
                "it ran with {nodes} nodes and {schedulers} schedulers, {} and {} were asked for",
                column.nodes, column.schedulers
            ));
        }
        let share = crossed / messages;
        let checkable = messages >= DRAWS_MIN && column.schedulers > 1;
        if checkable && (share - cell.share).abs() > SHARE_TOLERANCE {
            return Err(format!("a share of {share:.3} of the messages crossed, {} was asked for", cell.share));
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A run in which nothing is wrong.
    pub(crate) fn sound(msgs_per_s: f64, cell: &Cell, column: &Column) -> Figures {
        Figures {
            msgs_per_s,
            p50_us: 1e6 / msgs_per_s,
            p99_us: 4e6 / msgs_per_s,
            p999_us: 9e6 / msgs_per_s,
            cpu_s_per_million: 2e6 / msgs_per_s,
            ctx_per_million: 1e9 / msgs_per_s,
            rss_mb: 8.0 * column.nodes as f64,
            messages: 1e6,
            crossed: 1e6 * cell.share,
            lost: 0.0,
            nodes: column.nodes as f64,
            schedulers: column.schedulers as f64,
            connect_ms: 2.0,
        }
    }

    fn place() -> (Cell, Column) {
        let cell = Cell { column: 0, share: 0.25, size: 64, work_us: 0 };
        (cell, Column { layout: "2x1".into(), nodes: 2, schedulers: 2, transport: None })
    }

    fn fault(change: impl FnOnce(&mut Figures)) -> String {
        let (cell, column) = place();
        let mut figures = sound(1e6, &cell, &column);
        assert_eq!(figures.check(&cell, &column), Ok(()));
        change(&mut figures);
        figures.check(&cell, &column).unwrap_err()
    }

    #[test]
    fn lost_messages_are_a_fault() {
        assert_eq!(fault(|figures| figures.lost = 3.0), "3 of 1000003 messages were lost");
    }

    #[test]
    fn a_run_under_another_layout_is_a_fault() {
        assert!(fault(|figures| figures.nodes = 1.0).contains("1 nodes and 2 schedulers, 2 and 2 were asked for"));
    }

    #[test]
    fn another_share_than_asked_for_is_a_fault() {
        assert!(fault(|figures| figures.crossed = 0.0).contains("0.000 of the messages crossed, 0.25 was asked for"));
    }

    #[test]
    fn impossible_figures_are_a_fault() {
        assert!(fault(|figures| figures.p99_us = -1.0).contains("p99_us is -1"));
        assert!(fault(|figures| figures.rss_mb = f64::NAN).contains("rss_mb is NaN"));
        assert!(fault(|figures| figures.messages = 0.0).contains("no message"));
    }

    #[test]
    fn the_contract_line_is_read_back() {
        let (cell, column) = place();
        let sound = sound(2e6, &cell, &column);
        let line = serde_json::json!({"metric": "msgs_per_s", "value": 2e6, "extra": sound}).to_string();
        assert_eq!(Figures::read(&format!("{line}\n")), Ok(sound));
    }

    #[test]
    fn anything_but_one_contract_line_is_a_fault() {
        assert!(Figures::read("").unwrap_err().contains("0 lines"));
        assert!(Figures::read("{}\n{}\n").unwrap_err().contains("2 lines"));
        assert!(Figures::read("hello").unwrap_err().contains("contract"));
        assert!(Figures::read(r#"{"metric":"msgs_per_s","value":1,"extra":{}}"#).unwrap_err().contains("p50_us"));
    }
}

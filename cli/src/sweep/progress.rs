//! The bar on standard error, for whoever waits at a terminal. Elsewhere it does not exist.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::paint::Paint;

/// A bar over all runs.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar for that many runs; invisible unless standard error is a terminal.
    pub(crate) fn new(runs: usize, paint: Paint) -> Self {
        let visible = std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(runs as u64), target);
        let template = format!("{{bar:32}} {{pos}}/{{len}}  {}  {{msg}}", paint.dim("{eta} left"));
        bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar }
    }

    /// A run begins.
    pub(crate) fn begin(&self, what: String) {
        self.bar.set_message(what);
    }

    /// A run has ended. Time is estimated from here alone: no thread ticks beside the measurement.
    pub(crate) fn end(&self) {
        self.bar.inc(1);
    }

    /// The bar leaves the terminal to the tables.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

//! All of a chart but its curves: where things are, legend, axes, marks.
//!
//! From top to bottom: legend, one line for each mark, plot, share labels, axis title. Heights follow from what there
//! is to show; nothing is measured, letters count as [`LETTER_WIDTH`] wide.

use std::fmt::Write as _;

use super::{Chart, DASHES, Mark, marker};
use crate::report::axis::{LogAxis, ShareAxis};
use crate::report::style::{COLOURS, escape};
use crate::units;

pub(super) const LEFT: f64 = 64.0;
pub(super) const RIGHT: f64 = 18.0;
pub(super) const TITLE_HEIGHT: f64 = 34.0;
const LEGEND_ROW_HEIGHT: f64 = 20.0;
const MARK_HEIGHT: f64 = 17.0;
const BOTTOM: f64 = 48.0;
/// Roughly how wide a letter is: enough to keep labels inside the chart.
const LETTER_WIDTH: f64 = 6.6;

impl Chart {
    pub(super) fn height(&self) -> f64 {
        self.top() + self.plot_height + BOTTOM
    }

    pub(super) fn top(&self) -> f64 {
        self.legend_height() + self.marks.len() as f64 * MARK_HEIGHT + 8.0
    }

    pub(super) fn base(&self) -> f64 {
        self.top() + self.plot_height
    }

    /// Shares stand a little inside the frame, so that no marker is cut in half.
    pub(super) fn x(&self, place: f64) -> f64 {
        let inset = 22.0;
        LEFT + inset + place * (self.width - LEFT - RIGHT - 2.0 * inset)
    }

    pub(super) fn y(&self, place: f64) -> f64 {
        self.base() - place * self.plot_height
    }

    /// Where each name of the legend stands: its left edge and its row.
    pub(super) fn legend_places(&self) -> Vec<(f64, usize)> {
        let (mut x, mut row) = (LEFT, 0);
        let mut places = Vec::new();
        for curve in &self.curves {
            let width = 55.0 + curve.name.chars().count() as f64 * LETTER_WIDTH;
            if x > LEFT && x + width - 22.0 > self.width {
                (x, row) = (LEFT, row + 1);
            }
            places.push((x, row));
            x += width;
        }
        places
    }

    pub(super) fn legend(&self, svg: &mut String) {
        for (index, (curve, (x, row))) in self.curves.iter().zip(self.legend_places()).enumerate() {
            let (colour, dash, y) = (index % COLOURS, index % DASHES, 16.0 + row as f64 * LEGEND_ROW_HEIGHT);
            let _ = write!(svg, "<g class=\"legend c{colour} d{dash}\"><path class=\"line\" d=\"M{x:.1} {y}h26\"/>");
            marker(svg, index, x + 13.0, y);
            let _ = write!(svg, "<text x=\"{:.1}\" y=\"{}\">{}</text></g>", x + 33.0, y + 4.0, escape(&curve.name));
        }
    }

    pub(super) fn legend_height(&self) -> f64 {
        10.0 + (1 + self.legend_places().last().map_or(0, |place| place.1)) as f64 * LEGEND_ROW_HEIGHT
    }

    pub(super) fn frame(&self, svg: &mut String, values: &LogAxis) {
        let (right, base) = (self.width - RIGHT, self.base());
        for tick in values.ticks() {
            let y = self.y(values.place(tick));
            let label = tick_label(tick);
            let _ = write!(svg, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{right}\"/>");
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0,
                y + 4.0
            );
        }
        let _ = write!(svg, "<path class=\"axis\" d=\"M{LEFT} {base}H{right}\"/>");
        let shares = ShareAxis::new(&self.shares);
        for (index, &share) in self.shares.iter().enumerate() {
            let (x, label) = (self.x(shares.tick(index)), units::share(share));
            let _ = write!(svg, "<path class=\"axis\" d=\"M{x:.1} {base}v5\"/>");
            let _ = write!(
                svg,
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                base + 19.0
            );
        }
        let (middle, centre) = ((LEFT + right) / 2.0, (self.top() + base) / 2.0);
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">p, the share of messages that cross</text>\
             <text class=\"name\" transform=\"translate(14 {centre})rotate(-90)\" text-anchor=\"middle\">{}</text>",
            base + 40.0,
            escape(self.unit)
        );
    }

    /// From left to right: each line then begins below the labels of those before it and cuts none of them.
    pub(super) fn marks_by_share(&self) -> impl Iterator<Item = &Mark> {
        let mut marks: Vec<&Mark> = self.marks.iter().collect();
        marks.sort_by(|a, b| a.share.total_cmp(&b.share));
        marks.into_iter()
    }

    pub(super) fn mark(&self, svg: &mut String, row: usize, mark: &Mark, shares: &ShareAxis<'_>) {
        let x = self.x(shares.place(mark.share));
        let y = self.legend_height() + row as f64 * MARK_HEIGHT + 12.0;
        let letters = mark.label.chars().count() + mark.about.chars().count() + 2;
        let fits = x + 8.0 + letters as f64 * LETTER_WIDTH < self.width;
        let (text_x, anchor) = if fits { (x + 6.0, "start") } else { (x - 6.0, "end") };
        let (label, about, top, base) = (escape(&mark.label), escape(&mark.about), y - 10.0, self.base());
        let _ = write!(
            svg,
            "<g class=\"mark\"><path d=\"M{x:.1} {top}V{base}\"/><text x=\"{text_x:.1}\" y=\"{y}\" \
             text-anchor=\"{anchor}\"><tspan class=\"strong\">{label}</tspan> {about}</text></g>"
        );
    }

    pub(super) fn nothing(&self, svg: &mut String) {
        let (x, y) = (self.width / 2.0, self.top() + self.plot_height / 2.0);
        let _ =
            write!(svg, "<text class=\"name\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">nothing was measured</text>");
    }
}

/// A tick is a round number: `10 M`, `0.5`, `20 k`.
fn tick_label(tick: f64) -> String {
    let (value, letter) = match tick {
        t if t >= 0.99e9 => (t / 1e9, " G"),
        t if t >= 0.99e6 => (t / 1e6, " M"),
        t if t >= 0.99e3 => (t / 1e3, " k"),
        t => (t, ""),
    };
    units::share(value) + letter
}

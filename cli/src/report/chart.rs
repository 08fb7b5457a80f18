//! Line charts as SVG text: shares of crossing messages along the bottom, one curve for each layout.
//!
//! Drawn by hand so that a report is one file that needs no network, no script and no plotting library. Colours are
//! classes, so that the page decides on light and dark; a chart on its own carries the same style sheet. Curves differ by
//! colour, by marker and by dash, so that no colour has to be seen. Text is escaped on its way in, here and only here.

use std::fmt::Write as _;

mod frame;

use frame::{LEFT, RIGHT, TITLE_HEIGHT};

use super::axis::{LogAxis, ShareAxis};
use super::style::{COLOURS, STYLE, escape};
use crate::sweep::stats::Spread;
use crate::units;

/// What one chart shows.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// For readers who do not see it.
    pub(crate) title: String,
    /// Beside the vertical axis, with the unit.
    pub(crate) unit: &'static str,
    /// The measured shares, ascending.
    pub(crate) shares: Vec<f64>,
    /// One for each layout.
    pub(crate) curves: Vec<Curve>,
    /// Vertical lines.
    pub(crate) marks: Vec<Mark>,
    /// In pixels of its own scale.
    pub(crate) width: f64,
    /// Height of the plot without legend and labels.
    pub(crate) plot_height: f64,
}

/// One layout.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) name: String,
    /// One for each share; a gap where nothing was measured.
    pub(crate) points: Vec<Option<Spread>>,
}

/// A vertical line at a share, with its label above the plot.
#[derive(Clone, Debug)]
pub(crate) struct Mark {
    pub(crate) share: f64,
    /// In bold.
    pub(crate) label: String,
    /// Behind it.
    pub(crate) about: String,
}

impl Chart {
    /// The chart as an element to be put into a page that carries the style sheet and the heading.
    pub(crate) fn svg(&self) -> String {
        format!("{}<title>{}</title>{}</svg>", self.open(self.height()), escape(&self.title), self.inside())
    }

    /// The chart as a file of its own, with its title above it.
    pub(crate) fn standalone(&self) -> String {
        let (open, title) = (self.open(self.height() + TITLE_HEIGHT), escape(&self.title));
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{open}<style>{STYLE}</style>\
             <rect class=\"paper\" width=\"100%\" height=\"100%\"/>\
             <text class=\"title\" x=\"{LEFT}\" y=\"27\">{title}</text>\
             <g transform=\"translate(0 {TITLE_HEIGHT})\">{}</g></svg>\n",
            self.inside()
        )
    }

    fn open(&self, height: f64) -> String {
        let (width, title) = (self.width, escape(&self.title));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {height}\" \
             role=\"img\" aria-label=\"{title}\">"
        )
    }

    fn inside(&self) -> String {
        let mut svg = String::new();
        self.legend(&mut svg);
        match LogAxis::over(self.values()) {
            Some(values) => self.plot(&mut svg, &values),
            None => self.nothing(&mut svg),
        }
        svg
    }

    fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let points = self.curves.iter().flat_map(|curve| curve.points.iter().flatten());
        points.flat_map(|point| [point.min, point.median, point.max])
    }

    fn plot(&self, svg: &mut String, values: &LogAxis) {
        self.frame(svg, values);
        let shares = ShareAxis::new(&self.shares);
        for (row, mark) in self.marks_by_share().enumerate() {
            self.mark(svg, row, mark, &shares);
        }
        for (index, curve) in self.curves.iter().enumerate() {
            self.curve(svg, index, curve, &shares, values);
        }
        self.touch(svg, &shares);
    }

    fn curve(&self, svg: &mut String, index: usize, curve: &Curve, shares: &ShareAxis<'_>, values: &LogAxis) {
        let at = |value: f64| self.y(values.place(value));
        let shown = |point: &&Spread| point.min > 0.0;
        let points: Vec<Option<(f64, &Spread)>> = (curve.points.iter().enumerate())
            .map(|(i, point)| point.as_ref().filter(shown).map(|point| (self.x(shares.tick(i)), point)))
            .collect();
        let _ = write!(svg, "<g class=\"curve c{} d{}\">", index % COLOURS, index % DASHES);
        for stretch in points.split(Option::is_none).filter(|stretch| !stretch.is_empty()) {
            let stretch: Vec<(f64, &Spread)> = stretch.iter().flatten().copied().collect();
            let upper = stretch.iter().map(|(x, point)| format!("{x:.1} {:.1}", at(point.max)));
            let lower = stretch.iter().rev().map(|(x, point)| format!("{x:.1} {:.1}", at(point.min)));
            let band: Vec<String> = upper.chain(lower).collect();
            let line: Vec<String> =
                stretch.iter().map(|(x, point)| format!("{x:.1} {:.1}", at(point.median))).collect();
            let _ = write!(svg, "<path class=\"band\" d=\"M{}Z\"/>", band.join("L"));
            let _ = write!(svg, "<path class=\"line\" d=\"M{}\"/>", line.join("L"));
        }
        self.gaps(svg, index, curve, shares);
        for (x, point) in points.iter().flatten() {
            let (low, high) = (at(point.min), at(point.max));
            let _ = write!(svg, "<path class=\"whisker\" d=\"M{x:.1} {low:.1}V{high:.1}\"/>");
            marker(svg, index, *x, at(point.median));
        }
        *svg += "</g>";
    }

    /// A small cross at the bottom where nothing was measured.
    fn gaps(&self, svg: &mut String, index: usize, curve: &Curve, shares: &ShareAxis<'_>) {
        let aside = (index as f64 - (self.curves.len() - 1) as f64 / 2.0) * 11.0;
        for gap in (0..self.shares.len()).filter(|&i| curve.points.get(i).is_none_or(Option::is_none)) {
            let (x, y) = (self.x(shares.tick(gap)) + aside - 3.5, self.base() - 12.0);
            let _ = write!(svg, "<path class=\"gap\" d=\"M{x:.1} {y:.1}l7 7m0-7l-7 7\"/>");
        }
    }

    /// Invisible strips, one for each share, that show all values when touched.
    fn touch(&self, svg: &mut String, shares: &ShareAxis<'_>) {
        let half = if self.shares.len() < 2 { 40.0 } else { (self.x(shares.tick(1)) - self.x(shares.tick(0))) / 2.0 };
        for (index, &share) in self.shares.iter().enumerate() {
            let mut text = format!("p = {}", units::share(share));
            for curve in &self.curves {
                let value = match curve.points.get(index).copied().flatten() {
                    Some(p) => {
                        format!("{} ({} to {})", units::short(p.median), units::short(p.min), units::short(p.max))
                    }
                    None => "not measured".to_owned(),
                };
                let _ = write!(text, "\n{}: {value}", curve.name);
            }
            let x = self.x(shares.tick(index));
            let (left, right) = ((x - half).max(LEFT), (x + half).min(self.width - RIGHT));
            let _ = write!(
                svg,
                "<rect class=\"touch\" x=\"{left:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\"><title>{}</title></rect>",
                self.top(),
                right - left,
                self.plot_height,
                escape(&text)
            );
        }
    }
}

/// Ways of dashing a line, as classes d0, d1, …
const DASHES: usize = 4;

/// A marker with a shape of its own for each of the first four curves.
fn marker(svg: &mut String, index: usize, x: f64, y: f64) {
    let _ = match index % 4 {
        0 => write!(svg, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.2\"/>"),
        1 => {
            write!(svg, "<rect class=\"dot\" x=\"{:.1}\" y=\"{:.1}\" width=\"7.6\" height=\"7.6\"/>", x - 3.8, y - 3.8)
        }
        2 => write!(svg, "<path class=\"dot\" d=\"M{x:.1} {:.1}l5 8.4h-10z\"/>", y - 5.2),
        _ => write!(svg, "<path class=\"dot\" d=\"M{x:.1} {:.1}l5.2 5.2-5.2 5.2-5.2-5.2z\"/>", y - 5.2),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(name: &str, medians: &[f64]) -> Curve {
        let spread = |&median: &f64| (median > 0.0).then_some(Spread { median, min: median * 0.9, max: median * 1.1 });
        Curve { name: name.into(), points: medians.iter().map(spread).collect() }
    }

    fn chart(curves: Vec<Curve>) -> Chart {
        let marks = vec![Mark { share: 0.055, label: "p* 0.055".into(), about: "1x2, 2x1".into() }];
        let (title, shares) = ("rates".into(), vec![0.0, 0.01, 0.1]);
        Chart { title, unit: "messages/s", shares, curves, marks, width: 600.0, plot_height: 300.0 }
    }

    /// The numbers of the first `attribute="…"` after `place`.
    fn number_after(svg: &str, place: &str, before: &str) -> f64 {
        let rest = &svg[svg.find(place).unwrap() + place.len()..];
        let rest = &rest[rest.find(before).unwrap() + before.len()..];
        rest.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    }

    #[test]
    fn every_layout_has_one_curve_one_band_and_a_marker_for_each_share() {
        let svg = chart(vec![curve("1x2", &[9.0, 8.0, 7.0]), curve("2x1 shm", &[10.0, 8.5, 4.0])]).svg();
        assert_eq!(svg.matches("<g class=\"curve").count(), 2);
        assert_eq!(svg.matches("class=\"band\"").count(), 2);
        assert_eq!(svg.matches("class=\"dot\"").count(), 2 * 3 + 2, "and one in each legend entry");
        assert_eq!(svg.matches("class=\"touch\"").count(), 3);
    }

    #[test]
    fn a_missing_point_interrupts_its_curve() {
        let svg = chart(vec![curve("1x2", &[9.0, 0.0, 7.0])]).svg();
        assert_eq!(svg.matches("class=\"band\"").count(), 2, "two stretches");
        assert_eq!(svg.matches("class=\"gap\"").count(), 1);
        assert!(svg.contains("1x2: not measured"));
    }

    #[test]
    fn the_mark_stands_between_its_neighbours() {
        let svg = chart(vec![curve("1x2", &[9.0, 8.0, 7.0])]).svg();
        let mark = number_after(&svg, "class=\"mark\"", "d=\"M");
        let touch: Vec<f64> =
            svg.match_indices("class=\"touch\"").map(|(i, _)| number_after(&svg[i..], "touch", "x=\"")).collect();
        // 0.055 is half way between 0.01 and 0.1, where the strips of the two meet.
        assert!((mark - touch[2]).abs() < 0.2, "{mark} {touch:?}");
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let svg = chart(vec![curve("<script>&\"", &[9.0, 8.0, 7.0])]).svg();
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;&amp;&quot;"));
    }

    #[test]
    fn a_chart_without_values_says_so() {
        assert!(chart(vec![curve("1x2", &[0.0, 0.0, 0.0])]).svg().contains("nothing was measured"));
    }

    #[test]
    fn a_chart_on_its_own_needs_nothing_from_outside() {
        let svg = chart(vec![curve("1x2", &[9.0, 8.0, 7.0])]).standalone();
        assert!(svg.contains("<style>") && svg.contains("prefers-color-scheme"));
        assert_eq!(svg.matches("http").count(), 1, "the name of SVG itself");
    }

    #[test]
    fn a_long_legend_takes_another_row_inside_the_chart() {
        let names = ["1x16", "2x8 shm", "4x4 shm", "8x2 shm", "16x1 shm", "16x1 tcp", "16x1 unix"];
        let chart = chart(names.map(|name| curve(name, &[1.0, 2.0, 3.0])).to_vec());
        let places = chart.legend_places();
        assert_eq!((places[0], places[6].1), ((LEFT, 0), 1));
        assert!(places.iter().all(|(x, _)| x + 100.0 < chart.width));
    }

    #[test]
    fn larger_values_are_drawn_higher() {
        let svg = chart(vec![curve("a", &[1.0, 1.0, 1.0]), curve("b", &[10.0, 10.0, 10.0])]).svg();
        let heights: Vec<f64> =
            svg.match_indices("class=\"whisker\"").map(|(i, _)| number_after(&svg[i..], "d=\"M", " ")).collect();
        assert!(heights[0] > heights[3], "{heights:?}");
    }
}

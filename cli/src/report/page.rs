//! The study as one page: `index.html`, to be read offline and sent to others as it is.
//!
//! It opens with the answer, then the machine, then for each size and work three charts with their numbers below. The
//! page is complete without its script, which only shows the values under the pointer more nicely than the browser would.

use std::fmt::Write as _;

use super::chart::{Chart, Curve, Mark};
use super::style::{STYLE, escape};
use crate::sweep::figures::Figures;
use crate::sweep::grid::Column;
use crate::sweep::sentence::{headline, verdict_lines};
use crate::sweep::stats::Spread;
use crate::sweep::study::{Comparison, Row, Study};
use crate::units::{share, share_rounded, short, size, three, work};

/// One kind of chart.
struct View {
    heading: &'static str,
    unit: &'static str,
    read: fn(&Figures) -> f64,
    format: fn(f64) -> String,
    /// Whether p* is drawn: it belongs to the rates.
    marked: bool,
    width: f64,
    plot_height: f64,
}

const VIEWS: [View; 3] = [
    View {
        heading: "Throughput",
        unit: "messages per second",
        read: |figures| figures.msgs_per_s,
        format: short,
        marked: true,
        width: 860.0,
        plot_height: 330.0,
    },
    View {
        heading: "Latency, 99th percentile",
        unit: "p99, µs",
        read: |figures| figures.p99_us,
        format: short,
        marked: false,
        width: 520.0,
        plot_height: 230.0,
    },
    View {
        heading: "CPU time",
        unit: "CPU seconds per million messages",
        read: |figures| figures.cpu_s_per_million,
        format: three,
        marked: false,
        width: 520.0,
        plot_height: 230.0,
    },
];

/// More comparisons than this among the other layouts are folded away.
const OTHERS_SHOWN_MAX: usize = 3;

/// The whole page.
pub(crate) fn page(study: &Study) -> String {
    let headline = headline(study);
    let mut answers = headline.iter().map(|line| escape(line).replace(" %", "\u{a0}%"));
    let title = answers.next().unwrap_or_else(|| "nothing was measured".to_owned());
    let rest: String = answers.map(|line| format!("<p class=\"answer\">{line}</p>")).collect();
    let sections: String = study.grid.groups().map(|group| section(study, group)).collect();
    let (facts, faults, command) = (facts(study), faults(study), escape(&study.header.command));
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>holm bench: {title}</title>\
         <style>{STYLE}{PAGE_STYLE}</style></head><body><header><p class=\"kicker\">holm bench · one program, many layouts</p>\
         <h1>{title}</h1>{rest}</header>{faults}{facts}<p class=\"command\"><code>{command}</code></p>{HOW_TO_READ}\
         {sections}<footer>holm {} · {}</footer><div id=\"tip\" hidden></div><script>{SCRIPT}</script></body></html>\n",
        study.header.version,
        escape(&study.header.date)
    )
}

/// The chart of the rates of the first size and work, as a file of its own.
pub(crate) fn headline_chart(study: &Study) -> String {
    let group = study.grid.groups().next().unwrap_or((0, 0));
    chart(study, group, &VIEWS[0]).standalone()
}

fn section(study: &Study, group: (u32, u32)) -> String {
    let heading = escape(&format!("{}, {} per message", size(group.0), work(group.1)));
    let comparisons = study.comparisons(group);
    let (with_first, others) = comparisons.split_at(study.against_first(group).len());
    let mut html = format!("<section><h2>{heading}</h2>{}", verdicts(with_first));
    if others.len() > OTHERS_SHOWN_MAX {
        let _ = write!(
            html,
            "<details><summary>The other layouts among each other</summary>{}</details>",
            verdicts(others)
        );
    } else {
        html += &verdicts(others);
    }
    html += "<div class=\"charts\">";
    for view in &VIEWS {
        let (svg, table) = (chart(study, group, view).svg(), table(study, group, view));
        let (heading, class) = (view.heading, if view.marked { " class=\"wide\"" } else { "" });
        let _ = write!(html, "<figure{class}><figcaption>{heading}</figcaption>{svg}{table}</figure>");
    }
    html + "</div></section>"
}

fn verdicts(comparisons: &[Comparison]) -> String {
    let mut html = String::from("<ul>");
    for comparison in comparisons {
        let class = if comparison.verdict.findings().next().is_some() { " class=\"found\"" } else { "" };
        for line in verdict_lines(comparison) {
            let _ = write!(html, "<li{class}>{}</li>", escape(&line));
        }
    }
    html + "</ul>"
}

fn chart(study: &Study, group: (u32, u32), view: &View) -> Chart {
    let curve = |(index, column): (usize, &Column)| Curve {
        name: column.label(),
        points: study.curve(group, index, view.read),
    };
    Chart {
        title: format!("{}: {}, {} per message", view.heading, size(group.0), work(group.1)),
        unit: view.unit,
        shares: study.grid.shares.clone(),
        curves: study.grid.columns.iter().enumerate().map(curve).collect(),
        marks: if view.marked { marks(study, group) } else { Vec::new() },
        width: view.width,
        plot_height: view.plot_height,
    }
}

/// Where the first layout, one OS process, meets each of the others; the text names the other crossings.
fn marks(study: &Study, group: (u32, u32)) -> Vec<Mark> {
    let mut marks = Vec::new();
    for comparison in study.against_first(group) {
        for crossing in comparison.verdict.findings() {
            let label = format!("p* {}", share_rounded(crossing.share));
            let about = format!("{} | {}", comparison.one, comparison.other);
            marks.push(Mark { share: crossing.share, label, about });
        }
    }
    marks
}

fn table(study: &Study, group: (u32, u32), view: &View) -> String {
    let mut html = String::from("<div class=\"scroll\"><table><thead><tr><th>p</th>");
    for column in &study.grid.columns {
        let _ = write!(html, "<th>{}</th>", escape(&column.label()));
    }
    html += "</tr></thead><tbody>";
    let curves: Vec<_> = (0..study.grid.columns.len()).map(|column| study.curve(group, column, view.read)).collect();
    for (index, &p) in study.grid.shares.iter().enumerate() {
        let _ = write!(html, "<tr><th>{}</th>", share(p));
        for (column, curve) in curves.iter().enumerate() {
            let missing = || match study.row(group.0, group.1, p, column).and_then(|row| row.fault.as_deref()) {
                Some(fault) => format!("<td class=\"failed\" title=\"{}\">failed</td>", escape(fault)),
                None => "<td>not run</td>".to_owned(),
            };
            html += &curve[index].map_or_else(missing, |spread| entry(spread, view.format));
        }
        html += "</tr>";
    }
    html + "</tbody></table></div>"
}

fn entry(spread: Spread, format: fn(f64) -> String) -> String {
    let [median, min, max] = [spread.median, spread.min, spread.max].map(format);
    format!("<td>{median} <small>{min} – {max}</small></td>")
}

fn facts(study: &Study) -> String {
    let header = &study.header;
    let mut html = String::from("<dl>");
    let mut fact = |name: &str, value: &str| {
        let _ = write!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
    };
    for (name, value) in &header.machine {
        fact(name, value);
    }
    for binding in &header.bindings {
        fact(&format!("layout {}", binding.layout), &binding.seats);
    }
    let cells = study.rows.len();
    fact("runs", &format!("{cells} cells, each {} times for {} ms in fresh OS processes", header.reps, header.run_ms));
    html + "</dl>"
}

fn faults(study: &Study) -> String {
    let line = |(row, fault): (&Row, &str)| {
        let label = study.grid.columns[row.cell.column].label();
        let (p, bytes, work) = (share(row.cell.share), size(row.cell.size), work(row.cell.work_us));
        format!("<li>{}</li>", escape(&format!("{label}, p = {p}, {bytes}, {work}: {fault}")))
    };
    let lines: String = study.failed().map(line).collect();
    if lines.is_empty() {
        lines
    } else {
        format!("<section class=\"faults\"><h2>Failed cells</h2><ul>{lines}</ul></section>")
    }
}

const HOW_TO_READ: &str = "<details open><summary>How to read this</summary><p>One unchanged program ran on the same CPUs under \
each layout: <b>1xN</b> is one OS process with N schedulers that share memory, <b>Nx1</b> is N OS processes with one scheduler each, \
joined by shared memory (shm) or TCP. Each message leaves its partition with probability <b>p</b>; under 1xN it then goes to another \
scheduler, under Nx1 to another OS process. Where two curves cross lies <b>p*</b>: below it one layout is faster, above it the other. \
Points are medians, bands and small numbers the smallest and largest repetition; where these overlap on both sides of a crossing it is \
called noise. The share axis gives each measured p equal room; the vertical axes are logarithmic.</p></details>";

const PAGE_STYLE: &str = "
*{box-sizing:border-box}body{margin:0 auto;max-width:1120px;padding:2.5rem 1.25rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
.kicker{margin:0;color:var(--soft);letter-spacing:.03em}h1{font-size:1.85rem;line-height:1.25;margin:.3rem 0 .6rem;max-width:30em;text-wrap:balance}
.answer{margin:.2rem 0;font-size:1.05rem}h2{font-size:1.3rem;margin:3rem 0 .4rem;padding-top:1.2rem;border-top:1px solid var(--rule)}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.5rem 1.5rem;margin:1.8rem 0 1rem}
dt{color:var(--soft);font-size:.82rem}dd{margin:0;overflow-wrap:anywhere}
.command code{display:block;padding:.6rem .8rem;border:1px solid var(--rule);border-radius:6px;overflow-x:auto;font:14px ui-monospace,'DejaVu Sans Mono',monospace}
.command code::before{content:'$ ';color:var(--soft)}
details{margin:1rem 0;color:var(--soft)}details b{color:var(--ink)}summary{cursor:pointer;color:var(--ink)}details p{max-width:52em;margin:.4rem 0}
ul{margin:0 0 .1rem;padding-left:1.2rem}.found{font-weight:600}.faults,.failed{color:#c8102e}.faults h2{border:0;margin:1.5rem 0 0;padding:0}
@media(prefers-color-scheme:dark){.faults,.failed{color:#ff7b89}}
.charts{display:grid;grid-template-columns:1fr 1fr;gap:2rem}.charts{margin-top:1rem}.wide{grid-column:1/-1}figure{margin:0;min-width:0}
figcaption{font-weight:600;margin-bottom:.3rem}@media(max-width:760px){.charts{grid-template-columns:1fr}}
.scroll{overflow-x:auto;margin-top:.6rem}table{border-collapse:collapse;width:100%;font-size:.86rem;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.22rem .5rem;border-bottom:1px solid var(--rule);white-space:nowrap}thead th{color:var(--soft);font-weight:500}
td small{color:var(--soft);margin-left:.3em}figure:not(.wide) td small{display:block;margin:0;font-size:.78em;line-height:1.2}
footer{margin-top:3rem;color:var(--soft);font-size:.88rem}
#tip{position:fixed;pointer-events:none;white-space:pre;padding:.45rem .65rem;border-radius:6px;background:var(--ink);color:var(--paper);font-size:.84rem;line-height:1.4}
";

const SCRIPT: &str = "
for(const strip of document.querySelectorAll('.touch')){const title=strip.firstElementChild,text=title.textContent;title.remove();
strip.addEventListener('mousemove',e=>{tip.hidden=false;tip.textContent=text;const w=tip.offsetWidth;
tip.style.left=(e.clientX+w+30>innerWidth?e.clientX-w-14:e.clientX+14)+'px';tip.style.top=e.clientY+14+'px'});
strip.addEventListener('mouseleave',()=>tip.hidden=true)}
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::study::tests::example;

    #[test]
    fn every_group_has_three_charts_with_a_curve_for_each_layout_and_a_table() {
        let html = page(&example());
        assert_eq!(html.matches("<svg").count(), 4 * 3);
        assert_eq!(html.matches("<g class=\"curve").count(), 4 * 3 * 3);
        assert_eq!(html.matches("<table>").count(), 4 * 3);
    }

    #[test]
    fn the_page_opens_with_the_answer_and_names_machine_and_command() {
        let html = page(&example());
        assert!(html.contains("<h1>64 B, no work: 2x1 shm is faster while fewer than 5"), "{}", &html[..4000]);
        assert!(html.contains("<code>holm bench --reps 3</code>") && html.contains("layout 1x2"));
    }

    #[test]
    fn text_from_the_machine_is_escaped() {
        let html = page(&example());
        assert!(html.contains("Example &lt;CPU&gt; &amp; Co") && !html.contains("<CPU>"));
    }

    #[test]
    fn nothing_is_loaded_from_outside() {
        let html = page(&example());
        assert!(
            !html.contains("src=") && !html.contains("href=") && !html.contains("url(") && !html.contains("@import")
        );
        assert_eq!(html.matches("http").count(), html.matches("http://www.w3.org/2000/svg").count());
    }

    #[test]
    fn failed_cells_stand_at_the_top_and_in_their_tables() {
        let mut study = example();
        study.rows[0].fault = Some("<3> messages were lost".into());
        let html = page(&study);
        assert!(html.contains("1x2, p = 0, 64 B, no work: &lt;3&gt; messages were lost"));
        assert_eq!(html.matches("class=\"failed\"").count(), 3);
    }

    #[test]
    fn only_rates_carry_the_crossing_points() {
        let study = example();
        let expected: usize = study.grid.groups().map(|group| marks(&study, group).len()).sum();
        assert!(expected >= 4);
        assert_eq!(page(&study).matches("class=\"mark\"").count(), expected);
    }

    #[test]
    fn the_headline_chart_stands_alone() {
        let svg = headline_chart(&example());
        assert!(svg.starts_with("<?xml") && svg.contains("Throughput: 64 B, no work per message"));
    }
}

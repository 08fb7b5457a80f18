//! The study as text for a terminal: aligned tables of at most 120 columns, then p* for every two layouts.
//!
//! One block for each size and work. Rows are shares; three layouts stand side by side, more go below. Pure: a study
//! in, text out.

use super::figures::Figures;
use super::sentence::verdict_lines;
use super::stats::Spread;
use super::study::{Row, Study};
use crate::paint::Paint;
use crate::units::{share, short, size, three, work};

/// Layouts side by side.
const COLUMNS_ABREAST: usize = 3;

/// What is shown for each layout: the heads of its four columns and how a row fills them.
struct View {
    heads: [&'static str; 4],
    widths: [usize; 4],
    fill: fn(&Row) -> Option<[String; 4]>,
}

const SPEED: View = View { heads: ["msgs/s", "±", "p50 µs", "p99 µs"], widths: [8, 6, 9, 9], fill: speed };
const COST: View = View { heads: ["p99.9 µs", "CPU s/M", "ctx/M", "RSS MB"], widths: [9, 9, 7, 7], fill: cost };
/// Of one layout: the sum of the widths of either view.
const WIDTH: usize = 32;
/// Between two layouts.
const WALL: &str = "  │";

fn speed(row: &Row) -> Option<[String; 4]> {
    let rate = row.spread(|figures| figures.msgs_per_s)?;
    let us = |read| row.spread(read).map_or_else(String::new, |spread: Spread| short(spread.median));
    Some([short(rate.median), percent(rate), us(|figures| figures.p50_us), us(|figures| figures.p99_us)])
}

fn cost(row: &Row) -> Option<[String; 4]> {
    let reads: [fn(&Figures) -> f64; 4] = [
        |figures| figures.p999_us,
        |figures| figures.cpu_s_per_million,
        |figures| figures.ctx_per_million,
        |figures| figures.rss_mb,
    ];
    let [p999, cpu, ctx, rss] = reads.map(|read| row.spread(read).map(|spread| spread.median));
    Some([short(p999?), three(cpu?), short(ctx?), three(rss?)])
}

fn percent(spread: Spread) -> String {
    format!("{:.0} %", spread.relative() * 100.0)
}

/// The whole study.
pub(crate) fn study(study: &Study, paint: Paint) -> String {
    let blocks: Vec<String> = study.grid.groups().map(|group| block(study, group, paint)).collect();
    blocks.concat() + &faults(study, paint)
}

/// What stands above the tables: the machine and how it was used.
pub(crate) fn header(study: &Study, paint: Paint) -> String {
    let header = &study.header;
    let mut lines: Vec<(String, String)> = vec![("holm".into(), header.version.into())];
    lines.extend(header.machine.iter().cloned());
    lines.extend(header.bindings.iter().map(|binding| (binding.layout.clone(), binding.seats.clone())));
    let cells = study.rows.len();
    lines.push(("runs".into(), format!("{cells} cells × {} of {} ms each", header.reps, header.run_ms)));
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    lines.iter().map(|(name, value)| format!("{} {value}\n", paint.dim(&format!("{name:<width$}")))).collect()
}

fn block(study: &Study, group: (u32, u32), paint: Paint) -> String {
    let mut text = format!("\n\n{}\n", paint.bold(&format!("{}, {} per message", size(group.0), work(group.1))));
    let columns: Vec<usize> = (0..study.grid.columns.len()).collect();
    for view in [SPEED, COST] {
        for abreast in columns.chunks(COLUMNS_ABREAST) {
            text += &table(study, group, abreast, &view, paint);
        }
    }
    text += "\n";
    for comparison in study.comparisons(group) {
        let found = comparison.verdict.findings().next().is_some();
        for line in verdict_lines(&comparison) {
            text += &format!("  {}\n", if found { paint.green(&line) } else { line });
        }
    }
    text
}

fn table(study: &Study, group: (u32, u32), columns: &[usize], view: &View, paint: Paint) -> String {
    let labels = columns.iter().map(|&column| format!("{:^WIDTH$}", study.grid.columns[column].label()));
    let heads = columns.iter().map(|_| fields(view, &view.heads.map(str::to_owned)));
    let mut text = String::from("\n");
    text += &line("", labels.map(|label| paint.bold(&label)));
    text += &line("p", heads.map(|head| paint.dim(&head)));
    for &p in &study.grid.shares {
        let rows = columns.iter().map(|&column| study.row(group.0, group.1, p, column));
        text += &line(&share(p), rows.map(|row| entry(study, row, view, paint)));
    }
    text
}

fn line(head: &str, fields: impl Iterator<Item = String>) -> String {
    let fields: Vec<String> = fields.collect();
    let line = format!("  {head:>6}{}", fields.join(WALL));
    format!("{}\n", line.trim_end())
}

fn entry(study: &Study, row: Option<&Row>, view: &View, paint: Paint) -> String {
    match row.and_then(|row| (view.fill)(row)) {
        Some(values) => fields(view, &values),
        None => match row.and_then(|row| fault_number(study, row)) {
            Some(number) => paint.red(&format!("{:>WIDTH$}", format!("failed [{number}]"))),
            None => format!("{:>WIDTH$}", "not run"),
        },
    }
}

fn fields(view: &View, values: &[String; 4]) -> String {
    values.iter().zip(view.widths).map(|(value, width)| format!("{value:>width$}")).collect()
}

fn fault_number(study: &Study, row: &Row) -> Option<usize> {
    study.failed().position(|(failed, _)| failed.cell == row.cell).map(|index| index + 1)
}

fn faults(study: &Study, paint: Paint) -> String {
    let line = |(index, (row, fault)): (usize, (&Row, &str))| {
        let cell = row.cell;
        let label = study.grid.columns[cell.column].label();
        let number = paint.red(&format!("failed [{}]", index + 1));
        format!("{number} {label}, p = {}, {}, {}: {fault}\n", share(cell.share), size(cell.size), work(cell.work_us))
    };
    let lines: String = study.failed().enumerate().map(line).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::study::tests::example;

    #[test]
    fn every_line_fits_and_every_row_is_aligned() {
        let text = study(&example(), Paint::DRY);
        assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("    0.25")).collect();
        assert_eq!(rows.len(), 4 * 2, "four groups, speed and cost:\n{text}");
        assert!(rows.iter().all(|row| row.chars().count() == rows[0].chars().count()));
    }

    #[test]
    fn both_views_are_equally_wide() {
        for view in [SPEED, COST] {
            assert_eq!(view.widths.iter().sum::<usize>(), WIDTH);
            assert!(view.heads.iter().zip(view.widths).all(|(head, width)| head.chars().count() < width));
        }
    }

    #[test]
    fn each_group_ends_with_its_comparisons() {
        let text = study(&example(), Paint::DRY);
        assert!(text.contains("64 B, no work per message") && text.contains("4 KiB, 1 µs of work per message"));
        assert!(text.contains("  p* = 0.05"), "{text}");
        assert!(text.contains("1x2 leads 2x1 tcp throughout") || text.contains("2x1 tcp leads below"), "{text}");
    }

    #[test]
    fn a_failed_cell_keeps_its_place_and_gives_its_reason() {
        let mut example = example();
        example.rows[1].fault = Some("3 of 1000 messages were lost".into());
        let text = study(&example, Paint::DRY);
        assert_eq!(text.matches("failed [1]").count(), 3, "two tables and the reason:\n{text}");
        assert!(text.contains("failed [1] 2x1 shm, p = 0, 64 B, no work: 3 of 1000 messages were lost"));
    }

    #[test]
    fn a_cell_that_never_ran_says_so() {
        let mut example = example();
        example.rows[1].runs.clear();
        assert_eq!(study(&example, Paint::DRY).matches("not run").count(), 2);
    }

    #[test]
    fn the_header_names_the_machine_and_the_seats() {
        let text = header(&example(), Paint::DRY);
        assert!(text.contains("holm") && text.contains("Example <CPU> & Co") && text.contains("0 on CPU 0"));
        assert!(text.contains("84 cells × 3 of 400 ms each"));
    }
}

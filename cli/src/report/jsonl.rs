//! The study as rows for other programs: `results.jsonl`.
//!
//! The first row is the header; each further row is a cell with its medians, the range of its repetitions and the
//! repetitions themselves. All digits are kept. A cell that failed or never ran has a row too, without figures.

use serde_json::{Map, Value, json};

use crate::sweep::figures::FIGURES;
use crate::sweep::stats::Spread;
use crate::sweep::study::{Row, Study};

/// One JSON object on each line.
pub(crate) fn rows(study: &Study) -> String {
    let mut header = json!(study.header);
    header["row"] = "header".into();
    header["layouts"] = json!(study.grid.columns);
    let cells = study.rows.iter().map(|row| cell(study, row));
    std::iter::once(header).chain(cells).map(|row| format!("{row}\n")).collect()
}

fn cell(study: &Study, row: &Row) -> Value {
    let column = &study.grid.columns[row.cell.column];
    let spreads = FIGURES.iter().filter_map(|figure| Some((figure.name, row.spread(figure.read)?)));
    let spreads: Vec<(&str, Spread)> = spreads.collect();
    let medians = spreads.iter().map(|(name, spread)| ((*name).to_owned(), spread.median.into()));
    let ranges: Map<String, Value> =
        spreads.iter().map(|(name, spread)| ((*name).to_owned(), json!([spread.min, spread.max]))).collect();
    let mut object = json!({
        "row": "cell",
        "status": if row.fault.is_some() { "failed" } else if row.runs.is_empty() { "not run" } else { "measured" },
        "layout": column.layout,
        "transport": column.transport,
        "nodes": column.nodes,
        "schedulers": column.schedulers,
        "p": row.cell.share,
        "size": row.cell.size,
        "work_us": row.cell.work_us,
        "fault": row.fault,
        "spread": ranges,
        "runs": row.runs,
    });
    if let Value::Object(fields) = &mut object {
        fields.extend(medians);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::study::tests::example;

    fn parsed(study: &Study) -> Vec<Value> {
        rows(study).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn the_header_comes_first_and_every_cell_has_a_row() {
        let rows = parsed(&example());
        assert_eq!(rows.len(), 1 + 84);
        assert_eq!((&rows[0]["row"], &rows[0]["command"]), (&json!("header"), &json!("holm bench --reps 3")));
        assert_eq!(rows[0]["machine"][0], json!(["model", "Example <CPU> & Co"]));
        assert!(rows[1..].iter().all(|row| row["row"] == "cell" && row["status"] == "measured"));
    }

    #[test]
    fn a_cell_carries_median_spread_and_repetitions() {
        let row = &parsed(&example())[2];
        assert_eq!((&row["layout"], &row["transport"], &row["p"]), (&json!("2x1"), &json!("shm"), &json!(0.0)));
        let [low, high] = [0, 1].map(|end| row["spread"]["msgs_per_s"][end].as_f64().unwrap());
        let median = row["msgs_per_s"].as_f64().unwrap();
        assert!(low < median && median < high);
        assert_eq!(row["runs"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn a_failed_cell_says_why_and_has_no_medians() {
        let mut study = example();
        study.rows[0].fault = Some("3 messages were lost".into());
        let row = &parsed(&study)[1];
        assert_eq!((&row["status"], &row["fault"]), (&json!("failed"), &json!("3 messages were lost")));
        assert!(row.get("msgs_per_s").is_none());
    }
}

//! The one line a workload prints: the contract that holm shares with the programs it is measured beside.
//!
//! One JSON object on one line, numbers only in `extra`, so that whoever runs the same workload on several programs
//! can take medians without knowing any of them. How the line is made is decided here alone; what goes into `extra`
//! is each workload's own business.

use serde_json::{Map, Number, Value, json};

/// Whether a larger value is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    /// Times, bytes.
    Lower,
    /// Rates.
    Higher,
}

/// What a workload measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    metric: &'static str,
    value: f64,
    better: Better,
    extra: Map<String, Value>,
}

impl Report {
    /// The main value of the run.
    ///
    /// # Panics
    /// If the value is not finite: a workload that measured nothing must return an error instead.
    pub(crate) fn new(metric: &'static str, value: f64, better: Better) -> Self {
        assert!(value.is_finite(), "the workload must return an error rather than {metric} = {value}");
        Self { metric, value, better, extra: Map::new() }
    }

    /// A further figure. One that is not finite (a mean over nothing) is left out.
    pub(crate) fn extra(mut self, name: &str, value: f64) -> Self {
        if let Some(number) = number(value) {
            self.extra.insert(name.to_owned(), number.into());
        }
        self
    }

    /// The contract line, without its line end.
    pub(crate) fn line(&self, workload: &str, cores: usize, params: Map<String, Value>) -> String {
        json!({
            "peer": "holm",
            "version": env!("CARGO_PKG_VERSION"),
            "workload": workload,
            "cores": cores,
            "params": params,
            "metric": self.metric,
            "value": number(self.value),
            "better": match self.better { Better::Lower => "lower", Better::Higher => "higher" },
            "extra": self.extra,
        })
        .to_string()
    }
}

/// Counts stay counts: `5`, not `5.0`.
fn number(value: f64) -> Option<Number> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0; // 2^53
    let whole = value.fract() == 0.0 && value.abs() < EXACT_MAX;
    if whole { Some((value as i64).into()) } else { Number::from_f64(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_keeps_the_contract() {
        let report = Report::new("ns_per_hop", 123.5, Better::Lower).extra("cold", 200.0).extra("mean", f64::NAN);
        let params = Map::from_iter([("n".to_owned(), 5.into())]);
        let line = report.line("ring", 2, params);
        assert!(!line.contains('\n'));
        let read: Value = serde_json::from_str(&line).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            read,
            json!({"peer": "holm", "version": version, "workload": "ring", "cores": 2, "params": {"n": 5},
                   "metric": "ns_per_hop", "value": 123.5, "better": "lower", "extra": {"cold": 200}})
        );
    }

    #[test]
    #[should_panic(expected = "must return an error")]
    fn a_run_that_measured_nothing_has_no_line() {
        let _ = Report::new("msgs_per_s", f64::INFINITY, Better::Higher);
    }
}

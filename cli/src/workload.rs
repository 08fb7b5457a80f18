//! The workloads themselves: what runs on holm.
//!
//! One door: a name from the catalogue, the layout to run under, checked parameters; a report comes back, or the
//! reason why there is none. A workload reads its parameters by name and checks its own counts and sums.

use anyhow::Result;

use crate::params::Params;
use crate::report_line::Report;
use crate::setting::Setting;

/// Runs the workload once.
pub(crate) fn run(name: &str, setting: &Setting, params: &mut Params) -> Result<Report> {
    let _ = (setting, params);
    anyhow::bail!("the workload `{name}` is not built yet")
}

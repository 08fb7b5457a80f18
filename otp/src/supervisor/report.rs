//! What supervisors report, as `tracing` events under the target [`TARGET`]: the same moments as OTP's progress and
//! supervisor reports. Without a subscriber an event costs a look at a flag.

use super::{order::Parent, specification::Specification};
use crate::proc_lib::StartError;
use holm::{Pid, Reason};
use tracing::{debug, error, info, warn};

/// The target of all events of supervisors.
pub const TARGET: &str = "holm::supervisor";

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report(Pid);

impl Report {
    pub(crate) fn of(supervisor: &Parent) -> Self {
        Report(supervisor.pid().untyped())
    }

    pub(crate) fn started(self, child: &Specification, pid: Pid) {
        debug!(target: TARGET, supervisor = %self.0, child = %child.id, %pid, "child started");
    }

    pub(crate) fn ignored(self, child: &Specification) {
        debug!(target: TARGET, supervisor = %self.0, child = %child.id, "child chose not to start");
    }

    pub(crate) fn start_failed(self, child: &Specification, reason: &StartError) {
        error!(target: TARGET, supervisor = %self.0, child = %child.id, %reason, "child failed to start");
    }

    /// A child ended by itself. As in OTP an end in good order is no fault, unless the child was to run for ever.
    pub(crate) fn ended(self, child: &Specification, pid: Pid, reason: &Reason) {
        match reason.is_orderly() && !child.restart.applies(reason) {
            true => debug!(target: TARGET, supervisor = %self.0, child = %child.id, %pid, %reason, "child ended"),
            false => error!(target: TARGET, supervisor = %self.0, child = %child.id, %pid, %reason, "child ended"),
        }
    }

    pub(crate) fn restarting(self, child: &Specification) {
        info!(target: TARGET, supervisor = %self.0, child = %child.id, "child is restarted");
    }

    /// A child was stopped, and ended with a reason.
    pub(crate) fn stopped(self, child: &Specification, pid: Pid, reason: &Reason, as_asked: bool) {
        match as_asked {
            true => debug!(target: TARGET, supervisor = %self.0, child = %child.id, %pid, %reason, "child stopped"),
            false => {
                warn!(target: TARGET, supervisor = %self.0, child = %child.id, %pid, %reason, "child ended otherwise while it was stopped");
            }
        }
    }

    pub(crate) fn intensity_reached(self, child: &Specification) {
        error!(target: TARGET, supervisor = %self.0, child = %child.id, "restart intensity reached: the supervisor gives up");
    }

    pub(crate) fn automatic_shutdown(self, child: &Specification) {
        info!(target: TARGET, supervisor = %self.0, child = %child.id, "a significant child ended: the supervisor shuts down");
    }
}

//! Binding: whether this layout's schedulers are held to CPUs, and each node to those of its schedulers.
//!
//! Serves `plan`, which asks what may be done before anything is started, and every node, which confines itself to its own
//! CPUs while it has one thread, so that all later threads inherit that. A scheduler's thread is pinned by the runtime.
//!
//! The rule: what the user asked for by `HOLM_BIND` is done or refused with a sentence; what was only our habit is done,
//! or left with a note. So a container without the right to bind runs every program, and a measurement that relies on
//! binding does not silently measure something else.

use holm_affinity::{BindType, CpuSet, PinError, bind_current_thread, current_mask};
use serde::{Deserialize, Serialize};

use super::error::LayoutError;

/// How schedulers are held to CPUs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The bind type by its short BEAM name; `u` leaves schedulers to the operating system.
    pub bind_type: String,
    /// Whether the user asked for it: then a pin that the system refuses is an error, else a note.
    pub asked: bool,
}

impl Binding {
    pub(super) fn new(bind_type: BindType, asked: bool) -> Self {
        Binding { bind_type: bind_type.short_name().to_owned(), asked }
    }

    /// What a refusal comes to under the rule above.
    pub(super) fn refused(&self, refusal: PinError, notes: &mut Vec<String>) -> Result<(), LayoutError> {
        if self.asked && self.bind_type != BindType::Unbound.short_name() {
            return Err(LayoutError::BindRefused { bind_type: self.bind_type.clone(), refusal });
        }
        notes.push(format!("threads are not bound to CPUs: {refusal}"));
        Ok(())
    }
}

/// Whether the system lets this program bind at all; it is asked by binding this thread to where it may run already.
pub(super) fn may_bind() -> Result<(), PinError> {
    bind_current_thread(&current_mask()?)
}

/// Confines this thread, and all that it will start, to the CPUs of this node; an empty mask confines nothing. Under `u`
/// too: a node of the layout `numa` is to stay in its NUMA node, wherever its schedulers run there.
pub(super) fn confine(mask: &[u32], binding: &Binding, notes: &mut Vec<String>) -> Result<(), LayoutError> {
    if mask.is_empty() {
        return Ok(());
    }
    let cpus: CpuSet = mask.iter().copied().collect();
    bind_current_thread(&cpus).or_else(|refusal| binding.refused(refusal, notes))
}

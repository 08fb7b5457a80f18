//! What can be wrong with the specification of a supervisor. It is found before anything starts.

use super::{
    rules::{AutomaticShutdown, Rules},
    specification::{Restart, Shutdown, Specification},
};
use std::{collections::HashSet, time::Duration};

/// A fault in the specification of a supervisor or of a child.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Two children of one supervisor share an identifier.
    #[error("two children are called {0:?}: each needs an identifier of its own")]
    DuplicateChild(String),
    /// The period of the intensity is zero.
    #[error("the period of the restart intensity is zero: it has to be longer")]
    ZeroPeriod,
    /// A child has no time at all to shut down.
    #[error("the child {0:?} has no time to shut down: give it some, or say Shutdown::Kill")]
    ZeroShutdown(String),
    /// A significant child of a supervisor that never shuts down automatically.
    #[error("the child {0:?} is significant, but its supervisor has no automatic shutdown")]
    SignificantInVain(String),
    /// A significant child that is always restarted, so that it never ends by itself.
    #[error("the child {0:?} is significant and permanent: make it transient or temporary")]
    SignificantPermanent(String),
    /// The specification of a child that is itself a supervisor has a fault.
    #[error("in the supervisor {supervisor:?}: {fault}")]
    Within {
        /// The child.
        supervisor: String,
        /// The fault in it.
        fault: Box<Fault>,
    },
}

/// Looks for a fault in the rules of a supervisor and in its children, and in theirs.
pub(crate) fn check(rules: &Rules, children: &[Specification]) -> Result<(), Fault> {
    if rules.intensity.period == Duration::ZERO {
        return Err(Fault::ZeroPeriod);
    }
    let mut identifiers = HashSet::new();
    for child in children {
        if !identifiers.insert(&child.id) {
            return Err(Fault::DuplicateChild(child.id.to_string()));
        }
        check_child(rules.automatic, child)?;
    }
    Ok(())
}

/// Looks for a fault in a child, given when its supervisor shuts down automatically.
pub(crate) fn check_child(automatic: AutomaticShutdown, child: &Specification) -> Result<(), Fault> {
    let id = || child.id.to_string();
    if child.shutdown == Shutdown::Within(Duration::ZERO) {
        return Err(Fault::ZeroShutdown(id()));
    }
    if child.significant && automatic == AutomaticShutdown::Never {
        return Err(Fault::SignificantInVain(id()));
    }
    if child.significant && child.restart == Restart::Permanent {
        return Err(Fault::SignificantPermanent(id()));
    }
    child.launch.check().map_err(|fault| Fault::Within { supervisor: id(), fault: fault.into() })
}

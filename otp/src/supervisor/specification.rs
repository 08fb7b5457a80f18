//! What a supervisor knows of a child, whatever that receives: how it starts, when it is restarted, how it is stopped.

use super::{
    launch::{Launch, Launching},
    order::Parent,
};
use crate::proc_lib::StartOptions;
use holm::Reason;
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// How long a worker has to shut down, unless its specification says otherwise: OTP's.
pub const SHUTDOWN_DEFAULT: Duration = Duration::from_secs(5);

/// When a child that ended is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// If it did not end in good order: see [`Reason::is_orderly`].
    Transient,
    /// Never; and with its end its specification is gone.
    Temporary,
}

impl Restart {
    /// Whether a child that ended by itself with this reason is started again.
    pub(crate) fn applies(self, reason: &Reason) -> bool {
        match self {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_orderly(),
            Restart::Temporary => false,
        }
    }
}

/// How a child is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// It is sent [`Reason::Shutdown`], and killed if it has not ended when this time has passed.
    Within(Duration),
    /// It is killed at once: OTP's `brutal_kill`.
    Kill,
    /// It is sent [`Reason::Shutdown`], and has all the time in the world: right for supervisors, whose own children
    /// have their limits.
    Infinite,
}

/// What a child is. It decides how [`Shutdown`] begins, and how it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A process that works.
    Worker,
    /// A supervisor: a tree of its own.
    Supervisor,
}

/// What is known of a child, whatever it receives.
#[derive(Clone)]
pub(crate) struct Specification {
    pub(crate) id: Cow<'static, str>,
    pub(crate) launch: Arc<dyn Launch>,
    pub(crate) options: Option<Box<StartOptions>>,
    pub(crate) shutdown: Shutdown,
    pub(crate) restart: Restart,
    pub(crate) kind: Kind,
    pub(crate) significant: bool,
}

impl fmt::Debug for Specification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} ({:?}, {:?})", self.kind, self.id, self.restart, self.shutdown)
    }
}

impl Specification {
    /// Starts the child.
    pub(crate) fn launch<'a>(&'a self, parent: &'a mut Parent) -> Launching<'a> {
        let options = self.options.as_ref().map_or_else(StartOptions::new, |options| (**options).clone());
        self.launch.launch(parent, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine cases, with the reasons of good order taken as one, and any other two beside it.
    #[test]
    fn permanent_restarts_always_transient_after_a_fault_temporary_never() {
        let good = [Reason::Normal, Reason::Shutdown, Reason::shutdown(&7u8)];
        let bad = [Reason::Killed, Reason::NoConnection, Reason::error("x"), Reason::value(&7u8), Reason::Kill];
        for reason in good.iter().chain(&bad) {
            assert!(Restart::Permanent.applies(reason));
            assert_eq!(Restart::Transient.applies(reason), bad.contains(reason), "{reason}");
            assert!(!Restart::Temporary.applies(reason));
        }
    }

    /// What a dynamic supervisor keeps of each child; `docs/supervisors.md` says so.
    #[test]
    fn a_specification_takes_72_bytes() {
        assert_eq!(size_of::<Specification>(), 72);
    }
}

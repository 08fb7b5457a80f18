//! Why the program stops before it is done, as one sentence and an exit status.
//!
//! Everything that goes wrong in `holm` ends here, so that the exit statuses are decided in one place. It does not
//! carry a backtrace or a chain to be walked: whoever reads it sits at a terminal and wants to know which value was
//! wrong and what would be right.

use thiserror::Error;

/// A reason to stop, with its exit status.
#[derive(Debug, Error)]
pub(crate) enum Stop {
    /// The command line asks for something that does not exist or cannot be.
    #[error("{0}")]
    Usage(String),
    /// The work itself failed.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
    /// `holm run` did not find its program.
    #[error("the program `{0}` was not found; name a file, or a program that is on PATH")]
    NotFound(String),
    /// `holm run` found its program and may not start it.
    #[error("the program `{0}` cannot be started: {1}")]
    NotExecutable(String, std::io::Error),
    /// A workload was asked to stop by this signal.
    #[error("stopped by signal {0}")]
    Signal(i32),
    /// Ctrl-C or a request to end came in the middle.
    #[error("interrupted; what was measured until then is written")]
    Interrupted,
}

impl Stop {
    /// A failure of the work, told in one sentence.
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(anyhow::anyhow!(sentence.into()))
    }

    /// The exit status: shells agree on 2, 126, 127 and 130.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::NotExecutable(..) => 126,
            Self::NotFound(_) => 127,
            Self::Signal(signal) => 128u8.saturating_add(*signal as u8),
            Self::Interrupted => 130,
        }
    }
}

//! What joins the nodes of a layout, as it is named on the command line.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// The roads between nodes on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// Shared memory.
    Shm,
    /// TCP on the loopback interface.
    Tcp,
    /// A Unix socket.
    Unix,
}

impl Transport {
    /// The word on the command line and in the environment.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Shm => "shm",
            Self::Tcp => "tcp",
            Self::Unix => "unix",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueEnum>::from_str(text, false)
            .map_err(|_| format!("`{text}` is no transport; it is one of shm, tcp, unix"))
    }
}

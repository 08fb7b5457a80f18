//! Where the two sides of a workload sit: `--place own`, `same` or `cross`.
//!
//! Own leaves it to the runtime, which is what users do; the other two answer what a message costs on one scheduler and
//! between two. Under a layout of several OS processes, `cross` is between two of those.

use anyhow::{Result, ensure};
use holm::{Message, SpawnOptions};
use serde::{Deserialize, Serialize};

/// Where two sides sit.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Message)]
pub(super) enum Seats {
    /// Wherever the runtime likes.
    Own,
    /// Both on scheduler 0.
    Same,
    /// On the first scheduler and on the last.
    Cross,
}

/// One of the two sides.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    /// It asks, or it is the one that many talk to.
    One,
    /// It answers, or it is one of the many.
    Other,
}

impl Seats {
    /// Reads the word of the command line.
    pub(super) fn of(word: &str) -> Self {
        match word {
            "same" => Self::Same,
            "cross" => Self::Cross,
            _ => Self::Own,
        }
    }

    /// An error if the layout has too few schedulers.
    pub(super) fn check(self) -> Result<()> {
        let enough = !matches!(self, Self::Cross) || holm::schedulers() > 1;
        ensure!(enough, "`--place cross` needs two schedulers, there is one; give --cores 2");
        Ok(())
    }

    /// How a process of that side is spawned.
    pub(super) fn side(self, side: Side) -> SpawnOptions {
        let options = SpawnOptions::new();
        match (self, side) {
            (Self::Own, _) => options,
            (Self::Cross, Side::Other) => options.scheduler(holm::schedulers() - 1),
            (Self::Same, _) | (Self::Cross, Side::One) => options.scheduler(0),
        }
    }
}

//! Standard output, for all of `holm`.
//!
//! A reader that has seen enough (`holm bench --list | head -1`) closes the pipe; that is no failure and ends nothing.

use std::io::{ErrorKind, Write};

use anyhow::Context;

use crate::stop::Stop;

/// Prints the text as it is.
pub(crate) fn say(text: &str) -> Result<(), Stop> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result.context("standard output cannot be written")?),
    }
}

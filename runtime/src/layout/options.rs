//! Options: what the environment asks of a start.
//!
//! | variable | says | when unset |
//! | --- | --- | --- |
//! | `HOLM_LAYOUT` | the layout: `PxS`, `numa` or `l3` | one node with a scheduler for each usable CPU |
//! | `HOLM_TRANSPORT` | the road between nodes: `shm`, `unix` or `tcp` | `shm` |
//! | `HOLM_BIND` | the bind type: `ns ts ps s nnts nnps tnnps db u`; a refused pin is then an error | `db` where every scheduler gets a CPU of its own, `u` elsewhere; a refused pin is a note |
//! | `HOLM_OVERSUBSCRIBE` | `1`: more schedulers than usable CPUs are wanted | `0` |
//! | `HOLM_TCP_PORT` | the loopback port on which TCP links are made | any free port |
//! | `HOLM_PROCESSES` | how many processes and tasks each node may have at once, 64 at least | 16,000,000 |
//! | `HOLM_PREFIX` | `1`: lines of other nodes begin with the node's name | `0` |
//!
//! The one place that knows these names: a program reads them here, `holm run` writes them from here.
//! It decides nothing that needs the machine. Command-line flags inside the user's program were set aside: they belong
//! to the program.

use std::ffi::OsString;
use std::fmt;

use holm_affinity::{BindType, Layout};

use super::place::Transport;

const LAYOUT: &str = "HOLM_LAYOUT";
const TRANSPORT: &str = "HOLM_TRANSPORT";
const BIND: &str = "HOLM_BIND";
const OVERSUBSCRIBE: &str = "HOLM_OVERSUBSCRIBE";
const TCP_PORT: &str = "HOLM_TCP_PORT";
const PREFIX: &str = "HOLM_PREFIX";
pub(super) const PROCESSES: &str = "HOLM_PROCESSES";

/// Set by the launcher alone, for the nodes that it starts: the node's rank.
pub(super) const NODE: &str = "HOLM_NODE";

/// What a start is asked to be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The layout; `None` is one node with a scheduler for each usable CPU.
    pub layout: Option<Layout>,
    /// The road between nodes.
    pub transport: Transport,
    /// The bind type, where the user asked for one.
    pub bind: Option<BindType>,
    /// Whether more schedulers than usable CPUs are wanted.
    pub oversubscribe: bool,
    /// The loopback port on which TCP links are made; `None` is any free one.
    pub tcp_port: Option<u16>,
    /// How many processes and tasks each node may have at once, 64 at least; `None` is 16,000,000. The runtime's own
    /// tasks count, one for each other node and a few more. A spawn above it is an error.
    pub processes_max: Option<u32>,
    /// Whether lines that other nodes print begin with the node's name.
    pub prefix: bool,
}

impl Options {
    /// Reads the environment of this process.
    ///
    /// # Errors
    ///
    /// The first variable whose value cannot be understood.
    pub fn from_env() -> Result<Self, OptionError> {
        Options::read(|name| std::env::var_os(name))
    }

    /// The same options as environment variables: what `holm run` sets for the program that it starts.
    pub fn to_env(&self) -> Vec<(&'static str, String)> {
        let switch = |on: bool| if on { "1" } else { "0" }.to_owned();
        let mut variables = vec![
            (TRANSPORT, self.transport.to_string()),
            (OVERSUBSCRIBE, switch(self.oversubscribe)),
            (PREFIX, switch(self.prefix)),
        ];
        variables.extend(self.layout.as_ref().map(|layout| (LAYOUT, layout.to_string())));
        variables.extend(self.bind.as_ref().map(|bind| (BIND, bind.short_name().to_owned())));
        variables.extend(self.tcp_port.map(|port| (TCP_PORT, port.to_string())));
        variables.extend(self.processes_max.map(|most| (PROCESSES, most.to_string())));
        variables
    }

    fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, OptionError> {
        let variables = Variables { lookup };
        Ok(Options {
            layout: variables.read(LAYOUT, str::parse)?,
            transport: variables.read(TRANSPORT, str::parse)?.unwrap_or_default(),
            bind: variables.read(BIND, str::parse)?,
            oversubscribe: variables.read(OVERSUBSCRIBE, switch)?.unwrap_or(false),
            tcp_port: variables.read(TCP_PORT, port)?,
            processes_max: variables.read(PROCESSES, processes)?,
            prefix: variables.read(PREFIX, switch)?.unwrap_or(false),
        })
    }
}

/// The rank that the launcher gave this process, if it is a node that a launcher started.
pub(super) fn node_rank() -> Result<Option<u32>, OptionError> {
    let variables = Variables { lookup: |name: &str| std::env::var_os(name) };
    variables.read(NODE, |value| value.parse().map_err(|_| "only the launcher sets it, to a rank; it must be unset"))
}

/// The limit of processes that the launcher handed on, or the environment asks for.
pub(super) fn processes_max() -> Result<Option<u32>, OptionError> {
    let variables = Variables { lookup: |name: &str| std::env::var_os(name) };
    variables.read(PROCESSES, processes)
}

/// A variable of the environment has a value that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={value}: {reason}")]
pub struct OptionError {
    /// The variable's name.
    pub variable: &'static str,
    /// Its value.
    pub value: String,
    /// Why not, and what would be right.
    pub reason: String,
}

struct Variables<L> {
    lookup: L,
}

impl<L: Fn(&str) -> Option<OsString>> Variables<L> {
    /// The value of a variable as `parse` understands it; `None` when it is unset.
    fn read<T, E: fmt::Display>(
        &self,
        variable: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, OptionError> {
        let Some(value) = (self.lookup)(variable) else { return Ok(None) };
        let value = value.to_string_lossy();
        match parse(&value) {
            Ok(understood) => Ok(Some(understood)),
            Err(reason) => Err(OptionError { variable, reason: reason.to_string(), value: value.into_owned() }),
        }
    }
}

fn switch(word: &str) -> Result<bool, &'static str> {
    match word {
        "1" => Ok(true),
        "0" => Ok(false),
        _ => Err("a switch is 1 or 0"),
    }
}

fn port(digits: &str) -> Result<u16, &'static str> {
    match digits.parse() {
        Ok(0) | Err(_) => Err("a port is a number from 1 to 65535"),
        Ok(port) => Ok(port),
    }
}

fn processes(digits: &str) -> Result<u32, &'static str> {
    match digits.parse() {
        Ok(most @ 64..=16_000_000) => Ok(most),
        _ => Err("a limit of processes is a number from 64 to 16000000"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Options, OptionError> {
        Options::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(*value)))
    }

    #[test]
    fn an_empty_environment_asks_for_nothing() {
        assert_eq!(read(&[]), Ok(Options::default()));
    }

    #[test]
    fn options_read_back_from_the_environment_they_write() {
        let options = Options {
            layout: Some("2x4".parse().unwrap()),
            transport: Transport::Tcp,
            bind: Some("tnnps".parse().unwrap()),
            oversubscribe: true,
            tcp_port: Some(4000),
            processes_max: Some(1000),
            prefix: true,
        };
        for options in [options, Options::default()] {
            let variables = options.to_env();
            let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(read(&variables), Ok(options));
        }
    }

    #[test]
    fn a_bad_value_is_named_together_with_its_variable_and_what_would_be_right() {
        let table = [
            (LAYOUT, "banana", "1x8, 8x1, 2x4, or numa, or l3"),
            (LAYOUT, "0x4", "the least is 1x1"),
            (LAYOUT, "4x0", "the least is 1x1"),
            (LAYOUT, "9999x1", "more than 256 nodes"),
            (LAYOUT, "", "numa"),
            (TRANSPORT, "udp", "one of shm, unix and tcp"),
            (BIND, "sideways", "tnnps"),
            (OVERSUBSCRIBE, "yes", "1 or 0"),
            (TCP_PORT, "0", "from 1 to 65535"),
            (TCP_PORT, "65536", "from 1 to 65535"),
            (TCP_PORT, "http", "from 1 to 65535"),
            (PREFIX, "2", "1 or 0"),
            (PROCESSES, "63", "from 64 to 16000000"),
        ];
        for (variable, value, right) in table {
            let message = read(&[(variable, value)]).unwrap_err().to_string();
            assert!(message.starts_with(&format!("{variable}={value}: ")) && message.contains(right), "{message}");
        }
    }

    #[test]
    fn a_value_that_is_no_text_is_shown_as_well_as_can_be() {
        use std::os::unix::ffi::OsStringExt;
        let lookup = |name: &str| (name == TRANSPORT).then(|| OsString::from_vec(vec![b's', 0xff]));
        assert_eq!(Options::read(lookup).unwrap_err().value, "s\u{fffd}");
    }
}

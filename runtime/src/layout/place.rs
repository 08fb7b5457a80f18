//! Place: where this OS process stands in the layout, as plain data.
//!
//! Serves everything above: the runtime reads from it which schedulers it runs and on which CPUs, which other nodes
//! exist and under which names, and how they are reached. It is the same in every node but for `rank` and `notes`.
//! It does not start, connect or pin anything.
//!
//! A node's id is drawn anew by the launcher at each start:
//!
//! ```text
//! | 63                    32 | 31                     0 |
//! |   fnv-1a of the name     |  incarnation, never zero |
//! ```
//!
//! so that two nodes of one name (yesterday's and today's) never share an id, and an id can be told from "none".
//! An id drawn by each node for itself was set aside: every node would have to ask all others before it could name them.

use std::fmt;
use std::ops::Range;

use holm_transport::{NoRandomness, Secret, nonce};
use serde::{Deserialize, Serialize};

use super::binding::Binding;

/// Bytes kept of the program's and the host's name in a node's name.
const NAME_PART_LEN_MAX: usize = 64;

/// The road between two nodes of one layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Transport {
    /// Rings in shared memory; a Unix socket carries doorbells and tells of the peer's end.
    #[default]
    SharedMemory,
    /// A pair of Unix sockets.
    Unix,
    /// TCP over the loopback address.
    Tcp,
}

impl Transport {
    /// The word that `HOLM_TRANSPORT` uses for it.
    pub fn word(self) -> &'static str {
        match self {
            Transport::SharedMemory => "shm",
            Transport::Unix => "unix",
            Transport::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl std::str::FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(word: &str) -> Result<Self, UnknownTransport> {
        [Transport::SharedMemory, Transport::Unix, Transport::Tcp]
            .into_iter()
            .find(|transport| transport.word() == word)
            .ok_or(UnknownTransport)
    }
}

/// A transport's name was none of `shm`, `unix` and `tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transport is one of shm, unix and tcp")]
pub struct UnknownTransport;

/// One node of the layout, as all nodes know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodePlace {
    /// Its number in the layout; node 0 is the launcher.
    pub rank: u32,
    /// `PROGRAM-RANK@HOST`.
    pub name: String,
    /// Hash of the name and random incarnation; drawn at each start, never 0.
    pub id: u64,
    /// The schedulers it runs, numbered over the whole layout.
    pub schedulers: Range<u32>,
    /// For each of these schedulers the CPU that it is to be pinned to, or `None` when it is not to be pinned.
    pub cpus: Vec<Option<u32>>,
    /// For each of these schedulers the NUMA node that it is planned on, or `None` when it may be on any.
    pub numa_nodes: Vec<Option<u32>>,
    /// For each of these schedulers why it is there, in one clause.
    pub why: Vec<String>,
}

/// Where this OS process stands.
#[derive(Debug, Clone)]
pub struct Place {
    /// Which of `nodes` this process is.
    pub rank: u32,
    /// All nodes of the layout, by rank.
    pub nodes: Vec<NodePlace>,
    /// How they are connected.
    pub transport: Transport,
    /// The key of their handshakes, drawn for this start; wiped when dropped and never printed.
    pub secret: Secret,
    /// Whether and how schedulers are to be pinned.
    pub binding: Binding,
    /// How many processes and tasks this node may have at once, if that was asked for.
    pub processes_max: Option<u32>,
    /// What a user should know about this start though it is no error, one sentence each.
    pub notes: Vec<String>,
}

impl Place {
    /// This node.
    pub fn node(&self) -> &NodePlace {
        &self.nodes[self.rank as usize]
    }

    /// How many schedulers the whole layout has.
    pub fn schedulers(&self) -> u32 {
        self.nodes.last().map_or(0, |node| node.schedulers.end)
    }

    /// The node that runs scheduler `scheduler`, or `None` when the layout has no such scheduler.
    pub fn node_of_scheduler(&self, scheduler: u32) -> Option<&NodePlace> {
        self.nodes.iter().find(|node| node.schedulers.contains(&scheduler))
    }
}

/// The name of node `rank` of `program` on `host`; what would confuse a reader of names becomes `_`.
pub(super) fn node_name(program: &str, rank: u32, host: &str) -> String {
    format!("{}-{rank}@{}", plain(program), plain(host))
}

fn plain(part: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let plain: String = part.chars().take(NAME_PART_LEN_MAX).map(|c| if allowed(c) { c } else { '_' }).collect();
    if plain.is_empty() { "holm".to_owned() } else { plain }
}

/// A fresh id for a node of this name, by the drawing above.
pub(super) fn draw_id(name: &str) -> Result<u64, NoRandomness> {
    loop {
        let [a, b, c, d, ..] = nonce()?;
        let incarnation = u32::from_ne_bytes([a, b, c, d]);
        if incarnation != 0 {
            return Ok(u64::from(fnv1a(name.as_bytes())) << 32 | u64::from(incarnation));
        }
    }
}

/// FNV-1a over 32 bits (Fowler, Noll, Vo): stable over builds and machines, which std's hasher does not promise.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_agrees_with_its_published_values() {
        assert_eq!(fnv1a(b""), 0x811c_9dc5);
        assert_eq!(fnv1a(b"a"), 0xe40c_292c);
        assert_eq!(fnv1a(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn an_id_keeps_the_name_and_draws_its_incarnation_anew() {
        let (first, second) = (draw_id("app-1@host").unwrap(), draw_id("app-1@host").unwrap());
        assert_eq!(first >> 32, second >> 32);
        assert_ne!(first as u32, 0);
        assert_ne!(first, second, "two draws of 32 random bits agree once in four thousand million runs");
    }

    #[test]
    fn names_stay_readable_whatever_the_program_is_called() {
        assert_eq!(node_name("echo", 3, "ship"), "echo-3@ship");
        assert_eq!(node_name("a b\n@", 0, ""), "a_b__-0@holm");
        assert_eq!(node_name(&"x".repeat(1000), 0, "h").len(), NAME_PART_LEN_MAX + "-0@h".len());
    }

    #[test]
    fn every_transport_reads_back_from_its_word() {
        for transport in [Transport::SharedMemory, Transport::Unix, Transport::Tcp] {
            assert_eq!(transport.to_string().parse(), Ok(transport));
        }
        assert_eq!("udp".parse::<Transport>(), Err(UnknownTransport));
    }
}

//! Who the two ends of a session say they are.
//!
//! A name for people and a number for programs. The number is opaque here; its owner puts the node's incarnation into it,
//! so that a restarted node is somebody else. Names come from strangers before any proof: they are bounded, checked once
//! at the border, and never stored in a table of this crate.

use std::fmt;

/// The longest node name, in bytes.
pub const NODE_NAME_LEN_MAX: usize = 255;

/// A node's name: 1 to 255 bytes of text without control characters.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName(Box<str>);

/// Why a text is not a node name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// The text is empty or too long.
    #[error("a node name of {0} bytes is outside 1..=255")]
    Length(usize),
    /// The text holds a control character, which a terminal could act on.
    #[error("a node name holds the control character {0:?}; only printable text is allowed")]
    Control(char),
    /// The bytes are not text.
    #[error("a node name is not UTF-8 text")]
    NotText,
}

impl NodeName {
    /// The name with this text.
    ///
    /// # Errors
    /// When the text is empty, longer than 255 bytes, or holds a control character.
    pub fn new(text: &str) -> Result<NodeName, BadName> {
        if text.is_empty() || text.len() > NODE_NAME_LEN_MAX {
            return Err(BadName::Length(text.len()));
        }
        match text.chars().find(|character| character.is_control()) {
            Some(character) => Err(BadName::Control(character)),
            None => Ok(NodeName(text.into())),
        }
    }

    /// The name in these bytes, as they came from a peer.
    pub(crate) fn from_wire(bytes: &[u8]) -> Result<NodeName, BadName> {
        NodeName::new(std::str::from_utf8(bytes).map_err(|_| BadName::NotText)?)
    }

    /// The text of this name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}", &*self.0)
    }
}

/// A node as its peers see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The node's name.
    pub name: NodeName,
    /// The node's number, with its incarnation in it.
    pub node: u64,
}

/// Which end of a session this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that connected and speaks first.
    Initiator,
    /// The end that was connected to.
    Acceptor,
}

impl Role {
    /// The other end's role.
    #[must_use]
    pub const fn other(self) -> Role {
        match self {
            Role::Initiator => Role::Acceptor,
            Role::Acceptor => Role::Initiator,
        }
    }

    /// This role as a byte of a Hello and of a proof.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Role::Initiator => 1,
            Role::Acceptor => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_1_and_255_bytes_are_taken_and_0_and_256_are_not() {
        assert!(NodeName::new("a").is_ok());
        assert!(NodeName::new(&"a".repeat(255)).is_ok());
        assert_eq!(NodeName::new(""), Err(BadName::Length(0)));
        assert_eq!(NodeName::new(&"a".repeat(256)), Err(BadName::Length(256)));
    }

    #[test]
    fn a_name_cannot_carry_an_escape_sequence_or_bytes_that_are_not_text() {
        assert_eq!(NodeName::new("a\u{1b}[2J"), Err(BadName::Control('\u{1b}')));
        assert_eq!(NodeName::from_wire(&[0xff, 0xfe]), Err(BadName::NotText));
    }
}

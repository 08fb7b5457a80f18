//! What is to be said about a case beside its result: why it has no test, or what its test leaves out.
//!
//! One line each, `- L-17: two nodes of one layout do not find each other again`. Prose is allowed around them.

use super::catalogue::is_number;
use anyhow::{Result, ensure};
use std::collections::BTreeMap;

/// Remarks by number.
#[derive(Debug, Default)]
pub(super) struct Remarks(pub(super) BTreeMap<String, String>);

impl Remarks {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut remarks = BTreeMap::new();
        for line in text.lines().filter_map(|line| line.strip_prefix("- ")) {
            let (number, remark) = line.split_once(": ").unwrap_or((line, ""));
            ensure!(is_number(number) && !remark.is_empty(), "a remark is like `- L-17: why`, not {line:?}");
            let before = remarks.insert(number.to_owned(), remark.to_owned());
            ensure!(before.is_none(), "there are two remarks on {number}");
        }
        Ok(Remarks(remarks))
    }

    pub(super) fn on(&self, number: &str) -> Option<&str> {
        self.0.get(number).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_has_a_number_and_words() {
        let remarks = Remarks::parse("# Remarks\n\n- L-17: no way yet: later\n").unwrap();
        assert_eq!(remarks.on("L-17"), Some("no way yet: later"));
        assert_eq!(remarks.on("L-18"), None);
        for wrong in ["- L-17", "- L-17: ", "- about L: x", "- L-17: x\n- L-17: y"] {
            assert!(Remarks::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

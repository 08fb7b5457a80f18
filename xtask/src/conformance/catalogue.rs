//! The promises: a file of families and, in each, one promise a line.
//!
//! ```text
//! ## L — links
//! - L-09* given A links and B unlinks at the same time, 100,000 rounds, then …
//! ```
//!
//! A star asks for every placement of the two parties; `(later work)` behind a family's title says that nobody is to
//! wonder yet why its cases have no tests.

use anyhow::{Result, bail, ensure};
use std::collections::BTreeSet;

/// Behind the title of a family that is not worked on yet.
const LATER: &str = " (later work)";

/// All promises.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) families: Vec<Family>,
}

/// Promises about one thing.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) letter: String,
    pub(super) title: String,
    pub(super) later: bool,
    pub(super) cases: Vec<Case>,
}

/// One promise.
#[derive(Debug)]
pub(super) struct Case {
    /// As in `L-09`.
    pub(super) number: String,
    /// It is to hold wherever the two parties are.
    pub(super) everywhere: bool,
    pub(super) sentence: String,
}

impl Catalogue {
    /// # Errors
    ///
    /// If a line looks like a case and is none, a number comes twice, or a case stands under another family's title.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut families: Vec<Family> = Vec::new();
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            if let Some(title) = line.strip_prefix("## ") {
                families.push(Family::parse(title)?);
            } else if let Some(line) = line.strip_prefix("- ") {
                let case = Case::parse(line)?;
                ensure!(seen.insert(case.number.clone()), "the catalogue has {} twice", case.number);
                match families.last_mut() {
                    Some(family) if case.number.starts_with(&family.letter) => family.cases.push(case),
                    _ => bail!("{} does not stand under its family's title", case.number),
                }
            }
        }
        ensure!(!families.is_empty(), "the catalogue has no family: a line like `## L — links`");
        Ok(Catalogue { families })
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.families.iter().flat_map(|family| &family.cases)
    }

    pub(super) fn knows(&self, number: &str) -> bool {
        self.cases().any(|case| case.number == number)
    }
}

impl Family {
    fn parse(title: &str) -> Result<Self> {
        let Some((letter, title)) = title.split_once(" — ") else {
            bail!("a family's title is like `L — links`, not {title:?}")
        };
        let later = title.ends_with(LATER);
        let title = title.trim_end_matches(LATER).to_owned();
        Ok(Family { letter: letter.to_owned(), title, later, cases: Vec::new() })
    }
}

impl Case {
    fn parse(line: &str) -> Result<Self> {
        let (number, sentence) = line.split_once(' ').unwrap_or((line, ""));
        let everywhere = number.ends_with('*');
        let number = number.trim_end_matches('*').to_owned();
        ensure!(is_number(&number) && !sentence.is_empty(), "a case is like `L-09* given …, then …`, not {line:?}");
        Ok(Case { number, everywhere, sentence: sentence.to_owned() })
    }
}

/// Whether it is like `L-09`.
pub(super) fn is_number(text: &str) -> bool {
    matches!(text.as_bytes(), [b'A'..=b'Z', b'-', b'0'..=b'9', b'0'..=b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalogue_is_families_of_starred_and_plain_cases() {
        let catalogue =
            Catalogue::parse("words\n## L — links\n- L-01* given a, then b.\n## D — far (later work)\n- D-02 c")
                .unwrap();
        let [links, far] = &catalogue.families[..] else { panic!("two families: {catalogue:?}") };
        assert_eq!((links.letter.as_str(), links.title.as_str(), links.later), ("L", "links", false));
        assert_eq!((far.title.as_str(), far.later), ("far", true));
        assert!(links.cases[0].everywhere && !far.cases[0].everywhere);
        assert_eq!(links.cases[0].sentence, "given a, then b.");
        assert!(catalogue.knows("D-02") && !catalogue.knows("D-01"));
    }

    #[test]
    fn what_looks_like_a_case_must_be_one() {
        for (text, fault) in [
            ("## L — links\n- L-1 x", "a case is like"),
            ("## L — links\n- L-01", "a case is like"),
            ("## L — links\n- L-01 x\n- L-01* y", "twice"),
            ("## L — links\n- M-01 x", "its family"),
            ("- L-01 x", "its family"),
            ("## links\n", "title is like"),
            ("", "no family"),
        ] {
            let error = Catalogue::parse(text).unwrap_err().to_string();
            assert!(error.contains(fault), "{text:?}: {error}");
        }
    }
}

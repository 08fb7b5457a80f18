//! Finds the tests of the catalogue in the sources, by their names.
//!
//! A test belongs to case L-09 if it is called `l_09_…`. There are two kinds. A function under `#[test]` is a test by
//! itself. A name in a `cases!` list of the harness (`runtime/tests/harness`) is a test in each of the list's placements;
//! the lists of one invocation are named `in_every_placement:`, `on_one_node:`, `on_two_nodes_alone:` and, for the long
//! forms of cases that stand in one of the others, `in_full:`.
//!
//! This reads lines, not syntax: rustfmt keeps the sources in a form for which that is enough, and the results of a run
//! say so at once if a name was found that no executable knows.

use anyhow::{Context, Result};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Folders that hold no tests of the catalogue: what is built, and this package, whose sources quote some.
const SKIPPED: [&str; 2] = ["target", "xtask"];

/// Where a test puts its parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// In every placement of the harness.
    Everywhere,
    /// In the placements within one node.
    OneNode,
    /// On two nodes, over each kind of road.
    TwoNodes,
    /// Wherever the test itself says.
    ItsOwn,
}

/// A test of a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Test {
    /// As in `L-09`.
    pub(super) number: String,
    /// The function's.
    pub(super) name: String,
    /// From the workspace's folder.
    pub(super) file: String,
    /// The package's folder, from the workspace's.
    pub(super) folder: PathBuf,
    pub(super) package: String,
    pub(super) reach: Reach,
    /// It runs only when it is asked for, with the catalogue's full counts.
    pub(super) long: bool,
}

/// All tests that bear a number.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) tests: Vec<Test>,
}

#[derive(Clone, Debug, PartialEq)]
struct Found {
    name: String,
    reach: Reach,
    long: bool,
}

impl Survey {
    /// Looks through the sources of all packages.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let mut tests = Vec::new();
        let is_package = |path: &PathBuf| path.join("Cargo.toml").is_file() && !is_skipped(path);
        for folder in sorted(root)?.into_iter().filter(is_package) {
            let package = package_name(&folder)?;
            let mut files = Vec::new();
            collect_sources(&folder, &mut files)?;
            for file in files {
                let text = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
                let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
                tests.extend(in_source(&text).into_iter().filter_map(|found| {
                    let number = number_of(&found.name)?;
                    let Found { name, reach, long } = found;
                    let (file, folder) = (relative(&file).display().to_string(), relative(&folder));
                    Some(Test { number, name, file, folder, package: package.clone(), reach, long })
                }));
            }
        }
        tests.sort();
        Ok(Survey { tests })
    }

    pub(super) fn of_case<'a>(&'a self, number: &'a str) -> impl Iterator<Item = &'a Test> {
        self.tests.iter().filter(move |test| test.number == number)
    }
}

/// The number that a name bears: `l_09_both_agree` → `L-09`.
fn number_of(name: &str) -> Option<String> {
    match name.as_bytes() {
        [letter @ b'a'..=b'z', b'_', b'0'..=b'9', b'0'..=b'9', b'_', ..] => {
            Some(format!("{}-{}", letter.to_ascii_uppercase() as char, &name[2..4]))
        }
        _ => None,
    }
}

#[derive(Debug, PartialEq)]
enum State {
    /// Outside of what matters.
    Code,
    /// Below `#[test]`.
    Attributes { long: bool },
    /// In a `cases!` list.
    Cases { reach: Option<Reach>, long: bool },
}

/// The tests in the text of a source file.
fn in_source(text: &str) -> Vec<Found> {
    let (mut found, mut state) = (Vec::new(), State::Code);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        state = match state {
            State::Code if line == "#[test]" => State::Attributes { long: false },
            State::Code if line.starts_with("cases! {") || line.ends_with("::cases! {") => {
                State::Cases { reach: None, long: false }
            }
            State::Attributes { long } if line.starts_with("#[") => {
                State::Attributes { long: long || line.starts_with("#[ignore") }
            }
            State::Attributes { long } => {
                found.extend(function(line).map(|name| Found { name, reach: Reach::ItsOwn, long }));
                State::Code
            }
            State::Cases { .. } if line.starts_with('}') => State::Code,
            State::Cases { reach, long } => listed(line, reach, long, &mut found),
            State::Code => State::Code,
        };
    }
    // A case in the long list stands in another, too: it is the same test with other counts.
    let reaches: Vec<Found> = found.iter().filter(|found| !found.long).cloned().collect();
    for long in found.iter_mut().filter(|found| found.long) {
        if let Some(short) = reaches.iter().find(|short| short.name == long.name) {
            long.reach = short.reach;
        }
    }
    found
}

/// A line of a `cases!` invocation: a list's name, names of cases, or both.
fn listed(line: &str, mut reach: Option<Reach>, mut long: bool, found: &mut Vec<Found>) -> State {
    for word in line.split([',', ';', ' ']).filter(|word| !word.is_empty()) {
        match (word, reach) {
            ("in_every_placement:", _) => (reach, long) = (Some(Reach::Everywhere), false),
            ("on_one_node:", _) => (reach, long) = (Some(Reach::OneNode), false),
            ("on_two_nodes_alone:", _) => (reach, long) = (Some(Reach::TwoNodes), false),
            ("in_full:", _) => (reach, long) = (Some(Reach::ItsOwn), true),
            (name, Some(reach)) => found.push(Found { name: name.to_owned(), reach, long }),
            (_, None) => {}
        }
    }
    State::Cases { reach, long }
}

/// The name of the function that a line begins.
fn function(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("fn ")?;
    let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let paths: BTreeSet<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    Ok(paths.into_iter().collect())
}

fn is_skipped(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped))
}

fn collect_sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for path in sorted(folder)? {
        if path.is_dir() {
            if !is_skipped(&path) {
                collect_sources(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The name in a package's manifest: the first `name = "…"`, as in every manifest of ours.
fn package_name(folder: &Path) -> Result<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    Ok(name.with_context(|| format!("{} has no name in its manifest", folder.display()))?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
//! harness::cases! {
//!     in_every_placement: p_98_in_a_comment;
//! }
cases! {
    in_every_placement:
        p_01_one,
        p_02_two;
    on_one_node: p_03_three, without_a_number;
    on_two_nodes_alone: p_04_four;
    in_full:
        p_02_two;
}

async fn p_01_one() {}

#[test]
#[ignore = "an hour"]
fn h_06_many() {}

    #[test]
    fn d_09_plain() {}

fn p_97_no_test() {}
"#;

    #[test]
    fn tests_are_found_with_their_placements() {
        let found: Vec<_> = in_source(SOURCE).into_iter().map(|found| (found.name, found.reach, found.long)).collect();
        let expected = [
            ("p_01_one", Reach::Everywhere, false),
            ("p_02_two", Reach::Everywhere, false),
            ("p_03_three", Reach::OneNode, false),
            ("without_a_number", Reach::OneNode, false),
            ("p_04_four", Reach::TwoNodes, false),
            ("p_02_two", Reach::Everywhere, true),
            ("h_06_many", Reach::ItsOwn, true),
            ("d_09_plain", Reach::ItsOwn, false),
        ];
        assert_eq!(found, expected.map(|(name, reach, long)| (name.to_owned(), reach, long)));
    }

    #[test]
    fn a_number_is_read_from_the_beginning_of_a_name() {
        assert_eq!(number_of("l_09_both_agree").as_deref(), Some("L-09"));
        for name in ["l_9_x", "l_09", "ll_09_x", "the_l_09_x", "09_x"] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }
}

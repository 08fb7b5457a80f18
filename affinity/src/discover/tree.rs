//! A root directory below which `/sys` and `/proc` are read.
//!
//! Everything in there is a short text with one number, one list or a few lines. A file that is missing, unreadable
//! or nonsense is `None`: the callers decide what that means.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::CpuSet;

pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    pub(crate) fn new(root: &Path) -> Tree {
        Tree { root: root.to_owned() }
    }

    /// The real path of `path`, which may start with a slash or not.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The text of a file without the white space around it.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        Some(std::fs::read_to_string(self.path(path)).ok()?.trim().to_owned())
    }

    pub(crate) fn number<N: FromStr>(&self, path: &str) -> Option<N> {
        self.text(path)?.parse().ok()
    }

    pub(crate) fn cpus(&self, path: &str) -> Option<CpuSet> {
        self.text(path)?.parse().ok()
    }

    /// The first of several files that holds a list of CPUs: the kernel renamed some over time.
    pub(crate) fn cpus_of_any(&self, paths: &[String]) -> Option<CpuSet> {
        paths.iter().find_map(|path| self.cpus(path)).filter(|cpus| !cpus.is_empty())
    }
}

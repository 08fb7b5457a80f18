//! Captured machines: a text of lines `path = content`, unpacked below a temporary directory.
//!
//! `\n` in a content is a line end. Lines that start with `#` say where the capture came from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use holm_affinity::Machine;

/// A directory that looks like the root of another machine; removed when dropped.
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// An empty root.
    pub fn new() -> Tree {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("holm-affinity-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let root = std::env::temp_dir().join(name);
        fs::create_dir_all(&root).expect("the temporary directory can be written");
        Tree { root }
    }

    /// A root unpacked from `tests/data/<name>.tree`.
    pub fn captured(name: &str) -> Tree {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(format!("{name}.tree"));
        Tree::new().with(&fs::read_to_string(file).expect("the captured machine is there"))
    }

    /// Adds or replaces the files of a text of lines `path = content`.
    pub fn with(self, text: &str) -> Tree {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (path, content) = line.split_once(" =").expect("a line is: path = content");
            let path = self.root.join(path);
            fs::create_dir_all(path.parent().expect("a file lies in a directory")).expect("can be written");
            fs::write(path, format!("{}\n", content.trim().replace("\\n", "\n"))).expect("can be written");
        }
        self
    }

    /// Removes a file or directory.
    pub fn without(self, path: &str) -> Tree {
        let path = self.root.join(path);
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.expect("was there");
        self
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The machine as the captured files describe it, mask included.
    pub fn machine(&self) -> Machine {
        Machine::discover_under(&self.root, None).expect("the captured machine can be read")
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root); // a left-over directory in /tmp fails no test
    }
}

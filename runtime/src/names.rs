//! The names of one node's processes.
//!
//! A name belongs to one process, a process may have several (BEAM allows one), and a process's names are free before
//! anybody can see that it has ended. Names are never interned: a name that nobody has takes no memory.

use crate::pid::RawPid;
use parking_lot::RwLock;
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

/// Bytes of a name at most.
pub const NAME_LEN_MAX: usize = 255;

/// Why a name was not given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Another process, or the same one, has it.
    #[error("the name {0:?} is taken")]
    Taken(Arc<str>),
    /// Empty, too long, or with control characters.
    #[error("{0:?} is no name: a name has 1 to {NAME_LEN_MAX} bytes and no control characters")]
    Malformed(String),
}

#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<HashMap<Arc<str>, RawPid>>);

impl Names {
    pub(crate) fn register(&self, name: &str, pid: RawPid) -> Result<Arc<str>, NameError> {
        if name.is_empty() || name.len() > NAME_LEN_MAX || name.chars().any(char::is_control) {
            return Err(NameError::Malformed(name.chars().take(NAME_LEN_MAX).collect()));
        }
        let name: Arc<str> = name.into();
        match self.0.write().entry(name.clone()) {
            Entry::Occupied(_) => Err(NameError::Taken(name)),
            Entry::Vacant(vacant) => {
                vacant.insert(pid);
                Ok(name)
            }
        }
    }

    /// Frees the name if it is that process's, or whoever's if none is given.
    pub(crate) fn unregister(&self, name: &str, of: Option<RawPid>) -> bool {
        let mut names = self.0.write();
        match names.get(name) {
            Some(owner) if of.is_none_or(|pid| pid == *owner) => names.remove(name).is_some(),
            _ => false,
        }
    }

    pub(crate) fn whereis(&self, name: &str) -> Option<RawPid> {
        self.0.read().get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pid::NodeId;

    fn pid(slot: u32) -> RawPid {
        RawPid { node: NodeId(1), slot, generation: 0 }
    }

    #[test]
    fn the_first_owner_keeps_a_name() {
        let names = Names::default();
        names.register("printer", pid(1)).unwrap();
        assert_eq!(names.register("printer", pid(2)), Err(NameError::Taken("printer".into())));
        assert!(!names.unregister("printer", Some(pid(2))));
        assert_eq!(names.whereis("printer"), Some(pid(1)));
        assert!(names.unregister("printer", Some(pid(1))));
        assert_eq!(names.whereis("printer"), None);
    }

    #[test]
    fn odd_names_are_refused_and_leave_nothing() {
        let names = Names::default();
        for odd in ["", "a\u{7}b", &"x".repeat(NAME_LEN_MAX + 1)] {
            assert!(matches!(names.register(odd, pid(1)), Err(NameError::Malformed(_))), "{odd:?}");
        }
        assert!(names.0.read().is_empty());
        names.register(&"x".repeat(NAME_LEN_MAX), pid(1)).unwrap();
    }
}

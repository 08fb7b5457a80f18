//! The table of one node's names.
//!
//! A name belongs to one process, a process may have several (BEAM allows one), and a process's names are free before
//! anybody can see that it has ended. Names are never interned: a name that nobody has takes no memory, and a table that
//! was large and is not gives its memory back.

use crate::{
    lock::RwLock,
    pid::{Pid, RawPid},
};
use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    hash::Hash,
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
    /// A name is for a process that lives, on the name's node.
    #[error("{0} is no living process of this node")]
    NoProcess(Pid),
}

/// True if it can be a name.
pub(crate) fn is_well_formed(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_LEN_MAX && !name.chars().any(char::is_control)
}

/// A table is made smaller when it uses less than a quarter of what it has, which is more than this.
const CAPACITY_KEPT: usize = 1024;

fn shrink<K: Eq + Hash, V>(table: &mut HashMap<K, V>) {
    if table.capacity() > CAPACITY_KEPT && table.len() < table.capacity() / 4 {
        table.shrink_to(2 * table.len());
    }
}

#[derive(Debug, Default)]
pub(crate) struct Names(RwLock<Tables>);

/// Both ways; what one says, the other says too.
#[derive(Debug, Default)]
struct Tables {
    owners: HashMap<Arc<str>, RawPid>,
    names: HashMap<RawPid, BTreeSet<Arc<str>>>,
}

impl Tables {
    fn give(&mut self, name: Arc<str>, to: RawPid) {
        self.names.entry(to).or_default().insert(name.clone());
        self.owners.insert(name, to);
    }

    fn take(&mut self, name: &str) -> Option<Arc<str>> {
        let (name, owner) = self.owners.remove_entry(name)?;
        if let Entry::Occupied(mut names) = self.names.entry(owner) {
            names.get_mut().remove(&name);
            if names.get().is_empty() {
                names.remove();
            }
        }
        self.shrink();
        Some(name)
    }

    fn shrink(&mut self) {
        shrink(&mut self.owners);
        shrink(&mut self.names);
    }
}

impl Names {
    pub(crate) fn register(&self, name: &str, pid: RawPid) -> Result<(), NameError> {
        if !is_well_formed(name) {
            return Err(NameError::Malformed(name.chars().take(NAME_LEN_MAX).collect()));
        }
        let mut tables = self.0.write();
        match tables.owners.contains_key(name) {
            true => Err(NameError::Taken(name.into())),
            false => {
                tables.give(name.into(), pid);
                Ok(())
            }
        }
    }

    /// Gives a name to a process that somebody else registers. `tell` leaves word with it, so that the name is free when
    /// it ends; that fails if it has ended, and then the name is taken back. The name is given first: word of a name that
    /// is not there yet would free nothing.
    pub(crate) fn give(&self, name: &str, pid: RawPid, tell: impl FnOnce() -> bool) -> Result<(), NameError> {
        // The planted mistake: the word comes before the name.
        #[cfg(mutant)]
        if !tell() {
            return Err(NameError::NoProcess(Pid::new(pid)));
        }
        self.register(name, pid)?;
        #[cfg(not(mutant))]
        if !tell() {
            self.take_back(name, pid);
            return Err(NameError::NoProcess(Pid::new(pid)));
        }
        Ok(())
    }

    /// Gives a name to another owner in one step; false if it is not the first one's.
    pub(crate) fn hand_over(&self, name: &str, from: RawPid, to: RawPid) -> bool {
        let mut tables = self.0.write();
        if tables.owners.get(name) != Some(&from) {
            return false;
        }
        let name = tables.take(name).expect("somebody has it");
        tables.give(name, to);
        true
    }

    /// Frees the name if it is that owner's.
    pub(crate) fn take_back(&self, name: &str, from: RawPid) -> bool {
        let mut tables = self.0.write();
        tables.owners.get(name) == Some(&from) && tables.take(name).is_some()
    }

    /// Frees the name, whosever it is.
    pub(crate) fn unregister(&self, name: &str) -> bool {
        self.0.write().take(name).is_some()
    }

    /// Frees all names of a process.
    pub(crate) fn release(&self, pid: RawPid) {
        let mut tables = self.0.write();
        for name in tables.names.remove(&pid).unwrap_or_default() {
            tables.owners.remove(&name);
        }
        tables.shrink();
    }

    /// The names of a process.
    pub(crate) fn of(&self, pid: RawPid) -> Vec<String> {
        let tables = self.0.read();
        tables.names.get(&pid).into_iter().flatten().map(ToString::to_string).collect()
    }

    /// The name that a process has, or the first of several.
    pub(crate) fn first_of(&self, pid: RawPid) -> Option<Arc<str>> {
        self.0.read().names.get(&pid)?.first().cloned()
    }

    /// True if both tables say the same.
    #[cfg(test)]
    pub(crate) fn agree(&self) -> bool {
        let tables = self.0.read();
        let owned = tables.names.values().map(BTreeSet::len).sum::<usize>();
        let both =
            |(name, owner): (&Arc<str>, &RawPid)| tables.names.get(owner).is_some_and(|names| names.contains(name));
        owned == tables.owners.len() && tables.owners.iter().all(both)
    }

    pub(crate) fn whereis(&self, name: &str) -> Option<RawPid> {
        self.0.read().owners.get(name).copied()
    }
}

#[cfg(all(test, not(loom)))]
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
        assert!(!names.take_back("printer", pid(2)));
        assert_eq!(names.whereis("printer"), Some(pid(1)));
        assert!(names.unregister("printer"));
        assert_eq!(names.whereis("printer"), None);
    }

    #[test]
    fn odd_names_are_refused_and_leave_nothing() {
        let names = Names::default();
        for odd in ["", "a\u{7}b", &"x".repeat(NAME_LEN_MAX + 1)] {
            assert!(matches!(names.register(odd, pid(1)), Err(NameError::Malformed(_))), "{odd:?}");
        }
        assert!(names.0.read().owners.is_empty() && names.0.read().names.is_empty());
        names.register(&"x".repeat(NAME_LEN_MAX), pid(1)).unwrap();
    }

    /// a million names, one after another.
    #[test]
    fn names_that_come_and_go_take_no_memory() {
        let names = Names::default();
        for number in 0..1_000_000 {
            let name = number.to_string();
            names.register(&name, pid(1)).unwrap();
            assert!(names.unregister(&name));
        }
        assert!(names.0.read().owners.capacity() < CAPACITY_KEPT);
    }

    /// R-10, of names that are all there at once, in one process's hand or in many's.
    #[test]
    fn names_that_were_freed_take_no_memory() {
        for holders in [1, 100_000] {
            let names = Names::default();
            (0..100_000).for_each(|number| names.register(&number.to_string(), pid(number % holders)).unwrap());
            (0..50_000).for_each(|number| assert!(names.unregister(&number.to_string())));
            (0..holders).for_each(|holder| names.release(pid(holder)));
            let tables = names.0.read();
            assert!(tables.owners.is_empty() && tables.names.is_empty());
            assert!(tables.owners.capacity() + tables.names.capacity() <= 4 * CAPACITY_KEPT);
        }
    }

    #[test]
    fn a_name_changes_hands_in_one_step_and_only_its_owner_gives_it() {
        let names = Names::default();
        names.register("printer", pid(1)).unwrap();
        assert!(!names.hand_over("printer", pid(2), pid(3)));
        assert!(names.hand_over("printer", pid(1), pid(3)));
        names.release(pid(1));
        assert_eq!(names.whereis("printer"), Some(pid(3)), "it is no longer the first owner's to free");
        assert!(names.agree());
        names.release(pid(3));
        assert_eq!(names.whereis("printer"), None);
        assert!(names.0.read().owners.is_empty() && names.0.read().names.is_empty());
    }
}

//! One process's aliases, as plain data: through which of them messages still come in.
//!
//! An alias that was made with a monitor has its number, and ends with it. What a message carries is the number's lower
//! half, which fits beside the generation in a letter's label, so that a message without an alias costs nothing. So an
//! alias is told from one that was made exactly a multiple of four thousand million numbers later only by chance, as a
//! pid is from its slot's.

use std::collections::BTreeMap;

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Aliases(BTreeMap<u32, u64>);

impl Aliases {
    /// True if an alias may have this number: it is not nothing, and no other that is active looks like it.
    pub(crate) fn is_free(&self, number: u64) -> bool {
        number as u32 != 0 && !self.0.contains_key(&(number as u32))
    }

    /// Opens an alias; what it is called in letters.
    pub(crate) fn open(&mut self, number: u64) -> u32 {
        debug_assert!(self.is_free(number));
        self.0.insert(number as u32, number);
        number as u32
    }

    /// True if messages come in through it.
    pub(crate) fn is_open(&self, alias: u32) -> bool {
        self.0.contains_key(&alias)
    }

    /// Closes an alias; true if it was open.
    pub(crate) fn close(&mut self, alias: u32) -> bool {
        self.0.remove(&alias).is_some()
    }

    /// Closes the alias that was made with a monitor, if there is one.
    pub(crate) fn close_with(&mut self, monitor: u64) {
        if self.0.get(&(monitor as u32)) == Some(&monitor) {
            self.0.remove(&(monitor as u32));
        }
    }
}

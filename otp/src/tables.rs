//! Tables that one process of the node writes and all its processes read, found by the pid of their writer. They serve
//! what has to be looked up without a message: groups, global names.

use holm::{Message, Pid, Process};
use parking_lot::RwLock;
use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, Weak},
};

static TABLES: RwLock<BTreeMap<Pid, Weak<dyn Any + Send + Sync>>> = RwLock::new(BTreeMap::new());

/// Lists the process's table for as long as the process lives, and clears it then: whoever still has it finds nothing.
pub(crate) fn list<M: Message, T: Send + Sync + 'static>(
    me: &mut Process<M>,
    table: &Arc<RwLock<T>>,
    clear: impl FnOnce(&mut T) + Send + 'static,
) {
    let (pid, weak) = (me.pid().untyped(), Arc::downgrade(table));
    TABLES.write().insert(pid, weak.clone());
    me.on_release(move || {
        TABLES.write().remove(&pid);
        if let Some(table) = weak.upgrade() {
            clear(&mut table.write());
        }
    });
}

/// The table that this process writes, if it lives and has one of this type.
pub(crate) fn find<T: Send + Sync + 'static>(writer: Pid) -> Option<Arc<RwLock<T>>> {
    let table = TABLES.read().get(&writer)?.upgrade()?;
    table.downcast().ok()
}

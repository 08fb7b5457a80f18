//! A registry: processes of one node, found by keys of any type, with a value beside each.
//!
//! ```
//! use holm::Process;
//! use holm_otp::registry::Registry;
//!
//! holm::block_on(async |mut me: Process<String>| {
//!     let rooms: Registry<(u32, &str), String> = Registry::unique();
//!     rooms.register(&mut me, (1, "kitchen"), ()).unwrap();
//!     rooms.whereis(&(1, "kitchen")).unwrap().send("tea!".into()).unwrap();
//!     assert_eq!(me.receive().await, "tea!");
//! })
//! .unwrap();
//! ```
//!
//! After Elixir's `Registry`. A key is *unique*, then one process has it, or *duplicate*, then many may, and one process
//! several times; [`Registry::dispatch`] over a duplicate key is publish and subscribe. A process enters and removes
//! only itself, and its entries are gone before anybody can see that it has ended.
//!
//! A registry is a value that is cloned and handed on, or lives in a `static`; there is no process behind it. Names in
//! the node ([`Process::register`]) are strings, known to other nodes and to everybody; a registry's keys are known to
//! those who have the registry. Groups over all nodes are [`crate::pg`].
//!
//! # How it is kept
//!
//! Entries lie in shards by their key's hash, keys in shards by their owner. Only the owner changes either, in its own
//! turn or in its release, so the two tables need no common lock. Readers share a shard's lock for as long as it takes
//! to clone an [`Arc`], and run their code on the list that they found: no reader waits for another, and what a dispatch
//! calls may use the registry.

use holm::{Message, Pid, Process};
use parking_lot::RwLock;
use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, Hash, RandomState},
    sync::Arc,
};

/// Shards of each table: enough that writers seldom meet.
const SHARDS: usize = 16;

/// A unique key has an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key belongs to {owner}")]
pub struct AlreadyRegistered<M> {
    /// Who has it: another process, or the same one.
    pub owner: Pid<M>,
}

/// The entries under one key, in the order of their registration. A writer copies the list if a reader still has it.
type Entries<M, V> = Arc<Vec<(Pid<M>, V)>>;

struct Shards<K, T> {
    hasher: RandomState,
    tables: [RwLock<HashMap<K, T>>; SHARDS],
}

impl<K: Hash, T> Shards<K, T> {
    fn of(&self, key: &K) -> &RwLock<HashMap<K, T>> {
        &self.tables[self.hasher.hash_one(key) as usize % SHARDS]
    }
}

impl<K, T> Default for Shards<K, T> {
    fn default() -> Self {
        Shards { hasher: RandomState::new(), tables: std::array::from_fn(|_| RwLock::default()) }
    }
}

struct Tables<K, M, V> {
    unique: bool,
    entries: Shards<K, Entries<M, V>>,
    /// Each key as often as it is held. An owner stays, even without keys, until it ends: so it has one release.
    owners: Shards<Pid<M>, Vec<K>>,
}

/// A table of processes by key; see the [module](self). Clones are the same registry.
pub struct Registry<K, M, V = ()>(Arc<Tables<K, M, V>>);

impl<K, M, V> Clone for Registry<K, M, V> {
    fn clone(&self) -> Self {
        Registry(self.0.clone())
    }
}

impl<K, M, V> fmt::Debug for Registry<K, M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("unique", &self.0.unique).finish_non_exhaustive()
    }
}

impl<K, M, V> Registry<K, M, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Message,
    V: Clone + Send + Sync + 'static,
{
    /// A registry in which one process has a key.
    pub fn unique() -> Self {
        Self::new(true)
    }

    /// A registry in which any number of processes have a key.
    pub fn duplicate() -> Self {
        Self::new(false)
    }

    fn new(unique: bool) -> Self {
        Registry(Arc::new(Tables { unique, entries: Shards::default(), owners: Shards::default() }))
    }

    /// Enters this process under a key, with a value.
    ///
    /// # Errors
    ///
    /// If keys are unique, and this one has an owner.
    pub fn register(&self, me: &mut Process<M>, key: K, value: V) -> Result<(), AlreadyRegistered<M>> {
        let pid = me.pid();
        {
            let mut shard = self.0.entries.of(&key).write();
            let entries = shard.entry(key.clone()).or_default();
            match entries.first() {
                Some((owner, _)) if self.0.unique => return Err(AlreadyRegistered { owner: *owner }),
                _ => Arc::make_mut(entries).push((pid, value)),
            }
        }
        let known = {
            let mut owners = self.0.owners.of(&pid).write();
            let known = owners.contains_key(&pid);
            owners.entry(pid).or_default().push(key);
            known
        };
        if !known {
            let tables = Arc::downgrade(&self.0);
            me.on_release(move || {
                if let Some(tables) = tables.upgrade() {
                    tables.release(pid);
                }
            });
        }
        Ok(())
    }

    /// Removes this process's entries under a key, and says how many there were.
    pub fn unregister(&self, me: &Process<M>, key: &K) -> usize {
        let pid = me.pid();
        if let Some(keys) = self.0.owners.of(&pid).write().get_mut(&pid) {
            keys.retain(|held| held != key);
        }
        self.0.remove(pid, key)
    }

    /// Changes the values of this process's entries under a key, and says how many there are.
    pub fn update(&self, me: &Process<M>, key: &K, mut change: impl FnMut(&mut V)) -> usize {
        let pid = me.pid();
        let mut changed = 0;
        if let Some(entries) = self.0.entries.of(key).write().get_mut(key) {
            for (_, value) in Arc::make_mut(entries).iter_mut().filter(|(owner, _)| *owner == pid) {
                change(value);
                changed += 1;
            }
        }
        changed
    }

    /// The process that has a key: the first, if there are several.
    pub fn whereis(&self, key: &K) -> Option<Pid<M>> {
        self.0.entries.of(key).read().get(key)?.first().map(|(pid, _)| *pid)
    }

    /// All processes that have a key, and their values, in the order of their registration.
    pub fn lookup(&self, key: &K) -> Vec<(Pid<M>, V)> {
        self.0.snapshot(key).map_or_else(Vec::new, |entries| entries.to_vec())
    }

    /// Calls a function with each entry under a key, as they are now, and says how many there are.
    ///
    /// ```
    /// use holm::Process;
    /// use holm_otp::registry::Registry;
    ///
    /// holm::block_on(async |mut me: Process<u32>| {
    ///     let topics: Registry<&str, u32, u32> = Registry::duplicate();
    ///     topics.register(&mut me, "prices", 1).unwrap();
    ///     topics.register(&mut me, "prices", 10).unwrap();
    ///     topics.dispatch(&"prices", |subscriber, factor| subscriber.send(7 * factor).unwrap());
    ///     assert_eq!((me.receive().await, me.receive().await), (7, 70));
    /// })
    /// .unwrap();
    /// ```
    pub fn dispatch(&self, key: &K, mut call: impl FnMut(Pid<M>, &V)) -> usize {
        let entries = self.0.snapshot(key).unwrap_or_default();
        entries.iter().for_each(|(pid, value)| call(*pid, value));
        entries.len()
    }

    /// The keys of a process, each as often as it holds it.
    pub fn keys(&self, owner: Pid<M>) -> Vec<K> {
        self.0.owners.of(&owner).read().get(&owner).cloned().unwrap_or_default()
    }

    /// How many entries there are in all: the sum over the shards, one looked at after another.
    pub fn len(&self) -> usize {
        self.0
            .entries
            .tables
            .iter()
            .map(|shard| shard.read().values().map(|entries| entries.len()).sum::<usize>())
            .sum()
    }

    /// True if there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.entries.tables.iter().all(|shard| shard.read().is_empty())
    }
}

impl<K: Hash + Eq, M, V: Clone> Tables<K, M, V> {
    fn snapshot(&self, key: &K) -> Option<Entries<M, V>> {
        self.entries.of(key).read().get(key).cloned()
    }

    /// Removes a process's entries under a key. A key without entries takes no memory.
    fn remove(&self, pid: Pid<M>, key: &K) -> usize {
        let mut shard = self.entries.of(key).write();
        let Some(entries) = shard.get_mut(key) else { return 0 };
        let before = entries.len();
        if entries.iter().any(|(owner, _)| *owner == pid) {
            Arc::make_mut(entries).retain(|(owner, _)| *owner != pid);
        }
        let left = entries.len();
        if left == 0 {
            shard.remove(key);
        }
        before - left
    }

    fn release(&self, pid: Pid<M>) {
        let keys = self.owners.of(&pid).write().remove(&pid).unwrap_or_default();
        for key in keys {
            self.remove(pid, &key);
        }
    }
}

//! The lock of the table of names. It has a file of its own so that a model can put loom's in its place.

pub(crate) use parking_lot::RwLock;

//! What several tests share: captured machines unpacked into directories, and Erlang's notation for machines.

#![allow(dead_code, unreachable_pub)] // every test file uses another part

pub mod sct;
pub mod tree;

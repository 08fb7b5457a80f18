//! A stand-in for the crate `holm`: the few items that expansions name, with nothing behind them.
//!
//! It serves this crate's tests, which must not depend on the runtime that depends on this crate. A test file says
//! `extern crate self as holm;` and takes these items into its root. It starts no process.
#![allow(dead_code, unused_imports, missing_docs, unreachable_pub, clippy::new_without_default, reason = "a stand-in")]

use std::future::Future;
use std::marker::PhantomData;

pub use holm_macros::{Message, entry};
pub use {inventory, serde};

pub trait Message: Sized + Send + 'static {
    const NAME: &'static str;
    const WIRE: Option<Wire<Self>>;
}

pub trait Crosses: Message + serde::Serialize + serde::de::DeserializeOwned {}

#[derive(Debug)]
pub struct Wire<M>(PhantomData<fn() -> M>);

impl<M: Crosses> Wire<M> {
    pub const fn of() -> Self {
        Wire(PhantomData)
    }
}

#[derive(Debug)]
pub struct Process<M>(PhantomData<fn() -> M>);

impl<M> Process<M> {
    pub fn new() -> Self {
        Process(PhantomData)
    }

    pub async fn receive(&mut self) -> Option<M> {
        None
    }
}

pub trait IntoReason {
    fn into_reason(self) -> String;
}

impl IntoReason for () {
    fn into_reason(self) -> String {
        "normal".into()
    }
}

impl IntoReason for Result<(), String> {
    fn into_reason(self) -> String {
        self.err().unwrap_or_else(|| "normal".into())
    }
}

pub trait Entry: Copy + Send + 'static {
    type Message: Message;
    type Argument: serde::Serialize + serde::de::DeserializeOwned + Send + 'static;
    const NAME: &'static str;
    fn body(me: Process<Self::Message>, argument: Self::Argument) -> impl Future<Output: IntoReason> + Send + 'static;
}

#[derive(Debug)]
pub struct EntryPoint {
    pub name: &'static str,
}

impl EntryPoint {
    pub const fn of<E: Entry>() -> Self {
        EntryPoint { name: E::NAME }
    }
}

inventory::collect!(EntryPoint);

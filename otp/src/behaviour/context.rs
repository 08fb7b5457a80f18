//! What a callback is given beside the state: the process that it runs in.

use super::Envelope;
use crate::gen_server::ServerRef;
use holm::{Message, Pid, Process, Timer};
use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

/// The process that a callback runs in, and its parent. All that a [`Process`] can do, it can: monitor, link, trap
/// exits, call others. To receive is left to the behaviour.
#[derive(Debug)]
pub struct Context<M> {
    pub(super) me: Process<Envelope<M>>,
    pub(super) parent: Option<Pid>,
}

impl<M: Message> Context<M> {
    pub(super) fn new(me: Process<Envelope<M>>, parent: Option<Pid>) -> Self {
        Context { me, parent }
    }

    /// How others reach this process.
    pub fn own(&self) -> ServerRef<M> {
        self.me.pid().into()
    }

    /// Whose exit ends this process, if it is anybody's: who started it with a link.
    pub fn parent(&self) -> Option<Pid> {
        self.parent
    }

    /// Sends a message to this process itself when `after` has passed.
    pub fn cast_after(&self, after: Duration, message: M) -> Timer {
        holm::send_after(after, self.me.pid(), Envelope::User(message))
    }
}

impl<M> Deref for Context<M> {
    type Target = Process<Envelope<M>>;

    fn deref(&self) -> &Self::Target {
        &self.me
    }
}

impl<M> DerefMut for Context<M> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.me
    }
}

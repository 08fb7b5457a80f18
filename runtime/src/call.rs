//! Calls: a request with a way to answer it.
//!
//! The way to answer is a value in the request, [`Reply`], which may travel on, to another process or node. It is used
//! up by the answer. If it is dropped instead (the server ended with the request in its mailbox, or forgot about it),
//! the caller learns that at once, and why: so a call needs no monitor, and no time-out to notice a dead server.
//!
//! Answers do not go through the mailbox: they wait in a table of open calls, so that a caller with a full mailbox
//! finds its answer without looking through it, and a late answer finds nothing.
//!
//! [`Process::call`] is all of it in one step. In two steps: [`Process::send_request`] and [`Process::response`], with
//! other work, or other requests, between them.

use crate::{
    bonds::Call,
    dist, mailbox,
    message::Message,
    node::Node,
    pid::{Pid, RawPid},
    process::{Process, within},
    reap,
    reason::Reason,
    reply::Reply,
    send::SendError,
};
use std::{fmt, future::poll_fn, marker::PhantomData, task::Poll, time::Duration};

/// Why a call gave no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The answer did not come in time; if it still comes, it is thrown away.
    #[error("no answer came in time")]
    Timeout,
    /// The request was let go unanswered: its holder ended with this reason, or [`Reason::Normal`] if it only dropped
    /// the request; [`Reason::NoProc`] if there was no such process, [`Reason::NoConnection`] if its node is lost.
    #[error("the request was not answered: {0}")]
    Unanswered(Reason),
    /// A process that calls itself would wait for ever.
    #[error("a process cannot call itself")]
    Itself,
    /// The request could not be sent.
    #[error("the request could not be sent: {0}")]
    Unsent(String),
    /// The answer is of another type than the caller waits for, or cannot be decoded.
    #[error("the answer cannot be read: {0}")]
    Undecodable(String),
}

impl<M: Message> Process<M> {
    /// Sends a request and waits for its answer, up to `limit`; with `None` for as long as it takes.
    ///
    /// ```
    /// use holm::{Message, Process, Reply};
    /// use serde::{Deserialize, Serialize};
    /// use std::time::Duration;
    ///
    /// #[derive(Serialize, Deserialize, Message)]
    /// struct Double(u64, Reply<u64>);
    ///
    /// holm::block_on(async |mut me: Process<()>| {
    ///     let server = me
    ///         .spawn(async |mut me: Process<Double>| {
    ///             let Double(number, reply) = me.receive().await;
    ///             reply.send(2 * number);
    ///         })
    ///         .unwrap();
    ///     let answer = me.call(server, |reply| Double(21, reply), Duration::from_secs(5)).await;
    ///     assert_eq!(answer, Ok(42));
    /// })
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// If the call is dropped, its answer is thrown away when it comes.
    pub async fn call<N: Message, T: Message>(
        &mut self,
        server: Pid<N>,
        request: impl FnOnce(Reply<T>) -> N,
        limit: impl Into<Option<Duration>>,
    ) -> Result<T, CallError> {
        let limit = limit.into();
        if server.raw.marks().makes_wait() {
            return Box::pin(self.call_with_wait(server, request, limit)).await;
        }
        Open::ask(self, server, request)?.end(limit).await
    }

    /// A call to a server whose senders wait for room: that wait is part of the limit.
    async fn call_with_wait<N: Message, T: Message>(
        &mut self,
        server: Pid<N>,
        request: impl FnOnce(Reply<T>) -> N,
        limit: Option<Duration>,
    ) -> Result<T, CallError> {
        let deadline_ns = limit.map(holm_scheduler::deadline_ns);
        let open = Open::begin(self, server.raw)?;
        let request = request(Reply::new(open.caller, open.call, 0));
        let sent = mailbox::request_waiting(open.node, server.raw, request, (open.caller, open.call), limit).await;
        sent.map_err(|error| match error {
            SendError::Full(_) => CallError::Timeout,
            error => CallError::Unsent(error.to_string()),
        })?;
        let now_ns = holm_scheduler::clock::now_ns();
        open.end(deadline_ns.map(|at| Duration::from_nanos(at.saturating_sub(now_ns)))).await
    }

    /// Sends a request, and leaves its answer for [`Process::response`]. So a process can ask many at once.
    ///
    /// ```
    /// use holm::{Process, Reply};
    /// use std::time::Duration;
    ///
    /// #[derive(holm::Message)]
    /// #[message(local)]
    /// struct Double(u64, Reply<u64>);
    ///
    /// holm::block_on(async |mut me: Process<()>| {
    ///     let server = me
    ///         .spawn(async |mut me: Process<Double>| {
    ///             loop {
    ///                 let Double(number, reply) = me.receive().await;
    ///                 reply.send(2 * number);
    ///             }
    ///         })
    ///         .unwrap();
    ///     let requests: Vec<_> =
    ///         (0..3).map(|number| me.send_request(server, |reply| Double(number, reply)).unwrap()).collect();
    ///     for (number, request) in (0..).zip(requests) {
    ///         assert_eq!(me.response(request, Duration::from_secs(5)).await, Ok(2 * number));
    ///     }
    /// })
    /// .unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`CallError::Itself`] and [`CallError::Unsent`].
    pub fn send_request<N: Message, T: Message>(
        &mut self,
        server: Pid<N>,
        request: impl FnOnce(Reply<T>) -> N,
    ) -> Result<Request<T>, CallError> {
        Open::ask(self, server, request).map(Open::leave)
    }

    /// A way to answer for whoever is given it, by whatever road, and the request that waits for it. If a message takes
    /// the reply to another node, the request depends on that node from then on, as any call does.
    pub fn open_call<T: Message>(&mut self) -> (Reply<T>, Request<T>) {
        let state = self.state();
        let (caller, call) = (state.pid, state.number());
        state.begin_call(call, caller.node);
        (Reply::new(caller, call, 0), Request { call, answers: PhantomData })
    }

    /// Waits for the answer to a request, up to `limit`, or without one. Either way the request is over then.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    ///
    /// # Cancel safety
    ///
    /// If the wait is dropped, the answer is thrown away when it comes.
    pub async fn response<T: Message>(
        &mut self,
        request: Request<T>,
        limit: impl Into<Option<Duration>>,
    ) -> Result<T, CallError> {
        Open::resume(self, request).end(limit.into()).await
    }

    /// Gives up a request: its answer is thrown away when it comes.
    pub fn abandon<T: Message>(&mut self, request: Request<T>) {
        drop(Open::resume(self, request));
    }
}

/// A request that was sent and waits for its answer: for [`Process::response`], or [`Process::abandon`]. One that is
/// merely dropped keeps its answer, once that has come, until its process ends.
#[must_use = "a request is for `response`, or `abandon`"]
pub struct Request<T> {
    call: u64,
    answers: PhantomData<fn() -> T>,
}

impl<T> Request<T> {
    /// The request with this number.
    pub(crate) fn new(call: u64) -> Self {
        Request { call, answers: PhantomData }
    }
}

impl<T> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("call", &self.call).finish()
    }
}

/// A call that is open until this is dropped.
struct Open<'a, M: Message> {
    process: &'a mut Process<M>,
    node: &'static Node,
    caller: RawPid,
    call: u64,
}

impl<'a, M: Message> Open<'a, M> {
    fn begin(process: &'a mut Process<M>, server: RawPid) -> Result<Self, CallError> {
        let state = process.state();
        let (node, caller) = (state.node(), state.pid);
        if caller == server {
            return Err(CallError::Itself);
        }
        let call = state.number();
        state.begin_call(call, server.node);
        Ok(Open { process, node, caller, call })
    }

    /// Begins a call by its request.
    fn ask<N: Message, T: Message>(
        process: &'a mut Process<M>,
        server: Pid<N>,
        request: impl FnOnce(Reply<T>) -> N,
    ) -> Result<Self, CallError> {
        let open = Self::begin(process, server.raw)?;
        let request = request(Reply::new(open.caller, open.call, 0));
        open.send(server, request)?;
        Ok(open)
    }

    /// Waits for the call's end.
    async fn end<T: Message>(mut self, limit: Option<Duration>) -> Result<T, CallError> {
        within(limit, self.answer()).await.unwrap_or(Err(CallError::Timeout))
    }

    /// Takes up a call that was left open.
    fn resume<T>(process: &'a mut Process<M>, request: Request<T>) -> Self {
        let state = process.state();
        let (node, caller) = (state.node(), state.pid);
        Open { process, node, caller, call: request.call }
    }

    /// Leaves the call open.
    fn leave<T>(self) -> Request<T> {
        let call = self.call;
        std::mem::forget(self);
        Request { call, answers: PhantomData }
    }

    fn send<N: Message>(&self, server: Pid<N>, request: N) -> Result<(), CallError> {
        let sent = match server.raw.node == self.node.id {
            true => server.send(request),
            false => dist::send_request(self.node, server.raw, request, (self.caller, self.call)),
        };
        sent.map_err(|error: SendError<N>| CallError::Unsent(error.to_string()))
    }

    async fn answer<T: Message>(&mut self) -> Result<T, CallError> {
        let end = poll_fn(|context| {
            if !holm_scheduler::spend(1) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let state = self.process.state();
            loop {
                if state.exit.is_some() {
                    return Poll::Pending; // it ends here
                }
                if let Some(end) = state.bonds().calls.take_settled(self.call) {
                    return Poll::Ready(end);
                }
                if !state.fetch() {
                    return Poll::Pending;
                }
            }
        });
        match end.await {
            Call::Answered(letter) => match letter.into_answer::<T>() {
                Ok(answer) => Ok(answer.value),
                Err(_) => Err(CallError::Undecodable(format!("it is no {}", T::NAME))),
            },
            Call::Encoded { hash, bytes } => match T::WIRE {
                Some(wire) if hash == T::HASH => {
                    (wire.decode)(&bytes).map_err(|error| CallError::Undecodable(error.to_string()))
                }
                _ => Err(CallError::Undecodable(format!("it is no {}", T::NAME))),
            },
            Call::Ended(reason) => Err(CallError::Unanswered(reason)),
        }
    }
}

impl<M: Message> Drop for Open<'_, M> {
    fn drop(&mut self) {
        let is_current = crate::process::current_pid(self.node) == self.caller;
        if is_current && let Some(answer) = self.process.state().bonds().calls.forget(self.call) {
            reap::let_go(answer);
        }
    }
}

//! A server that is one function, for what awaits nothing and needs no other callback.

use super::{Context, GenServer, Next};
use holm::Message;
use std::{any::type_name, fmt, marker::PhantomData};

/// A server made by [`from_fn`].
pub struct FromFn<S, M, F> {
    state: S,
    handle: F,
    messages: PhantomData<fn(M)>,
}

/// A server whose state is a value, and which handles a message by a function that awaits nothing. The function gives
/// what is to be done next, or nothing: then the server waits for the next message.
///
/// ```
/// use holm::{Message, Process, Reply};
/// use holm_otp::gen_server::{self, StartOptions};
/// use std::time::Duration;
///
/// #[derive(Message)]
/// #[message(local)]
/// enum Counter {
///     Add(u64),
///     Read(Reply<u64>),
/// }
///
/// holm::block_on(async |mut me: Process<()>| {
///     let server = gen_server::from_fn(40, |count, message| match message {
///         Counter::Add(more) => *count += more,
///         Counter::Read(reply) => reply.send(*count),
///     });
///     let counter = gen_server::start_link(&mut me, StartOptions::new(), server).await.unwrap();
///     counter.cast(Counter::Add(2)).unwrap();
///     assert_eq!(counter.call(&mut me, Counter::Read, Duration::from_secs(5)).await, Ok(42));
/// })
/// .unwrap();
/// ```
pub fn from_fn<S, M, N, F>(state: S, handle: F) -> FromFn<S, M, F>
where
    S: Send + 'static,
    M: Message,
    N: Into<Next>,
    F: FnMut(&mut S, M) -> N + Send + 'static,
{
    FromFn { state, handle, messages: PhantomData }
}

impl<S, M, N, F> GenServer for FromFn<S, M, F>
where
    S: Send + 'static,
    M: Message,
    N: Into<Next>,
    F: FnMut(&mut S, M) -> N + Send + 'static,
{
    type Message = M;

    async fn handle(&mut self, message: M, _: &mut Context<M>) -> Next {
        (self.handle)(&mut self.state, message).into()
    }
}

impl<S, M, F> fmt::Debug for FromFn<S, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a server with a {}", type_name::<S>())
    }
}

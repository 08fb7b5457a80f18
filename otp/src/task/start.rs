//! How tasks start, linked or not.

use super::{Place, Task};
use holm::{Message, Pid, Process, SpawnError, SpawnOptions};
use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

/// Starts a task that is linked to this process, its owner.
///
/// # Errors
///
/// See [`SpawnError`].
pub fn spawn<M, F>(me: &mut Process<M>, work: F) -> Result<Task<F::Output>, SpawnError>
where
    M: Message,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let value = Place::default();
    let place = value.clone();
    start(me, value, SpawnOptions::new().link(), async move |_: Process<()>| {
        let value = work.await;
        *place.lock() = Some(value);
    })
}

/// Starts a task that ends when this process, its owner, does, but whose own end is no exit signal to it.
///
/// ```
/// use holm::{Process, Reason};
/// use holm_otp::task::{self, TaskError};
///
/// holm::block_on(async |mut me: Process<()>| {
///     let task = task::spawn_nolink(&mut me, async { "x".parse::<u32>().unwrap() }).unwrap();
///     assert!(matches!(task.join(&mut me).await, Err(TaskError::Ended(Reason::Panic(_)))));
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// See [`SpawnError`].
pub fn spawn_nolink<M, F>(me: &mut Process<M>, work: F) -> Result<Task<F::Output>, SpawnError>
where
    M: Message,
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let (value, owner) = (Place::default(), me.pid().untyped());
    let place = value.clone();
    start(me, value, SpawnOptions::new(), async move |mut me: Process<()>| {
        if let Some(value) = while_alive(&mut me, owner, work).await {
            *place.lock() = Some(value);
        }
    })
}

fn start<M, T, Fut>(
    me: &mut Process<M>,
    value: Place<T>,
    options: SpawnOptions,
    body: impl FnOnce(Process<()>) -> Fut,
) -> Result<Task<T>, SpawnError>
where
    M: Message,
    Fut: Future<Output = ()> + Send + 'static,
{
    let spawned = me.spawn_opt(options.monitor(), body)?;
    let monitor = spawned.monitor.expect("a monitor was asked for");
    Ok(Task { owner: me.pid().untyped(), pid: spawned.pid, monitor, value })
}

/// Does the work for as long as another process lives.
async fn while_alive<F: Future>(me: &mut Process<()>, other: Pid, work: F) -> Option<F::Output> {
    let monitor = me.monitor(other);
    let (mut work, mut down) = (pin!(work), pin!(me.down(monitor)));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => down.as_mut().poll(context).map(|_| None),
    })
    .await
}

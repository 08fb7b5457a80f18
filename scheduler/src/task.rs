//! Plain tasks: futures without pid or mailbox, and the handles by which their results are taken.

use crate::{
    behaviour::{Body, Plain},
    blocking::Origin,
    here,
    pool::Pool,
    slot::{BODY_ALIGN, BODY_SIZE, Slot},
    spawn::{self, SpawnError, Spec},
    waker::waker_of,
};
use parking_lot::Mutex;
use std::{
    any::Any,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// Why a task gave no result.
pub enum JoinError {
    /// It was cancelled, by [`JoinHandle::cancel`] or because its runtime stopped.
    Cancelled,
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Cancelled => f.write_str("the task was cancelled"),
            JoinError::Panicked(payload) => write!(f, "the task panicked: {}", panic_text(payload.as_ref())),
        }
    }
}

impl std::error::Error for JoinError {}

/// The text of a panic's payload.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}

/// Calls what may panic, on a thread that must not. The panic has been told by the hook, and goes no further, nor does
/// that of its payload's destructor.
pub fn quietly(call: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call))
        && let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        std::mem::forget(worse); // leaked: the third would be no better
    }
}

struct Cell<T> {
    result: Mutex<Outcome<T>>,
    cancelled: AtomicBool,
    task: Mutex<Option<Waker>>,
}

enum Outcome<T> {
    Awaited(Option<Waker>),
    There(Result<T, JoinError>),
    Taken,
}

impl<T> Cell<T> {
    fn new() -> Arc<Self> {
        Arc::new(Cell {
            result: Mutex::new(Outcome::Awaited(None)),
            cancelled: AtomicBool::new(false),
            task: Mutex::new(None),
        })
    }

    fn put(&self, result: Result<T, JoinError>) {
        let mut slot = self.result.lock();
        if let Outcome::Awaited(waker) = &mut *slot {
            let waker = waker.take();
            *slot = Outcome::There(result);
            drop(slot);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// Waits for a task's result. Dropping it lets the task go on alone.
///
/// # Cancel safety
///
/// Waiting can be dropped and taken up again; the result is given once.
pub struct JoinHandle<T>(Arc<Cell<T>>);

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("finished", &self.is_finished()).finish()
    }
}

impl<T> JoinHandle<T> {
    /// Asks the task to end at its next await; its future is dropped there. A result that is already there stays.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Release);
        let waker = self.0.task.lock().take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// True if the task has ended.
    pub fn is_finished(&self) -> bool {
        !matches!(*self.0.result.lock(), Outcome::Awaited(_))
    }

    /// Blocks this thread until the task has ended; not for use inside a task.
    ///
    /// # Errors
    ///
    /// If the task was cancelled or panicked.
    pub fn wait(mut self) -> Result<T, JoinError> {
        struct Unpark(Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        loop {
            match Pin::new(&mut self).poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread::park(),
            }
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    /// # Panics
    ///
    /// If it is polled again after it gave the result.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.0.result.lock();
        match std::mem::replace(&mut *slot, Outcome::Taken) {
            Outcome::There(result) => Poll::Ready(result),
            Outcome::Taken => panic!("a join handle is polled after it gave its result"),
            Outcome::Awaited(_) => {
                *slot = Outcome::Awaited(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

/// A future whose result, panic or cancellation reaches its handle.
struct Joined<F: Future> {
    future: Option<F>,
    cell: Arc<Cell<F::Output>>,
}

impl<F: Future> Joined<F> {
    /// Tells the handle, if there is no result yet. Its waker, and a result that is not the first, are the user's code.
    fn settle(&self, result: Result<F::Output, JoinError>) {
        quietly(|| self.cell.put(result));
    }

    /// Drops the future, whose destructors may panic.
    fn discard(self: Pin<&mut Self>) -> Result<(), JoinError> {
        // SAFETY: the future is dropped where it lies and not moved.
        let future = unsafe { &mut self.get_unchecked_mut().future };
        catch_unwind(AssertUnwindSafe(|| *future = None)).map_err(JoinError::Panicked)
    }
}

impl<F: Future> Future for Joined<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.cell.cancelled.load(Acquire) {
            let result = self.as_mut().discard().and(Err(JoinError::Cancelled));
            self.settle(result);
            return Poll::Ready(());
        }
        // SAFETY: structural pinning: `future` is never moved.
        let future = unsafe { self.as_mut().map_unchecked_mut(|this| &mut this.future) }.as_pin_mut();
        let polled = future.map(|future| catch_unwind(AssertUnwindSafe(|| future.poll(context))));
        let result = match polled {
            Some(Ok(Poll::Pending)) => return Poll::Pending,
            Some(Ok(Poll::Ready(output))) => match self.as_mut().discard() {
                Ok(()) => Ok(output),
                Err(panicked) => {
                    quietly(|| drop(output));
                    Err(panicked)
                }
            },
            Some(Err(payload)) => {
                quietly(|| drop(self.as_mut().discard())); // the first panic counts
                Err(JoinError::Panicked(payload))
            }
            None => return Poll::Ready(()),
        };
        self.settle(result);
        Poll::Ready(())
    }
}

impl<F: Future> Drop for Joined<F> {
    fn drop(&mut self) {
        // SAFETY: a value that is dropped is not moved any more.
        if let Err(panicked) = unsafe { Pin::new_unchecked(&mut *self) }.discard() {
            self.settle(Err(panicked));
        }
        self.settle(Err(JoinError::Cancelled)); // nothing if there is a result
    }
}

/// Spawns a future as a task of the current scheduler's pool.
///
/// # Errors
///
/// If there is no scheduler here, the limit of tasks is reached, or the pool stops.
pub fn spawn<F>(future: F) -> Result<JoinHandle<F::Output>, SpawnError>
where
    F: Future<Output: Send> + Send + 'static,
{
    spawn_with(Spec::default(), None, future)
}

/// Spawns a future on a pool, from any thread, pinned to a scheduler or not.
///
/// # Errors
///
/// As [`spawn`]; and if there is no such scheduler.
pub fn spawn_on<F>(pool: &Arc<Pool>, pin: Option<usize>, future: F) -> Result<JoinHandle<F::Output>, SpawnError>
where
    F: Future<Output: Send> + Send + 'static,
{
    spawn_with(Spec { pin, ..Spec::default() }, Some(pool), future)
}

fn spawn_with<F>(spec: Spec, pool: Option<&Arc<Pool>>, future: F) -> Result<JoinHandle<F::Output>, SpawnError>
where
    F: Future<Output: Send> + Send + 'static,
{
    let cell = Cell::new();
    let joined = Joined { future: Some(future), cell: cell.clone() };
    let task = match size_of::<Plain<Joined<F>>>() <= BODY_SIZE && align_of::<F>() <= BODY_ALIGN {
        true => spawn_body(spec, pool, Plain(joined)),
        false => spawn_body(spec, pool, Plain(Box::pin(joined))),
    }?;
    *cell.task.lock() = Some(task);
    Ok(JoinHandle(cell))
}

fn spawn_body<F>(spec: Spec, pool: Option<&Arc<Pool>>, body: Plain<F>) -> Result<Waker, SpawnError>
where
    F: Future<Output = ()> + Send + 'static,
    Plain<F>: Body,
{
    // SAFETY: the future is `Send`.
    let id = unsafe { spawn::spawn(spec, pool, |_| body) }?;
    let slot = Slot::at(id.slot).expect("a task that was spawned has a slot");
    Ok(waker_of(slot, id.generation))
}

/// Runs a call that blocks on a thread made for that. A call that began cannot be cancelled.
///
/// # Errors
///
/// Outside a scheduler.
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, SpawnError> {
    struct Waiting<T>(Arc<Cell<T>>);
    impl<T> Drop for Waiting<T> {
        fn drop(&mut self) {
            self.0.put(Err(JoinError::Cancelled)); // nothing if there is a result
        }
    }
    let (pool, _) = here::here().ok_or(SpawnError::NoScheduler)?;
    let origin = Origin { task: here::current().map(|(_, id)| id), location: Location::caller() };
    let waiting = Waiting(Cell::new());
    let handle = JoinHandle(waiting.0.clone());
    let job = move || {
        let result = catch_unwind(AssertUnwindSafe(call)).map_err(JoinError::Panicked);
        quietly(move || {
            waiting.0.put(result);
            drop(waiting); // and with it a result that nobody waits for
        });
    };
    pool.blocking.run(origin, Box::new(job));
    Ok(handle)
}

/// Lets the other tasks of this scheduler go first.
pub fn yield_now() -> impl Future<Output = ()> + Send {
    let mut yielded = false;
    std::future::poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

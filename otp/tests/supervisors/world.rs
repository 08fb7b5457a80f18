//! What the cases are made of: workers that tell of their starts and ends, and do what they are told.

use crate::harness::CASE_LIMIT;
use holm::{Event, Message, Notice, Pid, Process, Reason};
use holm_otp::{
    proc_lib::Starting,
    supervisor::{Child, ChildState, SupervisorRef},
};
use std::{
    fmt,
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

/// What a case hears from its workers.
#[derive(Clone, Debug, PartialEq, Message)]
#[message(local)]
pub(crate) enum Told {
    /// A worker runs.
    Up(&'static str, Pid<Act>),
    /// A worker was told to stop, and does.
    Down(&'static str, Reason),
}

/// What a worker can be told.
#[derive(Clone, Debug, Message)]
#[message(local)]
pub(crate) enum Act {
    End(Reason),
    Panic,
    /// It unlinks its supervisor.
    Unlink(Pid),
    /// It no longer ends when it is asked to stop.
    BeDeaf,
    /// It ends with this reason when it is asked to stop.
    EndOtherwise(Reason),
    /// It sends its supervisor an exit signal, and lives.
    Signal(Pid, Reason),
}

/// What workers say when they panic on purpose.
pub(crate) const ON_PURPOSE: &str = "on purpose";

/// Panics are not printed from now on: workers panic on purpose. A case that fails says why all the same, by its reason.
pub(crate) fn silence_panics() {
    holm::print_reports(false);
}

/// A worker's body: tells that it runs, and works.
pub(crate) async fn work(mut me: Process<Act>, id: &'static str, tell: Pid<Told>) -> Reason {
    me.trap_exits(true);
    tell.send(Told::Up(id, me.pid())).unwrap();
    obey(me, id, tell).await
}

async fn obey(mut me: Process<Act>, id: &'static str, tell: Pid<Told>) -> Reason {
    let mut on_stop = Some(None);
    loop {
        match me.next().await {
            Event::Message(Act::End(reason)) => return reason,
            Event::Message(Act::Panic) => panic!("{ON_PURPOSE}"),
            Event::Message(Act::Unlink(supervisor)) => me.unlink(supervisor),
            Event::Message(Act::BeDeaf) => on_stop = None,
            Event::Message(Act::EndOtherwise(reason)) => on_stop = Some(Some(reason)),
            Event::Message(Act::Signal(to, reason)) => holm::exit(to, reason),
            Event::Notice(Notice::Exit { reason, .. }) => {
                if let Some(otherwise) = on_stop.clone() {
                    let _ = tell.send(Told::Down(id, reason.clone()));
                    return otherwise.unwrap_or(reason);
                }
            }
            Event::Notice(_) => {}
        }
    }
}

/// A worker. It tells that it runs before it is ready, so that the order of starts is seen on any scheduler.
pub(crate) fn worker(me: &Process<Told>, id: &'static str) -> Child<Act> {
    let tell = me.pid();
    Child::acknowledged(id, move |mut me: Process<Act>, starting: Starting| async move {
        me.trap_exits(true);
        tell.send(Told::Up(id, me.pid())).unwrap();
        starting.ready();
        obey(me, id, tell).await
    })
}

/// Waits for the next word of a worker.
pub(crate) async fn told(me: &mut Process<Told>) -> Told {
    loop {
        match me.next_within(CASE_LIMIT).await.expect("a worker tells something") {
            Event::Message(told) => return told,
            Event::Notice(_) => {}
        }
    }
}

/// The next worker to start must be this one.
pub(crate) async fn up(me: &mut Process<Told>, id: &str) -> Pid<Act> {
    match told(me).await {
        Told::Up(who, pid) if who == id => pid,
        other => panic!("{id} was to start, but {other:?}"),
    }
}

/// These workers must start now, in this order.
pub(crate) async fn all_up(me: &mut Process<Told>, ids: &[&str]) -> Vec<Pid<Act>> {
    let mut pids = Vec::new();
    for id in ids {
        pids.push(up(me, id).await);
    }
    pids
}

/// These workers must be stopped now, in this order, with `Shutdown`.
pub(crate) async fn all_down(me: &mut Process<Told>, ids: &[&'static str]) {
    for id in ids {
        assert_eq!(told(me).await, Told::Down(id, Reason::Shutdown));
    }
}

/// Nothing is told.
pub(crate) async fn silence(me: &mut Process<Told>) {
    let told = me.receive_within(crate::harness::QUIET).await;
    assert_eq!(told, None, "nothing was to be told");
}

/// Sends an act, and waits until the worker has ended.
pub(crate) async fn act_and_end(me: &mut Process<Told>, worker: Pid<Act>, act: Act) {
    let monitor = me.monitor(worker);
    worker.send(act).unwrap();
    me.down(monitor).await;
}

/// The state of a child, by its identifier.
pub(crate) async fn state_of(me: &mut Process<Told>, supervisor: SupervisorRef, id: &str) -> Option<ChildState> {
    let children = supervisor.which_children(me).await.unwrap();
    children.into_iter().find(|child| child.id == id).map(|child| child.state)
}

/// Waits until this holds.
macro_rules! until {
    ($holds:expr) => {
        while !$holds {
            holm::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
}
pub(crate) use until;

/// Collects the reports of supervisors from now on.
pub(crate) fn listen() -> Reports {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Subscriber).unwrap());
    REPORTS.lock().unwrap().clear();
    LISTENING.store(true, SeqCst);
    Reports
}

static LISTENING: AtomicBool = AtomicBool::new(false);
static REPORTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// While this lives, reports are collected.
pub(crate) struct Reports;

impl Reports {
    /// True if a report has all of these in its text.
    pub(crate) fn tell(&self, parts: &[&str]) -> bool {
        REPORTS.lock().unwrap().iter().any(|report| parts.iter().all(|part| report.contains(part)))
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        LISTENING.store(false, SeqCst);
    }
}

struct Subscriber;

impl tracing::Subscriber for Subscriber {
    fn register_callsite(&self, _: &'static tracing::Metadata<'static>) -> tracing::subscriber::Interest {
        tracing::subscriber::Interest::sometimes()
    }

    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        LISTENING.load(SeqCst) && metadata.target() == holm_otp::supervisor::TARGET
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
                self.0 += &format!(" {field}={value:?}");
            }
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        REPORTS.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

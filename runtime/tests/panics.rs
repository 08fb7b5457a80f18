//! What is told of a process that panics: its reason, and the report. Cases P-16 to P-18 again, for the richer reason.
//!
//! What is printed is read from programs of their own: `the_program`.

mod harness;

use harness::program::{Outcome, Program, role};
use holm::{PanicReason, Pid, Process, Reason, Runtime};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const GRACE: Duration = Duration::from_secs(20);

#[test]
fn the_program() {
    match role().as_deref() {
        Some("told once") => told_once(),
        Some("not told") => {
            holm::print_reports(false);
            told_once();
        }
        Some("subscriber") => with_a_subscriber(),
        Some("outside") => outside(),
        Some("sore while unwinding") => sore_while_unwinding(),
        _ => {}
    }
}

fn run(role: &str) -> Outcome {
    Program::new(role, "1x1", "shm").run()
}

/// Panics when it is dropped.
struct Sore;

impl Drop for Sore {
    fn drop(&mut self) {
        panic!("a sore destructor");
    }
}

/// The reason with which a body ends; after it, the runtime still works.
fn reason_of<Fut>(body: impl FnOnce(Process<()>) -> Fut) -> Reason
where
    Fut: Future<Output: holm::IntoReason> + Send + 'static,
{
    let runtime = Runtime::new().unwrap();
    let reason = runtime.spawn(body).unwrap().wait();
    assert_eq!(runtime.block_on(async |_: Process<()>| 5).unwrap(), 5, "the schedulers live on");
    runtime.stop(GRACE).unwrap();
    reason
}

fn panic_of<Fut>(body: impl FnOnce(Process<()>) -> Fut) -> Arc<PanicReason>
where
    Fut: Future<Output: holm::IntoReason> + Send + 'static,
{
    match reason_of(body) {
        Reason::Panic(panic) => panic,
        other => panic!("it panicked, and the reason is {other}"),
    }
}

#[test]
fn p_16_a_panic_says_what_where_and_who() {
    let line = line!() + 3;
    let panic = panic_of(async |mut me: Process<()>| {
        me.register("printer").unwrap();
        panic!("out of {}", "paper");
    });
    assert_eq!(panic.message, "out of paper");
    let place = format!("runtime/tests/panics.rs:{line}:");
    assert!(panic.location.as_ref().unwrap().ends_with(&format!("{place}9")), "{panic:?}");
    assert!(panic.process.starts_with("\"printer\" <"), "{panic:?}");
    assert!(panic.to_string().starts_with("panic: out of paper (at "), "{panic}");
}

#[test]
fn p_16_the_child_of_a_child_says_who_it_was() {
    let runtime = Runtime::new().unwrap();
    let reason = runtime.spawn(async |mut me: Process<()>| {
        me.spawn_link(async |mut me: Process<()>| {
            me.spawn_link(async |mut me: Process<()>| {
                me.register("grandchild").unwrap();
                let none: Option<u8> = std::hint::black_box(None);
                none.expect("a number");
            })
            .unwrap();
            me.receive().await;
        })
        .unwrap();
        me.receive().await;
    });
    let Reason::Panic(panic) = reason.unwrap().wait() else { panic!("the links carry it") };
    assert_eq!(panic.message, "a number");
    assert!(panic.process.starts_with("\"grandchild\" <"), "{panic:?}");
    assert!(panic.location.is_some());
}

#[test]
fn p_16_a_payload_that_is_no_text_is_said_to_be_none() {
    let panic = panic_of(async |_: Process<()>| panic_any(404u32));
    assert_eq!(panic.message, "a panic without text");
    assert!(panic.location.as_ref().unwrap().contains("panics.rs"));
}

/// The user saw: a scheduler's thread was gone, and with it all that was pinned there.
#[test]
fn p_17_a_payload_whose_destructor_panics_harms_nobody() {
    let panic = panic_of(async |_: Process<()>| panic_any(Sore));
    assert_eq!(panic.message, "a panic without text");
}

/// The user saw the same for an error whose text cannot be made.
#[test]
fn p_17_an_error_whose_text_panics_is_a_panic() {
    struct Mute;
    impl fmt::Display for Mute {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words");
        }
    }
    assert_eq!(panic_of(async |_: Process<()>| Err::<(), _>(Mute)).message, "no words");
}

#[test]
fn p_17_a_panic_that_is_caught_leaves_nothing_behind() {
    let reason = reason_of(async |_: Process<()>| {
        let caught = catch_unwind(AssertUnwindSafe(|| panic!("caught")));
        assert!(caught.is_err());
    });
    assert_eq!(reason, Reason::Normal);
    let panic = panic_of(async |_: Process<()>| {
        let caught = catch_unwind(AssertUnwindSafe(|| panic!("caught")));
        assert!(caught.is_err());
        resume_unwind(Box::new("thrown on"));
    });
    assert_eq!((panic.message.as_str(), panic.location.as_deref()), ("thrown on", None));
}

#[test]
fn p_18_a_destructor_that_panics_after_a_good_end_is_the_reason() {
    let panic = panic_of(async |_: Process<()>| {
        let _sore = Sore;
    });
    assert_eq!(panic.message, "a sore destructor");
    assert!(panic.location.is_some());
}

fn sore_while_unwinding() {
    let _ = holm::block_on(async |mut me: Process<()>| {
        me.register("patient").unwrap();
        let _sore = Sore;
        panic!("the first panic");
    });
    println!("it went on");
}

/// P-18, the choice: Rust cannot unwind out of a destructor that runs because of a panic, so the node aborts, and says
/// everything that it knows.
#[test]
fn p_18_a_destructor_that_panics_while_a_panic_unwinds_aborts_with_all_messages() {
    let outcome = run("sore while unwinding");
    assert!(!outcome.status.success() && !outcome.stdout.contains("it went on"), "{}", outcome.story());
    for part in ["the first panic", "a sore destructor", "panic in a destructor during cleanup"] {
        assert_eq!(outcome.stderr.matches(part).count(), 1, "{part}: {}", outcome.story());
    }
}

fn told_once() {
    holm::block_on(async |mut me: Process<()>| {
        let (_, monitor) = me
            .spawn_monitor(async |mut me: Process<()>| {
                me.register("printer").unwrap();
                let _ = catch_unwind(AssertUnwindSafe(|| panic!("caught and not told")));
                panic!("out of paper");
            })
            .unwrap();
        assert!(matches!(me.down(monitor).await, Reason::Panic(_)));
        let (_, monitor) = me.spawn_monitor(async |_: Process<()>| Err::<(), _>("an error")).unwrap();
        assert_eq!(me.down(monitor).await, Reason::error("an error"));
    })
    .unwrap();
}

#[test]
fn a_panic_is_printed_once_with_place_and_name() {
    let outcome = run("told once");
    assert!(outcome.status.success(), "{}", outcome.story());
    assert_eq!(outcome.stderr.matches("out of paper").count(), 1, "{}", outcome.story());
    let title = outcome.stderr.lines().find(|line| line.starts_with("process ")).unwrap();
    assert!(title.starts_with("process \"printer\" <") && title.contains("> panicked at "), "{title}");
    assert!(title.contains("runtime/tests/panics.rs:") && title.ends_with(':'), "{title}");
    assert!(!outcome.stderr.contains("caught and not told") && !outcome.stderr.contains("an error"));
}

#[test]
fn reports_can_be_switched_off() {
    let outcome = run("not told");
    assert!(outcome.status.success(), "{}", outcome.story());
    assert_eq!(outcome.stderr.trim(), "", "{}", outcome.story());
}

/// A panic outside of processes is the hook's that was there.
fn outside() {
    holm::block_on(async |_: Process<()>| {
        let task = holm::spawn_task(async { panic!("in a task") });
        assert!(task.unwrap().await.is_err());
        let call = holm::spawn_blocking(|| panic!("in a call"));
        assert!(call.unwrap().await.is_err());
    })
    .unwrap();
    let host = std::thread::spawn(|| panic!("in the host"));
    assert!(host.join().is_err());
}

#[test]
fn a_panic_outside_of_processes_is_told_by_the_hook_that_was_there() {
    let outcome = run("outside");
    for what in ["in a task", "in a call", "in the host"] {
        assert_eq!(outcome.stderr.matches(what).count(), 1, "{what}: {}", outcome.story());
    }
    assert_eq!(outcome.stderr.matches("thread '").count(), 3, "{}", outcome.story());
    assert!(!outcome.stderr.contains("process "), "{}", outcome.story());
}

/// Keeps each event as a line: level, target, fields.
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(format!("{} {}", event.metadata().level(), event.metadata().target()));
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields.0);
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

fn with_a_subscriber() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    tracing::subscriber::set_global_default(Recorder(lines.clone())).unwrap();
    told_once();
    holm::block_on(async |mut me: Process<()>| {
        let alone: Pid<()> = me.spawn(async |_: Process<()>| Err::<(), _>("nobody hears")).unwrap();
        while holm::is_alive(alone) {
            holm::yield_now().await;
        }
    })
    .unwrap();
    lines.lock().unwrap().iter().for_each(|line| println!("event: {line}"));
}

#[test]
fn a_subscriber_gets_each_report_once_and_nothing_is_printed() {
    let outcome = run("subscriber");
    assert!(outcome.status.success(), "{}", outcome.story());
    assert_eq!(outcome.stderr.trim(), "", "{}", outcome.story());
    let lines: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let of = |level: &str, what: &str| {
        let fits = |line: &&&str| line.starts_with(&format!("{level} holm::process")) && line.contains(what);
        lines.iter().filter(fits).copied().collect::<Vec<_>>()
    };
    let panics = of("ERROR", "out of paper");
    assert_eq!(panics.len(), 1, "{lines:?}");
    for field in [" pid=<", " name=\"printer\"", " location=\"", " reason=panic: out of paper", " message=out of paper"]
    {
        assert!(panics[0].contains(field), "{field}: {}", panics[0]);
    }
    assert_eq!(of("WARN", "nobody hears").len(), 1, "{lines:?}");
    assert_eq!(of("WARN", "an error").len(), 0, "its parent monitors it: {lines:?}");
    assert_eq!(of("DEBUG", "out of paper").len(), 1, "{lines:?}");
}

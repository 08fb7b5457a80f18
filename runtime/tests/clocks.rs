//! Timers of whole programs: what family T of the conformance catalogue says of a clock that jumps, of a program that was
//! stopped for a while, and of one that waits for one timer. Each is the test's own executable, started again.

mod harness;

use harness::program::{Program, role};
use holm::{Process, send_after};
use rustix::{
    process::Signal,
    time::{ClockId, Timespec, clock_gettime as true_time},
};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant, SystemTime},
};

#[test]
fn the_program() {
    let Some(role) = role() else { return };
    let program = async move |me: Process<u64>| match role.as_str() {
        "jumping" => beside_a_jumping_clock(me).await,
        "stopped" => across_a_stop(me).await,
        "idle" => with_one_timer(me).await,
        other => panic!("{other:?} is no role"),
    };
    holm::block_on(program).unwrap();
}

/// Looks at the wall clock so far.
static WALL_LOOKS: AtomicU64 = AtomicU64::new(0);

/// What this executable finds in place of the C library's function: the true time, except that the wall clock is an hour
/// fast and an hour slow by turns. Whoever reads the wall clock, in this program or its libraries, sees it jump.
///
/// # Safety
///
/// As the C function: `time` may be written to.
// SAFETY: it has the name, the arguments and the meaning of the function that it replaces.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: i32, time: *mut Timespec) -> i32 {
    let is_wall_clock = matches!(clock, 0 | 5);
    let mut now = true_time(match clock {
        0 | 5 => ClockId::Realtime,
        2 => ClockId::ProcessCPUTime,
        3 => ClockId::ThreadCPUTime,
        _ => ClockId::Monotonic,
    });
    if is_wall_clock {
        now.tv_sec += if WALL_LOOKS.fetch_add(1, Relaxed).is_multiple_of(2) { 3600 } else { -3600 };
    }
    // SAFETY: the caller's promise.
    unsafe { time.write(now) };
    0
}

async fn beside_a_jumping_clock(mut me: Process<u64>) {
    let (fast, slow) = (SystemTime::now(), SystemTime::now());
    assert!(fast.duration_since(slow).unwrap() > Duration::from_secs(7000), "the wall clock jumps");
    for round in 0..5 {
        let began = Instant::now();
        for after_ms in [60, 3, 20] {
            send_after(Duration::from_millis(after_ms), me.pid(), after_ms);
        }
        for after_ms in [3, 20, 60] {
            let _ = SystemTime::now();
            assert_eq!(me.receive().await, after_ms, "in round {round}");
            let waited = began.elapsed();
            assert!(waited >= Duration::from_millis(after_ms), "early: after {waited:?}");
            assert!(waited < Duration::from_secs(30), "late: after {waited:?}");
        }
        assert_eq!(me.receive_within(Duration::from_millis(5)).await, None);
        holm::sleep(Duration::from_millis(5)).await;
        assert!(began.elapsed() >= Duration::from_millis(70));
    }
    println!("done");
}

#[test]
fn t_12_a_wall_clock_that_jumps_moves_no_timer() {
    for layout in ["1x2", "2x1"] {
        let outcome = Program::new("jumping", layout, "shm").run();
        assert!(outcome.status.success() && outcome.stdout.contains("done"), "{}", outcome.story());
    }
}

async fn across_a_stop(mut me: Process<u64>) {
    let began = Instant::now();
    for after_ms in [1900, 300, 1000, 100, 1300, 700, 4000] {
        send_after(Duration::from_millis(after_ms), me.pid(), after_ms);
    }
    println!("set");
    for after_ms in [100, 300, 700, 1000, 1300, 1900, 4000] {
        assert_eq!(me.receive().await, after_ms);
        assert!(began.elapsed() >= Duration::from_millis(after_ms));
    }
    assert_eq!(me.receive_within(Duration::from_millis(50)).await, None, "each fires once");
    println!("done");
}

#[test]
fn t_13_a_program_that_was_stopped_makes_up_for_it_once_and_in_order() {
    let mut program = Program::new("stopped", "1x2", "shm").start();
    program.line("set");
    program.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(2));
    program.signal(Signal::CONT);
    let outcome = program.finish();
    assert!(outcome.status.success() && outcome.stdout.contains("done"), "{}", outcome.story());
}

/// The processor time that this program has used.
fn used() -> Duration {
    let used = true_time(ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
}

async fn with_one_timer(mut me: Process<u64>) {
    holm::sleep(Duration::from_millis(100)).await; // what belongs to the start is over
    let (before, began) = (used(), Instant::now());
    send_after(Duration::from_secs(3), me.pid(), 16);
    assert_eq!(me.receive().await, 16);
    let (used, waited) = (used() - before, began.elapsed());
    assert!(waited >= Duration::from_secs(3));
    assert!(used < waited / 100, "it used {used:?} of {waited:?}");
    println!("done");
}

#[test]
fn t_16_a_program_that_waits_for_a_timer_sleeps() {
    let programs = ["1x1", "1x2"].map(|layout| Program::new("idle", layout, "shm").start());
    for program in programs {
        let outcome = program.finish();
        assert!(outcome.status.success() && outcome.stdout.contains("done"), "{}", outcome.story());
    }
}

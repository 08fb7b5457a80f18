//! Family T of the conformance catalogue: timers.

mod harness;

use harness::{QUIET, There, end, expect_silence};
use holm::{Process, Reason, SpawnOptions, cancel_timer, send_after};
use std::time::{Duration, Instant};

cases! {
    in_every_placement:
        t_01_a_message_is_not_early;
    on_one_node:
        t_03_messages_come_in_the_order_of_their_times,
        t_04_a_cancelled_timer_is_silent,
        t_05_a_cancel_too_late_is_nothing,
        t_06_cancel_against_expiry_has_two_outcomes,
        t_07_a_timer_for_one_that_has_ended_is_nothing,
        t_09_a_hundred_thousand_timers_for_one_instant_all_fire,
        t_10_a_time_of_zero_fires_once,
        t_11_a_time_without_end_is_not_the_past,
        t_14_a_timer_outlives_its_setter,
        t_17_timers_come_and_go;
}

/// Passes on what it gets.
#[holm::entry]
async fn pass_on(mut me: Process<u64>, to: holm::Pid<u64>) {
    loop {
        to.send(me.receive().await).unwrap();
    }
}

async fn t_01_a_message_is_not_early(mut me: Process<u64>, there: There) {
    let b = there.start(pass_on, me.pid(), &mut me).await;
    for after_ms in [0, 1, 3, 17] {
        let before = Instant::now();
        send_after(Duration::from_millis(after_ms), b, after_ms);
        assert_eq!(me.receive().await, after_ms);
        assert!(before.elapsed() >= Duration::from_millis(after_ms));
    }
    end(&mut me, b, Reason::Kill).await;
}

async fn t_03_messages_come_in_the_order_of_their_times(mut me: Process<u64>, _: There) {
    for after_ms in [30, 10, 40, 20] {
        send_after(Duration::from_millis(after_ms), me.pid(), after_ms);
    }
    for after_ms in [10, 20, 30, 40] {
        assert_eq!(me.receive().await, after_ms);
    }
}

async fn t_04_a_cancelled_timer_is_silent(mut me: Process<u64>, _: There) {
    let timer = send_after(QUIET / 2, me.pid(), 1);
    let left = cancel_timer(timer).unwrap();
    assert!(left > Duration::ZERO && left <= QUIET / 2);
    expect_silence(&mut me).await;
}

async fn t_05_a_cancel_too_late_is_nothing(mut me: Process<u64>, _: There) {
    let timer = send_after(Duration::from_millis(1), me.pid(), 1);
    assert_eq!(me.receive().await, 1);
    assert_eq!(cancel_timer(timer), None);
    assert_eq!(cancel_timer(timer), None);
    let timer = send_after(QUIET, me.pid(), 2);
    assert!(cancel_timer(timer).is_some());
    assert_eq!(cancel_timer(timer), None);
    expect_silence(&mut me).await;
}

async fn t_06_cancel_against_expiry_has_two_outcomes(mut me: Process<u64>, _: There) {
    for number in 0..2000 {
        let timer = send_after(Duration::from_micros(number % 40), me.pid(), number);
        if number % 3 == 0 {
            holm::yield_now().await;
        }
        match cancel_timer(timer) {
            Some(_) => assert_eq!(me.receive_within(Duration::ZERO).await, None),
            None => assert_eq!(me.receive().await, number),
        }
    }
    expect_silence(&mut me).await;
}

async fn t_07_a_timer_for_one_that_has_ended_is_nothing(mut me: Process<u64>, _: There) {
    let (b, monitor) = me.spawn_monitor(async |_: Process<u64>| ()).unwrap();
    send_after(QUIET / 10, b, 1);
    me.down(monitor).await;
    expect_silence(&mut me).await;
}

async fn t_09_a_hundred_thousand_timers_for_one_instant_all_fire(mut me: Process<u64>, _: There) {
    let mut seen = vec![false; 100_000];
    for number in 0..100_000 {
        send_after(QUIET, me.pid(), number);
    }
    for _ in 0..100_000 {
        let number = me.receive().await as usize;
        assert!(!std::mem::replace(&mut seen[number], true), "twice");
    }
}

async fn t_10_a_time_of_zero_fires_once(mut me: Process<u64>, _: There) {
    send_after(Duration::ZERO, me.pid(), 1);
    assert_eq!(me.receive().await, 1);
    expect_silence(&mut me).await;
}

async fn t_11_a_time_without_end_is_not_the_past(mut me: Process<u64>, _: There) {
    let timers = [Duration::MAX, Duration::from_nanos(u64::MAX), Duration::from_secs(1 << 40)]
        .map(|after| send_after(after, me.pid(), 1));
    assert_eq!(me.receive_within(QUIET).await, None);
    for timer in timers {
        assert!(cancel_timer(timer).is_some());
    }
    drop(holm::sleep(Duration::MAX)); // making it does not wrap
}

async fn t_14_a_timer_outlives_its_setter(mut me: Process<u64>, there: There) {
    let own = me.pid();
    let options = SpawnOptions::new().scheduler(there.0).monitor();
    let set = async move |_: Process<()>| {
        send_after(QUIET, own, 14);
    };
    let spawned = me.spawn_opt(options, set).unwrap();
    me.down(spawned.monitor.unwrap()).await;
    assert_eq!(me.receive().await, 14);
}

async fn t_17_timers_come_and_go(mut me: Process<u64>, _: There) {
    for round in 0..200_000u64 {
        let timer = send_after(Duration::from_secs(1 + round % 5000), me.pid(), 0);
        assert!(cancel_timer(timer).is_some());
        if round % 1000 == 0 {
            holm::yield_now().await;
        }
    }
    expect_silence(&mut me).await;
}

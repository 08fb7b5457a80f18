//! Heartbeats under virtual time: a silent peer is noticed in time and not before, a living one never.

mod common;

use common::*;
use holm_transport::{Lane, Limits, Session, SessionError};
use std::time::Duration;

const SILENCE: Duration = Duration::from_secs(60);

/// Let a lone session tick at each of its deadlines until it fails.
fn run_alone(session: &mut Session) -> (Duration, SessionError) {
    loop {
        let now = session.deadline().expect("open until it fails");
        drain(session);
        if let Err(error) = session.tick(now) {
            return (now, error);
        }
    }
}

#[test]
fn a_peer_that_stops_counts_as_down_between_one_and_one_and_a_quarter_of_the_tick_time() {
    let (mut a, _) = up(Limits::default());
    let (when, error) = run_alone(&mut a);
    assert_eq!(error, SessionError::TickTimeout);
    assert!(when >= SILENCE && when <= SILENCE * 5 / 4, "{when:?}");
    assert!(a.is_closed());
}

/// Run two sessions for a while, each ticking at its deadlines; `each` is called at every step.
fn run_both(a: &mut Session, b: &mut Session, until: Duration, mut each: impl FnMut(&mut Session, Duration)) {
    let mut now = Duration::ZERO;
    while now < until {
        now = a.deadline().unwrap().min(b.deadline().unwrap());
        a.tick(now).unwrap();
        b.tick(now).unwrap();
        each(a, now);
        let (to_b, to_a) = (drain(a), drain(b));
        feed_at(b, &to_b, now).1.unwrap();
        feed_at(a, &to_a, now).1.unwrap();
    }
}

#[test]
fn an_idle_link_stays_up() {
    let (mut a, mut b) = up(Limits::default());
    run_both(&mut a, &mut b, SILENCE * 100, |_, _| {});
}

#[test]
fn traffic_in_one_direction_only_keeps_the_link_up() {
    let (mut a, mut b) = up(Limits::default());
    run_both(&mut a, &mut b, SILENCE * 20, |a, _| send(a, Lane::Data, 1, b"one way"));
}

#[test]
fn the_more_impatient_end_sets_the_beat() {
    let (mut a, mut b) =
        (initiator(Limits::default()), acceptor(Limits { silence: Duration::from_secs(4), ..Limits::default() }));
    settle(&mut a, &mut b);
    run_both(&mut a, &mut b, SILENCE * 5, |_, _| {});
}

#[test]
fn a_node_that_was_stopped_itself_reads_what_waits_before_it_judges() {
    let (mut a, mut b) = up(Limits::default());
    let beat = b.deadline().unwrap();
    b.tick(beat).unwrap();
    b.tick(b.deadline().unwrap()).unwrap();
    let waiting = drain(&mut b);
    assert!(!waiting.is_empty());
    let woken = SILENCE * 10;
    a.tick(woken).expect("the first look only suspects");
    feed_at(&mut a, &waiting, woken).1.unwrap();
    a.tick(woken + SILENCE / 2).unwrap();
}

#[test]
fn heartbeats_do_not_pile_up_when_the_road_is_stuck() {
    let (mut a, _) = up(Limits::default());
    while let Ok(()) = a.tick(a.deadline().unwrap()) {}
    assert_eq!(frames(&drain(&mut a)), [(33, 0, 0, vec![])]);
}

#[test]
fn nodes_with_different_nonces_do_not_beat_in_step() {
    let beats = (10..60_u8)
        .map(|byte| {
            let node = common::identity("x", u64::from(byte));
            let role = holm_transport::Role::Acceptor;
            let mut b = Session::new(role, node, &secret(7), Limits::default(), [byte; 32], Duration::ZERO);
            settle(&mut initiator(Limits::default()), &mut b);
            b.deadline().unwrap()
        })
        .collect::<std::collections::HashSet<_>>();
    assert!(beats.len() > 25, "{} different beats of 50", beats.len());
}

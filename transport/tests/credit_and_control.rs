//! Data waits for credit, control does not; what waits is bounded.

mod common;

use common::*;
use holm_transport::bounds::{CONTROL_RESERVE_LEN, FRAGMENT_LEN_MAX, PUMP_BELOW_LEN, WINDOW_LEN_MIN};
use holm_transport::{Lane, Limits, SendRefused, SessionError, Violation};

fn narrow() -> Limits {
    Limits { window_len: WINDOW_LEN_MIN, ..Limits::default() }
}

#[test]
fn data_stops_at_the_window_and_resumes_when_credit_returns() {
    let (mut a, mut b) = up(narrow());
    b.hold_credit(true);
    for number in 0..400_u32 {
        send(&mut a, Lane::Data, u64::from(number % 7), &[number as u8; 1000]);
    }
    let (_, heard) = settle(&mut a, &mut b);
    assert_eq!(signals(&heard).len(), WINDOW_LEN_MIN as usize / 1008, "one window came");
    assert!(a.outstanding_len() > 0);
    assert_eq!(settle(&mut a, &mut b), (vec![], vec![]), "and nothing moves while credit is held");
    b.hold_credit(false);
    let (heard_a, more) = settle(&mut a, &mut b);
    assert!(heard_a.contains(&Heard::Credit));
    assert_eq!(signals(&heard).len() + signals(&more).len(), 400);
    assert_eq!(a.outstanding_len(), 0);
}

#[test]
fn control_heartbeats_and_credit_pass_when_data_has_no_credit() {
    let (mut a, mut b) = up(narrow());
    b.hold_credit(true);
    for key in 0..400 {
        send(&mut a, Lane::Data, key, &[1; 1000]);
    }
    send(&mut a, Lane::Data, 1000, &vec![2; 1_000_000]);
    settle(&mut a, &mut b);
    send(&mut a, Lane::Control, 2000, b"exit");
    send(&mut a, Lane::Control, 2001, &vec![3; 200_000]);
    let heard = signals(&settle(&mut a, &mut b).1);
    assert_eq!(heard, [b"exit".to_vec(), vec![3; 200_000]], "a small and a big control signal, no data");
    let deadline = a.deadline().unwrap();
    a.tick(deadline).unwrap();
    a.tick(a.deadline().unwrap()).unwrap();
    assert_eq!(frames(&drain(&mut a)), [(33, 0, 0, vec![])], "a heartbeat");
}

#[test]
fn control_overtakes_queued_data_of_other_keys() {
    let (mut a, mut b) = up(Limits::default());
    for key in 0..20 {
        send(&mut a, Lane::Data, key, &vec![1; 300_000]);
    }
    send(&mut a, Lane::Control, 99, b"down");
    let first = frames(a.out());
    let at = first.iter().position(|frame| frame.3 == b"down").expect("in the first bytes that leave");
    assert_eq!(at, 0);
    assert_eq!(signals(&settle(&mut a, &mut b).1).len(), 21);
}

#[test]
fn a_small_signal_waits_for_at_most_a_fragment_and_the_buffer_allowance() {
    let (mut a, _) = up(Limits { window_len: u32::MAX, ..Limits::default() });
    send(&mut a, Lane::Data, 1, &vec![1; 64 * 1024 * 1024]);
    a.out();
    send(&mut a, Lane::Data, 2, b"small");
    let mut before = 0;
    loop {
        let bytes = a.out().to_vec();
        assert!(!bytes.is_empty());
        // A slow reader: a little at a time.
        let part = bytes.len().min(10_000);
        if let Some(at) = bytes.windows(5).position(|window| window == b"small") {
            before += at;
            break;
        }
        a.wrote(part);
        before += part;
    }
    assert!(before <= PUMP_BELOW_LEN + 3 * FRAGMENT_LEN_MAX as usize, "{before} bytes stood before it");
}

#[test]
fn the_window_is_never_exceeded_however_signals_are_mixed() {
    let (mut a, mut b) = up(narrow());
    b.hold_credit(true);
    for key in 0..50 {
        send(&mut a, Lane::Data, key, &vec![1; if key % 2 == 0 { 100 } else { 150_000 }]);
    }
    let data_len = frames(&drain(&mut a)).iter().map(|frame| 8 + frame.3.len()).sum::<usize>();
    assert!(data_len <= WINDOW_LEN_MIN as usize);
    assert!(data_len > WINDOW_LEN_MIN as usize - 2 * FRAGMENT_LEN_MAX as usize, "and it is made use of: {data_len}");
}

#[test]
fn a_peer_that_sends_beyond_its_credit_is_closed() {
    for payload_kind in [16, 17] {
        let (_, mut b) = up(narrow());
        b.hold_credit(true);
        let mut result = Ok(());
        for _ in 0..4 {
            result = feed(&mut b, &frame(16, 0, 0, &vec![0; FRAGMENT_LEN_MAX as usize])).1;
        }
        assert!(result.is_err(), "the headers count, so four whole fragments are more than four fragments' window");
        let (_, mut b) = up(narrow());
        b.hold_credit(true);
        for _ in 0..3 {
            feed(&mut b, &frame(16, 0, 0, &vec![0; FRAGMENT_LEN_MAX as usize])).1.unwrap();
        }
        let mut last = vec![1; FRAGMENT_LEN_MAX as usize];
        last[..4].copy_from_slice(&100_000_u32.to_le_bytes());
        let result = feed(&mut b, &frame(payload_kind, 0, 0, &last)).1;
        assert_eq!(result, Err(SessionError::Violation(Violation::BeyondCredit)));
    }
}

#[test]
fn credit_that_shrinks_or_exceeds_the_window_is_a_lie() {
    for granted in [0, u64::from(WINDOW_LEN_MIN) - 1, u64::from(WINDOW_LEN_MIN) + 1, u64::MAX] {
        let (mut a, _) = up(narrow());
        let result = feed(&mut a, &frame(32, 0, 0, &granted.to_le_bytes())).1;
        assert_eq!(result, Err(SessionError::Violation(Violation::CreditLie(granted))));
    }
    let (mut a, _) = up(narrow());
    feed(&mut a, &frame(32, 0, 0, &u64::from(WINDOW_LEN_MIN).to_le_bytes())).1.unwrap();
}

#[test]
fn writable_turns_false_at_the_high_water_mark_and_true_again_below() {
    let limits = Limits { high_water_len: 100_000, ..narrow() };
    let (mut a, mut b) = up(limits);
    b.hold_credit(true);
    let mut sent = 0;
    while a.writable() {
        send(&mut a, Lane::Data, sent, &[1; 1000]);
        sent += 1;
    }
    assert!(a.outstanding_len() >= 100_000 && a.outstanding_len() < 102_000);
    settle(&mut a, &mut b);
    assert!(a.writable());
}

#[test]
fn beyond_the_last_bound_data_is_refused_first_and_control_last() {
    let limits = Limits { queued_len_max: 50_000, ..Limits::default() };
    let (mut a, mut b) = up(limits);
    let fill = |session: &mut holm_transport::Session, lane| loop {
        match session.send(lane, 1, |out| out.resize(out.len() + 40_000, 0)) {
            Ok(()) => {}
            Err(refused) => return refused,
        }
    };
    assert!(matches!(fill(&mut a, Lane::Data), SendRefused::Full { waiting } if waiting < 150_000));
    send(&mut a, Lane::Control, 2, b"exit");
    assert!(matches!(fill(&mut a, Lane::Control), SendRefused::Full { waiting } if waiting > CONTROL_RESERVE_LEN));
    assert!(a.outstanding_len() < 50_000 + CONTROL_RESERVE_LEN + 100_000);
    settle(&mut a, &mut b);
    send(&mut a, Lane::Data, 1, b"room again");
}

#[test]
fn small_signals_without_end_leave_nothing_waiting() {
    let (mut a, mut b) = up(narrow());
    let mut received = 0_u64;
    for round in 0..2000_u64 {
        for _ in 0..100 {
            send(&mut a, Lane::Data, round % 5, &[7; 64]);
        }
        received += signals(&settle(&mut a, &mut b).1).len() as u64;
        assert_eq!(a.outstanding_len(), 0);
    }
    assert_eq!(received, 200_000);
}

#[test]
fn a_peer_that_sends_but_never_reads_is_granted_nothing_more() {
    let (_, mut b) = up(narrow());
    send(&mut b, Lane::Control, 1, &[1; 60_000]);
    for _ in 0..4 {
        send(&mut b, Lane::Control, 1, &[1; 60_000]);
    }
    let before = b.outstanding_len();
    for _ in 0..3 {
        feed(&mut b, &frame(16, 0, 0, &[0; FRAGMENT_LEN_MAX as usize])).1.unwrap();
    }
    assert_eq!(b.outstanding_len(), before, "no credit piles up behind what is not read");
    assert_eq!(frames(&drain(&mut b)).last().map(|frame| frame.0), Some(32), "and it is returned when there is room");
}

#[test]
fn credit_returned_late_lets_a_big_signal_go_on() {
    let (mut a, mut b) = up(narrow());
    for key in 0..5 {
        send(&mut b, Lane::Control, key, &[1; 60_000]);
    }
    send(&mut a, Lane::Data, 1, &vec![2; 3_000_000]);
    let heard = signals(&settle(&mut a, &mut b).1);
    assert_eq!(heard, [vec![2; 3_000_000]]);
}

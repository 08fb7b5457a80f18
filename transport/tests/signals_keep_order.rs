//! Order per key over all sizes and lanes; overtaking between keys; nothing lost, nothing twice.

mod common;

use common::*;
use holm_transport::bounds::{FRAGMENT_LEN_MAX, WINDOW_LEN_MIN};
use holm_transport::{Lane, Limits, SendRefused, Session};
use proptest::prelude::*;

const BIG: usize = 5 * FRAGMENT_LEN_MAX as usize + 17;

/// A signal that says its key and number, padded to a length.
fn numbered(key: u64, number: u32, length: usize) -> Vec<u8> {
    let mut bytes = [&key.to_le_bytes()[..], &number.to_le_bytes()].concat();
    bytes.resize(length.max(12), key as u8);
    bytes
}

/// The (key, number) of each signal, in order of arrival; padding is checked.
fn labels(signals: &[Vec<u8>]) -> Vec<(u64, u32)> {
    let label = |bytes: &Vec<u8>| {
        let key = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        assert!(bytes[12..].iter().all(|byte| *byte == key as u8), "bytes of different signals are mixed");
        (key, u32::from_le_bytes(bytes[8..12].try_into().unwrap()))
    };
    signals.iter().map(label).collect()
}

fn position(signals: &[Vec<u8>], key: u64, number: u32) -> usize {
    labels(signals).iter().position(|label| *label == (key, number)).expect("the signal arrived")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_key_keeps_its_order_and_nothing_is_lost_or_doubled(
        plan in prop::collection::vec((0_u64..6, any::<bool>(), prop_oneof![12_usize..200, 60_000_usize..70_000, 100_000_usize..400_000]), 1..60),
        settle_every in 1_usize..20,
    ) {
        let (mut a, mut b) = up(Limits { window_len: WINDOW_LEN_MIN, ..Limits::default() });
        let (mut next, mut heard, mut lengths) = ([0_u32; 6], Vec::new(), Vec::new());
        for (index, (key, control, length)) in plan.iter().enumerate() {
            let lane = if *control { Lane::Control } else { Lane::Data };
            send(&mut a, lane, *key, &numbered(*key, next[*key as usize], *length));
            lengths.push((*key, next[*key as usize], *length));
            next[*key as usize] += 1;
            if index % settle_every == 0 {
                heard.extend(signals(&settle(&mut a, &mut b).1));
            }
        }
        heard.extend(signals(&settle(&mut a, &mut b).1));
        let mut seen = [0_u32; 6];
        for ((key, number), bytes) in labels(&heard).into_iter().zip(&heard) {
            prop_assert_eq!(number, seen[key as usize], "key {}", key);
            prop_assert!(lengths.contains(&(key, number, bytes.len())));
            seen[key as usize] += 1;
        }
        prop_assert_eq!(seen, next);
        prop_assert_eq!(a.outstanding_len(), 0);
        prop_assert_eq!(b.assembly_len(), 0);
    }
}

#[test]
fn signals_sent_before_the_handshake_follow_it_in_order() {
    let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
    for (number, length) in [(0, 12), (1, BIG), (2, 12)] {
        send(&mut a, Lane::Data, 1, &numbered(1, number, length));
    }
    send(&mut a, Lane::Control, 1, &numbered(1, 3, 12));
    let heard = settle(&mut a, &mut b).1;
    assert!(matches!(heard[0], Heard::Up(..)));
    assert_eq!(labels(&signals(&heard)), [(1, 0), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn small_signals_of_other_keys_overtake_a_big_one_and_those_of_its_key_wait() {
    let (mut a, mut b) = up(Limits::default());
    send(&mut a, Lane::Data, 1, &numbered(1, 0, BIG));
    send(&mut a, Lane::Data, 1, &numbered(1, 1, 12));
    send(&mut a, Lane::Data, 2, &numbered(2, 0, 12));
    let heard = signals(&settle(&mut a, &mut b).1);
    assert!(position(&heard, 2, 0) < position(&heard, 1, 0));
    assert!(position(&heard, 1, 0) < position(&heard, 1, 1));
}

#[test]
fn a_control_signal_never_overtakes_earlier_signals_of_its_own_key() {
    let (mut a, mut b) = up(Limits::default());
    send(&mut a, Lane::Data, 1, &numbered(1, 0, BIG));
    send(&mut a, Lane::Control, 1, &numbered(1, 1, 12));
    send(&mut a, Lane::Control, 1, &numbered(1, 2, BIG));
    send(&mut a, Lane::Data, 1, &numbered(1, 3, 12));
    assert_eq!(labels(&signals(&settle(&mut a, &mut b).1)), [(1, 0), (1, 1), (1, 2), (1, 3)]);
}

#[test]
fn big_signals_of_different_keys_share_the_road() {
    let (mut a, mut b) = up(Limits::default());
    for key in 0..3 {
        send(&mut a, Lane::Data, key, &numbered(key, 0, BIG));
    }
    let bytes = drain(&mut a);
    let streams = frames(&bytes).iter().map(|frame| frame.2).collect::<Vec<_>>();
    assert_eq!(streams[..6], [0, 1, 2, 0, 1, 2], "a fragment each by turns");
    assert_eq!(signals(&feed(&mut b, &bytes).0).len(), 3);
}

#[test]
fn a_thousand_big_signals_of_a_thousand_keys_arrive_whole_within_the_cap() {
    let cap = 4 * 100_000;
    let limits = Limits { message_len_max: 100_000, assembly_len_max: cap, ..Limits::default() };
    let (mut a, mut b) = up(limits);
    let mut heard = Vec::new();
    for number in 0..2 {
        for key in 0..500 {
            send(&mut a, Lane::Data, key, &numbered(key, number, 70_000));
        }
    }
    loop {
        let bytes = a.out().to_vec();
        if bytes.is_empty() {
            break;
        }
        a.wrote(bytes.len());
        let (more, result) = feed(&mut b, &bytes);
        result.unwrap();
        heard.extend(signals(&more));
        assert!(b.assembly_len() <= cap as usize, "{} bytes are held", b.assembly_len());
        feed(&mut a, &drain(&mut b)).1.unwrap();
    }
    let mut seen = [0; 500];
    for (key, number) in labels(&heard) {
        assert_eq!(number, seen[key as usize]);
        seen[key as usize] += 1;
    }
    assert_eq!(seen, [2; 500]);
}

#[test]
fn small_traffic_without_end_does_not_starve_a_big_signal() {
    let (mut a, mut b) = up(Limits::default());
    send(&mut a, Lane::Data, 1, &numbered(1, 0, BIG));
    for round in 0..200 {
        for key in 10..60 {
            send(&mut a, Lane::Data, key, &numbered(key, round, 1000));
        }
        let bytes = a.out().to_vec();
        let part = bytes.len().min(60_000);
        a.wrote(part);
        let (heard, result) = feed(&mut b, &bytes[..part]);
        result.unwrap();
        feed(&mut a, &drain(&mut b)).1.unwrap();
        if labels(&signals(&heard)).contains(&(1, 0)) {
            return;
        }
    }
    panic!("the big signal never arrived");
}

#[test]
fn a_sender_that_vanishes_in_the_middle_of_a_big_signal_leaves_nothing_behind() {
    let (mut a, mut b) = up(Limits::default());
    send(&mut a, Lane::Data, 1, &numbered(1, 0, BIG));
    let bytes = drain(&mut a);
    assert_eq!(signals(&feed(&mut b, &bytes[..bytes.len() - 1]).0), Vec::<Vec<u8>>::new());
    assert!(b.assembly_len() > 0);
    b.goodbye("peer vanished");
    assert_eq!(b.assembly_len(), 0);
}

#[test]
fn a_signal_of_the_longest_length_passes_and_one_byte_more_is_refused_without_a_trace() {
    let limits = Limits { message_len_max: 200_000, ..Limits::default() };
    let (mut a, mut b) = up(limits);
    let refused = a.send(Lane::Data, 1, |out| out.resize(out.len() + 200_001, 1));
    assert_eq!(refused, Err(SendRefused::TooBig { length: 200_001, max: 200_000 }));
    assert_eq!(a.outstanding_len(), 0);
    send(&mut a, Lane::Data, 1, &vec![9; 200_000]);
    assert_eq!(signals(&settle(&mut a, &mut b).1), [vec![9; 200_000]]);
}

#[test]
fn the_smaller_of_both_ends_longest_lengths_holds() {
    let (mut a, mut b) =
        (initiator(Limits::default()), acceptor(Limits { message_len_max: 100_000, ..Limits::default() }));
    settle(&mut a, &mut b);
    for session in [&mut a, &mut b] {
        let refused = session.send(Lane::Control, 1, |out| out.resize(out.len() + 100_001, 1));
        assert_eq!(refused, Err(SendRefused::TooBig { length: 100_001, max: 100_000 }));
    }
}

#[test]
fn an_encoder_that_panics_leaves_no_half_signal() {
    let (mut a, mut b) = up(Limits::default());
    send(&mut a, Lane::Data, 1, b"before");
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        a.send(Lane::Data, 1, |out| {
            out.extend_from_slice(b"half");
            panic!("an encoder of a user");
        })
    }));
    assert!(panicked.is_err());
    send(&mut a, Lane::Data, 1, b"after");
    assert_eq!(signals(&settle(&mut a, &mut b).1), [b"before".to_vec(), b"after".to_vec()]);
}

#[test]
fn empty_signals_are_signals() {
    let (mut a, mut b) = up(Limits::default());
    for lane in [Lane::Data, Lane::Control] {
        send(&mut a, lane, 1, b"");
    }
    assert_eq!(signals(&settle(&mut a, &mut b).1), [b"", b""]);
}

#[test]
fn a_goodbye_is_the_last_thing_heard_and_its_text_is_cut_at_a_character() {
    let (mut a, mut b): (Session, Session) = up(Limits::default());
    send(&mut a, Lane::Data, 1, b"last words");
    a.goodbye(&"é".repeat(200));
    assert_eq!(a.send(Lane::Data, 1, |_| {}), Err(SendRefused::Closed));
    let mut bytes = drain(&mut a);
    bytes.extend(frame(16, 0, 0, b"from the grave"));
    let (heard, result) = feed(&mut b, &bytes);
    result.unwrap();
    assert_eq!(heard, [Heard::Signal(b"last words".to_vec()), Heard::Goodbye("é".repeat(127))]);
    assert!(b.is_closed());
}

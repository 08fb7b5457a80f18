//! Only a node that knows the secret, and says who it is truthfully and freshly, ever comes up.

mod common;

use common::*;
use holm_transport::{Features, Limits, Refusal, Role, Session, SessionError};
use std::time::Duration;

/// The four steps of an honest handshake, recorded.
fn recorded() -> [Vec<u8>; 4] {
    let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
    let one = drain(&mut a);
    feed(&mut b, &one).1.unwrap();
    let two = drain(&mut b);
    feed(&mut a, &two).1.unwrap();
    let three = drain(&mut a);
    feed(&mut b, &three).1.unwrap();
    let four = drain(&mut b);
    feed(&mut a, &four).1.unwrap();
    assert!(a.is_up() && b.is_up());
    [one, two, three, four]
}

#[test]
fn both_ends_come_up_once_and_know_each_other() {
    let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
    let (heard_a, heard_b) = settle(&mut a, &mut b);
    assert_eq!(heard_a, [Heard::Up(identity("bela", 2), Features::NONE)]);
    assert_eq!(heard_b, [Heard::Up(identity("anna", 1), Features::NONE)]);
    assert_eq!((a.version(), b.version()), (1, 1));
}

#[test]
fn different_secrets_end_in_an_error_on_both_sides_and_nobody_is_up() {
    let mut a = Session::new(Role::Initiator, identity("a", 1), &secret(1), Limits::default(), [1; 32], Duration::ZERO);
    let mut b = Session::new(Role::Acceptor, identity("b", 2), &secret(2), Limits::default(), [2; 32], Duration::ZERO);
    feed(&mut b, &drain(&mut a)).1.unwrap();
    feed(&mut a, &drain(&mut b)).1.unwrap();
    let (heard_b, result_b) = feed(&mut b, &drain(&mut a));
    assert_eq!((heard_b, result_b), (vec![], Err(SessionError::Refused(Refusal::Secret))));
    let (heard_a, result_a) = feed(&mut a, &drain(&mut b));
    assert_eq!((heard_a, result_a), (vec![], Err(SessionError::RefusedByPeer(Refusal::Secret))));
    assert!(a.is_closed() && b.is_closed());
}

#[test]
fn every_single_bit_flipped_in_any_step_is_refused() {
    let steps = recorded();
    for (index, step) in steps.iter().enumerate() {
        for bit in 0..step.len() * 8 {
            let mut wrong = step.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
            // Play honestly up to the step, then deliver the wrong bytes, then let both ends run on.
            for honest in 0..index {
                let (from, to) = if honest % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
                feed(to, &drain(from)).1.unwrap();
            }
            let (from, to) = if index % 2 == 0 { (&mut a, &mut b) } else { (&mut b, &mut a) };
            assert_eq!(&drain(from), step, "the handshake repeats exactly when its nonces do");
            let victim_heard = feed(to, &wrong).0;
            assert_eq!(victim_heard, [], "bit {bit} of step {} was taken", index + 1);
            for _ in 0..3 {
                let bytes = drain(&mut a);
                feed(&mut b, &bytes).1.ok();
                let bytes = drain(&mut b);
                feed(&mut a, &bytes).1.ok();
            }
            // Step 4 reaches an initiator whose acceptor is up already; in all earlier steps nobody may be.
            assert!(!a.is_up(), "bit {bit} of step {}: the initiator is up", index + 1);
            assert!(index == 3 || !b.is_up(), "bit {bit} of step {}: the acceptor is up", index + 1);
        }
    }
}

#[test]
fn a_recorded_handshake_played_again_meets_a_fresh_nonce() {
    let steps = recorded();
    let fresh = |role, name, node| {
        Session::new(role, identity(name, node), &secret(7), Limits::default(), [99; 32], Duration::ZERO)
    };
    let mut b = fresh(Role::Acceptor, "bela", 2);
    feed(&mut b, &steps[0]).1.unwrap();
    assert_eq!(feed(&mut b, &steps[2]), (vec![], Err(SessionError::Refused(Refusal::Secret))));
    let mut a = fresh(Role::Initiator, "anna", 1);
    feed(&mut a, &steps[1]).1.unwrap();
    assert_eq!(feed(&mut a, &steps[3]), (vec![], Err(SessionError::Refused(Refusal::Secret))));
}

#[test]
fn a_hello_reflected_to_its_sender_is_refused() {
    let mut a = initiator(Limits::default());
    let hello = drain(&mut a);
    assert_eq!(feed(&mut a, &hello), (vec![], Err(SessionError::Refused(Refusal::Role))));
}

#[test]
fn a_proof_reflected_to_its_sender_is_refused() {
    let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
    feed(&mut b, &drain(&mut a)).1.unwrap();
    feed(&mut a, &drain(&mut b)).1.unwrap();
    let proof = drain(&mut a);
    assert_eq!(feed(&mut a, &proof), (vec![], Err(SessionError::Refused(Refusal::Secret))));
}

#[test]
fn a_hello_reflected_with_its_role_and_name_swapped_is_refused() {
    let mut a = initiator(Limits::default());
    let mut hello = drain(&mut a);
    hello[8 + 8] = 2;
    hello[8 + 88..8 + 92].copy_from_slice(b"evil");
    assert_eq!(
        feed(&mut a, &hello),
        (vec![], Err(SessionError::Refused(Refusal::Role))),
        "our own nonce gives it away"
    );
}

#[test]
fn two_initiators_or_two_acceptors_refuse_each_other() {
    for role in [Role::Initiator, Role::Acceptor] {
        let mut end = Session::new(role, identity("a", 1), &secret(7), Limits::default(), [1; 32], Duration::ZERO);
        drain(&mut end);
        let mut other =
            Session::new(Role::Initiator, identity("b", 2), &secret(7), Limits::default(), [2; 32], Duration::ZERO);
        let mut hello = drain(&mut other);
        hello[8 + 8] = if role == Role::Initiator { 1 } else { 2 };
        assert_eq!(feed(&mut end, &hello).1, Err(SessionError::Refused(Refusal::Role)));
    }
}

#[test]
fn a_stripped_feature_bit_is_noticed_by_the_proof() {
    let limits = Limits { offered: Features::from_bits(0xff), ..Limits::default() };
    let (mut a, mut b) = (initiator(limits), acceptor(limits));
    let mut hello = drain(&mut a);
    hello[8 + 40] &= !1;
    feed(&mut b, &hello).1.unwrap();
    feed(&mut a, &drain(&mut b)).1.unwrap();
    assert_eq!(feed(&mut b, &drain(&mut a)), (vec![], Err(SessionError::Refused(Refusal::Secret))));
}

#[test]
fn common_features_are_used_and_unknown_optional_ones_are_left_aside() {
    let newer = Limits { offered: Features::from_bits(0b1110), ..Limits::default() };
    let older =
        Limits { offered: Features::from_bits(0b0111), required: Features::from_bits(0b0010), ..Limits::default() };
    let (mut a, mut b) = (initiator(newer), acceptor(older));
    let (heard_a, heard_b) = settle(&mut a, &mut b);
    assert_eq!(heard_a, [Heard::Up(identity("bela", 2), Features::from_bits(0b0110))]);
    assert_eq!(heard_b, [Heard::Up(identity("anna", 1), Features::from_bits(0b0110))]);
}

#[test]
fn an_unknown_mandatory_feature_is_refused_and_both_ends_know_why() {
    let newer = Limits { required: Features::from_bits(0b1000), ..Limits::default() };
    let (mut a, mut b) = (initiator(newer), acceptor(Limits::default()));
    assert_eq!(feed(&mut b, &drain(&mut a)), (vec![], Err(SessionError::Refused(Refusal::Feature))));
    assert_eq!(feed(&mut a, &drain(&mut b)), (vec![], Err(SessionError::RefusedByPeer(Refusal::Feature))));
}

#[test]
fn a_peer_that_speaks_only_newer_versions_is_refused_with_that_reason() {
    let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
    let mut hello = drain(&mut a);
    hello[8 + 4] = 2;
    hello[8 + 6] = 3;
    assert_eq!(feed(&mut b, &hello), (vec![], Err(SessionError::Refused(Refusal::Version))));
    assert_eq!(feed(&mut a, &drain(&mut b)), (vec![], Err(SessionError::RefusedByPeer(Refusal::Version))));
}

#[test]
fn bytes_that_a_later_version_adds_to_its_hello_are_tolerated_and_proved() {
    let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
    let hello = frames(&drain(&mut a)).remove(0);
    let longer = [hello.3, b"from the future".to_vec()].concat();
    feed(&mut b, &frame(1, 0, 0, &longer)).1.unwrap();
    feed(&mut a, &drain(&mut b)).1.unwrap();
    let refused = feed(&mut b, &drain(&mut a)).1;
    assert_eq!(refused, Err(SessionError::Refused(Refusal::Secret)), "bytes that the initiator did not say");
}

#[test]
fn a_peer_with_our_own_name_is_refused() {
    let mut a = initiator(Limits::default());
    let mut b =
        Session::new(Role::Acceptor, identity("anna", 2), &secret(7), Limits::default(), [2; 32], Duration::ZERO);
    assert_eq!(feed(&mut b, &drain(&mut a)).1, Err(SessionError::Refused(Refusal::SameName)));
}

#[test]
fn a_hello_with_bounds_too_small_to_talk_within_is_refused() {
    // The low bytes of window, longest message, assembly room and silence: all zero is too small for each.
    for offset in [12, 16, 20, 24] {
        let (mut a, mut b) = (initiator(Limits::default()), acceptor(Limits::default()));
        let mut hello = drain(&mut a);
        hello[8 + offset..8 + offset + 4].fill(0);
        assert_eq!(feed(&mut b, &hello).1, Err(SessionError::Refused(Refusal::Bounds)), "offset {offset}");
    }
}

#[test]
fn frames_out_of_turn_or_of_other_kinds_end_the_handshake() {
    let hello = drain(&mut initiator(Limits::default()));
    let wrong_beginnings = [
        frame(2, 0, 0, &[0; 32]),
        frame(16, 0, 0, b"hi"),
        frame(33, 0, 0, &[]),
        frame(34, 0, 0, b"bye"),
        frame(1, 0, 0, &[]),
    ];
    for wrong in wrong_beginnings {
        let (heard, result) = feed(&mut acceptor(Limits::default()), &wrong);
        assert_eq!((heard, result), (vec![], Err(SessionError::Refused(Refusal::Malformed))));
    }
    let mut b = acceptor(Limits::default());
    feed(&mut b, &hello).1.unwrap();
    assert_eq!(feed(&mut b, &hello).1, Err(SessionError::Refused(Refusal::Malformed)), "a second hello");
}

#[test]
fn a_handshake_frame_after_the_handshake_closes_the_session() {
    for kind in [1, 2, 3] {
        let (_, mut b) = up(Limits::default());
        let (heard, result) = feed(&mut b, &frame(kind, 0, 0, &[0; 32]));
        assert!(matches!(result, Err(SessionError::Violation(_))), "{result:?}");
        assert_eq!(heard, []);
    }
}

#[test]
fn a_stranger_cannot_make_us_hold_more_than_one_small_frame() {
    let mut b = acceptor(Limits::default());
    let bomb = [&513_u32.to_le_bytes()[..], &[1, 0, 0, 0]].concat();
    assert!(matches!(feed(&mut b, &bomb).1, Err(SessionError::Violation(_))));
    let mut b = acceptor(Limits::default());
    let largest = [&512_u32.to_le_bytes()[..], &[1, 0, 0, 0]].concat();
    feed(&mut b, &largest).1.unwrap();
    for _ in 0..511 {
        feed(&mut b, &[0]).1.unwrap();
    }
    assert!(feed(&mut b, &[0]).1.is_err(), "whole, and not a hello");
}

#[test]
fn a_handshake_that_drips_a_byte_a_second_ends_at_its_deadline() {
    let mut b = acceptor(Limits::default());
    let hello = drain(&mut initiator(Limits::default()));
    assert_eq!(b.deadline(), Some(Duration::from_secs(5)));
    for second in 0..5 {
        let now = Duration::from_secs(second);
        feed_at(&mut b, &hello[second as usize..=second as usize], now).1.unwrap();
        b.tick(now).unwrap();
    }
    assert_eq!(b.tick(Duration::from_secs(5)), Err(SessionError::HandshakeTimeout));
    assert_eq!((b.deadline(), b.is_closed()), (None, true));
}

#[test]
fn nonces_do_not_repeat() {
    let mut nonces = (0..10_000).map(|_| holm_transport::nonce().unwrap()).collect::<Vec<_>>();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), 10_000);
}

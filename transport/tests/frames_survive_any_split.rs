//! However the road cuts the bytes, the same events come out; and no bytes at all can do harm.

mod common;

use common::*;
use holm_transport::bounds::{FRAGMENT_LEN_MAX, WINDOW_LEN_MIN};
use holm_transport::{Lane, Limits, SessionError, Violation};
use proptest::prelude::*;

fn small_limits() -> Limits {
    Limits { window_len: WINDOW_LEN_MIN, message_len_max: 300_000, assembly_len_max: 600_000, ..Limits::default() }
}

/// The bytes of some signals, small and big, on both lanes, within one window.
fn conversation() -> (Vec<u8>, Vec<Vec<u8>>) {
    let (mut a, _) = up(small_limits());
    for index in 0..50_usize {
        let lane = if index % 3 == 0 { Lane::Control } else { Lane::Data };
        send(&mut a, lane, index as u64, &vec![index as u8; index * 7]);
    }
    send(&mut a, Lane::Data, 100, &vec![0xda; 100_000]);
    send(&mut a, Lane::Control, 101, &vec![0xc0; 100_000]);
    let bytes = drain(&mut a);
    let heard = feed(&mut up(small_limits()).1, &bytes);
    heard.1.unwrap();
    (bytes, signals(&heard.0))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_events(cuts in prop::collection::vec(1_usize..5000, 1..200)) {
        let (bytes, expected) = conversation();
        let mut b = up(small_limits()).1;
        let (mut rest, mut heard) = (bytes.as_slice(), Vec::new());
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            let (more, result) = feed(&mut b, now);
            result.unwrap();
            heard.extend(signals(&more));
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn random_bytes_from_an_authenticated_peer_never_panic_and_hold_little(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        chunk in 1_usize..300,
    ) {
        let mut b = up(small_limits()).1;
        for part in bytes.chunks(chunk) {
            if feed(&mut b, part).1.is_err() {
                break;
            }
        }
        prop_assert!(b.assembly_len() <= bytes.len() * 2);
    }

    #[test]
    fn a_strangers_bytes_never_panic_and_never_come_up(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        as_hello in any::<bool>(),
        initiate in any::<bool>(),
    ) {
        let mut session = if initiate { initiator(small_limits()) } else { acceptor(small_limits()) };
        let input = if as_hello { frame(1, 0, 0, &[b"HOLM", &bytes[..]].concat()) } else { bytes };
        let (heard, _) = feed(&mut session, &input);
        prop_assert!(heard.is_empty() && !session.is_up());
    }

    #[test]
    fn random_but_well_formed_frames_in_any_order_never_panic(
        sequence in prop::collection::vec((prop::sample::select(vec![1_u8, 2, 3, 16, 17, 18, 19, 32, 33, 34, 35]), 0_u8..3, 0_u16..20, 0_usize..70_000, any::<u8>()), 1..30),
    ) {
        let mut b = up(small_limits()).1;
        let mut fed = 0;
        for (kind, flags, stream, length, fill) in sequence {
            let mut payload = vec![fill; length];
            if kind == 17 && length >= 4 {
                payload[..4].copy_from_slice(&100_000_u32.to_le_bytes());
            }
            fed += length;
            if feed(&mut b, &frame(kind, flags, stream, &payload)).1.is_err() {
                break;
            }
            prop_assert!(b.assembly_len() <= fed + fed / 4 + FRAGMENT_LEN_MAX as usize);
        }
    }
}

#[test]
fn byte_by_byte_is_only_slower() {
    let (bytes, expected) = conversation();
    let mut b = up(small_limits()).1;
    let mut heard = Vec::new();
    for byte in bytes.chunks(1) {
        let (more, result) = feed(&mut b, byte);
        result.unwrap();
        heard.extend(signals(&more));
    }
    assert_eq!(heard, expected);
}

/// What an authenticated peer's bytes lead to; the session must have closed, said why, and be of no more use.
fn violation(bytes: &[u8]) -> Violation {
    let mut b = up(small_limits()).1;
    let (heard, result) = feed(&mut b, bytes);
    assert_eq!(signals(&heard), Vec::<Vec<u8>>::new());
    let Err(SessionError::Violation(violation)) = result else {
        panic!("{result:?} is not a violation");
    };
    assert!(b.is_closed());
    let last = frames(&drain(&mut b)).pop().expect("a last frame says why");
    assert_eq!((last.0, String::from_utf8(last.3).unwrap()), (34, violation.to_string()));
    assert_eq!(feed(&mut b, &[0]).1, Err(SessionError::Closed));
    violation
}

#[test]
fn each_field_of_a_header_is_checked() {
    for kind in [0, 4, 15, 20, 31, 35, 255] {
        assert_eq!(violation(&frame(kind, 0, 0, &[])), Violation::UnknownKind(kind));
    }
    for (kind, flags, stream) in
        [(16, 2, 0), (16, 255, 0), (16, 0, 1), (16, 1, 65535), (32, 1, 0), (33, 0, 1), (34, 128, 0)]
    {
        assert_eq!(violation(&frame(kind, flags, stream, &[])), Violation::StrayBits { kind, flags, stream });
    }
    for length in [FRAGMENT_LEN_MAX + 1, FRAGMENT_LEN_MAX * 2, u32::MAX - 8, u32::MAX] {
        let header = [&length.to_le_bytes()[..], &[16, 0, 0, 0]].concat();
        assert_eq!(violation(&header), Violation::FrameTooLong { length, max: FRAGMENT_LEN_MAX });
    }
}

#[test]
fn a_frame_of_the_longest_length_is_taken() {
    let mut b = up(small_limits()).1;
    let (heard, result) = feed(&mut b, &frame(16, 0, 0, &vec![5; FRAGMENT_LEN_MAX as usize]));
    result.unwrap();
    assert_eq!(signals(&heard), [vec![5; FRAGMENT_LEN_MAX as usize]]);
}

#[test]
fn each_payload_length_that_a_kind_fixes_is_checked() {
    for length in [0, 7, 9] {
        assert_eq!(
            violation(&frame(32, 0, 0, &vec![0; length])),
            Violation::WrongLength { kind: 32, length: length as u32 }
        );
    }
    assert_eq!(violation(&frame(33, 0, 0, &[0])), Violation::WrongLength { kind: 33, length: 1 });
    assert_eq!(violation(&frame(34, 0, 0, &[b'a'; 256])), Violation::WrongLength { kind: 34, length: 256 });
    assert_eq!(violation(&frame(34, 0, 0, &[0xff])), Violation::NotText);
}

fn first(total: u32, rest: &[u8]) -> Vec<u8> {
    [&total.to_le_bytes()[..], rest].concat()
}

#[test]
fn fragments_that_break_the_rules_close_the_session() {
    let total = FRAGMENT_LEN_MAX + 1;
    assert_eq!(violation(&frame(18, 0, 0, b"x")), Violation::NoBeginning(0));
    assert_eq!(violation(&frame(19, 1, 3, b"x")), Violation::NoBeginning(3));
    assert_eq!(violation(&frame(18, 0, 65535, b"x")), Violation::NoBeginning(65535));
    assert_eq!(violation(&frame(17, 0, 16, &first(total, b"x"))), Violation::NoSuchStream(16));
    assert_eq!(violation(&frame(17, 1, 4, &first(total, b"x"))), Violation::NoSuchStream(4));
    assert_eq!(violation(&frame(17, 0, 0, b"123")), Violation::SumWrong(0), "no room for a total");
    assert_eq!(violation(&frame(17, 0, 0, &first(total, b""))), Violation::SumWrong(0), "an empty beginning");
    for wrong in [0, 1, FRAGMENT_LEN_MAX, 300_001, u32::MAX] {
        assert_eq!(violation(&frame(17, 0, 0, &first(wrong, b"x"))), Violation::BadTotal(wrong));
    }
    let begun = frame(17, 0, 0, &first(total, b"x"));
    assert_eq!(violation(&[begun.clone(), begun.clone()].concat()), Violation::StreamBusy(0));
    let rest = vec![0; FRAGMENT_LEN_MAX as usize];
    for (kind, more) in [(18, &rest[..]), (18, &[]), (19, &rest[1..]), (19, &[])] {
        assert_eq!(violation(&[begun.clone(), frame(kind, 0, 0, more)].concat()), Violation::SumWrong(0));
    }
    let one_more = [begun.clone(), frame(18, 0, 0, b"x"), frame(19, 0, 0, &rest)].concat();
    assert_eq!(violation(&one_more), Violation::SumWrong(0));
    let begin = |stream, total| frame(17, 0, stream, &first(total, b"x"));
    let three = [begin(0, 300_000), begin(1, 300_000), begin(2, total)].concat();
    assert_eq!(violation(&three), Violation::AnnouncedTooMuch(600_000 + u64::from(total)));
}

#[test]
fn an_announced_but_never_sent_signal_costs_no_memory() {
    let mut b = up(Limits::default()).1;
    for stream in 0..2 {
        feed(&mut b, &frame(17, 0, stream, &first(64 * 1024 * 1024, b"x"))).1.unwrap();
    }
    assert!(b.assembly_len() <= 64, "{} bytes are held for two", b.assembly_len());
}

#[test]
fn a_violation_does_not_reach_other_sessions() {
    let (mut a, mut b) = up(small_limits());
    violation(&frame(99, 0, 0, &[]));
    send(&mut a, Lane::Data, 1, b"still here");
    assert_eq!(signals(&settle(&mut a, &mut b).1), [b"still here"]);
}

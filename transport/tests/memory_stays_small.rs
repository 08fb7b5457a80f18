//! What a session allocates: nothing for a small signal, little for a stranger, in proportion for a big signal.

mod common;

use common::*;
use holm_transport::bounds::{FRAGMENT_LEN_MAX, WINDOW_LEN_MIN};
use holm_transport::{Event, Lane, Limits, Session};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting for each thread.
struct Counting;

impl Counting {
    fn grown(length: usize) {
        CALLS.set(CALLS.get() + 1);
        LIVE.set(LIVE.get().wrapping_add(length));
        PEAK.set(PEAK.get().max(LIVE.get()));
    }
}

// SAFETY: every call is handed on unchanged to the system's allocator; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::grown(layout.size());
        // SAFETY: the caller's obligations are those of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, length: usize) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        Counting::grown(length);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, length) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many bytes more than before were live at the worst moment of `act`.
fn peak_of<T>(act: impl FnOnce() -> T) -> (usize, T) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = act();
    (PEAK.get() - before, result)
}

/// Move what waits from one session to the other without keeping anything.
fn carry(from: &mut Session, to: &mut Session, heard: &mut usize) {
    loop {
        let bytes = from.out();
        let length = bytes.len();
        if length == 0 {
            return;
        }
        to.receive(bytes, Duration::ZERO, &mut |event| *heard += usize::from(matches!(event, Event::Signal(_))))
            .unwrap();
        from.wrote(length);
    }
}

#[test]
fn small_signals_and_their_credit_allocate_nothing() {
    let (mut a, mut b) = up(Limits { window_len: WINDOW_LEN_MIN, ..Limits::default() });
    let mut heard = 0;
    for round in 0..300 {
        if round == 100 {
            CALLS.set(0);
        }
        for key in 0..100 {
            let lane = if key % 10 == 0 { Lane::Control } else { Lane::Data };
            a.send(lane, key, |out| out.extend_from_slice(&[7; 64])).unwrap();
        }
        carry(&mut a, &mut b, &mut heard);
        carry(&mut b, &mut a, &mut heard);
    }
    assert_eq!((heard, CALLS.get()), (30_000, 0));
}

#[test]
fn a_stranger_costs_at_most_four_kibibytes() {
    let hello = drain(&mut initiator(Limits::default()));
    let mut longest_hello = frames(&hello).remove(0).3;
    longest_hello.resize(512, 0);
    let (peak, session) = peak_of(|| {
        let mut b = acceptor(Limits::default());
        for byte in frame(1, 0, 0, &longest_hello) {
            b.receive(&[byte], Duration::ZERO, &mut |_| {}).unwrap();
        }
        for byte in &frame(2, 0, 0, &[0; 512])[..519] {
            b.receive(&[*byte], Duration::ZERO, &mut |_| {}).unwrap();
        }
        b
    });
    let whole = peak + size_of_val(&session);
    assert!(whole <= 4096, "{whole} bytes");
}

#[test]
fn a_big_signal_costs_its_length_and_a_quarter_on_either_side() {
    const LENGTH: usize = 20_000_000;
    let (mut a, mut b) = up(Limits::default());
    let allowance = 16 * FRAGMENT_LEN_MAX as usize;
    let (peak, _) = peak_of(|| {
        a.send(Lane::Data, 1, |out| {
            out.reserve_exact(LENGTH);
            out.resize(out.len() + LENGTH, 1);
        })
    });
    assert!(peak <= LENGTH + allowance, "the sender held {peak} bytes");
    let mut heard = 0;
    let (peak, ()) = peak_of(|| {
        while heard == 0 {
            carry(&mut a, &mut b, &mut heard);
            carry(&mut b, &mut a, &mut heard);
        }
    });
    // While its assembly grows, a block and its successor may both be live: two times and a quarter at the very worst.
    assert!(peak <= LENGTH * 9 / 4 + allowance, "the receiver held {peak} bytes");
    let (_, left) = peak_of(|| (a.outstanding_len(), b.assembly_len()));
    assert_eq!(left, (0, 0));
}

#[test]
fn after_a_big_signal_its_memory_is_given_back() {
    let (mut a, mut b) = up(Limits::default());
    let before = LIVE.get();
    let mut heard = 0;
    a.send(Lane::Data, 1, |out| out.resize(out.len() + 20_000_000, 1)).unwrap();
    while heard == 0 {
        carry(&mut a, &mut b, &mut heard);
        carry(&mut b, &mut a, &mut heard);
    }
    carry(&mut b, &mut a, &mut heard);
    let kept = LIVE.get() - before;
    assert!(kept <= 3 * 1024 * 1024, "{kept} bytes are still held");
}

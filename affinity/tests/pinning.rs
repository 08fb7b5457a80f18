//! Threads go where they are told, or stay and say why. On the real machine, whatever it is.

use std::thread;

use holm_affinity::{
    CpuSet, Machine, PinError, bind_current_thread, current_cpu, current_mask, mask_at_start, pin_current_thread,
};

/// Runs `body` in a thread of its own, so that no other test sees its mask.
fn in_a_thread<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(body).join().expect("the thread ends well"))
}

fn ours() -> Vec<u32> {
    Machine::discover().expect("this machine can be read").allowed().iter().collect()
}

#[test]
fn a_pinned_thread_is_on_its_cpu_and_may_move_to_another_one() {
    in_a_thread(|| {
        for cpu in ours() {
            pin_current_thread(cpu).expect("an allowed CPU");
            assert_eq!(current_cpu(), cpu);
            assert_eq!(current_mask().unwrap(), CpuSet::from_iter([cpu]));
        }
    });
}

#[test]
fn a_thread_bound_to_a_set_may_use_just_that_set() {
    in_a_thread(|| {
        let all: CpuSet = ours().into_iter().collect();
        pin_current_thread(ours()[0]).unwrap();
        bind_current_thread(&all).expect("the whole allowed set");
        assert_eq!(current_mask().unwrap(), all);
    });
}

#[test]
fn a_cpu_beyond_the_masks_is_an_error_and_no_abort() {
    for cpu in [1024, 2000, u32::MAX] {
        assert!(matches!(pin_current_thread(cpu), Err(PinError::OutOfRange { cpu: named }) if named == cpu));
        assert!(matches!(bind_current_thread(&CpuSet::from_iter([0, cpu])), Err(PinError::OutOfRange { .. })));
    }
    let error = pin_current_thread(2000).unwrap_err();
    assert_eq!(error.to_string(), "cpu 2000 is beyond 1023, the last one a thread can be pinned to");
}

#[test]
fn an_empty_set_is_refused() {
    assert!(matches!(bind_current_thread(&CpuSet::new()), Err(PinError::NoCpu)));
}

#[test]
fn a_cpu_that_is_not_ours_is_refused_by_name_and_the_thread_stays() {
    let Some(foreign) = (0..1024).rev().find(|&cpu| !mask_at_start().unwrap().contains(cpu)) else { return };
    in_a_thread(|| {
        let before = current_mask().unwrap();
        match pin_current_thread(foreign) {
            Err(PinError::NotAllowed { cpus, allowed }) => {
                assert_eq!(cpus, CpuSet::from_iter([foreign]));
                assert_eq!(&allowed, mask_at_start().unwrap());
            }
            other => panic!("cpu {foreign}: {other:?}"),
        }
        assert_eq!(current_mask().unwrap(), before);
    });
}

#[test]
fn the_machine_is_described_alike_from_a_pinned_thread() {
    let before = Machine::discover().unwrap();
    let pinned = in_a_thread(|| {
        pin_current_thread(ours()[0]).unwrap();
        Machine::discover().unwrap()
    });
    assert_eq!(pinned, before);
}

/// The kernel would let a program leave the mask that `taskset` gave it; we do not.
#[test]
fn a_program_started_under_a_mask_stays_inside_it() {
    let ours = ours();
    let (Some(&first), Some(&last)) = (ours.first(), ours.last()) else { return };
    if let Ok(outside) = std::env::var("HOLM_TEST_OUTSIDE") {
        let outside = outside.parse().expect("a CPU number");
        assert!(matches!(pin_current_thread(outside), Err(PinError::NotAllowed { .. })));
        return;
    }
    if first == last {
        return; // one CPU: there is no outside
    }
    let status = in_a_thread(|| {
        pin_current_thread(last).unwrap(); // children inherit it, as they would from taskset
        std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_program_started_under_a_mask_stays_inside_it"])
            .env("HOLM_TEST_OUTSIDE", first.to_string())
            .status()
            .unwrap()
    });
    assert!(status.success());
}

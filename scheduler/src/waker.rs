//! Wakers without a reference count: a slot's address, and sixteen bits of its generation in the bits above it.
//!
//! ```text
//! | 63            48 | 47                            0 |
//! | generation mod 2^16 |      address of the slot      |
//! ```
//!
//! A waker that outlived its task finds another generation and does nothing. If the slot was used 65,536 times since,
//! it may wake a task that did not ask for it, which a future must bear anyway.

use crate::{here, slot::Slot};
use std::{
    ptr,
    task::{RawWaker, RawWakerVTable, Waker},
};

#[cfg(not(target_pointer_width = "64"))]
compile_error!("holm keeps a generation in the upper bits of a pointer and needs 64-bit addresses");

const ADDRESS_BITS: u32 = 48;

const VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake, |_| ());

/// The waker of the task of this generation.
#[inline]
pub(crate) fn waker_of(slot: &'static Slot, generation: u32) -> Waker {
    let generation = u64::from(generation) << ADDRESS_BITS;
    let data = ptr::from_ref(slot).cast::<()>().map_addr(|address| {
        debug_assert_eq!(address >> ADDRESS_BITS, 0, "user addresses have 48 bits");
        address | generation as usize
    });
    // SAFETY: the functions of VTABLE take exactly such data, from any thread, at any time: slots are never unmapped.
    unsafe { Waker::from_raw(RawWaker::new(data, &VTABLE)) }
}

fn clone(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

fn wake(data: *const ()) {
    let address = data.map_addr(|bits| bits & ((1 << ADDRESS_BITS) - 1));
    // SAFETY: made by `waker_of` from a slot, and slots are never unmapped.
    let slot: &'static Slot = unsafe { &*address.cast() };
    if slot.generation() as u16 == (data.addr() >> ADDRESS_BITS) as u16 {
        here::wake(slot);
    }
}

//! How a task is run and ended: the two functions behind every body, and the contract they keep.

use crate::slot::{BODY_ALIGN, BODY_SIZE, Parcels, TaskId};
use std::{
    future::Future,
    pin::Pin,
    ptr,
    task::{Context, Poll},
};

/// What lies in a slot and can be run: a future, or a process around one.
///
/// A body is reached through raw pointers, because a part of it may be shared with other threads while it runs.
///
/// # Safety
///
/// 1. `poll` and `end` do not unwind.
/// 2. `end` drops the body in place, once.
pub unsafe trait Body: 'static {
    /// Runs one turn.
    ///
    /// # Safety
    ///
    /// The worker that holds the slot calls this, one call at a time, and never after `Ready`.
    unsafe fn poll(this: *mut Self, context: &mut Context<'_>) -> Poll<()>;

    /// Ends the task, after its last turn or instead of one: its door is closed and its name is nobody's any more.
    /// `parcels` is what nobody took.
    ///
    /// # Safety
    ///
    /// Called once, by a thread that holds the slot.
    unsafe fn end(this: *mut Self, id: TaskId, parcels: Parcels);
}

/// The two functions of a [`Body`], for a slot that has forgotten its type; and the type's name, for who asks what runs.
pub(crate) struct Behaviour {
    pub(crate) name: fn() -> &'static str,
    pub(crate) poll: unsafe fn(*mut (), &mut Context<'_>) -> Poll<()>,
    pub(crate) end: unsafe fn(*mut (), TaskId, Parcels),
}

impl Behaviour {
    pub(crate) fn of<B: Body>() -> &'static Behaviour {
        assert!(
            size_of::<B>() <= BODY_SIZE && align_of::<B>() <= BODY_ALIGN,
            "the body does not fit into a slot: box it"
        );
        &Behaviour {
            name: std::any::type_name::<B>,
            // SAFETY: (both) the slot's body is the B that was written when the behaviour was set; the rest is the
            // caller's obligation.
            poll: |body, context| unsafe { B::poll(body.cast(), context) },
            // SAFETY: as above.
            end: |body, id, parcels| unsafe { B::end(body.cast(), id, parcels) },
        }
    }
}

/// A plain future as a body. It must not unwind: whoever spawns it wraps it.
pub(crate) struct Plain<F>(pub(crate) F);

// SAFETY: 1. the futures that `task.rs` puts here catch panics of the user's, in `poll` and in `drop`; 2. below.
unsafe impl<F: Future<Output = ()> + 'static> Body for Plain<F> {
    unsafe fn poll(this: *mut Self, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: the body stays in its slot until `end`, and is ours during the call.
        unsafe { Pin::new_unchecked(&mut (*this).0) }.poll(context)
    }

    unsafe fn end(this: *mut Self, _: TaskId, parcels: Parcels) {
        debug_assert_eq!(parcels.count(), 0, "what is left at the door of a plain task was discarded");
        // SAFETY: called once.
        unsafe { ptr::drop_in_place(this) }
    }
}

//! What a model may take away from the ring, to see that it notices.
//!
//! A loom model that passes proves little until it is shown to fail when the thing it guards is missing. Each
//! [`Weakness`] names one ordering, fence or second look of [`crate::ring`]; a model plants it, and must then fail. Outside
//! of models nothing can be planted: the question is a constant `false` and costs nothing.

/// One part of the ring's protocol that can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// W3 publishes without release: the consumer may see the position before the bytes.
    PublishRelaxed,
    /// R3 frees without release: the producer may overwrite bytes that are still being copied out.
    FreeRelaxed,
    /// W4 is missing: the producer may look at the announcement before its bytes are public.
    NoFenceAfterPublish,
    /// S2 is missing: the consumer may look again before its announcement is public.
    NoFenceBeforeSecondLook,
    /// S3 is missing: the consumer sleeps on what it knew before it announced itself.
    NoSecondLook,
    /// R4 is missing: the consumer may look at the announcement before the room is public.
    NoFenceAfterFree,
    /// The producer's second look for room is missing.
    NoSecondLookForRoom,
}

#[cfg(loom)]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Weakness>> = const { std::cell::Cell::new(None) };
}

/// Plant a weakness in all rings of this thread's models, or none.
#[cfg(loom)]
pub fn plant(weakness: Option<Weakness>) {
    PLANTED.set(weakness);
}

/// Is this part taken away?
#[cfg(loom)]
pub(crate) fn planted(weakness: Weakness) -> bool {
    PLANTED.get() == Some(weakness)
}

/// Is this part taken away? Never, outside of models.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) const fn planted(_: Weakness) -> bool {
    false
}

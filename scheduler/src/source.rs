//! Things that a scheduler looks at between turns, because looking is cheaper than being told.
//!
//! A shared-memory ring is filled by another OS process. While the scheduler is awake it looks itself, with one load;
//! only before it sleeps does it announce that it wants the bell, and only then does the other side pay for ringing.

use std::fmt::Debug;

/// See the module's text. All calls come from the one scheduler that watches the source.
pub trait Source: Debug + Send + Sync {
    /// Is there something to do? One load; called between turns and while spinning.
    fn has_input(&self) -> bool;

    /// Something is there: wake the task that takes it.
    fn wake(&self);

    /// The scheduler is about to sleep: announce it, and look once more. False if there is something to do.
    fn prepare_sleep(&self) -> bool;

    /// The scheduler does not sleep (any more): withdraw the announcement.
    fn awake(&self);
}

//! How a process takes its turns: how often, and for how long.
//!
//! The scheduler decides (`docs/scheduling.md`); here is what a process may say to it. A turn ends where the process
//! waits, or where it has used up its reductions and comes to an await that counts them. A loop that computes has no such
//! await of its own: [`bump_reductions`] is one, cheap enough to stand in every round.

use crate::{message::Message, process::Process};
use holm_scheduler::{Priority, current, set_priority, spend, yield_now};

impl<M: Message> Process<M> {
    /// Sets how often this process has a turn when others wait too, from its next turn on. Returns the setting before.
    ///
    /// ```
    /// use holm::{Priority, Process, SpawnOptions};
    ///
    /// holm::block_on(async |mut me: Process<()>| {
    ///     assert_eq!(me.set_priority(Priority::High), Priority::Normal);
    ///     assert_eq!(me.priority(), Priority::High);
    ///     let low = SpawnOptions::new().priority(Priority::Low).monitor();
    ///     me.spawn_opt(low, async |mut me: Process<()>| assert_eq!(me.priority(), Priority::Low)).unwrap();
    /// })
    /// .unwrap();
    /// ```
    pub fn set_priority(&mut self, priority: Priority) -> Priority {
        self.state();
        set_priority(priority)
    }

    /// How often this process has a turn when others wait too.
    pub fn priority(&mut self) -> Priority {
        self.state();
        current().map_or(Priority::Normal, |(slot, _)| slot.priority())
    }
}

/// Counts reductions of the current process, and lets others have a turn when its 4,000 of this turn are used up. What a
/// loop that computes calls, with what a round costs beside a message, which is one.
///
/// A process that is killed or gets an exit signal meanwhile ends here, at most one turn's reductions later.
///
/// ```
/// use holm::Process;
///
/// holm::block_on(async |_: Process<()>| {
///     let mut sum = 0u64;
///     for number in 0..100_000u64 {
///         sum += number * number;
///         holm::bump_reductions(1).await;
///     }
///     assert_eq!(sum, 333_328_333_350_000);
/// })
/// .unwrap();
/// ```
///
/// # Cancel safety
///
/// What was counted stays counted.
pub async fn bump_reductions(reductions: u32) {
    if !spend(reductions) {
        yield_now().await;
    }
}

//! The time-outs of a machine, as plain data: now goes in, what is due comes out.

use super::Event;
use std::time::Duration;

/// Which time-out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Name<T> {
    State,
    Event,
    Named(T),
}

impl<T> Name<T> {
    pub(super) fn into_event<M>(self) -> Event<M, T> {
        match self {
            Name::State => Event::StateTimeout,
            Name::Event => Event::EventTimeout,
            Name::Named(name) => Event::Timeout(name),
        }
    }
}

/// Those that run, in the order in which they were set: there are few.
#[derive(Debug)]
pub(super) struct Timers<T>(Vec<(u64, Name<T>)>);

impl<T: PartialEq> Timers<T> {
    pub(super) fn new() -> Self {
        Timers(Vec::new())
    }

    /// Sets one, anew if it runs.
    pub(super) fn set(&mut self, name: Name<T>, after: Duration, now_ns: u64) {
        self.cancel(&name);
        let after_ns = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        self.0.push((now_ns.saturating_add(after_ns), name));
    }

    pub(super) fn cancel(&mut self, name: &Name<T>) {
        self.0.retain(|(_, running)| running != name);
    }

    /// How long until the next one is due.
    pub(super) fn next(&self, now_ns: u64) -> Option<Duration> {
        self.0.iter().map(|(at_ns, _)| Duration::from_nanos(at_ns.saturating_sub(now_ns))).min()
    }

    /// Takes the earliest that is due; of several at one time, the one that was set first.
    pub(super) fn take_due(&mut self, now_ns: u64) -> Option<Name<T>> {
        let due = self.0.iter().enumerate().filter(|(_, (at_ns, _))| *at_ns <= now_ns);
        let (at, _) = due.min_by_key(|(_, (at_ns, _))| *at_ns)?;
        Some(self.0.remove(at).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_earliest_is_taken_first_and_of_equals_the_first_that_was_set() {
        let mut timers = Timers::new();
        timers.set(Name::Named(1), 2 * MS, 0);
        timers.set(Name::Named(2), MS, 0);
        timers.set(Name::State, MS, 0);
        assert_eq!((timers.next(0), timers.take_due(0)), (Some(MS), None));
        let later_ns = 5_000_000;
        assert_eq!(timers.next(later_ns), Some(Duration::ZERO));
        let taken: Vec<_> = std::iter::from_fn(|| timers.take_due(later_ns)).collect();
        assert_eq!(taken, [Name::Named(2), Name::State, Name::Named(1)]);
        assert_eq!(timers.next(later_ns), None);
    }

    #[test]
    fn one_that_is_set_again_runs_once_and_one_beyond_all_time_never_fires() {
        let mut timers = Timers::new();
        timers.set(Name::Named("a"), MS, 0);
        timers.set(Name::Named("a"), Duration::MAX, 0);
        assert_eq!(timers.take_due(u64::MAX - 1), None);
        timers.cancel(&Name::Named("a"));
        assert_eq!(timers.next(0), None);
    }
}

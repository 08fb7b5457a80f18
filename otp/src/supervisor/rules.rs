//! The rules of a supervisor as plain data: which children an end concerns, how many restarts are too many, when the
//! end of a child ends them all. Nothing here starts or stops anything.

use super::specification::Restart;
use std::{collections::VecDeque, ops::Range, time::Duration};

/// Whom the end of one child concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Itself alone.
    OneForOne,
    /// All children.
    OneForAll,
    /// Itself and those that were started after it.
    RestForOne,
}

impl Strategy {
    fn concerned(self, ended: usize, children: usize) -> Range<usize> {
        match self {
            Strategy::OneForOne => ended..ended + 1,
            Strategy::OneForAll => 0..children,
            Strategy::RestForOne => ended..children,
        }
    }
}

/// When the end of significant children ends their supervisor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AutomaticShutdown {
    /// Never.
    #[default]
    Never,
    /// When any of them ends by itself and is not restarted.
    AnySignificant,
    /// When the last of them does.
    AllSignificant,
}

impl AutomaticShutdown {
    /// Whether the end of a significant child is the end of all, if others run still.
    pub(crate) fn is_due(self, others_run: bool) -> bool {
        match self {
            AutomaticShutdown::Never => false,
            AutomaticShutdown::AnySignificant => true,
            AutomaticShutdown::AllSignificant => !others_run,
        }
    }
}

/// How many restarts a supervisor tries within a period before it gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Intensity {
    pub(crate) restarts: u32,
    pub(crate) period: Duration,
}

impl Default for Intensity {
    /// OTP's.
    fn default() -> Self {
        Intensity { restarts: 1, period: Duration::from_secs(5) }
    }
}

/// The rules of a supervisor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) strategy: Strategy,
    pub(crate) intensity: Intensity,
    pub(crate) automatic: AutomaticShutdown,
}

impl Rules {
    pub(crate) fn new(strategy: Strategy) -> Self {
        Rules { strategy, intensity: Intensity::default(), automatic: AutomaticShutdown::default() }
    }
}

/// The restarts of the last period.
#[derive(Debug)]
pub(crate) struct Restarts {
    intensity: Intensity,
    /// When, oldest first; never more than the intensity allows.
    times: VecDeque<Duration>,
}

impl Restarts {
    pub(crate) fn new(intensity: Intensity) -> Self {
        Restarts { intensity, times: VecDeque::new() }
    }

    /// Counts a restart; false if it is one too many.
    pub(crate) fn count(&mut self, now: Duration) -> bool {
        let begin = now.saturating_sub(self.intensity.period);
        while self.times.front().is_some_and(|time| *time < begin) {
            self.times.pop_front();
        }
        let allowed = self.times.len() < self.intensity.restarts as usize;
        if allowed {
            self.times.push_back(now);
        }
        allowed
    }
}

/// What a restart does to the children, each by its place in the start order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// To be stopped, in this order, if they run.
    pub(crate) stop: Vec<usize>,
    /// To be started then, in this order.
    pub(crate) start: Vec<usize>,
    /// To be forgotten, in this order: temporary children, which do not come back.
    pub(crate) forget: Vec<usize>,
}

impl Plan {
    /// The plan after the end of one of these children, which is to be restarted.
    pub(crate) fn after(strategy: Strategy, ended: usize, children: &[Restart]) -> Plan {
        let concerned = strategy.concerned(ended, children.len());
        let comes_back = |at: &usize| children[*at] != Restart::Temporary;
        Plan {
            stop: concerned.clone().rev().filter(|at| *at != ended).collect(),
            start: concerned.clone().filter(comes_back).collect(),
            forget: concerned.rev().filter(|at| !comes_back(at)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Restart::{Permanent, Temporary, Transient};

    /// All lists of up to five children in which the one that ended comes back.
    fn every_case(mut see: impl FnMut(usize, &[Restart])) {
        for count in 1..=5u32 {
            for number in 0..3usize.pow(count) {
                let kind = |at| [Permanent, Transient, Temporary][number / 3usize.pow(at) % 3];
                let children: Vec<Restart> = (0..count).map(kind).collect();
                let ended = (0..children.len()).filter(|ended| children[*ended] != Temporary);
                ended.for_each(|ended| see(ended, &children));
            }
        }
    }

    #[test]
    fn one_for_one_concerns_nobody_else() {
        every_case(|ended, children| {
            let plan = Plan { stop: vec![], start: vec![ended], forget: vec![] };
            assert_eq!(Plan::after(Strategy::OneForOne, ended, children), plan);
        });
    }

    #[test]
    fn groups_stop_in_reverse_start_in_order_and_forget_the_temporary() {
        every_case(|ended, children| {
            for (strategy, first) in [(Strategy::OneForAll, 0), (Strategy::RestForOne, ended)] {
                let plan = Plan::after(strategy, ended, children);
                let mut others: Vec<usize> = (first..children.len()).collect();
                others.retain(|at| *at != ended);
                assert!(plan.stop.iter().rev().eq(&others), "{strategy:?} {ended} {children:?}: {plan:?}");
                assert!(plan.start.is_sorted() && plan.start.contains(&ended));
                assert!(plan.forget.is_sorted_by(|one, next| one > next), "later ones first: their places stay right");
                let mut both: Vec<usize> = plan.start.iter().chain(&plan.forget).copied().collect();
                both.sort_unstable();
                assert!(both.into_iter().eq(first..children.len()), "each is started or forgotten");
                assert!(plan.forget.iter().all(|at| children[*at] == Temporary));
                assert!(plan.start.iter().all(|at| children[*at] != Temporary));
            }
        });
    }

    /// The log against its definition: a restart is one too many if the period before it has as many as are allowed.
    #[test]
    fn restarts_are_counted_within_the_period_that_ends_now() {
        let period = Duration::from_millis(10);
        for allowed in 0..4 {
            for steps in 0..4u64.pow(6) {
                let mut log = Restarts::new(Intensity { restarts: allowed, period });
                let (mut now, mut counted) = (Duration::from_secs(1), Vec::<Duration>::new());
                for step in 0..6 {
                    now += Duration::from_millis([0, 4, 10, 11][(steps / 4u64.pow(step) % 4) as usize]);
                    let within = counted.iter().filter(|time| now - **time <= period).count();
                    let expected = within < allowed as usize;
                    assert_eq!(log.count(now), expected, "{allowed} {steps} {step}");
                    counted.extend(expected.then_some(now));
                }
            }
        }
    }

    #[test]
    fn automatic_shutdown_waits_for_none_any_or_all() {
        let due = |automatic: AutomaticShutdown| [automatic.is_due(true), automatic.is_due(false)];
        assert_eq!(due(AutomaticShutdown::Never), [false, false]);
        assert_eq!(due(AutomaticShutdown::AnySignificant), [true, true]);
        assert_eq!(due(AutomaticShutdown::AllSignificant), [false, true]);
    }
}

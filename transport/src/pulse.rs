//! When to say "I am alive", and when to stop believing it of the peer.
//!
//! Time in, decision out. A heartbeat is due about every quarter of the allowed silence, unless bytes went out anyway.
//! Its pause is drawn anew each time from 3/4..1 of that quarter, so that thousands of peers do not beat in step.
//!
//! The peer is suspected after one whole silence, and declared silent only when a further eighth passes: a node that was
//! itself stopped wakes to a clock that has jumped, and must be given one chance to read what lies waiting (*late reader*).
//! So silence is noticed between 1.0 and 1.25 of its limit, never before.

use std::time::Duration;

/// What a tick calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing yet.
    Wait,
    /// A heartbeat should leave.
    Beat,
    /// The peer has been silent too long.
    Silent,
}

/// The heartbeat's clockwork.
#[derive(Debug)]
pub(crate) struct Pulse {
    silence: Duration,
    pause_max: Duration,
    next_beat: Duration,
    last_heard: Duration,
    give_up: Option<Duration>,
    busy: bool,
    random: u64,
}

impl Pulse {
    /// A pulse that starts now; `seed` makes its jitter differ from others'.
    pub(crate) fn new(silence: Duration, seed: u64, now: Duration) -> Pulse {
        let mut pulse = Pulse {
            silence,
            pause_max: silence / 4,
            next_beat: now,
            last_heard: now,
            give_up: None,
            busy: false,
            random: seed,
        };
        pulse.rest(now);
        pulse
    }

    /// The peer wants to hear us at least once in this long; the smaller of both ends' limits sets the beat.
    pub(crate) fn peer_endures(&mut self, silence: Duration, now: Duration) {
        self.pause_max = self.silence.min(silence) / 4;
        self.rest(now);
    }

    /// Bytes came from the peer.
    #[inline]
    pub(crate) fn heard(&mut self, now: Duration) {
        self.last_heard = now;
        self.give_up = None;
    }

    /// Bytes left for the peer; they are as good as a heartbeat.
    #[inline]
    pub(crate) fn wrote(&mut self) {
        self.busy = true;
    }

    /// When `tick` should be called next.
    pub(crate) fn deadline(&self) -> Duration {
        self.next_beat.min(self.give_up.unwrap_or(self.last_heard + self.silence))
    }

    /// What is to be done now.
    pub(crate) fn tick(&mut self, now: Duration) -> Verdict {
        if now >= self.last_heard + self.silence {
            match self.give_up {
                None => self.give_up = Some(now + self.silence / 8),
                Some(end) if now >= end => return Verdict::Silent,
                Some(_) => {}
            }
        }
        if now < self.next_beat {
            return Verdict::Wait;
        }
        self.rest(now);
        if std::mem::take(&mut self.busy) { Verdict::Wait } else { Verdict::Beat }
    }

    /// Draw the next pause.
    fn rest(&mut self, now: Duration) {
        let share = 768 + (self.draw() % 257) as u32;
        self.next_beat = now + self.pause_max * share / 1024;
    }

    /// One step of splitmix64 (Steele, Lea, Flood 2014): enough for jitter, not for secrets.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const SILENCE: Duration = Duration::from_secs(60);

    fn run_until_silent(pulse: &mut Pulse) -> Duration {
        for _ in 0..100 {
            let now = pulse.deadline();
            if pulse.tick(now) == Verdict::Silent {
                return now;
            }
        }
        panic!("a silent peer is noticed within a hundred ticks");
    }

    #[test]
    fn silence_is_noticed_between_one_and_one_and_a_quarter() {
        for seed in 0..200 {
            let noticed = run_until_silent(&mut Pulse::new(SILENCE, seed, Duration::ZERO));
            assert!(noticed >= SILENCE && noticed <= SILENCE * 5 / 4, "noticed after {noticed:?}");
        }
    }

    #[test]
    fn a_clock_that_jumped_gives_the_peer_one_more_chance() {
        let mut pulse = Pulse::new(SILENCE, 1, Duration::ZERO);
        let woken = SILENCE * 100;
        assert_ne!(pulse.tick(woken), Verdict::Silent);
        pulse.heard(woken);
        assert_ne!(pulse.tick(woken + SILENCE / 2), Verdict::Silent);
    }

    #[test]
    fn pauses_lie_between_three_quarters_and_all_of_the_beat_and_differ() {
        let mut pulse = Pulse::new(SILENCE, 42, Duration::ZERO);
        let mut pauses = Vec::new();
        let mut now = Duration::ZERO;
        for _ in 0..100 {
            let next = pulse.next_beat;
            pauses.push(next - now);
            now = next;
            pulse.heard(now);
            assert_eq!(pulse.tick(now), Verdict::Beat);
        }
        assert!(pauses.iter().all(|pause| *pause >= SILENCE * 3 / 16 && *pause <= SILENCE / 4));
        pauses.sort();
        pauses.dedup();
        assert!(pauses.len() > 50, "only {} different pauses of 100", pauses.len());
    }

    #[test]
    fn no_heartbeat_leaves_when_other_bytes_did() {
        let mut pulse = Pulse::new(SILENCE, 3, Duration::ZERO);
        pulse.wrote();
        assert_eq!(pulse.tick(pulse.deadline()), Verdict::Wait);
        assert_eq!(pulse.tick(pulse.deadline()), Verdict::Beat);
    }
}

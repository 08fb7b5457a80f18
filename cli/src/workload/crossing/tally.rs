//! Who counted what, and whether it adds up.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use hdrhistogram::Histogram;
use holm::Message;
use serde::{Deserialize, Serialize};

use super::witness::Usage;
use crate::report_line::{Better, Report};

/// The longest latency that is told apart from longer ones.
const LATENCY_NS_MAX: u64 = 60_000_000_000;
/// Latencies are kept to one per cent: what a client keeps then fits beside its other data in a core's cache.
const DIGITS: u8 = 2;

/// What a client counted. Messages are counted from the first one, those that were measured from the warm-up's end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Message)]
pub(super) struct ClientTally {
    /// Requests sent.
    pub(super) sent: u64,
    /// Answers received.
    pub(super) answered: u64,
    /// What it measured.
    pub(super) measured: Measured,
}

/// What was measured within the time of a client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Measured {
    round_trips: u64,
    crossed: u64,
    elapsed_ns: u64,
    /// Latency in nanoseconds, and how often.
    latencies: Vec<(u64, u64)>,
}

/// What a server counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, Message)]
pub(super) struct ServerTally {
    /// Requests received.
    pub(super) received: u64,
    /// Answers sent.
    pub(super) answered: u64,
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, DIGITS).expect("the bounds of latencies are valid")
}

/// The time of one client. It opens with the first answer behind the warm-up and closes with the first one behind its
/// end, so that whole round trips are measured.
#[derive(Debug)]
pub(super) struct Window {
    opens_ns: u64,
    closes_ns: u64,
    opened_ns: Option<u64>,
    now_ns: u64,
    round_trips: u64,
    crossed: u64,
    latencies: Histogram<u64>,
}

impl Window {
    pub(super) fn new(now_ns: u64, warm_up: Duration, time: Duration) -> Self {
        let opens_ns = now_ns + warm_up.as_nanos() as u64;
        let closes_ns = opens_ns + time.as_nanos() as u64;
        let (opened_ns, round_trips, crossed) = (None, 0, 0);
        Self { opens_ns, closes_ns, opened_ns, now_ns, round_trips, crossed, latencies: histogram() }
    }

    /// When the last answer came.
    pub(super) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    pub(super) fn is_over(&self) -> bool {
        self.now_ns >= self.closes_ns
    }

    /// An answer came now; its request left when the one before came.
    pub(super) fn record(&mut self, now_ns: u64, crossed: bool) {
        let latency_ns = now_ns - self.now_ns;
        self.now_ns = now_ns;
        if self.opened_ns.is_some() {
            self.latencies.saturating_record(latency_ns.max(1));
            self.round_trips += 1;
            self.crossed += u64::from(crossed);
        } else if now_ns >= self.opens_ns {
            self.opened_ns = Some(now_ns);
        }
    }

    pub(super) fn close(self) -> Measured {
        let pairs = self.latencies.iter_recorded();
        Measured {
            round_trips: self.round_trips,
            crossed: self.crossed,
            elapsed_ns: self.opened_ns.map_or(0, |opened_ns| self.now_ns - opened_ns),
            latencies: pairs.map(|pair| (pair.value_iterated_to(), pair.count_at_value())).collect(),
        }
    }
}

/// What all of them counted. A round trip is two messages.
#[derive(Debug)]
pub(super) struct Totals {
    schedulers: u32,
    sent: u64,
    received: u64,
    answered: u64,
    answers_received: u64,
    round_trips: u64,
    crossed: u64,
    round_trips_per_s: f64,
    latencies: Histogram<u64>,
}

impl Totals {
    pub(super) fn new(schedulers: u32) -> Self {
        Self {
            schedulers,
            sent: 0,
            received: 0,
            answered: 0,
            answers_received: 0,
            round_trips: 0,
            crossed: 0,
            round_trips_per_s: 0.0,
            latencies: histogram(),
        }
    }

    pub(super) fn add_client(&mut self, tally: &ClientTally) -> Result<()> {
        let measured = &tally.measured;
        self.sent += tally.sent;
        self.answers_received += tally.answered;
        self.round_trips += measured.round_trips;
        self.crossed += measured.crossed;
        if measured.elapsed_ns > 0 {
            self.round_trips_per_s += measured.round_trips as f64 * 1e9 / measured.elapsed_ns as f64;
        }
        for &(value, count) in &measured.latencies {
            self.latencies.record_n(value, count).map_err(|error| anyhow!("a latency cannot be: {error}"))?;
        }
        Ok(())
    }

    pub(super) fn add_server(&mut self, tally: ServerTally) {
        self.received += tally.received;
        self.answered += tally.answered;
    }

    /// Every request was received and every answer too, once.
    fn check(&self) -> Result<()> {
        let ways = [("requests", self.sent, self.received), ("answers", self.answered, self.answers_received)];
        for (what, sent, received) in ways {
            ensure!(received >= sent, "{} of {sent} {what} were lost", sent - received);
            ensure!(received <= sent, "{received} {what} were received, {sent} were sent");
        }
        ensure!(self.round_trips > 0, "no message was answered within the measured time; give a longer --ms");
        Ok(())
    }

    /// The report, if all adds up.
    pub(super) fn report(self, usage: Usage) -> Result<Report> {
        self.check()?;
        let msgs_per_s = 2.0 * self.round_trips_per_s;
        let us = |share| self.latencies.value_at_quantile(share) as f64 / 1e3;
        Ok(Report::new("msgs_per_s", msgs_per_s, Better::Higher)
            .extra("p50_us", us(0.5))
            .extra("p99_us", us(0.99))
            .extra("p999_us", us(0.999))
            .extra("cpu_s_per_million", usage.cpus / msgs_per_s * 1e6)
            .extra("ctx_per_million", usage.switches_per_s / msgs_per_s * 1e6)
            .extra("rss_mb", usage.resident_bytes as f64 / 1e6)
            .extra("nodes", usage.nodes as f64)
            .extra("messages", 2.0 * self.round_trips as f64)
            .extra("crossed", 2.0 * self.crossed as f64)
            .extra("lost", 0.0)
            .extra("schedulers", self.schedulers.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USAGE: Usage = Usage { nodes: 2, cpus: 2.0, switches_per_s: 100.0, resident_bytes: 10_000_000 };

    /// Ten answers, the first at 100 ms, in a window from 100 to 1000 ms.
    fn client() -> ClientTally {
        let ms = Duration::from_millis;
        let mut window = Window::new(0, ms(100), ms(900));
        for answer in 1..=10 {
            assert!(!window.is_over());
            window.record(answer * 100_000_000, answer % 2 == 0);
        }
        assert!(window.is_over());
        ClientTally { sent: 10, answered: 10, measured: window.close() }
    }

    fn totals(change: impl FnOnce(&mut ClientTally, &mut ServerTally)) -> Result<Report> {
        let (mut client, mut server) = (client(), ServerTally { received: 10, answered: 10 });
        change(&mut client, &mut server);
        let mut totals = Totals::new(2);
        totals.add_client(&client)?;
        totals.add_server(server);
        totals.report(USAGE)
    }

    #[test]
    fn a_client_measures_whole_round_trips_behind_the_warm_up() {
        let measured = client().measured;
        assert_eq!((measured.round_trips, measured.crossed, measured.elapsed_ns), (9, 5, 900_000_000));
        assert_eq!(measured.latencies.iter().map(|(_, count)| count).sum::<u64>(), 9);
    }

    #[test]
    fn what_adds_up_is_reported() {
        let report = totals(|_, _| ()).unwrap();
        let line: serde_json::Value =
            serde_json::from_str(&report.line("crossing", 2, serde_json::Map::new())).unwrap();
        let extra = &line["extra"];
        assert_eq!((&line["value"], &extra["messages"], &extra["crossed"]), (&20.into(), &18.into(), &10.into()));
        assert!((extra["p50_us"].as_f64().unwrap() / 100_000.0 - 1.0).abs() < 0.01);
        assert_eq!((&extra["cpu_s_per_million"], &extra["rss_mb"]), (&100_000.into(), &10.into()));
    }

    #[test]
    fn what_is_lost_or_doubled_is_no_report() {
        let sentence = |change: fn(&mut ClientTally, &mut ServerTally)| totals(change).unwrap_err().to_string();
        assert_eq!(sentence(|_, server| server.received = 8), "2 of 10 requests were lost");
        assert_eq!(sentence(|client, _| client.answered = 9), "1 of 10 answers were lost");
        assert_eq!(sentence(|_, server| server.answered = 9), "10 answers were received, 9 were sent");
        assert!(sentence(|client, _| client.measured = Measured::default()).contains("longer --ms"));
    }
}

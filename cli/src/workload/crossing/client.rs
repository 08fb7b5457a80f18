//! The client of a group: keeps one request under way, and measures.
//!
//! The payload goes there and back and out again as one value, so that no run pays for making payloads. The clock is read
//! once for each round trip: the end of one is the beginning of the next.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use holm::clock::now_ns;
use holm::{Message, Pid, Process};
use serde::{Deserialize, Serialize};

use super::letter::{Head, Paper, ToClient, ToServer};
use super::tally::{ClientTally, Window};
use crate::split_mix::split_mix;

/// What a client is started with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Message)]
pub(super) struct Client {
    /// Who is told what it measured.
    pub(super) coordinator: Pid<ClientTally>,
    /// To whom it talks.
    pub(super) traffic: Traffic,
    /// Bytes of a payload.
    pub(super) size: u64,
    /// How long it does not record.
    pub(super) warm_up: Duration,
    /// How long it records.
    pub(super) time: Duration,
}

/// Which server is next.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Traffic {
    /// The client's number, which is that of its own group's server.
    pub(super) number: u32,
    /// Groups in a partition.
    pub(super) groups: u32,
    /// Share of the messages that are to cross.
    pub(super) share: f64,
}

/// Talks until its time is over.
#[holm::entry]
pub(super) async fn client(mut me: Process<ToClient>, job: Client) -> Result<()> {
    let ToClient::Start(servers) = me.receive().await else { return Ok(()) };
    let (this, mut random) = (me.pid(), u64::from(job.traffic.number));
    let mut paper = Paper::new(payload(job.size, &mut random));
    let mut sequences = vec![0; servers.len()];
    let mut window = Window::new(now_ns(), job.warm_up, job.time);
    let mut tally = ClientTally::default();
    while !window.is_over() {
        let number = job.traffic.next(servers.len() as u32, &mut random);
        let sequence = sequences[number as usize];
        let head = Head { client: job.traffic.number, server: number, sequence, sent_ns: window.now_ns() };
        let request = ToServer::Request(paper.seal(head), this);
        servers[number as usize].send(request).map_err(|error| anyhow!("{error}"))?;
        sequences[number as usize] += 1;
        tally.sent += 1;

        let ToClient::Answer(letter) = me.receive().await else { break };
        let answer = letter.open()?;
        ensure!(answer.0 == head, "client {} received an answer that it did not wait for: {}", head.client, answer.0);
        tally.answered += 1;
        window.record(now_ns(), job.traffic.crosses(number));
        paper = answer.1;
    }
    job.coordinator.send(ClientTally { measured: window.close(), ..tally })?;
    Ok(())
}

fn payload(size: u64, random: &mut u64) -> Bytes {
    let words = (0..size.div_ceil(8)).flat_map(|_| split_mix(random).to_le_bytes());
    words.take(size as usize).collect()
}

impl Traffic {
    /// Draws the next server out of `all`.
    fn next(self, all: u32, random: &mut u64) -> u32 {
        let others = all - self.groups;
        let draw = (split_mix(random) >> 11) as f64 / (1u64 << 53) as f64;
        if others == 0 || draw >= self.share {
            return self.number;
        }
        let other = (split_mix(random) % u64::from(others)) as u32;
        let first_of_mine = self.number / self.groups * self.groups;
        if other < first_of_mine { other } else { other + self.groups }
    }

    fn crosses(self, server: u32) -> bool {
        server / self.groups != self.number / self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(traffic: Traffic, all: u32) -> Vec<u32> {
        let mut random = 7;
        (0..10_000).map(|_| traffic.next(all, &mut random)).collect()
    }

    #[test]
    fn a_share_crosses_to_all_others_alike_and_the_rest_stays_in_its_group() {
        let traffic = Traffic { number: 5, groups: 4, share: 0.5 };
        let draws = draws(traffic, 16);
        let count = |server| draws.iter().filter(|&&drawn| drawn == server).count();
        assert!((4_800..5_200).contains(&count(5)), "{}", count(5));
        for own in [4, 6, 7] {
            assert_eq!(count(own), 0);
        }
        for other in (0..4).chain(8..16) {
            assert!(traffic.crosses(other) && (320..520).contains(&count(other)), "{other}: {}", count(other));
        }
        assert!(!traffic.crosses(5));
    }

    #[test]
    fn with_one_partition_nothing_crosses_whatever_the_share() {
        assert!(draws(Traffic { number: 1, groups: 4, share: 1.0 }, 4).iter().all(|&server| server == 1));
    }

    #[test]
    fn payloads_have_their_size_and_differ() {
        let (mut one, mut other) = (1, 2);
        for size in [1, 8, 13, 4_096] {
            let (one, other) = (payload(size, &mut one), payload(size, &mut other));
            assert!(one.len() as u64 == size && one != other);
        }
    }
}

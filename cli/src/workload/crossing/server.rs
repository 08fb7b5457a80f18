//! The server of a group: opens each letter, works, and sends it back.

use std::convert::Infallible;
use std::hint::black_box;

use anyhow::{Result, ensure};
use holm::{Message, Process};
use serde::{Deserialize, Serialize};

use super::letter::{Head, ToClient, ToServer};
use super::tally::ServerTally;
use crate::workload::arithmetic::lcg;

/// The request at which a planted fault happens.
const FAULT_AT: u64 = 10;

/// What a server does wrong, once, so that a test can see that the run finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fault {
    /// A request is lost.
    Drop,
    /// A request is answered twice.
    Twice,
    /// A bit of an answer is changed.
    Corrupt,
}

impl Fault {
    /// Reads the word of the command line.
    pub(super) fn of(word: &str) -> Option<Self> {
        match word {
            "drop" => Some(Self::Drop),
            "twice" => Some(Self::Twice),
            "corrupt" => Some(Self::Corrupt),
            _ => None,
        }
    }
}

/// What a server is started with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Message)]
pub(super) struct Server {
    /// Steps of work for each request.
    pub(super) steps: u64,
    /// What it is to do wrong.
    pub(super) fault: Option<Fault>,
}

/// Serves until the run is over.
#[holm::entry]
pub(super) async fn server(mut me: Process<ToServer>, job: Server) -> Result<Infallible> {
    let mut conversations = Conversations::default();
    let mut tally = ServerTally::default();
    let mut requests = 0;
    loop {
        let (letter, client) = match me.receive().await {
            ToServer::Request(letter, client) => (letter, client),
            ToServer::Report(reply) => {
                reply.send(tally);
                continue;
            }
        };
        requests += 1;
        let fault = job.fault.filter(|_| requests == FAULT_AT);
        if fault == Some(Fault::Drop) {
            continue;
        }
        let (head, paper) = letter.open()?;
        conversations.expect(head)?;
        tally.received += 1;
        black_box(lcg(head.sequence & 0xffff, job.steps));
        let mut answer = paper.seal(head);
        if fault == Some(Fault::Corrupt) {
            answer = answer.corrupt();
        }
        if fault == Some(Fault::Twice) {
            client.send(ToClient::Answer(answer.clone()))?;
            tally.answered += 1;
        }
        client.send(ToClient::Answer(answer))?;
        tally.answered += 1;
    }
}

/// For each client by number, which letter comes next: no gap, no repetition.
#[derive(Debug, Default)]
struct Conversations(Vec<u64>);

impl Conversations {
    fn expect(&mut self, head: Head) -> Result<()> {
        let client = head.client as usize;
        if self.0.len() <= client {
            self.0.resize(client + 1, 0);
        }
        let next = &mut self.0[client];
        ensure!(head.sequence == *next, "the server received {head}, message {next} was due");
        *next += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_and_repetitions_are_noticed() {
        let mut conversations = Conversations::default();
        let mut hear = |client, sequence| conversations.expect(Head { client, server: 0, sequence, sent_ns: 0 });
        assert!(hear(5, 0).is_ok() && hear(2, 0).is_ok() && hear(5, 1).is_ok());
        assert!(
            hear(5, 1).unwrap_err().to_string().contains("message 1 between client 5 and server 0, message 2 was due")
        );
        assert!(
            hear(2, 2).unwrap_err().to_string().contains("message 2 between client 2 and server 0, message 1 was due")
        );
    }
}

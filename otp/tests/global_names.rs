//! names that one process has over all nodes. The rules on plain data, where every order of messages and every
//! split can be made; what holds without splits over real nodes is in `global.rs`.

use holm_otp::global::names::{Action, Gossip, Names, Verdict};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Three nodes that are joined by queues, which can be cut. Processes are numbers, their node's times 1,000 and more;
/// tickets are numbers, too.
struct Net {
    nodes: Vec<Names<usize, u32, u32>>,
    /// What is on its way, from and to.
    links: BTreeMap<(usize, usize), VecDeque<Gossip<u32>>>,
    cut: BTreeSet<(usize, usize)>,
    watched_peers: BTreeSet<(usize, usize)>,
    watched: BTreeSet<u32>,
    living: BTreeSet<u32>,
    /// Watches on who had ended before, which are yet to be told: node and process.
    downs: VecDeque<(usize, u32)>,
    /// What each ticket was answered.
    verdicts: Vec<Option<Verdict<u32>>>,
    /// Loser, name, winner.
    told: Vec<(u32, String, u32)>,
    random: u64,
}

const NODES: usize = 3;

impl Net {
    fn new(seed: u64) -> Net {
        let mut net = Net {
            nodes: (0..NODES).map(|_| Names::new()).collect(),
            links: BTreeMap::new(),
            cut: BTreeSet::new(),
            watched_peers: BTreeSet::new(),
            watched: BTreeSet::new(),
            living: BTreeSet::new(),
            downs: VecDeque::new(),
            verdicts: Vec::new(),
            told: Vec::new(),
            random: seed.wrapping_mul(2) | 1,
        };
        for (from, to) in [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)] {
            net.send(from, to, Gossip::Discover);
        }
        net
    }

    /// A number below `bound`, by xorshift.
    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) as usize % bound
    }

    fn send(&mut self, from: usize, to: usize, gossip: Gossip<u32>) {
        if !self.cut.contains(&(from.min(to), from.max(to))) {
            self.links.entry((from, to)).or_default().push_back(gossip);
        }
    }

    fn perform(&mut self, node: usize, actions: Vec<Action<usize, u32, u32>>) {
        for action in actions {
            match action {
                Action::Send(to, gossip) => self.send(node, to, gossip),
                Action::WatchPeer(peer) => assert!(self.watched_peers.insert((node, peer)), "a peer is watched once"),
                Action::Watch(holder) => {
                    assert!(self.watched.insert(holder), "a holder is watched once");
                    if !self.living.contains(&holder) {
                        self.downs.push_back((node, holder));
                    }
                }
                Action::Unwatch(holder) => assert!(self.watched.remove(&holder), "only who is watched is let go"),
                Action::Answer(ticket, verdict) => {
                    let before = self.verdicts[ticket as usize].replace(verdict);
                    assert_eq!(before, None, "each is answered once");
                }
                Action::TellLoser { loser, name, winner } => self.told.push((loser, name, winner)),
            }
        }
    }

    fn spawn(&mut self, node: usize) -> u32 {
        let process = (node * 1_000 + self.living.len()) as u32 + 1_000 * NODES as u32 * self.verdicts.len() as u32;
        assert!(self.living.insert(process));
        process
    }

    /// A process of the node wants a name; gives the ticket.
    fn claim(&mut self, node: usize, name: &str, process: u32, takes: bool) -> usize {
        self.verdicts.push(None);
        let ticket = self.verdicts.len() - 1;
        let actions = self.nodes[node].register(name, process, takes, ticket as u32);
        self.perform(node, actions);
        ticket
    }

    fn unregister(&mut self, node: usize, name: &str) {
        let actions = self.nodes[node].unregister(name).unwrap_or_default();
        self.perform(node, actions);
    }

    fn end(&mut self, node: usize, process: u32) {
        self.living.remove(&process);
        if self.watched.remove(&process) {
            let actions = self.nodes[node].holder_down(process);
            self.perform(node, actions);
        }
    }

    /// What is on its way between two is lost, and both notice.
    fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert((a.min(b), a.max(b)));
        for (from, to) in [(a, b), (b, a)] {
            self.links.remove(&(from, to));
            if self.watched_peers.remove(&(from, to)) {
                let actions = self.nodes[from].peer_down(to);
                self.perform(from, actions);
            }
        }
    }

    fn heal(&mut self, a: usize, b: usize) {
        if self.cut.remove(&(a.min(b), a.max(b))) {
            self.send(a, b, Gossip::Discover);
            self.send(b, a, Gossip::Discover);
        }
    }

    /// Delivers one message, if any is on its way.
    fn deliver(&mut self) -> bool {
        if let Some((node, ended)) = self.downs.pop_front() {
            self.end(node, ended);
            return true;
        }
        let busy: Vec<_> = self.links.iter().filter(|(_, queue)| !queue.is_empty()).map(|(link, _)| *link).collect();
        if busy.is_empty() {
            return false;
        }
        let (from, to) = busy[self.below(busy.len())];
        let gossip = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front).expect("it was not empty");
        let actions = self.nodes[to].hear(from, gossip);
        self.perform(to, actions);
        true
    }

    fn settle(&mut self) {
        while self.deliver() {}
    }

    /// Those that have the name by what their own nodes say.
    fn holders(&self, name: &str) -> Vec<u32> {
        self.nodes.iter().filter_map(|node| node.local_holder(name)).collect()
    }

    /// All nodes see the same living holder, or none; whose it is.
    fn agreed(&self, name: &str) -> Option<u32> {
        let holders = self.holders(name);
        assert!(holders.len() <= 1, "{name} is held by {holders:?}");
        for node in &self.nodes {
            assert_eq!(node.whereis(name), holders.first().copied(), "all see the same: {node:?}");
        }
        assert!(holders.iter().all(|holder| self.living.contains(holder)), "{name} is held by one that has ended");
        holders.first().copied()
    }

    fn verdict(&self, ticket: usize) -> Verdict<u32> {
        self.verdicts[ticket].expect("it was answered")
    }
}

#[test]
fn r_16_a_name_given_away_on_both_sides_of_a_split_stays_with_the_earlier_and_the_other_is_told_once() {
    for seed in 0..500 {
        let mut net = Net::new(seed);
        net.settle();
        let (left, right) = (net.spawn(0), net.spawn(2));
        net.cut(0, 2);
        net.cut(1, 2);
        for _ in 0..seed % 3 {
            let other = net.spawn(0);
            net.claim(0, "another", other, true); // the left's clock goes on
            net.settle();
        }
        let tickets = [net.claim(0, "n", left, false), net.claim(2, "n", right, false)];
        net.settle();
        assert!(tickets.iter().all(|ticket| net.verdict(*ticket) == Verdict::Granted), "each side gave it away");
        assert_eq!([0, 1, 2].map(|node| net.nodes[node].whereis("n").unwrap()), [left, left, right]);
        net.heal(0, 2);
        if seed % 2 == 0 {
            net.settle();
            assert_eq!(net.told.len(), 1, "while 1 and 2 are still parted");
        }
        net.heal(1, 2);
        net.settle();
        // The same stamp: the lower pid. A higher one on the left: the right's.
        let (winner, loser) = if seed % 3 == 0 { (left, right) } else { (right, left) };
        assert_eq!(net.agreed("n"), Some(winner), "seed {seed}");
        assert_eq!(net.told, [(loser, "n".to_string(), winner)]);
        assert!(!net.watched.contains(&loser), "nothing is kept of the loser");
    }
}

/// Steps of every kind in random order. After each, and after all has arrived, `holds` looks at the net.
fn history(seed: u64, splits: bool, takes: bool, holds: impl Fn(&Net)) -> Net {
    let mut net = Net::new(seed);
    if !splits {
        net.settle(); // they know each other
    }
    let mut processes: Vec<(usize, u32)> = Vec::new();
    for _ in 0..80 {
        let (node, name) = (net.below(NODES), ["n", "m"][net.below(2)]);
        let other = (node + 1 + net.below(2)) % NODES;
        match net.below(14) {
            0 if splits => net.cut(node, other),
            1 if splits => net.heal(node, other),
            2..=5 => {
                let process = net.spawn(node);
                processes.push((node, process));
                let takes = takes && net.below(4) == 0;
                net.claim(node, name, process, takes);
            }
            6 => net.unregister(node, name),
            7 if !processes.is_empty() => {
                let at = net.below(processes.len());
                let (node, process) = processes.swap_remove(at);
                net.end(node, process);
            }
            _ => drop(net.deliver()),
        }
        holds(&net);
    }
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        net.heal(a, b);
    }
    while net.deliver() {
        holds(&net);
    }
    net
}

#[test]
fn r_16_after_random_histories_with_splits_all_agree_on_one_living_holder() {
    let (mut held, mut told) = (0, 0);
    for seed in 0..2_000 {
        let net = history(seed, true, seed % 2 == 0, |_| ());
        let holders = ["n", "m"].map(|name| net.agreed(name));
        assert!(net.verdicts.iter().all(Option::is_some), "seed {seed}: each is answered");
        let kept: BTreeSet<u32> = holders.into_iter().flatten().collect();
        assert_eq!(net.watched, kept, "seed {seed}: who has a name is watched, and nobody else");
        held += kept.len();
        told += net.told.len();
    }
    assert!(held > 1_000 && told > 1_000, "the histories are about something: {held} held, {told} told");
}

#[test]
fn r_16_without_a_split_no_two_ever_have_a_name() {
    for seed in 0..2_000 {
        let net = history(seed, false, seed % 2 == 0, |net| {
            for name in ["n", "m"] {
                assert!(net.holders(name).len() <= 1, "seed {seed}: {name} is held by {:?}", net.holders(name));
            }
        });
        for name in ["n", "m"] {
            net.agreed(name);
        }
        assert!(net.told.is_empty() && net.verdicts.iter().all(Option::is_some), "seed {seed}");
    }
}

#[test]
fn r_16_of_all_who_want_a_name_at_once_one_gets_it_and_the_others_hear_who() {
    for seed in 0..500 {
        let mut net = Net::new(seed);
        net.settle();
        let claims: Vec<(u32, usize)> = (0..6)
            .map(|at| {
                let process = net.spawn(at % NODES);
                (process, net.claim(at % NODES, "n", process, false))
            })
            .collect();
        net.settle();
        let winner = net.agreed("n").expect("somebody has it");
        for (process, ticket) in claims {
            let expected = if process == winner { Verdict::Granted } else { Verdict::Taken(winner) };
            assert_eq!(net.verdict(ticket), expected, "seed {seed}");
        }
    }
}

#[test]
fn a_claim_waits_neither_for_a_node_that_is_lost_nor_for_a_claim_of_one() {
    let mut net = Net::new(1);
    net.settle();
    let (first, second) = (net.spawn(0), net.spawn(1));
    let earlier = net.claim(0, "n", first, false);
    let later = net.claim(1, "n", second, false);
    net.cut(0, 1);
    net.cut(0, 2);
    net.settle();
    assert_eq!([earlier, later].map(|ticket| net.verdict(ticket)), [Verdict::Granted; 2]);
    net.heal(0, 1);
    net.heal(0, 2);
    net.settle();
    assert_eq!(net.agreed("n"), Some(first));
    assert_eq!(net.told, [(second, "n".to_string(), first)]);
    net.end(0, first);
    net.settle();
    assert_eq!(net.agreed("n"), None);
}

#[test]
fn one_that_ends_before_its_claim_is_decided_gets_nothing_and_lets_the_next_go_on() {
    let mut net = Net::new(1);
    net.settle();
    let (first, second, third) = (net.spawn(0), net.spawn(0), net.spawn(1));
    let tickets = [net.claim(0, "n", first, false), net.claim(0, "n", second, false), net.claim(1, "n", third, false)];
    net.end(0, first);
    net.settle();
    assert_eq!(net.verdict(tickets[0]), Verdict::Ended);
    let winner = net.agreed("n").expect("one of the living has it");
    assert!([second, third].contains(&winner) && net.told.is_empty());
}

#[test]
fn a_name_that_is_taken_changes_hands_and_nobody_is_told() {
    let mut net = Net::new(1);
    net.settle();
    let (first, second, third) = (net.spawn(0), net.spawn(1), net.spawn(1));
    net.claim(0, "n", first, false);
    net.settle();
    for process in [second, third] {
        let ticket = net.claim(1, "n", process, true);
        net.settle();
        assert_eq!((net.verdict(ticket), net.agreed("n")), (Verdict::Granted, Some(process)));
    }
    assert!(net.told.is_empty() && net.watched == BTreeSet::from([third]));
}

#[test]
fn what_a_stranger_or_a_late_answer_says_counts_nothing() {
    let mut net = Net::new(1);
    net.settle();
    let (first, claim) = (net.spawn(0), holm_otp::global::names::Claim { stamp: u64::MAX, holder: 77 });
    assert!(net.nodes[0].hear(9, Gossip::Hold("n".into(), claim)).is_empty());
    assert!(net.nodes[0].hear(9, Gossip::Ask("n".into(), claim, true)).is_empty());
    net.claim(0, "n", first, false);
    net.settle();
    assert!(net.nodes[0].hear(1, Gossip::Grant("n".into(), claim)).is_empty());
    assert!(net.nodes[0].hear(1, Gossip::Refuse("n".into(), claim, 77)).is_empty());
    assert!(net.nodes[0].hear(1, Gossip::Free("n".into())).is_empty());
    assert_eq!(net.agreed("n"), Some(first));
}

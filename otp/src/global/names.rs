//! One node's view of the names of a scope, as plain data: what happens goes in, what is to be done comes out.
//!
//! Each node speaks for the names that its own processes have, and keeps what each peer said of its own, so that a name
//! is looked up without a message. A name is given away when all peers agree, by the rules of Ricart and Agrawala (1981)
//! for mutual exclusion, with a Lamport stamp on every [`Claim`]:
//!
//! ```text
//!  A wants a name             B
//!  | ---- Ask (stamp) -------> |    B has it:                       Refuse, and who has it
//!  |                           |    B wants it by an earlier claim: no answer until B's claim is decided
//!  | <--- Grant or Refuse ---- |    else:                           Grant; nothing is kept of it
//!  | ---- Hold --------------> |    when all peers granted; one that is lost is waited for no longer
//! ```
//!
//! 1. Of two claims the one with the lower stamp is earlier, and of two with the same stamp that of the lower pid.
//! 2. A stamp is higher than all that its node has seen. So a node that granted a claim and wants the name afterwards is
//!    the later one, and has to wait for the answer of the first.
//! 3. Of two nodes that are parted each may give the name away. When they meet, each says what it has, and whoever sees
//!    that the other's claim is earlier gives the name up. Both compare the same two claims.
//! 4. A claim that *takes* is refused by nobody: whoever has the name gives it up, and grants.
//!
//! What is sent from one to another has to arrive in order, or not at all from some point on; then both hear that the
//! other is [down](Names::peer_down).
//!
//! OTP's `global` locks the name on all nodes, by retries, and then writes it into the table of each. Set aside: a lock
//! that outlives its owner has to be found and broken, where a claim is known to its own node alone.

pub use super::gossip::{Action, Claim, Gossip, Verdict};
use std::collections::{BTreeMap, BTreeSet};

type Actions<P, H, T> = Vec<Action<P, H, T>>;

/// A claim that is not decided yet.
#[derive(Debug)]
struct Wanted<P, H, T> {
    claim: Claim<H>,
    takes: bool,
    ticket: T,
    /// Whose answers are missing.
    unanswered: BTreeSet<P>,
    /// What came after it and wants the same name.
    later: Vec<Later<P, H, T>>,
}

#[derive(Debug)]
enum Later<P, H, T> {
    Own { holder: H, takes: bool, ticket: T },
    Peers { peer: P, claim: Claim<H>, takes: bool },
}

/// See the module's text. `P` names peers, `H` processes, `T` whoever waits for an answer.
#[derive(Debug)]
pub struct Names<P, H, T> {
    /// The highest stamp that was seen.
    clock: u64,
    /// What processes of this node have. No name is in this and in `wanted`.
    held: BTreeMap<String, Claim<H>>,
    /// What processes of this node want.
    wanted: BTreeMap<String, Wanted<P, H, T>>,
    /// The names that each process of this node has or wants.
    holders: BTreeMap<H, BTreeSet<String>>,
    peers: BTreeMap<P, BTreeMap<String, Claim<H>>>,
}

impl<P, H, T> Default for Names<P, H, T> {
    fn default() -> Self {
        Names {
            clock: 0,
            held: BTreeMap::new(),
            wanted: BTreeMap::new(),
            holders: BTreeMap::new(),
            peers: BTreeMap::new(),
        }
    }
}

impl<P: Copy + Ord, H: Copy + Ord, T> Names<P, H, T> {
    /// Without names and peers.
    pub fn new() -> Self {
        Self::default()
    }

    // ---- what can be asked ----

    /// Who has a name. While two have it, as long as their nodes do not know, it is the one that will keep it.
    pub fn whereis(&self, name: &str) -> Option<H> {
        let abroad = self.peers.values().filter_map(|names| names.get(name));
        self.held.get(name).into_iter().chain(abroad).min().map(|claim| claim.holder)
    }

    /// Which process of this node has a name.
    pub fn local_holder(&self, name: &str) -> Option<H> {
        self.held.get(name).map(|claim| claim.holder)
    }

    /// The names that somebody has.
    pub fn names(&self) -> BTreeSet<String> {
        self.held.keys().chain(self.peers.values().flat_map(BTreeMap::keys)).cloned().collect()
    }

    /// The peers that are known.
    pub fn peers(&self) -> impl Iterator<Item = P> {
        self.peers.keys().copied()
    }

    // ---- what happens here ----

    /// A process of this node is to have a name, and with `takes` whoever has it is to lose it. Answered once, now or
    /// later, by [`Action::Answer`].
    pub fn register(&mut self, name: &str, holder: H, takes: bool, ticket: T) -> Actions<P, H, T> {
        let mut actions = Vec::new();
        self.want(name.to_string(), holder, takes, ticket, &mut actions);
        actions
    }

    fn want(&mut self, name: String, holder: H, takes: bool, ticket: T, actions: &mut Actions<P, H, T>) {
        if let Some(wanted) = self.wanted.get_mut(&name) {
            return wanted.later.push(Later::Own { holder, takes, ticket });
        }
        let is_ours = match self.held.get(&name) {
            Some(held) if !takes => return actions.push(Action::Answer(ticket, Verdict::Taken(held.holder))),
            Some(&Claim { holder, .. }) => {
                self.held.remove(&name);
                self.unuse(holder, &name, actions);
                true
            }
            None => false,
        };
        self.clock = self.clock.saturating_add(1);
        let claim = Claim { stamp: self.clock, holder };
        // The node that has the name need ask nobody.
        let unanswered: BTreeSet<P> = if is_ours { BTreeSet::new() } else { self.peers().collect() };
        actions.extend(unanswered.iter().map(|peer| Action::Send(*peer, Gossip::Ask(name.clone(), claim, takes))));
        let names = self.holders.entry(holder).or_default();
        if names.is_empty() {
            actions.push(Action::Watch(holder));
        }
        names.insert(name.clone());
        self.wanted.insert(name.clone(), Wanted { claim, takes, ticket, unanswered, later: Vec::new() });
        self.grant_if_all_agree(name, actions);
    }

    /// Frees a name of this node. Nothing if nobody here has it.
    pub fn unregister(&mut self, name: &str) -> Option<Actions<P, H, T>> {
        let mut actions = Vec::new();
        self.free(name, &mut actions).map(|_| actions)
    }

    /// A process of this node has ended: what it had is free, what it wanted it wants no more.
    pub fn holder_down(&mut self, holder: H) -> Actions<P, H, T> {
        let mut actions = Vec::new();
        for name in self.holders.remove(&holder).unwrap_or_default() {
            if self.free(&name, &mut actions).is_none() {
                self.give_up(name, Verdict::Ended, &mut actions);
            }
        }
        actions
    }

    /// Frees a name that a process here has, and says which claim that was.
    fn free(&mut self, name: &str, actions: &mut Actions<P, H, T>) -> Option<Claim<H>> {
        let claim = self.held.remove(name)?;
        self.unuse(claim.holder, name, actions);
        self.tell_peers(&Gossip::Free(name.to_string()), actions);
        Some(claim)
    }

    /// The process neither has nor wants the name any more.
    fn unuse(&mut self, holder: H, name: &str, actions: &mut Actions<P, H, T>) {
        let Some(names) = self.holders.get_mut(&holder) else { return }; // it has ended
        names.remove(name);
        if names.is_empty() {
            self.holders.remove(&holder);
            actions.push(Action::Unwatch(holder));
        }
    }

    fn tell_peers(&self, gossip: &Gossip<H>, actions: &mut Actions<P, H, T>) {
        actions.extend(self.peers.keys().map(|peer| Action::Send(*peer, gossip.clone())));
    }

    // ---- how a claim is decided ----

    fn grant_if_all_agree(&mut self, name: String, actions: &mut Actions<P, H, T>) {
        if self.wanted.get(&name).is_none_or(|wanted| !wanted.unanswered.is_empty()) {
            return;
        }
        let Some(wanted) = self.wanted.remove(&name) else { return };
        self.held.insert(name.clone(), wanted.claim);
        self.tell_peers(&Gossip::Hold(name.clone(), wanted.claim), actions);
        actions.push(Action::Answer(wanted.ticket, Verdict::Granted));
        self.resume(&name, wanted.later, actions);
    }

    fn give_up(&mut self, name: String, verdict: Verdict<H>, actions: &mut Actions<P, H, T>) {
        let Some(wanted) = self.wanted.remove(&name) else { return };
        self.unuse(wanted.claim.holder, &name, actions);
        actions.push(Action::Answer(wanted.ticket, verdict));
        self.resume(&name, wanted.later, actions);
    }

    /// A claim is decided: on with what waited for that.
    fn resume(&mut self, name: &str, later: Vec<Later<P, H, T>>, actions: &mut Actions<P, H, T>) {
        for later in later {
            match later {
                Later::Own { holder, takes, ticket } => self.want(name.to_string(), holder, takes, ticket, actions),
                Later::Peers { peer, claim, takes } => self.answer(peer, name.to_string(), claim, takes, actions),
            }
        }
    }

    fn answer(&mut self, peer: P, name: String, claim: Claim<H>, takes: bool, actions: &mut Actions<P, H, T>) {
        self.clock = self.clock.max(claim.stamp);
        if let Some(wanted) = self.wanted.get_mut(&name).filter(|wanted| wanted.claim < claim) {
            return wanted.later.push(Later::Peers { peer, claim, takes });
        }
        if takes {
            self.free(&name, actions);
        }
        let answer = match self.held.get(&name) {
            Some(held) => Gossip::Refuse(name, claim, held.holder),
            None => Gossip::Grant(name, claim),
        };
        actions.push(Action::Send(peer, answer));
    }

    // ---- what happens elsewhere ----

    /// A peer is lost, with its names.
    pub fn peer_down(&mut self, lost: P) -> Actions<P, H, T> {
        let mut actions = Vec::new();
        self.peers.remove(&lost);
        for wanted in self.wanted.values_mut() {
            wanted.unanswered.remove(&lost);
            wanted.later.retain(|later| !matches!(later, Later::Peers { peer, .. } if *peer == lost));
        }
        for name in self.wanted.keys().cloned().collect::<Vec<_>>() {
            self.grant_if_all_agree(name, &mut actions);
        }
        actions
    }

    /// A peer says something.
    pub fn hear(&mut self, peer: P, gossip: Gossip<H>) -> Actions<P, H, T> {
        let mut actions = Vec::new();
        let is_new = !self.peers.contains_key(&peer);
        match gossip {
            Gossip::Discover => self.introduce(peer, is_new, &mut actions),
            Gossip::Sync(names) => {
                if is_new {
                    self.introduce(peer, is_new, &mut actions);
                }
                self.peers.insert(peer, BTreeMap::new());
                names.into_iter().for_each(|(name, claim)| self.compare(peer, name, claim, &mut actions));
            }
            _ if is_new => {} // from before it was lost: it will say all again
            Gossip::Ask(name, claim, takes) => self.answer(peer, name, claim, takes, &mut actions),
            Gossip::Grant(name, claim) => {
                if let Some(wanted) = self.wanted.get_mut(&name).filter(|wanted| wanted.claim == claim) {
                    wanted.unanswered.remove(&peer);
                    self.grant_if_all_agree(name, &mut actions);
                }
            }
            Gossip::Refuse(name, claim, holder) => {
                if self.wanted.get(&name).is_some_and(|wanted| wanted.claim == claim) {
                    self.give_up(name, Verdict::Taken(holder), &mut actions);
                }
            }
            Gossip::Hold(name, claim) => self.compare(peer, name, claim, &mut actions),
            Gossip::Free(name) => {
                self.peers.get_mut(&peer).and_then(|names| names.remove(&name));
            }
        }
        actions
    }

    /// Says what this node has and, to one that was not known, asks for what it wants.
    fn introduce(&mut self, peer: P, is_new: bool, actions: &mut Actions<P, H, T>) {
        let held = self.held.iter().map(|(name, claim)| (name.clone(), *claim)).collect();
        actions.push(Action::Send(peer, Gossip::Sync(held)));
        if is_new {
            self.peers.insert(peer, BTreeMap::new());
            actions.push(Action::WatchPeer(peer));
            for (name, wanted) in &mut self.wanted {
                wanted.unanswered.insert(peer);
                let ask = Gossip::Ask(name.clone(), wanted.claim, wanted.takes);
                actions.push(Action::Send(peer, ask));
            }
        }
    }

    /// A peer has a name. If a process here has it, too, the later claim gives it up: if that is the peer's, the peer
    /// does, for it hears of ours.
    fn compare(&mut self, peer: P, name: String, claim: Claim<H>, actions: &mut Actions<P, H, T>) {
        self.clock = self.clock.max(claim.stamp);
        if self.held.get(&name).is_some_and(|ours| claim < *ours)
            && let Some(ours) = self.free(&name, actions)
        {
            actions.push(Action::TellLoser { loser: ours.holder, name: name.clone(), winner: claim.holder });
        }
        self.peers.entry(peer).or_default().insert(name, claim);
    }
}

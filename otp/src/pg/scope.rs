//! One node's view of the groups of a scope, as plain data: what happens goes in, what is to be done comes out.
//!
//! Each scope speaks for the members on its own node only, and keeps what each peer said of its own. So no two ever
//! disagree about a member, and whatever order they meet in, they end with the same groups once nothing is on its way.
//!
//! ```text
//!  A                          B          A learns that there is a B
//!  | -------- Discover ------> |         B adopts A as a peer,
//!  | <--------- Sync --------- |         and says all that it has; A adopts B,
//!  | ---------- Sync --------> |         and says all that it has, for B was new to it
//!  | -- Join, Leave, Join ---> |         from here on each says what changes
//! ```
//!
//! What is sent from one to another has to arrive in order, or not at all from some point on; then both hear that the
//! other is [down](Scope::peer_down), forget what it said, and may discover each other again.
//!
//! OTP's `pg` discovers in both directions and syncs in both, four messages for these three. It keeps one table with
//! all members of a group; here a group's members are gathered from the peers when they are asked for, so that there is
//! nothing to keep equal.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Members by group. A group without members is not there; a member is there as often as it has joined.
type Groups<M> = BTreeMap<String, Vec<M>>;

/// What one scope says to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gossip<M> {
    /// Who are you?
    Discover,
    /// All members on the sender's node.
    Sync(Vec<(String, Vec<M>)>),
    /// Members that joined a group.
    Join(String, Vec<M>),
    /// Members that left groups: each loses one membership in each, as often as it is named.
    Leave(Vec<String>, M),
}

/// What a scope wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<P, M> {
    /// Send this to a peer.
    Send(P, Gossip<M>),
    /// Say when the peer is lost, by [`Scope::peer_down`].
    WatchPeer(P),
    /// Say when the member has ended, by [`Scope::member_down`].
    WatchMember(M),
    /// The member has left its last group: no need to say more.
    UnwatchMember(M),
    /// Tell whoever watches the group.
    Changed(Change<M>),
}

/// A group changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<M> {
    /// Which.
    pub group: String,
    /// Members that joined, each as often as it did.
    pub joined: Vec<M>,
    /// Members that left, each as often as it did.
    pub left: Vec<M>,
}

/// See the module's text. `P` names peers, `M` members.
#[derive(Clone, Debug)]
pub struct Scope<P, M> {
    local: Groups<M>,
    /// The groups of each local member, each as often as it has joined.
    members: BTreeMap<M, Vec<String>>,
    peers: BTreeMap<P, Groups<M>>,
}

impl<P, M> Default for Scope<P, M> {
    fn default() -> Self {
        Scope { local: BTreeMap::new(), members: BTreeMap::new(), peers: BTreeMap::new() }
    }
}

impl<P: Copy + Ord, M: Copy + Ord> Scope<P, M> {
    /// A scope without groups and peers.
    pub fn new() -> Self {
        Self::default()
    }

    // ---- what can be asked ----

    /// The members of a group, those of this node first; each as often as it has joined.
    pub fn members(&self, group: &str) -> Vec<M> {
        let abroad = self.peers.values().filter_map(|groups| groups.get(group));
        self.local.get(group).into_iter().chain(abroad).flatten().copied().collect()
    }

    /// The members of a group on this node.
    pub fn local_members(&self, group: &str) -> Vec<M> {
        self.local.get(group).cloned().unwrap_or_default()
    }

    /// The groups that have members.
    pub fn groups(&self) -> Vec<String> {
        let abroad = self.peers.values().flat_map(BTreeMap::keys);
        let all: std::collections::BTreeSet<&String> = self.local.keys().chain(abroad).collect();
        all.into_iter().cloned().collect()
    }

    /// The groups that have members on this node.
    pub fn local_groups(&self) -> Vec<String> {
        self.local.keys().cloned().collect()
    }

    /// The peers that are known.
    pub fn peers(&self) -> impl Iterator<Item = P> {
        self.peers.keys().copied()
    }

    // ---- what happens here ----

    /// A member of this node joins a group, once more if it has before.
    pub fn join(&mut self, group: &str, member: M) -> Vec<Action<P, M>> {
        self.local.entry(group.to_string()).or_default().push(member);
        let groups = self.members.entry(member).or_default();
        let is_new = groups.is_empty();
        groups.push(group.to_string());
        let mut actions = Vec::new();
        if is_new {
            actions.push(Action::WatchMember(member));
        }
        self.tell_peers(&Gossip::Join(group.to_string(), vec![member]), &mut actions);
        actions.push(changed(group, vec![member], Vec::new()));
        actions
    }

    /// A member of this node leaves a group, once. Nothing if it is not in it.
    pub fn leave(&mut self, group: &str, member: M) -> Option<Vec<Action<P, M>>> {
        let groups = self.members.get_mut(&member)?;
        let at = groups.iter().position(|joined| joined == group)?;
        groups.swap_remove(at);
        let is_last = groups.is_empty();
        let mut actions = self.leaves(vec![group.to_string()], member);
        if is_last {
            self.members.remove(&member);
            actions.push(Action::UnwatchMember(member));
        }
        Some(actions)
    }

    /// A member of this node has ended: it leaves all its groups, as often as it had joined.
    pub fn member_down(&mut self, member: M) -> Vec<Action<P, M>> {
        match self.members.remove(&member) {
            Some(groups) => self.leaves(groups, member),
            None => Vec::new(), // it left meanwhile
        }
    }

    fn leaves(&mut self, groups: Vec<String>, member: M) -> Vec<Action<P, M>> {
        let mut actions = Vec::new();
        for group in &groups {
            remove_one(&mut self.local, group, member);
            actions.push(changed(group, Vec::new(), vec![member]));
        }
        self.tell_peers(&Gossip::Leave(groups, member), &mut actions);
        actions
    }

    fn tell_peers(&self, gossip: &Gossip<M>, actions: &mut Vec<Action<P, M>>) {
        actions.extend(self.peers.keys().map(|peer| Action::Send(*peer, gossip.clone())));
    }

    // ---- what happens elsewhere ----

    /// A peer is lost, with its members.
    pub fn peer_down(&mut self, peer: P) -> Vec<Action<P, M>> {
        let lost = self.peers.remove(&peer).unwrap_or_default();
        lost.into_iter().map(|(group, members)| changed(&group, Vec::new(), members)).collect()
    }

    /// A peer says something.
    pub fn hear(&mut self, peer: P, gossip: Gossip<M>) -> Vec<Action<P, M>> {
        let mut actions = Vec::new();
        let is_new = !self.peers.contains_key(&peer);
        match gossip {
            Gossip::Discover => {
                self.adopt(peer, is_new, &mut actions);
                actions.push(Action::Send(peer, self.sync()));
            }
            Gossip::Sync(groups) => {
                self.adopt(peer, is_new, &mut actions);
                if is_new {
                    actions.push(Action::Send(peer, self.sync()));
                }
                self.replace(peer, groups, &mut actions);
            }
            Gossip::Join(..) | Gossip::Leave(..) if is_new => {} // from before it was lost: it will say all again
            Gossip::Join(group, members) => {
                let groups = self.peers.entry(peer).or_default();
                groups.entry(group.clone()).or_default().extend(&members);
                actions.push(changed(&group, members, Vec::new()));
            }
            Gossip::Leave(groups, member) => {
                let theirs = self.peers.entry(peer).or_default();
                let left = groups.into_iter().filter(|group| remove_one(theirs, group, member));
                actions.extend(left.map(|group| changed(&group, Vec::new(), vec![member])));
            }
        }
        actions
    }

    fn adopt(&mut self, peer: P, is_new: bool, actions: &mut Vec<Action<P, M>>) {
        if is_new {
            self.peers.insert(peer, Groups::new());
            actions.push(Action::WatchPeer(peer));
        }
    }

    fn sync(&self) -> Gossip<M> {
        Gossip::Sync(self.local.iter().map(|(group, members)| (group.clone(), members.clone())).collect())
    }

    /// What the peer said before is replaced by what it says now; whoever watches hears of the differences.
    fn replace(&mut self, peer: P, groups: Vec<(String, Vec<M>)>, actions: &mut Vec<Action<P, M>>) {
        let new: Groups<M> = groups.into_iter().filter(|(_, members)| !members.is_empty()).collect();
        let mut old = self.peers.insert(peer, new.clone()).unwrap_or_default();
        for (group, members) in new {
            let before = old.remove(&group).unwrap_or_default();
            let (joined, left) = (without(&members, &before), without(&before, &members));
            if !joined.is_empty() || !left.is_empty() {
                actions.push(changed(&group, joined, left));
            }
        }
        actions.extend(old.into_iter().map(|(group, members)| changed(&group, Vec::new(), members)));
    }
}

fn changed<P, M>(group: &str, joined: Vec<M>, left: Vec<M>) -> Action<P, M> {
    Action::Changed(Change { group: group.to_string(), joined, left })
}

/// Takes one membership away, and the group with its last one. False if there was none.
fn remove_one<M: Copy + Ord>(groups: &mut Groups<M>, group: &str, member: M) -> bool {
    let Some(members) = groups.get_mut(group) else { return false };
    let Some(at) = members.iter().position(|other| *other == member) else { return false };
    members.remove(at);
    if members.is_empty() {
        groups.remove(group);
    }
    true
}

/// The first list without what is in the second, each as often as it is there.
fn without<M: Copy + Ord>(these: &[M], those: &[M]) -> Vec<M> {
    let mut counts: BTreeMap<M, usize> = BTreeMap::new();
    those.iter().for_each(|member| *counts.entry(*member).or_default() += 1);
    let is_extra = |member: &&M| match counts.get_mut(member) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    these.iter().filter(is_extra).copied().collect()
}

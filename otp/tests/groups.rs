//! Family R of the conformance catalogue, as far as it is about groups: the rules on plain data, where every order of
//! messages can be made and nodes come back, and the whole of it over real nodes.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

mod group_workers;

use group_workers::{SCOPE, all_see, end_scopes, order, sees, start_scopes, worker, workers};
use harness::{There, rounds_of};
use holm::{CallError, Pid, Process, Reason, SpawnOptions};
use holm_otp::pg::{
    Change, GROUP_NAME_LEN_MAX, GroupError, Groups,
    scope::{Action, Gossip, Scope},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

// ---- on plain data ----

/// Scopes that are joined by queues, which can be cut. Members are numbers.
struct Net {
    scopes: Vec<Scope<usize, u32>>,
    /// What is on its way, from and to.
    links: BTreeMap<(usize, usize), VecDeque<Gossip<u32>>>,
    cut: BTreeSet<(usize, usize)>,
    watched: BTreeSet<(usize, usize)>,
    changes: Vec<Vec<Change<u32>>>,
    random: u64,
}

impl Net {
    fn new(count: usize, seed: u64) -> Net {
        let mut net = Net {
            scopes: vec![Scope::new(); count],
            links: BTreeMap::new(),
            cut: BTreeSet::new(),
            watched: BTreeSet::new(),
            changes: vec![Vec::new(); count],
            random: seed.wrapping_mul(2) | 1,
        };
        (0..count).for_each(|node| net.discover(node));
        net
    }

    /// A number below `bound`, by xorshift.
    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 20) as usize % bound
    }

    fn connected(&self, a: usize, b: usize) -> bool {
        !self.cut.contains(&(a.min(b), a.max(b)))
    }

    fn discover(&mut self, node: usize) {
        for other in (0..self.scopes.len()).filter(|other| *other != node) {
            self.send(node, other, Gossip::Discover);
        }
    }

    fn send(&mut self, from: usize, to: usize, gossip: Gossip<u32>) {
        if self.connected(from, to) {
            self.links.entry((from, to)).or_default().push_back(gossip);
        }
    }

    fn perform(&mut self, node: usize, actions: Vec<Action<usize, u32>>) {
        for action in actions {
            match action {
                Action::Send(to, gossip) => self.send(node, to, gossip),
                Action::WatchPeer(peer) => assert!(self.watched.insert((node, peer)), "a peer is watched once"),
                Action::Changed(change) => self.changes[node].push(change),
                Action::WatchMember(_) | Action::UnwatchMember(_) => {}
            }
        }
    }

    fn join(&mut self, node: usize, group: &str, member: u32) {
        let actions = self.scopes[node].join(group, member);
        self.perform(node, actions);
    }

    fn leave(&mut self, node: usize, group: &str, member: u32) {
        let actions = self.scopes[node].leave(group, member).unwrap_or_default();
        self.perform(node, actions);
    }

    fn end(&mut self, node: usize, member: u32) {
        let actions = self.scopes[node].member_down(member);
        self.perform(node, actions);
    }

    /// What is on its way between two is lost, and both notice.
    fn cut(&mut self, a: usize, b: usize) {
        self.cut.insert((a.min(b), a.max(b)));
        for (from, to) in [(a, b), (b, a)] {
            self.links.remove(&(from, to));
            if self.watched.remove(&(from, to)) {
                let actions = self.scopes[from].peer_down(to);
                self.perform(from, actions);
            }
        }
    }

    /// The connection is back; one of the two notices first.
    fn heal(&mut self, a: usize, b: usize) {
        if self.cut.remove(&(a.min(b), a.max(b))) {
            self.send(a, b, Gossip::Discover);
            self.send(b, a, Gossip::Discover);
        }
    }

    /// Delivers one message, if any is on its way.
    fn deliver(&mut self) -> bool {
        let busy: Vec<_> = self.links.iter().filter(|(_, queue)| !queue.is_empty()).map(|(link, _)| *link).collect();
        if busy.is_empty() {
            return false;
        }
        let (from, to) = busy[self.below(busy.len())];
        let gossip = self.links.get_mut(&(from, to)).and_then(VecDeque::pop_front).expect("it was not empty");
        let actions = self.scopes[to].hear(from, gossip);
        self.perform(to, actions);
        true
    }

    fn settle(&mut self) {
        while self.deliver() {}
    }

    fn members(&self, node: usize, group: &str) -> Vec<u32> {
        let mut members = self.scopes[node].members(group);
        members.sort_unstable();
        members
    }

    fn assert_all_see(&self, group: &str, members: &[u32]) {
        for node in 0..self.scopes.len() {
            assert_eq!(self.members(node, group), members, "of {group} on node {node}");
        }
    }

    /// What a watcher on the node would believe that the group is.
    fn as_watched(&self, node: usize, group: &str) -> Vec<u32> {
        let mut members: Vec<u32> = Vec::new();
        for change in self.changes[node].iter().filter(|change| change.group == group) {
            members.extend(&change.joined);
            for left in &change.left {
                let at = members.iter().position(|member| member == left).expect("only a member leaves");
                members.swap_remove(at);
            }
        }
        members.sort_unstable();
        members
    }
}

#[test]
fn r_11_a_member_twice_leaves_twice_and_is_none_when_it_ends_on_every_scope() {
    for seed in 0..100 {
        let mut net = Net::new(3, seed);
        net.join(0, "g", 1);
        net.deliver();
        net.join(0, "g", 1);
        net.settle();
        net.assert_all_see("g", &[1, 1]);
        net.leave(0, "g", 1);
        net.settle();
        net.assert_all_see("g", &[1]);
        net.join(0, "g", 1);
        net.join(0, "h", 1);
        net.settle();
        net.end(0, 1);
        net.settle();
        net.assert_all_see("g", &[]);
        net.assert_all_see("h", &[]);
        assert_eq!(net.scopes[0].leave("g", 1), None);
    }
}

#[test]
fn r_12_a_lost_nodes_members_vanish_and_reappear_exactly_once() {
    for seed in 0..300 {
        let mut net = Net::new(3, seed);
        for node in 0..3 {
            net.join(node, "g", node as u32);
        }
        for _ in 0..net.below(12) {
            net.deliver(); // it may be lost before all have heard of all
        }
        net.cut(0, 2);
        net.cut(1, 2);
        net.settle();
        assert_eq!((net.members(0, "g"), net.members(1, "g")), (vec![0, 1], vec![0, 1]));
        assert_eq!(net.members(2, "g"), [2], "alone with its own");
        net.heal(0, 2);
        net.heal(2, 1);
        net.settle();
        net.assert_all_see("g", &[0, 1, 2]);
        for node in 0..3 {
            assert_eq!(net.as_watched(node, "g"), [0, 1, 2], "who watched on node {node} believes the same");
        }
    }
}

/// Steps of every kind in random order, splits among them; when all is healed and has arrived, all see the living.
#[test]
fn r_14_after_a_split_all_see_the_union_of_the_living() {
    for seed in 0..2_000 {
        let mut net = Net::new(3, seed);
        let mut joined: BTreeMap<(u32, usize), usize> = BTreeMap::new(); // times, by member and group
        for _ in 0..60 {
            let (node, group) = (net.below(3), net.below(2));
            let other = (node + 1 + net.below(2)) % 3;
            let member = (node * 10 + net.below(3)) as u32;
            let name = ["g", "h"][group];
            match net.below(12) {
                0 => net.cut(node, other),
                1 => net.heal(node, other),
                2..=5 => {
                    net.join(node, name, member);
                    *joined.entry((member, group)).or_default() += 1;
                }
                6..=7 => {
                    net.leave(node, name, member);
                    joined.entry((member, group)).and_modify(|times| *times = times.saturating_sub(1));
                }
                8 => {
                    net.end(node, member);
                    joined.retain(|(ended, _), _| *ended != member);
                }
                _ => drop(net.deliver()),
            }
        }
        for (a, b) in [(0, 1), (1, 2), (0, 2)] {
            net.heal(a, b);
        }
        net.settle();
        for (group, name) in ["g", "h"].into_iter().enumerate() {
            let times = joined.iter().filter(|((_, of), _)| *of == group);
            let living: Vec<u32> = times.flat_map(|((member, _), times)| vec![*member; *times]).collect();
            net.assert_all_see(name, &living);
            (0..3).for_each(|node| assert_eq!(net.as_watched(node, name), living, "seed {seed}"));
        }
    }
}

#[test]
fn r_15_an_empty_group_is_in_no_table() {
    let mut net = Net::new(3, 7);
    net.join(0, "g", 1);
    net.join(1, "g", 11);
    net.join(1, "h", 11);
    net.settle();
    net.scopes.iter().for_each(|scope| assert_eq!(scope.groups(), ["g", "h"]));
    net.end(1, 11);
    net.leave(0, "g", 1);
    net.settle();
    for scope in &net.scopes {
        assert!(scope.groups().is_empty() && scope.local_groups().is_empty());
        assert_eq!(format!("{scope:?}").matches('"').count(), 0, "no name is kept: {scope:?}");
    }
}

#[test]
fn a_scope_that_starts_again_is_another_peer() {
    let (mut scope, changes) = (Scope::<u32, u32>::new(), |actions: Vec<Action<u32, u32>>| actions.len());
    assert_eq!(changes(scope.hear(1, Gossip::Join("g".into(), vec![5]))), 0, "a stranger's word counts nothing");
    scope.hear(1, Gossip::Sync(vec![("g".into(), vec![5, 5]), ("empty".into(), Vec::new())]));
    assert_eq!((scope.members("g"), scope.groups()), (vec![5, 5], vec!["g".to_string()]));
    scope.hear(2, Gossip::Discover);
    let actions = scope.hear(2, Gossip::Sync(vec![("g".into(), vec![6])]));
    assert_eq!(actions.len(), 1, "it is known by its discovery");
    scope.peer_down(1);
    assert_eq!(scope.members("g"), [6]);
    scope.hear(2, Gossip::Leave(vec!["g".into(), "h".into()], 7));
    assert_eq!(scope.members("g"), [6], "one that was no member leaves nothing");
}

// ---- over real nodes ----

cases! {
    in_every_placement:
        r_11_a_member_twice_must_leave_twice_and_its_end_is_seen_on_every_node,
        r_13_leaving_and_ending_at_once_leaves_nothing,
        r_15_an_empty_group_vanishes_on_every_node;
    on_one_node:
        a_watcher_hears_every_change_after_what_it_was_given,
        odd_joins_are_errors,
        a_scope_that_ended_has_nobody;
    in_full:
        r_13_leaving_and_ending_at_once_leaves_nothing;
}

async fn r_11_a_member_twice_must_leave_twice_and_its_end_is_seen_on_every_node(mut me: Process<u64>, _: There) {
    let (_, keepers) = start_scopes(&mut me).await;
    let workers = workers(&mut me, "r_11").await;
    let last = *workers.last().unwrap();
    order(&mut me, last, 1).await;
    order(&mut me, last, 1).await;
    all_see(&mut me, &workers, 2).await;
    order(&mut me, last, 2).await;
    all_see(&mut me, &workers, 1).await;
    order(&mut me, last, 1).await;
    all_see(&mut me, &workers, 2).await;
    order(&mut me, last, 3).await;
    all_see(&mut me, &workers, 0).await;
    end_scopes(&mut me, keepers).await;
}

async fn r_13_leaving_and_ending_at_once_leaves_nothing(mut me: Process<u64>, there: There) {
    let (groups, keepers) = start_scopes(&mut me).await;
    for _ in 0..rounds_of(1_000, 1_000, 100) {
        let options = SpawnOptions::new().scheduler(there.0);
        let member = me.spawn_entry(worker, "r_13".to_string(), options).await.unwrap().pid;
        order(&mut me, member, 1).await;
        order(&mut me, member, 1).await;
        order(&mut me, member, 4).await; // whichever comes first
        sees(&mut me, member, 0).await;
        holm::exit(member, Reason::Kill);
    }
    while !groups.members("r_13").is_empty() {
        holm::yield_now().await;
    }
    end_scopes(&mut me, keepers).await;
}

async fn r_15_an_empty_group_vanishes_on_every_node(mut me: Process<u64>, _: There) {
    let (groups, keepers) = start_scopes(&mut me).await;
    let workers = workers(&mut me, "r_15").await;
    let last = *workers.last().unwrap();
    order(&mut me, last, 1).await;
    all_see(&mut me, &workers, 1).await;
    assert_eq!(groups.which_groups(), ["r_15"]);
    assert_eq!(groups.which_local_groups().len(), usize::from(workers.len() == 1));
    order(&mut me, last, 2).await;
    all_see(&mut me, &workers, 0).await;
    assert!(groups.which_groups().is_empty());
    end_scopes(&mut me, keepers).await;
}

async fn a_watcher_hears_every_change_after_what_it_was_given(mut me: Process<u64>, _: There) {
    #[derive(Debug, PartialEq, holm::Message)]
    #[message(local)]
    struct Changed(Change<Pid<u64>>);

    let (groups, keepers) = start_scopes(&mut me).await;
    let own = me.pid();
    groups.join(&mut me, "watched", own).await.unwrap();
    let inside = groups.clone();
    let watcher = async move |mut me: Process<Changed>| {
        let groups = inside;
        let (watch, members) = groups.monitor(&mut me, "watched", Changed);
        assert_eq!(members, [own]);
        let (scope, all) = groups.monitor_scope(&mut me, Changed);
        assert_eq!(all, [("watched".to_string(), vec![own])]);
        groups.join(&mut me, "other", own).await.unwrap();
        assert_eq!(me.receive().await.0.group, "other", "to the watcher of the scope alone");
        assert!(groups.demonitor(&me, scope) && !groups.demonitor(&me, scope));
        groups.leave(&mut me, "other", own).await.unwrap();
        groups.leave(&mut me, "watched", own).await.unwrap();
        let left = Change { group: "watched".into(), joined: vec![], left: vec![own] };
        assert_eq!(me.receive().await, Changed(left));
        assert!(groups.demonitor(&me, watch));
        groups.join(&mut me, "watched", own).await.unwrap();
        assert_eq!(me.receive_within(harness::QUIET).await, None);
        groups.monitor(&mut me, "watched", Changed);
    };
    let (_, monitor) = me.spawn_monitor(watcher).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
    groups.leave(&mut me, "watched", own).await.unwrap();
    end_scopes(&mut me, keepers).await;
}

async fn odd_joins_are_errors(mut me: Process<u64>, _: There) {
    let (groups, keepers) = start_scopes(&mut me).await;
    let own = me.pid();
    assert_eq!(groups.leave(&mut me, "nobody's", own).await, Err(GroupError::NotJoined(own.untyped())));
    let long = "x".repeat(GROUP_NAME_LEN_MAX + 1);
    assert_eq!(groups.join(&mut me, &long, own).await, Err(GroupError::NameTooLong(GROUP_NAME_LEN_MAX + 1)));
    let (ended, monitor) = me.spawn_monitor(async |_: Process<u64>| ()).unwrap();
    me.down(monitor).await;
    groups.join(&mut me, "the ended", ended).await.unwrap();
    while !groups.members("the ended").is_empty() {
        holm::yield_now().await;
    }
    assert!(Groups::<String>::find(SCOPE).is_none(), "a scope of other messages");
    end_scopes(&mut me, keepers).await;
}

async fn a_scope_that_ended_has_nobody(mut me: Process<u64>, _: There) {
    let (groups, keepers) = start_scopes(&mut me).await;
    let own = me.pid();
    groups.join(&mut me, "g", own).await.unwrap();
    let scope = me.monitor(groups.pid());
    end_scopes(&mut me, keepers).await;
    me.down(scope).await;
    assert!(groups.members("g").is_empty() && groups.which_groups().is_empty());
    let refused = groups.join(&mut me, "g", own).await;
    assert_eq!(refused, Err(GroupError::Scope(CallError::Unanswered(Reason::NoProc))));
}

//! R-16 over real nodes, as far as they stay together: names that one process has over all nodes. Splits are made on
//! plain data, in `global_names.rs`: a layout's node that is lost stays lost.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

use harness::{CASE_LIMIT, There, rounds};
use holm::{Pid, Process, Reason, Reply, SpawnOptions};
use holm_otp::global::{GLOBAL_NAME_LEN_MAX, Global, GlobalError};
use std::{future::pending, time::Instant};

const SCOPE: &str = "r names";

cases! {
    in_every_placement:
        r_16_of_two_claims_at_once_exactly_one_is_granted,
        r_16_a_name_is_free_on_all_nodes_when_its_holder_has_ended,
        a_name_that_is_taken_changes_hands;
    on_one_node:
        odd_registrations_are_errors;
    on_two_nodes_alone:
        r_16_a_scope_that_starts_knows_what_was_given_away,
        r_16_a_lost_nodes_names_are_free;
}

/// Keeps a node's scope for as long as it lives.
#[holm::entry]
async fn keeper(mut me: Process<u64>, ready: Pid<u64>) {
    Global::<u64>::start_link(&mut me, SCOPE).await.unwrap();
    ready.send(0).unwrap();
    pending::<()>().await;
}

/// Starts a scope on every node.
async fn start_scopes(me: &mut Process<u64>) -> (Global<u64>, Vec<Pid<u64>>) {
    let mut keepers = Vec::new();
    for node in holm::nodes() {
        let there = SpawnOptions::new().scheduler(node.schedulers.start);
        keepers.push(me.spawn_entry(keeper, me.pid(), there).await.unwrap().pid);
        me.receive().await;
    }
    let names = Global::find(SCOPE).unwrap();
    assert_eq!(names.nodes().len() + 1, keepers.len(), "a scope that has started knows the others, and they it");
    (names, keepers)
}

async fn end_scopes(me: &mut Process<u64>, keepers: Vec<Pid<u64>>) {
    for keeper in keepers {
        harness::end(me, keeper, Reason::Shutdown).await;
    }
    until(|| Global::<u64>::find(SCOPE).is_none()).await;
}

async fn until(mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + CASE_LIMIT;
    while !holds() {
        assert!(Instant::now() < limit, "what was to come did not");
        holm::yield_now().await;
    }
}

async fn idle(mut me: Process<u64>) {
    me.receive().await;
}

/// What a clerk is to do on its node; a name and the way to answer.
#[derive(Debug, serde::Serialize, serde::Deserialize, holm::Message)]
enum Order {
    /// Register a new process, which is the answer if it got the name.
    Claim(String, Reply<Option<Pid<u64>>>),
    /// The same, whoever has the name.
    Take(String, Reply<Option<Pid<u64>>>),
    Find(String, Reply<Option<Pid<u64>>>),
}

#[holm::entry]
async fn clerk(mut me: Process<Order>, (): ()) {
    let names = Global::<u64>::find(SCOPE).unwrap();
    loop {
        match me.receive().await {
            Order::Claim(name, reply) => {
                let holder = me.spawn(idle).unwrap();
                let granted = names.register(&mut me, &name, holder).await;
                assert!(matches!(granted, Ok(()) | Err(GlobalError::Taken(_))), "{granted:?}");
                reply.send(granted.is_ok().then_some(holder));
            }
            Order::Take(name, reply) => {
                let holder = me.spawn(idle).unwrap();
                names.re_register(&mut me, &name, holder).await.unwrap();
                reply.send(Some(holder));
            }
            Order::Find(name, reply) => reply.send(names.whereis(&name)),
        }
    }
}

/// A scope on every node, and two clerks: one here, one there.
async fn office(me: &mut Process<u64>, there: There) -> (Global<u64>, Vec<Pid<u64>>, [Pid<Order>; 2]) {
    let (names, keepers) = start_scopes(me).await;
    let clerks = [There(0).start(clerk, (), me).await, there.start(clerk, (), me).await];
    (names, keepers, clerks)
}

async fn close(me: &mut Process<u64>, keepers: Vec<Pid<u64>>, clerks: [Pid<Order>; 2]) {
    for clerk in clerks {
        harness::end(me, clerk, Reason::Kill).await;
    }
    end_scopes(me, keepers).await;
}

async fn find(me: &mut Process<u64>, clerk: Pid<Order>, name: &str) -> Option<Pid<u64>> {
    me.call(clerk, |reply| Order::Find(name.to_string(), reply), CASE_LIMIT).await.unwrap()
}

async fn all_find(me: &mut Process<u64>, clerks: [Pid<Order>; 2], name: &str, holder: Option<Pid<u64>>) {
    let limit = Instant::now() + CASE_LIMIT;
    for clerk in clerks {
        while find(me, clerk, name).await != holder {
            assert!(Instant::now() < limit, "{name} was to be found as {holder:?}");
            holm::yield_now().await;
        }
    }
}

async fn r_16_of_two_claims_at_once_exactly_one_is_granted(mut me: Process<u64>, there: There) {
    let (_, keepers, clerks) = office(&mut me, there).await;
    let mut wins = [0, 0];
    for round in 0..rounds(1_000, 200) {
        let name = format!("n {}", round % 2); // one that is free again, or is about to be
        let requests = clerks.map(|clerk| me.send_request(clerk, |reply| Order::Claim(name.clone(), reply)).unwrap());
        let mut holders = Vec::new();
        for (at, request) in requests.into_iter().enumerate() {
            let holder = me.response(request, CASE_LIMIT).await.unwrap();
            wins[at] += u32::from(holder.is_some());
            holders.extend(holder);
        }
        assert_eq!(holders.len(), 1, "round {round}: one has the name, and not {holders:?}");
        all_find(&mut me, clerks, &name, Some(holders[0])).await;
        harness::end(&mut me, holders[0], Reason::Kill).await;
    }
    println!("each side won so often: {wins:?}");
    close(&mut me, keepers, clerks).await;
}

async fn r_16_a_name_is_free_on_all_nodes_when_its_holder_has_ended(mut me: Process<u64>, there: There) {
    let (_, keepers, clerks) = office(&mut me, there).await;
    for round in 0..rounds(500, 100) {
        let (owner, other) = (clerks[round % 2], clerks[1 - round % 2]);
        let claim = |reply| Order::Claim("n".to_string(), reply);
        let holder = me.call(owner, claim, CASE_LIMIT).await.unwrap().expect("it is free");
        all_find(&mut me, clerks, "n", Some(holder)).await;
        harness::end(&mut me, holder, Reason::Kill).await;
        if round % 4 < 2 {
            // Whoever has seen the end can have the name at once, on any node.
            let next = me.call(other, claim, CASE_LIMIT).await.unwrap().expect("whoever saw the end gets it");
            harness::end(&mut me, next, Reason::Kill).await;
            assert_eq!(find(&mut me, other, "n").await, None);
        } else {
            // On its own node nobody finds it any more, on the others a message later.
            assert_eq!(find(&mut me, owner, "n").await, None);
        }
        all_find(&mut me, clerks, "n", None).await;
    }
    close(&mut me, keepers, clerks).await;
}

async fn a_name_that_is_taken_changes_hands(mut me: Process<u64>, there: There) {
    let (names, keepers, clerks) = office(&mut me, there).await;
    for round in 0..rounds(200, 50) {
        let take = |reply| Order::Take("n".to_string(), reply);
        let holder = me.call(clerks[round % 2], take, CASE_LIMIT).await.unwrap();
        all_find(&mut me, clerks, "n", holder).await;
    }
    assert_eq!(names.registered_names(), ["n"]);
    close(&mut me, keepers, clerks).await;
}

async fn odd_registrations_are_errors(mut me: Process<u64>, _: There) {
    let (names, keepers) = start_scopes(&mut me).await;
    let own = me.pid();
    names.register(&mut me, "mine", own).await.unwrap();
    assert_eq!(names.register(&mut me, "mine", own).await, Err(GlobalError::Taken(own.untyped())));
    names.unregister(&mut me, "mine").await.unwrap();
    let nobodys = Err(GlobalError::NotRegistered("mine".to_string()));
    assert_eq!((names.unregister(&mut me, "mine").await, names.whereis("mine")), (nobodys, None));
    let long = "x".repeat(GLOBAL_NAME_LEN_MAX + 1);
    let too_long = GlobalError::NameTooLong(GLOBAL_NAME_LEN_MAX + 1);
    assert_eq!(names.register(&mut me, &long, own).await, Err(too_long));
    let (ended, monitor) = me.spawn_monitor(async |_: Process<u64>| ()).unwrap();
    me.down(monitor).await;
    assert_eq!(names.register(&mut me, "late", ended).await, Err(GlobalError::Ended(ended.untyped())));
    assert!(Global::<String>::find(SCOPE).is_none(), "a scope of other messages");
    names.register(&mut me, "mine", own).await.unwrap();
    let scope = me.monitor(names.pid());
    end_scopes(&mut me, keepers).await;
    me.down(scope).await;
    assert!(names.whereis("mine").is_none() && names.registered_names().is_empty());
    assert!(matches!(names.register(&mut me, "mine", own).await, Err(GlobalError::Scope(_))));
}

async fn r_16_a_scope_that_starts_knows_what_was_given_away(mut me: Process<u64>, there: There) {
    let names = Global::<u64>::start_link(&mut me, SCOPE).await.unwrap();
    let own = me.pid();
    names.register(&mut me, "n", own).await.unwrap();
    for _ in 0..20 {
        let keeper = there.start(keeper, own, &mut me).await;
        me.receive().await;
        let clerk = there.start(clerk, (), &mut me).await;
        assert_eq!(find(&mut me, clerk, "n").await, Some(own), "no message later");
        let claim = |reply| Order::Claim("n".to_string(), reply);
        assert_eq!(me.call(clerk, claim, CASE_LIMIT).await, Ok(None));
        for process in [clerk.untyped(), keeper.untyped()] {
            let monitor = me.monitor(process);
            holm::exit(process, Reason::Kill);
            me.down(monitor).await;
        }
        until(|| names.nodes().is_empty()).await;
    }
    assert_eq!(names.whereis("n"), Some(own));
}

/// Ends its whole OS process, and with it the node.
#[holm::entry]
async fn crasher(_: Process<u64>, (): ()) {
    rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
}

async fn r_16_a_lost_nodes_names_are_free(mut me: Process<u64>, there: There) {
    let (names, _keepers, clerks) = office(&mut me, there).await;
    let claim = |reply| Order::Claim("n".to_string(), reply);
    let holder = me.call(clerks[1], claim, CASE_LIMIT).await.unwrap().expect("it is free");
    let own = me.pid();
    assert_eq!(names.register(&mut me, "n", own).await, Err(GlobalError::Taken(holder.untyped())));
    until(|| names.whereis("n") == Some(holder)).await;
    there.start(crasher, (), &mut me).await;
    until(|| names.whereis("n").is_none()).await;
    names.register(&mut me, "n", own).await.unwrap();
    assert_eq!((names.whereis("n"), names.nodes()), (Some(own), Vec::new()));
}

//! What a registry promises.

use holm::{Pid, Process, Reason, SpawnOptions, block_on_with, layout::Options};
use holm_otp::registry::{AlreadyRegistered, Registry};
use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

fn on_two_schedulers<Fut>(program: impl FnOnce(Process<u32>) -> Fut + Send + 'static)
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let options = Options { layout: Some("1x2".parse().unwrap()), oversubscribe: true, ..Options::default() };
    block_on_with(&options, program).unwrap();
}

/// Registers under a key with a value, says so, and waits.
fn holder(me: &mut Process<u32>, registry: &Registry<&'static str, u32, u8>, key: &'static str, value: u8) -> Pid<u32> {
    let (registry, parent) = (registry.clone(), me.pid());
    let body = async move |mut me: Process<u32>| {
        parent.send(registry.register(&mut me, key, value).is_ok().into()).unwrap();
        me.receive().await;
    };
    me.spawn(body).unwrap()
}

#[test]
fn a_unique_key_has_one_owner_until_it_lets_go() {
    on_two_schedulers(async |mut me| {
        let registry = Registry::unique();
        let first = holder(&mut me, &registry, "k", 1);
        assert_eq!(me.receive().await, 1);
        assert_eq!(registry.register(&mut me, "k", 2), Err(AlreadyRegistered { owner: first }));
        assert_eq!(registry.lookup(&"k"), [(first, 1)]);
        assert_eq!(registry.unregister(&me, &"k"), 0, "nobody removes another's entry");
        let monitor = me.monitor(first);
        first.send(0).unwrap();
        me.down(monitor).await;
        registry.register(&mut me, "k", 2).unwrap();
        assert_eq!(registry.register(&mut me, "k", 3), Err(AlreadyRegistered { owner: me.pid() }));
        assert_eq!(registry.unregister(&me, &"k"), 1);
        assert_eq!((registry.whereis(&"k"), registry.len()), (None, 0));
    });
}

#[test]
fn a_duplicate_key_keeps_the_order_of_registration_and_all_values() {
    on_two_schedulers(async |mut me| {
        let registry = Registry::duplicate();
        registry.register(&mut me, "k", 1).unwrap();
        let other = holder(&mut me, &registry, "k", 2);
        me.receive().await;
        registry.register(&mut me, "k", 3).unwrap();
        let own = me.pid();
        assert_eq!(registry.lookup(&"k"), [(own, 1), (other, 2), (own, 3)]);
        assert_eq!(registry.keys(own), ["k", "k"]);
        assert_eq!(registry.update(&me, &"k", |value| *value += 10), 2);
        assert_eq!(registry.lookup(&"k"), [(own, 11), (other, 2), (own, 13)]);
        assert_eq!(registry.unregister(&me, &"k"), 2);
        assert_eq!(registry.lookup(&"k"), [(other, 2)]);
        assert!(registry.keys(own).is_empty());
    });
}

/// As R-04 for names.
#[test]
fn entries_are_gone_before_the_end_can_be_seen() {
    on_two_schedulers(async |mut me| {
        me.trap_exits(true);
        let registry: Registry<u32, (), u8> = Registry::unique();
        for round in 0..3_000 {
            let inside = registry.clone();
            let body = async move |mut me: Process<()>| {
                for key in 0..3 {
                    inside.register(&mut me, key, 0).unwrap();
                }
                match round % 3 {
                    0 => Reason::Normal,
                    1 => Reason::error("an end"),
                    _ => match me.exit(Reason::Kill).await {},
                }
            };
            let spawned = me.spawn_opt(SpawnOptions::new().monitor().scheduler(round % 2), body).unwrap();
            me.down(spawned.monitor.unwrap()).await;
            assert!(registry.is_empty() && registry.keys(spawned.pid).is_empty(), "in round {round}");
        }
    });
}

#[test]
fn what_a_dispatch_calls_may_use_the_registry_and_sees_the_list_as_it_was() {
    on_two_schedulers(async |mut me| {
        let registry: Registry<&str, u32> = Registry::duplicate();
        registry.register(&mut me, "k", ()).unwrap();
        registry.register(&mut me, "k", ()).unwrap();
        let mut calls = 0;
        let inside = registry.clone();
        let entries = registry.dispatch(&"k", |_, ()| {
            calls += 1;
            inside.unregister(&me, &"k");
            inside.register(&mut me, "k", ()).unwrap();
        });
        assert_eq!((entries, calls, registry.len()), (2, 2, 1));
        assert_eq!(registry.dispatch(&"nobody", |_, ()| unreachable!()), 0);
    });
}

/// A reader in the middle of its dispatch keeps neither readers nor writers out.
#[test]
fn readers_block_nobody() {
    on_two_schedulers(async |mut me| {
        let registry: Registry<u8, u32> = Registry::duplicate();
        registry.register(&mut me, 1, ()).unwrap();
        let (reads, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (inside, in_reads, in_done) = (registry.clone(), reads.clone(), done.clone());
        let slow = std::thread::spawn(move || {
            inside.dispatch(&1, |_, ()| {
                in_reads.store(true, Relaxed);
                while !in_done.load(Relaxed) {
                    std::thread::yield_now();
                }
            })
        });
        while !reads.load(Relaxed) {
            holm::yield_now().await;
        }
        registry.register(&mut me, 1, ()).unwrap();
        assert_eq!(registry.lookup(&1).len(), 2);
        done.store(true, Relaxed);
        assert_eq!(slow.join().unwrap(), 1);
    });
}

#[test]
fn one_who_comes_and_goes_leaves_nothing_and_a_registry_may_end_before_its_processes() {
    on_two_schedulers(async |mut me| {
        let registry: Registry<u32, u32> = Registry::unique();
        for key in 0..10_000 {
            registry.register(&mut me, key, ()).unwrap();
            assert_eq!(registry.unregister(&me, &key), 1);
        }
        assert!(registry.is_empty());
        let (pid, monitor) = me
            .spawn_monitor(async move |mut me: Process<u32>| {
                registry.register(&mut me, 0, ()).unwrap();
                drop(registry);
                pending::<()>().await;
            })
            .unwrap();
        holm::exit(pid, Reason::Shutdown);
        assert_eq!(me.down(monitor).await, Reason::Shutdown);
    });
}

//! Family R of the conformance catalogue, as far as it is about the names of one node. A process may have several names
//! and whoever looks a name up gets a pid: there is no send by name.

mod harness;

use harness::{QUIET, There, end};
use holm::{NAME_LEN_MAX, NameError, Process, Reason, SpawnError, SpawnOptions, unregister, whereis};

cases! {
    in_every_placement:
        r_01_a_name_leads_to_its_process,
        r_04_a_name_is_free_when_the_down_is_there,
        a_name_of_another_type_of_process_is_not_found;
    on_one_node:
        r_02_the_first_owner_keeps_a_name,
        r_03_a_process_may_have_several_names,
        r_05_one_of_eight_wins_a_name,
        r_07_anybody_may_free_a_name,
        r_09_odd_names_are_refused,
        r_10_names_come_and_go;
}

/// Takes a name, and lives until a message comes.
#[holm::entry]
async fn named(mut me: Process<u64>, (name, to): (String, holm::Pid<u64>)) {
    me.register(&name).unwrap();
    to.send(0).unwrap();
    to.send(me.receive().await).unwrap();
}

async fn r_01_a_name_leads_to_its_process(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(named, ("r_01".to_string(), me.pid()), &mut me).await;
    me.receive().await;
    let found = me.whereis_at::<u64>(there.0, "r_01").await.unwrap().unwrap();
    assert_eq!(found, b);
    found.send(7).unwrap();
    assert_eq!(me.receive().await, 7);
    me.down(monitor).await;
    assert_eq!(me.whereis_at::<u64>(there.0, "r_01").await, Ok(None));
    assert!(matches!(me.whereis_at::<u64>(999, "r_01").await, Err(SpawnError::UnknownScheduler { .. })));
}

async fn r_04_a_name_is_free_when_the_down_is_there(mut me: Process<u64>, there: There) {
    for _ in 0..500 {
        // It would panic, and end with another reason, if the name were not free.
        let (b, monitor) = there.start_monitor(named, ("r_04".to_string(), me.pid()), &mut me).await;
        me.receive().await;
        b.send(1).unwrap();
        assert_eq!(me.down(monitor).await, Reason::Normal);
        me.receive().await;
    }
}

async fn a_name_of_another_type_of_process_is_not_found(mut me: Process<u64>, there: There) {
    let b = there.start(named, ("other type".to_string(), me.pid()), &mut me).await;
    me.receive().await;
    assert_eq!(me.whereis_at::<String>(there.0, "other type").await, Ok(None));
    assert_eq!(me.whereis_at::<u64>(there.0, "other type").await, Ok(Some(b)));
    end(&mut me, b, Reason::Kill).await;
}

async fn r_02_the_first_owner_keeps_a_name(mut me: Process<u64>, _: There) {
    me.register("r_02").unwrap();
    assert_eq!(me.register("r_02"), Err(NameError::Taken("r_02".into())));
    let spawned = me.spawn_opt(SpawnOptions::new().name("r_02"), async |_: Process<()>| ());
    assert!(matches!(spawned, Err(SpawnError::Name(NameError::Taken(_)))));
    assert_eq!(whereis("r_02"), Some(me.pid()));
    assert!(unregister("r_02"));
}

async fn r_03_a_process_may_have_several_names(mut me: Process<u64>, _: There) {
    let (_, monitor) = me
        .spawn_monitor(async |mut me: Process<u64>| {
            for name in ["r_03 a", "r_03 b"] {
                me.register(name).unwrap();
                assert_eq!(whereis(name), Some(me.pid()));
            }
        })
        .unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
    assert_eq!((whereis::<u64>("r_03 a"), whereis::<u64>("r_03 b")), (None, None));
}

async fn r_05_one_of_eight_wins_a_name(mut me: Process<u64>, _: There) {
    for _ in 0..200 {
        let own = me.pid();
        let racers: Vec<_> = (0..8)
            .map(|_| {
                me.spawn(async move |mut me: Process<()>| {
                    own.send(me.register("r_05").is_ok().into()).unwrap();
                    me.receive().await;
                })
                .unwrap()
            })
            .collect();
        let mut winners = 0;
        for _ in 0..8 {
            winners += me.receive().await;
        }
        assert_eq!(winners, 1);
        for racer in racers {
            end(&mut me, racer, Reason::Kill).await;
        }
    }
}

async fn r_07_anybody_may_free_a_name(mut me: Process<u64>, there: There) {
    let own = me.pid();
    let options = SpawnOptions::new().scheduler(there.0).name("r_07");
    let b = me.spawn_opt(options, async move |mut me: Process<u64>| own.send(me.receive().await).unwrap()).unwrap().pid;
    assert_eq!(whereis("r_07"), Some(b), "named before its first instruction");
    assert!(unregister("r_07"));
    assert!(!unregister("r_07"));
    assert_eq!(whereis::<u64>("r_07"), None);
    me.register("r_07").unwrap();
    b.send(7).unwrap();
    assert_eq!(me.receive().await, 7, "it lives on");
    holm::sleep(QUIET).await;
    assert_eq!(whereis("r_07"), Some(own), "its end frees no name that is another's by now");
    unregister("r_07");
}

async fn r_09_odd_names_are_refused(mut me: Process<u64>, _: There) {
    for odd in ["", "bell\u{7}", &"x".repeat(NAME_LEN_MAX + 1)] {
        assert!(matches!(me.register(odd), Err(NameError::Malformed(_))));
        let spawned = me.spawn_opt(SpawnOptions::new().name(odd), async |_: Process<()>| ());
        assert!(matches!(spawned, Err(SpawnError::Name(NameError::Malformed(_)))));
    }
    let longest = "x".repeat(NAME_LEN_MAX);
    me.register(&longest).unwrap();
    assert!(unregister(&longest));
}

async fn r_10_names_come_and_go(mut me: Process<u64>, _: There) {
    for number in 0..100_000u32 {
        let name = number.to_string();
        me.register(&name).unwrap();
        assert!(unregister(&name));
    }
}

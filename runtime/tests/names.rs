//! Family R of the conformance catalogue, as far as it is about names: who has one, and what reaches them. (choice) A
//! process may have several names. What becomes of them when a node is lost is in `losses.rs`.

mod harness;

use harness::{QUIET, There, end, expect_silence, rounds};
use holm::{
    NAME_LEN_MAX, NameError, NameSendError, Pid, Process, Reason, SpawnError, SpawnOptions, send_to_name,
    send_to_name_everywhere, send_to_name_on, unregister, whereis,
};

cases! {
    in_every_placement:
        r_01_a_name_leads_to_its_process,
        r_01_a_message_to_a_name_reaches_who_has_it,
        r_04_a_name_is_free_when_the_down_is_there,
        r_06_only_a_living_process_of_the_node_gets_a_name,
        r_08_a_message_to_a_name_that_nobody_has_is_lost_in_silence_elsewhere,
        r_17_a_message_to_a_name_everywhere_arrives_once_on_each_node,
        a_name_of_another_type_of_process_is_not_found;
    on_one_node:
        r_02_the_first_owner_keeps_a_name,
        r_03_a_process_may_have_several_names,
        r_05_one_of_eight_wins_a_name,
        r_07_anybody_may_free_a_name,
        r_06_a_name_given_to_one_that_ends_is_free,
        r_08_a_message_to_a_name_that_nobody_has_here_is_an_error,
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

async fn r_01_a_message_to_a_name_reaches_who_has_it(mut me: Process<u64>, there: There) {
    let b = there.start(named, ("r_01 send".to_string(), me.pid()), &mut me).await;
    me.receive().await;
    // In order with what is sent to the pid: it passes on the first that comes.
    send_to_name_on(b.node(), "r_01 send", 1u64).unwrap();
    b.send(2).unwrap();
    assert_eq!(me.receive().await, 1);
    me.register("r_01 own").unwrap();
    send_to_name("r_01 own", 3u64).unwrap();
    send_to_name_on(me.node(), "r_01 own", 4u64).unwrap();
    assert_eq!((me.receive().await, me.receive().await), (3, 4));
    assert!(unregister("r_01 own"));
}

/// 100,000 rounds, as the catalogue asks for, on a scheduler that is alone; elsewhere they take a debug build too long.
async fn r_04_a_name_is_free_when_the_down_is_there(mut me: Process<u64>, there: There) {
    for _ in 0..rounds(if holm::schedulers() == 1 { 100_000 } else { 10_000 }, 500) {
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

/// The million of the catalogue, and that the table's memory goes back, are tested beside the table.
async fn r_10_names_come_and_go(mut me: Process<u64>, _: There) {
    for number in 0..100_000u32 {
        let name = number.to_string();
        me.register(&name).unwrap();
        assert!(unregister(&name));
    }
}

async fn r_06_only_a_living_process_of_the_node_gets_a_name(mut me: Process<u64>, there: There) {
    let b = there.start(named, ("r_06 own".to_string(), me.pid()), &mut me).await;
    me.receive().await;
    let no_process = NameError::NoProcess(b.untyped());
    if b.node() == me.node() {
        me.register_for(b, "r_06").unwrap();
        assert_eq!(whereis("r_06"), Some(b));
        assert_eq!(me.register_for(b, "r_06"), Err(NameError::Taken("r_06".into())));
        end(&mut me, b, Reason::Kill).await;
        assert_eq!(whereis::<u64>("r_06"), None, "freed with its own");
    } else {
        assert_eq!(me.register_for(b, "r_06"), Err(no_process.clone()), "it is another node's");
        end(&mut me, b, Reason::Kill).await;
    }
    assert_eq!(me.register_for(b, "r_06"), Err(no_process), "it has ended");
    let own = me.pid();
    me.register_for(own, "r_06").unwrap();
    assert!(unregister("r_06"));
}

/// A name that is given to a process while that ends is refused, or free when the end can be seen.
async fn r_06_a_name_given_to_one_that_ends_is_free(mut me: Process<u64>, there: There) {
    let mut outcomes = [0, 0];
    for round in 0..5_000 {
        let ends = async |mut me: Process<()>| me.receive().await;
        let spawned = me.spawn_opt(there.options().monitor(), ends).unwrap();
        spawned.pid.send(()).unwrap();
        for _ in 0..round % 3 {
            std::hint::spin_loop();
        }
        let given = me.register_for(spawned.pid, "r_06 race");
        outcomes[usize::from(given.is_ok())] += 1;
        me.down(spawned.monitor.unwrap()).await;
        assert_eq!(holm::whereis_untyped("r_06 race"), None, "{given:?}");
    }
    assert!(outcomes[1] > 0, "{outcomes:?}");
}

async fn r_08_a_message_to_a_name_that_nobody_has_is_lost_in_silence_elsewhere(mut me: Process<u64>, there: There) {
    let b = there.start(named, ("r_08".to_string(), me.pid()), &mut me).await;
    me.receive().await;
    let too_long = "x".repeat(NAME_LEN_MAX + 1);
    for name in ["r_08 nobody", "", &too_long] {
        assert!(send_to_name_on(b.node(), name, 1u64).is_ok());
    }
    assert!(send_to_name_on(b.node(), "r_08", "another type".to_string()).is_ok());
    // A node that never was.
    let nowhere = postcard::to_stdvec(&(0x1234_5678_9abc_u64, 1u32, 1u32)).unwrap();
    let nowhere = postcard::from_bytes::<Pid>(&nowhere).unwrap().node();
    assert!(send_to_name_on(nowhere, "r_08", 1u64).is_ok());
    send_to_name_on(b.node(), "r_08", 8u64).unwrap();
    assert_eq!(me.receive().await, 8, "the connection is up, and it got this one only");
    expect_silence(&mut me).await;
}

async fn r_08_a_message_to_a_name_that_nobody_has_here_is_an_error(mut me: Process<u64>, _: There) {
    assert!(matches!(send_to_name("r_08 here", 1u64), Err(NameSendError::Nobody(1))));
    me.register("r_08 here").unwrap();
    let other_type = send_to_name("r_08 here", "text".to_string());
    assert!(matches!(&other_type, Err(NameSendError::OtherType(text)) if text == "text"), "{other_type:?}");
    assert!(unregister("r_08 here"));
    expect_silence(&mut me).await;
}

async fn r_17_a_message_to_a_name_everywhere_arrives_once_on_each_node(mut me: Process<u64>, there: There) {
    let nobody = send_to_name_everywhere("r_17", &0u64);
    assert_eq!(nobody, [], "a node where nobody has the name is not missing");
    let b = there.start(named, ("r_17".to_string(), me.pid()), &mut me).await;
    me.receive().await;
    let is_elsewhere = b.node() != me.node();
    if is_elsewhere {
        me.register("r_17").unwrap();
    }
    assert_eq!(send_to_name_everywhere("r_17", &17u64), []);
    for _ in 0..1 + usize::from(is_elsewhere) {
        assert_eq!(me.receive().await, 17, "its own copy, and the one that B passes on");
    }
    expect_silence(&mut me).await;
    unregister("r_17");
}

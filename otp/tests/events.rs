//! What event managers promise.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

use harness::There;
use holm::{CallError, Pid, Process, Reason, is_alive};
use holm_otp::{
    behaviour::Envelope,
    gen_event::{EventHandler, EventManager, HandlerEnd, HandlerId, Keep, ManagerMessage, StartOptions, start_link},
    sys,
};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

/// Tells a process what it saw, and does what the event says.
struct Teller {
    name: &'static str,
    to: Pid<String>,
}

impl EventHandler<String> for Teller {
    async fn handle(&mut self, event: &String) -> Keep {
        if *event == format!("{}, panic", self.name) {
            panic!("as told");
        }
        self.to.send(format!("{}: {event}", self.name)).unwrap();
        match *event == format!("{}, leave", self.name) {
            true => Keep::Leave,
            false => Keep::Stay,
        }
    }

    async fn terminate(&mut self, end: &HandlerEnd) {
        self.to.send(format!("{} ends: {end:?}", self.name)).unwrap();
    }
}

/// What the owner is told, as text.
fn told(id: HandlerId, end: HandlerEnd) -> String {
    format!("told of {id:?}: {end:?}")
}

async fn two_handlers(me: &mut Process<String>) -> (EventManager<String>, [HandlerId; 2]) {
    let manager = start_link::<String, _>(me, StartOptions::new()).await.unwrap();
    let to = me.pid();
    let a = manager.add_owned(me, Teller { name: "a", to }, told).await.unwrap();
    let b = manager.add(me, Teller { name: "b", to }).await.unwrap();
    (manager, [a, b])
}

async fn says(me: &mut Process<String>, manager: EventManager<String>, event: &str) {
    manager.sync_notify(me, event.to_string(), LIMIT).await.unwrap();
}

/// All that is in the mailbox.
async fn heard(me: &mut Process<String>) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(text) = me.receive_within(Duration::ZERO).await {
        heard.push(text);
    }
    heard
}

cases! {
    in_every_placement:
        events_come_from_any_node;
    on_one_node:
        handlers_handle_in_the_order_in_which_they_were_added,
        one_that_panics_is_removed_alone_and_its_owner_is_told,
        one_that_leaves_or_is_removed_cleans_up,
        handlers_end_with_their_owner,
        handlers_end_with_their_manager,
        a_function_runs_with_a_handler_of_its_type,
        a_sync_notify_returns_when_all_have_handled,
        sys_sees_the_handlers;
}

/// Says something to a manager from wherever it runs, and waits until all have handled it.
#[holm::entry]
async fn speaker(mut me: Process<()>, manager: Pid<Envelope<ManagerMessage<String>>>) {
    let manager = EventManager::from(manager);
    manager.notify("first".into()).unwrap();
    manager.sync_notify(&mut me, "second".into(), LIMIT).await.unwrap();
    let handlers = manager.which_handlers(&mut me).await.unwrap();
    assert_eq!(manager.remove(&mut me, handlers[1].0).await, Ok(true));
    assert_eq!(manager.remove(&mut me, handlers[1].0).await, Ok(false));
}

async fn events_come_from_any_node(mut me: Process<String>, there: There) {
    let (manager, [a, _]) = two_handlers(&mut me).await;
    let (_, monitor) = there.start_monitor(speaker, manager.into(), &mut me).await;
    assert_eq!(me.down(monitor).await, Reason::Normal);
    assert_eq!(heard(&mut me).await, ["a: first", "b: first", "a: second", "b: second", "b ends: Removed"]);
    let left = manager.which_handlers(&mut me).await.unwrap();
    assert_eq!(left.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [a]);
    manager.stop(&mut me, Reason::Normal, LIMIT).await.unwrap();
}

async fn handlers_handle_in_the_order_in_which_they_were_added(mut me: Process<String>, _: There) {
    let (manager, _) = two_handlers(&mut me).await;
    manager.notify("x".into()).unwrap();
    says(&mut me, manager, "y").await;
    assert_eq!(heard(&mut me).await, ["a: x", "b: x", "a: y", "b: y"]);
}

async fn one_that_panics_is_removed_alone_and_its_owner_is_told(mut me: Process<String>, _: There) {
    let (manager, [a, b]) = two_handlers(&mut me).await;
    says(&mut me, manager, "a, panic").await;
    let heard_of = heard(&mut me).await;
    assert!(heard_of[0].starts_with(&format!("told of {a:?}: Panicked(")) && heard_of[0].contains("as told"));
    assert_eq!(heard_of[1..], ["b: a, panic"], "the next one handles the same event");
    says(&mut me, manager, "b, panic").await;
    assert!(heard(&mut me).await.is_empty(), "nobody owns it");
    says(&mut me, manager, "to nobody").await;
    assert!(manager.which_handlers(&mut me).await.unwrap().is_empty());
    assert_ne!(a, b);
}

async fn one_that_leaves_or_is_removed_cleans_up(mut me: Process<String>, _: There) {
    let (manager, [a, b]) = two_handlers(&mut me).await;
    says(&mut me, manager, "a, leave").await;
    let told_of_a = told(a, HandlerEnd::Left);
    assert_eq!(heard(&mut me).await, ["a: a, leave", "a ends: Left", &told_of_a, "b: a, leave"]);
    assert_eq!(manager.remove(&mut me, b).await, Ok(true));
    assert_eq!(heard(&mut me).await, ["b ends: Removed"]);
    assert_eq!(manager.remove(&mut me, b).await, Ok(false));
}

async fn handlers_end_with_their_owner(mut me: Process<String>, _: There) {
    let (manager, _) = two_handlers(&mut me).await;
    let to = me.pid();
    let owner = async move |mut me: Process<String>| {
        manager.add_owned(&mut me, Teller { name: "c", to }, told).await.unwrap();
        Reason::error("gone")
    };
    let (_, monitor) = me.spawn_monitor(owner).unwrap();
    me.down(monitor).await;
    assert_eq!(me.receive().await, format!("c ends: {:?}", HandlerEnd::OwnerEnded(Reason::error("gone"))));
    assert_eq!(manager.which_handlers(&mut me).await.unwrap().len(), 2);
}

async fn handlers_end_with_their_manager(mut me: Process<String>, _: There) {
    let (manager, [a, _]) = two_handlers(&mut me).await;
    manager.stop(&mut me, Reason::Normal, LIMIT).await.unwrap();
    let end = HandlerEnd::ManagerEnded(Reason::Normal);
    let words = [format!("a ends: {end:?}"), told(a, end.clone()), format!("b ends: {end:?}")];
    assert_eq!(heard(&mut me).await, words);
    let refused = manager.sync_notify(&mut me, "x".into(), LIMIT).await;
    assert_eq!(refused, Err(CallError::Unanswered(Reason::NoProc)));
    // The parent's exit is an end like any other.
    let to = me.pid();
    let parent = async move |mut me: Process<String>| {
        let manager = start_link::<String, _>(&mut me, StartOptions::new()).await.unwrap();
        manager.add(&mut me, Teller { name: "c", to }).await.unwrap();
        Reason::Shutdown
    };
    me.spawn(parent).unwrap();
    assert_eq!(me.receive().await, format!("c ends: {:?}", HandlerEnd::ManagerEnded(Reason::Shutdown)));
}

async fn a_function_runs_with_a_handler_of_its_type(mut me: Process<String>, _: There) {
    struct Other;
    impl EventHandler<String> for Other {
        async fn handle(&mut self, _: &String) -> Keep {
            Keep::Stay
        }
    }
    let (manager, [a, _]) = two_handlers(&mut me).await;
    let rename = |teller: &mut Teller| std::mem::replace(&mut teller.name, "z").to_string();
    assert_eq!(manager.with_handler(&mut me, a, rename).await, Ok(Some("a".to_string())));
    assert_eq!(manager.with_handler(&mut me, a, |_: &mut Other| 1u8).await, Ok(None), "it is no such handler");
    says(&mut me, manager, "x").await;
    assert_eq!(heard(&mut me).await, ["z: x", "b: x"]);
    let panics = |_: &mut Teller| -> u8 { panic!("in a function") };
    assert!(matches!(manager.with_handler(&mut me, a, panics).await, Err(CallError::Unanswered(_))));
    assert!(me.receive().await.contains("in a function"), "the owner is told");
    assert_eq!(manager.which_handlers(&mut me).await.unwrap().len(), 1);
}

async fn a_sync_notify_returns_when_all_have_handled(mut me: Process<String>, _: There) {
    struct Slow(Pid<String>);
    impl EventHandler<String> for Slow {
        async fn handle(&mut self, _: &String) -> Keep {
            holm::sleep(Duration::from_millis(20)).await;
            self.0.send("handled".into()).unwrap();
            Keep::Stay
        }
    }
    let manager = start_link::<String, _>(&mut me, StartOptions::new()).await.unwrap();
    let slow = Slow(me.pid());
    manager.add(&mut me, slow).await.unwrap();
    says(&mut me, manager, "x").await;
    assert_eq!(heard(&mut me).await, ["handled"]);
    let late = manager.sync_notify(&mut me, "x".into(), Duration::from_millis(1)).await;
    assert_eq!(late, Err(CallError::Timeout));
    assert_eq!(me.receive().await, "handled", "all the same");
    assert!(is_alive::<holm::Untyped>(manager.into()));
}

async fn sys_sees_the_handlers(mut me: Process<String>, _: There) {
    let (manager, _) = two_handlers(&mut me).await;
    let seen = sys::inspect_there(&mut me, manager, LIMIT).await.unwrap();
    assert_eq!(seen.behaviour, "gen_event");
    assert_eq!(seen.state.unwrap().matches("Teller").count(), 2);
}

//! Looking into servers, and holding them: what `sys` promises of every behaviour, in every placement.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

use harness::{CASE_LIMIT, QUIET, There, expect_silence};
use holm::{CallError, Message, Pid, Process, Reason, Reply};
use holm_otp::{
    behaviour::Callback,
    gen_server::{self, Context, Envelope, GenServer, Init, Next, ServerRef},
    proc_lib::{self, StartOptions, Starting},
    sys::{self, Doing, StateError, StopError, Trace, TraceEvent, Traced},
};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

cases! {
    in_every_placement:
        a_suspended_server_answers_sys_and_nobody_else,
        a_suspended_server_still_stops_and_ends_with_its_parent,
        a_suspended_server_has_no_time_outs,
        an_inspection_there_shows_the_state,
        traces_tell_every_message_and_callback,
        a_stop_says_how_it_went,
        a_state_is_seen_and_changed_on_its_own_node_only;
    on_one_node:
        an_inspection_never_waits_for_the_server,
        an_inspection_shows_the_state_of_a_server_that_waits,
        what_has_ended_is_not_inspected,
        a_state_whose_text_panics_harms_nobody,
        a_change_that_panics_harms_nobody,
        what_sys_asks_does_not_lengthen_an_idle_time;
}

#[derive(Debug, Serialize, Deserialize, Message)]
enum Ask {
    Add(u64),
    Read(Reply<u64>),
    Wait(Duration),
    Idle(Duration),
}

#[derive(Clone, Debug, PartialEq)]
struct Count {
    count: u64,
    told: Pid<TraceEvent>,
    text_panics: bool,
}

impl Count {
    fn new(told: Pid<TraceEvent>) -> Self {
        Count { count: 0, told, text_panics: false }
    }
}

impl GenServer for Count {
    type Message = Ask;

    async fn init(&mut self, context: &mut Context<Ask>) -> Init {
        context.trap_exits(true);
        Init::Ready(Next::Receive)
    }

    async fn handle(&mut self, message: Ask, _: &mut Context<Ask>) -> Next {
        match message {
            Ask::Add(more) => self.count += more,
            Ask::Read(reply) => reply.send(self.count),
            Ask::Wait(pause) => holm::sleep(pause).await,
            Ask::Idle(limit) => return Next::ReceiveWithin(limit),
        }
        Next::Receive
    }

    async fn idle(&mut self, context: &mut Context<Ask>) -> Next {
        tell(self.told, context, "idle");
        Next::Receive
    }

    async fn terminate(&mut self, reason: &Reason, context: &mut Context<Ask>) {
        tell(self.told, context, &format!("terminate {reason}"));
    }

    fn write_state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        assert!(!self.text_panics, "this state has no text");
        write!(f, "count {}", self.count)
    }

    fn label(message: &Ask) -> &'static str {
        match message {
            Ask::Add(_) => "add",
            Ask::Read(_) => "read",
            Ask::Wait(_) => "wait",
            Ask::Idle(_) => "idle",
        }
    }
}

/// To whom the traces go, too: so that both are in one order.
fn tell(told: Pid<TraceEvent>, context: &Context<Ask>, what: &str) {
    told.send(TraceEvent { pid: context.pid().untyped(), what: Traced::Notice(what.into()) }).unwrap();
}

#[holm::entry]
async fn count(me: Process<Envelope<Ask>>, (starting, told): (Starting, Pid<TraceEvent>)) -> Reason {
    gen_server::enter(me, starting, Count::new(told)).await
}

type Me = Process<TraceEvent>;

async fn start(me: &mut Me, there: There) -> ServerRef<Ask> {
    let (options, told) = (StartOptions::new().spawn(there.options()), me.pid());
    me.trap_exits(true);
    proc_lib::start_link_entry(me, options, count, told).await.unwrap().into()
}

async fn expect_told(me: &mut Me, what: &str) {
    let told = me.receive_within(CASE_LIMIT).await.map(|event| event.what);
    assert_eq!(told, Some(Traced::Notice(what.into())));
}

async fn read(me: &mut Me, server: ServerRef<Ask>) -> Result<u64, CallError> {
    server.call(me, Ask::Read, CASE_LIMIT).await
}

async fn a_suspended_server_answers_sys_and_nobody_else(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    for round in 1..=20 {
        sys::suspend(&mut me, server, CASE_LIMIT).await.unwrap();
        server.cast(Ask::Add(1)).unwrap();
        let request = server.send_request(&mut me, Ask::Read).unwrap();
        let seen = sys::inspect_there(&mut me, server, CASE_LIMIT).await.unwrap();
        assert_eq!((seen.doing, seen.state.as_deref()), (Doing::Suspended, Some(&*format!("count {}", round - 1))));
        sys::suspend(&mut me, server, CASE_LIMIT).await.unwrap();
        sys::resume(&mut me, server, CASE_LIMIT).await.unwrap();
        assert_eq!(me.response(request, CASE_LIMIT).await, Ok(round), "what came meanwhile is handled in order");
    }
    sys::suspend(&mut me, server, CASE_LIMIT).await.unwrap();
    assert_eq!(server.call(&mut me, Ask::Read, QUIET).await, Err(CallError::Timeout));
    sys::resume(&mut me, server, CASE_LIMIT).await.unwrap();
    expect_silence(&mut me).await;
}

async fn a_suspended_server_still_stops_and_ends_with_its_parent(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    sys::suspend(&mut me, server, CASE_LIMIT).await.unwrap();
    assert_eq!(server.stop(&mut me, Reason::Shutdown, CASE_LIMIT).await, Ok(()));
    expect_told(&mut me, "terminate shutdown").await;

    let (told, options) = (me.pid(), StartOptions::new().spawn(there.options()));
    let parent = me.spawn(async move |mut me: Process<()>| {
        let server: ServerRef<Ask> = proc_lib::start_link_entry(&mut me, options, count, told).await.unwrap().into();
        sys::suspend(&mut me, server, CASE_LIMIT).await.unwrap();
        Reason::error("the parent has had enough")
    });
    parent.unwrap();
    expect_told(&mut me, "terminate error: the parent has had enough").await;
}

async fn a_suspended_server_has_no_time_outs(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    server.cast(Ask::Idle(QUIET)).unwrap();
    sys::suspend(&mut me, server, CASE_LIMIT).await.unwrap();
    assert_eq!(me.receive_within(2 * QUIET).await, None);
    sys::resume(&mut me, server, CASE_LIMIT).await.unwrap();
    expect_told(&mut me, "idle").await;
}

async fn an_inspection_there_shows_the_state(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    (0..3).for_each(|_| server.cast(Ask::Add(2)).unwrap());
    let seen = sys::inspect_there(&mut me, server, CASE_LIMIT).await.unwrap();
    assert_eq!((seen.pid, seen.parent), (server.into(), Some(me.pid().untyped())));
    assert_eq!((seen.messages, seen.notices, seen.last_message.as_str()), (3, 0, "add"));
    assert_eq!((seen.doing, seen.state.as_deref()), (Doing::Waiting, Some("count 6")));
    assert_eq!((seen.behaviour.as_str(), seen.state_type.rsplit("::").next()), ("gen_server", Some("Count")));
}

async fn traces_tell_every_message_and_callback(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    server.cast(Ask::Add(1)).unwrap();
    let to_me = Trace::To(me.pid());
    sys::trace(&mut me, server, to_me, CASE_LIMIT).await.unwrap();
    server.cast(Ask::Add(1)).unwrap();
    server.cast(Ask::Wait(QUIET / 5)).unwrap();
    // Of one who is not the parent.
    me.spawn(async move |_: Process<()>| holm::exit(server.pid(), Reason::error("traced"))).unwrap();
    while sys::inspect_there(&mut me, server, CASE_LIMIT).await.unwrap().notices == 0 {}
    sys::trace(&mut me, server, Trace::Off, CASE_LIMIT).await.unwrap();
    assert_eq!(read(&mut me, server).await, Ok(2));
    let mut traced = Vec::new();
    while let Some(event) = me.receive_within(QUIET).await {
        assert_eq!(event.pid, server.pid());
        if event.what == Traced::System("inspect".into()) {
            continue;
        }
        traced.push(match event.what {
            Traced::Message(label) | Traced::System(label) => label,
            Traced::Notice(_) => "notice".into(),
            Traced::Callback { callback, took } if took >= QUIET / 5 => format!("{callback:?}, long"),
            Traced::Callback { callback, .. } => format!("{callback:?}"),
            other => panic!("{other:?}"),
        });
    }
    let expected = ["add", "Message", "wait", "Message, long", "notice", "Notice", "trace"];
    assert_eq!(traced, expected);
}

async fn a_stop_says_how_it_went(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    server.cast(Ask::Wait(CASE_LIMIT)).unwrap();
    assert_eq!(server.stop(&mut me, Reason::Normal, QUIET / 5).await, Err(StopError::Timeout));
    let own = server.pid();
    me.spawn(async move |_: Process<()>| {
        holm::sleep(QUIET).await;
        holm::exit(own, Reason::Kill);
    })
    .unwrap();
    let stopped = server.stop(&mut me, Reason::Normal, CASE_LIMIT).await;
    assert_eq!(stopped, Err(StopError::Ended(Reason::Killed)));
    assert_eq!(server.stop(&mut me, Reason::Normal, CASE_LIMIT).await, Err(StopError::NoProc));
}

async fn a_state_is_seen_and_changed_on_its_own_node_only(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    let told = me.pid();
    let before = sys::replace_state(&mut me, server, Count { count: 5, ..Count::new(told) }, CASE_LIMIT).await;
    if server.pid().node() == me.node() {
        assert_eq!(before, Ok(Count::new(told)));
        assert_eq!(read(&mut me, server).await, Ok(5));
        assert_eq!(sys::get_state::<Count, _, _>(&mut me, server, CASE_LIMIT).await.unwrap().count, 5);
        let other = sys::get_state::<String, _, _>(&mut me, server, CASE_LIMIT).await;
        assert_eq!(other, Err(StateError::OtherType("alloc::string::String")));
    } else {
        assert!(matches!(before, Err(StateError::Call(CallError::Unsent(_)))), "{before:?}");
    }
    assert!(read(&mut me, server).await.is_ok());
}

async fn an_inspection_never_waits_for_the_server(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    server.cast(Ask::Wait(2 * QUIET)).unwrap();
    server.cast(Ask::Add(1)).unwrap();
    loop {
        let seen = sys::inspect(server).unwrap();
        if seen.doing == Doing::Running(Callback::Message) && seen.last_callback >= QUIET {
            assert_eq!((seen.state, seen.last_message.as_str()), (None, "wait"));
            assert!(seen.age >= seen.last_callback);
            let process = seen.process.unwrap();
            assert_eq!((process.links, process.trapping), (1, true));
            break;
        }
        holm::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(read(&mut me, server).await, Ok(1));
}

async fn an_inspection_shows_the_state_of_a_server_that_waits(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    for round in 1..=100 {
        server.cast(Ask::Add(1)).unwrap();
        assert_eq!(read(&mut me, server).await, Ok(round));
        // It has answered, but may not have put its state away.
        let state = loop {
            let seen = sys::inspect(server).unwrap();
            assert_eq!(seen.messages, 2 * round);
            match seen.state {
                Some(state) => break state,
                None => holm::yield_now().await,
            }
        };
        assert_eq!(state, format!("count {round}"));
    }
}

async fn what_has_ended_is_not_inspected(mut me: Me, there: There) {
    for reason in [Reason::Normal, Reason::Kill] {
        let server = start(&mut me, there).await;
        assert!(sys::inspect(server).is_some());
        harness::end(&mut me, server.pid(), reason.clone()).await;
        assert_eq!(sys::inspect(server), None, "{reason}");
    }
    assert_eq!(sys::inspect(me.pid().untyped()), None, "this is no behaviour's process");
}

async fn a_state_whose_text_panics_harms_nobody(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    sys::with_state(&mut me, server, |count: &mut Count| count.text_panics = true, CASE_LIMIT).await.unwrap();
    let seen = sys::inspect_there(&mut me, server, CASE_LIMIT).await.unwrap();
    assert_eq!(seen.state.as_deref(), Some("(its text panicked)"));
    assert_eq!(read(&mut me, server).await, Ok(0));
}

async fn a_change_that_panics_harms_nobody(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    let change = |_: &mut Count| panic!("this is no change");
    let changed = sys::with_state::<_, _, _, ()>(&mut me, server, change, CASE_LIMIT).await;
    assert_eq!(changed, Err(StateError::Panicked("this is no change".into())));
    assert_eq!(read(&mut me, server).await, Ok(0));
}

async fn what_sys_asks_does_not_lengthen_an_idle_time(mut me: Me, there: There) {
    let server = start(&mut me, there).await;
    server.cast(Ask::Idle(2 * QUIET)).unwrap();
    // Asked far more often than the idle time is long, until it has passed.
    while me.receive_within(Duration::ZERO).await.is_none() {
        sys::inspect_there(&mut me, server, CASE_LIMIT).await.unwrap();
    }
}

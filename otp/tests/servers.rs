//! Generic servers: what the family G of the conformance catalogue promises. What it says of a call, whoever answers, is
//! in `runtime/tests/calls.rs` too; G-23 is in `memory.rs`, and G-24 in `lost_nodes.rs`.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

use harness::{CASE_LIMIT, QUIET, There, end, expect_silence};
use holm::{CallError, Event, Message, NodeId, Notice, Pid, Process, Reason, Reply, Watched};
use holm_otp::{
    gen_server::{self, Context, Envelope, GenServer, Init, Next, ServerName, ServerRef},
    proc_lib::{self, StartError, StartOptions, Starting},
    sys::StopError,
};
use serde::{Deserialize, Serialize};
use std::{
    future::pending,
    time::{Duration, Instant},
};

cases! {
    in_every_placement:
        g_01_a_start_returns_when_init_is_done,
        g_02_a_start_that_fails_is_a_value_and_leaves_nothing,
        g_03_a_start_that_takes_too_long_is_killed,
        g_04_each_of_a_thousand_callers_gets_its_own_answer,
        g_05_a_server_that_ends_ends_its_calls_with_its_reason,
        g_06_a_late_answer_never_comes,
        g_07_a_call_to_nobody_or_to_no_node_says_so,
        g_08_a_server_that_calls_itself_is_told,
        g_09_a_cast_to_nobody_returns_at_once,
        g_10_casts_and_calls_are_handled_in_order,
        g_11_a_server_answers_and_then_stops,
        g_12_a_handler_that_panics_ends_the_server_after_its_terminate,
        g_12_a_terminate_that_panics_gives_the_reason,
        g_13_the_parents_end_terminates_a_server_that_traps,
        g_13_the_parents_end_ends_a_server_that_does_not_trap_without_terminate,
        g_14_an_exit_of_another_is_a_notice,
        g_15_a_stop_returns_after_terminate_and_the_end,
        g_16_a_continuation_runs_before_any_message,
        g_17_an_idle_server_is_told_once,
        g_17_a_message_cancels_the_idle_time_out,
        g_18_another_process_may_answer_later,
        g_19_a_dropped_reply_ends_the_call,
        g_20_a_call_to_many_says_who_answered_and_who_is_missing,
        g_21_what_a_server_does_not_expect_leaves_it_alive,
        g_25_a_call_that_was_dropped_harms_nobody,
        a_name_outlives_the_server_that_had_it,
        a_server_ref_travels;
    on_one_node:
        g_22_a_call_behind_a_hundred_thousand_casts_is_answered,
        g_22_a_full_mailbox_makes_no_call_slow,
        a_server_is_made_in_its_own_process;
}

/// What the server is asked. Each variant says what becomes of it.
#[derive(Debug, Serialize, Deserialize, Message)]
enum Ask {
    Double(u64, Reply<u64>),
    Note(u64),
    Notes(Reply<Vec<u64>>),
    /// Kept until the server ends.
    Keep(Reply<u64>),
    Drop(Reply<u64>),
    /// Answered by another server.
    PassOn(ServerRef<Ask>, u64, Reply<u64>),
    /// Answered after a pause.
    Slowly(Duration, u64, Reply<u64>),
    CallYourself(Reply<bool>),
    StopWith(Reason),
    AnswerAndStop(u64, Reason, Reply<u64>),
    Panic(Reply<u64>),
    Idle(Duration),
    Monitor(Pid),
}

/// How the server behaves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Message)]
struct Plan {
    init: Beginning,
    traps: bool,
    /// How long `terminate` takes, and whether it panics after that.
    terminate: Duration,
    terminate_panics: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Beginning {
    #[default]
    Ready,
    Slow,
    Never,
    Fail(Reason),
    Panic,
    Ignore,
    Continue,
}

/// A server that tells what happens to it.
#[derive(Debug)]
struct Server {
    plan: Plan,
    told: Pid<String>,
    notes: Vec<u64>,
    kept: Vec<Reply<u64>>,
}

impl Server {
    fn new(plan: Plan, told: Pid<String>) -> Self {
        Server { plan, told, notes: Vec::new(), kept: Vec::new() }
    }

    fn tell(&self, what: impl ToString) {
        self.told.send(what.to_string()).unwrap();
    }
}

impl GenServer for Server {
    type Message = Ask;

    async fn init(&mut self, context: &mut Context<Ask>) -> Init {
        context.trap_exits(self.plan.traps);
        match self.plan.init.clone() {
            Beginning::Ready => {}
            Beginning::Slow => {
                self.tell("init begins");
                holm::sleep(QUIET / 2).await;
                self.tell("init is done");
            }
            Beginning::Never => pending().await,
            Beginning::Fail(reason) => return Init::Fail(reason),
            Beginning::Panic => panic!("in init"),
            Beginning::Ignore => return Init::Ignore,
            Beginning::Continue => {
                context.own().cast(Ask::Note(1)).unwrap();
                holm::yield_now().await;
                return Init::Ready(Next::Continue);
            }
        }
        Init::Ready(Next::Receive)
    }

    async fn handle(&mut self, message: Ask, context: &mut Context<Ask>) -> Next {
        match message {
            Ask::Double(number, reply) => reply.send(2 * number),
            Ask::Note(number) => self.notes.push(number),
            Ask::Notes(reply) => reply.send(std::mem::take(&mut self.notes)),
            Ask::Keep(reply) => self.kept.push(reply),
            Ask::Drop(reply) => drop(reply),
            Ask::PassOn(other, number, reply) => other.cast(Ask::Slowly(QUIET / 5, 2 * number, reply)).unwrap(),
            Ask::Slowly(pause, number, reply) => {
                holm::sleep(pause).await;
                reply.send(number);
            }
            Ask::CallYourself(reply) => {
                let own = context.own();
                let answer = own.call(context, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
                reply.send(answer == Err(CallError::Itself));
            }
            Ask::StopWith(reason) => return Next::Stop(reason),
            Ask::AnswerAndStop(number, reason, reply) => {
                reply.send(number);
                return Next::Stop(reason);
            }
            Ask::Panic(_reply) => panic!("in handle"),
            Ask::Idle(limit) => return Next::ReceiveWithin(limit),
            Ask::Monitor(pid) => drop(context.monitor(pid)),
        }
        Next::Receive
    }

    async fn info(&mut self, notice: Notice, _: &mut Context<Ask>) -> Next {
        match notice {
            Notice::Exit { reason, .. } => self.tell(format!("exit {reason}")),
            other => self.tell(format!("{other:?}")),
        }
        Next::Receive
    }

    async fn continued(&mut self, _: &mut Context<Ask>) -> Next {
        self.notes.push(0);
        Next::Receive
    }

    async fn idle(&mut self, _: &mut Context<Ask>) -> Next {
        self.tell("idle");
        Next::Receive
    }

    async fn terminate(&mut self, reason: &Reason, _: &mut Context<Ask>) {
        holm::sleep(self.plan.terminate).await;
        self.tell(format!("terminate {reason}"));
        assert!(!self.plan.terminate_panics, "in terminate");
    }
}

#[holm::entry]
async fn server(me: Process<Envelope<Ask>>, (starting, (plan, told)): (Starting, (Plan, Pid<String>))) -> Reason {
    gen_server::enter(me, starting, Server::new(plan, told)).await
}

type Me = Process<String>;

async fn try_start(me: &mut Me, there: There, name: &str, plan: Plan) -> Result<ServerRef<Ask>, StartError> {
    let options = StartOptions::new().spawn(there.options()).name(name).limit(CASE_LIMIT);
    let told = me.pid();
    proc_lib::start_link_entry(me, options, server, (plan, told)).await.map(ServerRef::from)
}

/// A server at the place, linked; this process traps exits from then on.
async fn start(me: &mut Me, there: There, plan: Plan) -> ServerRef<Ask> {
    me.trap_exits(true);
    try_start(me, there, &format!("server of {}", me.pid()), plan).await.unwrap()
}

async fn expect_told(me: &mut Me, what: &str) {
    assert_eq!(me.receive_within(CASE_LIMIT).await.as_deref(), Some(what));
}

/// The server ends, as this process, which is its parent, learns.
async fn expect_end(me: &mut Me, server: ServerRef<Ask>, reason: Reason) {
    harness::expect_exit(me, server.into(), reason).await;
}

/// A node that never was.
fn no_node() -> NodeId {
    let parts = serde::de::value::SeqDeserializer::<_, serde::de::value::Error>::new([1u64].into_iter());
    NodeId::deserialize(parts).unwrap()
}

fn panicked(reason: &Reason, message: &str) -> bool {
    matches!(reason, Reason::Panic(panic) if panic.message == message)
}

async fn g_01_a_start_returns_when_init_is_done(mut me: Me, there: There) {
    start(&mut me, there, Plan { init: Beginning::Slow, ..Plan::default() }).await;
    assert_eq!(me.receive_within(Duration::ZERO).await.as_deref(), Some("init begins"));
    assert_eq!(me.receive_within(Duration::ZERO).await.as_deref(), Some("init is done"));
}

/// The starter of a start that fails gets no exit signal, whether it traps exits or not.
async fn g_02_a_start_that_fails_is_a_value_and_leaves_nothing(mut me: Me, there: There) {
    for traps in [true, false] {
        me.trap_exits(traps);
        for init in [Beginning::Fail(Reason::error("g_02")), Beginning::Ignore, Beginning::Panic] {
            let started = try_start(&mut me, there, "g_02", Plan { init: init.clone(), ..Plan::default() }).await;
            let found = ServerRef::<Ask>::whereis_at(&mut me, there.0, "g_02").await;
            assert_eq!(found, Ok(None), "the name is free when the start returns");
            match (init, started) {
                (Beginning::Fail(reason), Err(StartError::Failed(failed))) if reason == failed => {}
                (Beginning::Ignore, Err(StartError::Ignored)) => {}
                (Beginning::Panic, Err(StartError::Failed(reason))) if panicked(&reason, "in init") => {}
                other => panic!("{other:?}"),
            }
        }
    }
    me.trap_exits(true);
    expect_silence(&mut me).await;
}

async fn g_03_a_start_that_takes_too_long_is_killed(mut me: Me, there: There) {
    me.trap_exits(true);
    let options = StartOptions::new().spawn(there.options()).name("g_03").limit(QUIET);
    let plan = Plan { init: Beginning::Never, ..Plan::default() };
    let told = me.pid();
    let started = proc_lib::start_link_entry(&mut me, options, server, (plan, told)).await;
    assert_eq!(started, Err(StartError::Timeout));
    assert_eq!(ServerRef::<Ask>::whereis_at(&mut me, there.0, "g_03").await, Ok(None));
    expect_silence(&mut me).await;
}

async fn g_04_each_of_a_thousand_callers_gets_its_own_answer(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    let own = me.pid();
    for number in 0..1000 {
        me.spawn(async move |mut me: Process<()>| {
            let answer = server.call(&mut me, |reply| Ask::Double(number, reply), CASE_LIMIT).await;
            own.send(format!("{number} {answer:?}")).unwrap();
        })
        .unwrap();
    }
    let mut answered = std::collections::BTreeSet::new();
    for _ in 0..1000 {
        answered.insert(me.receive().await);
    }
    assert_eq!(answered, (0..1000).map(|number| format!("{number} Ok({})", 2 * number)).collect());
}

async fn g_05_a_server_that_ends_ends_its_calls_with_its_reason(mut me: Me, there: There) {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("g_05")] {
        // The request is kept by the server, or lies in its mailbox, and `terminate` takes its time.
        let server = start(&mut me, there, Plan { terminate: QUIET / 5, ..Plan::default() }).await;
        let kept = server.send_request(&mut me, Ask::Keep).unwrap();
        server.cast(Ask::StopWith(reason.clone())).unwrap();
        let behind = server.send_request(&mut me, |reply| Ask::Double(1, reply)).unwrap();
        for request in [kept, behind] {
            assert_eq!(me.response(request, CASE_LIMIT).await, Err(CallError::Unanswered(reason.clone())));
        }
        expect_told(&mut me, &format!("terminate {reason}")).await;
        expect_end(&mut me, server, reason).await;
    }
    // Killed while it waits, with the request in its state.
    let server = start(&mut me, there, Plan::default()).await;
    let kept = server.send_request(&mut me, Ask::Keep).unwrap();
    server.call(&mut me, |reply| Ask::Double(1, reply), CASE_LIMIT).await.unwrap();
    holm::exit(server.pid(), Reason::Kill);
    assert_eq!(me.response(kept, CASE_LIMIT).await, Err(CallError::Unanswered(Reason::Killed)));
    expect_end(&mut me, server, Reason::Killed).await;
    expect_silence(&mut me).await;
}

async fn g_06_a_late_answer_never_comes(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    let began = Instant::now();
    let answer = server.call(&mut me, |reply| Ask::Slowly(2 * QUIET, 1, reply), QUIET / 10).await;
    assert_eq!(answer, Err(CallError::Timeout));
    assert!(began.elapsed() >= QUIET / 10);
    let answer = server.call(&mut me, |reply| Ask::Double(2, reply), CASE_LIMIT).await;
    assert_eq!(answer, Ok(4), "and not the late answer");
    expect_silence(&mut me).await;
}

async fn g_07_a_call_to_nobody_or_to_no_node_says_so(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    let (node, own) = (server.pid().node(), me.pid());
    server.stop(&mut me, Reason::Normal, CASE_LIMIT).await.unwrap();
    let gone = server.call(&mut me, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
    assert_eq!(gone, Err(CallError::Unanswered(Reason::NoProc)));
    let name = ServerName::new(node, &format!("server of {own}"));
    let free = name.call(&mut me, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
    assert_eq!(free, Err(CallError::Unanswered(Reason::NoProc)));
    let nowhere = ServerName::new(no_node(), "g_07").call(&mut me, |reply| Ask::Double(1, reply), CASE_LIMIT).await;
    assert_eq!(nowhere, Err(CallError::Unanswered(Reason::NoConnection)));
}

async fn g_08_a_server_that_calls_itself_is_told(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    assert_eq!(server.call(&mut me, Ask::CallYourself, CASE_LIMIT).await, Ok(true));
}

/// The fastest of a few, so that a busy machine is not taken for a slow cast.
async fn g_09_a_cast_to_nobody_returns_at_once(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    server.stop(&mut me, Reason::Normal, CASE_LIMIT).await.unwrap();
    let nowhere = ServerName::new(no_node(), "g_09");
    let took = (0..20).map(|number| {
        let began = Instant::now();
        server.cast(Ask::Note(number)).unwrap();
        nowhere.cast(Ask::Note(number)).unwrap();
        began.elapsed()
    });
    assert!(took.min() < Some(Duration::from_millis(10)));
}

async fn g_10_casts_and_calls_are_handled_in_order(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    for round in 0..50 {
        let notes: Vec<u64> = (0..round).collect();
        notes.iter().for_each(|note| server.cast(Ask::Note(*note)).unwrap());
        assert_eq!(server.call(&mut me, Ask::Notes, CASE_LIMIT).await, Ok(notes));
    }
}

async fn g_11_a_server_answers_and_then_stops(mut me: Me, there: There) {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("g_11")] {
        let server = start(&mut me, there, Plan::default()).await;
        let monitor = me.monitor(server.pid());
        let answer = server.call(&mut me, |reply| Ask::AnswerAndStop(7, reason.clone(), reply), CASE_LIMIT).await;
        assert_eq!(answer, Ok(7));
        expect_told(&mut me, &format!("terminate {reason}")).await;
        assert_eq!(me.down(monitor).await, reason);
        expect_end(&mut me, server, reason).await;
    }
}

/// The caller, too, learns of the panic, and not before `terminate` is done.
async fn g_12_a_handler_that_panics_ends_the_server_after_its_terminate(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan { terminate: QUIET / 5, ..Plan::default() }).await;
    let answer = server.call(&mut me, Ask::Panic, CASE_LIMIT).await;
    assert!(matches!(&answer, Err(CallError::Unanswered(reason)) if panicked(reason, "in handle")), "{answer:?}");
    expect_told(&mut me, "terminate panic: in handle").await;
    let ended = me.next().await;
    assert!(matches!(&ended, Event::Notice(Notice::Exit { reason, .. }) if panicked(reason, "in handle")), "{ended:?}");
}

async fn g_12_a_terminate_that_panics_gives_the_reason(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan { terminate_panics: true, ..Plan::default() }).await;
    let stopped = server.stop(&mut me, Reason::Shutdown, CASE_LIMIT).await;
    assert!(matches!(&stopped, Err(StopError::Ended(reason)) if panicked(reason, "in terminate")), "{stopped:?}");
}

/// Starts a server, says where it is, and ends with the reason when it is told to.
async fn with_a_parent_that_ends(me: &mut Me, there: There, traps: bool, reason: Reason) -> Reason {
    let told = me.pid();
    let ends_with = reason.clone();
    let (parent, _) = me
        .spawn_monitor(async move |mut me: Me| {
            let name = StartOptions::new().spawn(there.options().name("g_13"));
            let plan = Plan { traps, ..Plan::default() };
            proc_lib::start_link_entry(&mut me, name, server, (plan, told)).await.unwrap();
            told.send("started".into()).unwrap();
            me.receive().await;
            ends_with
        })
        .unwrap();
    expect_told(me, "started").await;
    let server = ServerRef::<Ask>::whereis_at(me, there.0, "g_13").await.unwrap().unwrap();
    let monitor = me.monitor(server.pid());
    parent.send(String::new()).unwrap();
    me.down(monitor).await
}

async fn g_13_the_parents_end_terminates_a_server_that_traps(mut me: Me, there: There) {
    for reason in [Reason::Normal, Reason::Shutdown, Reason::error("g_13")] {
        assert_eq!(with_a_parent_that_ends(&mut me, there, true, reason.clone()).await, reason);
        expect_told(&mut me, &format!("terminate {reason}")).await;
    }
}

async fn g_13_the_parents_end_ends_a_server_that_does_not_trap_without_terminate(mut me: Me, there: There) {
    let reason = Reason::error("g_13");
    assert_eq!(with_a_parent_that_ends(&mut me, there, false, reason.clone()).await, reason);
    assert_eq!(me.receive_within(QUIET).await, None);
}

async fn g_14_an_exit_of_another_is_a_notice(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan { traps: true, ..Plan::default() }).await;
    let (_, monitor) =
        me.spawn_monitor(async move |_: Process<()>| holm::exit(server.pid(), Reason::error("g_14"))).unwrap();
    me.down(monitor).await;
    expect_told(&mut me, "exit error: g_14").await;
    assert_eq!(server.call(&mut me, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4));
}

async fn g_15_a_stop_returns_after_terminate_and_the_end(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan { terminate: QUIET / 5, ..Plan::default() }).await;
    assert_eq!(server.stop(&mut me, Reason::Shutdown, CASE_LIMIT).await, Ok(()));
    assert_eq!(me.receive_within(Duration::ZERO).await.as_deref(), Some("terminate shutdown"));
    assert_eq!(server.stop(&mut me, Reason::Shutdown, CASE_LIMIT).await, Err(StopError::NoProc));
    expect_end(&mut me, server, Reason::Shutdown).await;

    let slow = start(&mut me, there, Plan { terminate: 3 * QUIET, ..Plan::default() }).await;
    assert_eq!(slow.stop(&mut me, Reason::Normal, QUIET / 5).await, Err(StopError::Timeout));
    expect_told(&mut me, "terminate normal").await;
    expect_end(&mut me, slow, Reason::Normal).await;
    expect_silence(&mut me).await;
}

async fn g_16_a_continuation_runs_before_any_message(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan { init: Beginning::Continue, ..Plan::default() }).await;
    assert_eq!(server.call(&mut me, Ask::Notes, CASE_LIMIT).await, Ok(vec![0, 1]));
}

async fn g_17_an_idle_server_is_told_once(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    let began = Instant::now();
    server.cast(Ask::Idle(QUIET)).unwrap();
    expect_told(&mut me, "idle").await;
    assert!(began.elapsed() >= QUIET);
    assert_eq!(me.receive_within(2 * QUIET).await, None);
    server.cast(Ask::Idle(Duration::ZERO)).unwrap();
    expect_told(&mut me, "idle").await;
}

async fn g_17_a_message_cancels_the_idle_time_out(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    server.cast(Ask::Idle(QUIET)).unwrap();
    server.cast(Ask::Note(1)).unwrap();
    assert_eq!(me.receive_within(2 * QUIET).await, None);
    assert_eq!(server.call(&mut me, Ask::Notes, CASE_LIMIT).await, Ok(vec![1]));
}

/// That there is no second answer needs no test: an answer uses the reply up.
async fn g_18_another_process_may_answer_later(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    for place in [There(0), there] {
        let name = format!("answers for {}", server.pid());
        let other = try_start(&mut me, place, &name, Plan::default()).await.unwrap();
        assert_eq!(server.call(&mut me, |reply| Ask::PassOn(other, 4, reply), CASE_LIMIT).await, Ok(8));
        other.stop(&mut me, Reason::Normal, CASE_LIMIT).await.unwrap();
    }
}

async fn g_19_a_dropped_reply_ends_the_call(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    assert_eq!(server.call(&mut me, Ask::Drop, CASE_LIMIT).await, Err(CallError::Unanswered(Reason::Normal)));
    assert_eq!(server.call(&mut me, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4), "and it lives on");
}

async fn g_20_a_call_to_many_says_who_answered_and_who_is_missing(mut me: Me, there: There) {
    let told = me.pid();
    let options = StartOptions::new().spawn(there.options()).name("g_20");
    proc_lib::start_link_entry(&mut me, options, server, (Plan::default(), told)).await.unwrap();
    let everywhere: Vec<_> = holm::nodes().iter().map(|node| node.id).chain([no_node()]).collect();
    let result =
        gen_server::multi_call(&mut me, everywhere.clone(), "g_20", |reply| Ask::Double(21, reply), CASE_LIMIT).await;
    let here = ServerRef::<Ask>::whereis_at(&mut me, there.0, "g_20").await.unwrap().unwrap().pid().node();
    assert_eq!(result.answers, [(here, 42)]);
    let missing = everywhere.iter().filter(|node| **node != here).map(|node| {
        let why = if *node == no_node() { Reason::NoConnection } else { Reason::NoProc };
        (*node, CallError::Unanswered(why))
    });
    assert_eq!(result.missing, missing.collect::<Vec<_>>());

    let slow = |reply| Ask::Slowly(4 * QUIET, 1, reply);
    let result = gen_server::multi_call(&mut me, [here], "g_20", slow, QUIET / 5).await;
    assert_eq!((result.answers, result.missing), (vec![], vec![(here, CallError::Timeout)]));

    gen_server::abcast(everywhere, "g_20", &1u64); // a type of messages that the server does not take
    expect_silence(&mut me).await;
}

/// Of a type of messages that the server does not take, from one who has its pid as another's.
async fn g_21_what_a_server_does_not_expect_leaves_it_alive(mut me: Me, there: There) {
    struct Plain;

    impl GenServer for Plain {
        type Message = Ask;

        async fn handle(&mut self, message: Ask, context: &mut Context<Ask>) -> Next {
            match message {
                Ask::Monitor(pid) => drop(context.monitor(pid)),
                Ask::Double(number, reply) => reply.send(2 * number),
                other => unreachable!("{other:?}"),
            }
            Next::Receive
        }
    }

    let plain = gen_server::start_link(&mut me, StartOptions::new(), Plain).await.unwrap();
    let elsewhere = start(&mut me, there, Plan::default()).await;
    end(&mut me, elsewhere.pid(), Reason::Kill).await;
    plain.cast(Ask::Monitor(elsewhere.into())).unwrap();
    assert_eq!(plain.call(&mut me, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4), "a down is ignored");

    let server = start_another(&mut me, there).await;
    let mistaken: ServerRef<u64> = Reason::value(&server).get().unwrap();
    mistaken.cast(5).unwrap();
    assert_eq!(server.call(&mut me, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4));
}

async fn start_another(me: &mut Me, there: There) -> ServerRef<Ask> {
    try_start(me, there, &format!("another of {}", me.pid()), Plan::default()).await.unwrap()
}

async fn g_25_a_call_that_was_dropped_harms_nobody(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    for number in 0..100 {
        let (caller, monitor) = me
            .spawn_monitor(async move |mut me: Process<()>| {
                let _ = server.call(&mut me, |reply| Ask::Double(number, reply), CASE_LIMIT).await;
            })
            .unwrap();
        holm::yield_now().await;
        holm::exit(caller, Reason::Kill);
        me.down(monitor).await;
        let request = server.send_request(&mut me, |reply| Ask::Double(number, reply)).unwrap();
        me.abandon(request);
    }
    assert_eq!(server.call(&mut me, |reply| Ask::Double(2, reply), CASE_LIMIT).await, Ok(4));
    expect_silence(&mut me).await;
}

async fn a_name_outlives_the_server_that_had_it(mut me: Me, there: There) {
    me.trap_exits(true);
    for round in 0..3 {
        let server = try_start(&mut me, there, "again", Plan::default()).await.unwrap();
        let name = ServerName::new(server.pid().node(), "again");
        assert_eq!(name.call(&mut me, |reply| Ask::Double(round, reply), CASE_LIMIT).await, Ok(2 * round));
        let second = try_start(&mut me, there, "again", Plan::default()).await;
        match holm::nodes().len() {
            1 => assert_eq!(second, Err(StartError::AlreadyStarted(server.into()))),
            _ => assert!(second.is_err(), "{second:?}"),
        }
        name.cast(Ask::StopWith(Reason::Normal)).unwrap();
        expect_told(&mut me, "terminate normal").await;
        expect_end(&mut me, server, Reason::Normal).await;
    }
}

async fn a_server_ref_travels(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    let other = start_another(&mut me, There(0)).await;
    assert_eq!(server.call(&mut me, |reply| Ask::PassOn(other, 4, reply), CASE_LIMIT).await, Ok(8));
    let monitor = me.monitor(other.pid());
    other.cast(Ask::StopWith(Reason::Normal)).unwrap();
    let is_others = |notice: &Notice| {
        matches!(notice, Notice::Down { monitor: fired, watched, .. }
            if *fired == monitor && *watched == Watched::from(other.pid()))
    };
    me.notice_where(is_others).await;
}

async fn g_22_a_call_behind_a_hundred_thousand_casts_is_answered(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    for note in 0..100_000 {
        server.cast(Ask::Note(note)).unwrap();
    }
    let notes = server.call(&mut me, Ask::Notes, CASE_LIMIT).await.unwrap();
    assert!(notes.into_iter().eq(0..100_000), "all casts are handled before the call, in order");
}

/// A caller that looked through its mailbox for each answer would take a thousand times longer with a full one.
async fn g_22_a_full_mailbox_makes_no_call_slow(mut me: Me, there: There) {
    let server = start(&mut me, there, Plan::default()).await;
    async fn fastest(me: &mut Me, server: ServerRef<Ask>) -> Duration {
        let mut fastest = Duration::MAX;
        for _ in 0..200 {
            let began = Instant::now();
            server.call(me, |reply| Ask::Double(1, reply), CASE_LIMIT).await.unwrap();
            fastest = fastest.min(began.elapsed());
        }
        fastest
    }
    let empty = fastest(&mut me, server).await;
    let own = me.pid();
    (0..100_000).for_each(|_| own.send(String::new()).unwrap());
    let full = fastest(&mut me, server).await;
    assert!(full < 50 * empty, "{full:?} with a full mailbox, {empty:?} with an empty one");
}

async fn a_server_is_made_in_its_own_process(mut me: Me, there: There) {
    me.trap_exits(true);
    let (own, options) = (me.pid(), StartOptions::new().spawn(there.options()).name("made"));
    let made = async move {
        own.send("made".into()).unwrap();
        Ok(Server::new(Plan::default(), own))
    };
    let server = gen_server::start_link_with(&mut me, options.clone(), made).await.unwrap();
    expect_told(&mut me, "made").await;
    server.stop(&mut me, Reason::Normal, CASE_LIMIT).await.unwrap();
    expect_told(&mut me, "terminate normal").await;
    expect_end(&mut me, server, Reason::Normal).await;
    let refuse = async { Err::<Server, _>(Reason::error("no disk")) };
    let failed = gen_server::start_link_with(&mut me, options.clone(), refuse).await;
    assert_eq!(failed, Err(StartError::Failed(Reason::error("no disk"))));
    let panics = async { panic!("no disk") };
    let failed = gen_server::start_with::<_, Server>(&mut me, options, panics).await;
    assert!(matches!(&failed, Err(StartError::Failed(reason)) if panicked(reason, "no disk")));
    expect_silence(&mut me).await;
}

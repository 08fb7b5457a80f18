//! What state machines promise.

use holm::{CallError, Event as Received, Message, Notice, Process, Reason, Reply, block_on};
use holm_otp::{
    gen_statem::{Context, Entered, Event, Init, ServerRef, StartError, StartOptions, StateMachine, Step, start_link},
    sys,
};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);
const MS: Duration = Duration::from_millis(1);

/// What the test wants the machine to do with an event, and what it says of it.
#[derive(Debug, Message)]
#[message(local)]
enum Do {
    /// Goes to a state.
    Go(u32),
    /// Goes to a state, and inserts these.
    GoAnd(u32, Vec<Do>),
    /// Postponed unless the machine is in this state.
    In(u32, char),
    Note(char),
    Repeat,
    StateTimeout(Duration),
    EventTimeout(Duration),
    Named(&'static str, Duration),
    Cancel(&'static str),
    CancelState,
    GoWithTimeout(u32, Duration),
    Notes(Reply<String>),
    /// Postponed for ever.
    Never(#[expect(dead_code, reason = "it is never answered")] Reply<()>),
    Panic,
    Stop(Reason),
}

/// Notes what happens.
#[derive(Debug, Default)]
struct Notes {
    notes: String,
    init: Option<Init<u32>>,
    fail_on_enter: bool,
    told: Option<holm::Pid<String>>,
}

impl StateMachine for Notes {
    type State = u32;
    type Message = Do;
    type Timeout = &'static str;

    async fn init(&mut self, _: &mut Context<Do>) -> Init<u32> {
        self.init.take().unwrap_or(Init::Ready(0))
    }

    async fn handle(&mut self, state: &u32, event: Event<Do, &'static str>, _: &mut Context<Do>) -> Step<Self> {
        match event {
            Event::Message(event @ Do::In(..)) | Event::Internal(event @ Do::In(..)) => match event {
                Do::In(wanted, note) if wanted == *state => {
                    self.notes.push(note);
                    Step::keep()
                }
                event => Step::postpone(Event::Message(event)),
            },
            Event::Internal(Do::Note(note)) => {
                self.notes.push(note.to_ascii_uppercase());
                Step::keep()
            }
            Event::Message(message) | Event::Internal(message) => self.does(message),
            Event::StateTimeout => {
                self.notes.push_str("(state)");
                Step::keep()
            }
            Event::EventTimeout => {
                self.notes.push_str("(event)");
                Step::keep()
            }
            Event::Timeout(name) => {
                self.notes.push_str(name);
                Step::keep()
            }
            Event::Notice(_) => {
                self.notes.push_str("(notice)");
                Step::keep()
            }
        }
    }

    async fn enter(&mut self, from: &u32, to: &u32, _: &mut Context<Do>) -> Entered<Self> {
        self.notes.push_str(&format!("<{from}{to}>"));
        match self.fail_on_enter {
            true => Entered::stop(Reason::error("not here")),
            false => Entered::new(),
        }
    }

    async fn terminate(&mut self, reason: &Reason, state: &u32, _: &mut Context<Do>) {
        if let Some(told) = self.told {
            told.send(format!("{} in {state}: {reason}", self.notes)).unwrap();
        }
    }
}

impl Notes {
    fn does(&mut self, message: Do) -> Step<Self> {
        match message {
            Do::Go(state) => Step::to(state),
            Do::GoAnd(state, inserted) => inserted.into_iter().fold(Step::to(state), Step::insert),
            Do::Note(note) => {
                self.notes.push(note);
                Step::keep()
            }
            Do::In(..) => unreachable!("it was handled"),
            Do::Repeat => Step::repeat(),
            Do::StateTimeout(after) => Step::keep().state_timeout(after),
            Do::EventTimeout(after) => Step::keep().event_timeout(after),
            Do::Named(name, after) => Step::keep().timeout(name, after),
            Do::Cancel(name) => Step::keep().cancel_timeout(name),
            Do::CancelState => Step::keep().cancel_state_timeout(),
            Do::GoWithTimeout(state, after) => Step::to(state).state_timeout(after),
            Do::Notes(reply) => {
                let notes = self.notes.clone();
                Step::keep().reply(reply, notes)
            }
            message @ Do::Never(_) => Step::postpone(Event::Message(message)),
            Do::Panic => panic!("in a machine"),
            Do::Stop(reason) => Step::stop(reason),
        }
    }
}

/// Sends these to a machine, and gives what it noted when all was done.
fn notes_of(what: impl FnOnce() -> Vec<Do> + Send + 'static) -> String {
    let (tell, told) = std::sync::mpsc::channel();
    block_on(async move |mut me: Process<()>| {
        let machine = start_link(&mut me, StartOptions::new(), Notes::default()).await.unwrap();
        what().into_iter().for_each(|message| machine.cast(message).unwrap());
        tell.send(machine.call(&mut me, Do::Notes, LIMIT).await.unwrap()).unwrap();
    })
    .unwrap();
    told.recv().unwrap()
}

async fn notes_when(me: &mut Process<String>, machine: ServerRef<Do>, end: &str) -> String {
    loop {
        let notes = machine.call(me, Do::Notes, LIMIT).await.unwrap();
        if notes.ends_with(end) {
            return notes;
        }
        holm::sleep(MS).await;
    }
}

#[test]
fn states_are_entered_at_the_start_and_at_each_change_and_when_repeated() {
    let notes = notes_of(|| vec![Do::Note('a'), Do::Go(1), Do::Note('b'), Do::Go(1), Do::Repeat, Do::Go(0)]);
    assert_eq!(notes, "<00>a<01>b<11><10>", "to the same state is no change");
}

#[test]
fn what_is_postponed_comes_again_in_order_when_the_state_changes() {
    let notes = notes_of(|| {
        vec![
            Do::In(2, 'x'),
            Do::In(1, 'a'),
            Do::In(2, 'y'),
            Do::In(1, 'b'),
            Do::Repeat,
            Do::Go(1),
            Do::Note('c'),
            Do::Go(2),
        ]
    });
    assert_eq!(notes, "<00><00><01>abc<12>xy");
}

#[test]
fn what_is_inserted_comes_before_what_was_postponed_and_both_before_the_mailbox() {
    let notes = notes_of(|| {
        let inserted = vec![Do::Note('a'), Do::Note('b')];
        vec![Do::In(1, 'p'), Do::GoAnd(1, inserted), Do::Note('m')]
    });
    assert_eq!(notes, "<00><01>ABpm");
}

#[test]
fn a_state_time_out_ends_with_its_state() {
    block_on(async |mut me: Process<String>| {
        let machine = start_link(&mut me, StartOptions::new(), Notes::default()).await.unwrap();
        let send = |message| machine.cast(message).unwrap();
        send(Do::StateTimeout(5 * MS));
        send(Do::Go(1)); // it is over
        send(Do::Named("(named)", 30 * MS)); // runs over all states
        send(Do::Go(2));
        let notes = notes_when(&mut me, machine, "(named)").await;
        assert_eq!(notes, "<00><01><12>(named)");
        send(Do::GoWithTimeout(3, 5 * MS));
        assert_eq!(notes_when(&mut me, machine, "(state)").await, "<00><01><12>(named)<23>(state)");
        send(Do::StateTimeout(5 * MS));
        send(Do::CancelState);
        send(Do::Named("(gone)", 5 * MS));
        send(Do::Cancel("(gone)"));
        send(Do::Named("(again)", LIMIT));
        send(Do::Named("(again)", 20 * MS));
        assert!(notes_when(&mut me, machine, "(again)").await.ends_with("<23>(state)(again)"));
    })
    .unwrap();
}

#[test]
fn an_event_time_out_ends_with_any_event() {
    block_on(async |mut me: Process<String>| {
        let told = me.pid();
        let machine = Notes { told: Some(told), ..Notes::default() };
        let machine = start_link(&mut me, StartOptions::new(), machine).await.unwrap();
        machine.cast(Do::EventTimeout(5 * MS)).unwrap();
        machine.cast(Do::Note('a')).unwrap();
        holm::sleep(20 * MS).await;
        machine.cast(Do::EventTimeout(5 * MS)).unwrap();
        holm::sleep(100 * MS).await;
        machine.stop(&mut me, Reason::Normal, LIMIT).await.unwrap();
        assert_eq!(me.receive().await, "<00>a(event) in 0: normal");
    })
    .unwrap();
}

#[test]
fn a_time_out_of_zero_comes_before_what_is_in_the_mailbox() {
    let notes = notes_of(|| vec![Do::Named("(now)", Duration::ZERO), Do::Note('a'), Do::StateTimeout(Duration::ZERO)]);
    assert_eq!(notes, "<00>(now)a(state)");
}

#[test]
fn a_start_that_fails_says_why() {
    block_on(async |mut me: Process<()>| {
        me.trap_exits(true);
        let mut start = async |machine| start_link(&mut me, StartOptions::new(), machine).await.unwrap_err();
        let ignores = Notes { init: Some(Init::Ignore), ..Notes::default() };
        assert_eq!(start(ignores).await, StartError::Ignored);
        let fails = Notes { init: Some(Init::Fail(Reason::Shutdown)), ..Notes::default() };
        assert_eq!(start(fails).await, StartError::Failed(Reason::Shutdown));
        let fails = Notes { fail_on_enter: true, ..Notes::default() };
        assert_eq!(start(fails).await, StartError::Failed(Reason::error("not here")));
        assert_eq!(me.next_within(10 * MS).await, None, "and no signal comes as well");
    })
    .unwrap();
}

/// The end of a machine with a call postponed: the caller learns of it, `terminate` runs, the link says why.
fn end_of(message: fn() -> Do) -> (String, CallError, Reason) {
    let (tell, told) = std::sync::mpsc::channel();
    block_on(async move |mut me: Process<String>| {
        me.trap_exits(true);
        let machine = Notes { told: Some(me.pid()), ..Notes::default() };
        let machine = start_link(&mut me, StartOptions::new(), machine).await.unwrap();
        let never = machine.send_request(&mut me, Do::Never).unwrap();
        machine.cast(message()).unwrap();
        let call = me.response(never, LIMIT).await.unwrap_err();
        let last_words = me.receive().await;
        match me.next().await {
            Received::Notice(Notice::Exit { reason, .. }) => tell.send((last_words, call, reason)).unwrap(),
            other => panic!("{other:?}"),
        }
    })
    .unwrap();
    told.recv().unwrap()
}

#[test]
fn the_end_reaches_terminate_callers_and_links() {
    let (last_words, call, reason) = end_of(|| Do::Stop(Reason::Shutdown));
    assert_eq!(last_words, "<00> in 0: shutdown");
    assert_eq!((call, reason), (CallError::Unanswered(Reason::Shutdown), Reason::Shutdown));
    let (last_words, call, reason) = end_of(|| Do::Panic);
    assert!(last_words.starts_with("<00> in 0: panic: in a machine"), "{last_words}");
    assert!(matches!(&reason, Reason::Panic(panic) if panic.message == "in a machine"));
    assert_eq!(call, CallError::Unanswered(reason));
}

#[test]
fn sys_sees_state_and_data_and_holds_the_machine() {
    block_on(async |mut me: Process<String>| {
        let machine = start_link(&mut me, StartOptions::new(), Notes::default()).await.unwrap();
        machine.cast(Do::Go(7)).unwrap();
        let seen = sys::inspect_there(&mut me, machine, LIMIT).await.unwrap();
        assert_eq!(seen.behaviour, "gen_statem");
        assert!(seen.state.unwrap().starts_with("7: "));
        machine.cast(Do::Named("(late)", 5 * MS)).unwrap();
        machine.call(&mut me, Do::Notes, LIMIT).await.unwrap();
        sys::suspend(&mut me, machine, LIMIT).await.unwrap();
        holm::sleep(30 * MS).await;
        let notes = sys::with_state(&mut me, machine, |notes: &mut Notes| notes.notes.clone(), LIMIT).await.unwrap();
        assert!(!notes.contains("late"), "a suspended machine has no time-outs");
        sys::resume(&mut me, machine, LIMIT).await.unwrap();
        notes_when(&mut me, machine, "(late)").await;
    })
    .unwrap();
}

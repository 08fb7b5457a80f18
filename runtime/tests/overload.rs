//! Family B of the conformance catalogue: overload, and what of the other families needs a full mailbox.

mod harness;

use harness::{QUIET, There, end, expect_silence};
use holm::{
    CallError, Entry, Event, Mailbox, Message, Monitor, Notice, Overflow, Pid, Process, Reason, Reply, SendError,
    SpawnOptions,
};
use serde::{Deserialize, Serialize};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

cases! {
    in_every_placement:
        b_01_with_wait_one_too_many_waits,
        b_01_with_busy_one_too_many_comes_back,
        b_01_with_drop_oldest_the_newest_stay,
        b_01_with_kill_one_too_many_ends_the_receiver,
        b_02_waiting_senders_go_on_when_the_receiver_ends,
        b_03_waiting_senders_are_served_in_order,
        b_03_a_stream_through_a_small_mailbox_arrives_whole,
        b_04_two_full_mailboxes_end_in_a_time_out,
        b_07_a_mailbox_that_is_full_at_once_does_not_stop_the_start,
        b_08_signals_reach_a_process_with_a_full_mailbox,
        a_signal_does_not_overtake_a_message_that_waits,
        a_call_waits_for_room_and_no_longer_than_its_limit,
        e_13_a_waiting_sender_that_is_killed_frees_its_place;
    on_one_node:
        b_05_a_byte_limit_with_kill_ends_the_process_and_frees_its_memory,
        b_06_a_long_mailbox_is_reported_once_and_its_bytes_are_right,
        a_sender_that_gives_up_gets_its_message_back;
}

/// Takes a message whenever it traps an exit signal, and passes it on.
#[holm::entry]
async fn take_when_told(mut me: Process<u64>, to: Pid<u64>) {
    me.trap_exits(true);
    to.send(0).unwrap();
    loop {
        me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await;
        let number = me.receive().await;
        to.send(number).unwrap();
    }
}

fn tell_to_take(b: Pid<u64>) {
    holm::exit(b, Reason::error("take one"));
}

/// Starts B with a mailbox, and waits until it traps exits.
async fn start_taker(me: &mut Process<u64>, there: There, mailbox: Mailbox) -> (Pid<u64>, Monitor) {
    let b = start_with(me, there, take_when_told, mailbox).await;
    assert_eq!(me.receive().await, 0);
    b
}

async fn start_with<E: Entry<Argument = Pid<u64>>>(
    me: &mut Process<u64>,
    there: There,
    entry: impl FnOnce() -> E,
    mailbox: Mailbox,
) -> (Pid<E::Message>, Monitor) {
    let options = there.options().monitor().mailbox(mailbox);
    let parent = me.pid();
    let spawned = me.spawn_entry(entry, parent, options).await.unwrap();
    (spawned.pid, spawned.monitor.unwrap())
}

/// Sends the numbers 1 to `count`, each when the one before is in.
async fn fill(b: Pid<u64>, count: u64) {
    for number in 1..=count {
        b.send_when_ready(number).await.unwrap();
    }
}

/// A process of scheduler 0 that sends a number when there is room, and then tells A a hundred more than it.
fn start_sender(me: &mut Process<u64>, b: Pid<u64>, number: u64) -> (Pid<()>, Monitor) {
    let parent = me.pid();
    let send = async move |_: Process<()>| {
        b.send_when_ready(number).await.unwrap();
        parent.send(100 + number).unwrap();
    };
    let spawned = me.spawn_opt(SpawnOptions::new().scheduler(0).monitor(), send).unwrap();
    (spawned.pid, spawned.monitor.unwrap())
}

fn is_full(sent: Result<(), SendError<u64>>, number: u64) -> bool {
    matches!(sent, Err(SendError::Full(back)) if back == number)
}

async fn b_01_with_wait_one_too_many_waits(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(3, Overflow::Wait)).await;
    fill(b, 3).await;
    assert!(is_full(b.send_within(4, QUIET).await, 4));
    if b.node() == me.node() {
        assert!(is_full(b.send(4), 4), "`send` does not wait");
    } else {
        // Whether there is room is not known here: one message is taken, and stands before the mailbox.
        b.send(4).unwrap();
        assert!(is_full(b.send(5), 5), "one message of a sender is under way at most");
    }
    start_sender(&mut me, b, 6);
    expect_silence(&mut me).await;
    let expected: &[u64] = if b.node() == me.node() { &[1, 2, 3, 6] } else { &[1, 2, 3, 4, 6] };
    let mut taken = Vec::new();
    for _ in expected {
        tell_to_take(b);
        taken.push(me.receive_where(|&number| number < 100).await);
    }
    assert_eq!(taken, expected);
    assert_eq!(me.receive_where(|&number| number > 100).await, 106);
    end(&mut me, b, Reason::Kill).await;
    me.down(monitor).await;
}

async fn b_01_with_busy_one_too_many_comes_back(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(2, Overflow::Busy)).await;
    let mut sent = 0;
    // Across nodes the one message that is under way is not refused: it waits before the mailbox.
    let most = if b.node() == me.node() { 2 } else { 3 };
    let began = Instant::now();
    while sent < most || began.elapsed() < QUIET {
        match b.send_when_ready(sent + 1).await {
            Ok(()) => sent += 1,
            Err(SendError::Full(back)) => {
                assert_eq!(back, sent + 1);
                holm::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(sent <= most, "{sent} messages were taken");
    }
    for number in 1..=most {
        tell_to_take(b);
        assert_eq!(me.receive().await, number);
    }
    end(&mut me, b, Reason::Kill).await;
    me.down(monitor).await;
}

async fn b_01_with_drop_oldest_the_newest_stay(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(3, Overflow::DropOldest)).await;
    for number in 1..=50 {
        b.send(number).unwrap();
    }
    for number in 48..=50 {
        tell_to_take(b);
        assert_eq!(me.receive().await, number);
    }
    tell_to_take(b);
    expect_silence(&mut me).await;
    end(&mut me, b, Reason::Kill).await;
    me.down(monitor).await;
}

async fn b_01_with_kill_one_too_many_ends_the_receiver(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(3, Overflow::Kill)).await;
    for number in 1..=3 {
        b.send(number).unwrap();
    }
    tell_to_take(b);
    assert_eq!(me.receive().await, 1, "a full mailbox is no reason to end");
    b.send(4).unwrap();
    b.send(5).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Overflow);
    b.send(6).unwrap();
}

async fn b_02_waiting_senders_go_on_when_the_receiver_ends(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(2, Overflow::Wait)).await;
    fill(b, 2).await;
    for number in 3..8 {
        start_sender(&mut me, b, number);
    }
    expect_silence(&mut me).await;
    holm::exit(b, Reason::Kill);
    let mut went_on = Vec::new();
    for _ in 3..8 {
        went_on.push(me.receive().await);
    }
    went_on.sort_unstable();
    assert_eq!(went_on, [103, 104, 105, 106, 107]);
    assert_eq!(me.down(monitor).await, Reason::Killed);
    b.send_when_ready(9).await.unwrap(); // lost, like any message to a process that has ended
}

async fn b_03_waiting_senders_are_served_in_order(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(1, Overflow::Wait)).await;
    fill(b, 1).await;
    for number in 2..7 {
        start_sender(&mut me, b, number);
        expect_silence(&mut me).await; // it stands before the mailbox by now
    }
    for number in 1..7 {
        tell_to_take(b);
        assert_eq!(me.receive_where(|&number| number < 100).await, number);
    }
    for number in 2..7 {
        me.receive_where(|&told| told == 100 + number).await;
    }
    end(&mut me, b, Reason::Kill).await;
    me.down(monitor).await;
}

/// Passes on how many messages it took from each of ten senders, when it has a hundred of each; they must be in order.
#[holm::entry]
async fn count_by_sender(mut me: Process<u64>, to: Pid<u64>) {
    let mut next = [0; 10];
    while next != [100; 10] {
        let number = me.receive().await;
        let (sender, number) = ((number / 1000) as usize, number % 1000);
        assert_eq!(number, next[sender]);
        next[sender] += 1;
    }
    to.send(0).unwrap();
}

async fn b_03_a_stream_through_a_small_mailbox_arrives_whole(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_with(&mut me, there, count_by_sender, Mailbox::bounded(3, Overflow::Wait)).await;
    for sender in 0..10 {
        me.spawn(async move |_: Process<()>| {
            for number in 0..100 {
                b.send_when_ready(sender * 1000 + number).await.unwrap();
            }
        })
        .unwrap();
    }
    assert_eq!(me.receive().await, 0);
    assert_eq!(me.down(monitor).await, Reason::Normal);
}

/// With a full mailbox of its own: sends to the process whose number it is told, and says 1 if that came back.
#[holm::entry]
async fn send_to_the_other(mut me: Process<u64>, to: Pid<u64>) {
    me.trap_exits(true);
    to.send(0).unwrap();
    let Notice::Exit { reason, .. } = me.notice_where(|_| true).await else { unreachable!("no monitors were set") };
    let other: Pid<u64> = reason.get().unwrap();
    let came_back = is_full(other.send_within(7, Duration::from_millis(100)).await, 7);
    to.send(came_back.into()).unwrap();
    assert_eq!(me.receive().await, 1, "what was in the mailbox is still there");
}

async fn b_04_two_full_mailboxes_end_in_a_time_out(mut me: Process<u64>, there: There) {
    let one = Mailbox::bounded(1, Overflow::Wait);
    let (x, x_ends) = start_with(&mut me, There(0), send_to_the_other, one).await;
    let (y, y_ends) = start_with(&mut me, there, send_to_the_other, one).await;
    assert_eq!((me.receive().await, me.receive().await), (0, 0));
    x.send_when_ready(1).await.unwrap();
    y.send_when_ready(1).await.unwrap();
    holm::exit(x, Reason::value(&y));
    holm::exit(y, Reason::value(&x));
    // Neither takes anything before it has its message back.
    let first = me.receive().await;
    let second = me.receive().await;
    assert_eq!(first, 1);
    // The other one's wait may have ended by the first one's taking its message.
    assert!(second <= 1);
    assert_eq!(me.down(x_ends).await, Reason::Normal);
    assert_eq!(me.down(y_ends).await, Reason::Normal);
}

#[derive(Serialize, Deserialize, Message)]
struct Register(u64, Reply<u64>);

/// Its start takes a call, a monitor and a name; only then does it look at its mailbox.
#[holm::entry]
async fn start_slowly(mut me: Process<u64>, (to, registry): (Pid<u64>, Pid<Register>)) -> Result<(), CallError> {
    let number = me.call(registry, |reply| Register(20, reply), Duration::from_secs(10)).await?;
    let monitor = me.monitor(registry);
    holm::exit(registry, Reason::Shutdown);
    assert_eq!(me.down(monitor).await, Reason::Shutdown);
    me.register("b_07").unwrap();
    to.send(number).unwrap();
    for _ in 0..3 {
        let number = me.receive().await;
        to.send(number).unwrap();
    }
    Ok(())
}

async fn b_07_a_mailbox_that_is_full_at_once_does_not_stop_the_start(mut me: Process<u64>, there: There) {
    let registry = me
        .spawn(async |mut me: Process<Register>| {
            let Register(number, reply) = me.receive().await;
            holm::sleep(QUIET).await; // the mailbox of whoever asked is full by now
            reply.send(number + 1);
            std::future::pending::<()>().await;
        })
        .unwrap();
    let options = there.options().monitor().mailbox(Mailbox::bounded(1, Overflow::Wait));
    let parent = me.pid();
    let spawned = me.spawn_entry(start_slowly, (parent, registry), options).await.unwrap();
    for number in 1..=3 {
        start_sender(&mut me, spawned.pid, number);
        holm::yield_now().await;
    }
    assert_eq!(me.receive_where(|&number| number == 21).await, 21, "the start completes");
    let mut sum = 0;
    for _ in 0..3 {
        sum += me.receive_where(|&number| number < 10).await;
    }
    assert_eq!(sum, 6);
    for number in 1..=3 {
        me.receive_where(|&told| told == 100 + number).await;
    }
    assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Normal);
}

/// Tells of the notices that it gets, and never takes a message.
#[holm::entry]
async fn tell_of_notices(mut me: Process<u64>, to: Pid<u64>) {
    me.trap_exits(true);
    let short = me.spawn(async |mut me: Process<()>| me.receive().await).unwrap();
    let monitor = me.monitor(short);
    to.send(0).unwrap();
    loop {
        let told = match me.notice_where(|_| true).await {
            Notice::Exit { reason: Reason::Shutdown, .. } => {
                holm::exit(short, Reason::Kill);
                1
            }
            Notice::Exit { .. } => 2,
            Notice::Down { monitor: fired, reason: Reason::Killed, .. } if fired == monitor => 3,
            _ => 4,
        };
        to.send(told).unwrap();
    }
}

async fn b_08_signals_reach_a_process_with_a_full_mailbox(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_with(&mut me, there, tell_of_notices, Mailbox::bounded(2, Overflow::Wait)).await;
    assert_eq!(me.receive().await, 0);
    fill(b, 2).await;
    start_sender(&mut me, b, 3);
    expect_silence(&mut me).await;
    holm::exit(b, Reason::Shutdown);
    assert_eq!(me.receive().await, 1, "an exit signal");
    assert_eq!(me.receive().await, 3, "a down");
    let linked = me
        .spawn(async move |mut me: Process<u64>| {
            me.link(b);
            me.receive().await;
            me.exit(Reason::error("over")).await
        })
        .unwrap();
    linked.send(0).unwrap();
    assert_eq!(me.receive().await, 2, "an exit signal by a link");
    let second = me.monitor(b);
    holm::exit(b, Reason::Kill);
    assert_eq!(me.down(second).await, Reason::Killed);
    assert_eq!(me.down(monitor).await, Reason::Killed);
    assert_eq!(me.receive().await, 103);
}

/// Passes on the order in which a message above 1 and an exit signal arrive: 1 and 2, in the order of arrival.
#[holm::entry]
async fn tell_order(mut me: Process<u64>, to: Pid<u64>) {
    me.trap_exits(true);
    to.send(0).unwrap();
    loop {
        match me.next().await {
            Event::Message(2) => to.send(1).unwrap(),
            Event::Message(_) => {}
            Event::Notice(_) => to.send(2).unwrap(),
        }
    }
}

/// A sender whose message waits before a full mailbox, and which then ends: the end is not seen before the message.
async fn a_signal_does_not_overtake_a_message_that_waits(mut me: Process<u64>, there: There) {
    for _ in 0..harness::rounds(200, 50) {
        let (b, monitor) = start_with(&mut me, there, tell_order, Mailbox::bounded(1, Overflow::Wait)).await;
        assert_eq!(me.receive().await, 0);
        let sender = async move |mut me: Process<()>| {
            me.link(b);
            while b.send(1).is_err() {
                holm::yield_now().await;
            }
            while b.send(2).is_err() {
                holm::yield_now().await;
            }
            Reason::error("over")
        };
        me.spawn(sender).unwrap();
        assert_eq!((me.receive().await, me.receive().await), (1, 2));
        end(&mut me, b, Reason::Kill).await;
        me.down(monitor).await;
    }
}

/// Answers the requests that it gets, once it has trapped an exit signal.
#[holm::entry]
async fn answer_later(mut me: Process<Register>, to: Pid<u64>) {
    me.trap_exits(true);
    to.send(0).unwrap();
    me.notice_where(|_| true).await;
    loop {
        let Register(number, reply) = me.receive().await;
        reply.send(number + 1);
    }
}

async fn a_call_waits_for_room_and_no_longer_than_its_limit(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_with(&mut me, there, answer_later, Mailbox::bounded(1, Overflow::Wait)).await;
    assert_eq!(me.receive().await, 0);
    let parent = me.pid();
    for number in 1..=3 {
        me.spawn(async move |mut me: Process<()>| {
            let answer = me.call(b, |reply| Register(number, reply), Duration::from_secs(10)).await;
            parent.send(answer.unwrap()).unwrap();
        })
        .unwrap();
    }
    expect_silence(&mut me).await;
    let began = Instant::now();
    for _ in 0..3 {
        assert_eq!(me.call(b, |reply| Register(9, reply), QUIET).await, Err(CallError::Timeout));
    }
    assert!(began.elapsed() >= 3 * QUIET);
    holm::exit(b, Reason::Shutdown);
    let mut answers = [me.receive().await, me.receive().await, me.receive().await];
    answers.sort_unstable();
    assert_eq!(answers, [2, 3, 4]);
    assert_eq!(me.call(b, |reply| Register(5, reply), Duration::from_secs(10)).await, Ok(6));
    end(&mut me, b, Reason::Kill).await;
    me.down(monitor).await;
    let late = me.call(b, |reply| Register(5, reply), Duration::from_secs(10)).await;
    assert_eq!(late, Err(CallError::Unanswered(Reason::NoProc)));
}

async fn e_13_a_waiting_sender_that_is_killed_frees_its_place(mut me: Process<u64>, there: There) {
    let (b, monitor) = start_taker(&mut me, there, Mailbox::bounded(1, Overflow::Wait)).await;
    fill(b, 1).await;
    let (first, first_ends) = start_sender(&mut me, b, 2);
    expect_silence(&mut me).await;
    start_sender(&mut me, b, 3);
    expect_silence(&mut me).await;
    holm::exit(first, Reason::Kill);
    assert_eq!(me.down(first_ends).await, Reason::Killed);
    holm::sleep(QUIET).await; // what the sender's node says of it has come to the receiver's
    for number in [1, 3] {
        tell_to_take(b);
        assert_eq!(me.receive_where(|&number| number < 100).await, number);
    }
    assert_eq!(me.receive().await, 103);
    tell_to_take(b);
    assert_eq!(me.receive_within(QUIET).await, None, "the killed sender's message was withdrawn");
    end(&mut me, b, Reason::Kill).await;
    me.down(monitor).await;
}

/// Counts the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is the system's allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), SeqCst);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), SeqCst);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the events that report a long mailbox.
struct Reports;

static REPORTS: AtomicUsize = AtomicUsize::new(0);

impl tracing::Subscriber for Reports {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("holm") && *metadata.level() == tracing::Level::WARN
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct IsLong(bool);
        impl tracing::field::Visit for IsLong {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 |= field.name() == "message" && format!("{value:?}") == "a mailbox is long";
            }
        }
        let mut is_long = IsLong(false);
        event.record(&mut is_long);
        REPORTS.fetch_add(is_long.0.into(), SeqCst);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

/// Takes 2600 messages whenever it traps an exit signal.
async fn take_many_when_told(mut me: Process<Load>) {
    me.trap_exits(true);
    loop {
        me.notice_where(|notice| matches!(notice, Notice::Exit { .. })).await;
        for _ in 0..2600 {
            me.receive().await;
        }
    }
}

async fn wait_for_len<N>(b: Pid<N>, len: u64) -> u64 {
    loop {
        let info = holm::process_info(b).expect("it lives");
        if info.mailbox_len == len {
            return info.mailbox_bytes;
        }
        holm::yield_now().await;
    }
}

async fn b_06_a_long_mailbox_is_reported_once_and_its_bytes_are_right(mut me: Process<u64>, there: There) {
    tracing::subscriber::set_global_default(Reports).unwrap();
    holm::warn_of_mailboxes_above(1000);
    let count = Arc::new(AtomicUsize::new(0));
    for (round, mailbox) in [Mailbox::unbounded(), Mailbox::unbounded().warn_above(1000)].into_iter().enumerate() {
        let options = there.options().mailbox(mailbox);
        let b = me.spawn_opt(options, take_many_when_told).unwrap().pid;
        while !holm::process_info(b).expect("it lives").trapping {
            holm::yield_now().await;
        }
        let before = IN_USE.load(SeqCst);
        (0..3000).for_each(|_| b.send(Load([0; 1000], count.clone())).unwrap());
        let bytes = wait_for_len(b, 3000).await as usize;
        let in_use = IN_USE.load(SeqCst) - before;
        assert!(bytes.abs_diff(in_use) * 10 < in_use, "{bytes} bytes are reported, {in_use} are in use");
        assert_eq!(REPORTS.load(SeqCst), 2 * round + 1, "it was reported once");
        holm::exit(b, Reason::Shutdown);
        wait_for_len(b, 400).await;
        (0..900).for_each(|_| b.send(Load([0; 1000], count.clone())).unwrap());
        wait_for_len(b, 1300).await;
        assert_eq!(REPORTS.load(SeqCst), 2 * round + 2, "it was reported again when it became long again");
        end(&mut me, b, Reason::Kill).await;
    }
}

/// A message of a thousand bytes that counts its drops.
#[derive(Message)]
#[message(local)]
struct Load(#[expect(dead_code)] [u8; 1000], Arc<AtomicUsize>);

impl Drop for Load {
    fn drop(&mut self) {
        self.1.fetch_add(1, SeqCst);
    }
}

async fn b_05_a_byte_limit_with_kill_ends_the_process_and_frees_its_memory(mut me: Process<u64>, there: There) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let options = there.options().monitor().mailbox(Mailbox::bytes(100_000, Overflow::Kill));
    let spawned = me.spawn_opt(options, async |_: Process<Load>| std::future::pending::<()>().await).unwrap();
    let mut sent = 0;
    while holm::is_alive(spawned.pid) {
        spawned.pid.send(Load([0; 1000], dropped.clone())).unwrap();
        sent += 1;
        if sent > 90 {
            holm::yield_now().await;
        }
    }
    assert_eq!(me.down(spawned.monitor.unwrap()).await, Reason::Overflow);
    assert!(sent > 90, "{sent} messages of a thousand bytes are too few to pass the limit");
    while dropped.load(SeqCst) < sent {
        holm::yield_now().await;
    }
    assert_eq!(dropped.load(SeqCst), sent);
}

async fn a_sender_that_gives_up_gets_its_message_back(mut me: Process<u64>, there: There) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let options = there.options().mailbox(Mailbox::bounded(1, Overflow::Wait));
    let b = me.spawn_opt(options, async |_: Process<Load>| std::future::pending::<()>().await).unwrap().pid;
    b.send(Load([0; 1000], dropped.clone())).unwrap();
    for before in 0..10 {
        let back = b.send_within(Load([0; 1000], dropped.clone()), Duration::from_millis(1)).await;
        assert_eq!(dropped.load(SeqCst), before);
        assert!(matches!(back, Err(SendError::Full(_))));
    }
    end(&mut me, b, Reason::Kill).await;
    assert_eq!(dropped.load(SeqCst), 11);
}

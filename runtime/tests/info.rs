//! What the runtime knows of a process, without the process.

mod harness;

use harness::{QUIET, There, end};
use holm::{CallError, Mailbox, Notice, Overflow, Pid, Process, ProcessInfo, Reason, SpawnOptions, Status};
use std::time::{Duration, Instant};

cases! {
    in_every_placement:
        a_process_that_waits_is_described,
        links_monitors_and_traps_are_counted_up_and_down,
        the_messages_that_a_process_has_not_taken_are_counted,
        a_process_that_has_ended_is_unknown,
        b_01_a_bounded_mailbox_is_never_longer_than_its_bound;
    on_one_node:
        a_process_that_computes_is_described_all_the_same,
        all_processes_are_listed;
}

const LIMIT: Duration = Duration::from_secs(10);

async fn look<N>(me: &mut Process<u64>, pid: Pid<N>) -> ProcessInfo {
    me.process_info_at(pid, LIMIT).await.unwrap().expect("it lives")
}

/// Looks until the process is as it should be.
async fn look_until<N>(me: &mut Process<u64>, pid: Pid<N>, fits: impl Fn(&ProcessInfo) -> bool) -> ProcessInfo {
    let began = Instant::now();
    loop {
        let info = look(me, pid).await;
        if fits(&info) {
            return info;
        }
        assert!(began.elapsed() < LIMIT, "it stays so: {info:?}");
        holm::sleep(Duration::from_millis(1)).await;
    }
}

/// Has a name, and waits for a message.
#[holm::entry]
async fn wait_with_a_name(mut me: Process<u64>, to: Pid<u64>) {
    me.register("info").unwrap();
    to.send(0).unwrap();
    me.receive_where(|&number| number == 99).await;
}

async fn a_process_that_waits_is_described(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(wait_with_a_name, me.pid(), &mut me).await;
    me.receive().await;
    let info = look_until(&mut me, b, |info| info.status == Status::Waiting).await;
    assert_eq!(info.pid, b);
    assert_eq!(info.names, ["info"]);
    assert_eq!(info.message, "u64");
    assert_eq!(info.pinned, Some(there.0));
    assert_eq!(info.parent, Some(me.pid().untyped()));
    assert_eq!((info.links, info.monitors, info.monitored_by), (0, 0, 1));
    assert_eq!((info.mailbox_len, info.mailbox_bytes, info.trapping), (0, 0, false));
    b.send(99).unwrap();
    me.down(monitor).await;
}

/// With each trapped exit: one link, one monitor, and trapping, or none of them.
#[holm::entry]
async fn tie_and_untie(mut me: Process<u64>, to: Pid<u64>) {
    me.trap_exits(true);
    to.send(0).unwrap();
    let trapped = |notice: &Notice| matches!(notice, Notice::Exit { .. });
    me.notice_where(trapped).await;
    me.link(to);
    let monitors = [me.monitor(to), me.monitor(to)];
    me.notice_where(trapped).await;
    me.unlink(to);
    assert!(monitors.into_iter().all(|monitor| me.demonitor(monitor)));
    me.trap_exits(false);
    std::future::pending::<()>().await;
}

async fn links_monitors_and_traps_are_counted_up_and_down(mut me: Process<u64>, there: There) {
    let b = there.start(tie_and_untie, me.pid(), &mut me).await;
    me.receive().await;
    let none = |info: &ProcessInfo| (info.links, info.monitors, info.monitored_by) == (0, 0, 0);
    let info = look(&mut me, b).await;
    assert!(none(&info) && info.trapping);
    let mine = holm::process_info(me.pid()).unwrap();
    holm::exit(b, Reason::Shutdown);
    look_until(&mut me, b, |info| (info.links, info.monitors) == (1, 2)).await;
    let my_pid = me.pid();
    look_until(&mut me, my_pid, |info| info.links == 1 && info.monitored_by == mine.monitored_by + 2).await;
    holm::exit(b, Reason::Shutdown);
    let info = look_until(&mut me, b, |info| none(info) && !info.trapping).await;
    assert_eq!(info.names.len(), 0);
    look_until(&mut me, my_pid, |info| info.links == 0 && info.monitored_by == mine.monitored_by).await;
    end(&mut me, b, Reason::Kill).await;
}

async fn the_messages_that_a_process_has_not_taken_are_counted(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(wait_with_a_name, me.pid(), &mut me).await;
    me.receive().await;
    for number in 0..50 {
        b.send(number).unwrap();
    }
    let info = look_until(&mut me, b, |info| info.mailbox_len == 50).await;
    assert_eq!(info.mailbox_bytes, 50 * 32, "a letter with a u64");
    b.send(99).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
}

async fn a_process_that_has_ended_is_unknown(mut me: Process<u64>, there: There) {
    let (b, monitor) = there.start_monitor(wait_with_a_name, me.pid(), &mut me).await;
    me.receive().await;
    b.send(99).unwrap();
    assert_eq!(me.down(monitor).await, Reason::Normal);
    assert_eq!(me.process_info_at(b, LIMIT).await, Ok(None));
    assert_eq!(holm::process_info(b), None);
}

/// Takes messages slowly, and says at the end how long its mailbox was at most.
#[holm::entry]
async fn take_slowly(mut me: Process<u64>, to: Pid<u64>) {
    let mut longest = 0;
    for _ in 0..200 {
        me.receive().await;
        longest = longest.max(holm::process_info(me.pid()).unwrap().mailbox_len);
        holm::yield_now().await;
    }
    to.send(longest).unwrap();
}

async fn b_01_a_bounded_mailbox_is_never_longer_than_its_bound(mut me: Process<u64>, there: There) {
    let options = there.options().monitor().mailbox(Mailbox::bounded(5, Overflow::Wait));
    let parent = me.pid();
    let spawned = me.spawn_entry(take_slowly, parent, options).await.unwrap();
    let b = spawned.pid;
    for _ in 0..8 {
        let send = async move |_: Process<()>| {
            for number in 0..25 {
                b.send_when_ready(number).await.unwrap();
            }
        };
        me.spawn(send).unwrap();
    }
    let longest = me.receive().await;
    assert!((1..=5).contains(&longest), "{longest} messages were in a mailbox of five");
    me.down(spawned.monitor.unwrap()).await;
}

/// It is described by the process of another scheduler, or not at all: on one scheduler nothing else runs meanwhile.
async fn a_process_that_computes_is_described_all_the_same(mut me: Process<u64>, there: There) {
    if there.0 == 0 {
        return;
    }
    let (tell, told) = std::sync::mpsc::channel::<()>();
    let parent = me.pid();
    let compute = async move |_: Process<u64>| {
        parent.send(0).unwrap();
        let _ = told.recv(); // no await: its scheduler is held
    };
    let spawned = me.spawn_opt(SpawnOptions::new().scheduler(there.0).monitor(), compute).unwrap();
    me.receive().await;
    spawned.pid.send(7).unwrap();
    let info = holm::process_info(spawned.pid).unwrap();
    assert_eq!((info.status, info.monitored_by), (Status::Running(there.0), 1));
    tell.send(()).unwrap();
    me.down(spawned.monitor.unwrap()).await;
}

async fn all_processes_are_listed(mut me: Process<u64>, _: There) {
    let wait = async |_: Process<()>| std::future::pending::<()>().await;
    let mut mine: Vec<Pid> = (0..100).map(|_| me.spawn(wait).unwrap().untyped()).collect();
    let gated = SpawnOptions::new().mailbox(Mailbox::bounded(1, Overflow::Busy));
    mine.push(me.spawn_opt(gated, wait).unwrap().pid.untyped());
    mine.push(me.pid().untyped());
    let listed = holm::processes();
    assert!(mine.iter().all(|pid| listed.iter().filter(|other| *other == pid).count() == 1));
    mine.pop();
    for pid in mine {
        let monitor = me.monitor(pid);
        holm::exit(pid, Reason::Kill);
        me.down(monitor).await;
        assert!(!holm::processes().contains(&pid));
    }
    let nobody = me.process_info_at(listed[0], QUIET).await;
    assert!(!matches!(nobody, Err(CallError::Timeout)), "what is here is not asked for");
}

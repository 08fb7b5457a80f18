//! What a program may rely on when it enters a layout, told by a program that does.
//!
//! The program is this test executable itself: `the_program` acts when [`SCENE`] is set, and the nodes that the launcher
//! starts run the same arguments, so they come to `the_program` too.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use holm::layout::signals::on_stop;
use holm::layout::{Control, ControlEvent, Entered, LinkEnd, Place, Socket, enter};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Names what `the_program` is to do.
const SCENE: &str = "LAUNCHER_SCENE";

/// Long enough for a crowded machine; no test waits it out unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Short enough for a test in which the wait is meant to run out.
const IMPATIENCE: Duration = Duration::from_millis(300);

/// Lines that each node prints in the scene of many lines.
const LINES: usize = 400;

// The program.

#[test]
fn the_program() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    println!(); // the test harness has begun a line of its own
    if scene == "one exits at once" && std::env::var("HOLM_NODE").as_deref() == Ok("1") {
        std::process::exit(3);
    }
    let entered = enter().unwrap_or_else(|error| {
        println!("error: {error}");
        std::process::exit(2);
    });
    let Entered { place, links, control } = entered;
    match scene.as_str() {
        "greet" => greet(&place, &links, control),
        "one panics" | "one exits at once" | "one is never ready" | "one is killed early" => {
            misbehave(&scene, &place, control)
        }
        "one is killed" => one_is_killed(&place, control),
        "one does not stop" => one_does_not_stop(&place, control),
        "wait" => wait(&place, control, false),
        "wait and ignore" => wait(&place, control, true),
        "the launcher panics" => launcher_panics(&place, control),
        "print" => print(&place, control),
        "start another" => start_another(&place, control),
        "count descriptors" => count_descriptors(&place, control),
        other => panic!("no scene is called {other}"),
    }
    std::process::exit(0);
}

/// All ready, all go; in the launcher the answer is the error's sentence, and the end.
fn start(control: &Control) {
    let started = match control {
        Control::Alone => Ok(()),
        Control::Parent(children) => children.wait_ready(PATIENCE).and_then(|()| children.go()),
        Control::Child(end) => end.ready().map(|()| end.wait_go(PATIENCE).unwrap()),
    };
    if let Err(error) = started {
        println!("error: {error}");
        if let Control::Parent(children) = control {
            println!("reaped: {}", children.deaths().len());
        }
        std::process::exit(1);
    }
}

/// The launcher orders the stop and prints how each node ended; the others wait for the order.
fn stop(control: Control, grace: Duration) {
    match control {
        Control::Alone => {}
        Control::Parent(children) => {
            let ended = children.stop_all(grace);
            let ended: Vec<_> = ended.iter().map(|(rank, status)| (*rank, status.code(), status.signal())).collect();
            println!("stopped: {ended:?}");
        }
        Control::Child(end) => while !matches!(end.next(), ControlEvent::Stop { .. }) {},
    }
}

fn greet(place: &Place, links: &[LinkEnd], control: Control) {
    start(&control);
    let me = place.node();
    for (peer, link) in (0..place.nodes.len() as u32).filter(|peer| *peer != place.rank).zip(links) {
        assert_eq!((link.peer, link.initiator), (peer, place.rank < peer));
        let flags = rustix::io::fcntl_getfd(link.socket.as_fd()).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC), "a link is not inherited by what a node starts");
        talk(link, |stream| stream.write_all(&[place.rank as u8]).unwrap());
        talk(link, |stream| {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [link.peer as u8]);
        });
    }
    if place.rank != 0 {
        let mut typed = Vec::new();
        assert_eq!(std::io::stdin().read_to_end(&mut typed).unwrap(), 0, "a node that was started has an empty stdin");
    }
    let secret = place.secret.expose().iter().fold(0, |sum: u32, byte| sum.wrapping_mul(31) + u32::from(*byte));
    println!(
        "node {} {} id {:x} schedulers {:?} of {} cpus {:?} allowed {} links {} {} key {secret}",
        me.rank,
        me.name,
        me.id,
        me.schedulers,
        place.schedulers(),
        me.cpus,
        holm_affinity::current_mask().unwrap(),
        links.len(),
        links.first().map_or("none", |link| kind(link)),
    );
    stop(control, PATIENCE);
}

fn talk(link: &LinkEnd, act: impl FnOnce(&mut dyn ReadWrite)) {
    match &link.socket {
        Socket::Unix(stream) => act(&mut &*stream),
        Socket::Tcp(stream) => act(&mut &*stream),
    }
}

trait ReadWrite: Read + Write {}
impl<S: Read + Write> ReadWrite for S {}

fn kind(link: &LinkEnd) -> &'static str {
    match (&link.socket, link.shared_memory) {
        (Socket::Unix(_), true) => "shm",
        (Socket::Unix(_), false) => "unix",
        (Socket::Tcp(_), false) => "tcp",
        (Socket::Tcp(_), true) => "a shared segment cannot cross a tcp socket",
    }
}

fn misbehave(scene: &str, place: &Place, control: Control) {
    match (scene, place.rank) {
        ("one panics", 1) => panic!("node 1 has had enough"),
        ("one is killed early", 1) => die(),
        ("one is never ready", 1) => sleep_for_good(),
        ("one is never ready", 0) => {
            let Control::Parent(children) = &control else { unreachable!("rank 0 of two starts the other") };
            println!("error: {}", children.wait_ready(IMPATIENCE).unwrap_err());
            return stop(control, IMPATIENCE);
        }
        _ => start(&control),
    }
    stop(control, PATIENCE);
}

fn die() {
    kill_process(rustix::process::getpid(), Signal::KILL).unwrap();
}

fn sleep_for_good() {
    loop {
        std::thread::sleep(PATIENCE);
    }
}

fn one_is_killed(place: &Place, control: Control) {
    let (tell, told) = mpsc::channel();
    if let Control::Parent(children) = &control {
        children.on_death(move |death| tell.send(death.to_string()).unwrap());
    }
    start(&control);
    match &control {
        Control::Parent(_) => println!("death: {}", told.recv_timeout(PATIENCE).unwrap()),
        Control::Child(_) if place.rank == 1 => die(),
        Control::Child(end) => println!("node {} hears {:?}", place.rank, end.next()),
        Control::Alone => unreachable!("the scene has three nodes"),
    }
    stop(control, PATIENCE);
}

fn one_does_not_stop(place: &Place, control: Control) {
    start(&control);
    if place.rank == 1 {
        sleep_for_good();
    }
    stop(control, IMPATIENCE);
}

/// Prints its process id and waits to be stopped, by a signal or by order.
fn wait(place: &Place, control: Control, ignore_first: bool) {
    let (tell, told) = mpsc::channel();
    let rank = place.rank;
    let _listening = on_stop(&control, move |request| {
        println!("node {rank} is asked to stop by signal {}", request.signal);
        assert!(!ignore_first, "a callback that panics does not make the program deaf");
        let _ = tell.send(());
    })
    .unwrap();
    start(&control);
    println!("pid {}", std::process::id());
    if place.rank == 0 {
        let _ = told.recv_timeout(PATIENCE).map_err(|_| ignore_first.then(sleep_for_good));
    }
    stop(control, PATIENCE);
}

fn launcher_panics(place: &Place, control: Control) {
    start(&control);
    println!("pid {}", std::process::id());
    assert_ne!(place.rank, 0, "the launcher panics");
    let _control = control;
    sleep_for_good();
}

fn print(place: &Place, control: Control) {
    start(&control);
    let mut out = std::io::stdout().lock();
    for line in 0..LINES {
        let text = format!("{} {line} {}\n", place.rank, "x".repeat(line % 90));
        for piece in text.as_bytes().chunks(7) {
            out.write_all(piece).unwrap();
            out.flush().unwrap();
        }
    }
    if place.rank != 0 {
        write!(out, "{} ends without an end of line", place.rank).unwrap();
        out.flush().unwrap();
    }
    drop(out);
    eprintln!("node {} on stderr", place.rank);
    stop(control, PATIENCE);
}

fn start_another(place: &Place, control: Control) {
    start(&control);
    if place.rank == 1 {
        let output = program("greet", &[("HOLM_LAYOUT", "1x1")]).output().unwrap();
        std::io::stdout().lock().write_all(&output.stdout).unwrap();
    }
    stop(control, PATIENCE);
}

fn count_descriptors(place: &Place, control: Control) {
    start(&control);
    println!("node {} holds {}", place.rank, fs::read_dir("/proc/self/fd").unwrap().count());
    stop(control, PATIENCE);
}

// How the tests run it.

fn program(scene: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_program", "--nocapture", "--test-threads=1"]).env(SCENE, scene);
    for variable in ["LAYOUT", "TRANSPORT", "BIND", "OVERSUBSCRIBE", "TCP_PORT", "PREFIX"] {
        command.env_remove(format!("HOLM_{variable}"));
    }
    command.envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(scene: &str, variables: &[(&str, &str)]) -> Output {
    program(scene, &[&[("HOLM_OVERSUBSCRIBE", "1")], variables].concat()).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The one line that begins so.
fn line<'a>(text: &'a str, beginning: &str) -> &'a str {
    let found: Vec<&str> = text.lines().filter(|line| line.starts_with(beginning)).collect();
    assert_eq!(found.len(), 1, "one line begins with '{beginning}' in:\n{text}");
    found[0]
}

/// Starts a scene whose nodes print their process ids, and waits for that of each.
fn run_until_pids(scene: &str, layout: &str, nodes: usize) -> (Launcher, BufReader<ChildStdout>, Vec<Pid>) {
    let mut command = program(scene, &[("HOLM_LAYOUT", layout), ("HOLM_OVERSUBSCRIBE", "1")]);
    let mut launcher = Launcher(command.process_group(0).stderr(Stdio::null()).spawn().unwrap());
    let mut output = BufReader::new(launcher.0.stdout.take().unwrap());
    let (mut line, mut pids) = (String::new(), Vec::new());
    while pids.len() < nodes {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the program ended before all nodes had printed their pid");
        let pid = line.trim().strip_prefix("pid ").map(|pid| Pid::from_raw(pid.parse().unwrap()).unwrap());
        pids.extend(pid);
    }
    (launcher, output, pids)
}

/// A launcher that does not outlive its test.
struct Launcher(Child);

impl Launcher {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.0)
    }

    fn wait(&mut self) -> ExitStatus {
        self.0.wait().unwrap()
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until none of the processes runs; one that only waits to be reaped by init does not.
fn assert_all_end(pids: &[Pid]) {
    let runs = |pid: &Pid| {
        let status = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    };
    for _ in 0..PATIENCE.as_millis() / 10 {
        if !pids.iter().any(runs) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("a node outlives its launcher");
}

// The promises.

#[test]
fn one_node_starts_nothing() {
    let output = run("greet", &[("HOLM_LAYOUT", "1x1")]);
    assert!(output.status.success());
    let text = text(&output);
    assert!(line(&text, "node ").contains("schedulers 0..1 of 1 cpus [None] allowed"), "{text}");
    assert!(text.contains(" links 0 none ") && !text.contains("stopped"), "{text}");
}

#[test]
fn the_default_is_one_node() {
    let output = program("greet", &[]).output().unwrap();
    assert!(output.status.success());
    assert!(line(&text(&output), "node ").contains("links 0 none"));
}

#[test]
fn every_transport_connects_each_two_nodes() {
    for (layout, nodes, transport) in [("2x1", 2, "shm"), ("2x2", 2, "unix"), ("3x1", 3, "tcp"), ("5x1", 5, "shm")] {
        let output = run("greet", &[("HOLM_LAYOUT", layout), ("HOLM_TRANSPORT", transport)]);
        let text = text(&output);
        assert!(output.status.success(), "{layout} {transport}:\n{text}{}", String::from_utf8_lossy(&output.stderr));
        for rank in 0..nodes {
            let line = line(&text, &format!("node {rank} "));
            assert!(line.contains(&format!("links {} {transport} key", nodes - 1)), "{line}");
        }
        let all_ended_well: Vec<_> = (1..nodes).map(|rank| (rank, Some(0), None::<i32>)).collect();
        assert_eq!(line(&text, "stopped"), format!("stopped: {all_ended_well:?}"));
    }
}

#[test]
fn nodes_agree_on_who_they_are_and_share_one_secret() {
    let text = text(&run("greet", &[("HOLM_LAYOUT", "3x2")]));
    let mut keys = Vec::new();
    let mut ids = Vec::new();
    for rank in 0..3 {
        let line = line(&text, &format!("node {rank} "));
        let words: Vec<&str> = line.split(' ').collect();
        assert!(words[2].starts_with("launcher-") && words[2].contains(&format!("-{rank}@")), "{line}");
        assert!(line.contains(&format!("schedulers {}..{} of 6", rank * 2, rank * 2 + 2)), "{line}");
        ids.push(words[4].to_owned());
        keys.push(words.last().unwrap().to_string());
    }
    ids.sort();
    ids.dedup();
    keys.dedup();
    assert_eq!((ids.len(), keys.len()), (3, 1), "{text}");
}

#[test]
fn a_node_whose_schedulers_are_bound_runs_on_their_cpus_alone() {
    let output = run("greet", &[("HOLM_LAYOUT", "2x1"), ("HOLM_BIND", "ns")]);
    let text = text(&output);
    if text.contains("error: HOLM_BIND=ns: ") {
        return; // a sandbox without the right to bind says so, which is the other half of the promise
    }
    for rank in 0..2 {
        let line = line(&text, &format!("node {rank} "));
        let cpu = line.split_once("cpus [Some(").and_then(|(_, rest)| rest.split_once(")]")).unwrap().0;
        assert!(line.contains(&format!(" allowed {cpu} links")), "{line}");
    }
}

#[test]
fn links_over_tcp_can_be_made_on_a_fixed_port() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let variables = [("HOLM_LAYOUT", "2x1"), ("HOLM_TRANSPORT", "tcp"), ("HOLM_TCP_PORT", free.as_str())];
    let output = run("greet", &variables);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_port_in_use_is_told_in_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let variables = [("HOLM_LAYOUT", "2x1"), ("HOLM_TRANSPORT", "tcp"), ("HOLM_TCP_PORT", port.as_str())];
    let output = run("greet", &variables);
    assert_eq!(output.status.code(), Some(2));
    let sentence = format!("error: HOLM_TCP_PORT={port}: the port is in use on 127.0.0.1: choose another,");
    assert!(line(&text(&output), "error: ").starts_with(&sentence), "{}", text(&output));
}

#[test]
fn every_bad_variable_is_named_and_nothing_is_started() {
    let table = [
        ("HOLM_LAYOUT", "banana"),
        ("HOLM_LAYOUT", "0x1"),
        ("HOLM_LAYOUT", "9999x1"),
        ("HOLM_TRANSPORT", "pigeon"),
        ("HOLM_BIND", "sideways"),
        ("HOLM_OVERSUBSCRIBE", "yes"),
        ("HOLM_TCP_PORT", "0"),
        ("HOLM_PREFIX", "on"),
    ];
    for (variable, value) in table {
        let output = run("greet", &[(variable, value)]);
        assert_eq!(output.status.code(), Some(2), "{variable}={value}");
        let text = text(&output);
        assert!(line(&text, "error: ").starts_with(&format!("error: {variable}={value}: ")), "{text}");
        assert!(!text.contains("node "), "{text}");
    }
}

#[test]
fn more_schedulers_than_cpus_are_refused_unless_wanted() {
    let output = program("greet", &[("HOLM_LAYOUT", "256x4")]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        line(&text(&output), "error: ")
            .starts_with("error: the layout does not fit this machine: 256x4 needs 1024 CPUs")
    );
}

#[test]
fn a_node_that_panics_before_it_is_ready_ends_the_start() {
    let output = run("one panics", &[("HOLM_LAYOUT", "3x1")]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    let error = line(&text, "error: ");
    assert!(
        error.starts_with("error: node 1 (launcher-") && error.ends_with("ended with status 101 before it was ready"),
        "{error}"
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("node 1 has had enough"), "what it said is passed on");
}

#[test]
fn a_node_that_exits_before_it_enters_ends_the_start() {
    let output = run("one exits at once", &[("HOLM_LAYOUT", "3x1")]);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    assert!(line(&text(&output), "error: ").ends_with("ended with status 3 before it was ready"));
}

#[test]
fn a_node_that_is_killed_before_it_is_ready_is_reported_with_its_signal() {
    let output = run("one is killed early", &[("HOLM_LAYOUT", "3x1")]);
    assert_eq!(output.status.code(), Some(1));
    let text = text(&output);
    assert!(line(&text, "error: ").ends_with("ended by signal 9 before it was ready"));
    assert_eq!(line(&text, "reaped"), "reaped: 2", "the other node does not outlive the failed start");
}

#[test]
fn a_node_that_never_is_ready_is_named() {
    let output = run("one is never ready", &[("HOLM_LAYOUT", "2x1")]);
    let text = text(&output);
    let error = line(&text, "error: ");
    assert!(error.starts_with("error: node 1 (launcher-") && error.ends_with("is not ready after 300ms"), "{error}");
    assert_eq!(line(&text, "stopped"), "stopped: [(1, None, Some(9))]");
}

#[test]
fn a_node_that_is_killed_is_reported_to_all_with_its_signal() {
    let output = run("one is killed", &[("HOLM_LAYOUT", "3x1")]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    let death = line(&text, "death: ");
    assert!(death.starts_with("death: node 1 (launcher-") && death.ends_with("ended by signal 9"), "{death}");
    assert_eq!(line(&text, "node 2 hears"), "node 2 hears Died { rank: 1, status: \"by signal 9\" }");
    assert_eq!(line(&text, "stopped"), "stopped: [(1, None, Some(9)), (2, Some(0), None)]");
}

#[test]
fn a_node_that_does_not_stop_is_killed_after_the_grace() {
    let output = run("one does not stop", &[("HOLM_LAYOUT", "3x1")]);
    assert_eq!(line(&text(&output), "stopped"), "stopped: [(1, None, Some(9)), (2, Some(0), None)]");
}

#[test]
fn no_node_survives_a_launcher_that_is_killed() {
    let (mut launcher, _output, pids) = run_until_pids("wait", "4x1", 4);
    launcher.0.kill().unwrap();
    launcher.wait();
    assert_all_end(&pids);
}

#[test]
fn no_node_survives_a_launcher_that_panics() {
    let (mut launcher, _output, pids) = run_until_pids("the launcher panics", "3x1", 3);
    assert!(!launcher.wait().success());
    assert_all_end(&pids);
}

#[test]
fn an_interrupt_from_the_terminal_stops_all_nodes_in_order() {
    let (mut launcher, mut output, _) = run_until_pids("wait", "3x1", 3);
    kill_process_group(launcher.pid(), Signal::INT).unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(launcher.wait().success(), "{rest}");
    assert_eq!(line(&rest, "node "), "node 0 is asked to stop by signal 2");
    assert_eq!(line(&rest, "stopped"), "stopped: [(1, Some(0), None), (2, Some(0), None)]");
}

#[test]
fn a_second_interrupt_ends_all_at_once() {
    let (mut launcher, mut output, pids) = run_until_pids("wait and ignore", "3x1", 3);
    kill_process_group(launcher.pid(), Signal::INT).unwrap();
    let mut heard = String::new();
    while !heard.contains("node 0 is asked to stop") {
        assert_ne!(output.read_line(&mut heard).unwrap(), 0);
    }
    kill_process_group(launcher.pid(), Signal::INT).unwrap();
    assert_eq!(launcher.wait().code(), Some(130));
    assert_all_end(&pids);
}

#[test]
fn a_node_takes_sigterm_as_a_request() {
    let (mut launcher, mut output, pids) = run_until_pids("wait", "2x1", 2);
    let node = *pids.iter().find(|pid| **pid != launcher.pid()).unwrap();
    kill_process(node, Signal::TERM).unwrap();
    let mut heard = String::new();
    while !heard.contains("node 1 is asked to stop by signal 15") {
        assert_ne!(output.read_line(&mut heard).unwrap(), 0, "{heard}");
    }
    kill_process(launcher.pid(), Signal::TERM).unwrap();
    output.read_to_string(&mut heard).unwrap();
    assert!(launcher.wait().success());
    assert_eq!(line(&heard, "stopped"), "stopped: [(1, Some(0), None)]");
}

#[test]
fn lines_of_nodes_that_print_at_once_stay_whole_and_in_order() {
    let output = run("print", &[("HOLM_LAYOUT", "4x1")]);
    let text = text(&output);
    let mut next = BTreeMap::<usize, usize>::new();
    for line in text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()) && line.ends_with(['x', ' ']))
    {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let (rank, number) = (words[0].parse().unwrap(), words[1].parse::<usize>().unwrap());
        assert_eq!(words[2].len(), number % 90, "{line}");
        let expected = next.entry(rank).or_default();
        assert_eq!(number, *expected, "node {rank}");
        *expected += 1;
    }
    assert_eq!(next, (0..4).map(|rank| (rank, LINES)).collect());
    let errors = String::from_utf8_lossy(&output.stderr);
    for rank in 1..4 {
        line(&text, &format!("{rank} ends without an end of line"));
        line(&errors, &format!("node {rank} on stderr"));
    }
}

#[test]
fn a_prefix_tells_which_node_printed_a_line() {
    let output = run("print", &[("HOLM_LAYOUT", "2x1"), ("HOLM_PREFIX", "1")]);
    let text = text(&output);
    let from_node_1: Vec<&str> = text.lines().filter(|line| line.contains("| 1 ")).collect();
    assert_eq!(from_node_1.len(), LINES + 1);
    assert!(from_node_1.iter().all(|line| line.starts_with("launcher-") && line.contains("-1@")));
    assert!(text.lines().any(|line| line.starts_with("0 7 ")), "the launcher's own lines have none");
}

#[test]
fn a_holm_program_that_a_node_starts_is_a_program_of_its_own() {
    let output = run("start another", &[("HOLM_LAYOUT", "2x1")]);
    let text = text(&output);
    assert!(output.status.success(), "{text}");
    assert!(line(&text, "node 0 ").contains("of 1 cpus [None] "), "{text}");
}

#[test]
fn neither_side_keeps_descriptors_that_it_handed_over() {
    let text = text(&run("count descriptors", &[("HOLM_LAYOUT", "9x1")]));
    let held = |rank: u32| -> usize {
        line(&text, &format!("node {rank} holds ")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    // Links, a control socket, two pipes and a process descriptor for each of eight; a dozen for the program itself.
    assert!(held(0) <= 8 * 5 + 12, "{text}");
    for rank in 1..9 {
        assert!(held(rank) <= 8 + 1 + 12, "{text}");
    }
}

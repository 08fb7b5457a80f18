//! The test's own executable, started again as a program under some layout, with a limit of time.
//!
//! A test binary that uses this has a test called `the_program`, which acts when [`ROLE`] is set and does nothing
//! otherwise. The nodes that the program starts run the same arguments, and so come to `the_program` too.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Says what `the_program` is to do.
pub(crate) const ROLE: &str = "HOLM_TEST_ROLE";

/// How long a program may run; long enough for a crowded machine, and waited out only by one that hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// What `the_program` is to do, if it is to do anything.
pub(crate) fn role() -> Option<String> {
    let role = std::env::var(ROLE).ok()?;
    println!(); // the test harness has begun a line of its own
    Some(role)
}

/// A program that is to be run.
#[derive(Debug)]
pub(crate) struct Program(Command);

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) in_time: bool,
}

impl Program {
    /// The program in a role, under a layout and a transport.
    pub(crate) fn new(role: &str, layout: &str, transport: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_program", "--nocapture", "--test-threads=1"]).env(ROLE, role);
        for variable in ["BIND", "TCP_PORT", "PREFIX", "NODE"] {
            command.env_remove(format!("HOLM_{variable}"));
        }
        command.env("RUST_BACKTRACE", "0");
        command.env("HOLM_LAYOUT", layout).env("HOLM_TRANSPORT", transport).env("HOLM_OVERSUBSCRIBE", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Program(command)
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// A process group for itself and the nodes that it starts.
    pub(crate) fn in_a_group_of_its_own(mut self) -> Self {
        std::os::unix::process::CommandExt::process_group(&mut self.0, 0);
        self
    }

    /// Runs it to its end, or kills it at the limit.
    pub(crate) fn run(self) -> Outcome {
        self.run_within(LIMIT)
    }

    /// The same, with another limit than the usual.
    pub(crate) fn run_within(self, limit: Duration) -> Outcome {
        let mut running = self.start();
        running.until = Instant::now() + limit;
        running.finish()
    }

    /// Starts it, to be looked at while it runs.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.0.spawn().unwrap();
        let (tell, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.split(b'\n').map_while(Result::ok) {
                let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });
        Running { child, lines, stderr: Some(stderr), seen: String::new(), until: Instant::now() + LIMIT }
    }
}

/// A program that runs. It does not outlive its test.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
    stderr: Option<thread::JoinHandle<String>>,
    seen: String,
    until: Instant,
}

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Waits for a line that begins so, and gives the rest of it.
    pub(crate) fn line(&mut self, beginning: &str) -> String {
        loop {
            match self.next_line() {
                Some(line) => {
                    if let Some(rest) = line.strip_prefix(beginning) {
                        return rest.to_string();
                    }
                }
                None => panic!("no line begins with {beginning:?} in:\n{}", self.seen),
            }
        }
    }

    fn next_line(&mut self) -> Option<String> {
        let line = self.lines.recv_timeout(self.until.saturating_duration_since(Instant::now())).ok()?;
        self.seen.push_str(&line);
        self.seen.push('\n');
        Some(line)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for its end; kills it at the limit.
    pub(crate) fn finish(mut self) -> Outcome {
        while self.next_line().is_some() {}
        let in_time = Instant::now() < self.until;
        if !in_time {
            let _ = self.child.kill();
        }
        let status = self.child.wait().unwrap();
        let stderr = self.stderr.take().unwrap().join().unwrap();
        Outcome { status, stdout: std::mem::take(&mut self.seen), stderr, in_time }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Outcome {
    /// All that it said, for the message of a failed test.
    pub(crate) fn story(&self) -> String {
        let end = if self.in_time { "" } else { " (killed: it did not end in time)" };
        format!("{}{end}\n--- stdout\n{}--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

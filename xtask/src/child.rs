//! A program that is run with its output kept, a limit of time, and nothing of it left when it ends.
//!
//! Tests start programs, and these start nodes. So each runs in a process group of its own, which is killed as a whole:
//! at the limit, at Ctrl-C (which only we get, for the same reason), and after its end, for what it forgot.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::{
    io::Read,
    os::unix::process::CommandExt,
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Between two looks at a child: short beside any test, long beside the price of a look.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Somebody pressed Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

fn interrupted() -> &'static Arc<AtomicBool> {
    static INTERRUPTED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    INTERRUPTED.get_or_init(Arc::default)
}

/// From now on SIGINT and SIGTERM end the child that runs, and then the command.
pub(crate) fn watch_for_interrupts() {
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Without the handler the signal ends us at once, which is right too.
        let _ = signal_hook::flag::register(signal, interrupted().clone());
    }
}

/// A program that runs, alone in its process group.
#[derive(Debug)]
pub(crate) struct Child {
    child: std::process::Child,
    output: Option<JoinHandle<String>>,
}

/// What became of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    /// None: it was killed at its limit of time.
    pub(crate) status: Option<ExitStatus>,
    /// Stdout and stderr, as they came.
    pub(crate) output: String,
    pub(crate) took: Duration,
}

impl Ended {
    pub(crate) fn succeeded(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// How it ended, in a few words.
    pub(crate) fn how(&self) -> String {
        match self.status {
            Some(status) => status.to_string(),
            None => format!("no end within {} s", self.took.as_secs()),
        }
    }
}

impl Child {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        let (mut reader, writer) = std::io::pipe().context("there is no pipe to be had")?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer).process_group(0);
        let child = command.spawn().with_context(|| format!("{:?} cannot be started", command.get_program()))?;
        drop(command); // and with it our ends of the pipe: it is to end when the group does
        let output = thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = reader.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        Ok(Child { child, output: Some(output) })
    }

    /// Waits for its end, kills it at the limit.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] after Ctrl-C, when all of it has been killed.
    pub(crate) fn finish(mut self, limit: Duration) -> Result<Ended> {
        let began = Instant::now();
        let in_time = loop {
            if self.has_ended()? {
                break true;
            }
            if interrupted().load(Relaxed) {
                bail!(Interrupted); // and our drop kills the group
            }
            if began.elapsed() > limit {
                break false;
            }
            thread::sleep(LOOK_EVERY);
        };
        let took = began.elapsed();
        let status = self.end_group()?;
        let output = self.output.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(Ended { status: in_time.then_some(status), output, took })
    }

    /// Whether it has ended; it is left a zombie, so that its number stays the group's.
    fn has_ended(&self) -> Result<bool> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(Pid::from_child(&self.child)), look)?.is_some())
    }

    /// Kills what there is of the group, and only then frees its number.
    fn end_group(&mut self) -> Result<ExitStatus> {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        Ok(self.child.wait()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.output.is_some() {
            let _ = self.end_group();
        }
    }
}

//! A cell as an OS process of its own: started, listened to, and stopped in time.
//!
//! Each run is a fresh process, so that no cell inherits the memory or the connections of another. It leads a process
//! group: the nodes it starts belong to it, and one signal stops all of them. This file knows nothing of figures; it
//! returns what was printed or one sentence on why there is nothing.
//!
//! The parent sleeps while a cell runs and looks up only every [`LOOK_UP`] for Ctrl-C and the time limit: it must not take
//! CPU from what it measures.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How often the parent looks for Ctrl-C and the time limit.
const LOOK_UP: Duration = Duration::from_millis(100);
/// Between asking the cell to end and ending it.
const GRACE: Duration = Duration::from_secs(1);
/// A cell prints one line; more than this is not kept.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;
/// A sentence from a cell's standard error is cut here.
const SENTENCE_CHARS_MAX: usize = 240;

/// Why there is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This cell failed; others may not.
    Failed(String),
    /// Ctrl-C.
    Interrupted,
}

/// Runs the command to its end and returns its standard output.
pub(crate) fn output(mut command: Command, limit: Duration, interrupted: &AtomicBool) -> Result<String, Fault> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|error| Fault::Failed(format!("the cell did not start: {error}")))?;
    let (done, ended) = channel();
    listen(child.stdout.take(), Stream::Out, &done);
    listen(child.stderr.take(), Stream::Err, &done);
    drop(done);

    let mut said = Said::default();
    let verdict = said.hear(&ended, limit, interrupted);
    if verdict.is_err() {
        stop(&child, &mut said, &ended);
    }
    let status = child.wait().map_err(|error| Fault::Failed(format!("the cell was lost: {error}")))?;
    verdict?;
    if status.success() { Ok(said.out) } else { Err(Fault::Failed(sentence(&said.err, status))) }
}

#[derive(Clone, Copy)]
enum Stream {
    Out,
    Err,
}

/// What the cell printed until each of its streams ended.
#[derive(Default)]
struct Said {
    out: String,
    err: String,
}

impl Said {
    /// Listens until both streams have ended, the time is over, or somebody presses Ctrl-C.
    fn hear(
        &mut self,
        ended: &Receiver<(Stream, String)>,
        limit: Duration,
        interrupted: &AtomicBool,
    ) -> Result<(), Fault> {
        let end = Instant::now() + limit;
        loop {
            match ended.recv_timeout(LOOK_UP) {
                Ok((Stream::Out, text)) => self.out = text,
                Ok((Stream::Err, text)) => self.err = text,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            // Ordering: Relaxed, the flag guards nothing but itself.
            if interrupted.load(Ordering::Relaxed) {
                return Err(Fault::Interrupted);
            }
            if Instant::now() >= end {
                return Err(Fault::Failed(format!("it did not end within {} s and was stopped", limit.as_secs())));
            }
        }
    }
}

/// Reads one stream to its end on a thread of its own, so that a full pipe never stops the cell.
fn listen(stream: Option<impl Read + Send + 'static>, which: Stream, done: &Sender<(Stream, String)>) {
    let Some(mut stream) = stream else { return };
    let done = done.clone();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // A read error ends the stream like its end does; what was read until then counts.
        let _ = stream.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        let _ = done.send((which, String::from_utf8_lossy(&bytes).into_owned()));
    });
}

/// Asks the cell and its nodes to end, and ends those that do not.
fn stop(child: &Child, said: &mut Said, ended: &Receiver<(Stream, String)>) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    // The child is not waited for yet, so its id still names its group and nobody else's.
    let _ = kill_process_group(group, Signal::TERM);
    let _ = said.hear(ended, GRACE, &AtomicBool::new(false));
    let _ = kill_process_group(group, Signal::KILL);
}

/// The last thing the cell said on standard error, or its exit status if it said nothing.
fn sentence(err: &str, status: ExitStatus) -> String {
    let telling = |line: &&str| !line.is_empty() && !line.starts_with("note:");
    let Some(last) = err.lines().map(str::trim).rfind(telling) else {
        return match (status.code(), status.signal()) {
            (Some(code), _) => format!("it ended with status {code} and said nothing"),
            (None, signal) => format!("it was ended by signal {}", signal.unwrap_or_default()),
        };
    };
    last.strip_prefix("error: ").unwrap_or(last).chars().take(SENTENCE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn run(script: &str) -> Result<String, Fault> {
        output(shell(script), LONG, &AtomicBool::new(false))
    }

    #[test]
    fn what_it_prints_is_returned() {
        assert_eq!(run("echo one; echo noise >&2"), Ok("one\n".to_owned()));
    }

    #[test]
    fn its_last_sentence_explains_a_failure() {
        let script = "echo 'error: 3 messages were lost' >&2; echo 'note: a hint' >&2; exit 1";
        assert_eq!(run(script), Err(Fault::Failed("3 messages were lost".to_owned())));
    }

    #[test]
    fn silent_ends_are_told_by_status_or_signal() {
        assert_eq!(run("exit 7"), Err(Fault::Failed("it ended with status 7 and said nothing".to_owned())));
        assert_eq!(run("kill -9 $$"), Err(Fault::Failed("it was ended by signal 9".to_owned())));
    }

    #[test]
    fn more_than_a_pipe_holds_does_not_stop_it() {
        let printed = run("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2").unwrap();
        assert_eq!(printed.len(), 300_000);
    }

    #[test]
    fn a_cell_over_its_time_is_stopped_with_everything_it_started() {
        // The inner sleep holds the pipes open: only a signal to the group brings this call back.
        let fault = output(shell("sleep 1000 & sleep 1000"), Duration::ZERO, &AtomicBool::new(false)).unwrap_err();
        assert_eq!(fault, Fault::Failed("it did not end within 0 s and was stopped".to_owned()));
    }

    #[test]
    fn a_cell_that_ignores_the_request_is_ended() {
        let fault = output(shell("trap '' TERM; while :; do sleep 1; done"), Duration::ZERO, &AtomicBool::new(false));
        assert!(matches!(fault, Err(Fault::Failed(_))));
    }

    #[test]
    fn an_interruption_stops_it() {
        assert_eq!(output(shell("sleep 1000"), LONG, &AtomicBool::new(true)), Err(Fault::Interrupted));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_fault() {
        let fault = output(Command::new("/nonexistent/cell"), LONG, &AtomicBool::new(false)).unwrap_err();
        assert!(matches!(fault, Fault::Failed(sentence) if sentence.contains("did not start")));
    }
}

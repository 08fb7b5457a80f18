//! A workload as a program of holm: started under the layout that was asked for, and its report carried out of it.
//!
//! The report leaves the first process through a shared slot, because a process ends with a reason and not with a value.
//! A check that fails in another process reaches the first one as the end of a linked process, and us as the reason of
//! its end.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;
use holm::layout::{Options, Transport as Road};
use holm::{Error, Message, Process, Reason};
use holm_affinity::{BindType, bind_current_thread, mask_at_start};

use crate::catalogue::{Walls, find};
use crate::report_line::Report;
use crate::setting::Setting;
use crate::stop::Stop;
use crate::transport::Transport;

/// What a run brings home.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What was measured.
    pub(crate) report: Report,
    /// The schedulers that took part.
    pub(crate) schedulers: u32,
}

/// A program that is about to run under a layout.
#[derive(Debug)]
pub(super) struct Program {
    name: String,
    walls: Walls,
    options: Options,
    /// When it was asked for: what lies between this and its first process is its start.
    pub(super) begun: Instant,
}

impl Program {
    pub(super) fn new(name: &str, setting: &Setting) -> Self {
        let transport = match setting.transport {
            Transport::Shm => Road::SharedMemory,
            Transport::Tcp => Road::Tcp,
            Transport::Unix => Road::Unix,
        };
        let options = Options {
            layout: Some(setting.layout),
            transport,
            bind: setting.bind,
            oversubscribe: setting.oversubscribe,
            ..Options::default()
        };
        let walls = find(name).map_or(Walls::None, |info| info.walls);
        Self { name: name.to_owned(), walls, options, begun: Instant::now() }
    }

    /// Puts all nodes on the first CPU: they inherit the mask of this thread, and their schedulers are not bound.
    pub(super) fn squeeze(&mut self) -> Result<()> {
        let first = mask_at_start().and_then(|mask| mask.first()).unwrap_or(0);
        bind_current_thread(&[first].into_iter().collect())?;
        self.options.bind = Some(BindType::Unbound);
        self.options.oversubscribe = true;
        Ok(())
    }

    /// Runs the body as the program's first process, on node 0; on other nodes it serves and never returns.
    pub(super) fn run<M, F, Fut>(self, body: F) -> Result<Outcome, Stop>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<Report>> + Send + 'static,
    {
        let slot = Arc::new(Mutex::new(None));
        let Self { name, walls, options, .. } = self;
        let first = {
            let slot = Arc::clone(&slot);
            move |me: Process<M>| async move {
                let result = match fits(&name, walls, holm::nodes().len()) {
                    Ok(()) => body(me).await.map_err(Stop::from),
                    Err(stop) => Err(stop),
                };
                let outcome = result.map(|report| Outcome { report, schedulers: holm::schedulers() });
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }
        };
        holm::block_on_with(&options, first).map_err(stopped)?;
        let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        outcome.unwrap_or_else(|| Err(Stop::failed("the workload ended without a report")))
    }
}

/// Whether the workload means anything with that many nodes.
fn fits(name: &str, walls: Walls, nodes: usize) -> Result<(), Stop> {
    match (walls, nodes) {
        (Walls::None, 2..) => Err(Stop::Usage(format!(
            "`{name}` runs in one OS process, not in {nodes}; give a layout such as 1x{nodes}"
        ))),
        (Walls::Needed, 0..2) => {
            Err(Stop::Usage(format!("`{name}` is about two OS processes; give a layout such as 2x1")))
        }
        _ => Ok(()),
    }
}

/// Why the program came to no good end, in one sentence.
fn stopped(error: Error) -> Stop {
    match error {
        Error::Ended(Reason::Error(text)) => Stop::failed(&*text),
        Error::Ended(Reason::NoConnection) => Stop::failed("a node was lost while the workload ran"),
        Error::Ended(reason) => Stop::failed(format!("the workload's first process ended: {reason}")),
        Error::Signal(signal) => Stop::Signal(signal),
        error if error.exit_code() == 2 => Stop::Usage(error.to_string()),
        error => Stop::failed(error.to_string()),
    }
}

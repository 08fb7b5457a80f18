//! The process that knows the applications of a node, starts and stops them, and ends when one ends that must not.

use super::{
    ApplicationError, Kind, Spec, Start,
    master::{Instruction, Starter},
    order::{Dependencies, start_order},
};
use crate::proc_lib::Starting;
use holm::{Event, Message, Notice, Pid, Process, Reason, Reply};
use std::collections::BTreeMap;

#[derive(Message)]
#[message(local)]
pub(super) enum Request {
    Load(Spec, Reply<Answer<()>>),
    Unload(String, Reply<Answer<()>>),
    Start { name: String, kind: Kind, with_dependencies: bool, reply: Reply<Answer<Vec<String>>> },
    Stop(String, Reply<Answer<()>>),
    Running(Reply<Vec<String>>),
}

#[derive(Message)]
#[message(local)]
pub(super) struct Answer<T>(pub(super) Result<T, ApplicationError>);

/// An application that runs.
struct Running {
    name: String,
    kind: Kind,
    master: Pid<Instruction>,
}

struct Controller {
    me: Process<Request>,
    parent: Pid,
    loaded: BTreeMap<String, (Start, Starter)>,
    dependencies: Dependencies,
    /// In the order in which they were started.
    running: Vec<Running>,
}

pub(super) async fn control(mut me: Process<Request>, starting: Starting) -> Reason {
    me.trap_exits(true);
    let parent = starting.starter();
    starting.ready();
    let (loaded, dependencies) = (BTreeMap::new(), Dependencies::new());
    let mut controller = Controller { me, parent, loaded, dependencies, running: Vec::new() };
    let reason = loop {
        if let Some(reason) = controller.turn().await {
            break reason;
        }
    };
    while let Some(last) = controller.running.pop() {
        controller.stop_master(last).await;
    }
    reason
}

impl Controller {
    /// Does the next thing; the reason if it was the last.
    async fn turn(&mut self) -> Option<Reason> {
        match self.me.next().await {
            Event::Message(request) => self.obey(request).await,
            Event::Notice(Notice::Exit { from, reason }) if from == self.parent => return Some(reason),
            Event::Notice(Notice::Exit { from, reason }) => return self.ended(from, reason),
            Event::Notice(_) => {}
        }
        None
    }

    async fn obey(&mut self, request: Request) {
        match request {
            Request::Load(spec, reply) => reply.send(Answer(self.load(spec))),
            Request::Unload(name, reply) => reply.send(Answer(self.unload(&name))),
            Request::Start { name, kind, with_dependencies, reply } => {
                let started = match with_dependencies {
                    true => self.start_all(&name, kind).await,
                    false => self.start(&name, kind).await.map(|()| vec![name]),
                };
                reply.send(Answer(started));
            }
            Request::Stop(name, reply) => {
                let stopped = self.stop(&name).await;
                reply.send(Answer(stopped));
            }
            Request::Running(reply) => reply.send(self.running.iter().map(|running| running.name.clone()).collect()),
        }
    }

    fn load(&mut self, spec: Spec) -> Result<(), ApplicationError> {
        if self.loaded.contains_key(&spec.name) {
            return Err(ApplicationError::AlreadyLoaded(spec.name));
        }
        let start = Start { name: spec.name.clone(), kind: Kind::default(), environment: spec.environment };
        self.dependencies.insert(spec.name.clone(), spec.dependencies);
        self.loaded.insert(spec.name, (start, spec.starter));
        Ok(())
    }

    fn unload(&mut self, name: &str) -> Result<(), ApplicationError> {
        if self.is_running(name) {
            return Err(ApplicationError::AlreadyStarted(name.into()));
        }
        self.dependencies.remove(name);
        self.loaded.remove(name).map(drop).ok_or_else(|| ApplicationError::NotLoaded(name.into()))
    }

    fn is_running(&self, name: &str) -> bool {
        self.running.iter().any(|running| running.name == name)
    }

    /// Starts one application, whose dependencies run.
    async fn start(&mut self, name: &str, kind: Kind) -> Result<(), ApplicationError> {
        if self.is_running(name) {
            return Err(ApplicationError::AlreadyStarted(name.into()));
        }
        let Some((start, starter)) = self.loaded.get(name) else {
            return Err(ApplicationError::NotLoaded(name.into()));
        };
        if let Some(needed) = self.dependencies[name].iter().find(|needed| !self.is_running(needed)) {
            let (application, needed_by) = (needed.clone(), name.into());
            return Err(ApplicationError::NotStarted { application, needed_by });
        }
        let start = Start { kind, ..start.clone() };
        let master = starter.clone()(&mut self.me, start).await;
        let master = master.map_err(|error| ApplicationError::Failed { application: name.into(), error })?;
        self.running.push(Running { name: name.into(), kind, master });
        Ok(())
    }

    /// Starts an application and what it needs. If one fails, those that were started for it are stopped.
    async fn start_all(&mut self, name: &str, kind: Kind) -> Result<Vec<String>, ApplicationError> {
        let order = start_order(name, &self.dependencies)?;
        let before = self.running.len();
        let wanted: Vec<String> = order.into_iter().filter(|name| !self.is_running(name)).collect();
        for name in &wanted {
            if let Err(error) = self.start(name, kind).await {
                for running in self.running.split_off(before).into_iter().rev() {
                    self.stop_master(running).await;
                }
                return Err(error);
            }
        }
        Ok(wanted)
    }

    async fn stop(&mut self, name: &str) -> Result<(), ApplicationError> {
        let Some(at) = self.running.iter().position(|running| running.name == name) else {
            return Err(ApplicationError::NotRunning(name.into()));
        };
        let needs_it = |running: &&Running| self.dependencies[&running.name].iter().any(|needed| needed == name);
        if let Some(by) = self.running.iter().find(needs_it) {
            return Err(ApplicationError::Needed { application: name.into(), by: by.name.clone() });
        }
        let running = self.running.remove(at);
        self.stop_master(running).await;
        Ok(())
    }

    /// Stops an application that is no longer in the list, and waits until it has ended.
    async fn stop_master(&mut self, running: Running) {
        let monitor = self.me.monitor(running.master);
        self.me.unlink(running.master);
        // The master is on this node: to it a message always goes.
        let _ = running.master.send(Instruction(()));
        let reason = self.me.down(monitor).await;
        tracing::info!(application = running.name, %reason, "application stopped");
    }

    /// An application ended by itself; the reason if the others must end with it.
    fn ended(&mut self, master: Pid, reason: Reason) -> Option<Reason> {
        let at = self.running.iter().position(|running| running.master == master)?;
        let Running { name, kind, .. } = self.running.remove(at);
        tracing::warn!(application = name, ?kind, %reason, "application ended");
        match kind {
            Kind::Permanent => Some(reason),
            Kind::Transient => (!reason.is_normal()).then_some(reason),
            Kind::Temporary => None,
        }
    }
}

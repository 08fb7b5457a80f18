//! The process of a dynamic supervisor: a table of children by pid.
//!
//! It hears of the end of a child by the link alone, and watches by a monitor only while it stops one: a monitor for
//! each of a million children would cost each of them a quarter of a kilobyte. So a child that unlinks itself is out of
//! its sight until it is stopped.

use super::{DynamicSupervisor, stop_all::stop_all};
use crate::supervisor::{
    Ask, AutomaticShutdown, ChildCount, ChildError, ChildInfo, ChildState, Counted, Done, Listed, Next, Parent, Report,
    Restarts, Specification, Started, Supervise, Which, check_child, start, stop, try_again,
};
use holm::{Pid, Reason, clock};
use std::{
    collections::HashMap,
    fmt,
    ops::ControlFlow::{Break, Continue},
};

/// See the module's text.
pub(super) struct Run {
    children_max: usize,
    children: HashMap<Pid, Specification>,
    /// Children whose last start failed, by the pid that they had.
    restarting: HashMap<Pid, Specification>,
    restarts: Restarts,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not each of a million.
        write!(f, "{} children run, {} are to be restarted", self.children.len(), self.restarting.len())
    }
}

impl Run {
    pub(super) fn new(supervisor: DynamicSupervisor) -> Self {
        Run {
            children_max: supervisor.children_max,
            children: HashMap::new(),
            restarting: HashMap::new(),
            restarts: Restarts::new(supervisor.intensity),
        }
    }
}

impl Supervise for Run {
    const BEHAVIOUR: &'static str = "dynamic supervisor";

    async fn start_all(&mut self, _: &mut Parent) -> Result<(), Reason> {
        Ok(())
    }

    async fn stop_all(&mut self, me: &mut Parent) {
        stop_all(me, std::mem::take(&mut self.children)).await;
    }

    async fn ended(&mut self, me: &mut Parent, pid: Pid, reason: &Reason) -> Next {
        let Some(child) = self.children.remove(&pid) else { return Continue(()) };
        Report::of(me).ended(&child, pid, reason);
        match child.restart.applies(reason) {
            true => self.restart(me, pid, child).await,
            false => Continue(()),
        }
    }

    async fn answer(&mut self, me: &mut Parent, ask: Ask) -> Next {
        match ask {
            Ask::StartChild(child, reply) => reply.send(Started(self.start_child(me, *child).await)),
            Ask::TerminateChild(which, reply) => reply.send(Done(self.terminate_child(me, which).await)),
            Ask::RestartChild(which, reply) => reply.send(Started(Err(self.not_kept(which)))),
            Ask::DeleteChild(which, reply) => reply.send(Done(Err(self.not_kept(which)))),
            Ask::WhichChildren(reply) => reply.send(Listed(self.list())),
            Ask::CountChildren(reply) => reply.send(Counted(self.count())),
            Ask::TryAgain(which) => {
                if let Which::Pid(old) = which
                    && let Some(child) = self.restarting.remove(&old)
                {
                    return self.restart(me, old, child).await;
                }
            }
        }
        Continue(())
    }
}

impl Run {
    /// Starts a child again that ran as `old`; or gives up.
    async fn restart(&mut self, me: &mut Parent, old: Pid, child: Specification) -> Next {
        if !self.restarts.count(clock::now()) {
            Report::of(me).intensity_reached(&child);
            return Break(Reason::Shutdown);
        }
        Report::of(me).restarting(&child);
        match start(me, &child).await {
            Ok(Some(pid)) => drop(self.children.insert(pid, child)),
            Ok(None) => {}
            Err(_) => {
                self.restarting.insert(old, child);
                try_again(me, Which::Pid(old));
            }
        }
        Continue(())
    }

    async fn start_child(&mut self, me: &mut Parent, child: Specification) -> Result<Option<Pid>, ChildError> {
        if self.children.len() + self.restarting.len() >= self.children_max {
            return Err(ChildError::TooMany(self.children_max));
        }
        check_child(AutomaticShutdown::Never, &child)?;
        let started = start(me, &child).await?;
        if let Some(pid) = started {
            self.children.insert(pid, child);
        }
        Ok(started)
    }

    async fn terminate_child(&mut self, me: &mut Parent, which: Which) -> Result<(), ChildError> {
        let Which::Pid(pid) = which else { return Err(ChildError::NotFound) };
        match (self.children.remove(&pid), self.restarting.remove(&pid)) {
            (Some(child), _) => stop(me, &child, pid).await,
            (None, Some(_)) => {}
            (None, None) => return Err(ChildError::NotFound),
        }
        Ok(())
    }

    fn not_kept(&self, which: Which) -> ChildError {
        match which {
            Which::Pid(pid) if self.children.contains_key(&pid) => ChildError::Running,
            Which::Pid(pid) if self.restarting.contains_key(&pid) => ChildError::Restarting,
            _ => ChildError::NotKept,
        }
    }

    fn each(&self) -> impl Iterator<Item = (&Specification, ChildState)> {
        let running = self.children.iter().map(|(pid, child)| (child, ChildState::Running(*pid)));
        running.chain(self.restarting.values().map(|child| (child, ChildState::Restarting)))
    }

    fn list(&self) -> Vec<ChildInfo> {
        let info = |(child, state): (&Specification, ChildState)| ChildInfo {
            id: child.id.clone(),
            state,
            kind: child.kind,
            restart: child.restart,
        };
        self.each().map(info).collect()
    }

    fn count(&self) -> ChildCount {
        let mut count = ChildCount::default();
        self.each().for_each(|(child, state)| count.add(child.kind, state));
        count
    }
}

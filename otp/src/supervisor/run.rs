//! What a static supervisor does: starts its children, and keeps them as its rules say.
//!
//! A restart that failed is tried again by a message of the supervisor to itself, so that whoever asked meanwhile is
//! answered first.

use super::{
    Supervisor,
    children::Children,
    fault::check_child,
    order::{Ask, ChildError, ChildState, Counted, Done, Listed, Order, Parent, Started, Which},
    report::Report,
    rules::{Plan, Restarts, Rules},
    specification::{Restart, Specification},
    stop,
    supervise::{Next, Supervise},
};
use crate::behaviour::Envelope;
use holm::{Pid, Reason, clock};
use std::ops::ControlFlow::{Break, Continue};

/// See the module's text.
#[derive(Debug)]
pub(super) struct Run {
    rules: Rules,
    children: Children,
    restarts: Restarts,
}

impl Run {
    pub(super) fn new(supervisor: Supervisor) -> Self {
        let Supervisor { rules, children, .. } = supervisor;
        Run { rules, children: Children::new(children), restarts: Restarts::new(rules.intensity) }
    }
}

impl Supervise for Run {
    const BEHAVIOUR: &'static str = "supervisor";

    /// Starts all children in their order.
    async fn start_all(&mut self, me: &mut Parent) -> Result<(), Reason> {
        let mut at = 0;
        while at < self.children.len() {
            let child = self.children.at(at).child.clone();
            match stop::start(me, &child).await {
                Ok(Some(pid)) => self.runs(me, at, pid),
                Ok(None) if child.restart == Restart::Temporary => {
                    self.children.forget(at);
                    continue;
                }
                Ok(None) => {}
                Err(error) => return Err(Reason::error(format!("the child {:?}: {error}", child.id))),
            }
            at += 1;
        }
        Ok(())
    }

    /// Stops all children, the last first.
    async fn stop_all(&mut self, me: &mut Parent) {
        for at in (0..self.children.len()).rev() {
            self.stop(me, at).await;
        }
    }

    /// A process that is no child any more is nobody's concern: children that were stopped are such.
    async fn ended(&mut self, me: &mut Parent, pid: Pid, reason: &Reason) -> Next {
        let Some(at) = self.children.running_as(pid) else { return Continue(()) };
        let child = self.children.at(at).child.clone();
        Report::of(me).ended(&child, pid, reason);
        if child.restart.applies(reason) {
            self.children.set(at, ChildState::Restarting);
            return self.restart(me, at).await;
        }
        match child.restart {
            Restart::Temporary => self.children.forget(at),
            Restart::Permanent | Restart::Transient => self.children.set(at, ChildState::Stopped),
        }
        if child.significant && self.rules.automatic.is_due(self.children.a_significant_runs()) {
            Report::of(me).automatic_shutdown(&child);
            return Break(Reason::Shutdown);
        }
        Continue(())
    }

    async fn answer(&mut self, me: &mut Parent, ask: Ask) -> Next {
        match ask {
            Ask::StartChild(child, reply) => reply.send(Started(self.start_child(me, *child).await)),
            Ask::RestartChild(which, reply) => reply.send(Started(self.restart_child(me, &which).await)),
            Ask::TerminateChild(which, reply) => reply.send(Done(self.terminate_child(me, &which).await)),
            Ask::DeleteChild(which, reply) => reply.send(Done(self.delete_child(&which))),
            Ask::WhichChildren(reply) => reply.send(Listed(self.children.list())),
            Ask::CountChildren(reply) => reply.send(Counted(self.children.count())),
            Ask::TryAgain(which) => {
                let due = self.children.find(&which).filter(|at| self.children.at(*at).state == ChildState::Restarting);
                if let Some(at) = due {
                    return self.restart(me, at).await;
                }
            }
        }
        Continue(())
    }
}

impl Run {
    /// Restarts a child, and with it whom it concerns; or gives up.
    async fn restart(&mut self, me: &mut Parent, at: usize) -> Next {
        let child = &self.children.at(at).child;
        if !self.restarts.count(clock::now()) {
            Report::of(me).intensity_reached(child);
            return Break(Reason::Shutdown);
        }
        Report::of(me).restarting(child);
        let plan = Plan::after(self.rules.strategy, at, &self.children.restarts());
        for at in plan.stop {
            self.stop(me, at).await;
        }
        for at in plan.start {
            if !self.start_again(me, at).await {
                break; // the next attempt starts the others too
            }
        }
        for at in plan.forget {
            self.children.forget(at);
        }
        Continue(())
    }

    /// Starts a child that is known; if that fails, asks itself to try again.
    async fn start_again(&mut self, me: &mut Parent, at: usize) -> bool {
        let child = self.children.at(at).child.clone();
        match stop::start(me, &child).await {
            Ok(Some(pid)) => self.runs(me, at, pid),
            Ok(None) => self.children.set(at, ChildState::Stopped),
            Err(_) => {
                self.children.set(at, ChildState::Restarting);
                try_again(me, Which::Id(child.id));
                return false;
            }
        }
        true
    }

    /// Stops a child if it runs; a restart that is due is no longer.
    async fn stop(&mut self, me: &mut Parent, at: usize) {
        let entry = self.children.at(at);
        if let ChildState::Running(pid) = entry.state {
            let child = entry.child.clone();
            stop::stop(me, &child, pid).await;
        }
        self.children.set(at, ChildState::Stopped);
    }

    /// A child runs. It is watched from now on, also if it unlinks itself.
    fn runs(&mut self, me: &mut Parent, at: usize, pid: Pid) {
        me.monitor(pid);
        self.children.set(at, ChildState::Running(pid));
    }

    async fn start_child(&mut self, me: &mut Parent, child: Specification) -> Result<Option<Pid>, ChildError> {
        if let Some(at) = self.children.find(&Which::Id(child.id.clone())) {
            return Err(match self.children.at(at).state {
                ChildState::Running(pid) => ChildError::AlreadyStarted(pid),
                ChildState::Restarting | ChildState::Stopped => ChildError::AlreadyPresent,
            });
        }
        check_child(self.rules.automatic, &child)?;
        let started = stop::start(me, &child).await?;
        if started.is_some() || child.restart != Restart::Temporary {
            self.children.push(child, ChildState::Stopped);
        }
        if let Some(pid) = started {
            self.runs(me, self.children.len() - 1, pid);
        }
        Ok(started)
    }

    async fn restart_child(&mut self, me: &mut Parent, which: &Which) -> Result<Option<Pid>, ChildError> {
        let at = self.find_not_running(which)?;
        let child = self.children.at(at).child.clone();
        let started = stop::start(me, &child).await?;
        if let Some(pid) = started {
            self.runs(me, at, pid);
        }
        Ok(started)
    }

    async fn terminate_child(&mut self, me: &mut Parent, which: &Which) -> Result<(), ChildError> {
        let at = self.children.find(which).ok_or(ChildError::NotFound)?;
        self.stop(me, at).await;
        if self.children.at(at).child.restart == Restart::Temporary {
            self.children.forget(at);
        }
        Ok(())
    }

    fn delete_child(&mut self, which: &Which) -> Result<(), ChildError> {
        let at = self.find_not_running(which)?;
        self.children.forget(at);
        Ok(())
    }

    fn find_not_running(&self, which: &Which) -> Result<usize, ChildError> {
        let at = self.children.find(which).ok_or(ChildError::NotFound)?;
        match self.children.at(at).state {
            ChildState::Running(_) => Err(ChildError::Running),
            ChildState::Restarting => Err(ChildError::Restarting),
            ChildState::Stopped => Ok(at),
        }
    }
}

/// Asks the supervisor itself to try a restart again, after all that it has been asked by now.
pub(crate) fn try_again(me: &mut Parent, child: Which) {
    let sent = me.pid().send(Envelope::User(Order(Ask::TryAgain(child))));
    debug_assert!(sent.is_ok(), "a message to oneself needs no wire");
}

//! How children start and are stopped: the steps that static and dynamic supervisors share.
//!
//! A child is linked to its supervisor, so that it does not outlive it. Who waits for the end of a child watches it by a
//! monitor too: a child may have unlinked itself.

use super::{
    order::Parent,
    report::Report,
    specification::{Shutdown, Specification},
};
use crate::{
    proc_lib::{StartError, catch},
    within::within,
};
use holm::{Notice, Pid, Reason, Watched, exit, is_alive};

/// Starts a child; nothing if it chose not to start.
pub(crate) async fn start(me: &mut Parent, child: &Specification) -> Result<Option<Pid>, StartError> {
    let report = Report::of(me);
    let started = match catch(child.launch(me)).await {
        Ok(started) => started,
        Err(panicked) => Err(StartError::Failed(panicked.reason(me))),
    };
    match started {
        Ok(pid) => {
            report.started(child, pid);
            Ok(Some(pid))
        }
        Err(StartError::Ignored) => {
            report.ignored(child);
            Ok(None)
        }
        Err(error) => {
            report.start_failed(child, &error);
            Err(error)
        }
    }
}

/// Stops a child, and waits until it has ended.
pub(crate) async fn stop(me: &mut Parent, child: &Specification, pid: Pid) {
    me.monitor(pid);
    exit(pid, first_signal(child.shutdown));
    let reason = match child.shutdown {
        Shutdown::Within(limit) => match within(Some(limit), end_of(me, pid)).await {
            Some(reason) => reason,
            None => {
                exit(pid, Reason::Kill);
                end_of(me, pid).await
            }
        },
        Shutdown::Kill | Shutdown::Infinite => end_of(me, pid).await,
    };
    stopped(Report::of(me), child, pid, &reason);
}

/// With what a stop begins.
pub(crate) fn first_signal(shutdown: Shutdown) -> Reason {
    match shutdown {
        Shutdown::Kill => Reason::Kill,
        Shutdown::Within(_) | Shutdown::Infinite => Reason::Shutdown,
    }
}

/// Reports the end of a child that was stopped.
pub(crate) fn stopped(report: Report, child: &Specification, pid: Pid, reason: &Reason) {
    let as_asked = match child.shutdown {
        Shutdown::Kill => *reason == Reason::Killed,
        Shutdown::Within(_) | Shutdown::Infinite => {
            matches!(reason, Reason::Shutdown | Reason::ShutdownWith(_))
                || reason.is_normal() && !child.restart.applies(reason)
        }
    };
    report.stopped(child, pid, reason, as_asked);
}

/// Whose end a notice tells, and why. A process that lives may have sent an exit signal: that is no end.
pub(crate) fn end(notice: &Notice) -> Option<(Pid, &Reason)> {
    match notice {
        Notice::Exit { from, reason } if !is_alive(*from) => Some((*from, reason)),
        Notice::Down { watched: Watched::Process(pid), reason, .. } => Some((*pid, reason)),
        _ => None,
    }
}

/// Waits for the end of a process that is linked or monitored.
async fn end_of(me: &mut Parent, pid: Pid) -> Reason {
    let notice = me.notice_where(|notice| end(notice).is_some_and(|(ended, _)| ended == pid)).await;
    end(&notice).map_or(Reason::NoProc, |(_, reason)| reason.clone())
}

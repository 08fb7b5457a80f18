//! How all children of a dynamic supervisor stop at the same time, each within its own shutdown.

use crate::supervisor::{Parent, Report, Shutdown, Specification, end, first_signal, stopped};
use holm::{Event, Pid, Reason, clock, exit};
use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    time::Duration,
};

/// Stops the children, and waits until all have ended.
pub(super) async fn stop_all(me: &mut Parent, mut children: HashMap<Pid, Specification>) {
    let report = Report::of(me);
    let mut deadlines = begin(me, &children);
    // What is asked from now on is not answered, and its callers learn why when the supervisor has ended.
    let mut late = Vec::new();
    while !children.is_empty() {
        let event = match deadlines.peek() {
            Some(Reverse((deadline, _))) => me.next_within(deadline.saturating_sub(clock::now())).await,
            None => Some(me.next().await),
        };
        match event {
            None => kill_overdue(&mut deadlines, &children),
            Some(Event::Message(order)) => late.push(order),
            Some(Event::Notice(notice)) => {
                if let Some((pid, reason)) = end(&notice)
                    && let Some(child) = children.remove(&pid)
                {
                    stopped(report, &child, pid, reason);
                }
            }
        }
    }
}

/// Deadlines and whom they concern, the next first.
type Deadlines = BinaryHeap<Reverse<(Duration, Pid)>>;

/// Watches all children and asks them to end.
fn begin(me: &mut Parent, children: &HashMap<Pid, Specification>) -> Deadlines {
    let now = clock::now();
    let mut deadlines = Vec::new();
    for (pid, child) in children {
        me.monitor(*pid);
        exit(*pid, first_signal(child.shutdown));
        if let Shutdown::Within(limit) = child.shutdown {
            deadlines.push(Reverse((now.saturating_add(limit), *pid)));
        }
    }
    deadlines.into()
}

/// Kills those whose deadline has passed.
fn kill_overdue(deadlines: &mut Deadlines, children: &HashMap<Pid, Specification>) {
    let now = clock::now();
    while let Some(&Reverse((deadline, pid))) = deadlines.peek() {
        if deadline > now {
            break;
        }
        deadlines.pop();
        if children.contains_key(&pid) {
            exit(pid, Reason::Kill);
        }
    }
}

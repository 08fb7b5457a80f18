//! Requests to a node itself: spawn an entry point, look up a name. They are answered like calls.

use super::{Head, Refused, WhenFull, post};
use crate::{
    entry::EntryPoint,
    info::ProcessInfo,
    mailbox::Mailbox,
    message::{Message, append_encoded},
    node::Node,
    pid::{NodeId, Pid, RawPid},
    process::current_order_key,
    send,
    spawn::{Place, SpawnError, Target, Ties},
};
use holm_scheduler::Priority;
use holm_transport::Lane;
use serde::{Deserialize, Serialize};

/// What a node answers to a spawn request: the new process, or why there is none.
pub(crate) type SpawnAnswer = Result<Pid, String>;

/// Asks for a process that runs an entry point.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SpawnRequest {
    pub(crate) caller: RawPid,
    pub(crate) call: u64,
    pub(crate) entry: String,
    pub(crate) scheduler: Option<u32>,
    pub(crate) link: bool,
    pub(crate) monitor: Option<u64>,
    pub(crate) name: Option<String>,
    pub(crate) mailbox: Mailbox,
    /// A [`Priority`], by its number.
    pub(crate) priority: u8,
    pub(crate) argument: bytes::Bytes,
}

impl SpawnRequest {
    pub(super) fn serve(self, node: &Node) {
        let (caller, call) = (self.caller, self.call);
        if let Err(error) = self.spawn(node) {
            send::answer::<SpawnAnswer>(node, caller, call, Err(error.to_string()));
        }
    }

    fn spawn(self, node: &Node) -> Result<(), SpawnError> {
        let scheduler = match self.scheduler.map(|scheduler| Place::Scheduler(scheduler).target(node)) {
            None => None,
            Some(target) => match target? {
                Target::Here(scheduler) => scheduler,
                Target::There(..) => return Err(SpawnError::Elsewhere),
            },
        };
        let entry = EntryPoint::find(&self.entry)
            .ok_or_else(|| SpawnError::Refused(format!("there is no entry point {:?} here", self.entry)))?;
        let priority = Priority::try_from(self.priority)
            .map_err(|number| SpawnError::Refused(format!("there is no priority {number}: they are 0 to 3")))?;
        let ties = Ties {
            link: self.link.then_some(self.caller),
            monitor: self.monitor.map(|monitor| (self.caller, monitor)),
            name: self.name,
            mailbox: self.mailbox,
            parent: Some(self.caller),
            on_end: None,
            priority,
        };
        // The answer is queued before the child can run, so that nothing of it arrives first.
        let mut answer = |child: RawPid| {
            send::answer::<SpawnAnswer>(node, self.caller, self.call, Ok(Pid::new(child)));
        };
        entry.start(node, scheduler, ties, &mut answer, &self.argument)
    }
}

/// Asks for the process of a name, if it takes messages of a type.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WhereisRequest {
    pub(crate) caller: RawPid,
    pub(crate) call: u64,
    pub(crate) name: String,
    pub(crate) hash: u32,
}

impl WhereisRequest {
    pub(super) fn serve(self, node: &Node) {
        let found = node.names.whereis(&self.name).filter(|pid| crate::deliver::takes_hash(node, *pid, self.hash));
        send::answer::<Option<Pid>>(node, self.caller, self.call, found.map(Pid::new));
    }
}

/// Asks for a monitor on whoever has a name.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WatchRequest {
    pub(crate) watcher: RawPid,
    pub(crate) monitor: u64,
    pub(crate) name: String,
}

/// Asks what a node knows of one of its processes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InfoRequest {
    pub(crate) caller: RawPid,
    pub(crate) call: u64,
    pub(crate) pid: RawPid,
}

impl InfoRequest {
    pub(super) fn serve(self, node: &Node) {
        let info = crate::info::look(node, self.pid);
        send::answer::<Option<ProcessInfo>>(node, self.caller, self.call, info);
    }
}

/// Sends an info request. If there is no connection, the call ends by that.
pub(crate) fn info_there(node: &Node, request: &InfoRequest) {
    let _ = request_of(node, request.pid.node, Head::Info, request);
}

/// Sends a spawn request.
pub(crate) fn spawn_there(node: &Node, to: NodeId, request: &SpawnRequest) -> Result<(), SpawnError> {
    request_of(node, to, Head::Spawn, request).map_err(|refused| match refused {
        Refused::Unsendable(why) => SpawnError::Argument(why),
        _ => SpawnError::NoConnection,
    })
}

/// Sends a whereis request; false if there is no connection.
pub(crate) fn whereis_there<N: Message>(node: &Node, to: NodeId, caller: RawPid, call: u64, name: &str) -> bool {
    let request = WhereisRequest { caller, call, name: name.to_string(), hash: N::HASH };
    request_of(node, to, Head::Whereis, &request).is_ok()
}

fn request_of(node: &Node, to: NodeId, head: Head, request: &impl Serialize) -> Result<(), Refused> {
    // In order behind what the caller sent there before.
    let key = current_order_key();
    post(node, to, Lane::Data, key, WhenFull::HoldBack, |buffer| {
        head.encode(buffer);
        append_encoded(request, buffer).map_err(|error| error.to_string())
    })
}

//! The engine of a node: its schedulers and links, running. What a [`crate::Runtime`] and everybody who holds one share.
//!
//! How it stops is told in `stop.rs`.

use crate::{
    dist::{Link, LinkState, start_link},
    layout,
    message::Message,
    node::{self, Node},
    pid::{Pid, RawPid},
    process::Process,
    program::Error,
    reap::OnEnd,
    reason::{IntoReason, Reason},
    report,
    spawn::{SpawnError, Ties, start},
    stalls,
};
use holm_affinity::{Machine, steal_order};
use holm_scheduler::{Config, Scheduler, send_errand};
use parking_lot::Mutex;
use std::{
    io,
    sync::{Arc, mpsc},
    time::Duration,
};

/// How long the mesh of nodes may take to connect.
const MESH_LIMIT: Duration = Duration::from_secs(20);

/// How long a link may take to say goodbye; one that does not end is cut off with the node.
const LEAVE_LIMIT: Duration = Duration::from_secs(1);

/// How long a scheduler that has its CPU to itself looks around before it sleeps.
const SPIN: Duration = Duration::from_micros(50);

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Engine {
    // The schedulers end before the node: what runs on them finds it by its address.
    pub(crate) scheduler: Mutex<Scheduler>,
    links: Vec<(u32, Arc<Link>)>,
    pub(crate) node: Arc<Node>,
}

impl Engine {
    pub(crate) fn start(place: layout::Place, ends: Vec<layout::LinkEnd>) -> Result<Engine, Error> {
        report::listen();
        let here = place.node().clone();
        let config = Config {
            steal_order: steal_orders(&here.cpus),
            spin: if shares_a_cpu(&place) { Duration::ZERO } else { SPIN },
            thread_name: format!("holm-{}", here.rank),
            discard: crate::letter::discard,
            tasks_max: place.processes_max.map_or(Config::default().tasks_max, |most| most as usize),
            cpus: here.cpus,
            ..Config::default()
        };
        let scheduler = Scheduler::start(config)?;
        for binding in scheduler.bindings() {
            if let Some((cpu, Err(refusal))) = &binding.cpu {
                let scheduler = here.schedulers.start + binding.scheduler as u32;
                if place.binding.asked {
                    let why = format!("scheduler {scheduler} cannot be bound to CPU {cpu}: {refusal}");
                    return Err(io::Error::other(why).into());
                }
                eprintln!("note: scheduler {scheduler} runs unbound: {refusal}");
            }
        }
        let node = Node::new(place, scheduler.pool().clone());
        settle_everywhere(&node, here.schedulers.len());
        stalls::report_of(&node);
        let mut engine = Engine { scheduler: Mutex::new(scheduler), links: Vec::new(), node };
        for end in ends {
            let (peer, local) = (end.peer, end.peer as usize % here.schedulers.len());
            engine.links.push((peer, start_link(&engine.node, end, local)?));
        }
        engine.wait_for_mesh()?;
        Ok(engine)
    }

    fn wait_for_mesh(&self) -> Result<(), Error> {
        for (peer, link) in &self.links {
            let why = match link.wait_up(MESH_LIMIT) {
                LinkState::Up => continue,
                LinkState::Lost(why) => why,
                LinkState::Meeting => format!("no handshake within {} s", MESH_LIMIT.as_secs()),
            };
            return Err(Error::Mesh { node: self.node.place.rank, peer: *peer, why });
        }
        Ok(())
    }

    /// Spawns a process; `then` is called with its reason when it has ended, on the scheduler where it did.
    pub(crate) fn spawn_and_then<M, F, Fut>(
        &self,
        body: F,
        then: impl FnOnce(Reason) + Send + 'static,
    ) -> Result<Pid<M>, SpawnError>
    where
        M: Message,
        F: FnOnce(Process<M>) -> Fut,
        Fut: Future<Output: IntoReason> + Send + 'static,
    {
        let _visit = node::visit(self.node.clone());
        let ties = Ties { on_end: Some(OnEnd::new(then)), ..Ties::default() };
        start(&self.node, None, ties, |_: RawPid| (), body)
    }

    /// True on a thread that runs this node's code: a scheduler, or a blocking call.
    pub(crate) fn is_here(&self) -> bool {
        node::here().is_some_and(|node| std::ptr::eq(node, &*self.node))
    }

    /// Says goodbye on every link.
    pub(crate) fn leave(&self) {
        self.links.iter().for_each(|(_, link)| link.leave());
        for (_, link) in &self.links {
            link.wait_lost(LEAVE_LIMIT);
        }
    }
}

/// Makes every scheduler find the node, before any of them can have a task.
fn settle_everywhere(node: &Arc<Node>, schedulers: usize) {
    let (tell, told) = mpsc::channel();
    for local in 0..schedulers {
        let (settled, tell) = (node.clone(), tell.clone());
        let errand = move || {
            settled.settle();
            drop(tell);
        };
        send_errand(&node.pool, Some(local), Box::new(errand));
    }
    drop(tell);
    let _: Result<(), _> = told.recv(); // ends when the last errand is done
}

/// For each scheduler of this node the others, nearest first; by number where the machine cannot be read.
fn steal_orders(cpus: &[Option<u32>]) -> Vec<Vec<usize>> {
    match Machine::discover() {
        Ok(machine) if cpus.len() > 1 => (0..cpus.len()).map(|me| steal_order(&machine, cpus, me)).collect(),
        _ => Vec::new(),
    }
}

/// True if a scheduler of the layout may have to share its CPU with another: then nobody spins.
fn shares_a_cpu(place: &layout::Place) -> bool {
    let mut cpus: Vec<u32> = place.nodes.iter().flat_map(|node| node.cpus.iter().flatten().copied()).collect();
    let (schedulers, bound) = (place.schedulers() as usize, cpus.len());
    cpus.sort_unstable();
    cpus.dedup();
    let several_unbound = bound < schedulers && place.nodes.len() > 1;
    cpus.len() < bound || several_unbound
}

//! Calls that block, on threads of their own. Such a thread belongs to the node as its schedulers do: it can send, and
//! answer calls. It is no process: it receives nothing, and cannot be linked.

use crate::node::{self, Node};
use holm_scheduler::{JoinHandle, SpawnError};

/// Runs a call that blocks on a thread made for that. A call that began cannot be cancelled: if its process is killed,
/// links and monitors hear of that at once, and the call's result is dropped when it comes. A stop of the runtime that waits
/// for it in vain names it, with this line.
///
/// ```
/// use holm::Process;
///
/// holm::block_on(async |mut me: Process<u64>| {
///     let parent = me.pid();
///     let call = holm::spawn_blocking(move || parent.send(7).unwrap()).unwrap();
///     assert_eq!(me.receive().await, 7);
///     call.await.unwrap();
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// Outside the runtime.
#[track_caller]
pub fn spawn_blocking<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, SpawnError> {
    let node = node::here().and_then(Node::shared);
    holm_scheduler::spawn_blocking(move || {
        let _visit = node.map(node::visit);
        call()
    })
}

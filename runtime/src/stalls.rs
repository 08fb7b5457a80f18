//! Stalls: processes that hold their scheduler for too long, and who is told.
//!
//! The scheduler's watchdog notices (`scheduler/src/watchdog.rs`). Here a stall gets the names by which a person knows the
//! process: it is an event of `tracing` under the target `holm::stall`, and counted.

use crate::{deliver, node::Node};
use holm_scheduler::{Slot, Stall};
use std::sync::Arc;

/// Reports the stalls of a node's schedulers from here on.
pub(crate) fn report_of(node: &Arc<Node>) {
    let of = Arc::downgrade(node);
    node.pool.on_stall(move |stall| {
        if let Some(node) = of.upgrade() {
            report(&node, stall);
        }
    });
}

fn report(node: &Node, stall: &Stall) {
    let Some(slot) = Slot::at(stall.task.slot) else { return };
    let (pid, _) = deliver::pid_of(node, slot, stall.task);
    let names = node.names.of(pid).join(", ");
    let scheduler = node.place.node().schedulers.start + stall.scheduler as u32;
    tracing::warn!(
        target: "holm::stall",
        pid = %crate::Pid::<crate::Untyped>::new(pid),
        names,
        body = code_of(stall.body.unwrap_or_default()),
        scheduler,
        lasted_ms = stall.lasted.as_millis() as u64,
        "a process has held its scheduler for {} ms and does so still: those pinned there wait",
        stall.lasted.as_millis(),
    );
}

/// The path of the code out of the type of a body: what is wrapped around it is the runtime's.
fn code_of(body: &str) -> &str {
    let mut code = body;
    for wrapper in ["holm::body::ProcessBody<", "core::pin::Pin<", "alloc::boxed::Box<"] {
        let inside = code.strip_prefix(wrapper).and_then(|inner| inner.strip_suffix('>'));
        code = inside.unwrap_or(code);
    }
    code
}

/// How often, since it began, a turn on a scheduler of this node was found to last for 10 ms: a process that computes
/// without an await or blocks its thread, or a machine that has no time for the scheduler. Each such turn is also an
/// event of `tracing` under the target `holm::stall`, which names the process.
///
/// # Panics
///
/// Outside a process or task of holm.
pub fn stalls() -> u64 {
    crate::node::here().expect("only code that holm runs can ask for stalls").pool.stalls()
}

#[cfg(test)]
mod tests {
    use super::code_of;

    #[test]
    fn the_code_is_what_is_wrapped() {
        assert_eq!(code_of("holm::body::ProcessBody<app::serve::{{closure}}>"), "app::serve::{{closure}}");
        let boxed = "holm::body::ProcessBody<core::pin::Pin<alloc::boxed::Box<app::serve<u8>::{{closure}}>>>";
        assert_eq!(code_of(boxed), "app::serve<u8>::{{closure}}");
        assert_eq!(
            code_of("holm_scheduler::behaviour::Plain<app::Task>"),
            "holm_scheduler::behaviour::Plain<app::Task>"
        );
        assert_eq!(code_of(""), "");
    }
}

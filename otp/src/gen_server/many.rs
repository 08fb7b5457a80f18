//! Many servers at once: one name on several nodes.

use super::ServerName;
use holm::{CallError, Message, NodeId, Process, Reply, clock};
use std::time::Duration;

/// What came of a [`multi_call`].
#[derive(Clone, Debug, PartialEq)]
pub struct Answers<T> {
    /// Who answered, and what, in the order of the nodes.
    pub answers: Vec<(NodeId, T)>,
    /// Who did not, and why, in the order of the nodes.
    pub missing: Vec<(NodeId, CallError)>,
}

/// Asks the servers of one name on several nodes at once, and waits for all answers, up to `limit` in all.
///
/// # Cancel safety
///
/// If it is dropped, the answers are thrown away when they come.
pub async fn multi_call<P: Message, M: Message, T: Message>(
    me: &mut Process<P>,
    nodes: impl IntoIterator<Item = NodeId>,
    name: &str,
    mut request: impl FnMut(Reply<T>) -> M,
    limit: impl Into<Option<Duration>>,
) -> Answers<T> {
    let deadline = limit.into().map(|limit| clock::now().saturating_add(limit));
    let requests: Vec<_> =
        nodes.into_iter().map(|node| (node, ServerName::new(node, name).send_request(me, &mut request))).collect();
    let mut result = Answers { answers: Vec::new(), missing: Vec::new() };
    for (node, request) in requests {
        let answer = match request {
            Ok(request) => me.response(request, deadline.map(|at| at.saturating_sub(clock::now()))).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => result.answers.push((node, answer)),
            Err(error) => result.missing.push((node, error)),
        }
    }
    result
}

/// Sends a message to the servers of one name on several nodes, and waits for none of them. What cannot be sent is lost,
/// like what finds no server.
pub fn abcast<M: Message + Clone>(nodes: impl IntoIterator<Item = NodeId>, name: &str, message: &M) {
    for node in nodes {
        drop(ServerName::new(node, name).cast(message.clone()));
    }
}

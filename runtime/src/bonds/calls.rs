//! One process's open calls, as plain data: slots that wait for an answer, each settled once.
//!
//! | | waiting | settled | unknown |
//! | --- | --- | --- | --- |
//! | an answer, or word that none comes | settled | no effect | no effect |
//! | the node that it depends on is lost | settled | – | – |
//! | its caller looks | – | taken, unknown from here on | – |
//! | its caller gives it up | unknown, or kept for its link | unknown | – |
//!
//! A call that asked for a linked process stays when its caller gives it up, until the answer says who that is: the
//! process may run by then, and its half of the link with it.

use crate::pid::NodeId;

/// What ties a process that was asked for to the one that asked: link, monitor.
pub(crate) type Ties = (bool, Option<u64>);

#[derive(Debug)]
struct Open<E> {
    number: u64,
    end: Option<E>,
    /// The node that the call depends on.
    node: NodeId,
    /// How often the way to answer had crossed a wall when it came to that node.
    hop: u32,
    ties: Option<Ties>,
    /// The caller waits no longer; what is kept is kept for the link.
    abandoned: bool,
}

/// See the module's text. `E` is how a call ends.
#[derive(Debug)]
pub(crate) struct Calls<E>(Vec<Open<E>>);

impl<E> Default for Calls<E> {
    fn default() -> Self {
        Calls(Vec::new())
    }
}

impl<E> Calls<E> {
    /// Begins a call to a process, or a request to a node.
    pub(crate) fn begin(&mut self, number: u64, node: NodeId, ties: Option<Ties>) {
        self.0.push(Open { number, end: None, node, hop: 0, ties, abandoned: false });
    }

    fn find(&mut self, number: u64) -> Option<&mut Open<E>> {
        self.0.iter_mut().find(|call| call.number == number)
    }

    /// Something came for a call; given back if nobody waits for it.
    pub(crate) fn settle(&mut self, number: u64, with: E) -> Result<(), E> {
        match self.find(number) {
            Some(call) if call.abandoned => {
                self.forget(number);
                Err(with)
            }
            // The planted mistake: a second answer counts too.
            #[cfg(mutant)]
            Some(call) => {
                call.end = Some(with);
                Ok(())
            }
            #[cfg(not(mutant))]
            Some(call) if call.end.is_none() => {
                call.end = Some(with);
                Ok(())
            }
            _ => Err(with),
        }
    }

    /// The way to answer has moved to another node; true if the call depends on that node from here on.
    pub(crate) fn moved(&mut self, number: u64, node: NodeId, hop: u32) -> bool {
        match self.find(number) {
            Some(call) if call.end.is_none() && call.hop < hop => {
                (call.node, call.hop) = (node, hop);
                true
            }
            _ => false,
        }
    }

    /// The ties that wait for the answer to a call. Of one that was given up only the link is left: nobody knows the
    /// monitor's number.
    pub(crate) fn take_ties(&mut self, number: u64) -> Option<Ties> {
        let call = self.find(number)?;
        let (link, monitor) = call.ties.take()?;
        Some((link, monitor.filter(|_| !call.abandoned)))
    }

    /// Takes the end of a call, if there is one.
    pub(crate) fn take_settled(&mut self, number: u64) -> Option<E> {
        let at = self.0.iter().position(|call| call.number == number && call.end.is_some())?;
        self.0.swap_remove(at).end
    }

    /// Gives up a call: a late answer finds nothing, but who is linked.
    pub(crate) fn abandon(&mut self, number: u64) {
        match self.find(number) {
            Some(call) if call.end.is_none() && call.ties.is_some_and(|(link, _)| link) => call.abandoned = true,
            _ => drop(self.forget(number)),
        }
    }

    /// Removes a call; what ended it, if that was there already, is given back.
    pub(crate) fn forget(&mut self, number: u64) -> Option<E> {
        let at = self.0.iter().position(|call| call.number == number)?;
        self.0.swap_remove(at).end
    }

    /// A node is lost: so are the calls that depend on it.
    pub(crate) fn lose_node(&mut self, node: NodeId, end: impl Fn() -> E) {
        self.0.retain(|call| call.node != node || !call.abandoned);
        for call in self.0.iter_mut().filter(|call| call.node == node && call.end.is_none()) {
            call.end = Some(end());
        }
    }

    /// How many are open.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const HERE: NodeId = NodeId(1);

    #[test]
    fn a_late_answer_finds_nothing() {
        let mut calls = Calls::default();
        calls.begin(1, HERE, None);
        calls.abandon(1);
        assert_eq!(calls.settle(1, "late"), Err("late"));
        calls.begin(2, HERE, None);
        assert_eq!(calls.take_settled(2), None);
        calls.settle(2, "first").unwrap();
        assert_eq!(calls.settle(2, "second"), Err("second"), "a second answer has no effect");
        assert_eq!(calls.take_settled(2), Some("first"));
        assert_eq!(calls.len(), 0);
    }

    #[test]
    fn a_request_for_a_linked_child_that_was_given_up_waits_for_its_ties_only() {
        let mut calls = Calls::default();
        calls.begin(1, HERE, Some((true, Some(9))));
        calls.abandon(1);
        assert_eq!(calls.take_ties(1), Some((true, None)), "nobody knows the monitor");
        assert_eq!(calls.settle(1, ()), Err(()));
        assert_eq!(calls.len(), 0);
        calls.begin(2, HERE, Some((true, None)));
        calls.abandon(2);
        calls.lose_node(HERE, || ());
        assert_eq!(calls.len(), 0, "its node is lost, so nothing comes");
    }

    #[test]
    fn a_call_depends_on_where_the_way_to_answer_went_last() {
        let mut calls = Calls::default();
        calls.begin(1, NodeId(2), None);
        assert!(calls.moved(1, NodeId(4), 2));
        assert!(!calls.moved(1, NodeId(3), 1), "word of an earlier step, late");
        calls.lose_node(NodeId(2), || "lost");
        assert_eq!(calls.take_settled(1), None);
        calls.lose_node(NodeId(4), || "lost");
        assert_eq!(calls.take_settled(1), Some("lost"));
        assert!(!calls.moved(1, NodeId(5), 3), "it has ended");
    }
}

//! Cases about a connection that is lost while both nodes live, and comes back.
//!
//! A layout's nodes do not reconnect yet, and no program can cut a connection without killing a node. So here two nodes
//! live in one OS process ([`pair`]), and all of `dist` above the road is tested.

mod pair;

use crate::{Process, Reason, SpawnError};
use pair::{Do, PATIENCE, Pair, Seen, linked, settle};
use std::{
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

#[test]
fn l_16_a_lost_connection_is_one_exit_to_each_side_and_both_live() {
    let mut pair = Pair::joined();
    let (a, b) = linked(&pair);
    pair.cut();
    a.sees_exit(&b, Reason::NoConnection);
    b.sees_exit(&a, Reason::NoConnection);
    a.sees_nothing();
    b.sees_nothing();
}

#[test]
fn l_17_a_link_does_not_come_back_with_its_connection() {
    let mut pair = Pair::joined();
    for the_first_ends in [true, false] {
        let (a, b) = linked(&pair);
        pair.cut();
        a.sees_exit(&b, Reason::NoConnection);
        b.sees_exit(&a, Reason::NoConnection);
        pair.join();
        let (ends, stays) = if the_first_ends { (&a, &b) } else { (&b, &a) };
        // Exits by links leave before downs: if the old link were there, an exit would come first, or instead.
        stays.told(Do::Monitor(ends.pid.untyped()));
        settle(stays, ends);
        ends.told(Do::End(Reason::Shutdown));
        stays.sees_down(ends, Reason::Shutdown);
        stays.sees_nothing();
    }
}

#[test]
fn l_17_a_link_that_is_set_anew_holds() {
    let mut pair = Pair::joined();
    let (a, b) = linked(&pair);
    pair.cut();
    a.sees_exit(&b, Reason::NoConnection);
    b.sees_exit(&a, Reason::NoConnection);
    pair.join();
    a.told(Do::Link(b.pid.untyped()));
    settle(&a, &b);
    b.told(Do::End(Reason::Shutdown));
    a.sees_exit(&b, Reason::Shutdown);
    a.sees_nothing();
}

#[test]
fn m_11_a_monitor_fires_once_for_a_lost_connection_and_not_for_the_end() {
    let mut pair = Pair::joined();
    let (a, b) = (pair.party(0), pair.party(1));
    a.told(Do::Monitor(b.pid.untyped()));
    settle(&a, &b);
    pair.cut();
    a.sees_down(&b, Reason::NoConnection);
    b.sees_nothing();
    pair.join();
    a.told(Do::Monitor(b.pid.untyped()));
    settle(&a, &b);
    b.told(Do::End(Reason::Shutdown));
    a.sees_down(&b, Reason::Shutdown); // of the second monitor: it has B's own reason
    a.sees_nothing();
}

/// How many children run.
static CHILDREN: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        CHILDREN.fetch_sub(1, SeqCst);
    }
}

/// Lives until its parent, or the connection to it, does not.
#[holm::entry]
async fn child(mut me: Process<()>, _: ()) {
    CHILDREN.fetch_add(1, SeqCst);
    let _counted = Counted;
    me.receive().await;
}

#[test]
fn d_10_a_child_whose_parent_is_lost_before_it_hears_of_it_ends() {
    let mut pair = Pair::joined();
    let mut refused = 0;
    for round in 0..40 {
        let a = pair.party(0);
        // In every other round the request lies before a node that is busy; else it is met anywhere.
        let held = (round % 2 == 0).then(|| pair.hold(1));
        a.told(Do::Spawn);
        thread::sleep(Duration::from_micros(round * 25));
        pair.shut_down();
        drop(held);
        pair.wait_lost();
        match a.sees() {
            Seen::Spawned(Err(SpawnError::NoConnection)) => refused += 1,
            Seen::Spawned(Ok(())) => a.sees_lost_child(),
            other => panic!("{other:?}"),
        }
        pair.party(1).sees_nothing(); // and so whatever was started there has had its first turn
        let began = Instant::now();
        while CHILDREN.load(SeqCst) > 0 {
            assert!(began.elapsed() < PATIENCE, "a child outlives the connection to its parent");
            thread::sleep(Duration::from_millis(1));
        }
        pair.join();
    }
    assert!(refused >= 20, "an answer cannot come from a node that was held until the connection was lost");
}

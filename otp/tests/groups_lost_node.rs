//! R-12 over real nodes: what a killed node means to the groups on the others. That it comes back is tested on plain data,
//! in `groups.rs`: a layout's node that is lost stays lost.

#[path = "../../runtime/tests/harness/mod.rs"]
mod harness;

mod group_workers;

use group_workers::{all_see, order, start_scopes, workers};
use harness::program::{Program, role};
use holm::Process;

#[test]
fn the_program() {
    if role().is_some() {
        // The program fails: one of its nodes was killed.
        let _ = holm::block_on(lose_one_of_three);
    }
}

async fn lose_one_of_three(mut me: Process<u64>) {
    let (groups, _keepers) = start_scopes(&mut me).await;
    let workers = workers(&mut me, "r_12").await;
    for worker in &workers {
        order(&mut me, *worker, 1).await;
    }
    all_see(&mut me, &workers, 3).await;
    let os_pid = order(&mut me, workers[2], 6).await;
    let os_pid = rustix::process::Pid::from_raw(os_pid as i32).unwrap();
    rustix::process::kill_process(os_pid, rustix::process::Signal::KILL).unwrap();
    all_see(&mut me, &workers[..2], 2).await;
    assert!(groups.members("r_12").iter().all(|member| member.node() != workers[2].node()));
    order(&mut me, workers[1], 2).await;
    all_see(&mut me, &workers[..2], 1).await;
    println!("its members are gone");
}

#[test]
fn r_12_the_members_of_a_killed_node_vanish_on_the_others() {
    for transport in ["shm", "tcp"] {
        let outcome = Program::new("lose one of three", "3x1", transport).run();
        assert!(outcome.stdout.contains("its members are gone"), "{transport}: {}", outcome.story());
    }
}

//! The smallest program: a process on each scheduler says hello, wherever the layout put that scheduler.
//!
//!     cargo run -p holm-examples --bin hello
//!     HOLM_LAYOUT=2x1 cargo run -p holm-examples --bin hello

use holm::{Pid, Process, SpawnOptions};

#[holm::entry]
async fn greeter(mut me: Process<()>, parent: Pid<(u32, String)>) {
    let text = format!("hello from {} on scheduler {}", me.pid(), me.scheduler());
    parent.send((me.scheduler(), text)).expect("the parent's messages can cross");
}

fn main() -> std::process::ExitCode {
    holm::run(async |mut me: Process<(u32, String)>| {
        let parent = me.pid();
        for scheduler in 0..holm::schedulers() {
            let there = SpawnOptions::new().scheduler(scheduler);
            me.spawn_entry(greeter, parent, there).await?;
        }
        for scheduler in 0..holm::schedulers() {
            let (_, text) = me.receive_where(|(from, _)| *from == scheduler).await;
            println!("{text}");
        }
        Ok::<(), holm::SpawnError>(())
    })
}

//! One hot process stays on the scheduler it was given; the others move to where there is time.
//!
//! What to see: a table of who ran how many turns on which scheduler. The pinned row has one entry, whatever happens
//! beside it. Floating processes share the schedulers of their node, and never leave it: a wall is a wall. Below it
//! stands why that scheduler is where it is: the plan that dealt the layout over this machine.
//!
//!     cargo run -p holm-examples --bin pinned_hot_process
//!     HOLM_LAYOUT=2x1 cargo run -p holm-examples --bin pinned_hot_process

use holm::{Pid, Place, Process, SpawnOptions, layout::Options};
use holm_affinity::{BindType, Layout, Machine, Plan, current_mask};
use std::{
    error::Error,
    time::{Duration, Instant},
};

/// Turns of each process.
const TURNS: u32 = 600;

/// What one turn computes.
const WORK: Duration = Duration::from_micros(50);

/// Now and then a floating process waits; this is when another scheduler can get hold of it.
const WAIT: Duration = Duration::from_micros(200);

/// Floating processes on each node.
const FLOATING: u32 = 3;

/// Who it was, its turns by scheduler, and the CPUs that its thread may use.
type Tally = (String, Vec<u32>, String);

#[holm::entry]
async fn hot(me: Process<()>, parent: Pid<Tally>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let name = format!("hot process {}", me.pid());
    parent.send(tally(me, name, None).await?)?;
    Ok(())
}

#[holm::entry]
async fn floating(me: Process<()>, parent: Pid<Tally>) -> Result<(), Box<dyn Error + Send + Sync>> {
    let name = format!("floating {}", me.pid());
    parent.send(tally(me, name, Some(WAIT)).await?)?;
    Ok(())
}

async fn tally(
    mut me: Process<()>,
    name: String,
    wait: Option<Duration>,
) -> Result<Tally, Box<dyn Error + Send + Sync>> {
    let mut turns = vec![0; holm::schedulers() as usize];
    for turn in 0..TURNS {
        turns[me.scheduler() as usize] += 1;
        let begun = Instant::now();
        while begun.elapsed() < WORK {
            std::hint::spin_loop();
        }
        match wait {
            Some(wait) if turn % 4 == 0 => holm::sleep(wait).await,
            _ => holm::yield_now().await,
        }
    }
    Ok((name, turns, current_mask()?.to_string()))
}

/// The plan by which this run was dealt over the machine. Unless the environment asks for a binding, holm binds only
/// where several schedulers get a CPU each.
fn plan() -> Result<Plan, Box<dyn Error + Send + Sync>> {
    let (options, machine) = (Options::from_env()?, Machine::discover()?);
    let layout = options.layout.unwrap_or(Layout::grid(1, holm::schedulers())?);
    let a_cpu_each = (2..=machine.usable()).contains(&(holm::schedulers() as usize));
    let habit = if a_cpu_each { BindType::DefaultBind } else { BindType::Unbound };
    Ok(Plan::new(&machine, &layout, options.bind.unwrap_or(habit), options.oversubscribe)?)
}

fn print_row(name: &str, cells: impl Iterator<Item = String>) {
    println!("{name:34}{}", cells.map(|cell| format!("{cell:>6}")).collect::<String>());
}

fn main() -> std::process::ExitCode {
    holm::run(async |mut me: Process<Tally>| {
        let (parent, last) = (me.pid(), holm::schedulers() - 1);
        let pinned = me.spawn_entry(hot, parent, SpawnOptions::new().scheduler(last)).await?.pid;
        for node in holm::nodes() {
            for _ in 0..FLOATING {
                me.spawn_entry(floating, parent, SpawnOptions::new().place(Place::Node(node.id))).await?;
            }
        }

        print_row("turns on scheduler", (0..=last).map(|scheduler| scheduler.to_string()));
        let (mut elsewhere, mut cpus) = (0, String::new());
        for _ in 0..=FLOATING as usize * holm::nodes().len() {
            let (name, turns, mask) = me.receive().await;
            print_row(&name, turns.iter().map(u32::to_string));
            if name.ends_with(&pinned.to_string()) {
                elsewhere = turns[..last as usize].iter().sum();
                cpus = mask;
            }
        }

        println!(
            "\nThe hot process was spawned with `SpawnOptions::new().scheduler({last})`, and ran {elsewhere} turns elsewhere."
        );
        println!("The thread of scheduler {last} may use CPU {cpus}. The plan it comes from:\n\n{}", plan()?);
        match elsewhere {
            0 => Ok(()),
            _ => Err::<(), Box<dyn Error + Send + Sync>>("a pinned process has migrated".into()),
        }
    })
}

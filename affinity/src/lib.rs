//! *Where* code can run: the machine as plain data, layouts dealt over it, and the pinning of threads.
//!
//! Everything that holm asks the operating system about CPUs is asked here, once, and turned into values:
//! a [`Machine`] is read (or written down as text), a [`Layout`] is dealt over it into a [`Plan`], and
//! [`pin_current_thread`] carries the plan out. Nothing in between touches the system, so a laptop can plan for a
//! machine with eight sockets and a test can hold that plan in its hands.
//!
//! The crate knows nothing of tasks, processes or messages, starts no thread and keeps no state but one value: the
//! affinity mask this program started with.
//!
//! # Examples
//!
//! ```
//! use holm_affinity::{BindType, Layout, Machine, Plan};
//!
//! let machine = Machine::synthetic("package:2 numanode:1 l3:1 core:4 pu:2")?;
//! let layout: Layout = "2x4".parse()?;
//! let plan = Plan::new(&machine, &layout, BindType::DefaultBind, false)?;
//! assert_eq!(plan.nodes[0].cpus.to_string(), "0,2,4,6"); // four whole cores of the first socket
//! assert_eq!(plan.nodes[1].cpus.to_string(), "8,10,12,14");
//! println!("{machine}{plan}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bind;
mod cpu_set;
mod discover;
mod distance;
mod json;
mod layout;
mod machine;
mod pin;
mod plan;
mod synthetic;

pub use bind::{BindType, UnknownBindType, bind_order};
pub use cpu_set::{CPU_NUMBER_MAX, CpuSet, CpuSetError};
pub use discover::DiscoverError;
pub use distance::{Distance, distance, steal_order};
pub use layout::{Layout, LayoutError, MAX_NODES, MAX_SCHEDULERS};
pub use machine::{Cpu, Machine, NumaNode, Source};
pub use pin::{PinError, bind_current_thread, current_cpu, current_mask, mask_at_start, pin_current_thread};
pub use plan::{Plan, PlanError, PlannedNode, PlannedScheduler};
pub use synthetic::{SYNTHETIC_CPUS_MAX, SYNTHETIC_NUMA_NODES_MAX, SyntheticError};

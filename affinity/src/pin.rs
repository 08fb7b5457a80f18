//! The one place that moves a thread to a CPU.
//!
//! It serves the schedulers, once at their start, and who else wants a thread kept in place. It knows no plan: it
//! does what it is told, or says why not, so that callers can run unbound and report it.
//!
//! Two traps are fenced here. `core_affinity` aborts the process for a CPU number beyond its fixed mask of 1024, so
//! the number is checked first. And the kernel lets any thread widen its own mask again: a program started under
//! `taskset -c 1` could pin itself to CPU 0 and take another program's place. So CPUs outside the mask that this
//! program *started* with are refused. That mask is remembered at first use rather than asked anew, because the mask
//! of a thread that is already pinned says nothing about where it may go next.
//!
//! A new OS process inherits the mask of the thread that starts it: start nodes from a thread that is not pinned, or
//! they will find themselves allowed on one CPU only.

use std::io;
use std::sync::OnceLock;

use rustix::io::Errno;
use rustix::thread::{CpuSet as RawMask, sched_getaffinity, sched_getcpu, sched_setaffinity};

use crate::CpuSet;
use crate::discover::allowed_in_status;

/// Where the calling thread's mask stands as text.
const OWN_STATUS: &str = "/proc/thread-self/status";

/// Why a thread stays where it was.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The number does not fit the masks that system calls are given here.
    #[error("cpu {cpu} is beyond {max}, the last one a thread can be pinned to", max = RawMask::MAX_CPU - 1)]
    OutOfRange {
        /// The CPU asked for.
        cpu: u32,
    },
    /// The set has no CPU in it.
    #[error("a thread cannot be bound to an empty set of CPUs")]
    NoCpu,
    /// Not in the mask this program was started with.
    #[error("this program was started on cpus {allowed} and may not use {cpus}")]
    NotAllowed {
        /// Those of the asked CPUs that are not allowed.
        cpus: CpuSet,
        /// What is allowed.
        allowed: CpuSet,
    },
    /// The kernel has none of these CPUs for us: offline, or outside the control group's cpuset.
    #[error("offline, or taken from this program's cpuset: cpus {cpus}")]
    Offline {
        /// The CPUs asked for.
        cpus: CpuSet,
    },
    /// The kernel or a seccomp filter forbids the call as such: no other CPU would help.
    #[error("this program has no right to bind its threads ({0})")]
    NoRight(io::Error),
    /// The system refused for another reason.
    #[error("the system did not bind the thread ({0})")]
    System(io::Error),
}

/// Pins the calling thread to one CPU.
///
/// # Errors
///
/// See [`PinError`]; the thread's mask is then as it was.
pub fn pin_current_thread(cpu: u32) -> Result<(), PinError> {
    let cpus: CpuSet = [cpu].into_iter().collect();
    check(&cpus)?;
    // In range by the check above, without which this call would abort the process.
    if core_affinity::set_for_current(core_affinity::CoreId { id: cpu as usize }) {
        return Ok(());
    }
    bind(&cpus) // asks once more, because only this call tells why not
}

/// Lets the calling thread run on any CPU of a set, such as those of a NUMA node.
///
/// CPUs of the set that are offline do no harm while one is not.
///
/// # Errors
///
/// See [`PinError`]; the thread's mask is then as it was.
pub fn bind_current_thread(cpus: &CpuSet) -> Result<(), PinError> {
    check(cpus)?;
    bind(cpus)
}

/// The CPU the calling thread is running on at this moment.
pub fn current_cpu() -> u32 {
    sched_getcpu() as u32 // CPU numbers are 32 bit in the kernel
}

/// The CPUs the calling thread may run on now.
///
/// # Errors
///
/// When neither the system call nor `/proc` tells.
pub fn current_mask() -> Result<CpuSet, PinError> {
    match sched_getaffinity(None) {
        Ok(mask) => Ok((0..RawMask::MAX_CPU).filter(|&cpu| mask.is_set(cpu)).map(|cpu| cpu as u32).collect()),
        // Kernels made for more than 1024 CPUs refuse the fixed mask; their text has no such limit.
        Err(error) => allowed_in_status(OWN_STATUS.as_ref()).ok_or_else(|| why(error, CpuSet::new())),
    }
}

/// The CPUs the program might use when this crate was first asked: what `taskset` or a cpuset left to it.
///
/// Asked first from a thread that is pinned already it remembers too little, so a program reads its [`Machine`] or
/// asks this before it pins anything. `None` if the system did not tell; then nothing is refused beforehand.
///
/// [`Machine`]: crate::Machine
pub fn mask_at_start() -> Option<&'static CpuSet> {
    static MASK: OnceLock<Option<CpuSet>> = OnceLock::new();
    // The text also holds CPUs that are offline now, the system call does not.
    MASK.get_or_init(|| allowed_in_status(OWN_STATUS.as_ref()).or_else(|| current_mask().ok())).as_ref()
}

/// Refuses what must not reach a system call.
fn check(cpus: &CpuSet) -> Result<(), PinError> {
    let Some(last) = cpus.iter().next_back() else { return Err(PinError::NoCpu) };
    if last as usize >= RawMask::MAX_CPU {
        return Err(PinError::OutOfRange { cpu: last });
    }
    let Some(allowed) = mask_at_start() else { return Ok(()) };
    let foreign = cpus.difference(allowed);
    match foreign.is_empty() {
        true => Ok(()),
        false => Err(PinError::NotAllowed { cpus: foreign, allowed: allowed.clone() }),
    }
}

fn bind(cpus: &CpuSet) -> Result<(), PinError> {
    let mut mask = RawMask::new();
    cpus.iter().for_each(|cpu| mask.set(cpu as usize));
    sched_setaffinity(None, &mask).map_err(|error| why(error, cpus.clone()))
}

fn why(error: Errno, cpus: CpuSet) -> PinError {
    match error {
        Errno::INVAL if !cpus.is_empty() => PinError::Offline { cpus },
        Errno::PERM | Errno::ACCESS | Errno::NOSYS => PinError::NoRight(error.into()),
        _ => PinError::System(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_s_refusals_are_told_apart() {
        let cpus: CpuSet = [3].into_iter().collect();
        assert!(matches!(why(Errno::INVAL, cpus.clone()), PinError::Offline { .. }));
        for forbidden in [Errno::PERM, Errno::ACCESS, Errno::NOSYS] {
            assert!(matches!(why(forbidden, cpus.clone()), PinError::NoRight(_)));
        }
        assert!(matches!(why(Errno::NOMEM, cpus), PinError::System(_)));
    }
}

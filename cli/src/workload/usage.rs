//! What this OS process has used so far, as the kernel counts it.
//!
//! A figure that the kernel does not give is zero, except that nobody would notice: so it is an error.

use std::fs;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};

/// Resident memory in bytes.
pub(super) fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("/proc/self/status cannot be read")?;
    let kib = field(&status, "VmRSS:").context("/proc/self/status has no VmRSS")?;
    Ok(kib * 1024)
}

/// CPU seconds, in user and in kernel mode, of all threads that ever were.
pub(super) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Context switches, voluntary and not, of all threads that there are now.
pub(super) fn context_switches() -> Result<u64> {
    let mut switches = 0;
    for thread in fs::read_dir("/proc/self/task").context("/proc/self/task cannot be read")? {
        // A thread may end between the listing and the look.
        let Ok(status) = fs::read_to_string(thread?.path().join("status")) else { continue };
        let both = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
        switches += both.iter().filter_map(|name| field(&status, name)).sum::<u64>();
    }
    Ok(switches)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().trim_end_matches(" kB").trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_whole_names() {
        let status = "VmRSS:\t    1234 kB\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(field(status, "VmRSS:"), Some(1234));
        assert_eq!(field(status, "voluntary_ctxt_switches:"), Some(5));
        assert_eq!(field(status, "nonvoluntary_ctxt_switches:"), Some(7));
        assert_eq!(field(status, "VmHWM:"), None);
    }

    #[test]
    fn a_process_that_runs_has_used_something() {
        assert!(resident_bytes().unwrap() > 0 && cpu_seconds() > 0.0);
        context_switches().unwrap();
    }
}

//! How much of the machine the control groups leave us.

mod support;

use support::tree::Tree;

const VERSION_2: &str = "proc/self/mountinfo = 28 23 0:25 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw,nsdelegate";

fn four_cpus() -> Tree {
    Tree::new().with("sys/devices/system/cpu/online = 0-3")
}

#[test]
fn half_a_cpu_of_a_captured_machine_still_makes_one_scheduler() {
    let machine = Tree::captured("cpuset-and-quota").machine();
    assert_eq!(machine.quota, Some(0.5));
    assert_eq!(machine.allowed().to_string(), "2-5");
    assert_eq!(machine.usable(), 1);
}

#[test]
fn the_smallest_quota_on_the_way_to_the_root_counts() {
    let machine = four_cpus()
        .with(VERSION_2)
        .with("proc/self/cgroup = 0::/a/b/c")
        .with("sys/fs/cgroup/a/b/c/cpu.max = 300000 100000")
        .with("sys/fs/cgroup/a/b/cpu.max = 150000 100000")
        .with("sys/fs/cgroup/a/cpu.max = max 100000")
        .machine();
    assert_eq!((machine.quota, machine.usable()), (Some(1.5), 2));
}

#[test]
fn version_1_has_two_files_and_minus_one_for_no_quota() {
    let tree = four_cpus()
        .with(r"proc/self/mountinfo = 33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset")
        .with(r"proc/self/cgroup = 8:cpuset:/box\n3:cpu,cpuacct:/box\n0::/")
        .with("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us = -1")
        .with("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us = 100000")
        .with("sys/fs/cgroup/cpuset/box/cpuset.effective_cpus = 1-2")
        .with("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us = 50000")
        .with("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us = 100000");
    let machine = tree.machine();
    assert_eq!((machine.quota, machine.usable()), (Some(0.5), 1));
    assert_eq!(machine.allowed().to_string(), "1-2");
    let unlimited = tree.with("sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us = -1").machine();
    assert_eq!((unlimited.quota, unlimited.usable()), (None, 2));
}

#[test]
fn a_container_that_sees_only_its_own_group_finds_it_at_the_mount_point() {
    let mounted_group = r"proc/self/mountinfo = 28 23 0:25 /docker/abc /sys/fs/my\040groups rw - cgroup2 cgroup2 rw";
    for own_group in ["/docker/abc", "/", "/docker/abcdef", "/../elsewhere"] {
        let machine = four_cpus()
            .with(mounted_group)
            .with(&format!("proc/self/cgroup = 0::{own_group}"))
            .with("sys/fs/my groups/cpu.max = 200000 100000")
            .with("sys/fs/my groups/def/cpu.max = 1000 100000")
            .machine();
        assert_eq!(machine.quota, Some(2.0), "{own_group}");
    }
}

#[test]
fn the_cpuset_says_what_is_allowed_where_the_mask_cannot_be_read() {
    let machine = Tree::captured("cpuset-and-quota").without("proc/self/status").machine();
    assert_eq!(machine.allowed().to_string(), "2-5");
}

#[test]
fn broken_limits_are_no_limits() {
    for text in ["", "0 100000", "50000 0", "-5 100000", "many 100000", "50000"] {
        let machine = four_cpus()
            .with(VERSION_2)
            .with("proc/self/cgroup = 0::/")
            .with(&format!("sys/fs/cgroup/cpu.max = {text}"))
            .machine();
        assert_eq!(machine.quota, None, "{text:?}");
    }
}

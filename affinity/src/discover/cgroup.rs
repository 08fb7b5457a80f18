//! What the control groups leave us: CPU time (`cpu.max`, `cpu.cfs_quota_us`) and, where nothing else tells, CPUs.
//!
//! A quota holds for a group and all below it, so the smallest on the way from our group to the root counts. Both
//! versions are looked at: version 1 and the hybrid set-up with both are still common in containers.
//!
//! Where our group lies takes two files, in three steps:
//! 1. `/proc/self/mountinfo` says where each hierarchy is mounted, and which of its groups is seen at that place;
//! 2. `/proc/self/cgroup` names our group in each hierarchy;
//! 3. our directory is the mount point plus our group's name without the mounted group's. A name that is not below
//!    it (a container that sees only itself) means that the mount point *is* our group.

use super::tree::Tree;
use crate::CpuSet;

/// The smallest quota, as a number of CPUs.
pub(super) fn quota(tree: &Tree, notes: &mut Vec<String>) -> Option<f64> {
    let Some(groups) = Groups::read(tree) else {
        notes.push("control groups cannot be read: no quota is assumed".to_owned());
        return None;
    };
    let version_2 = groups.directories(Version::Two).into_iter().filter_map(|directory| quota_2(tree, &directory));
    let version_1 = groups.directories(Version::One("cpu")).into_iter().filter_map(|group| quota_1(tree, &group));
    version_2.chain(version_1).min_by(f64::total_cmp)
}

/// The CPUs that the innermost cpuset leaves us.
pub(super) fn cpuset(tree: &Tree) -> Option<CpuSet> {
    let groups = Groups::read(tree)?;
    let files = [(Version::Two, "cpuset.cpus.effective"), (Version::One("cpuset"), "cpuset.effective_cpus")];
    files.into_iter().find_map(|(version, file)| {
        let files: Vec<String> = groups.directories(version).iter().map(|group| format!("{group}/{file}")).collect();
        tree.cpus_of_any(&files)
    })
}

/// `cpu.max`: quota and period in microseconds, or `max` for no quota.
fn quota_2(tree: &Tree, directory: &str) -> Option<f64> {
    let text = tree.text(&format!("{directory}/cpu.max"))?;
    let (quota, period) = text.split_once(' ')?;
    cpus(quota.parse().ok()?, period.parse().ok()?)
}

/// Two files; −1 for no quota.
fn quota_1(tree: &Tree, directory: &str) -> Option<f64> {
    let number = |file: &str| tree.number::<i64>(&format!("{directory}/{file}"));
    cpus(number("cpu.cfs_quota_us")?, number("cpu.cfs_period_us")?)
}

fn cpus(quota_us: i64, period_us: i64) -> Option<f64> {
    (quota_us > 0 && period_us > 0).then(|| quota_us as f64 / period_us as f64)
}

#[derive(Clone, Copy)]
enum Version {
    /// One hierarchy per controller, named here.
    One(&'static str),
    Two,
}

/// The two files, unparsed.
struct Groups {
    mounts: String,
    memberships: String,
}

/// A mounted hierarchy: which of its groups is seen, and where.
struct Mount {
    group: String,
    directory: String,
}

impl Groups {
    fn read(tree: &Tree) -> Option<Groups> {
        Some(Groups { mounts: tree.text("proc/self/mountinfo")?, memberships: tree.text("proc/self/cgroup")? })
    }

    /// Our group's directory and those above it, innermost first; empty where the hierarchy is not mounted.
    fn directories(&self, version: Version) -> Vec<String> {
        let (Some(mount), Some(group)) = (self.mount(version), self.membership(version)) else { return Vec::new() };
        let inside = match group.strip_prefix(mount.group.trim_end_matches('/')) {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => "",
        };
        // A name such as /../sibling lies outside what is mounted here.
        let parts: Vec<&str> = inside.split('/').filter(|part| !part.is_empty()).collect();
        let parts = if parts.contains(&"..") { Vec::new() } else { parts };
        let directory = |depth| [&[mount.directory.as_str()], &parts[..depth]].concat().join("/");
        (0..=parts.len()).rev().map(directory).collect()
    }

    /// Line: `id parent device group mount-point options … - type source super-options`.
    fn mount(&self, version: Version) -> Option<Mount> {
        self.mounts.lines().find_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let (left, right): (Vec<&str>, Vec<&str>) = (left.split(' ').collect(), right.split(' ').collect());
            let is_wanted = match version {
                Version::Two => *right.first()? == "cgroup2",
                Version::One(controller) => *right.first()? == "cgroup" && has(right.get(2)?, controller),
            };
            is_wanted.then_some(Mount { group: unescaped(left.get(3)?), directory: unescaped(left.get(4)?) })
        })
    }

    /// Line: `hierarchy:controllers:group`; version 2 is hierarchy 0 without controllers.
    fn membership(&self, version: Version) -> Option<&str> {
        self.memberships.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (hierarchy, controllers, group) = (parts.next()?, parts.next()?, parts.next()?);
            let is_wanted = match version {
                Version::Two => hierarchy == "0" && controllers.is_empty(),
                Version::One(controller) => has(controllers, controller),
            };
            is_wanted.then_some(group)
        })
    }
}

fn has(list: &str, name: &str) -> bool {
    list.split(',').any(|part| part == name)
}

/// The kernel writes a space in a path as `\040`.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
}

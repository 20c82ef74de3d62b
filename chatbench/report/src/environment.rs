//! Where a run takes place, as the kernel tells it.

use crate::model::Environment;
use std::fs::read_to_string;
use std::path::Path;

const KIB_PER_MIB: u64 = 1024;
const BYTES_PER_MIB: u64 = 1 << 20;

impl Environment {
    /// Looks at this machine. `co_located`: the server runs here too; `durability`: what its acknowledgement stands for.
    #[must_use]
    pub fn read(co_located: bool, durability: &str) -> Self {
        let group = group(&text("/proc/self/cgroup"));
        Self {
            cpus: std::thread::available_parallelism()
                .map_or(1, |cpus| u32::try_from(cpus.get()).unwrap_or(u32::MAX)),
            cpu_model: field(&text("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
            governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            kernel: line("/proc/sys/kernel/osrelease").unwrap_or_default(),
            memory_mib: field(&text("/proc/meminfo"), "MemTotal").map_or(0, |kib| first(&kib) / KIB_PER_MIB),
            memory_limit_mib: memory_limit(&group),
            cpu_limit: cpu_limit(&group),
            files: files(&text("/proc/self/limits")),
            local_ports: ports(&text("/proc/sys/net/ipv4/ip_local_port_range")),
            listen_backlog: first(&text("/proc/sys/net/core/somaxconn")),
            clock_source: line("/sys/devices/system/clocksource/clocksource0/current_clocksource")
                .unwrap_or_default(),
            load_before: load(),
            co_located,
            durability: durability.to_owned(),
            server: None,
        }
    }
}

/// Load average over the last minute.
#[must_use]
pub fn load() -> f64 {
    text("/proc/loadavg").split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn text(path: impl AsRef<Path>) -> String {
    read_to_string(path).unwrap_or_default()
}

/// A file of one line; none when it is empty or not there.
fn line(path: impl AsRef<Path>) -> Option<String> {
    let line = text(path).trim().to_owned();
    (!line.is_empty()).then_some(line)
}

/// The number that a text begins with, else 0.
fn first(text: &str) -> u64 {
    text.split_ascii_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

fn field(text: &str, key: &str) -> Option<String> {
    let (_, value) = text.lines().find(|line| line.starts_with(key))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// Hard limit of open files, from `/proc/self/limits`.
fn files(limits: &str) -> u64 {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let hard = line.and_then(|line| line.split_ascii_whitespace().nth(1)).unwrap_or_default();
    if hard == "unlimited" { u64::MAX } else { hard.parse().unwrap_or_default() }
}

fn ports(range: &str) -> u32 {
    let mut ends = range.split_ascii_whitespace().filter_map(|end| end.parse::<u32>().ok());
    match (ends.next(), ends.next()) {
        (Some(low), Some(high)) => (high + 1).saturating_sub(low),
        _ => 0,
    }
}

/// Folder of this process's control group, second version: the root's where there is none of the name.
fn group(cgroup: &str) -> String {
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let folder = format!("/sys/fs/cgroup{}", path.trim_end_matches('/'));
    if Path::new(&folder).is_dir() { folder } else { "/sys/fs/cgroup".to_owned() }
}

fn memory_limit(group: &str) -> Option<u64> {
    let limit = line(format!("{group}/memory.max"))
        .or_else(|| line("/sys/fs/cgroup/memory/memory.limit_in_bytes"))?
        .parse::<u64>()
        .ok()?;
    // The first version says "none" with a number near the top of its range.
    (limit < 1 << 60).then_some(limit / BYTES_PER_MIB)
}

fn cpu_limit(group: &str) -> Option<f64> {
    quota(&line(format!("{group}/cpu.max"))?)
}

/// CPUs of a quota such as `150000 100000`.
fn quota(text: &str) -> Option<f64> {
    let (quota, period) = text.split_once(' ')?;
    Some(quota.parse::<f64>().ok()? / period.parse::<f64>().ok().filter(|period| *period > 0.0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_what_every_machine_has() {
        let here = Environment::read(true, "fsync");
        assert!(here.cpus > 0 && here.memory_mib > 0 && here.files > 0 && here.local_ports > 0, "{here:?}");
        assert!(!here.kernel.is_empty() && here.co_located && here.durability == "fsync");
    }

    #[test]
    fn limits_as_the_kernel_writes_them() {
        let limits =
            "Limit  Soft  Hard  Units\nMax open files            1024                 20000   files\n";
        assert_eq!(files(limits), 20_000);
        assert_eq!(files("Max open files  1024  unlimited  files"), u64::MAX);
        assert_eq!(ports("32768\t60999\n"), 28_232);
        assert_eq!(quota("150000 100000"), Some(1.5));
        assert_eq!(quota("max 100000"), None);
    }
}

//! Looks at this machine: what the kernel writes into `/proc` and `/sys`.

use super::facts::Machine;
use report::model::Environment;
use std::fs::read_to_string;
use std::time::Duration;

/// How long the check watches what other guests take.
const WATCHED: Duration = Duration::from_millis(500);
/// A bound of memory above which there is none: control groups say "no limit" with a number near the top.
const NO_BOUND: u64 = 1 << 60;
const PAGE: u64 = 4096;

/// Looks for half a second.
pub(super) async fn look() -> Machine {
    let before = report::process::steal();
    tokio::time::sleep(WATCHED).await;
    let after = report::process::steal();
    let ticks = after.1.saturating_sub(before.1).max(1);
    let here = Environment::read(false, "");
    let ipv4 = |name: &str| text(&format!("/proc/sys/net/ipv4/{name}"));
    let sockets = text("/proc/net/sockstat");
    let opened = text("/proc/sys/fs/file-nr");
    Machine {
        cpus: here.cpus.into(),
        cpu_limit: here.cpu_limit,
        governor: here.governor,
        clock_source: here.clock_source,
        load: here.load_before,
        steal: after.0.saturating_sub(before.0) as f64 / ticks as f64,
        files: here.files,
        files_open: number(&opened, 0).unwrap_or_default(),
        files_max: number(&opened, 2).unwrap_or_default(),
        ports: u64::from(here.local_ports)
            .saturating_sub(reserved(&ipv4("ip_local_reserved_ports"), &ipv4("ip_local_port_range"))),
        time_wait: after_word(&sockets, "TCP:", "tw").unwrap_or_default(),
        time_wait_max: number(&ipv4("tcp_max_tw_buckets"), 0).unwrap_or_default(),
        memory: available(),
        memory_in_group: memory_in_group(&text("/proc/self/cgroup"), &text),
        tcp_memory_max: number(&ipv4("tcp_mem"), 2).map(|pages| pages * PAGE),
        tcp_memory: after_word(&sockets, "TCP:", "mem").unwrap_or_default() * PAGE,
        tracked: tracked(),
        backlog: here.listen_backlog,
        syn_backlog: number(&ipv4("tcp_max_syn_backlog"), 0).unwrap_or(u64::MAX),
        hash_ms: None,
    }
}

/// Bytes that can be had without swapping, by the machine and by the control group.
pub(super) fn free_memory() -> u64 {
    let group = memory_in_group(&text("/proc/self/cgroup"), &text);
    group.map_or(available(), |group| group.min(available()))
}

fn available() -> u64 {
    after_word(&text("/proc/meminfo"), "MemAvailable:", "MemAvailable:").unwrap_or_default() * 1024
}

fn text(path: &str) -> String {
    read_to_string(path).unwrap_or_default()
}

/// The n-th word as a number.
fn number(text: &str, n: usize) -> Option<u64> {
    text.split_ascii_whitespace().nth(n)?.parse().ok()
}

/// The number behind a word of the line that begins with `line`.
fn after_word(text: &str, line: &str, word: &str) -> Option<u64> {
    let line = text.lines().find(|found| found.starts_with(line))?;
    let mut words = line.split_ascii_whitespace();
    words.find(|found| *found == word)?;
    words.next()?.parse().ok()
}

/// Ports of the local range that are kept for others, such as `8080,40000-40010`.
fn reserved(list: &str, range: &str) -> u64 {
    let (Some(low), Some(high)) = (number(range, 0), number(range, 1)) else { return 0 };
    let of = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse::<u64>().ok()?.max(low), last.parse::<u64>().ok()?.min(high));
        Some((last + 1).saturating_sub(first))
    };
    list.trim().split(',').filter_map(of).sum()
}

/// Connections that the firewall tracks, and their bound; none where it tracks none.
fn tracked() -> Option<(u64, u64)> {
    let of = |name: &str| number(&text(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}")), 0);
    of("count").zip(of("max"))
}

/// What is left of the control group's bound: page cache that can be dropped counts as left.
fn memory_in_group(groups: &str, read: &dyn Fn(&str) -> String) -> Option<u64> {
    let path = |prefix: &str| {
        let line = groups.lines().find(|line| line.split(':').nth(1) == Some(prefix))?;
        line.splitn(3, ':').nth(2).map(|path| path.trim_end_matches('/').to_owned())
    };
    // The second version, then the first; inside a container the group's own folder is the root.
    let second = path("").map(|own| ("/sys/fs/cgroup", own, "memory.max", "memory.current"));
    let first = path("memory")
        .map(|own| ("/sys/fs/cgroup/memory", own, "memory.limit_in_bytes", "memory.usage_in_bytes"));
    for (root, own, max, used) in second.into_iter().chain(first) {
        for folder in [format!("{root}{own}"), root.to_owned()] {
            let Some(max) = number(&read(&format!("{folder}/{max}")), 0) else { continue };
            let used = number(&read(&format!("{folder}/{used}")), 0).unwrap_or_default();
            let stat = read(&format!("{folder}/memory.stat"));
            let cache = after_word(&stat, "inactive_file ", "inactive_file").unwrap_or_default();
            return (max < NO_BOUND).then(|| max.saturating_sub(used.saturating_sub(cache)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_says_what_every_machine_says() {
        let here = look().await;
        assert!(here.cpus > 0 && here.files > 0 && here.ports > 0 && here.memory > 1 << 20, "{here:?}");
        assert!(
            here.files_max > here.files_open && here.backlog > 0 && here.tcp_memory_max > Some(0),
            "{here:?}"
        );
    }

    #[test]
    fn words_and_numbers_of_the_kernel() {
        let sockets = "sockets: used 16\nTCP: inuse 1 orphan 0 tw 37 alloc 1 mem 75\nUDP: inuse 0 mem 9\n";
        assert_eq!(after_word(sockets, "TCP:", "tw"), Some(37));
        assert_eq!(after_word(sockets, "TCP:", "mem"), Some(75));
        assert_eq!(after_word(sockets, "RAW:", "mem"), None);
        assert_eq!(number("611\t0\t2466170\n", 2), Some(2_466_170));
    }

    #[test]
    fn reserved_ports_count_where_they_are_in_the_range() {
        assert_eq!(reserved("\n", "32768\t60999"), 0);
        assert_eq!(reserved("8080,40000-40010,60990-61010\n", "32768\t60999"), 11 + 10);
    }

    #[test]
    fn the_groups_bound_is_that_of_the_nearest_folder() {
        let files = |path: &str| {
            let text = match path {
                "/sys/fs/cgroup/a/memory.max" => "max",
                "/sys/fs/cgroup/memory.max" | "/sys/fs/cgroup/memory/own/memory.limit_in_bytes" => "1000",
                "/sys/fs/cgroup/memory.current" | "/sys/fs/cgroup/memory/own/memory.usage_in_bytes" => "700",
                "/sys/fs/cgroup/memory.stat" => "active_file 5\ninactive_file 100\n",
                "/sys/fs/cgroup/memory/wide/memory.limit_in_bytes" => "9223372036854771712",
                _ => "",
            };
            text.to_owned()
        };
        assert_eq!(memory_in_group("0::/b\n", &files), Some(400));
        assert_eq!(memory_in_group("4:memory:/own\n0::/\n", &files).map(|left| left > 0), Some(true));
        assert_eq!(memory_in_group("4:memory:/own\n", &files), Some(300));
        assert_eq!(memory_in_group("4:memory:/wide\n", &files), None);
        assert_eq!(memory_in_group("", &files), None);
    }
}

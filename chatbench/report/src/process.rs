//! What the kernel tells of processes, threads and this machine.

use std::fs::read_to_string;
use std::time::{Duration, Instant, SystemTime};

/// Ticks a second of the times in `/proc`: fixed by the kernel's interface, whatever its own clock.
const TICKS: u64 = 100;

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu: Duration,
    pub rss_bytes: u64,
    pub rss_peak_bytes: u64,
}

/// CPU time and memory of a process; none when it is gone.
#[must_use]
pub fn usage(pid: u32) -> Option<Usage> {
    let cpu = cpu_of(&read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
    let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let bytes = |key| kib(key).unwrap_or_default() * 1024;
    Some(Usage { cpu, rss_bytes: bytes("VmRSS:"), rss_peak_bytes: bytes("VmHWM:") })
}

/// CPU time of the thread that asks.
#[must_use]
pub fn thread_cpu() -> Duration {
    read_to_string("/proc/thread-self/stat").ok().and_then(|text| cpu_of(&text)).unwrap_or_default()
}

/// User and system time in a `stat` line. The name before them may hold anything, blanks and brackets too.
fn cpu_of(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Ticks of all CPUs so far: stolen by other guests, and in all.
#[must_use]
pub fn steal() -> (u64, u64) {
    let text = read_to_string("/proc/stat").unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let ticks: Vec<u64> =
        line.split_ascii_whitespace().skip(1).take(8).filter_map(|f| f.parse().ok()).collect();
    (ticks.get(7).copied().unwrap_or_default(), ticks.iter().sum())
}

/// Sees whether the wall clock is set while a run lasts.
#[derive(Clone, Copy, Debug)]
pub struct ClockWatch {
    monotonic: Instant,
    wall: SystemTime,
}

impl ClockWatch {
    /// From now on.
    #[must_use]
    pub fn start() -> Self {
        Self { monotonic: Instant::now(), wall: SystemTime::now() }
    }

    /// How far the wall clock has moved against the monotonic one since, either way, in microseconds.
    #[must_use]
    pub fn step_us(&self) -> u64 {
        let wall = self.wall + self.monotonic.elapsed();
        let now = SystemTime::now();
        let step = now.duration_since(wall).or_else(|_| wall.duration_since(now)).unwrap_or_default();
        u64::try_from(step.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_stand_behind_the_name_whatever_it_holds() {
        let line = "42 (a) b (c)) S 1 42 42 0 -1 4194560 100 0 0 0 250 150 0 0 20 0 1 0 100 1000 10";
        assert_eq!(cpu_of(line), Some(Duration::from_secs(4)));
        assert_eq!(cpu_of("42 (cut) S 1"), None);
    }

    #[test]
    fn a_clock_that_was_set_shows() {
        let mut watch = ClockWatch::start();
        assert!(watch.step_us() < 1_000_000);
        watch.wall += Duration::from_secs(3600);
        assert!(watch.step_us() > 3_000_000_000);
    }

    #[test]
    fn this_process_has_memory_and_a_dead_one_nothing() {
        assert!(usage(std::process::id()).unwrap().rss_bytes > 100_000);
        assert!(usage(u32::MAX).is_none());
    }
}

//! What the kernel tells of processes and of this machine.

use procfs::process::Process;
use procfs::{CurrentSI, KernelStats, ticks_per_second};
use std::time::{Duration, Instant, SystemTime};

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
    let process = Process::new(i32::try_from(pid).ok()?).ok()?;
    let (stat, status) = (process.stat().ok()?, process.status().ok()?);
    let bytes = |kib: Option<u64>| kib.unwrap_or_default() * 1024;
    Some(Usage {
        cpu: Duration::from_millis((stat.utime + stat.stime) * 1000 / ticks_per_second()),
        rss_bytes: bytes(status.vmrss),
        rss_peak_bytes: bytes(status.vmhwm),
    })
}

/// Ticks of all CPUs so far: stolen by other guests, and in all.
#[must_use]
pub fn steal() -> (u64, u64) {
    let Ok(KernelStats { total, .. }) = KernelStats::current() else { return (0, 0) };
    let stolen = total.steal.unwrap_or_default();
    let waits = total.iowait.unwrap_or_default() + total.irq.unwrap_or_default();
    let busy = total.user + total.nice + total.system + total.softirq.unwrap_or_default();
    (stolen, stolen + waits + busy + total.idle)
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
        assert!(steal().1 > steal().0);
    }
}

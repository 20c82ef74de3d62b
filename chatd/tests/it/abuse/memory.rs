//! What a process keeps in memory (`VmRSS`), and its peak while somebody looks.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(super) struct Memory {
    pid: u32,
    peak: Arc<AtomicU64>,
    watcher: tokio::task::JoinHandle<()>,
}

impl Memory {
    /// Looks every 50 ms until it is dropped.
    pub(super) fn watch(pid: u32) -> Self {
        let peak = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&peak);
        let watcher = tokio::spawn(async move {
            loop {
                seen.fetch_max(rss_kib(pid), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { pid, peak, watcher }
    }

    /// KiB.
    pub(super) fn now(&self) -> u64 {
        rss_kib(self.pid)
    }

    /// KiB.
    pub(super) fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed).max(self.now())
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

fn rss_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

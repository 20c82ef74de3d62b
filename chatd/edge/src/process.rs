//! What the process itself uses, under the names that Prometheus clients of every language give it.
//!
//! Read off `/proc` when somebody asks. Where the kernel does not tell, the metric is missing rather than zero.

use procfs::process::{LimitValue, Process};
use procfs::{boot_time_secs, page_size, ticks_per_second};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use std::fmt;

#[derive(Debug)]
pub(crate) struct ProcessMetrics;

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let to = &mut encoder;
        let Ok(process) = Process::myself() else { return Ok(()) };
        if let Ok(stat) = process.stat() {
            let ticks = ticks_per_second() as f64;
            let cpu = ConstCounter::new((stat.utime + stat.stime) as f64 / ticks);
            put(to, "process_cpu", "User and system CPU time", Some(&Unit::Seconds), &cpu)?;
            let memory = |bytes: u64| ConstGauge::new(i64::try_from(bytes).unwrap_or(i64::MAX));
            let resident = memory(stat.rss * page_size());
            put(to, "process_resident_memory", "Resident memory", Some(&Unit::Bytes), &resident)?;
            put(to, "process_virtual_memory", "Virtual memory", Some(&Unit::Bytes), &memory(stat.vsize))?;
            if let Ok(booted) = boot_time_secs() {
                let started = ConstGauge::new(booted as f64 + stat.starttime as f64 / ticks);
                put(to, "process_start_time", "Start, since 1970", Some(&Unit::Seconds), &started)?;
            }
        }
        if let Ok(open) = process.fd_count() {
            put(to, "process_open_fds", "Open files and sockets", None, &ConstGauge::new(open as i64))?;
        }
        if let Ok(limits) = process.limits()
            && let LimitValue::Value(most) = limits.max_open_files.soft_limit
        {
            let most = ConstGauge::new(i64::try_from(most).unwrap_or(i64::MAX));
            put(to, "process_max_fds", "Most open files and sockets", None, &most)?;
        }
        Ok(())
    }
}

fn put(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
}

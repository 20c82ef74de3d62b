//! What processes have used, from the samples of a run.

use crate::assemble::round;
use crate::measured::{Measured, Sample, Where};
use crate::model::{ProcessUse, Side};
use crate::process::Usage;

/// Both sides' use over the hold.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    pub(crate) server: Option<Side>,
    pub(crate) servers: Vec<ProcessUse>,
    pub(crate) generator: Side,
    /// As [`Measured::workers`]; nothing of one on another machine.
    pub(crate) workers: Vec<Side>,
    pub(crate) steal: f64,
}

/// Use of one process over the hold: CPU seconds, memory at its end, at most, and how much of it came with the users.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    cpu: f64,
    rss: u64,
    peak: u64,
    grown: f64,
}

pub(crate) fn read(measured: &Measured, delivered: u64, held: f64) -> Cost {
    let begin = measured.begin_us + measured.plan.phases.warmup_us;
    let end = begin + (held * 1e6) as u64;
    let used: Vec<Used> = (0..measured.processes.len()).map(|n| used(measured, n, begin, end)).collect();
    let side_of = |users: u32, used: Used| Side {
        cpu_us_per_message: (delivered > 0).then(|| round(used.cpu * 1e6 / delivered as f64)),
        cpus: round(used.cpu / held),
        rss_bytes: used.rss,
        rss_peak_bytes: used.peak,
        rss_per_user_bytes: (users > 0 && used.rss > 0).then(|| round(used.grown / f64::from(users))),
    };
    let side = |used: Used| side_of(measured.plan.users, used);
    let all = |wanted: Where| {
        let of = measured.processes.iter().zip(&used).filter(|(process, _)| process.side == wanted);
        of.map(|(_, used)| *used).reduce(|a, b| Used {
            cpu: a.cpu + b.cpu,
            rss: a.rss + b.rss,
            peak: a.peak + b.peak,
            grown: a.grown + b.grown,
        })
    };
    let servers = measured.processes.iter().zip(&used).filter(|(process, _)| process.side == Where::Server);
    Cost {
        server: all(Where::Server).map(side),
        servers: servers
            .map(|(process, used)| ProcessUse {
                pid: process.pid(),
                name: process.name.clone(),
                used: side(*used),
            })
            .collect(),
        generator: all(Where::Generator).map(side).unwrap_or_default(),
        workers: measured
            .workers
            .iter()
            .map(|worker| {
                let own = worker.process.and_then(|n| used.get(n)).copied();
                own.map(|used| side_of(worker.users, used)).unwrap_or_default()
            })
            .collect(),
        steal: steal(measured, begin, end),
    }
}

fn used(measured: &Measured, process: usize, begin: u64, end: u64) -> Used {
    let cpu = |at| interpolate(measured, at, |usage: &Usage| usage.cpu.as_secs_f64(), process);
    let rss = |at| interpolate(measured, at, |usage: &Usage| usage.rss_bytes as f64, process);
    let seen = |sample: &Sample| sample.of(process);
    let before = rss(0).unwrap_or_default();
    Used {
        cpu: cpu(end).zip(cpu(begin)).map_or(0.0, |(after, before)| (after - before).max(0.0)),
        rss: rss(end).unwrap_or_default() as u64,
        peak: measured
            .samples
            .iter()
            .filter_map(seen)
            .map(|usage| usage.rss_peak_bytes)
            .max()
            .unwrap_or_default(),
        grown: rss(measured.begin_us).map_or(0.0, |after| (after - before).max(0.0)),
    }
}

/// What a process has used at a time, between the two looks around it; beyond them what the nearest look saw.
fn interpolate(measured: &Measured, at_us: u64, of: impl Fn(&Usage) -> f64, process: usize) -> Option<f64> {
    let look = |sample: &Sample| Some((sample.at_us, of(&sample.of(process)?)));
    let next = measured.samples.partition_point(|sample| sample.at_us < at_us);
    let before = measured.samples[..next].iter().rev().find_map(look);
    let after = measured.samples[next..].iter().find_map(look);
    match (before, after) {
        (Some((t0, v0)), Some((t1, v1))) if t1 > t0 => {
            Some(v0 + (v1 - v0) * (at_us - t0) as f64 / (t1 - t0) as f64)
        }
        (before, after) => before.or(after).map(|(_, value)| value),
    }
}

/// CPU seconds of a side so far; none outside of the samples, and where it has no process.
pub(crate) fn cpu_at(measured: &Measured, side: Where, at_us: u64) -> Option<f64> {
    let (first, last) = (measured.samples.first()?, measured.samples.last()?);
    // A second's look may come a little late.
    let most = last.at_us.saturating_add(SLACK_US);
    let inside = (first.at_us.saturating_sub(SLACK_US)..=most).contains(&at_us);
    sum(measured, side, inside, |n| interpolate(measured, at_us, |usage| usage.cpu.as_secs_f64(), n))
}

/// Memory of all server processes at a time.
pub(crate) fn server_rss_at(measured: &Measured, at_us: u64) -> Option<u64> {
    let inside = !measured.samples.is_empty();
    sum(measured, Where::Server, inside, |n| interpolate(measured, at_us, |usage| usage.rss_bytes as f64, n))
        .map(|bytes| bytes as u64)
}

/// How far a look may be off its second, in microseconds.
const SLACK_US: u64 = 500_000;

fn sum(measured: &Measured, side: Where, inside: bool, of: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let own = measured.processes.iter().enumerate().filter(|(_, process)| process.side == side);
    own.filter(|_| inside).filter_map(|(n, _)| of(n)).reduce(|a, b| a + b)
}

/// Share of the machine's time that other guests took over the hold.
fn steal(measured: &Measured, begin: u64, end: u64) -> f64 {
    let nearest = |at: u64| measured.samples.iter().min_by_key(|sample| sample.at_us.abs_diff(at));
    let Some((before, after)) = nearest(begin).zip(nearest(end)) else { return 0.0 };
    let all = after.steal.1.saturating_sub(before.steal.1).max(1);
    after.steal.0.saturating_sub(before.steal.0) as f64 / all as f64
}

//! What processes and the machine use while a run lasts, seen once a second and at the ends of the hold.

use crate::clock::Clock;
use crate::scrape::{Scrapes, Seen};
use report::process::{Usage, steal, usage};
use report::{Process, Sample, Source, Where};
use reqwest::Client;

/// Looks that are kept: a day, once a second, and a few more.
const LOOKS: usize = 90_000;

/// Keeps what was seen.
#[derive(Debug)]
pub(crate) struct Sampler {
    pub(crate) processes: Vec<Process>,
    pub(crate) samples: Vec<Sample>,
    scrapes: Option<Scrapes>,
    /// Most memory of each process whose metrics are read.
    peaks: Vec<u64>,
    /// Pages of metrics that could not be read, by process.
    unread: Vec<u64>,
}

impl Sampler {
    pub(crate) fn new(processes: Vec<Process>, client: &Client, clock: Clock) -> Self {
        let pages = processes.iter().enumerate().filter_map(|(n, process)| match &process.source {
            Source::Metrics(url) => Some((n, url.clone())),
            Source::Pid(_) => None,
        });
        let pages: Vec<_> = pages.collect();
        let scrapes = (!pages.is_empty()).then(|| Scrapes::start(client, pages, clock));
        let zeros = vec![0; processes.len()];
        Self { processes, samples: Vec::new(), scrapes, peaks: zeros.clone(), unread: zeros }
    }

    /// Looks now, which is this time of the run clock.
    pub(crate) fn look(&mut self, at_us: u64) {
        let seen = self.scrapes.as_ref().map(Scrapes::take).unwrap_or_default();
        // One may have come in since the caller looked at the clock.
        seen.into_iter().for_each(|(n, seen_us, usage)| self.enter((n, seen_us.min(at_us), usage)));
        let used = self.processes.iter().map(|process| match process.source {
            Source::Pid(pid) => usage(pid),
            Source::Metrics(_) => None,
        });
        let used = used.collect();
        self.keep(Sample { at_us, used, steal: steal() });
    }

    /// A page of metrics is a look at one process only.
    fn enter(&mut self, (number, at_us, usage): Seen) {
        let Some(usage) = usage else {
            self.unread[number] += 1;
            return;
        };
        self.peaks[number] = self.peaks[number].max(usage.rss_bytes);
        let mut used = vec![None; self.processes.len()];
        used[number] = Some(Usage { rss_peak_bytes: self.peaks[number], ..usage });
        self.keep(Sample { at_us, used, steal: steal() });
    }

    fn keep(&mut self, sample: Sample) {
        if self.samples.len() < LOOKS * (1 + self.peaks.len()) {
            self.samples.push(sample);
        }
    }

    /// What is missing of the metrics, in words.
    pub(crate) fn gaps(&self) -> Vec<String> {
        let gaps = self.processes.iter().zip(&self.unread).filter(|(_, unread)| **unread > 0);
        gaps.map(|(process, unread)| {
            format!(
                "the metrics of {} could not be read {unread} times: its CPU and memory are uncertain",
                process.name
            )
        })
        .collect()
    }

    /// CPUs that one side has used between the last two looks, for the live view.
    pub(crate) fn cpus(&self, side: Where) -> Option<f64> {
        if self.samples.len() < 2 {
            return None;
        }
        let mine = self.processes.iter().enumerate().filter(|(_, process)| process.side == side);
        Some(mine.filter_map(|(n, _)| self.cpus_of(n)).sum())
    }

    fn cpus_of(&self, process: usize) -> Option<f64> {
        let looks = self.samples.iter().rev();
        let mut looks = looks.filter_map(|sample| Some((sample.at_us, sample.used[process]?.cpu)));
        let ((after_us, after), (before_us, before)) = (looks.next()?, looks.next()?);
        let seconds = after_us.saturating_sub(before_us) as f64 / 1e6;
        (seconds > 0.0).then(|| after.saturating_sub(before).as_secs_f64() / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn process(source: Source, side: Where) -> Process {
        Process { source, name: String::new(), side }
    }

    fn sampler(processes: Vec<Process>) -> Sampler {
        Sampler::new(processes, &Client::new(), Clock::starting_in(Duration::ZERO))
    }

    #[test]
    fn both_sides_are_kept_apart_and_a_dead_process_has_used_nothing() {
        let own = process(Source::Pid(std::process::id()), Where::Generator);
        let mut sampler = sampler(vec![own, process(Source::Pid(u32::MAX), Where::Server)]);
        assert_eq!(sampler.cpus(Where::Generator), None);
        sampler.look(0);
        sampler.look(1_000_000);
        assert_eq!(sampler.samples.len(), 2);
        assert!(sampler.samples[1].used[0].is_some() && sampler.samples[1].used[1].is_none());
        assert!(sampler.cpus(Where::Generator).is_some_and(|cpus| cpus >= 0.0));
        assert_eq!(sampler.cpus(Where::Server), Some(0.0));
    }

    #[tokio::test]
    async fn what_metrics_tell_stands_beside_the_looks() {
        let page = Source::Metrics("http://127.0.0.1:1/metrics".into());
        let mut sampler = sampler(vec![process(page, Where::Server)]);
        let usage = |cpu_ms, rss_bytes| Usage {
            cpu: Duration::from_millis(cpu_ms),
            rss_bytes,
            rss_peak_bytes: rss_bytes,
        };
        sampler.enter((0, 1_000_000, Some(usage(500, 9))));
        sampler.look(1_500_000);
        sampler.enter((0, 2_000_000, None));
        sampler.enter((0, 3_000_000, Some(usage(1_500, 7))));
        assert_eq!(sampler.cpus(Where::Server), Some(0.5));
        assert_eq!(sampler.samples[2].used[0].map(|usage| usage.rss_peak_bytes), Some(9));
        assert!(sampler.unread[0] >= 1);
    }
}

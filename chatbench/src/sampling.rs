//! What processes and the machine use while a run lasts, seen once a second, at the ends of the hold, and once more when all is
//! over: so that there is a look behind every time that counts, also at a page of metrics that took its time.

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
        let used = self.processes.iter().enumerate().filter_map(|(n, process)| match process.source {
            Source::Pid(pid) => Some((n, usage(pid)?)),
            Source::Metrics(_) => None,
        });
        let used = used.collect();
        self.keep(Sample { at_us, used, steal: steal() });
    }

    /// Looks now, and has the pages of metrics read now too; what they tell comes with a later look.
    pub(crate) fn look_at_all(&mut self, at_us: u64) {
        self.look(at_us);
        if let Some(scrapes) = &self.scrapes {
            scrapes.ask();
        }
    }

    /// Looks for the last time, and waits for what the pages of metrics tell: no longer than one may take.
    pub(crate) async fn finish(&mut self, clock: Clock) {
        if let Some(scrapes) = self.scrapes.take() {
            scrapes.finish().await.into_iter().for_each(|seen| self.enter(seen));
        }
        self.look(clock.now_us());
    }

    /// A page of metrics is a look at one process only.
    fn enter(&mut self, (number, at_us, usage): Seen) {
        let Some(usage) = usage else {
            self.unread[number] += 1;
            return;
        };
        self.peaks[number] = self.peaks[number].max(usage.rss_bytes);
        let used = vec![(number, Usage { rss_peak_bytes: self.peaks[number], ..usage })];
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
        let mut looks = looks.filter_map(|sample| Some((sample.at_us, sample.of(process)?.cpu)));
        let ((after_us, after), (before_us, before)) = (looks.next()?, looks.next()?);
        let seconds = after_us.saturating_sub(before_us) as f64 / 1e6;
        (seconds > 0.0).then(|| after.saturating_sub(before).as_secs_f64() / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
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
        assert!(sampler.samples[1].of(0).is_some() && sampler.samples[1].of(1).is_none());
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
        assert_eq!(sampler.samples[2].of(0).map(|usage| usage.rss_peak_bytes), Some(9));
        assert!(sampler.unread[0] >= 1);
    }

    /// Serves a page on which each look finds a second of CPU more.
    fn page() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/metrics", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for (looks, stream) in listener.incoming().flatten().enumerate() {
                let _asked = (&stream).read(&mut [0; 4096]);
                let page =
                    format!("process_cpu_seconds_total {looks}\nprocess_resident_memory_bytes {looks}\n");
                let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}", page.len());
                let _who_asked_is_gone = write!(&stream, "{head}\r\n\r\n{page}");
            }
        });
        url
    }

    #[tokio::test]
    async fn the_last_look_is_at_pages_of_metrics_too() {
        let clock = Clock::starting_in(Duration::ZERO);
        let process = process(Source::Metrics(page()), Where::Server);
        let mut sampler = Sampler::new(vec![process], &Client::new(), clock);
        let over_us = clock.now_us();
        sampler.finish(clock).await;
        let last = sampler.samples.iter().rev().find(|sample| sample.of(0).is_some()).unwrap();
        assert!(last.at_us >= over_us);
        assert!(sampler.samples.is_sorted_by_key(|sample| sample.at_us));
    }
}

//! CPU and memory of server processes as their own metrics tell them, for a server that runs elsewhere.
//!
//! Any server will do that shows what Prometheus clients show of a process: `process_cpu_seconds_total` and
//! `process_resident_memory_bytes`.

use crate::clock::Clock;
use report::process::Usage;
use reqwest::Client;
use schema::exit::{Exit, Failure};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

const CPU: &str = "process_cpu_seconds_total";
const MEMORY: &str = "process_resident_memory_bytes";
/// Between two looks, and the longest that one may take.
const EVERY: Duration = Duration::from_secs(1);
const CALL: Duration = Duration::from_secs(2);
/// Largest page of metrics, in bytes.
const PAGE_BYTES: usize = 16 << 20;
/// What was seen and waits to be taken; what comes beyond it is left out, as a missed look is.
const SEEN: usize = 4096;

/// What a process had used at a time of the run clock; none when it could not be read.
pub(crate) type Seen = (usize, u64, Option<Usage>);

/// Reads metrics once a second and when asked to, until dropped.
#[derive(Debug)]
pub(crate) struct Scrapes {
    client: Client,
    processes: Vec<(usize, String)>,
    clock: Clock,
    tasks: JoinSet<()>,
    seen: Receiver<Seen>,
    asks: watch::Sender<()>,
}

impl Scrapes {
    /// Begins to read; each address stands for the process of this number.
    pub(crate) fn start(client: &Client, processes: Vec<(usize, String)>, clock: Clock) -> Self {
        let (sees, seen) = sync_channel(SEEN);
        let (asks, asked) = watch::channel(());
        let mut tasks = JoinSet::new();
        for (number, url) in &processes {
            let (client, url) = (client.clone(), url.clone());
            tasks.spawn(follow(client, *number, url, clock, sees.clone(), asked.clone()));
        }
        Self { client: client.clone(), processes, clock, tasks, seen, asks }
    }

    /// Has all pages read now.
    pub(crate) fn ask(&self) {
        self.asks.send_replace(());
    }

    /// Reads all pages once more, all at a time and no longer than [`CALL`]; answers that and what was seen since the last
    /// [`Scrapes::take`], ascending.
    pub(crate) async fn finish(mut self) -> Vec<Seen> {
        self.tasks.shutdown().await;
        let mut seen = self.take();
        let mut last = JoinSet::new();
        for (number, url) in std::mem::take(&mut self.processes) {
            let (client, clock) = (self.client.clone(), self.clock);
            last.spawn(async move { (number, read(&client, &url).await.ok(), clock.now_us()) });
        }
        while let Some(read) = last.join_next().await {
            seen.extend(read.ok().map(|(number, usage, at_us)| (number, at_us, usage)));
        }
        seen.sort_by_key(|(_, at_us, _)| *at_us);
        seen
    }

    /// What was seen since the last call, ascending.
    pub(crate) fn take(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.seen.try_iter().collect();
        seen.sort_by_key(|(_, at_us, _)| *at_us);
        seen
    }
}

async fn follow(
    client: Client,
    number: usize,
    url: String,
    clock: Clock,
    sees: SyncSender<Seen>,
    mut asked: watch::Receiver<()>,
) {
    let mut looks = interval(EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            Ok(()) = asked.changed() => {}
        }
        let usage = read(&client, &url).await.ok();
        if let Err(TrySendError::Disconnected(_)) = sees.try_send((number, clock.now_us(), usage)) {
            return;
        }
    }
}

/// Refuses an address that does not tell what is asked of it, before a run rests on it.
pub(crate) async fn probe(client: &Client, url: &str) -> Result<(), Failure> {
    match read(client, url).await {
        Ok(_) => Ok(()),
        Err(why) => Err(Failure::new(
            Exit::Unreachable,
            format!("--server-metrics {url}: {why}"),
            "name the server's page for Prometheus: http://HOST:PORT/metrics of each of its processes",
        )),
    }
}

async fn read(client: &Client, url: &str) -> Result<Usage, String> {
    let words = |error: reqwest::Error| error.without_url().to_string();
    let mut response = client.get(url).timeout(CALL).send().await.map_err(words)?;
    if !response.status().is_success() {
        return Err(format!("answered {}", response.status()));
    }
    let mut page = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(words)? {
        if page.len() + chunk.len() > PAGE_BYTES {
            return Err(format!("a page of over {} MiB", PAGE_BYTES >> 20));
        }
        page.extend_from_slice(&chunk);
    }
    usage(&String::from_utf8_lossy(&page))
}

fn usage(page: &str) -> Result<Usage, String> {
    let value = |name: &str| value(page, name).ok_or_else(|| format!("does not tell {name}"));
    let (cpu, memory) = (value(CPU)?, value(MEMORY)?);
    let cpu = Duration::try_from_secs_f64(cpu).map_err(|_| format!("{CPU} is {cpu}"))?;
    Ok(Usage { cpu, rss_bytes: memory as u64, rss_peak_bytes: memory as u64 })
}

/// The value of a metric in the text format of Prometheus: of all its rows together, should it have labels.
fn value(page: &str, name: &str) -> Option<f64> {
    let rows = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}')?.1,
            None => rest.strip_prefix([' ', '\t'])?,
        };
        rest.split_ascii_whitespace().next()?.parse::<f64>().ok()
    });
    rows.reduce(|a, b| a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_metrics_are_found_among_others() {
        let page = "# HELP process_cpu_seconds_total Time\n\
            process_cpu_seconds_total_more 9\nprocess_cpu_seconds_total 12.5 1700000000\n\
            process_resident_memory_bytes{node=\"a b\"} 3e6\nprocess_resident_memory_bytes{node=\"}\"} 1e6\n";
        let usage = usage(page).unwrap();
        assert_eq!((usage.cpu, usage.rss_bytes), (Duration::from_millis(12_500), 4_000_000));
    }

    #[test]
    fn what_is_missing_or_no_number_is_named() {
        assert_eq!(usage("").unwrap_err(), "does not tell process_cpu_seconds_total");
        let page = "process_cpu_seconds_total 1\nprocess_resident_memory_bytes much";
        assert_eq!(usage(page).unwrap_err(), "does not tell process_resident_memory_bytes");
        let page = "process_cpu_seconds_total -1\nprocess_resident_memory_bytes 1";
        assert_eq!(usage(page).unwrap_err(), "process_cpu_seconds_total is -1");
    }
}

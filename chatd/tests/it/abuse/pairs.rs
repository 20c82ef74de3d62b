//! The others: pairs that talk, one message after the other, and notice if one is missing, twice, or out of
//! order.

use crate::server::Server;
use crate::stomp::Client;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A pair's pause between two messages.
const PAUSE: Duration = Duration::from_millis(40);
/// A message that takes longer is lost.
const LOST: Duration = Duration::from_secs(30);

/// One message's way.
pub(super) struct Sample {
    /// When it was sent.
    pub(super) at: Instant,
    took: Duration,
}

pub(super) struct Pairs {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Vec<Sample>>>,
    tokens: Vec<String>,
}

impl Pairs {
    /// Connects them and lets them talk.
    pub(super) async fn begin(server: &Server, pairs: usize) -> Self {
        let names: Vec<String> = (0..pairs).flat_map(|n| [format!("from{n}"), format!("to{n}")]).collect();
        let tokens = server.people(&names).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for n in 0..pairs {
            let from = Client::connect(server.port(), &tokens[2 * n]).await.unwrap();
            let mut to = Client::connect(server.port(), &tokens[2 * n + 1]).await.unwrap();
            to.subscribe("/user/queue/messages", "m", None).await.unwrap();
            tasks.push(tokio::spawn(talk(n, from, to, Arc::clone(&stop))));
        }
        Self { stop, tasks, tokens }
    }

    /// Ends the talk and compares it with history: all there, once, in order.
    pub(super) async fn end(self, server: &Server) -> Vec<Sample> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for (n, task) in self.tasks.into_iter().enumerate() {
            let samples = task.await.unwrap();
            let token = &self.tokens[2 * n + 1];
            assert_eq!(history(server, token, &format!("from{n}")).await, expected(n, samples.len()));
            all.extend(samples);
        }
        all
    }
}

fn content(pair: usize, number: usize) -> String {
    format!("{pair} says {number}")
}

fn expected(pair: usize, messages: usize) -> Vec<(u64, String)> {
    (0..messages).map(|number| (number as u64 + 1, content(pair, number))).collect()
}

/// Sends a message, waits for it at the other end, pauses; until told to stop.
async fn talk(pair: usize, mut from: Client, mut to: Client, stop: Arc<AtomicBool>) -> Vec<Sample> {
    let mut samples = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = samples.len();
        let at = Instant::now();
        from.send(&format!("to{pair}"), &content(pair, number), &format!("c{number}"), "r").await.unwrap();
        let Ok(Ok(came)) = timeout(LOST, to.next()).await else { panic!("a message is lost") };
        let message: Value = serde_json::from_slice(&came.body).unwrap();
        assert_eq!(message["content"], content(pair, number), "lost, twice, or out of order");
        samples.push(Sample { at, took: at.elapsed() });
        let Ok(Ok(receipt)) = timeout(LOST, from.next()).await else { panic!("a receipt is lost") };
        assert_eq!(receipt.header("receipt-id"), Some("r"));
        tokio::time::sleep(PAUSE).await;
    }
    samples
}

/// Sequence and content of every message, as the store has it.
pub(super) async fn history(server: &Server, token: &str, peer: &str) -> Vec<(u64, String)> {
    let (client, mut all) = (reqwest::Client::new(), Vec::new());
    loop {
        let after = all.last().map_or(0, |(sequence, _)| *sequence);
        let path = format!("/api/chat/conversations/{peer}/messages?limit=200&after={after}");
        let page = client.get(server.api(&path)).bearer_auth(token).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        for message in page["messages"].as_array().unwrap() {
            all.push((
                message["sequence"].as_u64().unwrap(),
                message["content"].as_str().unwrap().to_owned(),
            ));
        }
        if page["hasMore"] != true {
            return all;
        }
    }
}

/// Count, median, 99th percentile and maximum.
pub(super) fn latencies<'a>(samples: impl Iterator<Item = &'a Sample>) -> String {
    let mut took: Vec<Duration> = samples.map(|one| one.took).collect();
    took.sort_unstable();
    let at = |part: usize| took.get(took.len() * part / 100).or(took.last()).copied().unwrap_or_default();
    format!("p50 {:.1?}, p99 {:.1?}, max {:.1?} of {}", at(50), at(99), at(100), took.len())
}

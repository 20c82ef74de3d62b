//! Pairs of people who talk through whatever happens, and a judge who compares what was acknowledged with what
//! is stored.
//!
//! Other test binaries include this file by its path.
#![allow(dead_code, reason = "shared by several test binaries, none of which uses all of it")]

use crate::stomp::Client;
use schema::Message;
use schema::api::History;
use schema::message::Entry;
use schema::wire::stomp::{Command, Frame};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Before somebody who lost their connection comes back.
const BACK: Duration = Duration::from_millis(20);
/// How long somebody waits for a word of a server before they try another connection.
const SILENCE: Duration = Duration::from_secs(8);

/// How long somebody waits for a frame before they look whether the talk is over.
const LOOK: Duration = Duration::from_millis(200);

/// How a crowd behaves.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    /// Sends of a person that wait for their receipt.
    pub(crate) window: usize,
    /// Between two sends of a person.
    pub(crate) pause: Duration,
    /// The number of a person's first message.
    pub(crate) first: u64,
}

/// One person: what they sent, what was acknowledged, what they got.
struct Person {
    token: String,
    peer: String,
    port: u16,
    manners: Manners,
    open: VecDeque<u64>,
    next: u64,
    acknowledged: Vec<u64>,
    repeated: u64,
    received: HashMap<String, u64>,
    /// How long they were told to stay away, if they were.
    told_to_wait: Option<Duration>,
    /// When the last acknowledgement came, and the longest wait for one.
    last: Instant,
    stall: Duration,
}

impl Person {
    fn client_id(&self, number: u64) -> String {
        format!("{}-{number}", &self.peer)
    }

    /// Lives through as many connections as it takes.
    async fn live(mut self, ending: Arc<AtomicBool>) -> Self {
        loop {
            if let Ok(Ok(mut client)) = timeout(SILENCE, Client::connect(self.port, &self.token)).await {
                let _ = self.session(&mut client, &ending).await;
            }
            if self.open.is_empty() && ending.load(Ordering::Acquire) {
                return self;
            }
            sleep(self.told_to_wait.take().unwrap_or(BACK)).await;
        }
    }

    /// One connection. `ending`: no new sends, only what is open is settled.
    async fn session(&mut self, client: &mut Client, ending: &AtomicBool) -> io::Result<()> {
        client.subscribe("/user/queue/messages", "m", None).await?;
        client.subscribe("/user/queue/errors", "e", None).await?;
        for number in self.open.clone() {
            self.repeated += 1;
            self.put(client, number).await?;
        }
        let (mut heard, mut sent) = (Instant::now(), Instant::now());
        loop {
            let ending = ending.load(Ordering::Acquire);
            while self.open.len() < self.manners.window
                && !ending
                && (self.manners.pause.is_zero() || sent.elapsed() >= self.manners.pause)
            {
                let number = self.next;
                self.next += 1;
                if self.open.is_empty() {
                    self.last = Instant::now();
                }
                self.open.push_back(number);
                self.put(client, number).await?;
                sent = Instant::now();
            }
            if ending && self.open.is_empty() {
                return Ok(());
            }
            // Nothing is awaited but a frame: only who pauses, and the end, must look up in between.
            let look = if self.manners.pause.is_zero() { LOOK } else { self.manners.pause.min(LOOK) };
            match timeout(look, client.next()).await {
                Ok(frame) => {
                    self.take(&frame?)?;
                    heard = Instant::now();
                }
                Err(_) if heard.elapsed() > SILENCE && !self.open.is_empty() => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(_) => {}
            }
        }
    }

    async fn put(&self, client: &mut Client, number: u64) -> io::Result<()> {
        let (id, text) = (self.client_id(number), number.to_string());
        client.send(&self.peer, &text, &id, &text).await
    }

    fn take(&mut self, frame: &Frame) -> io::Result<()> {
        match (frame.command, frame.header("subscription")) {
            (Command::Receipt, _) => {
                let number: u64 = frame.header("receipt-id").and_then(|id| id.parse().ok()).unwrap();
                self.open.retain(|open| *open != number);
                self.acknowledged.push(number);
                self.stall = self.stall.max(self.last.elapsed());
                self.last = Instant::now();
            }
            (Command::Message, Some("m")) => {
                let message: Message = serde_json::from_slice(&frame.body).unwrap();
                *self.received.entry(message.message_id.to_string()).or_default() += 1;
            }
            // Refused for now: the connection is dropped and everything open is repeated.
            _ => {
                let problem: Value = serde_json::from_slice(&frame.body).unwrap_or_default();
                self.told_to_wait = problem["retryAfter"].as_u64().map(Duration::from_secs);
                return Err(io::Error::other(problem.to_string()));
            }
        }
        Ok(())
    }
}

/// People who talk in pairs: the first with the second, and so on.
pub(crate) struct Crowd {
    names: Vec<String>,
    tokens: Vec<String>,
    port: u16,
    ending: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<Person>>,
}

/// What a run showed.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) acknowledged: usize,
    pub(crate) stored: usize,
    pub(crate) repeated: u64,
    pub(crate) lost: usize,
    pub(crate) duplicated: usize,
    pub(crate) reordered: usize,
    pub(crate) gaps: usize,
    /// Messages that their recipient got neither live nor at the next subscribe.
    pub(crate) undelivered: usize,
    /// The longest wait of anybody for an acknowledgement.
    pub(crate) stall: Duration,
}

impl Verdict {
    /// Whether nothing is wrong, and something was shown.
    pub(crate) fn assert_clean(&self) {
        let wrong = self.lost + self.duplicated + self.reordered + self.gaps + self.undelivered;
        assert_eq!(wrong, 0, "{self}");
        assert!(self.acknowledged > 0, "a run that shows nothing is no proof: {self}");
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "acknowledged={} stored={} repeated={} lost={} duplicated={} reordered={} gaps={} undelivered={} \
             stall={:.1}s",
            self.acknowledged,
            self.stored,
            self.repeated,
            self.lost,
            self.duplicated,
            self.reordered,
            self.gaps,
            self.undelivered,
            self.stall.as_secs_f64()
        )
    }
}

impl Crowd {
    /// Lets these people talk through the gateway on this port.
    pub(crate) fn begin(names: Vec<String>, tokens: Vec<String>, port: u16, manners: Manners) -> Self {
        let ending = Arc::new(AtomicBool::new(false));
        let people = names.iter().enumerate().map(|(n, _)| Person {
            token: tokens[n].clone(),
            peer: names[n ^ 1].clone(),
            port,
            manners,
            open: VecDeque::new(),
            next: manners.first,
            acknowledged: Vec::new(),
            repeated: 0,
            received: HashMap::new(),
            told_to_wait: None,
            last: Instant::now(),
            stall: Duration::ZERO,
        });
        let tasks = people.map(|person| tokio::spawn(person.live(Arc::clone(&ending)))).collect();
        Self { names, tokens, port, ending, tasks }
    }

    /// Ends the talk, within `settle`, and compares it with history: every acknowledged message is there exactly
    /// once, in order, without gaps, and its recipient got it.
    pub(crate) async fn end(self, settle: Duration) -> Verdict {
        self.ending.store(true, Ordering::Release);
        let mut people = Vec::new();
        for task in self.tasks {
            people.push(timeout(settle, task).await.unwrap().unwrap());
        }
        let mut verdict = Verdict {
            acknowledged: people.iter().map(|person| person.acknowledged.len()).sum(),
            repeated: people.iter().map(|person| person.repeated).sum(),
            stall: people.iter().map(|person| person.stall).max().unwrap_or_default(),
            ..Verdict::default()
        };
        for (n, pair) in people.chunks(2).enumerate() {
            let rows = history(self.port, &self.tokens[2 * n], &self.names[2 * n + 1]).await;
            judge(&rows, pair, &mut verdict);
            let tokens = [self.tokens[2 * n].as_str(), self.tokens[2 * n + 1].as_str()];
            verdict.undelivered += not_received(self.port, &rows, pair, tokens).await;
        }
        verdict
    }
}

async fn history(port: u16, token: &str, peer: &str) -> Vec<Message> {
    let (http, mut all) = (reqwest::Client::new(), Vec::<Message>::new());
    loop {
        let after = all.last().map_or(0, |message| message.sequence);
        let path = format!("/api/chat/conversations/{peer}/messages?limit=200&after={after}");
        let request = http.get(format!("http://127.0.0.1:{port}{path}")).bearer_auth(token);
        let page: History = request.send().await.unwrap().json().await.unwrap();
        all.extend(page.messages.into_iter().filter_map(Entry::message));
        if !page.has_more {
            return all;
        }
    }
}

fn judge(rows: &[Message], people: &[Person], verdict: &mut Verdict) {
    verdict.stored += rows.len();
    for (n, row) in rows.iter().enumerate() {
        verdict.gaps += usize::from(row.sequence != n as u64 + 1);
    }
    for person in people {
        let mut stored: BTreeMap<u64, usize> = BTreeMap::new();
        let mut last = None;
        let prefix = format!("{}-", person.peer);
        let numbers = rows.iter().filter(|row| row.client_message_id.starts_with(&prefix));
        for number in numbers.map(|row| row.content.parse::<u64>().unwrap()) {
            *stored.entry(number).or_default() += 1;
            verdict.reordered += usize::from(last.is_some_and(|last| number < last));
            last = Some(number);
        }
        verdict.lost += person.acknowledged.iter().filter(|number| !stored.contains_key(number)).count();
        verdict.duplicated += stored.values().map(|count| count - 1).sum::<usize>();
    }
}

/// Messages that their recipient did not get live and does not get at the next subscribe either.
async fn not_received(port: u16, rows: &[Message], pair: &[Person], tokens: [&str; 2]) -> usize {
    let mut missing = 0;
    for (n, person) in pair.iter().enumerate() {
        let prefix = format!("{}-", pair[n ^ 1].peer);
        let mut wanted: Vec<String> = rows
            .iter()
            .filter(|row| row.client_message_id.starts_with(&prefix))
            // An earlier crowd of the same people has had what it sent.
            .filter(|row| row.content.parse::<u64>().unwrap() >= person.manners.first)
            .map(|row| row.message_id.to_string())
            .filter(|id| !person.received.contains_key(id))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut client = Client::connect(port, tokens[n]).await.unwrap();
        client.subscribe("/user/queue/messages", "m", None).await.unwrap();
        while !wanted.is_empty() {
            let Ok(Ok(frame)) = timeout(Duration::from_secs(5), client.next()).await else { break };
            let message: Message = serde_json::from_slice(&frame.body).unwrap();
            wanted.retain(|id| *id != message.message_id.to_string());
        }
        missing += wanted.len();
    }
    missing
}

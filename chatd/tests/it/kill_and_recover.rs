//! G1 to G4 under kill -9: the server dies at random moments under load, again and again, and in the end
//! history holds every acknowledged message exactly once, dense and in order, and its recipient got it.
//!
//! `KILLS=20 cargo test -p chatd --test it kill_minus_9 -- --nocapture` shows the counts.

use crate::server::Server;
use crate::stomp::Client;
use rand::RngExt;
use schema::Message;
use schema::api::History;
use schema::message::Entry;
use schema::wire::stomp::{Command, Frame};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Kills, unless `KILLS` says how many.
const KILLS: usize = 5;
const PAIRS: usize = 6;
/// Sends of a person that wait for their receipt.
const WINDOW: usize = 16;
/// How long the end may take: reconnect and repeat what is open.
const SETTLE: Duration = Duration::from_secs(60);

/// One person: what they sent, what was acknowledged, what they got.
struct Person {
    token: String,
    peer: String,
    port: u16,
    open: VecDeque<u64>,
    next: u64,
    acknowledged: Vec<u64>,
    repeated: u64,
    received: HashMap<String, u64>,
}

impl Person {
    fn client_id(&self, number: u64) -> String {
        format!("{}-{number}", &self.peer)
    }

    /// Lives through as many connections as it takes.
    async fn live(mut self, ending: Arc<AtomicBool>) -> Self {
        loop {
            if let Ok(mut client) = Client::connect(self.port, &self.token).await {
                let _ = self.session(&mut client, &ending).await;
            }
            if self.open.is_empty() && ending.load(Ordering::Acquire) {
                return self;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// One connection. `ending`: no new sends, only what is open is settled.
    async fn session(&mut self, client: &mut Client, ending: &AtomicBool) -> std::io::Result<()> {
        client.subscribe("/user/queue/messages", "m", None).await?;
        client.subscribe("/user/queue/errors", "e", None).await?;
        for number in self.open.clone() {
            self.repeated += 1;
            self.put(client, number).await?;
        }
        loop {
            let ending = ending.load(Ordering::Acquire);
            while self.open.len() < WINDOW && !ending {
                let number = self.next;
                self.next += 1;
                self.open.push_back(number);
                self.put(client, number).await?;
            }
            if ending && self.open.is_empty() {
                return Ok(());
            }
            // Only the end needs the time-out: nobody sends any more, and `ending` must be seen.
            if let Ok(frame) = timeout(Duration::from_millis(200), client.next()).await {
                self.take(&frame?)?;
            }
        }
    }

    async fn put(&self, client: &mut Client, number: u64) -> std::io::Result<()> {
        let (id, text) = (self.client_id(number), number.to_string());
        client.send(&self.peer, &text, &id, &text).await
    }

    fn take(&mut self, frame: &Frame) -> std::io::Result<()> {
        match (frame.command, frame.header("subscription")) {
            (Command::Receipt, _) => {
                let number: u64 = frame.header("receipt-id").and_then(|id| id.parse().ok()).unwrap();
                self.open.retain(|open| *open != number);
                self.acknowledged.push(number);
            }
            (Command::Message, Some("m")) => {
                let message: Message = serde_json::from_slice(&frame.body).unwrap();
                *self.received.entry(message.message_id.to_string()).or_default() += 1;
            }
            // Refused for now: the connection is dropped and everything open is repeated.
            _ => return Err(std::io::Error::other(String::from_utf8_lossy(&frame.body).into_owned())),
        }
        Ok(())
    }
}

/// What a run showed.
#[derive(Debug, Default, PartialEq)]
struct Verdict {
    lost: usize,
    duplicated: usize,
    reordered: usize,
    gaps: usize,
}

async fn history(server: &Server, token: &str, peer: &str) -> Vec<Message> {
    let (http, mut all) = (reqwest::Client::new(), Vec::<Message>::new());
    loop {
        let after = all.last().map_or(0, |message| message.sequence);
        let url = format!("{}/api/chat/conversations/{peer}/messages?limit=200&after={after}", server.url());
        let page: History = http.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
        all.extend(page.messages.into_iter().filter_map(Entry::message));
        if !page.has_more {
            return all;
        }
    }
}

fn judge(rows: &[Message], people: [&Person; 2]) -> Verdict {
    let mut verdict = Verdict::default();
    for (n, row) in rows.iter().enumerate() {
        verdict.gaps += usize::from(row.sequence != n as u64 + 1);
    }
    for person in people {
        let mut stored: BTreeMap<u64, usize> = BTreeMap::new();
        let mut last = None;
        let numbers = rows.iter().filter(|row| row.client_message_id.starts_with(&person.peer));
        for number in numbers.map(|row| row.content.parse::<u64>().unwrap()) {
            *stored.entry(number).or_default() += 1;
            verdict.reordered += usize::from(last.is_some_and(|last| number < last));
            last = Some(number);
        }
        verdict.lost += person.acknowledged.iter().filter(|number| !stored.contains_key(number)).count();
        verdict.duplicated += stored.values().map(|count| count - 1).sum::<usize>();
    }
    verdict
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_minus_9_loses_nothing() {
    let kills = std::env::var("KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let mut server =
        Server::start_with(&["limits.requests_per_minute=0", "limits.messages_per_second=0"]).await;
    let names: Vec<String> = (0..2 * PAIRS).map(|n| format!("person{n}")).collect();
    let tokens = server.people(&names).await;
    let ending = Arc::new(AtomicBool::new(false));
    let people = names.iter().enumerate().map(|(n, _)| Person {
        token: tokens[n].clone(),
        peer: names[n ^ 1].clone(),
        port: server.port(),
        open: VecDeque::new(),
        next: 0,
        acknowledged: Vec::new(),
        repeated: 0,
        received: HashMap::new(),
    });
    let tasks: Vec<_> = people.map(|person| tokio::spawn(person.live(Arc::clone(&ending)))).collect();
    for _ in 0..kills {
        let moment = rand::rng().random_range(20..600);
        sleep(Duration::from_millis(moment)).await;
        server.kill_minus_9();
        server.restart().await;
    }
    sleep(Duration::from_millis(300)).await;
    ending.store(true, Ordering::Release);
    let mut people = Vec::new();
    for task in tasks {
        people.push(timeout(SETTLE, task).await.expect("settles in time").unwrap());
    }
    let mut verdict = Verdict::default();
    let (mut rows_total, mut undelivered) = (0, 0);
    for (n, pair) in people.chunks(2).enumerate() {
        let rows = history(&server, &tokens[2 * n], &names[2 * n + 1]).await;
        let of = judge(&rows, [&pair[0], &pair[1]]);
        verdict.lost += of.lost;
        verdict.duplicated += of.duplicated;
        verdict.reordered += of.reordered;
        verdict.gaps += of.gaps;
        rows_total += rows.len();
        undelivered += not_received(&server, &rows, pair, [&tokens[2 * n], &tokens[2 * n + 1]]).await;
    }
    let acknowledged: usize = people.iter().map(|person| person.acknowledged.len()).sum();
    let repeated: u64 = people.iter().map(|person| person.repeated).sum();
    println!(
        "kills={kills} acknowledged={acknowledged} stored={rows_total} repeated={repeated} lost={} duplicated={} \
         reordered={} gaps={} undelivered={undelivered}",
        verdict.lost, verdict.duplicated, verdict.reordered, verdict.gaps
    );
    assert_eq!(verdict, Verdict::default());
    assert_eq!(undelivered, 0);
    assert!(acknowledged > 0 && repeated > 0, "a run that shows nothing is no proof");
}

/// Messages that their recipient did not get live and does not get at the next subscribe either.
async fn not_received(server: &Server, rows: &[Message], pair: &[Person], tokens: [&str; 2]) -> usize {
    let mut missing = 0;
    for (n, person) in pair.iter().enumerate() {
        let sent_by_peer = |row: &&Message| row.client_message_id.starts_with(&pair[n ^ 1].peer);
        let mut wanted: Vec<String> = rows
            .iter()
            .filter(sent_by_peer)
            .map(|row| row.message_id.to_string())
            .filter(|id| !person.received.contains_key(id))
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let mut client = Client::connect(server.port(), tokens[n]).await.unwrap();
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

//! What the gateway costs: the same calls and messages straight to a service and through a gateway, each in a
//! process of its own (`/proc/{pid}/stat` tells what it used).
//!
//! `cargo run -p gateway --example proxy_bench [seconds]`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and prints"
)]

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::{any, get};
use edge::{Door, Health, Limiter, Metrics, Revocations, Verifier};
use futures_util::{SinkExt, StreamExt};
use gateway::{Config, Gateway, Place, Table};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// Connections that call, or send, at once.
const CALLERS: usize = 16;
/// Idle tunnels whose memory is looked at.
const IDLE: usize = 2000;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["service"] => service().await,
        ["gateway", address] => gateway(address).await,
        [seconds] => compare(Duration::from_secs(seconds.parse().unwrap())).await,
        _ => compare(Duration::from_secs(5)).await,
    }
}

/// A part of the bench in a process of its own.
struct Part {
    child: Child,
    address: String,
}

impl Part {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(arguments)
            .stdout(Stdio::piped())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned() }
    }

    /// Processor time so far.
    fn used(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        Duration::from_millis(ticks * 10)
    }

    /// Resident memory in KiB.
    fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn serve(app: Router) {
    edge::files::raise_limit();
    let listener = edge::bind(([127, 0, 0, 1], 0).into()).unwrap();
    println!("{}", listener.local_addr().unwrap());
    edge::serve(listener, app, CancellationToken::new()).await.unwrap();
}

async fn service() {
    let echo = any(|upgrade: WebSocketUpgrade| async {
        upgrade.read_buffer_size(4096).write_buffer_size(4096).on_upgrade(|mut socket| async move {
            while let Some(Ok(message)) = socket.recv().await {
                let _ = socket.send(message).await;
            }
        })
    });
    let routes = Router::new()
        .route("/actuator/health", get(|| async {}))
        .route("/api/chat/sync", get(|| async { "{\"events\":[],\"hasMore\":false}" }))
        .route("/ws/websocket", echo);
    serve(routes).await;
}

async fn gateway(address: &str) {
    let at = || Place::At(vec![format!("http://{address}").parse().unwrap()]);
    let table = Table { chat: at(), websocket: at(), ..Table::default() };
    let (metrics, health) = (Metrics::new(), Health::new());
    let gateway = Gateway::open(table, Vec::new(), Config::default(), &metrics, &health).unwrap();
    let verifier = Verifier::new("", "", Vec::new(), Arc::new(Revocations::new()));
    let door = Door::new(Arc::new(verifier), Arc::new(Limiter::new(0)));
    serve(Door { relays: gateway.relays(), ..door }.around(gateway.routes())).await;
}

async fn compare(time: Duration) {
    let service = Part::start(&["service"]);
    let gateway = Part::start(&["gateway", &service.address]);
    for (way, part) in [("straight", &service), ("gateway", &gateway)] {
        for callers in [1, CALLERS] {
            let before = gateway.used();
            let (count, waits) = requests(&part.address, callers, time).await;
            report(
                &format!("requests, {callers} callers, {way}"),
                count,
                time,
                waits,
                gateway.used() - before,
            );
        }
        for bytes in [200, 60_000] {
            let before = gateway.used();
            let (count, waits) = messages(&part.address, bytes, time).await;
            let what = format!("messages of {bytes} bytes, there and back, {CALLERS} sockets, {way}");
            report(&what, count, time, waits, gateway.used() - before);
        }
    }
    let before = gateway.resident();
    let url = format!("ws://{}/ws/websocket", gateway.address);
    let mut sockets = Vec::new();
    for _ in 0..IDLE {
        sockets.push(tokio_tungstenite::connect_async(&url).await.unwrap().0);
    }
    for socket in &mut sockets {
        socket.send(Message::text("x")).await.unwrap();
        socket.next().await.unwrap().unwrap();
    }
    let each = (gateway.resident() - before) as f64 / IDLE as f64;
    println!("{IDLE} idle tunnels: {each:.1} KiB of the gateway each");
}

fn report(what: &str, count: usize, time: Duration, mut waits: Vec<Duration>, used: Duration) {
    waits.sort_unstable();
    let at = |share: f64| waits[(waits.len() as f64 * share) as usize].as_micros();
    println!(
        "{what}: {:.0}/s, p50 {} µs, p99 {} µs, gateway {:.1} µs of processor each",
        count as f64 / time.as_secs_f64(),
        at(0.5),
        at(0.99),
        used.as_secs_f64() * 1e6 / count as f64,
    );
}

async fn requests(address: &str, callers: usize, time: Duration) -> (usize, Vec<Duration>) {
    let (client, url) = (reqwest::Client::new(), format!("http://{address}/api/chat/sync"));
    let calling = (0..callers).map(|_| {
        let (client, url) = (client.clone(), url.clone());
        tokio::spawn(async move {
            let (end, mut waits) = (Instant::now() + time, Vec::new());
            while Instant::now() < end {
                let start = Instant::now();
                client.get(&url).send().await.unwrap().bytes().await.unwrap();
                waits.push(start.elapsed());
            }
            waits
        })
    });
    gather(calling.collect()).await
}

async fn messages(address: &str, bytes: usize, time: Duration) -> (usize, Vec<Duration>) {
    let url = format!("ws://{address}/ws/websocket");
    let sending = (0..CALLERS).map(|_| {
        let url = url.clone();
        tokio::spawn(async move {
            let mut socket = tokio_tungstenite::connect_async(url).await.unwrap().0;
            let message = Message::binary(vec![7; bytes]);
            let (end, mut waits) = (Instant::now() + time, Vec::new());
            while Instant::now() < end {
                let start = Instant::now();
                socket.send(message.clone()).await.unwrap();
                socket.next().await.unwrap().unwrap();
                waits.push(start.elapsed());
            }
            waits
        })
    });
    gather(sending.collect()).await
}

async fn gather(tasks: Vec<tokio::task::JoinHandle<Vec<Duration>>>) -> (usize, Vec<Duration>) {
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    (all.len(), all)
}

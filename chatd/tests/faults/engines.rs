//! The engines die, are away, or forget.

use crate::fleet::{Fleet, SETTLE};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const PAIRS: usize = 20;
const WELL: Duration = Duration::from_secs(4);

/// Kills an engine, and brings it back; says how long the engine itself took.
async fn kill_and_bring_back(engine: &str) {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    sleep(WELL).await;
    fleet.servers(&["kill9", engine]);
    let started = Instant::now();
    fleet.servers(&["up", engine]);
    let up = started.elapsed();
    let healed = fleet.healed().await;
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!(
        "kill -9 of {engine}: {verdict}; its own start {:.1} s, all ready {:.1} s later",
        up.as_secs_f64(),
        healed.as_secs_f64()
    );
    verdict.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_dies_and_comes_back() {
    kill_and_bring_back("kafka").await;
}

/// With its own periodic commit log it has lost rows that it acknowledged: they are written again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cassandra_dies_and_comes_back_without_its_last_rows() {
    kill_and_bring_back("cassandra").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_dies_and_comes_back() {
    kill_and_bring_back("postgres").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_dies_and_comes_back() {
    kill_and_bring_back("redis").await;
}

/// A dead Redis stops no message; the processes stay ready, and start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_messages_go_on() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    fleet.servers(&["kill9", "redis"]);
    let crowd = fleet.crowd(PAIRS).await;
    sleep(WELL).await;
    fleet.call(&["kill9", "chat-1"]);
    fleet.call(&["start", "chat-1"]);
    sleep(Duration::from_secs(10)).await;
    let health = fleet.health("chat").await.unwrap();
    let verdict = crowd.end(SETTLE).await;
    fleet.servers(&["up", "redis"]);
    println!("no Redis at all: {verdict}; health {health}");
    assert_eq!(health["status"], "UP", "{health}");
    let redis = health["components"].as_array().unwrap().iter().find(|part| part["name"] == "redis");
    assert_eq!(redis.unwrap()["status"], "DOWN");
    verdict.assert_clean();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_is_filled_again() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    for _ in 0..3 {
        sleep(WELL).await;
        let flushed = fleet.call(&["flush"]);
        println!("Redis flushed: {}", flushed.trim());
    }
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("Redis flushed three times: {verdict}");
    verdict.assert_clean();
}

/// However often clients try again meanwhile, the log hardly grows. `OUTAGE` is its length in seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cassandra_is_away_retries_do_not_fill_the_log() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let outage = std::env::var("OUTAGE").ok().and_then(|text| text.parse().ok()).unwrap_or(30);
    let crowd = fleet.crowd(PAIRS).await;
    sleep(WELL).await;
    fleet.servers(&["kill9", "cassandra"]);
    sleep(Duration::from_secs(5)).await;
    let before = log_end(&fleet);
    sleep(Duration::from_secs(outage)).await;
    let during = log_end(&fleet) - before;
    let health = fleet.health("chat").await.unwrap();
    let started = Instant::now();
    fleet.servers(&["up", "cassandra"]);
    let up = started.elapsed().as_secs_f64();
    let healed = fleet.healed().await.as_secs_f64();
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!(
        "Cassandra away for {outage} s: the log grew by {during} records; {verdict}; its own start {up:.1} s, all \
         ready {healed:.1} s later"
    );
    assert_eq!(health["status"], "DOWN", "{health}");
    // A probe a second of each process for each of twelve partitions at most.
    assert!(during <= 2 * 12 * outage as i64, "{during} records in {outage} s");
    verdict.assert_clean();
}

/// Records in the log of this installation.
fn log_end(fleet: &Fleet) -> i64 {
    let told = fleet.chatctl(&["topic", "describe", "message-events", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let partitions = told["partitions"].as_array().unwrap();
    partitions.iter().map(|one| one["end"].as_i64().or(one["endOffset"].as_i64()).unwrap()).sum()
}

//! What the log on Kafka costs: latency from the moment a record is due to its being consumed, and CPU.
//!
//! ```sh
//! STORES_KAFKA=kafka://127.0.0.1:9092 BROKER_PID=1234 cargo run --example kafka_bench -- \
//!     --partitions 1,3,12 --linger 1,5 --rate 0,1000,10000 --seconds 6
//! ```
//! Rate 0 is an idle log that somebody consumes. The topics are the bench's own, and are deleted at its end.

#![allow(clippy::print_stdout, reason = "the table is what this program is for")]

use bytes::Bytes;
use cluster::kafka::{FixedEpochs, KafkaEvents};
use engines::kafka::{self, Kafka};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use schema::event::Topic;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use store::Events;

const PAYLOAD: usize = 600;
/// Records on their way before the load is called lost.
const PATIENCE: Duration = Duration::from_secs(20);

struct Case {
    partitions: u32,
    linger: Duration,
    rate: u64,
    seconds: u64,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("STORES_KAFKA").map_err(|_| "STORES_KAFKA names no Kafka")?;
    let list = |name: &str, usual: &str| -> Result<Vec<u64>, Box<dyn Error>> {
        let given = std::env::args().skip_while(|arg| arg != name).nth(1).unwrap_or_else(|| usual.into());
        Ok(given.split(',').map(str::parse).collect::<Result<_, _>>()?)
    };
    let seconds = list("--seconds", "6")?.first().copied().unwrap_or(6);
    println!(
        "| partitions | linger ms | msgs/s | p50 / p99 / max ms | broker / client us a message | others |"
    );
    println!("|---|---|---|---|---|---|");
    for partitions in list("--partitions", "1,3,12")? {
        for linger in list("--linger", "1,5")? {
            for rate in list("--rate", "0,1000,10000")? {
                let partitions = u32::try_from(partitions)?;
                let linger = Duration::from_millis(linger);
                run(&url, &Case { partitions, linger, rate, seconds }).await?;
            }
        }
    }
    Ok(())
}

async fn run(url: &str, case: &Case) -> Result<(), Box<dyn Error>> {
    let kafka = Kafka::parse(&format!("{url}?prefix=bench{}.", uuid::Uuid::now_v7().simple()))?;
    let declared: Vec<_> =
        kafka::declared()?.into_iter().map(|topic| topic.with_partitions(case.partitions)).collect();
    for topic in &declared {
        kafka::create(&kafka, topic).await?;
    }
    let epochs = FixedEpochs::default();
    let events = KafkaEvents::open_lingering(&kafka, &epochs, &declared, case.linger).await?;
    let events: Arc<dyn Events> = Arc::new(events);
    let base = Instant::now();
    let latencies = Arc::new(Mutex::new(Histogram::<u64>::new_with_max(60_000_000, 3)?));
    consume(&events, case, base, &latencies).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, began) = (Usage::now(), Instant::now());
    let sent = produce(&events, case, base).await;
    let patience = Instant::now() + PATIENCE;
    while latencies.lock().len() < sent && Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let all = latencies.lock().clone();
    if all.len() != sent {
        println!("{} of {sent} records came", all.len());
    }
    print(case, sent, &all, &before.until(&Usage::now()), began.elapsed());
    events.close().await;
    let names: Vec<String> = declared.iter().map(|topic| kafka.named(&topic.name)).collect();
    kafka::delete(&kafka, &names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    Ok(())
}

/// One task a partition, as the sequencers are.
async fn consume(
    events: &Arc<dyn Events>,
    case: &Case,
    base: Instant,
    latencies: &Arc<Mutex<Histogram<u64>>>,
) -> Result<(), Box<dyn Error>> {
    let mut member = events.join(Topic::Messages, "bench").await?;
    for _ in 0..case.partitions {
        let mut held = member.next().await?;
        let latencies = Arc::clone(latencies);
        tokio::spawn(async move {
            while let Ok(records) = held.next(1024, Duration::from_secs(5)).await {
                let now = u64::try_from(base.elapsed().as_micros()).unwrap_or(u64::MAX);
                let due = |payload: &Bytes| u64::from_le_bytes(payload[..8].try_into().unwrap_or_default());
                let mut latencies = latencies.lock();
                records
                    .iter()
                    .for_each(|record| latencies.saturating_record(now.saturating_sub(due(&record.payload))));
            }
        });
    }
    Ok(())
}

/// Sends at the rate, each record with the moment that it was due.
async fn produce(events: &Arc<dyn Events>, case: &Case, base: Instant) -> u64 {
    let began = Instant::now();
    let failed = Arc::new(AtomicU64::new(0));
    let total = case.rate * case.seconds;
    let mut payload = vec![b'x'; PAYLOAD];
    let (mut offered, mut taken) = (0, 0);
    let tick = Duration::from_millis(if case.rate == 0 { 1000 } else { 1 });
    while began.elapsed() < Duration::from_secs(case.seconds) {
        tokio::time::sleep(tick).await;
        let due_by_now = (began.elapsed().as_micros() as u64 * case.rate / 1_000_000).min(total);
        while offered < due_by_now {
            let due = (began - base) + Duration::from_micros(offered * 1_000_000 / case.rate);
            payload[..8].copy_from_slice(&(due.as_micros() as u64).to_le_bytes());
            let failed = Arc::clone(&failed);
            let done = Box::new(move |outcome: Result<u64, store::Error>| {
                failed.fetch_add(u64::from(outcome.is_err()), Ordering::Relaxed);
            });
            let partition = (offered % u64::from(case.partitions)) as u32;
            let record = Bytes::copy_from_slice(&payload);
            taken += u64::from(events.append(Topic::Messages, partition, record, done).is_ok());
            offered += 1;
        }
    }
    taken - failed.load(Ordering::Relaxed)
}

/// CPU time so far, in microseconds.
struct Usage {
    broker: u64,
    client: u64,
    machine: u64,
}

impl Usage {
    fn now() -> Self {
        let broker = std::env::var("BROKER_PID").map_or(0, |pid| of_process(&pid));
        Self { broker, client: of_process("self"), machine: of_machine() }
    }

    fn until(&self, later: &Usage) -> Usage {
        Usage {
            broker: later.broker - self.broker,
            client: later.client - self.client,
            machine: later.machine - self.machine,
        }
    }
}

/// A tick of /proc is 10 ms.
const TICK: u64 = 10_000;

fn of_process(pid: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    ticks.sum::<u64>() * TICK
}

/// What all processors did but idling.
fn of_machine() -> u64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    [0, 1, 2, 5, 6].iter().filter_map(|&i| fields.get(i)).sum::<u64>() * TICK
}

fn print(case: &Case, sent: u64, all: &Histogram<u64>, used: &Usage, took: Duration) {
    let millis = |micros: u64| micros as f64 / 1000.0;
    let others = used.machine.saturating_sub(used.broker + used.client) as f64;
    let machine =
        took.as_micros() as f64 * std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
    let a_message = |micros: u64| micros.checked_div(sent);
    let cost = match (a_message(used.broker), a_message(used.client)) {
        (Some(broker), Some(client)) => format!("{broker} / {client}"),
        _ => {
            let share = |micros: u64| 100.0 * micros as f64 / took.as_micros() as f64;
            format!("{:.1} % / {:.1} % of a core", share(used.broker), share(used.client))
        }
    };
    println!(
        "| {} | {} | {} | {:.1} / {:.1} / {:.0} | {cost} | {:.0} % |",
        case.partitions,
        case.linger.as_millis(),
        sent / case.seconds,
        millis(all.value_at_quantile(0.5)),
        millis(all.value_at_quantile(0.99)),
        millis(all.max()),
        100.0 * others / machine,
    );
}

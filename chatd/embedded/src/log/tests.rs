//! The log on a disk that loses power, space and bits.

mod crash;
mod damage;
mod failing;
mod group;
mod keeping;

use super::double::DoubleDisk;
use super::{Log, LogConfig};
use bytes::Bytes;
use schema::event::Topic;
use std::sync::Arc;
use std::time::Duration;
use store::contract::events as contract;
use store::events::Record;
use store::{Error, Events};
use tokio::sync::oneshot;

const TOPIC: Topic = Topic::Messages;
/// The first segment of the first partition.
const FIRST: &str = "message-events-0/00000000000000000000.log";

/// One partition, short segments, next to nothing in memory.
fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 400,
        retention_bytes: 0,
        tail_bytes: 300,
        probe_every: Duration::from_millis(1),
        ..LogConfig::default()
    }
}

/// One segment for everything.
fn roomy() -> LogConfig {
    LogConfig { segment_bytes: 1 << 20, ..small() }
}

fn try_open(disk: &DoubleDisk, config: LogConfig) -> Result<Log, Error> {
    Log::open(Arc::new(disk.clone()), config, Box::new(|_| {}))
}

fn open(disk: &DoubleDisk, config: LogConfig) -> Log {
    try_open(disk, config).unwrap()
}

/// Appends and waits.
fn append(log: &Log, payload: impl Into<Bytes>) -> Result<u64, Error> {
    contract::queue(log, 0, payload)?.blocking_recv().unwrap()
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Every record that is kept, up to the first one that can't be read.
fn read_all(log: &Log) -> (Vec<Record>, Result<(), Error>) {
    block(async {
        let mut held = contract::take(log, "reader", 0).await;
        let end = log.end(TOPIC, 0).await.unwrap();
        let mut records: Vec<Record> = Vec::new();
        if let Err(error) = held.seek(log.first(TOPIC, 0).unwrap()).await {
            return (records, Err(error));
        }
        while records.last().map_or(log.first(TOPIC, 0).unwrap(), |r| r.offset + 1) < end {
            match held.next(7, Duration::ZERO).await {
                Ok(more) => records.extend(more),
                Err(error) => return (records, Err(error)),
            }
        }
        (records, Ok(()))
    })
}

/// Commits an offset for a group.
fn commit(log: &Log, group: &str, offset: u64) -> Result<(), Error> {
    block(async { contract::take(log, group, 0).await.commit(offset, "m").await })
}

/// Holds the writer in a callback until the sender is used or dropped.
fn hold_writer(log: &Log) -> oneshot::Sender<()> {
    let (held, is_held) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let done = Box::new(move |_| {
        held.send(()).unwrap();
        let _ = released.blocking_recv();
    });
    log.append(TOPIC, 0, Bytes::from("hold"), done).unwrap();
    is_held.blocking_recv().unwrap();
    release
}

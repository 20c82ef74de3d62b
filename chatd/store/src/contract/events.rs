//! What `Events` promises. The log that is given may hold records already; groups are named by the caller
//! so that a suite can run again on the same log.

#![expect(clippy::unwrap_used, reason = "a broken promise fails the test that asked")]

use crate::events::{Assignments, Partition, Record};
use crate::{Error, Events};
use bytes::Bytes;
use schema::event::Topic;
use schema::limits;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

const TOPIC: Topic = Topic::Messages;
/// Longer than anything takes: it is never waited out unless something is broken.
const LONG: Duration = Duration::from_secs(30);
const NOW: Duration = Duration::ZERO;

type Waiting = oneshot::Receiver<Result<u64, Error>>;

/// Queues a record; its outcome comes later.
pub fn queue(events: &dyn Events, partition: u32, payload: impl Into<Bytes>) -> Result<Waiting, Error> {
    let (done, outcome) = oneshot::channel();
    let done = Box::new(move |result| drop(done.send(result)));
    events.append(TOPIC, partition, payload.into(), done).map(|()| outcome)
}

/// Appends a record and waits for its offset.
pub async fn append(events: &dyn Events, partition: u32, payload: impl Into<Bytes>) -> u64 {
    queue(events, partition, payload).unwrap().await.unwrap().unwrap()
}

/// Joins a group and takes partitions until the wanted one comes.
pub async fn take(events: &dyn Events, group: &str, partition: u32) -> Box<dyn Partition> {
    let mut member = events.join(TOPIC, group).await.unwrap();
    take_from(&mut *member, partition).await
}

async fn take_from(member: &mut dyn Assignments, partition: u32) -> Box<dyn Partition> {
    loop {
        let held = member.next().await.unwrap();
        if held.number() == partition {
            return held;
        }
    }
}

/// Reads so many records, however many calls that takes.
pub async fn read(held: &mut dyn Partition, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        let more = held.next(count - records.len(), LONG).await.unwrap();
        assert!(!more.is_empty(), "nothing came after {} of {count} records", records.len());
        records.extend(more);
    }
    records
}

fn text(i: usize) -> Bytes {
    Bytes::from(format!("record {i}"))
}

/// Offsets are dense and in the order of the calls, and each record holds its own payload.
pub async fn offsets_are_dense_in_the_order_of_the_calls(events: &dyn Events, group: &str) {
    let base = events.end(TOPIC, 0).await.unwrap();
    let waiting: Vec<Waiting> = (0..500).map(|i| queue(events, 0, text(i)).unwrap()).collect();
    for (expected, outcome) in (base..).zip(waiting) {
        assert_eq!(outcome.await.unwrap(), Ok(expected));
    }
    assert_eq!(events.end(TOPIC, 0).await.unwrap(), base + 500);
    let mut held = take(events, group, 0).await;
    held.seek(base).await.unwrap();
    let expected: Vec<Record> =
        (base..).zip(0..500).map(|(offset, i)| Record { offset, payload: text(i) }).collect();
    assert_eq!(read(&mut *held, 500).await, expected);
}

/// Several callers at once: each one's records keep its order, nothing is lost or twice.
pub async fn each_caller_keeps_its_order(events: Arc<dyn Events>, group: &str) {
    const CALLERS: usize = 8;
    const EACH: usize = 200;
    let base = events.end(TOPIC, 0).await.unwrap();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let events = events.clone();
            tokio::task::spawn_blocking(move || {
                (0..EACH).map(|i| queue(&*events, 0, format!("{caller} {i}")).unwrap()).collect::<Vec<_>>()
            })
        })
        .collect();
    for caller in callers {
        for outcome in caller.await.unwrap() {
            outcome.await.unwrap().unwrap();
        }
    }
    let mut held = take(&*events, group, 0).await;
    held.seek(base).await.unwrap();
    let mut next = [0; CALLERS];
    for record in read(&mut *held, CALLERS * EACH).await {
        let line = String::from_utf8(record.payload.to_vec()).unwrap();
        let (caller, i) = line.split_once(' ').unwrap();
        let caller: usize = caller.parse().unwrap();
        assert_eq!(i.parse(), Ok(next[caller]), "caller {caller}");
        next[caller] += 1;
    }
    assert_eq!(next, [EACH; CALLERS]);
}

/// What was acknowledged is there after the log was opened again, and numbering goes on behind it.
pub async fn acknowledged_survives_reopening(open: impl AsyncFn() -> Arc<dyn Events>) {
    let events = open().await;
    let first = append(&*events, 0, "kept").await;
    let epoch = events.epoch();
    events.close().await;
    drop(events);
    let events = open().await;
    assert_eq!(events.epoch(), epoch, "the same log");
    let kept = events.record(TOPIC, 0, first).await.unwrap();
    assert_eq!(kept, Some(Record { offset: first, payload: Bytes::from("kept") }));
    assert_eq!(append(&*events, 0, "next").await, first + 1);
    events.close().await;
}

/// Queued records are written by `close`; after it appends are refused.
pub async fn close_writes_what_waits(open: impl AsyncFn() -> Arc<dyn Events>) {
    let events = open().await;
    let waiting: Vec<Waiting> = (0..100).map(|i| queue(&*events, 0, text(i)).unwrap()).collect();
    events.close().await;
    for outcome in waiting {
        outcome.await.unwrap().unwrap();
    }
    assert!(matches!(queue(&*events, 0, "late"), Err(Error::Unavailable(_))));
}

/// A group starts where it committed, across reopening, with its metadata; another group is not moved.
pub async fn a_commit_survives_reopening(open: impl AsyncFn() -> Arc<dyn Events>, group: &str) {
    let events = open().await;
    let base = events.end(TOPIC, 0).await.unwrap();
    for i in 0..10 {
        append(&*events, 0, text(i)).await;
    }
    assert_eq!(events.committed(TOPIC, 0, group).await.unwrap(), None);
    let mut held = take(&*events, group, 0).await;
    held.commit(base + 4, "first").await.unwrap();
    held.commit(base + 7, "second").await.unwrap();
    assert_eq!(events.lag(TOPIC, 0, group).await.unwrap().records, 3);
    drop(held);
    events.close().await;
    drop(events);
    let events = open().await;
    let committed = events.committed(TOPIC, 0, group).await.unwrap().unwrap();
    assert_eq!((committed.offset, committed.metadata.as_str()), (base + 7, "second"));
    assert_eq!(events.committed(TOPIC, 0, &format!("{group}-other")).await.unwrap(), None);
    let mut held = take(&*events, group, 0).await;
    assert_eq!(read(&mut *held, 3).await[0].offset, base + 7);
    assert_eq!(held.next(10, NOW).await.unwrap(), []);
    events.close().await;
}

/// `seek` moves both ways, and refuses what is beyond the end.
pub async fn seek_moves_both_ways(events: &dyn Events, group: &str) {
    let base = events.end(TOPIC, 0).await.unwrap();
    for i in 0..10 {
        append(events, 0, text(i)).await;
    }
    let mut held = take(events, group, 0).await;
    held.seek(base + 8).await.unwrap();
    assert_eq!(read(&mut *held, 2).await[0].offset, base + 8);
    held.seek(base + 1).await.unwrap();
    assert_eq!(read(&mut *held, 1).await[0].offset, base + 1);
    held.seek(base + 10).await.unwrap();
    assert_eq!(held.next(1, NOW).await.unwrap(), []);
    assert!(matches!(held.seek(base + 11).await, Err(Error::Corrupt(_))));
    assert!(matches!(held.commit(base + 11, "").await, Err(Error::Corrupt(_))));
}

/// A waiting consumer gets a record as soon as it is durable; one that waits for nothing gets nothing.
pub async fn a_record_wakes_who_waits(events: Arc<dyn Events>, group: &str) {
    let base = events.end(TOPIC, 0).await.unwrap();
    let mut held = take(&*events, group, 0).await;
    held.seek(base).await.unwrap();
    assert_eq!(held.next(1, NOW).await.unwrap(), []);
    let waiter = tokio::spawn(async move { held.next(10, LONG).await.unwrap() });
    let offset = append(&*events, 0, "wake up").await;
    assert_eq!(waiter.await.unwrap(), [Record { offset, payload: Bytes::from("wake up") }]);
}

/// Partitions have offsets and groups of their own.
pub async fn partitions_are_independent(events: &dyn Events, group: &str) {
    assert!(events.partitions(TOPIC) >= 2, "this promise needs two partitions");
    let before = (events.end(TOPIC, 0).await.unwrap(), events.end(TOPIC, 1).await.unwrap());
    assert_eq!(append(events, 1, "one").await, before.1);
    assert_eq!(append(events, 0, "zero").await, before.0);
    assert_eq!(append(events, 1, "one again").await, before.1 + 1);
    let mut held = take(events, group, 1).await;
    held.seek(before.1).await.unwrap();
    assert_eq!(read(&mut *held, 2).await[1].payload, "one again");
    held.commit(before.1 + 2, "").await.unwrap();
    assert_eq!(events.committed(TOPIC, 0, group).await.unwrap(), None);
    assert_eq!(events.end(TOPIC, 0).await.unwrap(), before.0 + 1);
}

/// What is beyond a bound is refused, `done` is not called, and nothing is stored.
pub async fn bounds_are_kept(events: &dyn Events) {
    let base = events.end(TOPIC, 0).await.unwrap();
    let most = vec![b'x'; limits::RECORD_BYTES];
    let more = vec![b'x'; limits::RECORD_BYTES + 1];
    assert!(matches!(queue(events, 0, more), Err(Error::Corrupt(_))));
    assert!(matches!(queue(events, events.partitions(TOPIC), "x"), Err(Error::Corrupt(_))));
    assert_eq!(append(events, 0, most.clone()).await, base);
    let longest = events.record(TOPIC, 0, base).await.unwrap().unwrap();
    assert_eq!(longest.payload, most);
    assert_eq!(append(events, 0, "").await, base + 1);
    assert_eq!(events.record(TOPIC, 0, base + 1).await.unwrap().unwrap().payload, "");
    assert_eq!(events.record(TOPIC, 0, base + 2).await.unwrap(), None);
}

/// A second member takes a partition over; what the first still does with it is refused.
pub async fn a_partition_has_one_owner(events: Arc<dyn Events>, group: &str) {
    append(&*events, 0, "x").await;
    let mut first = events.join(TOPIC, group).await.unwrap();
    let mut held = take_from(&mut *first, 0).await;
    held.seek(events.end(TOPIC, 0).await.unwrap()).await.unwrap();
    let waiting = tokio::spawn(async move {
        let refusal = held.next(1, LONG).await;
        (held, refusal)
    });
    let mut second = take(&*events, group, 0).await;
    let (mut held, refusal) = waiting.await.unwrap();
    assert_eq!(refusal, Err(Error::Revoked));
    assert_eq!(held.commit(1, "late").await, Err(Error::Revoked));
    assert_eq!(events.committed(TOPIC, 0, group).await.unwrap(), None);
    second.commit(1, "").await.unwrap();
}

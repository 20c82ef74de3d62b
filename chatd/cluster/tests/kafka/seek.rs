//! A seek is exact, whatever is on its way.

use super::spot::Spot;
use bytes::Bytes;
use schema::event::Topic;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::contract::events::{append, queue, read, take};
use store::events::Record;

const SEEKS: u64 = 150;

/// Record `n` of a partition says `n`.
fn record(offset: u64) -> Record {
    Record { offset, payload: Bytes::from(offset.to_string()) }
}

/// Back and forth through a partition that grows meanwhile, with records of before each seek still on their
/// way: what comes is always the record that was asked for and those behind it.
#[tokio::test(flavor = "multi_thread")]
async fn a_seek_is_exact_under_load() {
    let Some(spot) = Spot::make(2).await else { return };
    let events = spot.open().await;
    for n in 0..2000 {
        queue(&*events, 0, record(n).payload).unwrap();
    }
    append(&*events, 0, "2000").await;
    let stop = Arc::new(AtomicBool::new(false));
    let (grows, stopped) = (events.clone(), stop.clone());
    let producer = tokio::spawn(async move {
        for n in 2001.. {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            append(&*grows, 0, record(n).payload).await;
        }
    });
    let mut held = take(&*events, "group", 0).await;
    for i in 0..SEEKS {
        // Near and far, forth and back, sometimes to where it is already.
        let target = (i * 7919) % 2000;
        held.seek(target).await.unwrap();
        let count = 1 + (i % 3) * 40;
        let expected: Vec<Record> = (target..target + count).map(record).collect();
        assert_eq!(read(&mut *held, expected.len()).await, expected, "seek {i} to {target}");
    }
    stop.store(true, Ordering::Relaxed);
    producer.await.unwrap();
    let end = events.end(Topic::Messages, 0).await.unwrap();
    held.seek(end).await.unwrap();
    assert_eq!(held.next(10, Duration::from_millis(300)).await.unwrap(), []);
    drop(held);
    events.close().await;
    spot.remove().await;
}

/// An offset that retention took is told, not passed over; so is one that soft state need not have.
#[tokio::test(flavor = "multi_thread")]
async fn what_retention_took_is_told() {
    let Some(spot) = Spot::make(1).await else { return };
    let events = spot.open().await;
    for n in 0..20 {
        append(&*events, 0, record(n).payload).await;
    }
    let mut held = take(&*events, "group", 0).await;
    held.seek(5).await.unwrap();
    spot.cut(Topic::Messages, 12).await;
    let refused = held.next(10, Duration::from_secs(30)).await.unwrap_err().to_string();
    assert!(refused.contains("records before offset 12 were removed"), "{refused}");
    let refused = held.seek(11).await.unwrap_err().to_string();
    assert!(refused.contains("records before offset 12 were removed"), "{refused}");
    held.seek(12).await.unwrap();
    assert_eq!(read(&mut *held, 8).await[0], record(12));
    assert_eq!(events.record(Topic::Messages, 0, 11).await.unwrap(), None);
    drop(held);
    events.close().await;
    spot.remove().await;
}

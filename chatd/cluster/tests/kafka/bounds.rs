//! Bounds that only Kafka has.

use super::spot::Spot;
use bytes::Bytes;
use cluster::kafka::KafkaEvents;
use engines::kafka::{self, DeadLetter};
use schema::event::Topic;
use schema::limits;
use std::sync::Arc;
use store::contract::events::{append, queue, take};
use store::events::Record;
use store::{Error, Events};

/// More bytes than may wait are refused before they are stored, and everything that was taken is stored.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses() {
    let Some(spot) = Spot::make(1).await else { return };
    let events = spot.open().await;
    let record = vec![b'x'; limits::RECORD_BYTES];
    let (mut taken, mut refused) = (Vec::new(), None);
    for _ in 0..8 * limits::LOG_QUEUE_BYTES / limits::RECORD_BYTES {
        match queue(&*events, 0, record.clone()) {
            Ok(outcome) => taken.push(outcome),
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    assert!(matches!(refused, Some(Error::Overloaded(_))), "{refused:?}");
    assert!(taken.len() >= limits::LOG_QUEUE_BYTES / limits::RECORD_BYTES - 1);
    for (offset, outcome) in (0..).zip(taken) {
        // A crowded machine may need longer for all of them than one of them may wait.
        match outcome.await.unwrap() {
            Ok(stored) => assert!(stored <= offset),
            Err(error) => assert!(error.retryable(), "{error}"),
        }
    }
    append(&*events, 0, "there is room again").await;
    events.close().await;
    spot.remove().await;
}

/// The text beside an offset has Kafka's bound, which the refusal names.
#[tokio::test(flavor = "multi_thread")]
async fn long_metadata_is_refused() {
    let Some(spot) = Spot::make(1).await else { return };
    let events = spot.open().await;
    append(&*events, 0, "x").await;
    let mut held = take(&*events, "group", 0).await;
    let refused = held.commit(1, &"x".repeat(limits::KAFKA_METADATA_BYTES + 1)).await;
    assert!(matches!(&refused, Err(Error::Corrupt(why)) if why.contains("at most 4096")), "{refused:?}");
    held.commit(1, &"x".repeat(limits::KAFKA_METADATA_BYTES)).await.unwrap();
    drop(held);
    events.close().await;
    spot.remove().await;
}

/// What was skipped can be looked at, and is told once though a replay skips it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_kept() {
    let Some(spot) = Spot::make(1).await else { return };
    let events: Arc<KafkaEvents> = Arc::new(spot.try_open().await.unwrap());
    assert_eq!(kafka::dead_letters(&spot.kafka, 10).await.unwrap(), []);
    let reason = "record is no event";
    let letter =
        |offset| DeadLetter { epoch: 1, partition: 0, offset, reason: reason.into(), payload: "AP8=".into() };
    for offset in [7, 8, 7, 9] {
        let record = Record { offset, payload: Bytes::from_static(b"\x00\xff") };
        events.set_aside(Topic::Messages, 0, &record, reason);
    }
    let all_there = async {
        while kafka::dead_letters(&spot.kafka, 3).await.unwrap().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), all_there).await.unwrap();
    let kept = kafka::dead_letters(&spot.kafka, 3).await.unwrap();
    assert_eq!(kept, [(0, letter(7)), (1, letter(8)), (3, letter(9))]);
    events.close().await;
    spot.remove().await;
}

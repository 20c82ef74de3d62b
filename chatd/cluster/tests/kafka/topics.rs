//! The log notices when its topics are not the ones that it was opened on.

use super::spot::Spot;
use engines::kafka;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use schema::event::Topic;
use std::time::Duration;
use store::contract::events::{append, queue, take};
use store::{Error, Events};

const LONG: Duration = Duration::from_secs(60);

/// What `health` says when it is no longer well.
async fn illness(events: &dyn Events) -> String {
    tokio::time::timeout(LONG, async {
        loop {
            if let Err(Error::Unavailable(why)) = events.health() {
                return why;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it stayed well")
}

/// Offsets begin anew in it, so nothing of it may be mixed with what history was built from.
#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_was_made_again_stops_everything() {
    let Some(spot) = Spot::make(2).await else { return };
    let events = spot.open().await;
    append(&*events, 0, "of the first").await;
    let mut held = take(&*events, "group", 0).await;
    held.seek(1).await.unwrap();
    let waiting = tokio::spawn(async move { held.next(1, LONG).await });
    let name = spot.kafka.topic(Topic::Messages);
    kafka::delete(&spot.kafka, &[&name]).await.unwrap();
    while !kafka::create(&spot.kafka, &spot.declared[0]).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while !illness(&*events).await.contains("chatctl topic adopt message-events") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(matches!(queue(&*events, 0, "x"), Err(Error::Unavailable(_))));
    let read = waiting.await.unwrap();
    assert!(matches!(&read, Err(Error::Corrupt(why)) if why.contains("chatctl topic adopt")), "{read:?}");
    let again = spot.try_open().await.map(drop).unwrap_err().to_string();
    assert!(again.contains("chatctl topic adopt"), "{again}");
    events.close().await;
    spot.remove().await;
}

/// Another count would move conversations between partitions.
#[tokio::test(flavor = "multi_thread")]
async fn another_number_of_partitions_stops_everything() {
    let Some(spot) = Spot::make(2).await else { return };
    let events = spot.open().await;
    let mut held = take(&*events, "group", 0).await;
    let name = spot.kafka.topic(Topic::Messages);
    let admin: AdminClient<DefaultClientContext> = spot.kafka.client_config().create().unwrap();
    let more = NewPartitions::new(&name, 3);
    admin.create_partitions(&[more], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    let why = illness(&*events).await;
    assert!(why.contains("has 3 partitions, not the 2") && why.contains("chatctl schema verify"), "{why}");
    assert!(matches!(queue(&*events, 0, "x"), Err(Error::Unavailable(_))));
    assert!(matches!(held.next(1, LONG).await, Err(Error::Corrupt(_))));
    let again = spot.try_open().await.map(drop).unwrap_err().to_string();
    assert!(again.contains("chatctl schema verify"), "{again}");
    drop(held);
    events.close().await;
    spot.remove().await;
}

/// The command that makes what is missing is named.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_names_the_command() {
    let Some(spot) = Spot::make(1).await else { return };
    let events = spot.open().await;
    kafka::delete(&spot.kafka, &[&spot.kafka.topic(Topic::Typing)]).await.unwrap();
    let why = illness(&*events).await;
    assert!(why.contains("typing-events") && why.contains("chatctl schema apply"), "{why}");
    let refused = spot.try_open().await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("chatctl schema apply"), "{refused}");
    // Soft state may begin anew: made again, all goes on.
    while !kafka::create(&spot.kafka, &spot.declared[2]).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::timeout(LONG, async {
        while events.health().is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("it did not recover");
    append(&*events, 0, "x").await;
    events.close().await;
    spot.remove().await;
}

//! What `engines::kafka` tells operators.

use super::spot::Spot;
use engines::kafka::{self, Lag, Offsets};
use schema::event::Topic;
use store::contract::events::{append, take};

#[tokio::test(flavor = "multi_thread")]
async fn topics_and_groups_are_told() {
    let Some(spot) = Spot::make(2).await else { return };
    let events = spot.open().await;
    for n in 0..5 {
        append(&*events, 1, format!("{n}")).await;
    }
    let topics = kafka::list(&spot.kafka).await.unwrap();
    let name = spot.kafka.topic(Topic::Messages);
    assert_eq!(topics.len(), 4, "{topics:?}");
    let messages = topics.iter().find(|topic| topic.name == name).unwrap();
    assert_eq!(messages.partitions.len(), 2);
    for partition in &messages.partitions {
        assert_eq!(partition.leader, Some(partition.replicas[0]));
        assert_eq!(partition.in_sync, partition.replicas);
    }
    let offsets = kafka::offsets(&spot.kafka, messages).await.unwrap();
    assert_eq!(offsets[1], Offsets { partition: 1, start: 0, end: 5 });
    let settings = kafka::settings(&spot.kafka, &name).await.unwrap();
    for (key, value) in spot.declared[0].settings(&spot.kafka) {
        assert_eq!(settings[&key], value, "{key}");
    }
    let mut held = take(&*events, "group", 1).await;
    held.commit(3, "so far").await.unwrap();
    let lag = kafka::lag(&spot.kafka, &spot.kafka.group("group"), &name).await.unwrap();
    let here = Lag { partition: 1, start: 0, end: 5, committed: Some(3), metadata: "so far".into() };
    assert_eq!((lag[1].records(), &lag[1]), (2, &here));
    assert_eq!((lag[0].records(), lag[0].committed), (0, None));
    let members = kafka::members(&spot.kafka, &spot.kafka.group("group")).await.unwrap();
    assert!(members.len() == 1 && members[0].client.starts_with("chatd-"), "{members:?}");
    assert!(!kafka::create(&spot.kafka, &spot.declared[0]).await.unwrap(), "it is there already");
    assert!(kafka::lag(&spot.kafka, "group", "no-such-topic").await.is_err());
    drop(held);
    events.close().await;
    spot.remove().await;
}

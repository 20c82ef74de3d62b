//! The topic verbs on a real Kafka.

use crate::place::Place;
use crate::schema::{json, run};
use engines::kafka::{DEAD_LETTERS, DeadLetter, Kafka};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use std::time::Duration;

async fn send(kafka: &Kafka, topic: &str, partition: i32, payload: &[u8]) {
    let producer: FutureProducer = kafka.client_config().create().unwrap();
    let topic = kafka.named(topic);
    let record = FutureRecord::<(), _>::to(&topic).partition(partition).payload(payload);
    producer.send(record, Duration::from_secs(30)).await.unwrap();
}

/// Commits an offset for a group, with a text beside it.
fn commit(kafka: &Kafka, group: &str, offset: i64) {
    let mut config = kafka.client_config();
    config.set("group.id", kafka.group(group)).set("enable.auto.commit", "false");
    let client: BaseConsumer = config.create().unwrap();
    let mut offsets = TopicPartitionList::new();
    let topic = kafka.named("message-events");
    offsets.add_partition_offset(&topic, 2, Offset::Offset(offset)).unwrap();
    offsets.find_partition(&topic, 2).unwrap().set_metadata("applied=2");
    client.commit(&offsets, CommitMode::Sync).unwrap();
}

#[tokio::test]
async fn topics_are_made_listed_and_described() {
    let Some(place) = Place::new().await else { return };
    let name = place.kafka.named("typing-events");
    let made = json(&run(&place, "topic create typing-events -o json").await, 0);
    assert_eq!(made["created"], serde_json::json!([name]));
    let again = run(&place, "topic create typing-events -o json").await;
    assert_eq!((again.status.code(), crate::error(&again)["code"].as_str()), (Some(8), Some("topic-exists")));
    let same = run(&place, &format!("topic create {name} --if-not-exists -o json")).await;
    assert_eq!(json(&same, 0)["created"].as_array().unwrap().len(), 0);
    let made = json(&run(&place, "topic create -o json").await, 0);
    assert_eq!(made["created"].as_array().unwrap().len(), engines::kafka::declared().unwrap().len() - 1);
    let unknown = run(&place, "topic create other -o json").await;
    assert_eq!(unknown.status.code(), Some(2));

    let all = json(&run(&place, "topic list -o json").await, 0);
    let all = all["topics"].as_array().unwrap();
    assert!(all.iter().all(|topic| topic["declared"] == true && topic["replicas"] == 1), "{all:?}");
    assert!(all.iter().any(|topic| topic["name"] == name.as_str() && topic["partitions"] == 3), "{all:?}");

    send(&place.kafka, "typing-events", 1, b"one").await;
    let topic = json(&run(&place, "topic describe typing-events -o json").await, 0);
    assert_eq!((&topic["name"], &topic["settings"]["retention.ms"]), (&name.into(), &"3600000".into()));
    assert_eq!((&topic["partitions"][1]["end"], &topic["partitions"][0]["end"]), (&1.into(), &0.into()));
    assert_eq!(run(&place, "topic describe nothing -o json").await.status.code(), Some(5));

    // A hand changed it: told, and not made anew.
    let retention = rdkafka::admin::ResourceSpecifier::Topic(topic["name"].as_str().unwrap());
    let alter = rdkafka::admin::AlterConfig::new(retention).set("cleanup.policy", "compact");
    let admin: rdkafka::admin::AdminClient<_> = place.kafka.client_config().create().unwrap();
    let options = rdkafka::admin::AdminOptions::new();
    admin.alter_configs([&alter], &options).await.unwrap().pop().unwrap().unwrap();
    while run(&place, "topic create typing-events --if-not-exists").await.status.code() == Some(0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let differs = json(&run(&place, "topic create typing-events --if-not-exists -o json").await, 3);
    assert!(differs.to_string().contains("cleanup.policy"), "{differs}");
    place.leave().await;
}

#[tokio::test]
async fn lag_counts_what_is_not_committed_and_dlq_shows_what_was_skipped() {
    let Some(place) = Place::new().await else { return };
    run(&place, "topic create").await;
    for payload in [b"a", b"b", b"c"] {
        send(&place.kafka, "message-events", 2, payload).await;
    }
    let lag = json(&run(&place, "topic lag -o json").await, 0);
    assert_eq!((&lag["records"], &lag["partitions"][2].get("committed")), (&3.into(), &None));
    let kafka = place.kafka.clone();
    tokio::task::spawn_blocking(move || commit(&kafka, "sequencer", 1)).await.unwrap();
    let lag = json(&run(&place, "topic lag sequencer -o json").await, 0);
    let partition = &lag["partitions"][2];
    assert_eq!(
        (&lag["records"], &partition["committed"], &partition["end"]),
        (&2.into(), &1.into(), &3.into())
    );
    assert_eq!(partition["metadata"], "applied=2");

    let letter = |offset| {
        let reason = "record is no event".to_owned();
        serde_json::to_vec(&DeadLetter { epoch: 1, partition: 2, offset, reason, payload: "eA==".to_owned() })
    };
    assert_eq!(json(&run(&place, "topic dlq -o json").await, 0)["letters"], serde_json::json!([]));
    for offset in [7, 9] {
        send(&place.kafka, DEAD_LETTERS, 0, &letter(offset).unwrap()).await;
    }
    let letters = json(&run(&place, "topic dlq --limit 1 -o json").await, 0);
    assert_eq!(letters["letters"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&letters["letters"][0]["offset"], &letters["letters"][0]["dlqOffset"]),
        (&7.into(), &0.into())
    );
    place.leave().await;
}

#[tokio::test]
async fn a_topic_made_anew_is_adopted_with_a_higher_epoch() {
    let Some(place) = Place::new().await else { return };
    let early = run(&place, "topic adopt message-events --yes -o json").await;
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    run(&place, "schema apply --only postgres").await;
    run(&place, "topic create").await;
    assert_eq!(
        run(&place, "topic adopt message-events -o json").await.status.code(),
        Some(2),
        "it wants --yes"
    );
    let adopt = async || json(&run(&place, "topic adopt message-events --yes -o json").await, 0);
    let first = adopt().await;
    assert_eq!((&first["epoch"], &first["raised"]), (&1.into(), &false.into()));
    assert_eq!(adopt().await, first, "the same topic again");

    let name = place.kafka.named("message-events");
    engines::kafka::delete(&place.kafka, &[&name]).await.unwrap();
    while run(&place, "topic create message-events").await.status.code() != Some(0) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let second = adopt().await;
    assert_eq!((&second["epoch"], &second["raised"]), (&2.into(), &true.into()));
    assert_ne!(second["topicId"], first["topicId"]);
    place.leave().await;
}

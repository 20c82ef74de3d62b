//! What the log is told of presence and typing.

use crate::world::World;
use presence::Config;
use schema::event::Topic;
use schema::presence::Chosen;
use serde_json::Value;
use std::time::Duration;

/// The first records of a topic, when there are as many.
async fn records(world: &World, topic: Topic, count: usize) -> Vec<Value> {
    let mut assignments = world.embedded.stores.events.join(topic, "test").await.unwrap();
    let mut partition = assignments.next().await.unwrap();
    partition.seek(0).await.unwrap();
    let mut records = Vec::new();
    while records.len() < count {
        let more = partition.next(100, crate::ear::PATIENCE).await.unwrap();
        assert!(!more.is_empty(), "only {records:?}");
        records.extend(more.iter().map(|record| serde_json::from_slice::<Value>(&record.payload).unwrap()));
    }
    records
}

#[tokio::test]
async fn the_log_hears_what_everybody_could_see() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let told = world.watch(bob, ann).await;
    told.status().await;
    let socket = world.connect(ann);
    told.status().await;
    for chosen in [Chosen::Away, Chosen::Invisible] {
        world.choose(ann, chosen).await;
        told.status().await;
    }
    // None of this can be seen.
    world.presence.disconnected(ann, socket);
    world.settled().await;
    let socket = world.connect(ann);
    world.settled().await;
    world.choose(ann, Chosen::Busy).await;
    told.status().await;
    world.presence.disconnected(ann, socket);
    told.status().await;
    // Two fences came and went besides, of whom each was seen twice.
    let records = records(&world, Topic::Presence, 9).await;
    let hers: Vec<&Value> = records.iter().filter(|record| record["actorId"] == ann.to_string()).collect();
    let types: Vec<&str> = hers.iter().map(|record| record["eventType"].as_str().unwrap()).collect();
    let expected = ["USER_ONLINE", "USER_STATUS_CHANGED", "USER_OFFLINE", "USER_ONLINE", "USER_OFFLINE"];
    assert_eq!(types, expected);
    assert_eq!(hers[1]["payload"], serde_json::json!({"status": "AWAY", "previous": "ONLINE"}));
    assert_eq!(hers[3]["payload"]["status"], "BUSY");
    assert!(hers[4]["payload"]["lastSeen"].is_string());
    for record in &records {
        let schema = record["schemaVersion"].as_u64();
        assert!(schema == Some(1) && record["eventId"].is_string() && record["occurredAt"].is_string());
        assert!(record.get("conversationId").is_none());
    }
}

#[tokio::test]
async fn typing_is_in_its_own_topic_with_the_conversation() {
    let world = World::with(Config { typing_time: Duration::from_secs(3600), ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for on in [true, true, false] {
        world.presence.typing(ann, "bob", on).await.unwrap();
    }
    let records = records(&world, Topic::Typing, 2).await;
    let types: Vec<&str> = records.iter().map(|record| record["eventType"].as_str().unwrap()).collect();
    assert_eq!(types, ["USER_TYPING", "USER_STOPPED_TYPING"]);
    let conversation = schema::ConversationId::between(ann, bob).to_string();
    assert_eq!(records[0]["conversationId"].as_str(), Some(conversation.as_str()));
    assert_eq!(records[0]["payload"]["peerId"].as_str(), Some(bob.to_string().as_str()));
}

/// A log that takes nothing is in nobody's way.
#[tokio::test]
async fn a_closed_log_sheds_and_presence_goes_on() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.embedded.stores.events.close().await;
    let told = world.watch(bob, ann).await;
    told.status().await;
    world.connect(ann);
    assert_eq!(told.status().await, schema::presence::Status::Online);
    world.metric("chatd_presence_shed_total{at=\"Log\"} 1").await;
}

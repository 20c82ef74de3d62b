//! Somebody puts things into the log, or alters it, behind our back.

use crate::fleet::{Fleet, SETTLE};
use engines::kafka::{Kafka, declared};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{FutureProducer, FutureRecord};
use schema::event::Topic;
use std::time::{Duration, Instant};
use tokio::time::sleep;

const PAIRS: usize = 10;
const WELL: Duration = Duration::from_secs(4);
/// How long an alteration may go unnoticed.
const NOTICED: Duration = Duration::from_secs(30);

fn kafka(fleet: &Fleet) -> Kafka {
    let url = std::env::var("STORES_KAFKA").unwrap();
    Kafka::parse(&format!("{url}?prefix={}.", fleet.prefix())).unwrap()
}

/// A record that is no event is skipped by everybody, put aside, and shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_record_goes_to_the_dead_letters_and_its_partition_moves_on() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    sleep(WELL).await;
    let kafka = kafka(&fleet);
    let producer: FutureProducer = kafka.client_config().create().unwrap();
    let topic = kafka.topic(Topic::Messages);
    for partition in 0..12 {
        let record = FutureRecord::<(), _>::to(&topic).partition(partition).payload(b"no event at all");
        producer.send(record, Duration::from_secs(5)).await.unwrap();
    }
    sleep(WELL).await;
    let told = fleet.chatctl(&["topic", "dlq", "-o", "json"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    let verdict = crowd.end(SETTLE).await;
    println!(
        "a poison record in each partition: {verdict}; dead letters: {}",
        text.matches("\"offset\"").count()
    );
    assert_eq!(text.matches("\"offset\"").count(), 12, "{text}");
    let metrics = fleet.metrics("chat").await + &fleet.metrics("chat-2").await;
    let counted: f64 = (metrics.lines())
        .filter_map(|line| line.strip_prefix("chatd_chat_dead_letters_total "))
        .map(|number| number.parse::<f64>().unwrap())
        .sum();
    assert!(counted >= 12.0, "{counted}");
    verdict.assert_clean();
}

/// Waits until a process is not ready and names this command, and answers what it says.
async fn refused(fleet: &Fleet, command: &str) -> String {
    let since = Instant::now();
    loop {
        let health = fleet.health("chat").await.unwrap_or_default();
        if health["status"] == "DOWN" && health.to_string().contains(command) {
            return health.to_string();
        }
        assert!(since.elapsed() < NOTICED, "nobody noticed: {health}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_number_of_partitions_is_refused() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let kafka = kafka(&fleet);
    let admin: AdminClient<DefaultClientContext> = kafka.client_config().create().unwrap();
    let topic = kafka.topic(Topic::Messages);
    let more = NewPartitions::new(&topic, 13);
    admin.create_partitions([&more], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    println!("a thirteenth partition: {}", refused(&fleet, "chatctl schema verify").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_deleted_and_made_again_is_refused_until_it_is_adopted() {
    let Some(fleet) = Fleet::clustered(&[]).await else { return };
    let crowd = fleet.crowd(PAIRS).await;
    sleep(WELL).await;
    // What is acknowledged now must be there in the end, though its log is gone.
    let before = crowd.end(SETTLE).await;
    before.assert_clean();
    let kafka = kafka(&fleet);
    let admin: AdminClient<DefaultClientContext> = kafka.client_config().create().unwrap();
    let topic = kafka.topic(Topic::Messages);
    admin.delete_topics(&[&topic], &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    sleep(Duration::from_secs(1)).await;
    let declared = declared().unwrap().into_iter().find(|one| one.name == Topic::Messages.name()).unwrap();
    engines::kafka::create(&kafka, &declared).await.unwrap();
    println!("a topic made again: {}", refused(&fleet, "chatctl topic adopt").await);
    let adopted = fleet.chatctl(&["topic", "adopt", "message-events", "--yes"]);
    assert!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
    fleet.call(&["stop", "chat-1", "chat-2", "auth", "user", "presence"]);
    fleet.call(&["start", "chat-1", "chat-2", "auth", "user", "presence"]);
    fleet.healed().await;
    // The same people go on in the same conversations, with the next sequences.
    let crowd = fleet.again(PAIRS).await;
    sleep(WELL).await;
    let verdict = crowd.end(SETTLE).await;
    println!("after the adoption: {verdict} (before it {})", before.acknowledged);
    assert!(verdict.stored >= before.stored + verdict.acknowledged, "{verdict}");
    assert_eq!((verdict.lost, verdict.gaps, verdict.undelivered), (0, 0, 0), "{verdict}");
}

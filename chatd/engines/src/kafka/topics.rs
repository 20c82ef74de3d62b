//! What can be done with topics.

use super::{Asker, Declared, Described, Kafka, failed};
use crate::Error;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use schema::limits::KAFKA_ASK_TIME;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long brokers may take to learn of a new topic.
const KNOWN_TIME: Duration = Duration::from_secs(30);

/// Between two looks whether a new topic is known.
const KNOWN_STEP: Duration = Duration::from_millis(20);

/// Where a partition begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offsets {
    pub partition: u32,
    /// The first that is kept.
    pub start: u64,
    /// The one behind the last record.
    pub end: u64,
}

/// The topics of this cluster that have the URL's prefix, Kafka's own left out, by name.
///
/// # Errors
/// `Unavailable` when no broker answers, `Refused` when it may not be asked.
pub async fn list(kafka: &Kafka) -> Result<Vec<Described>, Error> {
    let asker = Asker::new(kafka)?;
    let mut names = asker.names().await?;
    names.retain(|name| name.starts_with(kafka.prefix()) && !name.starts_with("__"));
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut topics = asker.describe(names, KAFKA_ASK_TIME).await?;
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(topics)
}

/// Where each partition of a topic begins and ends.
///
/// # Errors
/// As [`list`].
pub async fn offsets(kafka: &Kafka, topic: &Described) -> Result<Vec<Offsets>, Error> {
    let asker = Asker::new(kafka)?;
    let mut found = Vec::with_capacity(topic.partitions.len());
    for partition in &topic.partitions {
        let (start, end) = asker.watermarks(&topic.name, partition.number).await?;
        found.push(Offsets { partition: partition.number, start, end });
    }
    Ok(found)
}

/// Every setting of a topic (its name with the prefix) by Kafka's names, the cluster's defaults included.
///
/// # Errors
/// As [`list`]; `Refused` when there is no such topic.
pub async fn settings(kafka: &Kafka, topic: &str) -> Result<BTreeMap<String, String>, Error> {
    let asked = admin(kafka)?.describe_configs(&[ResourceSpecifier::Topic(topic)], &options()).await;
    let mut all = BTreeMap::new();
    for found in asked.map_err(|error| failed("reading a topic's settings", &error))? {
        let found = found.map_err(|code| said("reading a topic's settings", code))?;
        all.extend(found.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))));
    }
    Ok(all)
}

/// Makes a topic as it is declared, and waits until the brokers know it with a leader for each partition.
/// `false`: it was there already, and nothing of it was compared.
///
/// # Errors
/// `Refused` when Kafka does not take it so, `Unavailable` when no broker answers.
pub async fn create(kafka: &Kafka, topic: &Declared) -> Result<bool, Error> {
    let (name, settings) = (kafka.named(&topic.name), topic.settings(kafka));
    let replication = TopicReplication::Fixed(i32::from(kafka.replication()));
    let mut new = NewTopic::new(&name, i32::try_from(topic.partitions).unwrap_or(i32::MAX), replication);
    for (key, value) in &settings {
        new = new.set(key, value);
    }
    let what = format!("making topic {name}");
    let made = admin(kafka)?.create_topics([&new], &options()).await;
    for made in made.map_err(|error| failed(&what, &error))? {
        match made {
            Ok(_) => {}
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => return Ok(false),
            Err((_, code)) => return Err(said(&what, code)),
        }
    }
    known(kafka, name).await.map(|()| true)
}

/// Waits until a topic that was made is known to the brokers, which learn of it one after the other.
async fn known(kafka: &Kafka, topic: String) -> Result<(), Error> {
    let asker = Asker::new(kafka)?;
    let until = Instant::now() + KNOWN_TIME;
    while Instant::now() < until {
        let found = asker.describe(vec![topic.clone()], KAFKA_ASK_TIME).await?;
        if found.iter().any(|found| found.partitions.iter().all(|partition| partition.leader.is_some())) {
            return Ok(());
        }
        tokio::time::sleep(KNOWN_STEP).await;
    }
    Err(Error::Unavailable(format!(
        "Kafka made topic {topic}, but its brokers do not know it yet: try again"
    )))
}

/// Deletes topics (their names with the prefix) and every record in them. One that is not there is no error.
///
/// # Errors
/// `Refused` when Kafka does not allow it, `Unavailable` when no broker answers.
pub async fn delete(kafka: &Kafka, topics: &[&str]) -> Result<(), Error> {
    let gone = admin(kafka)?.delete_topics(topics, &options()).await;
    for gone in gone.map_err(|error| failed("deleting topics", &error))? {
        match gone {
            Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
            Err((topic, code)) => return Err(said(&format!("deleting topic {topic}"), code)),
        }
    }
    Ok(())
}

fn admin(kafka: &Kafka) -> Result<AdminClient<DefaultClientContext>, Error> {
    kafka.client_config().create().map_err(|error| failed("making a client", &error))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(KAFKA_ASK_TIME)).operation_timeout(Some(KAFKA_ASK_TIME))
}

fn said(what: &str, code: RDKafkaErrorCode) -> Error {
    failed(what, &KafkaError::AdminOp(code))
}

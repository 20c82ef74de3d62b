//! Consumer groups: where they stand, and who is in them.

use super::asker::Quiet;
use super::{Asker, Kafka, failed};
use crate::Error;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use schema::limits::KAFKA_ASK_TIME;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;

/// Pause before a group whose coordinator moves is asked for again.
const AGAIN: Duration = Duration::from_millis(100);

/// Where a group stands in a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    pub partition: u32,
    /// The first offset that is kept.
    pub start: u64,
    /// The offset behind the last record.
    pub end: u64,
    /// The group has dealt with everything before it; `None`: it never said so.
    pub committed: Option<u64>,
    /// What the group wrote beside it.
    pub metadata: String,
}

impl Lag {
    /// Records that are kept and not yet dealt with.
    pub fn records(&self) -> u64 {
        self.end.saturating_sub(self.committed.unwrap_or(0).max(self.start))
    }
}

/// A process in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub client: String,
    pub host: String,
}

/// Where a group stands in each partition of a topic (both names with the prefix).
///
/// # Errors
/// `Unavailable` when no broker answers, `Refused` when it may not be asked or there is no such topic.
pub async fn lag(kafka: &Kafka, group: &str, topic: &str) -> Result<Vec<Lag>, Error> {
    let asker = Asker::new(kafka)?;
    let described = asker.describe(vec![topic.to_owned()], KAFKA_ASK_TIME).await?;
    let described =
        described.first().ok_or_else(|| Error::Refused(format!("Kafka has no topic {topic}")))?.clone();
    let client = client(kafka, group)?;
    let name = topic.to_owned();
    let numbers: Vec<u32> = described.partitions.iter().map(|partition| partition.number).collect();
    let asked = numbers.clone();
    let committed = blocking(move || committed(&client, &name, &asked)).await?;
    let mut found = Vec::with_capacity(numbers.len());
    for (partition, (committed, metadata)) in numbers.into_iter().zip(committed) {
        let (start, end) = asker.watermarks(topic, partition).await?;
        found.push(Lag { partition, start, end, committed, metadata });
    }
    Ok(found)
}

/// The members of a group (its name with the prefix); none where there is no such group.
///
/// # Errors
/// As [`lag`].
pub async fn members(kafka: &Kafka, group: &str) -> Result<Vec<Member>, Error> {
    let client = Asker::new(kafka)?;
    let group = group.to_owned();
    client
        .ask(move |client| {
            let found = client.fetch_group_list(Some(&group), KAFKA_ASK_TIME);
            let found = found.map_err(|error| failed("listing a group's members", &error))?;
            let members = found.groups().iter().flat_map(|group| group.members());
            Ok(members
                .map(|member| Member {
                    id: member.id().to_owned(),
                    client: member.client_id().to_owned(),
                    host: member.client_host().trim_start_matches('/').to_owned(),
                })
                .collect())
        })
        .await
}

/// A client that speaks for a group without being in it.
fn client(kafka: &Kafka, group: &str) -> Result<BaseConsumer<Quiet>, Error> {
    let mut config = kafka.client_config();
    config.set("group.id", group).set("enable.auto.commit", "false");
    config.create_with_context(Quiet).map_err(|error| failed("making a client", &error))
}

/// Whether the group's coordinator is being found, as it is for a moment after a broker or a group is new.
fn moves(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{CoordinatorLoadInProgress, CoordinatorNotAvailable, NotCoordinator};
    let code = error.rdkafka_error_code();
    matches!(code, Some(CoordinatorLoadInProgress | CoordinatorNotAvailable | NotCoordinator))
}

/// What the group committed, in the order of the partitions. Blocks.
fn committed(
    client: &BaseConsumer<Quiet>,
    topic: &str,
    partitions: &[u32],
) -> Result<Vec<(Option<u64>, String)>, Error> {
    let mut asked = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        asked.add_partition(topic, partition.cast_signed());
    }
    let until = Instant::now() + KAFKA_ASK_TIME;
    let found = loop {
        match client.committed_offsets(asked.clone(), KAFKA_ASK_TIME) {
            Err(error) if moves(&error) && Instant::now() + AGAIN < until => std::thread::sleep(AGAIN),
            found => break found.map_err(|error| failed("asking where a group stands", &error))?,
        }
    };
    let place = |partition: &u32| match found.find_partition(topic, partition.cast_signed()) {
        Some(at) => match at.offset() {
            Offset::Offset(offset) => (Some(offset.max(0).cast_unsigned()), at.metadata().to_owned()),
            _ => (None, String::new()),
        },
        None => (None, String::new()),
    };
    Ok(partitions.iter().map(place).collect())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = spawn_blocking(work).await;
    done.map_err(|error| Error::Unavailable(format!("Kafka, asking was ended: {error}")))?
}

//! What the parts of an open log share, and the questions that they ask Kafka.

use super::failure;
use super::reader::{self, Quiet};
use super::state::State;
use bytes::Bytes;
use engines::kafka::{Asker, Kafka};
use parking_lot::Mutex;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use schema::limits::KAFKA_ASK_TIME;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Error;
use store::events::{Committed, Record};
use tokio::task::spawn_blocking;

/// Bytes that are fetched when one record is looked up.
const LOOK_UP_BYTES: usize = 64 << 10;

pub(super) struct Shared {
    pub(super) kafka: Kafka,
    pub(super) asker: Asker,
    pub(super) state: State,
    /// Clients that ask for the offsets of a group without being in it.
    groups: Mutex<HashMap<String, Arc<BaseConsumer<Quiet>>>>,
    /// Reads single records, one at a time.
    look_up: Arc<Mutex<Option<BaseConsumer<Quiet>>>>,
}

impl Shared {
    pub(super) fn new(kafka: &Kafka, asker: Asker) -> Self {
        let (groups, look_up) = (Mutex::default(), Arc::default());
        Self { kafka: kafka.clone(), asker, state: State::default(), groups, look_up }
    }

    /// The first offset that is kept, and the one behind the last record.
    pub(super) async fn watermarks(&self, topic: &str, partition: u32) -> Result<(u64, u64), Error> {
        self.asker.watermarks(topic, partition).await.map_err(failure::engine)
    }

    /// Where a group stands.
    pub(super) async fn committed(
        &self,
        topic: &str,
        partition: u32,
        group: &str,
    ) -> Result<Option<Committed>, Error> {
        let client = self.group(group)?;
        let (topic, partition) = (topic.to_owned(), partition.cast_signed());
        blocking(move || {
            let mut asked = TopicPartitionList::with_capacity(1);
            asked.add_partition(&topic, partition);
            let found = client
                .committed_offsets(asked, KAFKA_ASK_TIME)
                .map_err(|error| Error::Unavailable(format!("Kafka, where a group stands: {error}")))?;
            Ok(found.find_partition(&topic, partition).and_then(|place| match place.offset() {
                Offset::Offset(offset) => Some(Committed {
                    offset: offset.max(0).cast_unsigned(),
                    metadata: place.metadata().to_owned(),
                }),
                _ => None,
            }))
        })
        .await
    }

    fn group(&self, group: &str) -> Result<Arc<BaseConsumer<Quiet>>, Error> {
        let mut groups = self.groups.lock();
        if let Some(client) = groups.get(group) {
            return Ok(Arc::clone(client));
        }
        let mut config = self.kafka.client_config();
        config.set("group.id", self.kafka.group(group)).set("enable.auto.commit", "false");
        config.set("client.id", "chatd-asks").set("reconnect.backoff.max.ms", "1000");
        let client =
            config.create_with_context(Quiet).map_err(|error| failure::client(&self.kafka, &error))?;
        let client = Arc::new(client);
        groups.insert(group.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// The record at an offset, if it is kept.
    pub(super) async fn record(
        &self,
        topic: &str,
        partition: u32,
        offset: u64,
    ) -> Result<Option<Record>, Error> {
        let (first, end) = self.watermarks(topic, partition).await?;
        if offset < first || offset >= end {
            return Ok(None);
        }
        let (kafka, look_up, topic) = (self.kafka.clone(), Arc::clone(&self.look_up), topic.to_owned());
        blocking(move || {
            let mut client = look_up.lock();
            if client.is_none() {
                *client = Some(reader::client(&kafka, "chatd-looks-up", LOOK_UP_BYTES)?);
            }
            let Some(client) = &*client else { return Ok(None) };
            let found = read_one(client, &topic, partition, offset);
            let _ = client.unassign();
            found
        })
        .await
    }
}

/// Blocks.
fn read_one(
    client: &BaseConsumer<Quiet>,
    topic: &str,
    partition: u32,
    offset: u64,
) -> Result<Option<Record>, Error> {
    let failed = |error| Error::Unavailable(format!("Kafka, reading offset {offset} of {topic}: {error}"));
    let mut place = TopicPartitionList::with_capacity(1);
    let at = Offset::Offset(offset.cast_signed());
    place.add_partition_offset(topic, partition.cast_signed(), at).map_err(failed)?;
    client.assign(&place).map_err(failed)?;
    let until = Instant::now() + KAFKA_ASK_TIME;
    while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        let Some(Ok(found)) = client.poll(left.min(Duration::from_millis(100))) else { continue };
        let (number, place) = (found.partition().cast_unsigned(), found.offset().max(0).cast_unsigned());
        if found.topic() == topic && number == partition && place == offset {
            let payload = Bytes::copy_from_slice(found.payload().unwrap_or_default());
            return Ok(Some(Record { offset, payload }));
        }
    }
    Err(Error::Unavailable(format!("Kafka, reading offset {offset} of {topic}: no answer in time")))
}

/// Runs what blocks where it may.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let ended = |error| Error::Unavailable(format!("a question to Kafka was ended: {error}"));
    spawn_blocking(work).await.map_err(ended)?
}

//! Records on their way from Kafka: one client fetches all partitions of a member, each into its own queue.

use super::failure;
use bytes::Bytes;
use engines::kafka::Kafka;
use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientContext, Message, Offset, TopicPartitionList};
use schema::limits::{self, KAFKA_FETCH_WAIT};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::Error;
use store::events::Record;
use tokio::sync::Notify;
use tracing::debug;

/// How long records of before a seek may still turn up. Dropped, they cost nothing.
const STALE: Duration = Duration::from_secs(10);

/// The client that fetches, which is in no group.
pub(super) struct Reader {
    client: Arc<BaseConsumer<Quiet>>,
    topic: String,
    lanes: Mutex<HashMap<u32, Arc<Lane>>>,
}

/// One partition's records, and who may have them now.
pub(super) struct Lane {
    reader: Arc<BaseConsumer<Quiet>>,
    topic: String,
    partition: u32,
    /// The queue outlives its owners: a callback that belongs to it is set once.
    queue: PartitionQueue<Quiet>,
    wake: Arc<Notify>,
    /// 0: nobody, and nothing is fetched.
    owner: Mutex<u64>,
}

/// What is read next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) next: u64,
    /// When fetching began there; until the first record came, older ones may turn up.
    pub(super) since: Option<Instant>,
}

/// What came of looking into the queue.
pub(super) enum Found {
    Records(Vec<Record>),
    /// Kafka has no such offset.
    OutOfRange,
    /// The record after the last one is another than the next.
    Gap(u64),
}

/// An outage is told once, by who looks each second; not by each client at each try.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "Kafka's reader");
    }

    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        debug!(facility, text, "librdkafka");
    }
}

impl ConsumerContext for Quiet {}

/// A client that reads partitions from where it is told, `ahead` bytes of each.
pub(super) fn client(kafka: &Kafka, name: &str, ahead: usize) -> Result<BaseConsumer<Quiet>, Error> {
    let mut config = kafka.client_config();
    config
        .set("client.id", name)
        // Never joined: the client wants one to be able to take partitions up.
        .set("group.id", kafka.group("reader"))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "error")
        .set("fetch.wait.max.ms", KAFKA_FETCH_WAIT.as_millis().to_string())
        .set("fetch.error.backoff.ms", "100")
        .set("fetch.message.max.bytes", (limits::RECORD_BYTES).min(ahead).to_string())
        .set("queued.max.messages.kbytes", (ahead >> 10).max(1).to_string())
        .set("socket.nagle.disable", "true")
        .set("reconnect.backoff.max.ms", "1000");
    config.create_with_context(Quiet).map_err(|error| failure::client(kafka, &error))
}

impl Reader {
    pub(super) fn new(kafka: &Kafka, topic: &str) -> Result<Self, Error> {
        let client = client(kafka, "chatd-reads", limits::KAFKA_FETCH_BYTES)?;
        Ok(Self { client: Arc::new(client), topic: topic.to_owned(), lanes: Mutex::default() })
    }

    /// Takes from the client what it has to say.
    pub(super) fn poll(&self) {
        while self.client.poll(Duration::ZERO).is_some() {}
    }

    pub(super) fn lane(&self, partition: u32) -> Result<Arc<Lane>, Error> {
        let mut lanes = self.lanes.lock();
        if let Some(lane) = lanes.get(&partition) {
            return Ok(Arc::clone(lane));
        }
        // Before anything is fetched: then nothing goes to the client's common queue.
        let mut queue = self
            .client
            .split_partition_queue(&self.topic, partition.cast_signed())
            .ok_or_else(|| Error::Unavailable(format!("Kafka's reader has no partition {partition}")))?;
        let wake = Arc::new(Notify::new());
        let ring = Arc::clone(&wake);
        queue.set_nonempty_callback(move || ring.notify_one());
        let lane = Arc::new(Lane {
            reader: Arc::clone(&self.client),
            topic: self.topic.clone(),
            partition,
            queue,
            wake,
            owner: Mutex::new(0),
        });
        lanes.insert(partition, Arc::clone(&lane));
        Ok(lane)
    }
}

impl Lane {
    /// Fetches from an offset on, for this owner. Blocks for a moment.
    pub(super) fn start(&self, owner: u64, offset: u64) -> Result<(), Error> {
        let mut now = self.owner.lock();
        if *now != 0 {
            self.drop_assignment();
        }
        *now = owner;
        let assigned = self.partition_at(Offset::Offset(offset.cast_signed()));
        let assigned = assigned.and_then(|assigned| self.reader.incremental_assign(&assigned));
        assigned.map_err(|error| Error::Unavailable(format!("Kafka's reader: {error}")))
    }

    /// Fetches no more, if this is still the owner. Blocks for a moment.
    pub(super) fn stop(&self, owner: u64) {
        let mut now = self.owner.lock();
        if *now == owner {
            self.drop_assignment();
            *now = 0;
        }
    }

    /// Returns when there may be something to [`take`](Lane::take).
    pub(super) async fn filled(&self) {
        self.wake.notified().await;
    }

    /// The next records that are here.
    pub(super) fn take(&self, owner: u64, place: &mut Place, max: usize) -> Result<Found, Error> {
        let now = self.owner.lock();
        if *now != owner {
            return Err(Error::Revoked);
        }
        let mut records = Vec::new();
        while records.len() < max {
            let record = match self.queue.poll(Duration::ZERO) {
                None => break,
                Some(Ok(record)) => record,
                Some(Err(error)) => match error.rdkafka_error_code() {
                    Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                        return Ok(Found::OutOfRange);
                    }
                    _ => {
                        debug!(%error, partition = self.partition, "Kafka's reader tries again");
                        continue;
                    }
                },
            };
            let offset = record.offset().max(0).cast_unsigned();
            if offset == place.next {
                let payload = Bytes::copy_from_slice(record.payload().unwrap_or_default());
                records.push(Record { offset, payload });
                *place = Place { next: offset + 1, since: None };
            } else if offset > place.next && place.since.is_none_or(|since| since.elapsed() > STALE) {
                // What was read before the gap is given out first; the gap is found again.
                return Ok(if records.is_empty() { Found::Gap(offset) } else { Found::Records(records) });
            }
        }
        Ok(Found::Records(records))
    }

    fn drop_assignment(&self) {
        let dropped = self.partition_at(Offset::Invalid);
        if let Err(error) = dropped.and_then(|dropped| self.reader.incremental_unassign(&dropped)) {
            debug!(%error, partition = self.partition, "Kafka's reader had no such partition");
        }
    }

    fn partition_at(&self, offset: Offset) -> Result<TopicPartitionList, KafkaError> {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&self.topic, self.partition.cast_signed(), offset)?;
        Ok(list)
    }
}

//! Records on their way to Kafka.

use super::failure;
use super::shared::Shared;
use super::state::{Look, Opened};
use engines::kafka::Kafka;
use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};
use rdkafka::{ClientContext, Message, message::DeliveryResult};
use schema::limits::{self, KAFKA_APPEND_TIME};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;
use store::Error;
use store::events::Done;
use tracing::{debug, warn};

/// How long the thread waits for outcomes before it looks whether it is to end.
const POLL: Duration = Duration::from_millis(250);

/// Bytes that a batch of records may have beside its records' own.
const BATCH_ROOM: usize = 64 << 10;

/// The producer and the thread that tells outcomes.
pub(super) struct Producer {
    native: Arc<BaseProducer<Outcomes>>,
    stop: Arc<AtomicBool>,
}

/// A record's way back.
pub(super) struct Ticket {
    /// Which topic and partition; `None` where offsets are not watched.
    lane: Option<(usize, u32)>,
    /// In a lock only because rdkafka wants what it carries to be shareable.
    done: Mutex<Done>,
}

/// Takes what became of records.
struct Outcomes {
    shared: Arc<Shared>,
    /// The offset of each partition's last acknowledged record.
    last: Vec<Vec<AtomicI64>>,
    fatal: AtomicBool,
}

impl Producer {
    pub(super) fn start(
        kafka: &Kafka,
        topics: &[Opened],
        shared: Arc<Shared>,
        linger: Duration,
    ) -> Result<Self, Error> {
        let mut config = kafka.client_config();
        let millis = |time: Duration| time.as_millis().to_string();
        config
            .set("client.id", "chatd-appends")
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("message.timeout.ms", millis(KAFKA_APPEND_TIME))
            .set("linger.ms", millis(linger))
            .set("queue.buffering.max.messages", limits::KAFKA_QUEUE_RECORDS.to_string())
            .set("queue.buffering.max.kbytes", (limits::LOG_QUEUE_BYTES >> 10).to_string())
            .set("message.max.bytes", (limits::RECORD_BYTES + BATCH_ROOM).to_string())
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.max.ms", "1000");
        let lane = |topic: &Opened| (0..topic.partitions).map(|_| AtomicI64::new(-1)).collect();
        let last = topics.iter().map(lane).collect();
        let outcomes = Outcomes { shared, last, fatal: AtomicBool::new(false) };
        let native: BaseProducer<Outcomes> =
            config.create_with_context(outcomes).map_err(|error| failure::client(kafka, &error))?;
        let (native, stop) = (Arc::new(native), Arc::new(AtomicBool::new(false)));
        let (polled, ends) = (Arc::clone(&native), Arc::clone(&stop));
        let thread = thread::Builder::new().name("kafka-append".into()).spawn(move || {
            while !ends.load(Ordering::Acquire) {
                polled.poll(POLL);
            }
        });
        thread.map_err(|error| Error::Unavailable(format!("the thread of Kafka's producer: {error}")))?;
        Ok(Self { native, stop })
    }

    /// Queues a record. Its place among those of its partition is that of this call.
    pub(super) fn send(
        &self,
        topic: &str,
        lane: Option<usize>,
        partition: u32,
        payload: &[u8],
        done: Done,
    ) -> Result<(), Error> {
        let ticket = Box::new(Ticket { lane: lane.map(|lane| (lane, partition)), done: Mutex::new(done) });
        let record: BaseRecord<'_, (), [u8], _> = BaseRecord::with_opaque_to(topic, ticket);
        let sent = self.native.send(record.partition(partition.cast_signed()).payload(payload));
        sent.map_err(|(error, _)| match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => Error::Overloaded("the queue of records for Kafka is full"),
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => Error::Corrupt(format!("record: {error}")),
            _ => Error::Unavailable(format!("Kafka takes no record: {error}")),
        })
    }

    /// Whether nothing can be sent with it ever again.
    pub(super) fn is_dead(&self) -> bool {
        self.native.context().fatal.load(Ordering::Acquire)
    }

    /// Waits until every record has its outcome. Blocks.
    pub(super) fn finish(&self) {
        if let Err(error) = self.native.flush(KAFKA_APPEND_TIME + POLL) {
            warn!(%error, "records were left when the log was closed; who waits for them hears so");
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
    }
}

impl ClientContext for Outcomes {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            self.die(reason);
        }
        debug!(%error, reason, "Kafka's producer");
    }

    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        debug!(facility, text, "librdkafka");
    }
}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let outcome = match result {
            Ok(record) => self.acknowledged(ticket.lane, record.offset()),
            Err((error, record)) => Err(self.failed(error, status(record))),
        };
        (ticket.done.into_inner())(outcome);
    }
}

impl Outcomes {
    /// Offsets of a partition only grow. Where one does not, the topic is another than a moment ago.
    fn acknowledged(&self, lane: Option<(usize, u32)>, offset: i64) -> Result<u64, Error> {
        if offset < 0 {
            return Err(Error::Unknown("Kafka stored the record but does not say where".into()));
        }
        if let Some((topic, partition)) = lane
            && let Some(last) = self.last.get(topic).and_then(|lane| lane.get(partition as usize))
            && last.swap(offset, Ordering::AcqRel) >= offset
        {
            let why = format!(
                "the log went back to offset {offset} of partition {partition}: its topic was deleted and made \
                 again, or lost its end; look at it, then chatctl topic adopt message-events"
            );
            self.shared.state.see(Look::Replaced(why.clone()));
            return Err(Error::Unknown(why));
        }
        Ok(offset.cast_unsigned())
    }

    fn failed(&self, error: &KafkaError, status: Status) -> Error {
        let code = error.rdkafka_error_code();
        if code == Some(RDKafkaErrorCode::Fatal) {
            self.die("a record");
        }
        match (code, status) {
            (Some(RDKafkaErrorCode::MessageSizeTooLarge), _) => Error::Corrupt(format!(
                "Kafka takes no record of this size ({error}): chatctl schema verify shows max.message.bytes"
            )),
            (_, Status::Absent) => Error::Unavailable(format!("Kafka did not take the record: {error}")),
            (_, Status::Unknown) => {
                Error::Unknown(format!("Kafka did not say whether it has the record: {error}"))
            }
        }
    }

    fn die(&self, reason: &str) {
        if !self.fatal.swap(true, Ordering::AcqRel) {
            warn!(reason, "Kafka's producer can't go on; another one takes its place");
        }
    }
}

/// Where a record is that was not acknowledged.
enum Status {
    /// Provably not in the log.
    Absent,
    Unknown,
}

#[allow(
    unsafe_code,
    reason = "rdkafka 0.39 has no safe call for a record's status, which tells 503 from 504"
)]
fn status(record: &rdkafka::message::BorrowedMessage<'_>) -> Status {
    use rdkafka::bindings::{rd_kafka_message_status, rd_kafka_msg_status_t as Native};
    // SAFETY: the record lives as long as it is borrowed, and the call only reads it.
    match unsafe { rd_kafka_message_status(record.ptr()) } {
        Native::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Status::Absent,
        _ => Status::Unknown,
    }
}

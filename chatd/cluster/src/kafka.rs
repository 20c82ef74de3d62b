//! The log on Kafka.
//!
//! Appends go through one idempotent producer to the partition that chatd computed; Kafka's own partitioner
//! is never asked. Consumers join a group for ownership and commits only: a client of its own fetches their
//! records, each partition from exactly where its owner says. Each second the topics' ids and partitions are
//! compared with what was opened: offsets mean nothing in another topic of the same name.

mod commit;
mod epoch;
mod failure;
mod held;
mod member;
mod producer;
mod reader;
mod seats;
mod shared;
mod state;
mod watch;

pub use epoch::{EpochError, Epochs, FixedEpochs};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use engines::kafka::{Asker, DEAD_LETTERS, DeadLetter, Declared, Kafka};
use member::{Given, Member, Thread};
use parking_lot::{Mutex, RwLock};
use producer::Producer;
use schema::event::Topic;
use schema::limits::{self, KAFKA_ASK_TIME, KAFKA_LINGER};
use shared::{Shared, blocking};
use state::{Look, Opened};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::events::{Assignments, Committed, Done, Record};
use store::{Error, Events};
use tracing::warn;

/// How long closing waits for members that leave their groups.
const LEAVING: Duration = Duration::from_secs(3);
const LEAVING_STEP: Duration = Duration::from_millis(5);

/// The log on a cluster of Kafka. Dropping it loses what waits; [`Events::close`] does not.
pub struct KafkaEvents(Arc<Inner>);

pub(crate) struct Inner {
    shared: Arc<Shared>,
    topics: Vec<Opened>,
    epoch: u32,
    linger: Duration,
    producer: RwLock<Producer>,
    members: Mutex<Vec<Thread>>,
}

impl KafkaEvents {
    /// Opens the log on topics that are there as declared.
    ///
    /// # Errors
    /// `Corrupt` when a topic is missing, has another number of partitions, or is another one than history
    /// was built from: each names the command that helps. `Unavailable` when no broker answers.
    pub async fn open(kafka: &Kafka, epochs: &dyn Epochs, declared: &[Declared]) -> Result<Self, Error> {
        Self::open_lingering(kafka, epochs, declared, KAFKA_LINGER).await
    }

    /// [`KafkaEvents::open`] with another time for which records wait for others; for measurements.
    ///
    /// # Errors
    /// As [`KafkaEvents::open`].
    pub async fn open_lingering(
        kafka: &Kafka,
        epochs: &dyn Epochs,
        declared: &[Declared],
        linger: Duration,
    ) -> Result<Self, Error> {
        let asker = Asker::new(kafka).map_err(failure::engine)?;
        let topics = find(kafka, &asker, declared).await?;
        let mut epoch = 0;
        for topic in topics.iter().filter(|topic| topic.topic == Topic::Messages) {
            epoch = epochs.epoch_of(&topic.name, &topic.id).await.map_err(|error| match error {
                EpochError::OtherTopic { .. } => Error::Corrupt(error.to_string()),
                EpochError::Unavailable(why) => Error::Unavailable(why),
            })?;
        }
        let shared = Arc::new(Shared::new(kafka, asker));
        let producer = RwLock::new(Producer::start(kafka, &topics, Arc::clone(&shared), linger)?);
        let inner = Arc::new(Inner { shared, topics, epoch, linger, producer, members: Mutex::default() });
        tokio::spawn(watch::run(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }
}

/// The topics of the log as the brokers have them, compared with what is declared.
async fn find(kafka: &Kafka, asker: &Asker, declared: &[Declared]) -> Result<Vec<Opened>, Error> {
    let names = Topic::ALL.map(|topic| kafka.topic(topic));
    let found = asker.describe(names.to_vec(), KAFKA_ASK_TIME).await.map_err(failure::engine)?;
    let open = |(topic, name): (Topic, String)| {
        let now = found.iter().find(|found| found.name == name);
        let now = now.ok_or_else(|| {
            Error::Corrupt(format!("Kafka has no topic {name}; make it: chatctl schema apply"))
        })?;
        let partitions = declared
            .iter()
            .find(|declared| declared.name == topic.name())
            .ok_or_else(|| Error::Corrupt(format!("schema/kafka/topics.toml declares no {}", topic.name())))?
            .partitions;
        Ok(Opened { topic, name, id: now.id.clone(), partitions })
    };
    let topics = Topic::ALL.into_iter().zip(names).map(open).collect::<Result<Vec<_>, Error>>()?;
    match watch::compare(&topics, &found) {
        Look::Away(why) | Look::Replaced(why) => Err(Error::Corrupt(why)),
        Look::Fine | Look::Closed => Ok(topics),
    }
}

impl Inner {
    fn topic(&self, topic: Topic, partition: u32) -> Result<(usize, &Opened), Error> {
        let found = self.topics.iter().enumerate().find(|(_, opened)| opened.topic == topic);
        found.filter(|(_, opened)| partition < opened.partitions).ok_or_else(|| {
            let count = found.map_or(0, |(_, opened)| opened.partitions);
            Error::Corrupt(format!(
                "{} has no partition {partition}, only 0 to {count} exclusive",
                topic.name()
            ))
        })
    }

    /// Puts another producer in the place of one that can't go on.
    fn revive(&self) {
        if !self.producer.read().is_dead() {
            return;
        }
        match Producer::start(&self.shared.kafka, &self.topics, Arc::clone(&self.shared), self.linger) {
            Ok(producer) => *self.producer.write() = producer,
            Err(error) => warn!(%error, "Kafka's producer can't be replaced now"),
        }
    }
}

#[async_trait]
impl Events for KafkaEvents {
    fn epoch(&self) -> u32 {
        self.0.epoch
    }

    fn partitions(&self, topic: Topic) -> u32 {
        self.0.topic(topic, 0).map_or(0, |(_, opened)| opened.partitions)
    }

    fn append(&self, topic: Topic, partition: u32, payload: Bytes, done: Done) -> Result<(), Error> {
        let (lane, opened) = self.0.topic(topic, partition)?;
        if payload.len() > limits::RECORD_BYTES {
            let (bytes, most) = (payload.len(), limits::RECORD_BYTES);
            return Err(Error::Corrupt(format!(
                "record has {bytes} bytes, at most {most} are taken: make it smaller"
            )));
        }
        self.0.shared.state.health()?;
        self.0.producer.read().send(&opened.name, Some(lane), partition, &payload, done)
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Assignments>, Error> {
        let (_, opened) = self.0.topic(topic, 0)?;
        self.0.shared.state.readable()?;
        let (shared, opened, group) = (Arc::clone(&self.0.shared), opened.clone(), group.to_owned());
        let (member, thread) = blocking(move || Member::join(&shared, &opened, &group)).await?;
        let mut members = self.0.members.lock();
        members.retain(|member| !member.ended());
        members.push(thread);
        Ok(Box::new(Given(Arc::new(member))))
    }

    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, Error> {
        let (_, opened) = self.0.topic(topic, partition)?;
        Ok(self.0.shared.watermarks(&opened.name, partition).await?.1)
    }

    async fn record(&self, topic: Topic, partition: u32, offset: u64) -> Result<Option<Record>, Error> {
        let (_, opened) = self.0.topic(topic, partition)?;
        self.0.shared.record(&opened.name, partition, offset).await
    }

    async fn committed(&self, topic: Topic, partition: u32, group: &str) -> Result<Option<Committed>, Error> {
        let (_, opened) = self.0.topic(topic, partition)?;
        self.0.shared.committed(&opened.name, partition, group).await
    }

    /// A letter that can't be written is only logged: a replay of the record writes it again.
    fn set_aside(&self, _: Topic, partition: u32, record: &Record, reason: &str) {
        let letter = DeadLetter {
            epoch: self.0.epoch,
            partition,
            offset: record.offset,
            reason: reason.to_owned(),
            payload: STANDARD.encode(&record.payload),
        };
        let offset = record.offset;
        let lost = move |error: &Error| warn!(partition, offset, %error, "a dead letter was not written");
        let done: Done = Box::new(move |outcome| drop(outcome.inspect_err(lost)));
        let topic = self.0.shared.kafka.named(DEAD_LETTERS);
        let payload = serde_json::to_vec(&letter).unwrap_or_default();
        if let Err(error) = self.0.producer.read().send(&topic, None, 0, &payload, done) {
            lost(&error);
        }
    }

    fn health(&self) -> Result<(), Error> {
        self.0.shared.state.health()
    }

    async fn close(&self) {
        self.0.shared.state.see(Look::Closed);
        let inner = Arc::clone(&self.0);
        let _ = blocking(move || {
            inner.producer.read().finish();
            Ok(())
        })
        .await;
        // Members that are given up by now leave their groups before the process ends.
        let until = Instant::now() + LEAVING;
        while Instant::now() < until
            && self.0.members.lock().iter().any(|member| member.leaves() && !member.ended())
        {
            tokio::time::sleep(LEAVING_STEP).await;
        }
    }
}

//! A client that only asks.

use super::{Described, Kafka, describe, failed};
use crate::Error;
use rdkafka::ClientContext;
use rdkafka::client::Client;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use schema::limits::KAFKA_ASK_TIME;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tracing::debug;

/// What a client says between two calls is taken from it at the next one, so many at most.
const NEWS: usize = 32;

/// Asks a cluster of Kafka about topics and partitions. Clones share one connection.
#[derive(Clone)]
pub struct Asker(Arc<BaseConsumer<Quiet>>);

impl Asker {
    /// Makes the client; it connects by itself.
    ///
    /// # Errors
    /// `Refused` when the client does not take what the URL asked for.
    pub fn new(kafka: &Kafka) -> Result<Self, Error> {
        let mut config = kafka.client_config();
        config.set("client.id", "chatd-asks").set("reconnect.backoff.max.ms", "1000");
        let client = config.create_with_context(Quiet).map_err(|error| failed("making a client", &error))?;
        Ok(Self(Arc::new(client)))
    }

    /// The named topics that exist, with ids, leaders and replicas.
    ///
    /// # Errors
    /// `Unavailable` when no broker answers in time, `Refused` when it may not be asked.
    pub async fn describe(&self, topics: Vec<String>, wait: Duration) -> Result<Vec<Described>, Error> {
        self.ask(move |client| describe::describe(client, &topics, wait)).await
    }

    /// The first offset that is kept, and the one behind the last record.
    ///
    /// # Errors
    /// As [`Asker::describe`].
    pub async fn watermarks(&self, topic: &str, partition: u32) -> Result<(u64, u64), Error> {
        let (topic, number) = (topic.to_owned(), partition.cast_signed());
        self.ask(move |client| {
            let found = client.fetch_watermarks(&topic, number, KAFKA_ASK_TIME);
            let (first, end) = found.map_err(|error| failed("asking where a partition ends", &error))?;
            Ok((first.max(0).cast_unsigned(), end.max(0).cast_unsigned()))
        })
        .await
    }

    /// The names of all topics.
    pub(super) async fn names(&self) -> Result<Vec<String>, Error> {
        self.ask(|client| {
            let found = client.fetch_metadata(None, KAFKA_ASK_TIME);
            let found = found.map_err(|error| failed("listing topics", &error))?;
            Ok(found.topics().iter().map(|topic| topic.name().to_owned()).collect())
        })
        .await
    }

    /// Runs what blocks where it may.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&BaseConsumer<Quiet>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let client = Arc::clone(&self.0);
        let asked = spawn_blocking(move || {
            for _ in 0..NEWS {
                client.poll(Duration::ZERO);
            }
            question(&client)
        });
        asked.await.map_err(|error| Error::Unavailable(format!("Kafka, asking was ended: {error}")))?
    }
}

/// Says what goes wrong for who looks for it: the answer to a question says it to everybody else.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "Kafka");
    }

    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        debug!(facility, text, "librdkafka");
    }
}

impl ConsumerContext for Quiet {}

/// The native client, for calls that rdkafka has no word for.
pub(super) fn native(client: &BaseConsumer<Quiet>) -> &Client<Quiet> {
    client.client()
}

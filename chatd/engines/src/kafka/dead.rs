//! Dead letters: records of the log that are no event and were skipped.

use super::asker::Quiet;
use super::{Asker, Kafka, failed};
use crate::Error;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{Message, Offset, TopicPartitionList};
use schema::limits::KAFKA_ASK_TIME;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;

/// The topic that they are written to, without the prefix.
pub const DEAD_LETTERS: &str = "message-events-dlq";

/// A record that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    pub epoch: u32,
    pub partition: u32,
    pub offset: u64,
    /// Why it is no event.
    pub reason: String,
    /// The record's bytes as base64: nothing else can show them any more.
    pub payload: String,
}

/// Dead letters from the oldest that is kept, `max` at most, each with its offset among them. A replay writes
/// some again, which is left out here: a record's position tells it from others.
///
/// # Errors
/// `Unavailable` when no broker answers, `Refused` when they may not be read, `Different` when one is not
/// of this form.
pub async fn dead_letters(kafka: &Kafka, max: usize) -> Result<Vec<(u64, DeadLetter)>, Error> {
    let topic = kafka.named(DEAD_LETTERS);
    let (start, end) = Asker::new(kafka)?.watermarks(&topic, 0).await?;
    if start == end || max == 0 {
        return Ok(Vec::new());
    }
    let mut config = kafka.client_config();
    config.set("group.id", kafka.group("reader")).set("enable.auto.commit", "false");
    config.set("auto.offset.reset", "error");
    let reading = spawn_blocking(move || {
        let client: BaseConsumer<Quiet> =
            config.create_with_context(Quiet).map_err(|error| failed("making a client", &error))?;
        read(&client, &topic, start..end, max)
    });
    reading.await.map_err(|error| Error::Unavailable(format!("Kafka, reading was ended: {error}")))?
}

/// Blocks.
fn read(
    client: &BaseConsumer<Quiet>,
    topic: &str,
    range: std::ops::Range<u64>,
    max: usize,
) -> Result<Vec<(u64, DeadLetter)>, Error> {
    let wrong = |error| failed("reading dead letters", &error);
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, 0, Offset::Offset(range.start.cast_signed())).map_err(wrong)?;
    client.assign(&from).map_err(wrong)?;
    let (mut letters, mut seen) = (Vec::new(), HashSet::new());
    let mut heard = Instant::now();
    while letters.len() < max {
        let Some(found) = client.poll(Duration::from_millis(100)) else {
            if heard.elapsed() > KAFKA_ASK_TIME {
                return Err(Error::Unavailable("Kafka, no dead letter came in time".into()));
            }
            continue;
        };
        let found = found.map_err(wrong)?;
        heard = Instant::now();
        let offset = found.offset().max(0).cast_unsigned();
        let letter: DeadLetter = serde_json::from_slice(found.payload().unwrap_or_default())
            .map_err(|error| Error::Different(format!("Kafka, {topic} offset {offset}: {error}")))?;
        if seen.insert((letter.epoch, letter.partition, letter.offset)) {
            letters.push((offset, letter));
        }
        if offset + 1 >= range.end {
            break;
        }
    }
    Ok(letters)
}

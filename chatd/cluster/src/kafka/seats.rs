//! What a group gave to this member, and until when.

use super::commit::{self, Sent};
use super::failure;
use parking_lot::Mutex;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, Offset, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::Arc;
use store::Error;
use tokio::sync::watch;
use tracing::{debug, warn};

pub(super) type Group = BaseConsumer<Rebalances>;

/// The partitions of a member. Each change of them begins a turn; what was given in an earlier one is lost.
pub(super) struct Seats {
    inner: Mutex<Inner>,
    turn: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    turn: u64,
    /// Given and not yet taken up.
    waiting: VecDeque<u32>,
}

impl Default for Seats {
    fn default() -> Self {
        Self { inner: Mutex::default(), turn: watch::Sender::new(0) }
    }
}

impl Seats {
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.turn.subscribe()
    }

    /// The next partition that was given, and the turn in which it was.
    pub(super) fn take(&self) -> Option<(u32, u64)> {
        let mut inner = self.inner.lock();
        let turn = inner.turn;
        inner.waiting.pop_front().map(|partition| (partition, turn))
    }

    /// Sends a commit to Kafka, unless the turn is over. Under the lock: what is sent in a turn goes out
    /// before Kafka hears that the partitions were let go, so with the membership that they belonged to.
    pub(super) fn commit(
        &self,
        group: &Arc<Group>,
        turn: u64,
        (topic, partition): (&str, u32),
        (offset, metadata): (u64, &str),
    ) -> Result<Sent<Rebalances>, Error> {
        let mut offsets = TopicPartitionList::with_capacity(1);
        let mut place = offsets.add_partition(topic, partition.cast_signed());
        place.set_metadata(metadata);
        place
            .set_offset(Offset::Offset(offset.cast_signed()))
            .map_err(|error| Error::Corrupt(format!("{offset} is no offset of Kafka: {error}")))?;
        let inner = self.inner.lock();
        if inner.turn != turn {
            return Err(Error::Revoked);
        }
        commit::send(group, &offsets).map_err(failure::commit)
    }

    fn next_turn(&self, given: impl IntoIterator<Item = u32>) {
        let mut inner = self.inner.lock();
        inner.turn += 1;
        inner.waiting = given.into_iter().collect();
        self.turn.send_replace(inner.turn);
    }
}

/// Hears from Kafka who has which partition. Called by the thread that polls the member's client.
pub(super) struct Rebalances(pub(super) Arc<Seats>);

impl ClientContext for Rebalances {
    fn error(&self, error: KafkaError, reason: &str) {
        debug!(%error, reason, "Kafka's consumer group");
    }

    fn log(&self, _: RDKafkaLogLevel, facility: &str, text: &str) {
        debug!(facility, text, "librdkafka");
    }
}

impl ConsumerContext for Rebalances {
    fn rebalance(&self, group: &Group, what: RDKafkaRespErr, partitions: &mut TopicPartitionList) {
        let changed = if what == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let mut given: Vec<u32> =
                partitions.elements().iter().map(|place| place.partition().cast_unsigned()).collect();
            given.sort_unstable();
            debug!(partitions = ?given, "the group gave partitions");
            // Membership alone: the records are fetched by another client, from where their owner says.
            let taken = partitions
                .set_all_offsets(Offset::End)
                .and_then(|()| group.assign(partitions))
                .and_then(|()| group.pause(partitions));
            self.0.next_turn(given);
            taken
        } else {
            debug!("the group took the partitions back");
            self.0.next_turn([]);
            group.unassign()
        };
        if let Err(error) = changed {
            warn!(%error, "what the consumer group says can't be followed");
        }
    }
}

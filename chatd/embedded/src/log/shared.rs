//! What the log's callers, its writer and its consumers have in common.

use super::disk::Disk;
use super::lane::Lane;
use super::partition::Owners;
use super::queue::Queue;
use super::writer;
use schema::event::Topic;
use std::sync::Arc;
use store::Error;
use uuid::Uuid;

/// Called once, with the cause, when the log can't go on; the process should exit.
pub type Fatal = Box<dyn Fn(String) + Send + Sync>;

pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) id: Uuid,
    pub(crate) epoch: u32,
    pub(crate) partitions: u32,
    pub(crate) retention_bytes: u64,
    pub(crate) lanes: Vec<Arc<Lane>>,
    pub(crate) queue: Queue,
    pub(crate) owners: Owners,
    pub(crate) fatal: Fatal,
}

impl Shared {
    /// Where a partition stands in `lanes`.
    pub(crate) fn index(&self, topic: Topic, partition: u32) -> Result<usize, Error> {
        if partition >= self.partitions {
            let (name, last) = (topic.name(), self.partitions.saturating_sub(1));
            return Err(Error::Corrupt(format!(
                "partition {partition} of {name} does not exist, the last is {last}: take schema::event::partition_of"
            )));
        }
        let topics_before = match topic {
            Topic::Messages => 0,
            Topic::Presence => 1,
            Topic::Typing => 2,
        };
        Ok(topics_before * self.partitions as usize + partition as usize)
    }

    pub(crate) fn lane(&self, topic: Topic, partition: u32) -> Result<&Arc<Lane>, Error> {
        let index = self.index(topic, partition)?;
        let missing = || Error::Corrupt(format!("partition {partition} of {} is not open", topic.name()));
        self.lanes.get(index).ok_or_else(missing)
    }

    /// Stops the log for good.
    pub(crate) fn fail(&self, cause: String) {
        let Some(waiting) = self.queue.fail(&cause) else { return };
        tracing::error!(cause, "the log stopped for good");
        for pending in waiting {
            let refusal = Error::Unavailable(format!("the log stopped before this was written: {cause}"));
            writer::tell(pending.done, Err(refusal));
        }
        (self.fatal)(cause);
    }
}

//! The log: append, consume, commit, lag.

use crate::Error;
use async_trait::async_trait;
use bytes::Bytes;
use schema::event::Topic;
use std::time::Duration;

/// One record as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub offset: u64,
    pub payload: Bytes,
}

/// Told once how an append ended: the record's offset when it is durable (for topics that are).
pub type Done = Box<dyn FnOnce(Result<u64, Error>) + Send>;

/// Where a consumer group stands in a partition: it has dealt with everything before `offset`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub offset: u64,
    /// Free text of the group.
    pub metadata: String,
}

/// How far a partition's consumer is behind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Records appended and not yet committed by the group.
    pub records: u64,
}

/// The log.
///
/// Promises: records of a partition have dense offsets from 0 in the order of the calls of `append`; an
/// acknowledged record of a durable topic survives kill -9 and power loss; a record that was not
/// acknowledged is there once or not at all; a corrupt record is never returned.
#[async_trait]
pub trait Events: Send + Sync {
    /// Which life of the log this is; raised when the log is replaced.
    fn epoch(&self) -> u32;

    /// Declared number of partitions.
    fn partitions(&self, topic: Topic) -> u32;

    /// Queues a record; its place in the partition is that of this call. `done` is called from the log's
    /// thread, so it must be quick and must not block.
    ///
    /// # Errors
    /// `Overloaded` when the queue is at its bound, `Unavailable` when the log takes nothing now: `done` is
    /// dropped uncalled and nothing was stored.
    fn append(&self, topic: Topic, partition: u32, payload: Bytes, done: Done) -> Result<(), Error>;

    /// Joins a consumer group; its partitions come one by one through [`Assignments::next`].
    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Assignments>, Error>;

    /// The offset behind the last durable record.
    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, Error>;

    /// The record at an offset, if it is kept.
    async fn record(&self, topic: Topic, partition: u32, offset: u64) -> Result<Option<Record>, Error>;

    /// Where a group stands.
    async fn committed(&self, topic: Topic, partition: u32, group: &str) -> Result<Option<Committed>, Error>;

    /// How far a group is behind.
    async fn lag(&self, topic: Topic, partition: u32, group: &str) -> Result<Lag, Error> {
        let end = self.end(topic, partition).await?;
        let done = self.committed(topic, partition, group).await?.map_or(0, |c| c.offset);
        Ok(Lag { records: end.saturating_sub(done) })
    }

    /// Puts a record that is no event aside, where operators look for such. It stays in its partition, too, so
    /// a log that is on this machine need do nothing.
    fn set_aside(&self, _topic: Topic, _partition: u32, _record: &Record, _reason: &str) {}

    /// Whether appends are taken now, and why not.
    fn health(&self) -> Result<(), Error>;

    /// Ends the log: queued records are written, then appends are refused.
    async fn close(&self);
}

/// The partitions that a group member is given.
#[async_trait]
pub trait Assignments: Send {
    /// The next partition that is assigned; waits when there is none now.
    async fn next(&mut self) -> Result<Box<dyn Partition>, Error>;
}

/// One partition in the hands of one owner. Dropped when it is revoked or lost, with everything that its
/// owner remembers of it.
#[async_trait]
pub trait Partition: Send {
    fn number(&self) -> u32;

    /// Moves to the record at `offset`, which [`Partition::next`] returns first.
    ///
    /// # Errors
    /// `Corrupt` when that offset is no longer kept or beyond the end.
    async fn seek(&mut self, offset: u64) -> Result<(), Error>;

    /// The next records in offset order, 1 to `max` of them; waits up to `wait` when there is none, then
    /// returns an empty list.
    ///
    /// # Errors
    /// `Revoked` when the partition belongs to another owner now.
    async fn next(&mut self, max: usize, wait: Duration) -> Result<Vec<Record>, Error>;

    /// Remembers, durably, that everything before `offset` is dealt with.
    async fn commit(&mut self, offset: u64, metadata: &str) -> Result<(), Error>;
}

//! The log as our own append-only segments with group commit.
//!
//! An append is queued under one short lock; one thread writes what waits as a group, syncs once for each
//! durable partition, shows the records to consumers and then tells who waits. Consumers read recent records
//! from memory and older ones from the segments. Folder: `meta`, and for each partition `<topic>-<n>/` with
//! segments named by their first offset and `groups/` with the committed offsets.
//!
//! Invariants: a sync stands between a durable record's write and its acknowledgement and its being seen; a
//! record is returned only after its checksum; after a failed sync nothing is acknowledged again.

pub mod disk;
#[cfg(any(test, feature = "double"))]
pub mod double;
mod groups;
mod lane;
mod meta;
mod partition;
#[cfg(any(test, feature = "double"))]
pub mod probe;
mod queue;
mod record;
mod recover;
mod retention;
mod segment;
mod shared;
#[cfg(test)]
mod tests;
mod writer;

pub use disk::{Disk, RealDisk};
pub use shared::Fatal;

use async_trait::async_trait;
use bytes::Bytes;
use groups::Groups;
use lane::Lane;
use meta::Meta;
use parking_lot::Mutex;
use partition::{Member, Owners};
use queue::{Pending, Queue};
use schema::event::Topic;
use schema::limits;
use shared::Shared;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;
use store::events::{Assignments, Committed, Done, Record};
use store::{Error, Events};
use tokio::task::spawn_blocking;
use uuid::Uuid;
use writer::{Output, Writer};

/// How the log is kept. The defaults are those of `schema::limits`.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Partitions of each topic; fixed when the log is made.
    pub partitions: u32,
    /// A segment that would become larger is left for a new one.
    pub segment_bytes: u64,
    /// Bytes of a partition that stay even when every group has dealt with them.
    pub retention_bytes: u64,
    /// Bytes that may wait for the writer.
    pub queue_bytes: usize,
    /// Bytes of recent records in memory, a partition.
    pub tail_bytes: usize,
    /// How often a full disk is looked at again.
    pub probe_every: Duration,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            partitions: 1,
            segment_bytes: limits::SEGMENT_BYTES,
            retention_bytes: 1 << 30,
            queue_bytes: limits::LOG_QUEUE_BYTES,
            tail_bytes: limits::LOG_TAIL_BYTES,
            probe_every: Duration::from_millis(500),
        }
    }
}

/// The embedded log. Dropping it writes what waits and ends its thread.
pub struct Log {
    shared: Arc<Shared>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Log {
    /// Opens the log on a disk, or makes it there. `fatal` is called once if a sync fails later. Blocks.
    ///
    /// # Errors
    /// `Corrupt` when something is not as it was written, with file, byte and next step; `Unavailable` for
    /// errors of the disk.
    pub fn open(disk: Arc<dyn Disk>, config: LogConfig, fatal: Fatal) -> Result<Self, Error> {
        let partitions = config.partitions.max(1);
        let meta = Meta::open(&*disk, partitions)?;
        let places = Topic::ALL.into_iter().flat_map(|topic| (0..partitions).map(move |n| (topic, n)));
        let outputs = places.map(|place| open_lane(&disk, place, &config)).collect::<Result<Vec<_>, _>>()?;
        let shared = Arc::new(Shared {
            disk,
            id: meta.id,
            epoch: meta.epoch,
            partitions,
            retention_bytes: config.retention_bytes,
            lanes: outputs.iter().map(Output::lane).collect(),
            queue: Queue::new(config.queue_bytes),
            owners: Owners::default(),
            fatal,
        });
        let (segment_bytes, probe_every) = (config.segment_bytes, config.probe_every);
        let writer = Writer { shared: shared.clone(), outputs, segment_bytes, probe_every }.start();
        let writer = writer.map_err(|error| Error::Unavailable(format!("the log's thread: {error}")))?;
        Ok(Self { shared, writer: Arc::new(Mutex::new(Some(writer))) })
    }

    /// The log's identity, drawn when it was made.
    pub fn id(&self) -> Uuid {
        self.shared.id
    }

    /// The first offset of a partition that is kept.
    ///
    /// # Errors
    /// `Corrupt` when there is no such partition.
    pub fn first(&self, topic: Topic, partition: u32) -> Result<u64, Error> {
        Ok(self.shared.lane(topic, partition)?.first())
    }

    /// Removes segments that retention and groups let go, as each commit does too; returns the first offset
    /// that is kept. Blocks.
    ///
    /// # Errors
    /// `Corrupt` when there is no such partition, `Unavailable` when files could not be removed.
    pub fn cut(&self, topic: Topic, partition: u32) -> Result<u64, Error> {
        let lane = self.shared.lane(topic, partition)?;
        let failed = |error: io::Error| Error::Unavailable(format!("{}: {error}", lane.dir));
        retention::cut(lane, self.shared.retention_bytes).map_err(failed)
    }
}

/// Opens a partition.
fn open_lane(
    disk: &Arc<dyn Disk>,
    (topic, number): (Topic, u32),
    config: &LogConfig,
) -> Result<Output, Error> {
    let dir = meta::dir(topic, number);
    let failed = |error: io::Error| Error::Unavailable(format!("{}: {error}", disk.describe(&dir)));
    disk.create_dir(&dir).and_then(|()| disk.sync_dir("")).map_err(failed)?;
    let groups = Groups::open(&**disk, &dir)?;
    let ahead = groups.highest().filter(|_| topic.durable());
    let found =
        recover::recover(&**disk, &dir, topic.durable(), ahead.as_ref().map_or(0, |(_, offset)| *offset))?;
    let lane =
        Lane::new((topic, number, dir), disk.clone(), groups, found.segments, (found.end, config.tail_bytes));
    if let Some((group, offset)) = ahead
        && offset > found.end
    {
        return Err(lane.beyond(offset, found.end, &group));
    }
    Ok(Output::new(Arc::new(lane), found.active, found.end))
}

#[async_trait]
impl Events for Log {
    fn epoch(&self) -> u32 {
        self.shared.epoch
    }

    fn partitions(&self, _topic: Topic) -> u32 {
        self.shared.partitions
    }

    fn append(&self, topic: Topic, partition: u32, payload: Bytes, done: Done) -> Result<(), Error> {
        let lane = self.shared.index(topic, partition)?;
        if payload.len() > limits::RECORD_BYTES {
            let (bytes, most) = (payload.len(), limits::RECORD_BYTES);
            return Err(Error::Corrupt(format!(
                "record has {bytes} bytes, at most {most} are taken: make it smaller"
            )));
        }
        self.shared.queue.push(Pending { lane, payload, done })
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Assignments>, Error> {
        Ok(Box::new(Member::join(&self.shared, topic, group)?))
    }

    async fn end(&self, topic: Topic, partition: u32) -> Result<u64, Error> {
        Ok(self.shared.lane(topic, partition)?.end())
    }

    async fn record(&self, topic: Topic, partition: u32, offset: u64) -> Result<Option<Record>, Error> {
        let lane = self.shared.lane(topic, partition)?.clone();
        if offset < lane.first() || offset >= lane.end() {
            return Ok(None);
        }
        if let Some(found) = lane.recent(offset, 1) {
            return Ok(found.into_iter().next());
        }
        let found = partition::run(move || lane.stored(offset, 1)).await?;
        Ok(found.into_iter().find(|record| record.offset == offset))
    }

    async fn committed(&self, topic: Topic, partition: u32, group: &str) -> Result<Option<Committed>, Error> {
        Ok(self.shared.lane(topic, partition)?.groups.get(group))
    }

    fn health(&self) -> Result<(), Error> {
        self.shared.queue.health()
    }

    async fn close(&self) {
        self.shared.queue.close();
        let writer = self.writer.clone();
        // The writer has no panic to hand on: its alarm told already.
        let _ = spawn_blocking(move || writer.lock().take().map(JoinHandle::join)).await;
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.queue.close();
        // The last handle may be dropped by a callback in the writer itself, which can't wait for its own end.
        if let Some(writer) = self.writer.lock().take()
            && writer.thread().id() != thread::current().id()
        {
            let _ = writer.join();
        }
    }
}

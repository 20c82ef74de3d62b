//! One partition of a topic: its segments, its recent records in memory, its groups.

use super::disk::Disk;
use super::groups::Groups;
use super::segment::{Mark, Segment, Step};
use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use schema::event::Topic;
use std::collections::VecDeque;
use std::sync::Arc;
use store::Error;
use store::events::Record;
use tokio::sync::watch;

/// Bytes of records that one read from disk returns, about.
const READ_BYTES: usize = 4 << 20;
/// What a record in memory costs beside its payload, about.
pub(crate) const OVERHEAD_BYTES: usize = 64;

/// A partition that is open.
pub(crate) struct Lane {
    pub(crate) topic: Topic,
    pub(crate) number: u32,
    pub(crate) dir: String,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) groups: Groups,
    /// Ascending, never empty; the last one is written.
    pub(crate) segments: RwLock<Vec<Arc<Segment>>>,
    tail: Mutex<Tail>,
    /// Offset behind the last record that consumers may see.
    end: watch::Sender<u64>,
}

/// The newest records, at most so many bytes; dense.
struct Tail {
    records: VecDeque<Record>,
    bytes: usize,
    bound: usize,
}

impl Lane {
    pub(crate) fn new(
        (topic, number, dir): (Topic, u32, String),
        disk: Arc<dyn Disk>,
        groups: Groups,
        segments: Vec<Arc<Segment>>,
        (end, tail_bytes): (u64, usize),
    ) -> Self {
        let tail = Tail { records: VecDeque::new(), bytes: 0, bound: tail_bytes };
        let (segments, tail) = (RwLock::new(segments), Mutex::new(tail));
        Self { topic, number, dir, disk, groups, segments, tail, end: watch::Sender::new(end) }
    }

    /// Offset behind the last visible record.
    pub(crate) fn end(&self) -> u64 {
        *self.end.borrow()
    }

    /// Tells when the end moves.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.end.subscribe()
    }

    /// The first offset that is kept.
    pub(crate) fn first(&self) -> u64 {
        self.segments.read().first().map_or(0, |segment| segment.base)
    }

    /// Shows records to consumers; `end` is the offset behind them.
    pub(crate) fn publish(&self, records: impl Iterator<Item = Record>, end: u64) {
        let mut tail = self.tail.lock();
        for record in records {
            tail.bytes += record.payload.len() + OVERHEAD_BYTES;
            tail.records.push_back(record);
        }
        while tail.bytes > tail.bound
            && let Some(record) = tail.records.pop_front()
        {
            tail.bytes -= record.payload.len() + OVERHEAD_BYTES;
        }
        drop(tail);
        self.end.send_replace(end);
    }

    /// Records from memory, or `None` when they are not there any more (or not yet).
    pub(crate) fn recent(&self, from: u64, max: usize) -> Option<Vec<Record>> {
        let tail = self.tail.lock();
        let first = tail.records.front()?.offset;
        let skip = usize::try_from(from.checked_sub(first)?).ok()?;
        // Behind the end that is announced nothing is shown yet.
        let visible = usize::try_from(self.end().saturating_sub(from)).unwrap_or(usize::MAX);
        let records: Vec<Record> = tail.records.iter().skip(skip).take(max.min(visible)).cloned().collect();
        (!records.is_empty()).then_some(records)
    }

    /// Records from the segments, at least one if `from` is before the end. Blocks.
    pub(crate) fn stored(&self, from: u64, max: usize) -> Result<Vec<Record>, Error> {
        let end = self.end();
        let mut records = Vec::new();
        let (mut next, mut bytes) = (from, 0);
        while next < end && records.len() < max && bytes < READ_BYTES {
            let (segment, limit) = self.segment_of(next)?;
            let limit = limit.unwrap_or(end).min(end);
            let failed =
                |error| Error::Unavailable(format!("{}: {error}", self.disk.describe(&segment.path)));
            let mut scan = segment.scan(segment.nearest(next));
            let mut skip = None;
            while scan.at().offset < limit && records.len() < max && bytes < READ_BYTES {
                let at = scan.at();
                let why = match scan.step().map_err(failed)? {
                    Step::Record { offset, payload } => {
                        if offset >= next {
                            bytes += payload.len() + OVERHEAD_BYTES;
                            records.push(Record { offset, payload: Bytes::copy_from_slice(payload) });
                        }
                        continue;
                    }
                    Step::End => "the file ends before it",
                    Step::Bad(why) => why,
                };
                // What is good before it is given first; the next read meets the damage again.
                if !records.is_empty() {
                    return Ok(records);
                }
                if self.topic.durable() {
                    return Err(self.damaged(&segment, at, why));
                }
                tracing::warn!(
                    file = self.disk.describe(&segment.path),
                    byte = at.position,
                    why,
                    "damage, skipped"
                );
                skip = Some(limit);
                break;
            }
            next = skip.unwrap_or(scan.at().offset);
        }
        Ok(records)
    }

    /// The segment that holds a record, and the base of the one after it.
    fn segment_of(&self, offset: u64) -> Result<(Arc<Segment>, Option<u64>), Error> {
        let segments = self.segments.read();
        let after = segments.partition_point(|segment| segment.base <= offset);
        let limit = segments.get(after).map(|segment| segment.base);
        match after.checked_sub(1).and_then(|i| segments.get(i)) {
            Some(segment) => Ok((segment.clone(), limit)),
            None => Err(self.cut_off(offset, segments.first().map_or(0, |segment| segment.base))),
        }
    }

    /// What is said when a reader stands before the first record that is kept.
    pub(crate) fn cut_off(&self, offset: u64, first: u64) -> Error {
        Error::Corrupt(format!(
            "{}: record {offset} is not kept any more, the first is {first}; what reads from there is older than the \
             log: restore the whole data folder from one backup",
            self.disk.describe(&self.dir)
        ))
    }

    /// What is said when somebody stands behind the last record: the log lost what it had acknowledged.
    pub(crate) fn beyond(&self, offset: u64, end: u64, group: &str) -> Error {
        Error::Corrupt(format!(
            "{}: group {group} is at record {offset} and the log ends before {end}: records are missing at its end; \
             restore the whole data folder from one backup",
            self.disk.describe(&self.dir)
        ))
    }

    fn damaged(&self, segment: &Segment, at: Mark, why: &str) -> Error {
        let (file, Mark { offset, position }) = (self.disk.describe(&segment.path), at);
        Error::Corrupt(format!(
            "{file}, byte {position}: record {offset} is damaged ({why}); restore the data folder from a backup"
        ))
    }
}

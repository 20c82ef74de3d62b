//! A segment: a file of records from a base offset, behind a head that names its salt.

use super::disk::{self, Disk, DiskFile};
use super::record::{self, Parsed};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::Error;

/// Bytes before the first record: magic (8), version (4), salt (8), base offset (8), checksum (4).
pub(crate) const HEAD_BYTES: u64 = 32;
const MAGIC: &[u8; 8] = b"chatdlog";
const VERSION: u32 = 1;
/// Bytes between two marks of the index.
const MARK_EVERY: u64 = 64 << 10;
/// Bytes read from a file at once.
const READ_BYTES: usize = 256 << 10;
/// Ending of a segment's name.
const SUFFIX: &str = ".log";

/// Where a record starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) offset: u64,
    pub(crate) position: u64,
}

/// An open segment.
pub(crate) struct Segment {
    pub(crate) path: String,
    pub(crate) base: u64,
    pub(crate) salt: u64,
    pub(crate) file: Arc<dyn DiskFile>,
    size: AtomicU64,
    /// Some of the records' places, ascending, so that a read does not start at the front.
    index: Mutex<Vec<Mark>>,
}

/// The file name of a base offset; names sort as offsets do.
pub(crate) fn name(base: u64) -> String {
    format!("{base:020}{SUFFIX}")
}

/// The base offset in a file name.
pub(crate) fn base(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(SUFFIX)?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

impl Segment {
    /// Makes an empty segment, durable with its name if `durable`.
    pub(crate) fn create(disk: &dyn Disk, dir: &str, base: u64, durable: bool) -> io::Result<Self> {
        let path = disk::join(dir, &name(base));
        let salt = rand::random();
        let file = disk.create(&path)?;
        file.write_at(0, &head(salt, base))?;
        if durable {
            file.sync_data()?;
            disk.sync_dir(dir)?;
        }
        Ok(Self::new(path, base, salt, file, HEAD_BYTES))
    }

    /// Opens a segment; `None` when its head was never written wholly.
    pub(crate) fn open(disk: &dyn Disk, dir: &str, base: u64) -> Result<Option<Self>, Error> {
        let path = disk::join(dir, &name(base));
        let failed = |error: io::Error| Error::Unavailable(format!("{}: {error}", disk.describe(&path)));
        let file = disk.open(&path).map_err(failed)?;
        let size = file.size().map_err(failed)?;
        let mut bytes = [0; HEAD_BYTES as usize];
        let read = disk::read_full(&*file, 0, &mut bytes).map_err(failed)?;
        let refused = |why: &str| {
            let file = disk.describe(&path);
            Error::Corrupt(format!("{file}, byte 0: {why}; restore the data folder from a backup"))
        };
        match read_head(&bytes[..read]) {
            Ok((salt, found)) if found == base => Ok(Some(Self::new(path, base, salt, file, size))),
            Ok((_, found)) => {
                Err(refused(&format!("the segment says it starts at record {found}, its name says {base}")))
            }
            Err(HeadError::Version(version)) => Err(refused(&format!(
                "the segment has version {version}, this chatd reads {VERSION}: run a newer one"
            ))),
            // Records follow a head only after the head was synced: with none behind it nothing is lost.
            Err(HeadError::Damaged) if size <= HEAD_BYTES => Ok(None),
            Err(HeadError::Damaged) => Err(refused("the segment's head is damaged")),
        }
    }

    fn new(path: String, base: u64, salt: u64, file: Arc<dyn DiskFile>, size: u64) -> Self {
        let index = Mutex::new(vec![Mark { offset: base, position: HEAD_BYTES }]);
        Self { path, base, salt, file, size: AtomicU64::new(size), index }
    }

    /// Bytes that are in use.
    pub(crate) fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Notes how far the segment is written.
    pub(crate) fn set_size(&self, size: u64) {
        self.size.store(size, Ordering::Release);
    }

    /// Remembers a record's place, if the last one remembered is far enough before it.
    pub(crate) fn mark(&self, mark: Mark) {
        let mut index = self.index.lock();
        if index.last().is_some_and(|last| mark.position >= last.position + MARK_EVERY) {
            index.push(mark);
        }
    }

    /// The nearest known place at or before a record.
    pub(crate) fn nearest(&self, offset: u64) -> Mark {
        let index = self.index.lock();
        let after = index.partition_point(|mark| mark.offset <= offset);
        index
            .get(after.saturating_sub(1))
            .copied()
            .unwrap_or(Mark { offset: self.base, position: HEAD_BYTES })
    }

    /// Reads records one by one from a place where one starts.
    pub(crate) fn scan(&self, from: Mark) -> Scan<'_> {
        Scan { segment: self, at: from, buffer: Vec::new(), start: 0 }
    }
}

/// What a scan met.
#[derive(Debug)]
pub(crate) enum Step<'a> {
    Record {
        offset: u64,
        payload: &'a [u8],
    },
    /// The file ends where a record ends.
    End,
    /// No record is here.
    Bad(&'static str),
}

/// A walk through a segment. Every record that it gives was checked.
pub(crate) struct Scan<'a> {
    segment: &'a Segment,
    at: Mark,
    buffer: Vec<u8>,
    /// Where `at` is in the buffer.
    start: usize,
}

impl Scan<'_> {
    /// Where the next record starts.
    pub(crate) fn at(&self) -> Mark {
        self.at
    }

    /// The next record.
    pub(crate) fn step(&mut self) -> io::Result<Step<'_>> {
        // Twice, since the length itself may have been missing.
        for _ in 0..2 {
            let needed = record::needed(&self.buffer[self.start..]);
            if self.buffer.len() - self.start < needed {
                self.fill(needed)?;
            }
        }
        match record::parse(self.segment.salt, &self.buffer[self.start..]) {
            Parsed::Short(_) if self.buffer.len() == self.start => Ok(Step::End),
            Parsed::Short(_) => Ok(Step::Bad("the file ends in it")),
            Parsed::Bad(why) => Ok(Step::Bad(why)),
            Parsed::Record { offset, .. } if offset != self.at.offset => {
                Ok(Step::Bad("it has another number"))
            }
            Parsed::Record { offset, payload } => {
                self.segment.mark(self.at);
                let size = record::HEAD_BYTES + payload.len();
                self.start += size;
                self.at = Mark { offset: offset + 1, position: self.at.position + size as u64 };
                Ok(Step::Record { offset, payload })
            }
        }
    }

    /// Reads on until `needed` bytes stand behind `start`, or the file ends.
    fn fill(&mut self, needed: usize) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let kept = self.buffer.len();
        self.buffer.resize(needed.max(READ_BYTES), 0);
        let read =
            disk::read_full(&*self.segment.file, self.at.position + kept as u64, &mut self.buffer[kept..])?;
        self.buffer.truncate(kept + read);
        Ok(())
    }
}

enum HeadError {
    Damaged,
    Version(u32),
}

/// A segment's first bytes.
pub(crate) fn head(salt: u64, base: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES as usize);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&salt.to_le_bytes());
    bytes.extend_from_slice(&base.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// Salt and base offset.
fn read_head(bytes: &[u8]) -> Result<(u64, u64), HeadError> {
    let (body, crc) = bytes.split_last_chunk::<4>().ok_or(HeadError::Damaged)?;
    if bytes.len() as u64 != HEAD_BYTES
        || crc32fast::hash(body).to_le_bytes() != *crc
        || !body.starts_with(MAGIC)
    {
        return Err(HeadError::Damaged);
    }
    let field = |at: usize| body[at..].first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
    let version = body[8..].first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b));
    if version == VERSION { Ok((field(12), field(20))) } else { Err(HeadError::Version(version)) }
}

//! Opening a partition's folder after whatever happened to it.
//!
//! Only the last segment is read through; older ones were synced before it was made and are checked when
//! they are read. Everything here may be interrupted and done again.

use super::disk::{self, Disk};
use super::record::{self, Parsed};
use super::segment::{self, Mark, Segment, Step};
use std::io;
use std::sync::Arc;
use store::Error;

/// Bytes searched at once for a record behind a bad one.
const SEARCH_BYTES: usize = 4 << 20;

/// A partition as it was found: never without a segment.
pub(crate) struct Found {
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) active: Arc<Segment>,
    /// Offset behind the last record.
    pub(crate) end: u64,
}

/// Opens the segments in a folder; makes the first one in an empty folder. Records before `needed`
/// were dealt with by a consumer.
///
/// # Errors
/// `Corrupt` when a record in the middle is damaged in a durable partition, `Unavailable` for disk errors.
pub(crate) fn recover(disk: &dyn Disk, dir: &str, durable: bool, needed: u64) -> Result<Found, Error> {
    let failed = |error: io::Error| Error::Unavailable(format!("{}: {error}", disk.describe(dir)));
    let mut bases: Vec<u64> =
        disk.list(dir).map_err(failed)?.iter().filter_map(|n| segment::base(n)).collect();
    bases.sort_unstable();
    let mut segments = Vec::with_capacity(bases.len() + 1);
    for (i, &base) in bases.iter().enumerate() {
        match Segment::open(disk, dir, base)? {
            Some(segment) => segments.push(Arc::new(segment)),
            None if i + 1 == bases.len() || !durable => {
                let path = disk::join(dir, &segment::name(base));
                tracing::warn!(
                    file = disk.describe(&path),
                    "segment without a head and without records, removed"
                );
                disk.remove(&path).and_then(|()| disk.sync_dir(dir)).map_err(failed)?;
            }
            None => {
                let file = disk.describe(&disk::join(dir, &segment::name(base)));
                return Err(Error::Corrupt(format!(
                    "{file}, byte 0: the segment is empty and later ones are there; restore the data folder from a backup"
                )));
            }
        }
    }
    let Some(active) = segments.last().cloned() else {
        let first = Arc::new(Segment::create(disk, dir, 0, durable).map_err(failed)?);
        return Ok(Found { segments: vec![first.clone()], active: first, end: 0 });
    };
    let end = settle(disk, &active, durable, needed)?;
    Ok(Found { segments, active, end })
}

/// Reads a segment through and cuts a torn tail; returns the offset behind its last record.
fn settle(disk: &dyn Disk, segment: &Segment, durable: bool, needed: u64) -> Result<u64, Error> {
    let file = disk.describe(&segment.path);
    let failed = |error: io::Error| Error::Unavailable(format!("{file}: {error}"));
    let mut scan = segment.scan(segment.nearest(segment.base));
    let why = loop {
        match scan.step().map_err(failed)? {
            Step::Record { .. } => {}
            Step::End => break None,
            Step::Bad(why) => break Some(why),
        }
    };
    let Mark { offset, position } = scan.at();
    if let Some(why) = why {
        let cut = segment.size().saturating_sub(position);
        if durable && let Some(next) = later_record(segment, position, offset).map_err(failed)? {
            // Cutting below what the history view was built from would number other records the same.
            let or = if offset < needed {
                String::new()
            } else {
                format!(", or give up this record and all behind it: truncate -s {position} {file}")
            };
            return Err(Error::Corrupt(format!(
                "{file}, byte {position}: record {offset} is damaged ({why}) and a good one follows at byte {next}; \
                 restore the data folder from a backup{or}"
            )));
        }
        tracing::warn!(file, byte = position, record = offset, cut, why, "torn tail, cut");
        segment.file.truncate(position).map_err(failed)?;
    }
    segment.set_size(position);
    if durable {
        // What a killed process wrote and did not sync is served from now on, so it must be durable.
        segment.file.sync_data().map_err(failed)?;
    }
    Ok(offset)
}

/// The place of any record of this segment behind a bad one.
fn later_record(segment: &Segment, bad: u64, offset: u64) -> io::Result<Option<u64>> {
    let size = segment.size();
    let most = size.saturating_sub(bad) / record::HEAD_BYTES as u64;
    let offsets = offset..offset.saturating_add(most + 1);
    let mut buffer = vec![0; SEARCH_BYTES + record::MAX_BYTES];
    let mut from = bad + 1;
    while from < size {
        let read = disk::read_full(&*segment.file, from, &mut buffer)?;
        for at in 0..read.min(SEARCH_BYTES) {
            let rest = &buffer[at..read];
            if record::plausible(rest, offsets.clone())
                && matches!(record::parse(segment.salt, rest), Parsed::Record { .. })
            {
                return Ok(Some(from + at as u64));
            }
        }
        from += SEARCH_BYTES as u64;
    }
    Ok(None)
}

//! The format of a segment for whoever tests it from outside: written from payloads, read from any bytes.

use super::double::DoubleDisk;
use super::{disk::Disk, record, recover, segment};
use store::Error;

const DIR: &str = "partition";

/// A segment's bytes: its head, then a record for each payload, numbered from `base`. Payloads are at most
/// `limits::RECORD_BYTES` long.
pub fn write(salt: u64, base: u64, payloads: &[&[u8]]) -> Vec<u8> {
    let mut bytes = segment::head(salt, base);
    for (number, payload) in (base..).zip(payloads) {
        record::encode(salt, number, payload, &mut bytes);
    }
    bytes
}

/// The records that are found, with their numbers, when a log is opened on these bytes as its last segment.
///
/// # Errors
/// `Corrupt` when they are refused, as a damaged middle is.
pub fn read(bytes: &[u8], base: u64) -> Result<Vec<(u64, Vec<u8>)>, Error> {
    let failed = |error: std::io::Error| Error::Unavailable(error.to_string());
    let disk = DoubleDisk::new();
    disk.create_dir(DIR).map_err(failed)?;
    let file = disk.create(&format!("{DIR}/{}", segment::name(base))).map_err(failed)?;
    file.write_at(0, bytes).map_err(failed)?;
    let found = recover::recover(&disk, DIR, true, 0)?;
    let mut scan = found.active.scan(found.active.nearest(found.active.base));
    let mut records = Vec::new();
    while let segment::Step::Record { offset, payload } = scan.step().map_err(failed)? {
        records.push((offset, payload.to_vec()));
    }
    Ok(records)
}

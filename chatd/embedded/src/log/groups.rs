//! Where consumer groups stand in a partition: a small file each, replaced as a whole.

use super::disk::{self, Disk};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use store::Error;
use store::events::Committed;

/// Folder of the files in the partition's folder.
const DIR: &str = "groups";
/// Bytes of such a file, at most.
const FILE_BYTES: usize = 64 << 10;
/// Characters of a group's name, at most.
const NAME_CHARS: usize = 64;

/// The groups of a partition.
pub(crate) struct Groups {
    dir: String,
    known: Mutex<BTreeMap<String, Committed>>,
    /// Held while a file is written, so that the last caller's file is the last one written.
    saving: Mutex<()>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    offset: u64,
    metadata: String,
}

impl Groups {
    /// Reads the files of a partition's folder, which is there.
    pub(crate) fn open(disk: &dyn Disk, partition: &str) -> Result<Self, Error> {
        let dir = disk::join(partition, DIR);
        let failed = |error: io::Error| Error::Unavailable(format!("{}: {error}", disk.describe(&dir)));
        disk.create_dir(&dir).and_then(|()| disk.sync_dir(partition)).map_err(failed)?;
        let mut known = BTreeMap::new();
        for name in disk.list(&dir).map_err(failed)? {
            if !is_name(&name) {
                continue; // an interrupted replacement
            }
            let path = disk::join(&dir, &name);
            let bytes = disk::read_all(disk, &path, FILE_BYTES).map_err(failed)?;
            let stored = decode(&bytes).ok_or_else(|| {
                let file = disk.describe(&path);
                Error::Corrupt(format!("{file}: not what was written; restore the data folder from a backup"))
            })?;
            known.insert(name, Committed { offset: stored.offset, metadata: stored.metadata });
        }
        Ok(Self { dir, known: Mutex::new(known), saving: Mutex::new(()) })
    }

    pub(crate) fn get(&self, group: &str) -> Option<Committed> {
        self.known.lock().get(group).cloned()
    }

    /// The group that is furthest behind, if there is any.
    pub(crate) fn lowest(&self) -> Option<u64> {
        self.known.lock().values().map(|committed| committed.offset).min()
    }

    /// The group that is furthest ahead, by name.
    pub(crate) fn highest(&self) -> Option<(String, u64)> {
        let known = self.known.lock();
        known.iter().max_by_key(|(_, c)| c.offset).map(|(name, c)| (name.clone(), c.offset))
    }

    /// Stores durably where a group stands. Blocks. `allowed` is asked once nobody else is storing.
    pub(crate) fn save(
        &self,
        disk: &dyn Disk,
        group: &str,
        committed: Committed,
        allowed: impl Fn() -> bool,
    ) -> io::Result<bool> {
        let _saving = self.saving.lock();
        if !allowed() {
            return Ok(false);
        }
        let bytes = encode(&Stored { offset: committed.offset, metadata: committed.metadata.clone() })?;
        disk::replace(disk, &self.dir, group, &bytes)?;
        self.known.lock().insert(group.to_owned(), committed);
        Ok(true)
    }
}

/// Whether this can be a group, and its file.
pub(crate) fn is_name(group: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !group.is_empty() && group.len() <= NAME_CHARS && group.chars().all(allowed)
}

/// A line with the checksum of what follows it.
fn encode(stored: &Stored) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(stored)?;
    let bytes = [format!("{:08x}\n", crc32fast::hash(&body)).into_bytes(), body].concat();
    if bytes.len() > FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("metadata makes {} bytes", bytes.len()),
        ));
    }
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<Stored> {
    let (line, body) = bytes.split_at_checked(9)?;
    let crc = u32::from_str_radix(std::str::from_utf8(line).ok()?.trim_end(), 16).ok()?;
    if crc != crc32fast::hash(body) {
        return None;
    }
    serde_json::from_slice(body).ok()
}

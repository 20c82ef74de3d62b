//! What makes this log this log.

use super::disk::{self, Disk};
use schema::event::Topic;
use serde::{Deserialize, Serialize};
use std::io;
use store::Error;
use uuid::Uuid;

const FILE: &str = "meta";
const FILE_BYTES: usize = 4096;
const VERSION: u32 = 1;
/// The epoch of a new log.
const FIRST_EPOCH: u32 = 1;

/// The content of the file.
#[derive(Serialize, Deserialize)]
pub(crate) struct Meta {
    version: u32,
    pub(crate) id: Uuid,
    pub(crate) epoch: u32,
    pub(crate) partitions: u32,
}

/// Folder of a partition.
pub(crate) fn dir(topic: Topic, partition: u32) -> String {
    format!("{}-{partition}", topic.name())
}

impl Meta {
    /// Reads the file; writes it in an empty folder, before anything else is made there.
    ///
    /// # Errors
    /// `Corrupt` when it is not for this configuration or not what was written.
    pub(crate) fn open(disk: &dyn Disk, partitions: u32) -> Result<Self, Error> {
        let file = disk.describe(FILE);
        let failed = |error: io::Error| Error::Unavailable(format!("{file}: {error}"));
        let names = disk.list("").map_err(failed)?;
        if !names.iter().any(|name| name == FILE) {
            if names.iter().any(|name| *name == dir(Topic::Messages, 0)) {
                return Err(Error::Corrupt(format!(
                    "{file} is missing; restore the data folder from a backup"
                )));
            }
            let meta = Self { version: VERSION, id: Uuid::new_v4(), epoch: FIRST_EPOCH, partitions };
            let bytes = serde_json::to_vec(&meta).map_err(|error| failed(error.into()))?;
            disk::replace(disk, "", FILE, &bytes).map_err(failed)?;
            return Ok(meta);
        }
        let bytes = disk::read_all(disk, FILE, FILE_BYTES).map_err(failed)?;
        let meta: Self = serde_json::from_slice(&bytes).map_err(|error| {
            Error::Corrupt(format!(
                "{file} is not what was written ({error}); restore the data folder from a backup"
            ))
        })?;
        if meta.version != VERSION {
            return Err(Error::Corrupt(format!(
                "{file} has version {}, this chatd reads {VERSION}: run the chatd that wrote it",
                meta.version
            )));
        }
        if meta.partitions != partitions {
            return Err(Error::Corrupt(format!(
                "{file}: the log has {} partitions, the configuration says {partitions}; \
                 the count is fixed for the life of a log: configure {}",
                meta.partitions, meta.partitions
            )));
        }
        Ok(meta)
    }
}

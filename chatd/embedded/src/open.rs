//! The whole set, opened from one data folder and closed together.

use crate::log::{Fatal, Log, LogConfig, RealDisk};
use crate::{FolderLock, History, LockError, MemoryPresence, MemoryTickets, People};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::{Error, Events, Stores};
use tokio::sync::broadcast;

/// Why the set did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A store refused; names its file and what to do.
    #[error(transparent)]
    Store(#[from] Error),
}

/// The embedded stores of one data folder, held for this process.
pub struct Embedded {
    pub stores: Stores,
    people: People,
    _lock: FolderLock,
}

/// Opens the stores in `data`, which is made when it is missing, for nobody but this user. `fatal` is called
/// once if the log can no longer tell what is durable: end the process then.
///
/// # Errors
/// When another process holds the folder, or a store's files are not what was written or can't be opened.
pub async fn open(data: &Path, log: LogConfig, fatal: Fatal) -> Result<Embedded, OpenError> {
    make_private(data).map_err(|cause| LockError::Io { folder: data.display().to_string(), cause })?;
    let lock = FolderLock::take(data)?;
    let folder = data.to_owned();
    let files = tokio::task::spawn_blocking(move || open_files(folder, log, fatal));
    let file = data.join("people.sqlite");
    let (people, files) = tokio::join!(Box::pin(People::open(&file)), files);
    let (log, history) =
        files.map_err(|ended| Error::Unavailable(format!("opening {}: {ended}", data.display())))??;
    let people = people?;
    let stores = Stores {
        events: Arc::new(log),
        messages: Arc::new(history),
        accounts: Arc::new(people.clone()),
        profiles: Arc::new(people.clone()),
        presence: Arc::new(MemoryPresence::default()),
        tickets: Arc::new(MemoryTickets::default()),
        rates: None,
        news: broadcast::channel(1).0,
    };
    Ok(Embedded { stores, people, _lock: lock })
}

/// What blocks: the log is read to its end, the view replays its journal.
fn open_files(data: PathBuf, config: LogConfig, fatal: Fatal) -> Result<(Log, History), Error> {
    let partitions = config.partitions.max(1);
    let folder = data.join("log");
    let disk = RealDisk::new(&folder)
        .map_err(|cause| Error::Unavailable(format!("{} cannot be used: {cause}", folder.display())))?;
    let log = Log::open(Arc::new(disk), config, fatal)?;
    let history = History::open(&data.join("history"), log.epoch(), partitions)?;
    Ok((log, history))
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl Embedded {
    /// Closes the stores: what the log has taken is written, and the folder is free once every clone of
    /// `stores` is gone.
    pub async fn close(self) {
        self.stores.events.close().await;
        self.people.close().await;
    }
}

//! `store::Messages` on fjall: the history view, rebuilt from the log behind its last checkpoint.
//!
//! - `keys`: how rows are keyed, so that every read is a point or one ordered range
//! - `codec`: the bytes of their values
//! - `write`: one batch of the sequencer, atomic in fjall and not synced
//! - `blocks`: who has blocked whom, and whose content is gone
//! - `read`, `feed`: what the product asks
//!
//! Invariants: a batch is there as a whole or not at all, and after a crash the view is a prefix of the
//! batches that holds at least the last checkpoint. A failed write is the end of the view's writes until the
//! process is started again, because fjall's memory and journal may disagree from then on. `clear` is never
//! called: fjall has brought cleared rows back on replay.

mod blocks;
mod codec;
mod feed;
mod keys;
mod read;
mod write;

use async_trait::async_trait;
use fjall::config::{BloomConstructionPolicy, FilterPolicy, FilterPolicyEntry};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use parking_lot::Mutex;
use schema::{ConversationId, Cursor, MessageId, Position, SessionId, UserId};
use std::collections::HashMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use store::Error;
use store::messages::{Applied, Block, FeedEntry, Head, IdEntry, Messages, Page, StoredMessage, Write};

/// Bytes of blocks kept in memory for reads.
const BLOCK_CACHE_BYTES: u64 = 16 << 20;
/// Bytes of journals on disk before the slowest keyspace is flushed: bounds the replay at start.
const JOURNAL_BYTES: u64 = 64 << 20;
/// Open table files.
const OPEN_FILES: usize = 256;
/// fjall's threads: one flushes, one compacts. With a single one a long compaction would hold up the flush,
/// and writers wait for a flush.
const WORKERS: usize = 2;
/// A write that runs longer has met a flush that will never end: fjall waits for it without a bound.
const STUCK: Duration = Duration::from_secs(10);
/// The layout of keys and values; another one is refused.
const FORMAT: u8 = 2;

/// The history view in one folder.
#[derive(Clone)]
pub struct History(Arc<View>);

struct View {
    db: Database,
    rows: Keyspace,
    ids: Keyspace,
    heads: Keyspace,
    members: Keyspace,
    feed: Keyspace,
    devices: Keyspace,
    blocks: Keyspace,
    blockers: Keyspace,
    erased: Keyspace,
    meta: Keyspace,
    /// Whether anybody was ever erased: if not, rows need not ask.
    any_erased: AtomicBool,
    /// Of the log this view is built from: device positions are of this epoch.
    epoch: u32,
    partitions: u32,
    /// Held from looking at a head to writing it: by which record each was changed last, as far as that is
    /// remembered. One writer a partition, so nobody waits long.
    writing: Mutex<HashMap<ConversationId, Position>>,
    /// Why writes ended.
    failed: OnceLock<String>,
    opened: Instant,
    /// When the running write began, in milliseconds since `opened`; 0 when none runs.
    writing_since: AtomicU64,
}

/// A write that runs, until it is dropped.
struct Running<'a>(&'a View);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.writing_since.store(0, Ordering::Relaxed);
    }
}

impl History {
    /// Opens the view in `folder`, which is made when it is missing, beside a log of this epoch with this
    /// many partitions.
    ///
    /// # Errors
    /// `Corrupt` when the files are not what was written, `Unavailable` when they cannot be opened now.
    pub fn open(folder: &Path, epoch: u32, partitions: u32) -> Result<Self, Error> {
        make_private(folder)?;
        let db = Database::builder(folder)
            .cache_size(BLOCK_CACHE_BYTES)
            .max_journaling_size(JOURNAL_BYTES)
            .max_cached_files(Some(OPEN_FILES))
            .worker_threads(WORKERS)
            .open()
            .map_err(|cause| cannot_open(folder, &cause))?;
        let keyspace = |name: &str, memtable: u64, points: bool| {
            db.keyspace(name, || options(memtable, points)).map_err(|cause| cannot_open(folder, &cause))
        };
        let view = View {
            rows: keyspace("messages", 4 << 20, false)?,
            ids: keyspace("ids", 2 << 20, true)?,
            heads: keyspace("heads", 2 << 20, true)?,
            members: keyspace("members", 2 << 20, false)?,
            feed: keyspace("feed", 2 << 20, false)?,
            devices: keyspace("devices", 1 << 20, true)?,
            blocks: keyspace("blocks", 1 << 20, false)?,
            blockers: keyspace("blockers", 1 << 20, true)?,
            erased: keyspace("erased", 1 << 20, true)?,
            meta: keyspace("meta", 1 << 20, true)?,
            any_erased: AtomicBool::new(false),
            db,
            epoch,
            partitions,
            writing: Mutex::default(),
            failed: OnceLock::new(),
            opened: Instant::now(),
            writing_since: AtomicU64::new(0),
        };
        view.check_format(folder)?;
        let erased = view.erased.first_key_value().is_some();
        view.any_erased.store(erased, Ordering::Relaxed);
        Ok(Self(Arc::new(view)))
    }

    /// Runs a read that scans where it may block. Outside a runtime, as in a tool, that is right here.
    async fn scan<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&View) -> Result<T, Error> + Send + 'static,
    {
        let view = Arc::clone(&self.0);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => match runtime.spawn_blocking(move || read(&view)).await {
                Ok(answer) => answer,
                Err(ended) => Err(Error::Unavailable(format!("history: a read was ended: {ended}"))),
            },
            Err(_) => read(&view),
        }
    }
}

/// A filter costs ten bits a key and pays off where single keys are asked for.
fn options(memtable: u64, points: bool) -> KeyspaceCreateOptions {
    let filter = if points {
        FilterPolicy::all(FilterPolicyEntry::Bloom(BloomConstructionPolicy::BitsPerKey(10.0)))
    } else {
        FilterPolicy::disabled()
    };
    KeyspaceCreateOptions::default().max_memtable_size(memtable).filter_policy(filter)
}

/// Makes a folder that nobody else may enter.
fn make_private(folder: &Path) -> Result<(), Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|cause| {
        Error::Unavailable(format!("history: folder {} cannot be made: {cause}", folder.display()))
    })
}

fn cannot_open(folder: &Path, cause: &fjall::Error) -> Error {
    let folder = folder.display();
    match cause {
        fjall::Error::Locked => {
            Error::Unavailable(format!("history: {folder} is open in another process; stop it first"))
        }
        fjall::Error::Io(cause) | fjall::Error::Storage(fjall::LsmError::Io(cause))
            if cause.kind() != std::io::ErrorKind::UnexpectedEof =>
        {
            Error::Unavailable(format!("history: {folder} cannot be opened: {cause}"))
        }
        other => Error::Corrupt(format!(
            "history: {folder} is not what was written ({other:?}); restore it from a backup, or remove the \
             folder if the log still holds everything from its first record"
        )),
    }
}

/// A read that failed, in the terms of a store.
fn unread(cause: fjall::Error) -> Error {
    match cause {
        fjall::Error::Io(cause) | fjall::Error::Storage(fjall::LsmError::Io(cause)) => {
            Error::Unavailable(format!("history cannot be read: {cause}"))
        }
        fjall::Error::Poisoned => Error::Unavailable("history ended after an earlier failure".into()),
        other => Error::Corrupt(format!("history: a block is not what was written ({other:?})")),
    }
}

impl View {
    fn check_format(&self, folder: &Path) -> Result<(), Error> {
        match self.meta.get(keys::FORMAT).map_err(unread)?.as_deref() {
            Some([FORMAT]) => Ok(()),
            Some(other) => Err(Error::Corrupt(format!(
                "history: {} has format {other:?}, this chatd knows {FORMAT}; run the chatd that wrote it",
                folder.display()
            ))),
            None => self.meta.insert(keys::FORMAT, [FORMAT]).map_err(|cause| cannot_open(folder, &cause)),
        }
    }

    /// Notes that a write runs; called with `writing` held.
    fn begin(&self) -> Running<'_> {
        let now = u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.writing_since.store(now.max(1), Ordering::Relaxed);
        Running(self)
    }

    fn check_stuck(&self, now: Duration) -> Result<(), Error> {
        let since = self.writing_since.load(Ordering::Relaxed);
        if since != 0 && now.saturating_sub(Duration::from_millis(since)) > STUCK {
            return Err(Error::Unavailable(
                "history waits for a flush that does not end; make room on the disk and restart chatd".into(),
            ));
        }
        Ok(())
    }

    fn health(&self) -> Result<(), Error> {
        match self.failed.get() {
            None => self.check_stuck(self.opened.elapsed()),
            Some(cause) => Err(Error::Unavailable(format!(
                "history takes no more writes, restart chatd once the disk is well: {cause}"
            ))),
        }
    }

    /// Ends the writes of this view: what fjall holds in memory may now differ from its journal.
    fn fatal(&self, cause: &fjall::Error) -> Error {
        let told = self.failed.get_or_init(|| {
            tracing::error!(%cause, "the history view failed to write and takes nothing more");
            cause.to_string()
        });
        Error::Unavailable(format!("history write failed: {told}"))
    }

    fn checkpoint(&self, partition: u32, applied: &Applied) -> Result<(), Error> {
        self.health()?;
        // The mark follows everything written before it in one journal, so it can't survive without them.
        self.meta
            .insert(keys::applied(partition), codec::encode_applied(applied))
            .and_then(|()| self.db.persist(PersistMode::SyncAll))
            .map_err(|cause| self.fatal(&cause))
    }

    fn applied(&self, partition: u32) -> Result<Option<Applied>, Error> {
        let Some(bytes) = self.meta.get(keys::applied(partition)).map_err(unread)? else { return Ok(None) };
        codec::decode_applied(&bytes).map(Some).ok_or_else(|| {
            Error::Corrupt(format!("history: checkpoint of partition {partition} can't be read"))
        })
    }
}

#[async_trait]
impl Messages for History {
    async fn heads(
        &self,
        conversations: &[ConversationId],
        as_of: Option<Position>,
    ) -> Result<Vec<Option<Head>>, Error> {
        conversations
            .iter()
            .map(|conversation| match as_of {
                None => self.0.head(*conversation),
                Some(position) => self.0.head_as_of(*conversation, position),
            })
            .collect()
    }

    async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error> {
        ids.iter().map(|id| self.0.id(*id)).collect()
    }

    async fn write(&self, batch: &[Write]) -> Result<(), Error> {
        self.0.write(batch)
    }

    async fn checkpoint(&self, partition: u32, applied: Applied) -> Result<(), Error> {
        self.0.checkpoint(partition, &applied)
    }

    async fn applied(&self, partition: u32) -> Result<Option<Applied>, Error> {
        self.0.applied(partition)
    }

    async fn message(
        &self,
        conversation: ConversationId,
        sequence: u64,
    ) -> Result<Option<Arc<StoredMessage>>, Error> {
        self.0.message(conversation, sequence)
    }

    async fn history(
        &self,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        self.scan(move |view| view.history(conversation, page, limit)).await
    }

    async fn conversations(&self, user: UserId, limit: usize) -> Result<Vec<ConversationId>, Error> {
        self.scan(move |view| view.conversations(user, limit)).await
    }

    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<FeedEntry>, Cursor), Error> {
        let after = after.clone();
        self.scan(move |view| view.feed(user, after, limit)).await
    }

    async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        self.0.device(user, session)
    }

    async fn blocked(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        pairs.iter().map(|(user, peer)| self.0.has_blocked(*user, *peer)).collect()
    }

    async fn blocks(&self, user: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<Block>, Error> {
        self.scan(move |view| view.blocks_of(user, after, limit)).await
    }

    fn health(&self) -> Result<(), Error> {
        self.0.health()
    }
}

#[cfg(test)]
mod tests;

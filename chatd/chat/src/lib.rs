//! The chat service: one log, and the views that follow from it.
//!
//! A message's way through here: [`Chat::send`] checks, admits and appends (`send.rs`); the sequencer of its
//! log partition applies it (`sequencer.rs`, the pure part in `apply.rs`), writes the history view, answers
//! who waits (`waiters.rs`) and hands it to live sessions (`delivery.rs`). Marks come back the same way
//! (`receipts.rs`), as do blocks (`blocks.rs`) and the erasure of what deleted people wrote (`erase.rs`). Reads (`history.rs`, `conversations.rs`, `sync.rs`, `replay.rs`) only look at the view.
//!
//! Invariants: nothing here knows of sockets; only the sequencer writes the view; nothing is appended
//! without a waiter's slot; an acknowledgement leaves after the view write, never before.

mod apply;
mod blocks;
mod conversations;
pub mod cursor;
mod delivery;
mod erase;
mod error;
mod history;
mod metrics;
mod people;
mod receipts;
mod replay;
mod routes;
mod send;
mod sequencer;
mod sync;
mod talk;
mod waiters;
mod watchers;

pub use cursor::CursorError;
pub use delivery::{Batch, Delivery, Heard};
pub use error::Error;
pub use receipts::MarkKind;
pub use replay::Backlog;
pub use send::{Answer, Origin, Sent};
pub use sequencer::Stopped;
pub use talk::Talk;

use delivery::Links;
use edge::Changes;
use metrics::Metrics;
use people::People;
use schema::event::{Topic, partition_of};
use schema::{ConversationId, Cursor, UserId, limits};
use sequencer::{GROUP, Sequencer, Shared};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use store::Stores;
use store::events::Partition;
use store::messages::Head;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::error;
use waiters::Waiters;
use watchers::Watchers;

/// How often waiters are looked at for a deadline that passed.
const EXPIRE: Duration = Duration::from_millis(250);

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Config {
    /// Characters of a message's content, at most.
    pub content_chars: usize,
    /// Bytes of a message's metadata, at most.
    pub metadata_bytes: usize,
    /// Rows of a page, at most.
    pub page_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            content_chars: limits::CONTENT_CHARS,
            metadata_bytes: limits::METADATA_BYTES,
            page_max: limits::PAGE_MAX,
        }
    }
}

/// The chat service.
#[derive(Clone)]
pub struct Chat(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    people: People,
    changes: Arc<Changes>,
    signer: Arc<edge::Signer>,
    config: Config,
}

/// The running sequencers of a process.
pub struct Sequencers {
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Chat {
    /// Starts a sequencer for each log partition and returns when the log is replayed into the view.
    /// `fatal` hears of a partition that can't go on.
    ///
    /// # Errors
    /// When log and view don't belong together, or one of them can't be read.
    pub async fn open(
        stores: &Stores,
        signer: Arc<edge::Signer>,
        changes: Arc<Changes>,
        config: Config,
        metrics: &edge::Metrics,
        fatal: Arc<dyn Fn(String) + Send + Sync>,
    ) -> Result<(Self, Sequencers), Stopped> {
        let partitions = stores.events.partitions(Topic::Messages);
        let shared = Arc::new(Shared {
            events: Arc::clone(&stores.events),
            messages: Arc::clone(&stores.messages),
            waiters: Waiters::new(),
            links: Links::new(Cursor::start(stores.events.epoch(), partitions)),
            watchers: Watchers::default(),
            metrics: Metrics::register(&mut metrics.registry()),
        });
        let mut sequencers = Sequencers { stop: CancellationToken::new(), threads: Vec::new() };
        let mut assignments = stores.events.join(Topic::Messages, GROUP).await?;
        for _ in 0..partitions {
            let partition = assignments.next().await?;
            sequencers.start(Arc::clone(&shared), partition, Arc::clone(&fatal)).await?;
        }
        let expire = Arc::clone(&shared);
        let stop = sequencers.stop.clone();
        tokio::spawn(async move {
            while tokio::time::timeout(EXPIRE, stop.cancelled()).await.is_err() {
                expire.waiters.expire();
            }
        });
        let people = People::new(Arc::clone(&stores.profiles));
        let inner = Arc::new(Inner { shared, people, changes: Arc::clone(&changes), signer, config });
        let deleted = Arc::new(Notify::new());
        tokio::spawn(erase::run(Arc::downgrade(&inner), Arc::clone(&deleted)));
        let remembers = Arc::downgrade(&inner);
        changes.listen(Box::new(move |user, username| {
            if let Some(inner) = remembers.upgrade() {
                inner.people.forget(user, username);
            }
            deleted.notify_one();
        }));
        Ok((Self(inner), sequencers))
    }

    /// The user with this id or username.
    pub async fn resolve(&self, name: &str) -> Result<UserId, Error> {
        self.0.people.resolve(name).await
    }

    /// Behind the last record that the view shows: everything acknowledged lies before it.
    pub fn position(&self) -> Cursor {
        self.0.shared.links.position()
    }

    /// Why nothing is accepted now, if so.
    ///
    /// # Errors
    /// The reason, for readiness.
    pub fn health(&self) -> Result<(), String> {
        self.0.shared.events.health().map_err(|e| e.to_string())?;
        self.0.shared.messages.health().map_err(|e| e.to_string())?;
        self.0.shared.waiters.health()
    }

    async fn head(&self, conversation: ConversationId) -> Result<Option<Head>, Error> {
        Ok(self.0.shared.messages.heads(&[conversation], None).await?.pop().flatten())
    }

    fn partition(&self, conversation: ConversationId) -> u32 {
        partition_of(&conversation.to_string(), self.0.shared.events.partitions(Topic::Messages))
    }
}

impl Sequencers {
    /// Starts one on a thread of its own and waits until it has replayed the log.
    async fn start(
        &mut self,
        shared: Arc<Shared>,
        partition: Box<dyn Partition>,
        fatal: Arc<dyn Fn(String) + Send + Sync>,
    ) -> Result<(), Stopped> {
        let number = partition.number();
        let (ready, replayed) = oneshot::channel();
        let (failed, failure) = oneshot::channel();
        let stop = self.stop.clone();
        // A runtime of its own: writing the view never holds up a thread that serves sockets.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime =
            runtime.map_err(|e| store::Error::Unavailable(format!("no runtime for a sequencer: {e}")))?;
        let run = async move { Sequencer::open(shared, partition).await?.run(ready, stop).await };
        let thread = std::thread::Builder::new().name(format!("sequencer-{number}")).spawn(move || {
            if let Err(stopped) = runtime.block_on(run) {
                error!(partition = number, error = %stopped, "the sequencer stopped");
                if let Err(stopped) = failed.send(stopped) {
                    fatal(format!("sequencer of partition {number}: {stopped}"));
                }
            }
        });
        match thread {
            Ok(thread) => self.threads.push(thread),
            Err(error) => {
                return Err(store::Error::Unavailable(format!("no thread for a sequencer: {error}")).into());
            }
        }
        tokio::select! {
            Ok(()) = replayed => Ok(()),
            Ok(stopped) = failure => Err(stopped),
            else => Err(store::Error::Unavailable("the sequencer ended while it replayed the log".into()).into()),
        }
    }

    /// Lets each finish its batch and leave a checkpoint.
    pub async fn stop(self) {
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Sequencers {
    /// Waits for the threads: what they use may be gone afterwards.
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

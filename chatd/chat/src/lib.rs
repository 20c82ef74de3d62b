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
mod sequencers;
mod sync;
mod talk;
mod waiters;
mod watchers;

pub use apply::Outcome;
pub use cursor::CursorError;
pub use delivery::{Batch, Delivery, Heard};
pub use error::Error;
pub use receipts::MarkKind;
pub use replay::Backlog;
pub use send::{Answer, Origin, Sent};
pub use sequencer::Stopped;
pub use sequencers::{Fatal, Sequencers};
pub use talk::Talk;

use delivery::Links;
use edge::Changes;
use metrics::Metrics;
use people::People;
use schema::event::{Topic, partition_of};
use schema::{ConversationId, Cursor, UserId, limits};
use sequencer::Shared;
use std::sync::{Arc, Weak};
use std::time::Duration;
use store::Stores;
use store::messages::Head;
use tokio::sync::{Notify, mpsc};
use uuid::Uuid;
use waiters::Waiters;
use watchers::Watchers;

/// How often waiters are looked at for a deadline that passed.
const EXPIRE: Duration = Duration::from_millis(250);

/// Which log partitions this process applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sequence {
    /// All, alone: the service is open when the log is replayed, and one that can't go on ends the process.
    All,
    /// Those that the log gives it, beside other processes.
    Shared,
    /// None: other processes do, and tell the outcome.
    None,
}

/// What an operator may set.
#[derive(Clone, Debug)]
pub struct Config {
    pub sequence: Sequence,
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
            sequence: Sequence::All,
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

impl Chat {
    /// Starts the service and the sequencers that [`Config::sequence`] asks for. `fatal` hears of a partition
    /// that can't go on, where one process applies all.
    ///
    /// # Errors
    /// When log and view don't belong together, or one of them can't be read.
    pub async fn open(
        stores: &Stores,
        signer: Arc<edge::Signer>,
        changes: Arc<Changes>,
        config: Config,
        metrics: &edge::Metrics,
        fatal: Fatal,
    ) -> Result<(Self, Sequencers), Stopped> {
        let partitions = stores.events.partitions(Topic::Messages);
        let sequence = config.sequence;
        let shared = Arc::new(Shared {
            events: Arc::clone(&stores.events),
            messages: Arc::clone(&stores.messages),
            partitions,
            shared_log: sequence != Sequence::All,
            waiters: Waiters::new(partitions),
            links: Links::new(Cursor::start(stores.events.epoch(), partitions)),
            watchers: Watchers::default(),
            metrics: Metrics::register(&mut metrics.registry()),
        });
        let sequencers = Sequencers::start(&shared, sequence, fatal).await?;
        let expire = Arc::clone(&shared);
        let stop = sequencers.stopped();
        tokio::spawn(async move {
            while tokio::time::timeout(EXPIRE, stop.cancelled()).await.is_err() {
                expire.waiters.expire();
            }
        });
        let people = People::new(Arc::clone(&stores.profiles));
        let inner = Arc::new(Inner { shared, people, changes: Arc::clone(&changes), signer, config });
        let deleted = Arc::new(Notify::new());
        if sequence != Sequence::None {
            tokio::spawn(erase::run(Arc::downgrade(&inner), Arc::clone(&deleted)));
        }
        let remembers = Arc::downgrade(&inner);
        let (missed, maybe_deleted) = (Weak::clone(&remembers), Arc::clone(&deleted));
        changes.listen(Box::new(move |user, username| {
            if let Some(inner) = remembers.upgrade() {
                inner.people.forget(user, username);
            }
            deleted.notify_one();
        }));
        changes.listen_for_missed(Box::new(move || {
            if let Some(inner) = missed.upgrade() {
                inner.people.forget_all();
            }
            maybe_deleted.notify_one();
        }));
        Ok((Self(inner), sequencers))
    }

    /// This process, as its records name it.
    pub fn node(&self) -> Uuid {
        self.0.shared.waiters.node()
    }

    /// A new link to another process: what is applied here, in log order, with its outcomes.
    pub fn outbound(&self) -> mpsc::Receiver<Arc<Batch>> {
        self.0.shared.links.outbound()
    }

    /// Takes up what another process applied: the outcomes that somebody waits for here, how far the view is,
    /// and what sockets here should hear of.
    pub async fn hear(&self, batch: Arc<Batch>) {
        let shared = &self.0.shared;
        shared.links.advance(batch.partition, batch.next);
        for (reply_to, outcome) in &batch.answers {
            shared.waiters.applied(*reply_to, outcome.clone());
        }
        shared.watchers.wake(&batch.deliveries);
        shared.links.tell_batch(batch).await;
    }

    /// What another process applied may not have come here.
    pub async fn missed(&self) {
        self.0.shared.links.tell_sockets(Heard::Missed).await;
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

//! `store::Messages` on Cassandra: the history view, rebuilt from the log behind its last checkpoint.
//!
//! - `schema/cassandra/0001_messages.cql`: the tables
//! - `bound`, `statements`, `codec`: what is written, and how
//! - `write`, `send`: one batch of the sequencer, complete when it is answered
//! - `read`, `rows`, `heads`, `feed`, `blocks`, `erase`: what the product asks
//! - `reach`: the connection to it
//! - `pulse`: whether the cluster lives, and whether it still has what it answered
//! - `checkpoint`: the two offsets that follow from that
//!
//! Invariants: everything is written with the timestamp of the record that made it, so a replay rewrites and a
//! late writer loses; nothing is deleted, and no null is bound, so there are no tombstones. What is seen in a
//! feed has its row and its head already, and what is seen of a partition in a feed has everything before it.

mod blocks;
mod bound;
mod checkpoint;
mod codec;
mod erase;
mod fault;
mod feed;
mod heads;
mod pulse;
mod reach;
mod read;
mod rows;
mod send;
mod statements;
mod write;

use async_trait::async_trait;
use checkpoint::Checkpoints;
use codec::decode_applied;
use engines::cassandra::Cassandra;
use erase::Gone;
use parking_lot::Mutex;
use pulse::Pulse;
use reach::Reach;
use schema::limits::{CASSANDRA_FEED_BITS, CASSANDRA_ROWS, CASSANDRA_TRAIL};
use schema::{ConversationId, Cursor, MessageId, Position, SessionId, UserId};
use statements::Statements;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use store::Error;
use store::messages::{Applied, Block, FeedEntry, Head, IdEntry, Messages, Page, StoredMessage, Write};
use uuid::Uuid;
use write::Indexed;

/// What tests change.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Sequences of a conversation in one partition. Fixed for the life of a keyspace.
    pub rows: u64,
    /// Bits of an offset within one partition of a feed. Fixed for the life of a keyspace.
    pub feed_bits: u32,
    /// How old an answered write is when it counts as on disk.
    pub trail: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rows: CASSANDRA_ROWS, feed_bits: CASSANDRA_FEED_BITS, trail: CASSANDRA_TRAIL }
    }
}

/// The history view in one keyspace.
#[derive(Clone)]
pub struct CassandraMessages(Arc<View>);

struct View {
    reach: Reach,
    statements: Statements,
    settings: Settings,
    /// Of the log this view is built from: device positions are of this epoch.
    epoch: u32,
    partitions: u32,
    pulse: Arc<Pulse>,
    checkpoints: Checkpoints,
    /// The generation in which every partition is known to be applied, plus one.
    whole: AtomicU64,
    indexed: Mutex<Indexed>,
    gone: Mutex<Gone>,
}

impl CassandraMessages {
    /// Opens the view beside a log of this epoch with this many partitions. The tables are there:
    /// `engines::schema` makes them.
    ///
    /// # Errors
    /// `Unavailable` when the cluster is away, refuses us, or lacks the tables.
    pub async fn open(cassandra: &Cassandra, epoch: u32, partitions: u32) -> Result<Self, Error> {
        Self::open_with(cassandra, epoch, partitions, Settings::default()).await
    }

    /// Opens the view with settings of its own.
    ///
    /// # Errors
    /// As [`CassandraMessages::open`].
    pub async fn open_with(
        cassandra: &Cassandra,
        epoch: u32,
        partitions: u32,
        settings: Settings,
    ) -> Result<Self, Error> {
        let reach = Reach::connect(cassandra).await?;
        let statements =
            Statements::prepare(&reach.session(), cassandra.keyspace()).await.map_err(|cause| {
                Error::Unavailable(format!("cassandra: {cause}; `chatctl schema apply` makes the tables"))
            })?;
        let view = View {
            reach,
            statements,
            settings,
            epoch,
            partitions,
            pulse: Arc::new(Pulse::new(cassandra.datacenter().map(str::to_owned))),
            checkpoints: Checkpoints::default(),
            whole: AtomicU64::new(0),
            indexed: Mutex::default(),
            gone: Mutex::default(),
        };
        view.ask().await?;
        let view = Arc::new(view);
        tokio::spawn(beat(Arc::downgrade(&view)));
        Ok(Self(view))
    }
}

/// Looks at the nodes again and again, until the view is gone.
async fn beat(view: Weak<View>) {
    loop {
        let Some(view) = view.upgrade() else { return };
        let mut asked = view.ask().await;
        if asked.is_err() && view.reach.again().await.is_ok() {
            asked = view.ask().await;
        }
        let probed = match asked {
            Ok(()) => view.applied_row(0).await.map(|_| ()),
            Err(error) => Err(error),
        };
        let well = probed.is_ok();
        view.pulse.probed(probed);
        if well && let Err(error) = view.advance_trails().await {
            tracing::debug!(%error, "storing how far the view is on disk");
        }
        let pulse = Arc::clone(&view.pulse);
        drop(view); // rests without holding it
        pulse.rest().await;
    }
}

impl View {
    /// Asks the nodes in which life they are.
    async fn ask(&self) -> Result<(), Error> {
        self.pulse.ask(&self.reach.session(), &self.statements, Instant::now()).await
    }

    /// Refuses while rows that a node lost are being written again: whoever catches up would take what is missing
    /// for what never was, and go on behind it. Every partition says in which lives it was applied.
    async fn whole(&self) -> Result<(), Error> {
        self.confirm().await?;
        let beat = self.pulse.now();
        if self.whole.load(Ordering::Relaxed) == beat.generation + 1 {
            return Ok(());
        }
        for partition in 0..self.partitions {
            let (_, newest) = self.applied_row(partition).await?;
            let lives = newest.and_then(|bytes| decode_applied(&bytes)).map(|(_, lives)| lives);
            let now = |(host, life): &(Uuid, i32)| beat.lives.get(host) == Some(life);
            if lives.is_some_and(|lives| !lives.iter().all(now)) {
                return Err(Error::Unavailable(
                    "cassandra was started again, and its last rows are being written again".to_owned(),
                ));
            }
        }
        self.whole.store(beat.generation + 1, Ordering::Relaxed);
        Ok(())
    }

    /// Makes sure that what was answered until now was answered by nodes in the lives that are known.
    async fn confirm(&self) -> Result<(), Error> {
        self.pulse.confirm(&self.reach.session(), &self.statements).await
    }
}

#[async_trait]
impl Messages for CassandraMessages {
    async fn heads(
        &self,
        conversations: &[ConversationId],
        as_of: Option<Position>,
    ) -> Result<Vec<Option<Head>>, Error> {
        match as_of {
            None => self.0.heads(conversations).await,
            Some(at) => {
                let heads = self.0.heads_as_of(conversations, at).await?;
                self.0.confirm().await?;
                Ok(heads)
            }
        }
    }

    async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error> {
        self.0.ids(ids).await
    }

    async fn write(&self, batch: &[Write]) -> Result<(), Error> {
        self.0.write(batch).await
    }

    async fn checkpoint(&self, partition: u32, applied: Applied) -> Result<(), Error> {
        self.0.checkpoint(partition, applied).await
    }

    async fn applied(&self, partition: u32) -> Result<Option<Applied>, Error> {
        self.0.applied(partition).await
    }

    async fn message(
        &self,
        conversation: ConversationId,
        sequence: u64,
    ) -> Result<Option<Arc<StoredMessage>>, Error> {
        self.0.message(conversation, sequence).await
    }

    async fn history(
        &self,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        self.0.history(conversation, page, limit).await
    }

    async fn conversations(&self, user: UserId, limit: usize) -> Result<Vec<ConversationId>, Error> {
        self.0.conversations(user, limit).await
    }

    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<FeedEntry>, Cursor), Error> {
        self.0.whole().await?;
        self.0.feed(user, after.clone(), limit).await
    }

    async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        self.0.whole().await?;
        self.0.device(user, session).await
    }

    async fn blocked(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error> {
        self.0.blocked(pairs).await
    }

    async fn blocks(&self, user: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<Block>, Error> {
        self.0.blocks(user, after, limit).await
    }

    fn generation(&self) -> u64 {
        self.0.pulse.generation()
    }

    fn health(&self) -> Result<(), Error> {
        self.0.pulse.health()
    }
}

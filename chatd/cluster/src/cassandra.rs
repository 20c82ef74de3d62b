//! `store::Messages` on Cassandra: the history view, rebuilt from the log behind its last checkpoint.
//!
//! - `schema/cassandra/0001_messages.cql`: the tables
//! - `bound`, `statements`, `codec`: what is written, and how
//! - `write`, `send`: one batch of the sequencer, complete when it is answered
//! - `rows`, `heads`, `feed`, `blocks`, `erase`: what the product asks
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
mod rows;
mod send;
mod statements;
mod write;

use async_trait::async_trait;
use checkpoint::Checkpoints;
use engines::cassandra::Cassandra;
use erase::Gone;
use fault::{failed, unreadable};
use futures_util::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use pulse::Pulse;
use schema::limits::{
    CASSANDRA_FEED_BITS, CASSANDRA_KEYS, CASSANDRA_REQUESTS, CASSANDRA_ROWS, CASSANDRA_TRAIL,
};
use schema::{ConversationId, Cursor, MessageId, Position, SessionId, UserId};
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use statements::Statements;
use std::collections::HashMap;
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
    session: Session,
    statements: Statements,
    settings: Settings,
    /// Of the log this view is built from: device positions are of this epoch.
    epoch: u32,
    partitions: u32,
    pulse: Arc<Pulse>,
    checkpoints: Checkpoints,
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
        let session = cassandra.connect().await.map_err(|cause| Error::Unavailable(cause.to_string()))?;
        let statements = Statements::prepare(&session, cassandra.keyspace()).await.map_err(|cause| {
            Error::Unavailable(format!("cassandra: {cause}; `chatctl schema apply` makes the tables"))
        })?;
        let view = View {
            session,
            statements,
            settings,
            epoch,
            partitions,
            pulse: Arc::new(Pulse::new(cassandra.datacenter().map(str::to_owned))),
            checkpoints: Checkpoints::default(),
            indexed: Mutex::default(),
            gone: Mutex::default(),
        };
        view.pulse.ask(&view.session, &view.statements, Instant::now()).await?;
        let view = Arc::new(view);
        tokio::spawn(beat(Arc::downgrade(&view)));
        Ok(Self(view))
    }
}

/// Looks at the nodes again and again, until the view is gone.
async fn beat(view: Weak<View>) {
    loop {
        let Some(view) = view.upgrade() else { return };
        let asked = view.pulse.ask(&view.session, &view.statements, Instant::now()).await;
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
    /// The rows of a statement, whose number it bounds itself.
    async fn all<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Send,
    ) -> Result<Vec<R>, Error>
    where
        R: for<'a, 'b> DeserializeRow<'a, 'b>,
    {
        let answer =
            self.session.execute_unpaged(statement, values).await.map_err(|cause| self.alarmed(&cause))?;
        let rows = answer.into_rows_result().map_err(unreadable)?;
        rows.rows::<R>().map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)
    }

    /// The first row of a statement.
    async fn one<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Send,
    ) -> Result<Option<R>, Error>
    where
        R: for<'a, 'b> DeserializeRow<'a, 'b>,
    {
        Ok(self.all(statement, values).await?.into_iter().next())
    }

    /// What a statement with `IN ?` answers for many keys, some at a time.
    async fn many<R>(&self, statement: &PreparedStatement, keys: &[Uuid]) -> Result<Vec<R>, Error>
    where
        R: for<'a, 'b> DeserializeRow<'a, 'b> + Send,
    {
        let chunks: Vec<Vec<Uuid>> = keys.chunks(CASSANDRA_KEYS).map(<[Uuid]>::to_vec).collect();
        stream::iter(chunks)
            .map(|keys| async move { self.all::<R>(statement, (keys,)).await })
            .buffer_unordered(CASSANDRA_REQUESTS)
            .try_concat()
            .await
    }

    /// A failure, told to whoever watches the nodes.
    fn alarmed(&self, cause: &scylla::errors::ExecutionError) -> Error {
        self.pulse.alarm.notify_one();
        failed(cause)
    }

    async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error> {
        let keys: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let found: Vec<(Uuid, Option<Vec<u8>>)> = self.many(&self.statements.ids, &keys).await?;
        let found: HashMap<Uuid, Vec<u8>> =
            found.into_iter().filter_map(|(id, entry)| Some((id, entry?))).collect();
        self.pulse.confirm(&self.session, &self.statements).await?;
        let read = |id: &MessageId| {
            let entry = found.get(&id.0).map(|bytes| codec::decode_id(*id, bytes).ok_or(id));
            entry
                .transpose()
                .map_err(|id| Error::Corrupt(format!("cassandra: entry of message id {id} can't be read")))
        };
        ids.iter().map(read).collect()
    }

    async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        let rows: Vec<(i32, i64)> = self.all(&self.statements.device, (user.0, session.0)).await?;
        let mut cursor: Option<Cursor> = None;
        for (partition, next) in rows {
            let partition = usize::try_from(partition).map_err(unreadable)?;
            let at = position(0, next);
            let cursor = match &mut cursor {
                Some(cursor) if cursor.epoch > at.epoch => continue, // said in an earlier life of the log
                Some(cursor) if cursor.epoch == at.epoch => cursor,
                stale => stale.insert(Cursor::start(at.epoch, self.partitions)),
            };
            if cursor.next.len() <= partition {
                cursor.next.resize(partition + 1, 0);
            }
            cursor.next[partition] = at.offset;
        }
        Ok(cursor)
    }

    async fn conversations(&self, user: UserId, limit: usize) -> Result<Vec<ConversationId>, Error> {
        let most = i32::try_from(limit).unwrap_or(i32::MAX);
        let mut all = Vec::new();
        if most == 0 {
            return Ok(all);
        }
        for bucket in 0..write::MEMBER_BUCKETS {
            let pager = self
                .session
                .execute_iter(self.statements.members.clone(), (user.0, bucket, most))
                .await
                .map_err(|cause| Error::Unavailable(format!("cassandra: {cause}")))?;
            let mut rows = pager.rows_stream::<(Uuid,)>().map_err(unreadable)?;
            while let Some(row) = rows.next().await {
                let (conversation,) =
                    row.map_err(|cause| Error::Unavailable(format!("cassandra: {cause}")))?;
                all.push(ConversationId(conversation));
                if all.len() == limit {
                    return Ok(all);
                }
            }
        }
        Ok(all)
    }
}

/// The position that a timestamp stands for.
fn position(partition: u32, written: i64) -> Position {
    const OFFSET_BITS: u32 = 44;
    let written = written.cast_unsigned();
    let epoch = u32::try_from(written >> OFFSET_BITS).unwrap_or(u32::MAX);
    Position { epoch, partition, offset: written & ((1 << OFFSET_BITS) - 1) }
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
                self.0.pulse.confirm(&self.0.session, &self.0.statements).await?;
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
        self.0.feed(user, after.clone(), limit).await
    }

    async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
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

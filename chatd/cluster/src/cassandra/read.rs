//! What every read is made of, and the short ones.

use super::fault::{failed, unreadable};
use super::{View, codec, write};
use futures_util::{StreamExt, TryStreamExt, stream};
use schema::limits::{CASSANDRA_KEYS, CASSANDRA_REQUESTS};
use schema::{ConversationId, Cursor, MessageId, Position, SessionId, UserId};
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::ExecutionError;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use std::collections::HashMap;
use store::Error;
use store::messages::IdEntry;
use uuid::Uuid;

impl View {
    /// The rows of a statement, whose number it bounds itself.
    pub(super) async fn all<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow + Send,
    ) -> Result<Vec<R>, Error>
    where
        R: for<'a, 'b> DeserializeRow<'a, 'b>,
    {
        let answer = self
            .reach
            .session()
            .execute_unpaged(statement, values)
            .await
            .map_err(|cause| self.alarmed(&cause))?;
        let rows = answer.into_rows_result().map_err(unreadable)?;
        rows.rows::<R>().map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)
    }

    /// The first row of a statement.
    pub(super) async fn one<R>(
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
    pub(super) async fn many<R>(&self, statement: &PreparedStatement, keys: &[Uuid]) -> Result<Vec<R>, Error>
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
    pub(super) fn alarmed(&self, cause: &ExecutionError) -> Error {
        self.pulse.alarm.notify_one();
        failed(cause)
    }

    pub(super) async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error> {
        let keys: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let found: Vec<(Uuid, Option<Vec<u8>>)> = self.many(&self.statements.ids, &keys).await?;
        let found: HashMap<Uuid, Vec<u8>> =
            found.into_iter().filter_map(|(id, entry)| Some((id, entry?))).collect();
        self.confirm().await?;
        let read = |id: &MessageId| {
            let entry = found.get(&id.0).map(|bytes| codec::decode_id(*id, bytes).ok_or(id));
            entry
                .transpose()
                .map_err(|id| Error::Corrupt(format!("cassandra: entry of message id {id} can't be read")))
        };
        ids.iter().map(read).collect()
    }

    pub(super) async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
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

    pub(super) async fn conversations(
        &self,
        user: UserId,
        limit: usize,
    ) -> Result<Vec<ConversationId>, Error> {
        let most = i32::try_from(limit).unwrap_or(i32::MAX);
        let mut all = Vec::new();
        if most == 0 {
            return Ok(all);
        }
        for bucket in 0..write::MEMBER_BUCKETS {
            let pager = self
                .reach
                .session()
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
pub(super) fn position(partition: u32, written: i64) -> Position {
    const OFFSET_BITS: u32 = 44;
    let written = written.cast_unsigned();
    let epoch = u32::try_from(written >> OFFSET_BITS).unwrap_or(u32::MAX);
    Position { epoch, partition, offset: written & ((1 << OFFSET_BITS) - 1) }
}

//! Message rows, bucket by bucket.
//!
//! Sequences have no gaps, so a bucket whose last sequence has no row is the conversation's last.

use super::View;
use super::fault::unreadable;
use super::read::position;
use schema::limits::CASSANDRA_PAGE;
use schema::{ConversationId, Position};
use std::sync::Arc;
use store::Error;
use store::messages::{Page, StoredMessage};
use uuid::Uuid;

/// Sequence, timestamp, JSON, and whose rows of the bucket have no content.
type Row = (Option<i64>, Option<i64>, Option<String>, Option<Vec<Uuid>>);

impl View {
    pub(super) async fn message(
        &self,
        conversation: ConversationId,
        sequence: u64,
    ) -> Result<Option<Arc<StoredMessage>>, Error> {
        let Ok(sequence) = i64::try_from(sequence) else { return Ok(None) };
        let bucket = self.bucket(sequence.cast_unsigned());
        // Two records may have made it: then the next one is the same sequence again.
        let mut rows = self.page_up(conversation, bucket, sequence, 2).await?;
        rows.retain(|row| row.sequence == sequence.cast_unsigned());
        Ok(checked(rows, 1)?.pop())
    }

    pub(super) async fn history(
        &self,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        match page {
            Page::Newest => self.below(conversation, u64::MAX, limit).await,
            Page::Before(sequence) => match sequence.checked_sub(1) {
                Some(last) => self.below(conversation, last, limit).await,
                None => Ok(Vec::new()),
            },
            Page::After(sequence) => match sequence.checked_add(1) {
                Some(first) => self.from(conversation, first, limit).await,
                None => Ok(Vec::new()),
            },
            Page::Around(sequence) => {
                let mut rows = match sequence.checked_sub(1) {
                    Some(last) => self.below(conversation, last, limit / 2).await?,
                    None => Vec::new(),
                };
                rows.extend(self.from(conversation, sequence, limit - rows.len()).await?);
                Ok(rows)
            }
        }
    }

    /// The newest up to `last`, ascending.
    async fn below(
        &self,
        conversation: ConversationId,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut last = i64::try_from(last).unwrap_or(i64::MAX);
        let mut bucket = self.last_bucket(conversation, self.bucket(last.cast_unsigned())).await?;
        let mut rows = Vec::new();
        loop {
            // One more than asked: a double sequence would else hide at the border of the page.
            let wanted = limit + 1 - rows.len();
            let page = self.page_down(conversation, bucket, last, wanted.min(CASSANDRA_PAGE)).await?;
            let full = page.len() == wanted.min(CASSANDRA_PAGE);
            rows.extend(page);
            if rows.len() > limit || (!full && bucket == 0) {
                break;
            }
            match rows.last() {
                // The rows of the sequence that the page ends with come once more, with those behind them.
                Some(oldest) if full => {
                    last = oldest.sequence.cast_signed();
                    rows.retain(|row: &Arc<StoredMessage>| row.sequence.cast_signed() != last);
                }
                _ if rows.len() >= limit => break,
                _ => bucket -= 1,
            }
        }
        let mut rows = checked(rows, limit)?;
        rows.reverse();
        Ok(rows)
    }

    /// The oldest from `first` on, ascending.
    pub(super) async fn from(
        &self,
        conversation: ConversationId,
        first: u64,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        let Ok(mut first) = i64::try_from(first) else { return Ok(Vec::new()) };
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut rows: Vec<Arc<StoredMessage>> = Vec::new();
        loop {
            let bucket = self.bucket(first.cast_unsigned());
            let wanted = (limit + 1 - rows.len()).min(CASSANDRA_PAGE);
            let page = self.page_up(conversation, bucket, first, wanted).await?;
            let full = page.len() == wanted;
            rows.extend(page);
            let Some(newest) = rows.last().map(|row| row.sequence) else { break };
            if rows.len() > limit {
                break;
            }
            if full {
                first = newest.cast_signed();
                rows.retain(|row| row.sequence != newest);
            } else if newest.is_multiple_of(self.settings.rows) && rows.len() < limit {
                first = newest.cast_signed() + 1;
                if self.bucket(newest) != bucket {
                    break; // the bucket behind the border is empty
                }
            } else {
                break;
            }
        }
        checked(rows, limit)
    }

    /// The last bucket of a conversation that has rows, as far as `most`.
    pub(super) async fn last_bucket(&self, conversation: ConversationId, most: i64) -> Result<i64, Error> {
        if most == 0 || !self.is_full(conversation, 0).await? {
            return Ok(0);
        }
        let head = self.heads(&[conversation]).await?.remove(0);
        let mut bucket = head.map_or(0, |head| self.bucket(head.last_sequence)).min(most);
        // Rows may be there that no head speaks of yet.
        while bucket < most && self.is_full(conversation, bucket).await? {
            bucket += 1;
        }
        Ok(bucket)
    }

    async fn is_full(&self, conversation: ConversationId, bucket: i64) -> Result<bool, Error> {
        let last = (bucket + 1) * self.settings.rows.cast_signed();
        Ok(self.places(conversation, bucket, last, 1).await?.iter().any(|(sequence, _)| *sequence == last))
    }

    /// Sequences and timestamps of rows, descending from `last`.
    pub(super) async fn places(
        &self,
        conversation: ConversationId,
        bucket: i64,
        last: i64,
        limit: i32,
    ) -> Result<Vec<(i64, i64)>, Error> {
        self.all(&self.statements.places_down, (conversation.0, bucket, last, limit)).await
    }

    async fn page_down(
        &self,
        conversation: ConversationId,
        bucket: i64,
        last: i64,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        let limit = i32::try_from(limit).map_err(unreadable)?;
        let rows = self.all(&self.statements.rows_down, (conversation.0, bucket, last, limit)).await?;
        rows.into_iter().filter_map(|row| decode(conversation, row).transpose()).collect()
    }

    async fn page_up(
        &self,
        conversation: ConversationId,
        bucket: i64,
        first: i64,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        let limit = i32::try_from(limit).map_err(unreadable)?;
        let rows = self.all(&self.statements.rows_up, (conversation.0, bucket, first, limit)).await?;
        rows.into_iter().filter_map(|row| decode(conversation, row).transpose()).collect()
    }
}

/// A row as its two people may read it; nothing for a bucket that has a mark and no rows.
fn decode(conversation: ConversationId, row: Row) -> Result<Option<Arc<StoredMessage>>, Error> {
    let (Some(sequence), Some(written), Some(payload), erased) = row else { return Ok(None) };
    let unreadable = |cause: &dyn std::fmt::Display| {
        Error::Corrupt(format!(
            "cassandra: message {sequence} of conversation {conversation} can't be read: {cause}"
        ))
    };
    let mut row: StoredMessage = serde_json::from_str(&payload).map_err(|cause| unreadable(&cause))?;
    if row.sequence.cast_signed() != sequence
        || row.conversation_id != conversation
        || !is_at(row.position, written)
    {
        return Err(unreadable(&"its key is another's"));
    }
    if !row.erased && erased.is_some_and(|people| people.contains(&row.sender_id.0)) {
        row.erase();
    }
    Ok(Some(Arc::new(row)))
}

fn is_at(of: Position, written: i64) -> bool {
    position(of.partition, written) == of
}

/// At most `limit` rows of those that were found, none of which may have the sequence of another.
fn checked(mut rows: Vec<Arc<StoredMessage>>, limit: usize) -> Result<Vec<Arc<StoredMessage>>, Error> {
    if let Some(double) = rows.windows(2).find(|pair| pair[0].sequence == pair[1].sequence) {
        return Err(Error::Corrupt(format!(
            "history: conversation {} has two messages with sequence {}; two writers were at work",
            double[0].conversation_id, double[0].sequence
        )));
    }
    rows.truncate(limit);
    Ok(rows)
}

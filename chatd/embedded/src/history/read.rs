//! Heads, ids, rows, members, devices.

use super::{View, codec, keys, unread};
use fjall::Guard;
use schema::{ConversationId, Cursor, MessageId, Position, SessionId, UserId};
use std::sync::Arc;
use store::Error;
use store::messages::{Head, IdEntry, Page, StoredMessage};
use uuid::Uuid;

impl View {
    pub(super) fn head(&self, conversation: ConversationId) -> Result<Option<Head>, Error> {
        let Some(bytes) = self.heads.get(keys::head(conversation)).map_err(unread)? else { return Ok(None) };
        codec::decode_head(conversation, &bytes).map(Some).ok_or_else(|| {
            Error::Corrupt(format!("history: head of conversation {conversation} can't be read"))
        })
    }

    /// The head that the rows of earlier records make, with what never goes back as it is.
    pub(super) fn head_as_of(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<Head>, Error> {
        let row = self.newest_before(conversation, at)?;
        let blocks = self.blocked_before(conversation, at)?;
        let mut head = match (self.head(conversation)?, &row, &blocks) {
            (_, None, None) => return Ok(None),
            (Some(head), ..) => head,
            (None, Some(row), _) => self.head_of_rows(row)?,
            (None, None, Some(blocks)) => Head::empty(conversation, blocks.members),
        };
        (head.last_sequence, head.last_message_at) =
            row.map_or_else(Default::default, |row| (row.sequence, row.timestamp));
        head.blocked = blocks.map_or([false; 2], |blocks| blocks.blocked);
        Ok(Some(head))
    }

    fn newest_before(
        &self,
        conversation: ConversationId,
        at: Position,
    ) -> Result<Option<StoredMessage>, Error> {
        for guard in self.rows.prefix(conversation.as_bytes()).rev() {
            let (key, value) = guard.into_inner().map_err(unread)?;
            let parsed = row_key(conversation, &key)?;
            if parsed.written < at.write_timestamp() {
                return decode(conversation, &parsed, &value).map(Some);
            }
        }
        Ok(None)
    }

    /// A head that was never written. Its newest client time must not be too low, or a repeat would be taken
    /// for new, so every row is asked.
    fn head_of_rows(&self, row: &StoredMessage) -> Result<Head, Error> {
        let mut members = [row.sender_id, row.recipient_id];
        members.sort_unstable();
        let mut newest_client_ms = 0;
        for guard in self.rows.prefix(row.conversation_id.as_bytes()) {
            let row = decode_guard(row.conversation_id, guard)?;
            newest_client_ms = newest_client_ms.max(client_ms(&row.client_message_id));
        }
        Ok(Head {
            last_sequence: row.sequence,
            last_message_at: row.timestamp,
            changed: row.position,
            newest_client_ms,
            ..Head::empty(row.conversation_id, members)
        })
    }

    pub(super) fn id(&self, id: MessageId) -> Result<Option<IdEntry>, Error> {
        let Some(bytes) = self.ids.get(keys::id(id)).map_err(unread)? else { return Ok(None) };
        codec::decode_id(id, &bytes)
            .map(Some)
            .ok_or_else(|| Error::Corrupt(format!("history: entry of message id {id} can't be read")))
    }

    pub(super) fn message(
        &self,
        conversation: ConversationId,
        sequence: u64,
    ) -> Result<Option<Arc<StoredMessage>>, Error> {
        let rows = self
            .rows
            .range(keys::row(conversation, sequence, 0)..=keys::row(conversation, sequence, u64::MAX));
        Ok(take(conversation, rows, 1)?.pop())
    }

    pub(super) fn history(
        &self,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        match page {
            Page::Newest => self.below(conversation, u64::MAX, limit),
            Page::Before(sequence) => match sequence.checked_sub(1) {
                Some(last) => self.below(conversation, last, limit),
                None => Ok(Vec::new()),
            },
            Page::After(sequence) => match sequence.checked_add(1) {
                Some(first) => self.from(conversation, first, limit),
                None => Ok(Vec::new()),
            },
            Page::Around(sequence) => {
                let mut rows = match sequence.checked_sub(1) {
                    Some(last) => self.below(conversation, last, limit / 2)?,
                    None => Vec::new(),
                };
                rows.extend(self.from(conversation, sequence, limit - rows.len())?);
                Ok(rows)
            }
        }
    }

    /// The newest up to `last`, ascending.
    fn below(
        &self,
        conversation: ConversationId,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        let range = keys::row(conversation, 0, 0)..=keys::row(conversation, last, u64::MAX);
        let mut rows = take(conversation, self.rows.range(range).rev(), limit)?;
        rows.reverse();
        Ok(rows)
    }

    /// The oldest from `first` on, ascending.
    pub(super) fn from(
        &self,
        conversation: ConversationId,
        first: u64,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error> {
        let range = keys::row(conversation, first, 0)..=keys::row(conversation, u64::MAX, u64::MAX);
        take(conversation, self.rows.range(range), limit)
    }

    pub(super) fn conversations(&self, user: UserId, limit: usize) -> Result<Vec<ConversationId>, Error> {
        self.members
            .prefix(user.as_bytes())
            .take(limit)
            .map(|guard| {
                let key = guard.key().map_err(unread)?;
                keys::parse_member(&key).ok_or_else(|| {
                    Error::Corrupt(format!("history: a conversation of user {user} can't be read"))
                })
            })
            .collect()
    }

    pub(super) fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        let corrupt = || Error::Corrupt(format!("history: position of session {session} can't be read"));
        let mut cursor: Option<Cursor> = None;
        let range = keys::device(user, session, 0)..=keys::device(user, session, u32::MAX);
        for guard in self.devices.range(range) {
            let (key, value) = guard.into_inner().map_err(unread)?;
            let partition = keys::parse_device(&key).ok_or_else(corrupt)? as usize;
            let (epoch, next) = codec::decode_device(&value).ok_or_else(corrupt)?;
            let cursor = match &mut cursor {
                Some(cursor) if cursor.epoch > epoch => continue, // said in an earlier life of the log
                Some(cursor) if cursor.epoch == epoch => cursor,
                stale => stale.insert(Cursor::start(epoch, self.partitions)),
            };
            if cursor.next.len() <= partition {
                cursor.next.resize(partition + 1, 0);
            }
            cursor.next[partition] = next;
        }
        Ok(cursor)
    }
}

/// At most `limit` rows in the order of the iterator, and a look at the next one: a sequence that two records
/// made would else hide at the border of a page.
fn take(
    conversation: ConversationId,
    rows: impl Iterator<Item = Guard>,
    limit: usize,
) -> Result<Vec<Arc<StoredMessage>>, Error> {
    let mut taken: Vec<Arc<StoredMessage>> = Vec::with_capacity(limit.min(schema::limits::PAGE_MAX));
    if limit == 0 {
        return Ok(taken);
    }
    for guard in rows {
        let (key, value) = guard.into_inner().map_err(unread)?;
        let key = row_key(conversation, &key)?;
        if taken.last().is_some_and(|last| last.sequence == key.sequence) {
            return Err(Error::Corrupt(format!(
                "history: conversation {conversation} has two messages with sequence {}; two writers were at work",
                key.sequence
            )));
        }
        if taken.len() == limit {
            break;
        }
        taken.push(Arc::new(decode(conversation, &key, &value)?));
    }
    Ok(taken)
}

fn row_key(conversation: ConversationId, key: &[u8]) -> Result<keys::RowKey, Error> {
    keys::parse_row(key).ok_or_else(|| {
        Error::Corrupt(format!("history: conversation {conversation} has a key that can't be read"))
    })
}

fn decode_guard(conversation: ConversationId, guard: Guard) -> Result<StoredMessage, Error> {
    let (key, value) = guard.into_inner().map_err(unread)?;
    decode(conversation, &row_key(conversation, &key)?, &value)
}

fn decode(conversation: ConversationId, key: &keys::RowKey, value: &[u8]) -> Result<StoredMessage, Error> {
    codec::decode_row(conversation, key.sequence, value)
        .filter(|row| row.position.write_timestamp() == key.written)
        .ok_or_else(|| {
            Error::Corrupt(format!(
                "history: message {} of conversation {conversation} can't be read",
                key.sequence
            ))
        })
}

/// The time in a client id that is a UUIDv7; zero for others, which are always looked up.
fn client_ms(client_message_id: &str) -> u64 {
    let Ok(id) = Uuid::try_parse(client_message_id) else { return 0 };
    if id.get_version_num() != 7 {
        return 0;
    }
    id.as_u64_pair().0 >> 16
}

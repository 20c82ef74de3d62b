//! What a session missed: by a cursor exactly, without one whatever is not DELIVERED yet.

use crate::{Chat, Delivery, Error};
use schema::limits::CONVERSATIONS_MAX;
use schema::{ConversationId, Cursor, MessageStatus, SessionId, UserId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use store::messages::{Change, FeedEntry, Head, Page, StoredMessage};

/// Where a walk over undelivered messages goes on.
#[derive(Clone, Debug)]
pub struct Resume {
    /// Conversations that are left; the last is the one to go on with.
    left: Vec<ConversationId>,
    /// In the one to go on with, everything up to here was returned.
    after: Option<u64>,
}

impl Chat {
    /// What happened to a person behind a cursor, oldest first, and the cursor behind it. Empty: nothing
    /// more now. The cursor may move although nothing is returned.
    pub async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<Delivery>, Cursor), Error> {
        let (entries, next) = self.0.shared.messages.feed(user, after, limit).await?;
        let mut heads = HashMap::new();
        let mut deliveries = Vec::with_capacity(entries.len());
        for entry in entries {
            let conversation = entry.conversation_id;
            let head = match heads.entry(conversation) {
                Entry::Occupied(head) => head.into_mut(),
                Entry::Vacant(empty) => empty.insert(self.head(conversation).await?),
            };
            if let Some(head) = head {
                deliveries.extend(self.delivery(&entry, head).await?);
            }
        }
        Ok((deliveries, next))
    }

    async fn delivery(&self, entry: &FeedEntry, head: &Head) -> Result<Option<Delivery>, Error> {
        let sequence = match entry.change {
            Change::Message { sequence } => sequence,
            Change::Mark { up_to, .. } => up_to,
        };
        let row = self.0.shared.messages.message(entry.conversation_id, sequence).await?;
        Ok(match entry.change {
            Change::Message { .. } => {
                row.map(|message| Delivery::Message { status: head.status(&message), message, origin: None })
            }
            Change::Mark { user, up_to, status } => row.map(|row| Delivery::Mark {
                position: entry.position,
                conversation: entry.conversation_id,
                user,
                peer: head.peer(user),
                status,
                up_to,
                at: row.timestamp,
                message: Some((row.message_id, row.client_message_id.clone())),
            }),
        })
    }

    /// A page of messages to a person that no device has yet, oldest first in each conversation, of records
    /// that `before` covers. `None` after the last page.
    pub async fn undelivered(
        &self,
        user: UserId,
        before: &Cursor,
        resume: Option<Resume>,
        limit: usize,
    ) -> Result<(Vec<Arc<StoredMessage>>, Option<Resume>), Error> {
        let mut walk = match resume {
            Some(resume) => resume,
            None => {
                let left = self.0.shared.messages.conversations(user, CONVERSATIONS_MAX).await?;
                Resume { left, after: None }
            }
        };
        let mut page: Vec<Arc<StoredMessage>> = Vec::new();
        while let Some(conversation) = walk.left.last().copied() {
            if page.len() >= limit {
                return Ok((page, Some(walk)));
            }
            let after = match walk.after {
                Some(after) => after,
                None => match self.head(conversation).await? {
                    Some(head) if head.marks_of(user).delivered < head.last_sequence => {
                        head.marks_of(user).delivered
                    }
                    _ => {
                        walk.left.pop();
                        continue;
                    }
                },
            };
            let wanted = limit - page.len();
            let rows = self.0.shared.messages.history(conversation, Page::After(after), wanted).await?;
            let full = rows.len() == wanted;
            let covered = rows.iter().take_while(|row| before.covers(row.position)).count();
            if full && covered == rows.len() {
                walk.after = rows.last().map(|row| row.sequence);
            } else {
                walk.left.pop();
                walk.after = None;
            }
            page.extend(rows.into_iter().take(covered).filter(|row| row.recipient_id == user));
        }
        Ok((page, None))
    }

    /// How far a device has read, if it ever said so.
    pub async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        Ok(self.0.shared.messages.device(user, session).await?)
    }

    /// The status of a message now.
    pub(crate) async fn status(&self, message: &StoredMessage) -> Result<MessageStatus, Error> {
        let head = self.head(message.conversation_id).await?;
        Ok(head.map_or(MessageStatus::Sent, |head| head.status(message)))
    }
}

//! What a session missed: by a cursor exactly, without one whatever is not DELIVERED yet.

use crate::{Chat, Delivery, Error};
use schema::limits::CONVERSATIONS_MAX;
use schema::{ConversationId, Cursor, SessionId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use store::messages::{Change, FeedEntry, Head, Page, StoredMessage};

/// What a device without a cursor is given: everything behind a cursor that this wants.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Backlog {
    user: UserId,
    /// Where to read the feed from.
    pub from: Cursor,
    /// What came later is wanted by everybody.
    until: Cursor,
    /// How far the device says that it has read, by partition; 0: it never said.
    device: Cursor,
    /// The delivered mark of each conversation that had something undelivered.
    delivered: HashMap<ConversationId, u64>,
}

impl Backlog {
    /// Whether a message of the feed is part of it: what lies past the device's position, else what was not
    /// DELIVERED; never what the person sent before now.
    pub fn wants(&self, message: &StoredMessage) -> bool {
        if !self.until.covers(message.position) {
            return true;
        }
        if message.recipient_id != self.user {
            return false;
        }
        self.device.next_in(message.position.partition) > 0
            || self.delivered.get(&message.conversation_id).is_some_and(|mark| message.sequence > *mark)
    }
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
                deliveries.extend(self.delivery(&entry, head, user).await?);
            }
        }
        Ok((deliveries, next))
    }

    /// What an entry in this person's feed says.
    async fn delivery(
        &self,
        entry: &FeedEntry,
        head: &Head,
        viewer: UserId,
    ) -> Result<Option<Delivery>, Error> {
        let sequence = match entry.change {
            Change::Message { sequence } => sequence,
            Change::Mark { up_to, .. } => up_to,
        };
        let row = self.0.shared.messages.message(entry.conversation_id, sequence).await?;
        Ok(match entry.change {
            Change::Message { .. } => row.map(|message| Delivery::Message {
                status: head.status(&message, viewer),
                message,
                origin: None,
            }),
            Change::Mark { user, up_to, status } => row.map(|row| Delivery::Mark {
                position: entry.position,
                conversation: entry.conversation_id,
                user,
                peer: head.peer(user),
                status,
                shown: Some(status),
                up_to,
                at: row.timestamp,
                message: Some((row.message_id, row.client_message_id.clone())),
            }),
        })
    }

    /// What a device without a cursor has to catch up with. `until` is the position when it asked: what
    /// comes later is for it in any case.
    pub async fn backlog(&self, user: UserId, session: SessionId, until: Cursor) -> Result<Backlog, Error> {
        let device = self.device(user, session).await?.filter(|device| device.epoch == until.epoch);
        let mut device = device.unwrap_or_else(|| Cursor { epoch: until.epoch, next: Vec::new() });
        device.next.resize(until.next.len(), 0);
        let mut from = until.clone();
        from.next.iter_mut().zip(&device.next).for_each(|(from, has)| {
            if *has > 0 {
                *from = *has;
            }
        });
        let mut delivered = HashMap::new();
        if device.next.contains(&0) {
            for conversation in self.0.shared.messages.conversations(user, CONVERSATIONS_MAX).await? {
                let marks =
                    self.head(conversation).await?.map(|head| head.marks_of(user)).unwrap_or_default();
                let partition = self.partition(conversation);
                if marks.delivered >= marks.received || device.next_in(partition) > 0 {
                    continue;
                }
                let behind = Page::After(marks.delivered);
                let first = self.0.shared.messages.history(conversation, behind, 1).await?;
                if let (Some(first), Some(from)) = (first.first(), from.next.get_mut(partition as usize)) {
                    // Of an earlier life of the log: all of this one comes behind it. Itself it is in history only.
                    let this_life = first.position.epoch == until.epoch;
                    *from = if this_life { first.position.offset.min(*from) } else { 0 };
                    delivered.insert(conversation, marks.delivered);
                }
            }
        }
        Ok(Backlog { user, from, until, device, delivered })
    }

    /// How far a device has read, if it ever said so.
    pub async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error> {
        Ok(self.0.shared.messages.device(user, session).await?)
    }
}

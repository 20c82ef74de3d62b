//! The list of a person's conversations, the one with the newest message first.

use crate::{Chat, Error};
use schema::api::{Conversation, Conversations};
use schema::limits::CONVERSATIONS_MAX;
use schema::{ConversationId, UserId};
use serde::Deserialize;
use store::messages::{Head, Page};
use utoipa::IntoParams;

/// What a list cursor's signature covers besides its bytes.
const PURPOSE: &str = "conversations";
/// Messages that are looked at to count unread ones: more read as this many.
const UNREAD_MAX: usize = 999;

/// Which page of the list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// 1-200, 50 unless told.
    pub(crate) limit: Option<usize>,
    /// `nextCursor` of an earlier page.
    pub(crate) cursor: Option<String>,
}

/// A place in a person's list: by the newest message that they may see, the newest first, ties by id.
fn place(head: &Head, user: UserId) -> (std::cmp::Reverse<i64>, ConversationId) {
    (std::cmp::Reverse(head.marks_of(user).newest_at.0), head.conversation_id)
}

impl Chat {
    pub(crate) async fn conversations(&self, user: UserId, query: ListQuery) -> Result<Conversations, Error> {
        let limit = self.limit(query.limit)?;
        let ids = self.0.shared.messages.conversations(user, CONVERSATIONS_MAX).await?;
        let mut heads: Vec<Head> =
            self.0.shared.messages.heads(&ids, None).await?.into_iter().flatten().collect();
        // One in which there is nothing but what is hidden is none to this person.
        heads.retain(|head| head.marks_of(user).newest > 0);
        heads.sort_by_key(|head| place(head, user));
        if let Some(cursor) = &query.cursor {
            let after = self.open_place(user, cursor).ok_or_else(|| {
                Error::field("cursor", "is not one of this list", "nextCursor of an earlier page")
            })?;
            heads.retain(|head| place(head, user) > after);
        }
        let has_more = heads.len() > limit;
        heads.truncate(limit);
        let next_cursor = heads.last().filter(|_| has_more).map(|head| {
            let mut bytes = head.marks_of(user).newest_at.0.to_be_bytes().to_vec();
            bytes.extend(head.conversation_id.as_bytes());
            self.0.signer.seal(user, PURPOSE, &bytes)
        });
        let mut conversations = Vec::with_capacity(heads.len());
        for head in &heads {
            conversations.push(self.conversation(user, head).await?);
        }
        Ok(Conversations { conversations, next_cursor })
    }

    async fn conversation(&self, user: UserId, head: &Head) -> Result<Conversation, Error> {
        let messages = &self.0.shared.messages;
        let marks = head.marks_of(user);
        let last = messages.message(head.conversation_id, marks.newest).await?;
        let unread = if marks.seen >= marks.received {
            0
        } else {
            let rows = messages.history(head.conversation_id, Page::After(marks.seen), UNREAD_MAX).await?;
            rows.iter().filter(|row| row.sender_id != user && !row.hidden).count()
        };
        Ok(Conversation {
            conversation_id: head.conversation_id,
            peer: head.peer(user),
            last_message: last.and_then(|row| row.shown_to(user, head).message()),
            last_sequence: head.last_sequence,
            unread_count: unread as u64,
            delivered_up_to: marks.delivered,
            seen_up_to: marks.seen,
            first_sequence: 1,
        })
    }

    fn open_place(&self, user: UserId, cursor: &str) -> Option<(std::cmp::Reverse<i64>, ConversationId)> {
        let bytes = self.0.signer.open(user, PURPOSE, cursor)?;
        let (at, id) = bytes.split_first_chunk::<8>()?;
        let id = ConversationId::from_bytes(id.try_into().ok()?);
        Some((std::cmp::Reverse(i64::from_be_bytes(*at)), id))
    }
}

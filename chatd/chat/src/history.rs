//! Reading messages: one by its id, a conversation page by page.

use crate::{Chat, Error};
use schema::api::History;
use schema::limits::PAGE;
use schema::{ConversationId, Message, MessageId, UserId};
use serde::Deserialize;
use store::messages::Page;
use utoipa::IntoParams;

/// What a page cursor's signature covers besides its bytes.
const PURPOSE: &str = "history";

/// Which page of a conversation.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// `nextCursor` of an earlier page.
    pub(crate) cursor: Option<String>,
    /// Messages below this sequence, the newest of them.
    pub(crate) before: Option<u64>,
    /// Messages above this sequence, the oldest of them.
    pub(crate) after: Option<u64>,
    /// Messages on both sides of this sequence, and it.
    pub(crate) around: Option<u64>,
    /// 1-200, 50 unless told.
    pub(crate) limit: Option<usize>,
}

impl Chat {
    /// Rows of a page, checked against its bound.
    pub(crate) fn limit(&self, asked: Option<usize>) -> Result<usize, Error> {
        let most = self.0.config.page_max;
        match asked {
            None => Ok(PAGE.min(most)),
            Some(n) if (1..=most).contains(&n) => Ok(n),
            Some(_) => Err(Error::field("limit", "is out of bounds", format!("1-{most}"))),
        }
    }

    /// One message, for the two who share it; for others it is not there.
    pub async fn message(&self, user: UserId, id: MessageId) -> Result<Message, Error> {
        const MISSING: Error = Error::not_found("message");
        let entry = self.0.shared.messages.ids(&[id]).await?.pop().flatten().ok_or(MISSING)?;
        let row =
            self.0.shared.messages.message(entry.conversation_id, entry.sequence).await?.ok_or(MISSING)?;
        if row.sender_id != user && row.recipient_id != user {
            return Err(MISSING);
        }
        let head = self.head(row.conversation_id).await?.ok_or(MISSING)?;
        row.shown_to(user, &head).message().ok_or(MISSING)
    }

    /// A page of the conversation with somebody, ascending.
    pub(crate) async fn history(
        &self,
        user: UserId,
        peer: &str,
        query: HistoryQuery,
    ) -> Result<History, Error> {
        let peer = self.resolve(peer).await?;
        let conversation = ConversationId::between(user, peer);
        let limit = self.limit(query.limit)?;
        let page = self.page(user, conversation, &query)?;
        let extra = usize::from(!matches!(page, Page::Around(_)));
        let mut rows = self.0.shared.messages.history(conversation, page, limit + extra).await?;
        let has_more = rows.len() > limit;
        let next = match page {
            Page::After(_) => {
                rows.truncate(limit);
                rows.last().map(|row| (1, row.sequence))
            }
            Page::Newest | Page::Before(_) | Page::Around(_) => {
                rows.drain(..rows.len().saturating_sub(limit));
                rows.first().map(|row| (0, row.sequence))
            }
        };
        // Around a sequence, more lies below whenever the page does not begin with the first one.
        let has_more = has_more || matches!((page, next), (Page::Around(_), Some((_, first))) if first > 1);
        let messages = match self.head(conversation).await? {
            Some(head) => rows.iter().map(|row| row.shown_to(user, &head)).collect(),
            None => Vec::new(),
        };
        let next_cursor = next.filter(|_| has_more).map(|(direction, sequence)| {
            let mut bytes = vec![direction];
            bytes.extend(conversation.as_bytes());
            bytes.extend(sequence.to_be_bytes());
            self.0.signer.seal(user, PURPOSE, &bytes)
        });
        Ok(History { messages, has_more, next_cursor })
    }

    fn page(&self, user: UserId, conversation: ConversationId, query: &HistoryQuery) -> Result<Page, Error> {
        match (&query.cursor, query.before, query.after, query.around) {
            (None, None, None, None) => Ok(Page::Newest),
            (None, Some(sequence), None, None) => Ok(Page::Before(sequence)),
            (None, None, Some(sequence), None) => Ok(Page::After(sequence)),
            (None, None, None, Some(sequence)) => Ok(Page::Around(sequence)),
            (Some(cursor), None, None, None) => self.open_page(user, conversation, cursor).ok_or_else(|| {
                Error::field("cursor", "is not one of this list", "nextCursor of an earlier page")
            }),
            _ => Err(Error::field(
                "cursor",
                "more than one place is named",
                "one of cursor, before, after, around",
            )),
        }
    }

    fn open_page(&self, user: UserId, conversation: ConversationId, cursor: &str) -> Option<Page> {
        let bytes = self.0.signer.open(user, PURPOSE, cursor)?;
        let (direction, rest) = bytes.split_first()?;
        let (of, sequence) = rest.split_first_chunk::<16>()?;
        if of != conversation.as_bytes() {
            return None;
        }
        let sequence = u64::from_be_bytes(sequence.try_into().ok()?);
        Some(if *direction == 1 { Page::After(sequence) } else { Page::Before(sequence) })
    }
}

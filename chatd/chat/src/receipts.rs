//! Marks: how far a person has a conversation on a device, and how far they have seen it.

use crate::people::Person;
use crate::{Chat, Error};
use schema::event::{APPLY_VERSION, Body, DevicePosition, Envelope, Mark, SCHEMA_VERSION};
use schema::limits::{CONVERSATIONS_MAX, PAGE_MAX};
use schema::{ConversationId, Cursor, MessageId, SessionId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use store::messages::{Marks, Page};
use tokio::sync::oneshot;

/// Which mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkKind {
    /// A device has it.
    Delivered,
    /// The person says so.
    Seen,
}

impl Chat {
    /// Moves a mark up to a sequence; returns when that is in the log and applied. A mark that is there
    /// already, or further, is done without a record.
    ///
    /// # Errors
    /// `Invalid` beyond the last sequence, `NotFound` without a conversation.
    pub async fn mark(
        &self,
        user: UserId,
        peer: UserId,
        kind: MarkKind,
        up_to: u64,
        device: Option<DevicePosition>,
    ) -> Result<(), Error> {
        let conversation = ConversationId::between(user, peer);
        let head = self.head(conversation).await?.ok_or(Error::not_found("conversation"))?;
        if up_to > head.last_sequence {
            return Err(Error::field(
                "upTo",
                "is past the last message",
                format!("0-{}", head.last_sequence),
            ));
        }
        let marks = head.marks_of(user);
        let there = match kind {
            MarkKind::Delivered => marks.delivered >= up_to,
            MarkKind::Seen => marks.seen >= up_to,
        };
        if there && device.is_none() {
            return Ok(());
        }
        // A mark that is there already need not be told again: then only the device moves.
        let up_to = if there { 0 } else { up_to };
        let private = kind == MarkKind::Seen && !self.shows_receipts(user).await?;
        let mark = Mark { peer_id: peer, up_to, device, private };
        let body = match kind {
            MarkKind::Delivered => Body::Delivered(mark),
            MarkKind::Seen => Body::Seen(mark),
        };
        self.append_and_wait(user, peer, body).await
    }

    /// Whether others may know what this person has seen, as they have it set now.
    async fn shows_receipts(&self, user: UserId) -> Result<bool, Error> {
        let person = self.0.people.person(user).await?;
        Ok(matches!(person, Some(Person::Here { shows_receipts: true, .. })))
    }

    /// Appends a record that is no send to the conversation of two people; returns when it is applied.
    pub(crate) async fn append_and_wait(
        &self,
        user: UserId,
        peer: UserId,
        payload: Body,
    ) -> Result<(), Error> {
        let event = Envelope {
            event_id: MessageId::draw(),
            event_type: payload.event_type(),
            schema_version: SCHEMA_VERSION,
            apply_version: APPLY_VERSION,
            conversation_id: ConversationId::between(user, peer),
            actor_id: user,
            occurred_at: Timestamp::now(),
            traceparent: None,
            reply_to: None,
            payload,
        };
        let (tell, told) = oneshot::channel();
        self.append(
            event,
            None,
            Box::new(move |outcome| {
                let _ = tell.send(outcome.map(|_| ()));
            }),
        );
        told.await.unwrap_or(Err(Error::OutcomeUnknown))
    }

    /// A device showed a cursor: everything before it is DELIVERED, and the device has read that far.
    pub async fn passed(&self, user: UserId, session: SessionId, cursor: &Cursor) -> Result<(), Error> {
        let mut placed = self.device(user, session).await?.unwrap_or_default();
        for conversation in self.0.shared.messages.conversations(user, CONVERSATIONS_MAX).await? {
            let Some(head) = self.head(conversation).await? else { continue };
            let marks = head.marks_of(user);
            let up_to = self.covered(conversation, marks, cursor).await?;
            let (partition, next) =
                (self.partition(conversation), cursor.next_in(self.partition(conversation)));
            // One record a partition is enough to move the device.
            let moves = next > placed.next_in(partition);
            if up_to > marks.delivered || moves {
                let device = moves.then_some(DevicePosition { session_id: session, next });
                self.mark(user, head.peer(user), MarkKind::Delivered, up_to, device).await?;
                placed.next.resize(cursor.next.len(), 0);
                placed.next[partition as usize] = next;
            }
        }
        Ok(())
    }

    /// The last sequence behind the delivered mark whose record the cursor covers, or that mark.
    async fn covered(
        &self,
        conversation: ConversationId,
        marks: Marks,
        cursor: &Cursor,
    ) -> Result<u64, Error> {
        let mut up_to = marks.delivered;
        while up_to < marks.received {
            let page = Page::After(up_to);
            let rows = self.0.shared.messages.history(conversation, page, PAGE_MAX).await?;
            let covered = rows.iter().take_while(|row| cursor.covers(row.position)).last();
            let Some(row) = covered else { break };
            up_to = row.sequence;
            if rows.last().is_some_and(|last| last.sequence > up_to) {
                break;
            }
        }
        Ok(up_to)
    }
}

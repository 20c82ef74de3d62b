//! The promises of `Messages`, each as one function on an empty view.
//!
//! The view is opened beside a log of epoch [`EPOCH`] with [`PARTITIONS`] partitions. The functions panic
//! with what was broken, as tests do.

#![expect(clippy::unwrap_used, reason = "these functions are the bodies of tests")]

mod feeds;
mod rows;

pub use feeds::*;
pub use rows::*;

use crate::messages::{Change, FeedEntry, Head, IdEntry, Marks, Messages, Page, StoredMessage, Write};
use schema::{ConversationId, Cursor, MessageId, MessageType, Position, Timestamp, UserId};
use serde_json::value::RawValue;
use std::sync::Arc;

/// The log's epoch in this suite.
pub const EPOCH: u32 = 3;
/// The log's partitions in this suite.
pub const PARTITIONS: u32 = 4;

/// A position in partition 0.
pub(super) fn at(offset: u64) -> Position {
    Position { epoch: EPOCH, partition: 0, offset }
}

/// Two people and what they wrote.
pub(super) struct Pair {
    pub(super) members: [UserId; 2],
    pub(super) conversation: ConversationId,
}

impl Pair {
    pub(super) fn draw() -> Self {
        let mut members = [UserId::draw(), UserId::draw()];
        members.sort_unstable();
        Self { members, conversation: ConversationId::between(members[0], members[1]) }
    }

    pub(super) fn row(&self, sequence: u64, position: Position) -> StoredMessage {
        let client = format!("c-{sequence}-{}", position.offset);
        StoredMessage {
            message_id: MessageId::derive(self.conversation, self.members[0], &client),
            conversation_id: self.conversation,
            sequence,
            position,
            sender_id: self.members[0],
            recipient_id: self.members[1],
            client_message_id: client,
            content: format!("message {sequence} \u{1f600}\u{0}"),
            message_type: MessageType::Location,
            timestamp: Timestamp(1_701_424_800_000 + i64::try_from(sequence).unwrap_or_default()),
            reply_to_message_id: Some(MessageId::draw()),
            metadata: RawValue::from_string("{\"lat\": 1.50}".into()).ok(),
            hidden: false,
            erased: false,
        }
    }

    pub(super) fn head(&self, last_sequence: u64, changed: Position) -> Head {
        Head {
            last_sequence,
            last_message_at: Timestamp(1_701_424_800_000 + i64::try_from(last_sequence).unwrap_or_default()),
            changed,
            marks: [
                Marks { received: 2, delivered: 1, seen: 1, ..Marks::default() },
                Marks { received: last_sequence, delivered: last_sequence, seen: 1, ..Marks::default() },
            ],
            newest_client_ms: 7_000,
            ..Head::empty(self.conversation, self.members)
        }
    }

    /// What a sequencer writes for one message.
    pub(super) fn writes(&self, sequence: u64, position: Position) -> Vec<Write> {
        let row = Arc::new(self.row(sequence, position));
        let entry =
            FeedEntry { position, conversation_id: self.conversation, change: Change::Message { sequence } };
        let mut writes =
            vec![Write::Id(self.id(&row)), Write::Message(row), Write::Head(self.head(sequence, position))];
        for user in self.members {
            writes.push(Write::Member { user, conversation: self.conversation });
            writes.push(Write::Feed { user, entry: entry.clone() });
        }
        writes
    }

    fn id(&self, row: &StoredMessage) -> IdEntry {
        IdEntry {
            message_id: row.message_id,
            conversation_id: self.conversation,
            sequence: row.sequence,
            position: row.position,
            request_hash: [9; 16],
        }
    }

    /// Messages 1 to `last`, at offsets ten times their sequence.
    async fn fill(&self, view: &dyn Messages, last: u64) {
        let batch: Vec<Write> =
            (1..=last).flat_map(|sequence| self.writes(sequence, at(sequence * 10))).collect();
        view.write(&batch).await.unwrap();
    }

    async fn sequences(&self, view: &dyn Messages, page: Page, limit: usize) -> Vec<u64> {
        let rows = view.history(self.conversation, page, limit).await.unwrap();
        rows.iter().map(|row| row.sequence).collect()
    }

    async fn head_now(&self, view: &dyn Messages) -> Option<Head> {
        view.heads(&[self.conversation], None).await.unwrap().remove(0)
    }

    pub(super) async fn head_as_of(&self, view: &dyn Messages, offset: u64) -> Option<Head> {
        view.heads(&[self.conversation], Some(at(offset))).await.unwrap().remove(0)
    }
}

/// Everything the view knows of one person, to compare two states.
async fn all(view: &dyn Messages, pair: &Pair) -> String {
    let rows = view.history(pair.conversation, Page::Newest, 100).await.unwrap();
    let ids: Vec<MessageId> = rows.iter().map(|row| row.message_id).collect();
    let mut text = format!("{rows:?} {:?} {:?}", view.ids(&ids).await.unwrap(), pair.head_now(view).await);
    for user in pair.members {
        let feed = view.feed(user, &Cursor::start(EPOCH, PARTITIONS), 100).await.unwrap();
        text += &format!("{:?} {feed:?}", view.conversations(user, 100).await.unwrap());
    }
    text
}

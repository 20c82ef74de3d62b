//! The history view: what the log says, in the shape that reads need.
//!
//! Only the sequencer writes it. Every row carries the position of the record that made it, so a replay
//! writes the same rows again and a late writer can't win.

use crate::Error;
use async_trait::async_trait;
use schema::{
    ConversationId, Cursor, Message, MessageId, MessageStatus, MessageType, Position, SessionId, Timestamp,
    UserId,
    message::{Entry, Hidden},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;

/// A message row. Its key is (conversation, sequence, position): a double sequence would show as two rows
/// instead of one that was overwritten.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredMessage {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub sequence: u64,
    pub position: Position,
    pub sender_id: UserId,
    pub recipient_id: UserId,
    pub client_message_id: String,
    pub content: String,
    pub message_type: MessageType,
    pub timestamp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to_message_id: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Box<RawValue>>,
    /// The recipient had blocked the sender when it came: it is never shown to the recipient.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    /// The sender was deleted: there is no content any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

impl StoredMessage {
    /// What one of its two people sees of it.
    pub fn shown_to(&self, viewer: UserId, head: &Head) -> Entry {
        if self.is_hidden_from(viewer) {
            return Entry::Hidden(Hidden { sequence: self.sequence, hidden: true });
        }
        Entry::Message(Box::new(self.to_message(head.status(self, viewer))))
    }

    /// Whether this person must not see it.
    pub fn is_hidden_from(&self, viewer: UserId) -> bool {
        self.hidden && viewer != self.sender_id
    }

    /// Takes the content away, and keeps the place.
    pub fn erase(&mut self) {
        self.content = String::new();
        self.metadata = None;
        self.reply_to_message_id = None;
        self.erased = true;
    }

    /// The message as its two people read it, with a status that is one of them's to see.
    pub fn to_message(&self, status: MessageStatus) -> Message {
        Message {
            message_id: self.message_id,
            conversation_id: self.conversation_id,
            sequence: self.sequence,
            sender_id: self.sender_id,
            recipient_id: self.recipient_id,
            content: self.content.clone(),
            message_type: self.message_type,
            timestamp: self.timestamp,
            status,
            client_message_id: self.client_message_id.clone(),
            reply_to_message_id: self.reply_to_message_id,
            metadata: self.metadata.clone(),
            deleted: self.erased,
        }
    }
}

/// What is known under a message id, for as long as the message lives: dedupe, access by id, and answers
/// after a lost link. Stays when the content goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IdEntry {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub sequence: u64,
    /// Of the first record of this id: a repeat has a later one.
    pub position: Position,
    /// Of the original request: a repeat with another body is a conflict.
    pub request_hash: [u8; 16],
}

/// How far one member of a conversation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// The newest message that they may see, and its time: lists of conversations are ordered by it.
    pub newest: u64,
    pub newest_at: Timestamp,
    /// The newest of those that was sent to them.
    pub received: u64,
    /// A device has everything up to here.
    pub delivered: u64,
    /// They have seen everything up to here.
    pub seen: u64,
    /// What the other one is told of `delivered` and of `seen`.
    pub shown_delivered: u64,
    pub shown_seen: u64,
}

/// The state of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    pub conversation_id: ConversationId,
    /// Sorted; twice the same in a note to oneself.
    pub members: [UserId; 2],
    pub last_sequence: u64,
    /// Time of the message with that sequence.
    pub last_message_at: Timestamp,
    /// The last record that changed this head.
    pub changed: Position,
    /// Of `members`, in their order.
    pub marks: [Marks; 2],
    /// Which of `members` has blocked the other.
    pub blocked: [bool; 2],
    /// The newest time (ms) in a UUIDv7 client message id so far: a send with a later one is new.
    pub newest_client_ms: u64,
}

impl Head {
    /// A conversation, between these two in the order of their ids, in which nothing was said yet.
    pub fn empty(conversation_id: ConversationId, members: [UserId; 2]) -> Self {
        Self {
            conversation_id,
            members,
            last_sequence: 0,
            last_message_at: Timestamp::default(),
            changed: Position::default(),
            marks: [Marks::default(); 2],
            blocked: [false; 2],
            newest_client_ms: 0,
        }
    }

    /// The place of a member, 0 or 1.
    pub fn member(&self, user: UserId) -> Option<usize> {
        self.members.iter().position(|member| *member == user)
    }

    /// The other member; oneself in a note to oneself.
    pub fn peer(&self, user: UserId) -> UserId {
        if self.members[0] == user { self.members[1] } else { self.members[0] }
    }

    /// The marks of a member.
    pub fn marks_of(&self, user: UserId) -> Marks {
        self.member(user).map(|i| self.marks[i]).unwrap_or_default()
    }

    /// Whether a member has blocked the other.
    pub fn has_blocked(&self, user: UserId) -> bool {
        self.member(user).is_some_and(|i| self.blocked[i])
    }

    /// How far a message has come, as far as one of the two may know: the sender knows what the recipient
    /// shows, and of a message that is hidden from the recipient it stays SENT.
    pub fn status(&self, message: &StoredMessage, viewer: UserId) -> MessageStatus {
        let marks = self.marks_of(message.recipient_id);
        let (delivered, seen) = if viewer == message.recipient_id {
            (marks.delivered, marks.seen)
        } else {
            (marks.shown_delivered, marks.shown_seen)
        };
        if message.hidden {
            MessageStatus::Sent
        } else if seen >= message.sequence {
            MessageStatus::Seen
        } else if delivered >= message.sequence {
            MessageStatus::Delivered
        } else {
            MessageStatus::Sent
        }
    }
}

/// One change that concerns a person, at its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEntry {
    pub position: Position,
    pub conversation_id: ConversationId,
    pub change: Change,
}

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A message with this sequence is new.
    Message { sequence: u64 },
    /// `user` has everything up to `up_to`, as far as `status` says.
    Mark { user: UserId, up_to: u64, status: MessageStatus },
}

/// One write of the sequencer.
#[derive(Clone, Debug)]
pub enum Write {
    Message(Arc<StoredMessage>),
    Id(IdEntry),
    Head(Head),
    /// The person has this conversation. Written with its first message.
    Member {
        user: UserId,
        conversation: ConversationId,
    },
    Feed {
        user: UserId,
        entry: FeedEntry,
    },
    /// The device has everything of a partition before `next`; merged by maximum.
    Device {
        user: UserId,
        session: SessionId,
        partition: u32,
        next: u64,
    },
    /// `user` has blocked `peer`, or does so no more; the later position wins.
    Block {
        conversation: ConversationId,
        user: UserId,
        peer: UserId,
        blocked: bool,
        position: Position,
        at: Timestamp,
    },
    /// What this person wrote in the conversation has no content any more, whenever its rows are written.
    Erase {
        user: UserId,
        conversation: ConversationId,
    },
}

/// Somebody who is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub peer: UserId,
    pub since: Timestamp,
}

/// How far the view has applied a partition, durably.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    pub epoch: u32,
    /// The offset behind the last applied record.
    pub next: u64,
    /// Event id of that last record, to notice a log that was replaced.
    pub last_event: Option<MessageId>,
}

/// Which rows of a conversation, by sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest.
    Newest,
    /// The newest below a sequence.
    Before(u64),
    /// The oldest above a sequence.
    After(u64),
    /// Half below a sequence, it and the rest above.
    Around(u64),
}

/// The history view.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Heads by conversation, in the order asked. With `as_of`, a head is as it was before the record at
    /// that position: `last_sequence` and `last_message_at` come from the newest row made by an earlier record
    /// (marks and `newest_client_ms` never go back, so they are as they are, and so is `changed`), and `blocked`
    /// from the newest blocks of earlier records. It does not matter whether the head itself was ever written:
    /// rows and blocks made by earlier records make one. A conversation of which both came later is `None`.
    async fn heads(
        &self,
        conversations: &[ConversationId],
        as_of: Option<Position>,
    ) -> Result<Vec<Option<Head>>, Error>;

    /// What is known under message ids, in the order asked.
    async fn ids(&self, ids: &[MessageId]) -> Result<Vec<Option<IdEntry>>, Error>;

    /// Writes a batch: idempotent, in this order, visible to reads when it returns. Not durable by itself:
    /// the log is, and [`Messages::checkpoint`] is the point that a replay starts from.
    async fn write(&self, batch: &[Write]) -> Result<(), Error>;

    /// Makes everything written so far durable and remembers how far the partition was applied.
    async fn checkpoint(&self, partition: u32, applied: Applied) -> Result<(), Error>;

    /// The last checkpoint of a partition.
    async fn applied(&self, partition: u32) -> Result<Option<Applied>, Error>;

    /// One row.
    async fn message(
        &self,
        conversation: ConversationId,
        sequence: u64,
    ) -> Result<Option<Arc<StoredMessage>>, Error>;

    /// At most `limit` rows, ascending.
    async fn history(
        &self,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<Vec<Arc<StoredMessage>>, Error>;

    /// The conversations of a person, at most `limit`, in no particular order.
    async fn conversations(&self, user: UserId, limit: usize) -> Result<Vec<ConversationId>, Error>;

    /// What changed for a person behind a cursor: at most `limit` entries, oldest first within each
    /// partition. The answer's cursor is where the next call goes on; entries before it are complete.
    async fn feed(
        &self,
        user: UserId,
        after: &Cursor,
        limit: usize,
    ) -> Result<(Vec<FeedEntry>, Cursor), Error>;

    /// How far a device has read, if it ever said so.
    async fn device(&self, user: UserId, session: SessionId) -> Result<Option<Cursor>, Error>;

    /// Whether the first of each pair has blocked the second, in the order asked.
    async fn blocked(&self, pairs: &[(UserId, UserId)]) -> Result<Vec<bool>, Error>;

    /// Whom a person has blocked, in the order of ids behind `after`, at most `limit`.
    async fn blocks(&self, user: UserId, after: Option<UserId>, limit: usize) -> Result<Vec<Block>, Error>;

    /// Which life of the view this is. It changes when writes that were answered may be gone, such as after a
    /// crash of an engine that syncs late: then every partition goes back to [`Messages::applied`] and replays.
    /// It has changed before the first call succeeds that could miss something: who finds it unchanged after a
    /// read can trust what was read.
    fn generation(&self) -> u64 {
        0
    }

    /// Whether the view takes writes now, and why not.
    fn health(&self) -> Result<(), Error>;
}

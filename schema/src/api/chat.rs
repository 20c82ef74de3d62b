//! Conversations, marks, sync and blocks, by REST and STOMP.

use crate::message::Entry;
use crate::{ConversationId, Message, MessageId, MessageStatus, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One conversation of the caller, as `GET /api/chat/conversations` lists it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversation {
    pub conversation_id: ConversationId,
    /// The other person; oneself for notes to oneself.
    pub peer: UserId,
    /// The newest that the caller may see.
    pub last_message: Option<Message>,
    pub last_sequence: u64,
    pub unread_count: u64,
    /// How far the caller has it on a device.
    pub delivered_up_to: u64,
    /// How far the caller has seen it.
    pub seen_up_to: u64,
    /// The oldest sequence that is kept.
    pub first_sequence: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Conversations {
    pub conversations: Vec<Conversation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A page of history, ascending.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    pub messages: Vec<Entry>,
    pub has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Somebody whom the caller has blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Block {
    pub user_id: UserId,
    pub created_at: Timestamp,
}

/// What `GET /api/users/me/blocks` answers, in the order of the ids.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocks {
    pub blocks: Vec<Block>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `PUT …/delivered` and `PUT …/seen`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpTo {
    pub up_to: u64,
}

/// What `GET /api/chat/sync` answers: everything for the caller behind a cursor, oldest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sync {
    pub events: Vec<SyncEvent>,
    pub next_cursor: String,
    pub has_more: bool,
    /// The cursor is of another life of the log: drop what you have and read history anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
}

/// One change.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum SyncEvent {
    /// A new message, one's own included.
    Message { conversation_id: ConversationId, sequence: u64, message: Message },
    /// Somebody's mark moved.
    Mark { conversation_id: ConversationId, sequence: u64, user_id: UserId, status: MessageStatus },
}

/// The body on `/user/queue/message-status`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusUpdate {
    /// For SENT, the message; marks concern everything up to `upTo`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    pub conversation_id: ConversationId,
    pub sequence: u64,
    pub status: MessageStatus,
    pub up_to: u64,
    pub timestamp: Timestamp,
    /// Of marks: who has it. One's own other devices hear of one's marks too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
}

/// The body of `/app/chat.delivered` and `/app/chat.seen`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkRequest {
    pub peer_id: String,
    pub up_to: u64,
}

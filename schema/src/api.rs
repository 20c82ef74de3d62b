//! REST bodies, shared by the server and the two tools.

use crate::message::{Entry, FieldError};
use crate::user::{AvatarUrl, DisplayName, Phone, Username};
use crate::{Code, ConversationId, Message, MessageId, MessageStatus, SessionId, Timestamp, User, UserId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A problem (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub code: Code,
    /// Finds this very request in the server's log.
    pub trace_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which the call may work, as in the header `Retry-After`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// On `/user/queue/errors`: the `receipt` of the frame that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

// --- auth ---

/// `POST /api/auth/register`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Register {
    pub phone_number: Phone,
    pub password: String,
    pub display_name: DisplayName,
    #[serde(default)]
    pub username: Option<Username>,
    #[serde(default)]
    pub device_name: Option<String>,
}

/// `POST /api/auth/login`: a phone number or a username.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Login {
    #[serde(default)]
    pub phone_number: Option<String>,
    #[serde(default)]
    pub username: Option<String>,
    pub password: String,
    #[serde(default)]
    pub device_name: Option<String>,
}

/// `POST /api/auth/refresh`; the token may also come in the Authorization header or the cookie.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refresh {
    #[serde(default)]
    pub refresh_token: Option<String>,
}

/// The answer to register, login and refresh.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    pub access_token: String,
    pub refresh_token: String,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds that the access token lives.
    pub expires_in: i64,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub phone_number: Option<Phone>,
    pub display_name: DisplayName,
}

/// One sign-in, as `GET /api/auth/sessions` lists it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    pub session_id: SessionId,
    pub device_name: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// The session that asks.
    pub current: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sessions {
    pub sessions: Vec<SessionInfo>,
}

/// `POST /api/auth/password`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasswordChange {
    pub current_password: String,
    /// 8-71 bytes, not blank, not among the most common ones.
    pub new_password: String,
}

/// The answer to `POST /api/auth/ticket`: opens one socket, as the CONNECT header `ticket` or as `?ticket=`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    pub ticket: String,
    /// Seconds within which it must be used.
    pub expires_in: i64,
}

// --- users ---

/// `PATCH /api/users/me`: what is absent stays as it is, null takes a username or a photo away (RFC 7396).
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"displayName": "John Doe", "username": "john.doe", "avatarUrl": null}))]
pub struct UserChange {
    /// 1-50 characters; not null.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(nullable = false)]
    pub display_name: Option<DisplayName>,
    /// 3-32 of `[a-z0-9_.]`, first a letter, nobody else's.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<Username>)]
    pub username: Option<Option<Username>>,
    /// An address, or a path of this server; at most 2048 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    #[schema(value_type = Option<AvatarUrl>)]
    pub avatar_url: Option<Option<AvatarUrl>>,
}

/// A field that is there, be it null.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `POST /api/users/me/contacts`: exactly one of the three names, and what to call them.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"username": "user2", "alias": "Ben from work"}))]
pub struct NewContact {
    /// A user id or a username.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// 1-50 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<DisplayName>,
}

/// `PUT /api/users/me/contacts/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"alias": "Ben"}))]
pub struct ContactChange {
    /// 1-50 characters, or null for none.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    pub alias: Option<DisplayName>,
}

/// Somebody in the caller's contacts.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// As far as the caller may see them.
    pub user: User,
    pub alias: Option<DisplayName>,
    pub created_at: Timestamp,
}

/// In the order of user ids.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contacts {
    pub contacts: Vec<Contact>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `GET /api/users/me/export`: everything that is stored about the caller. Each part is as it was when it was
/// read; a document that ends before its last brace is not whole.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    pub exported_at: Timestamp,
    pub profile: User,
    pub contacts: Vec<ExportedContact>,
    pub blocks: Vec<Block>,
    pub sessions: Vec<SessionInfo>,
    pub conversations: Vec<ExportedConversation>,
    /// There are more conversations than are exported (limit 100,000).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A contact as it is stored: what the contact shows is not the caller's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedContact {
    pub user_id: UserId,
    pub alias: Option<DisplayName>,
    pub created_at: Timestamp,
}

/// A conversation with all its messages, ascending.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportedConversation {
    pub conversation_id: ConversationId,
    pub peer: UserId,
    pub messages: Vec<Entry>,
}

// --- chat ---

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

// --- admin (port 8090) ---

/// `POST /admin/users`, and one row of an import.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Username>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// In clear; hashed by the server. Not together with `passwordHash`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// A ready BCrypt hash, `$2b$…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

/// `POST /admin/users/import`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    pub users: Vec<NewUser>,
    /// What to do with a row whose phone number or username is taken.
    #[serde(default)]
    pub on_conflict: OnConflict,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// Report the row as failed.
    #[default]
    Fail,
    /// Keep the user that is there and report its id.
    Skip,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// One for each row, in order.
    pub results: Vec<ImportResult>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportResult {
    /// Of the new user, or of the one that was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    pub created: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A user as an administrator sees it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUser {
    #[serde(flatten)]
    pub user: User,
    pub disabled: bool,
    /// Whether the account can be entered with a password.
    pub has_password: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdminUsers {
    pub users: Vec<AdminUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `POST /admin/tokens`: one access token, with a session of its own, for each user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mint {
    /// User ids or usernames.
    pub users: Vec<String>,
    /// Seconds that the tokens live; 900 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Minted {
    /// One for each user, in order.
    pub tokens: Vec<MintedToken>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MintedToken {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub access_token: String,
    pub expires_in: i64,
}

/// One bound that clients may want to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// The configuration's key, such as `limits.requests_per_minute`.
    pub key: String,
    pub value: i64,
    /// What the value counts.
    pub unit: String,
}

/// `GET /api/limits` and `GET /admin/limits`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    pub limits: Vec<Limit>,
}

/// Health of a process: `/actuator/health`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    pub status: HealthStatus,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HealthStatus {
    Up,
    Down,
    OutOfService,
}

/// One part that a process needs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    pub name: String,
    pub status: HealthStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

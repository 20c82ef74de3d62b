//! People, contacts and the export.

use super::{Block, SessionInfo};
use crate::message::Entry;
use crate::user::{AvatarUrl, DisplayName, Username};
use crate::{ConversationId, Timestamp, User, UserId};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

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

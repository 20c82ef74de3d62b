//! People: the User of the seed document, what of one is shown to whom, and the texts that name one.

mod privacy;
mod text;

pub use privacy::{Policy, PrivacyChange, PrivacySettings, Relation};
pub use text::{AvatarUrl, DisplayName, Phone, TextError, Username};

use crate::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A person, as the seed shows one, plus `username` and `createdAt`. What the caller may not see is null, as it is
/// for a person who has none of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": "018f3c5e-7b1a-7c3d-9e4f-0a1b2c3d4e5f",
    "phoneNumber": null,
    "username": "john.doe",
    "displayName": "John Doe",
    "avatarUrl": "https://example.com/avatar.jpg",
    "lastSeen": "2023-12-01T10:00:00.000Z",
    "privacySettings": null,
    "createdAt": "2023-11-01T08:30:00.000Z"
}))]
pub struct User {
    pub user_id: UserId,
    /// One's own, or the one that the caller looked the person up by.
    pub phone_number: Option<Phone>,
    pub username: Option<Username>,
    pub display_name: DisplayName,
    /// If the caller may see it.
    pub avatar_url: Option<String>,
    /// When the person's last socket closed, if the caller may see it.
    pub last_seen: Option<Timestamp>,
    /// One's own; of others null. Settings that allow what is not shown would tell of a block.
    pub privacy_settings: Option<PrivacySettings>,
    pub created_at: Timestamp,
}

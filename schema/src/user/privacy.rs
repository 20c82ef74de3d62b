//! Who may see what of a person.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Who may see what of a person. A thing is visible if its flag and its policy both allow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PrivacySettings {
    pub show_last_seen: bool,
    pub show_profile_photo: bool,
    pub show_read_receipts: bool,
    pub allow_messages_from_unknown: bool,
    pub last_seen_policy: Policy,
    pub profile_photo_policy: Policy,
}

impl Default for PrivacySettings {
    fn default() -> Self {
        Self {
            show_last_seen: true,
            show_profile_photo: true,
            show_read_receipts: true,
            allow_messages_from_unknown: true,
            last_seen_policy: Policy::Everyone,
            profile_photo_policy: Policy::Everyone,
        }
    }
}

/// A change of [`PrivacySettings`]: what is absent keeps its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"showLastSeen": true, "lastSeenPolicy": "CONTACTS"}))]
pub struct PrivacyChange {
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub show_last_seen: Option<bool>,
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub show_profile_photo: Option<bool>,
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub show_read_receipts: Option<bool>,
    #[serde(default, deserialize_with = "flag", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub allow_messages_from_unknown: Option<bool>,
    #[serde(default, deserialize_with = "policy", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_seen_policy: Option<Policy>,
    #[serde(default, deserialize_with = "policy", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub profile_photo_policy: Option<Policy>,
}

/// A flag that is there: null is no flag.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    bool::deserialize(deserializer).map(Some)
}

/// A policy that is there, by its name and in no other form that an enum may take.
fn policy<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Policy>, D::Error> {
    let name = String::deserialize(deserializer)?;
    match name.as_str() {
        "EVERYONE" => Ok(Some(Policy::Everyone)),
        "CONTACTS" => Ok(Some(Policy::Contacts)),
        "NOBODY" => Ok(Some(Policy::Nobody)),
        _ => Err(serde::de::Error::custom("is no policy (EVERYONE, CONTACTS or NOBODY)")),
    }
}

/// What a viewer is to a person who is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same person.
    Oneself,
    /// The person has the viewer among their contacts.
    Contact,
    Stranger,
    /// One of the two has blocked the other: nothing of one is shown to the other.
    Blocked,
}

impl PrivacySettings {
    /// These settings with what the change names.
    #[must_use]
    pub fn with(self, change: &PrivacyChange) -> Self {
        Self {
            show_last_seen: change.show_last_seen.unwrap_or(self.show_last_seen),
            show_profile_photo: change.show_profile_photo.unwrap_or(self.show_profile_photo),
            show_read_receipts: change.show_read_receipts.unwrap_or(self.show_read_receipts),
            allow_messages_from_unknown: change
                .allow_messages_from_unknown
                .unwrap_or(self.allow_messages_from_unknown),
            last_seen_policy: change.last_seen_policy.unwrap_or(self.last_seen_policy),
            profile_photo_policy: change.profile_photo_policy.unwrap_or(self.profile_photo_policy),
        }
    }

    /// Whether a viewer may know when the person was last there, and whether they are there now.
    pub fn shows_last_seen(&self, to: Relation) -> bool {
        allows(self.show_last_seen, self.last_seen_policy, to)
    }

    /// Whether a viewer may see the person's photo.
    pub fn shows_photo(&self, to: Relation) -> bool {
        allows(self.show_profile_photo, self.profile_photo_policy, to)
    }
}

/// A thing is visible if its flag and its policy both allow it; to oneself everything is.
fn allows(flag: bool, policy: Policy, to: Relation) -> bool {
    match to {
        Relation::Oneself => true,
        Relation::Blocked => false,
        Relation::Contact => flag && policy != Policy::Nobody,
        Relation::Stranger => flag && policy == Policy::Everyone,
    }
}

/// Who is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Policy {
    Everyone,
    Contacts,
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_privacy_changes_what_it_names() {
        let before = PrivacySettings { show_last_seen: false, ..PrivacySettings::default() };
        assert_eq!(before.clone().with(&PrivacyChange::default()), before);
        let change: PrivacyChange =
            serde_json::from_str(r#"{"lastSeenPolicy":"CONTACTS","showReadReceipts":false}"#).unwrap();
        let after = before.clone().with(&change);
        assert_eq!(
            after,
            PrivacySettings {
                last_seen_policy: Policy::Contacts,
                show_read_receipts: false,
                ..before.clone()
            }
        );
        let all = r#"{"showLastSeen":true,"showProfilePhoto":false,"showReadReceipts":false,"allowMessagesFromUnknown":false,"lastSeenPolicy":"NOBODY","profilePhotoPolicy":"NOBODY"}"#;
        let whole: PrivacySettings = serde_json::from_str(all).unwrap();
        assert_eq!(before.with(&serde_json::from_str(all).unwrap()), whole);
        for bad in [
            r#"{"showLastSeen":null}"#,
            r#"{"showLastSeen":1}"#,
            r#"{"lastSeenPolicy":null}"#,
            r#"{"lastSeenPolicy":"everyone"}"#,
            r#"{"lastSeenPolicy":{"EVERYONE":null}}"#,
            r#"{"showStatus":true}"#,
        ] {
            assert!(serde_json::from_str::<PrivacyChange>(bad).is_err(), "{bad}");
        }
    }
}

//! People: the User of the seed document and the texts that name one.

use crate::limits::{AVATAR_URL_BYTES_MAX, DISPLAY_NAME_CHARS_MAX, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN};
use crate::{Timestamp, UserId};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;
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

/// A text that breaks its rule: what the bound is, in the words of a problem's `errors[]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({bound})")]
pub struct TextError {
    pub reason: &'static str,
    pub bound: &'static str,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;
            fn from_str(text: &str) -> Result<Self, TextError> {
                $check(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    };
}

text!(
    /// A phone number: `+`, a first digit 1–9, 8–15 ASCII digits in all.
    Phone,
    phone
);
text!(
    /// A unique name such as `user1`: 3–32 of `[a-z0-9_.]`, first a letter, case folded, not `me`.
    Username,
    username
);
text!(
    /// What others see: 1–50 characters, no control characters, not blank.
    DisplayName,
    display_name
);

text!(
    /// Where a person's photo is: an `https://` or `http://` address, or a path of this server that begins with
    /// `/`. 1–2048 printable ASCII characters without space, quotes, `<`, `>` and backslash (RFC 3986, 2).
    AvatarUrl,
    avatar_url
);

fn phone(text: &str) -> Result<String, TextError> {
    const BOUND: &str = "+ and 8-15 digits, the first 1-9";
    let digits = text.strip_prefix('+').ok_or(TextError { reason: "must begin with +", bound: BOUND })?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(TextError { reason: "holds something that is no digit", bound: BOUND });
    }
    if !(8..=15).contains(&digits.len()) || digits.starts_with('0') {
        return Err(TextError { reason: "is no international phone number", bound: BOUND });
    }
    Ok(text.to_owned())
}

fn username(text: &str) -> Result<String, TextError> {
    const BOUND: &str = "3-32 of a-z 0-9 _ . and first a letter";
    let folded = text.to_ascii_lowercase();
    if !(USERNAME_CHARS_MIN..=USERNAME_CHARS_MAX).contains(&folded.len()) {
        return Err(TextError { reason: "is too short or too long", bound: BOUND });
    }
    if !folded.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(TextError { reason: "must begin with a letter", bound: BOUND });
    }
    if !folded.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.') {
        return Err(TextError { reason: "holds a character that is not allowed", bound: BOUND });
    }
    Ok(folded)
}

fn display_name(text: &str) -> Result<String, TextError> {
    const BOUND: &str = "1-50 characters";
    if text.trim().is_empty() {
        return Err(TextError { reason: "must not be blank", bound: BOUND });
    }
    if text.chars().count() > DISPLAY_NAME_CHARS_MAX {
        return Err(TextError { reason: "is too long", bound: BOUND });
    }
    if text.chars().any(char::is_control) {
        return Err(TextError { reason: "holds a control character", bound: BOUND });
    }
    Ok(text.to_owned())
}

fn avatar_url(text: &str) -> Result<String, TextError> {
    const BOUND: &str = "an https:// or http:// address or a path that begins with /, 1-2048 bytes";
    let wrong = |reason| Err(TextError { reason, bound: BOUND });
    if text.is_empty() {
        return wrong("must not be empty");
    }
    if text.len() > AVATAR_URL_BYTES_MAX {
        return wrong("is too long");
    }
    // Whatever page shows it, it can't leave the attribute that it stands in.
    if text.bytes().any(|b| !b.is_ascii_graphic() || b"\"'<>\\^`{|}".contains(&b)) {
        return wrong("holds a character that no address has");
    }
    let scheme = text.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    match scheme {
        Some((scheme, rest)) if matches!(scheme.as_str(), "https" | "http") => {
            let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if host.is_empty() || host.contains('@') { wrong("names no host") } else { Ok(text.to_owned()) }
        }
        _ if text.starts_with('/') && !text.starts_with("//") => Ok(text.to_owned()),
        _ => wrong("is no address that a browser may fetch"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avatar_urls() {
        for good in ["https://example.com/avatar.jpg", "HTTP://a.example:8080/x?y=1#z", "/api/media/1?size=2"]
        {
            assert!(good.parse::<AvatarUrl>().is_ok(), "{good}");
        }
        let long = format!("/{}", "a".repeat(AVATAR_URL_BYTES_MAX));
        for bad in [
            "",
            "a.jpg",
            "//evil.example/a",
            "javascript:alert(1)",
            "data:image/png;base64,AA",
            "ftp://a/b",
            "https://",
            "https:///a",
            "https://user:pass@a/b",
            "https://a/b c",
            "https://a/\"onerror=",
            "/a\nb",
            "/\u{e9}",
            long.as_str(),
        ] {
            assert!(bad.parse::<AvatarUrl>().is_err(), "{bad}");
        }
        assert!(long[..AVATAR_URL_BYTES_MAX].parse::<AvatarUrl>().is_ok());
    }

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

    #[test]
    fn phones() {
        for good in ["+1234567890", "+12345678", "+123456789012345"] {
            assert!(good.parse::<Phone>().is_ok(), "{good}");
        }
        for bad in [
            "1234567890",
            "+0234567890",
            "+1234567",
            "+1234567890123456",
            "+12345a7890",
            "",
            "+１２３４５６７８",
        ] {
            assert!(bad.parse::<Phone>().is_err(), "{bad}");
        }
    }

    #[test]
    fn usernames_fold_and_refuse() {
        assert_eq!("User1".parse::<Username>().unwrap().as_str(), "user1");
        for bad in ["me", "ab", "1user", "user-1", "üser", "a".repeat(33).as_str()] {
            assert!(bad.parse::<Username>().is_err(), "{bad}");
        }
    }

    #[test]
    fn display_names() {
        assert!("John Doe".parse::<DisplayName>().is_ok());
        assert!("日".repeat(50).parse::<DisplayName>().is_ok());
        for bad in ["", "   ", "a\nb", "日".repeat(51).as_str()] {
            assert!(bad.parse::<DisplayName>().is_err(), "{bad:?}");
        }
    }
}

//! People: the User of the seed document and the texts that name one.

use crate::limits::{DISPLAY_NAME_CHARS_MAX, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN};
use crate::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

/// A person, as the seed shows one, plus `username` and `createdAt`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    pub user_id: UserId,
    pub phone_number: Option<Phone>,
    pub username: Option<Username>,
    pub display_name: DisplayName,
    pub avatar_url: Option<String>,
    /// When the person's last socket closed, if the caller may see it.
    pub last_seen: Option<Timestamp>,
    pub privacy_settings: PrivacySettings,
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

#[cfg(test)]
mod tests {
    use super::*;

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

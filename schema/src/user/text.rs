//! The texts that name a person, and the rule that each obeys.

use crate::limits::{AVATAR_URL_BYTES_MAX, DISPLAY_NAME_CHARS_MAX, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;

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
}

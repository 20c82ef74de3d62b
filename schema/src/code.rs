//! The one list of error codes: what `code` may say in a problem, with its status and title.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable error code (RFC 9457 extension member `code`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum Code { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &[Code] = &[$(Code::$name,)*];

            /// The text on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status that goes with it.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// A short title, the same for each occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The body or a parameter is no JSON, no UTF-8, or of the wrong type.
    Malformed = "malformed", 400, "Malformed request";
    /// A field breaks a rule; `errors[]` names field, reason and bound.
    Invalid = "invalid", 400, "Invalid request";
    /// No token, or one that is not ours, expired, or of an ended session.
    Unauthorized = "unauthorized", 401, "Unauthorized";
    /// Unknown user or wrong password: the same answer for both.
    InvalidCredentials = "invalid-credentials", 401, "Invalid credentials";
    /// The refresh token is unknown, expired, or was used before (which ends its session).
    InvalidRefreshToken = "invalid-refresh-token", 401, "Invalid refresh token";
    /// The token is good, but the thing is not the caller's.
    Forbidden = "forbidden", 403, "Forbidden";
    /// The recipient does not take messages from the caller.
    RecipientUnavailable = "recipient-unavailable", 403, "Recipient unavailable";
    /// Not there, or not visible to the caller.
    NotFound = "not-found", 404, "Not found";
    /// The path exists, the method does not.
    MethodNotAllowed = "method-not-allowed", 405, "Method not allowed";
    /// The phone number or username is taken.
    UserAlreadyExists = "user-already-exists", 409, "User already exists";
    /// The same client message id came with another body.
    ClientMessageIdReused = "client-message-id-reused", 409, "Client message id reused";
    /// The body is larger than its bound.
    TooLarge = "too-large", 413, "Too large";
    /// The content type is not the one that the call takes.
    UnsupportedMediaType = "unsupported-media-type", 415, "Unsupported media type";
    /// Too many calls; `Retry-After` says when.
    RateLimited = "rate-limited", 429, "Too many requests";
    /// A fault of ours; the trace id finds it in the log.
    Internal = "internal", 500, "Internal error";
    /// Overloaded or a store is away, before anything was stored.
    NotAccepted = "not_accepted", 503, "Not accepted";
    /// Stored or not, we can't tell; repeat with the same client id to settle it.
    OutcomeUnknown = "outcome_unknown", 503, "Outcome unknown";
    /// A part that this call needs is down.
    Unavailable = "unavailable", 503, "Unavailable";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_422_is_not_used() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..i].iter().all(|other| other.as_str() != code.as_str()));
            assert_ne!(code.status(), 422);
        }
    }
}

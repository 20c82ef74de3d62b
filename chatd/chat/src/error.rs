//! What chat refuses, in the terms a caller can act on.

use edge::Problem;
use schema::Code;
use schema::limits::RETRY_AFTER_S;
use schema::message::FieldError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A refusal of chat. It crosses the border of a process with what its caller may act on.
#[derive(Clone, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    /// Fields that break a rule, each with its bound.
    #[error("the request is not valid")]
    Invalid(Vec<FieldError>),
    /// `senderId` names somebody else than the caller.
    #[error("senderId must name the caller; leave it out or send your own id or username")]
    NotYou,
    /// No such user, message or conversation, or none that the caller may see.
    #[error("{0} was not found")]
    NotFound(Cow<'static, str>),
    /// The recipient does not take messages from the caller, or from nobody any more.
    #[error("the recipient does not take messages from you")]
    RecipientUnavailable,
    /// The caller has blocked the recipient.
    #[error("you have blocked this user; DELETE /api/users/me/blocks/{0} before you write to them")]
    Blocking(schema::UserId),
    /// The client message id was used for another message of this conversation.
    #[error("clientMessageId was used for another message; draw a new one for each message")]
    ClientMessageIdReused,
    /// Nothing was stored: overload, or a store is away.
    #[error("not accepted, nothing was stored: {0}")]
    NotAccepted(String),
    /// Stored or not: nobody can tell yet.
    #[error("the outcome is unknown; repeat with the same clientMessageId to settle it")]
    OutcomeUnknown,
    /// A read failed.
    #[error("history is unavailable: {0}")]
    Store(#[serde(with = "kept")] store::Error),
}

/// A store's error on the wire: whether it may pass, and its text.
mod kept {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(error: &store::Error, to: S) -> Result<S::Ok, S::Error> {
        (error.retryable(), error.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<store::Error, D::Error> {
        let (passes, text) = <(bool, String)>::deserialize(from)?;
        Ok(if passes { store::Error::Unavailable(text) } else { store::Error::Corrupt(text) })
    }
}

impl Error {
    /// Nothing of this name, or nothing that the caller may see.
    pub(crate) const fn not_found(what: &'static str) -> Self {
        Error::NotFound(Cow::Borrowed(what))
    }

    /// One broken field.
    pub fn field(field: &str, reason: &str, bound: impl Into<String>) -> Self {
        Error::Invalid(vec![FieldError::new(field, reason, bound)])
    }

    /// The code on the wire.
    pub fn code(&self) -> Code {
        match self {
            Error::Invalid(_) => Code::Invalid,
            Error::NotYou => Code::Forbidden,
            Error::NotFound(_) => Code::NotFound,
            Error::RecipientUnavailable | Error::Blocking(_) => Code::RecipientUnavailable,
            Error::ClientMessageIdReused => Code::ClientMessageIdReused,
            Error::NotAccepted(_) => Code::NotAccepted,
            Error::OutcomeUnknown => Code::OutcomeUnknown,
            Error::Store(store::Error::Corrupt(_)) => Code::Internal,
            Error::Store(_) => Code::Unavailable,
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Error::Store(error)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        match error {
            Error::Invalid(errors) => Problem::invalid(errors),
            Error::NotAccepted(cause) => Problem::new(code, "nothing was stored; try again later")
                .caused_by(cause)
                .retry_after(RETRY_AFTER_S),
            Error::OutcomeUnknown => Problem::new(code, error.to_string()).retry_after(RETRY_AFTER_S),
            Error::Store(cause) if code == Code::Unavailable => {
                Problem::new(code, "history is away; try again later")
                    .caused_by(cause)
                    .retry_after(RETRY_AFTER_S)
            }
            Error::Store(cause) => Problem::new(code, "history could not be read").caused_by(cause),
            other => Problem::new(code, other.to_string()),
        }
    }
}

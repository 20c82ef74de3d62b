//! What can go wrong in a store, in the terms a caller can act on.

/// A store's refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A unique value is taken; names the field (`phoneNumber`, `username`).
    #[error("{0} is taken")]
    Conflict(&'static str),
    /// A queue is at its bound; nothing was stored.
    #[error("overloaded: {0}")]
    Overloaded(&'static str),
    /// The store is away or its disk is full; nothing was stored, later it may work.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// Stored or not, the store can't tell.
    #[error("outcome unknown: {0}")]
    Unknown(String),
    /// The data is not what was written. Never repaired silently.
    #[error("corrupt: {0}")]
    Corrupt(String),
    /// The partition now belongs to another owner.
    #[error("partition revoked")]
    Revoked,
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self, Error::Overloaded(_) | Error::Unavailable(_) | Error::Unknown(_))
    }
}

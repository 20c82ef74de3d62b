//! What goes wrong with an engine, by what the caller can do about it.

/// An engine's URL that cannot be read. Never holds the URL itself, for a password may stand in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{wrong}; it looks like {example}")]
pub struct BadUrl {
    /// What is wrong, without a password: `no host`, `replication=x is not a number from 1 to 9`.
    pub wrong: String,
    /// How such a URL looks: `kafka://[user:password@]host:9092[?prefix=x.]`.
    pub example: &'static str,
}

impl BadUrl {
    /// `wrong` must not quote what may hold a password.
    pub fn new(wrong: impl Into<String>, example: &'static str) -> Self {
        Self { wrong: wrong.into(), example }
    }
}

/// What an engine could not do. Each text names the engine, what was asked and, where there is one,
/// the fix; none holds a password.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Not reachable, or not answering in time: the same again may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// It answered, and said no: a wrong password, a missing right, a statement that it does not
    /// take, a setting that does not fit. The same again fails again.
    #[error("{0}")]
    Refused(String),
    /// What it holds is not what this program knows: altered, half there, or of another version.
    #[error("{0}")]
    Different(String),
}

impl Error {
    /// Whether waiting and doing the same again may help.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

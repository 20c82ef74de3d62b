//! What another process changed in the stores, for those who remember something of it.

use schema::{SessionId, UserId, Username};

/// News of other processes; one's own changes need not come back. Those who hear of it forget what they
/// remembered, so hearing something twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The session's tokens are refused from now on, and its sockets closed.
    SessionEnded(SessionId),
    /// A profile, its privacy, its contacts or its very existence has changed.
    PersonChanged { user: UserId, former_username: Option<Username> },
    /// Something may have been missed: ask the store for ended sessions, and remember nobody.
    Missed,
}

/// News that a slow listener may be behind before it is told that it missed some.
pub const BEHIND: usize = 4096;

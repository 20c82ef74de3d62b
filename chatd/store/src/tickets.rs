//! One-time tickets: what opens a socket where no header can be set.
//!
//! Soft state of half a minute: lost with its process, and a client then asks for another.

use crate::Error;
use crate::accounts::{Role, SecretHash};
use async_trait::async_trait;
use schema::{SessionId, Timestamp, UserId};

/// Whose a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub role: Role,
    /// When it is worth nothing any more, used or not.
    pub expires_at: Timestamp,
}

/// Whether a ticket was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Kept,
    /// The user has `limits::TICKETS_PER_USER` live ones; the first of them ends at `until`.
    TooMany {
        until: Timestamp,
    },
}

/// Tickets by the hash of their secret.
#[async_trait]
pub trait Tickets: Send + Sync {
    /// Keeps a ticket. `Overloaded` when there are `limits::TICKETS` live ones in all.
    async fn put(&self, secret: SecretHash, ticket: Ticket, now: Timestamp) -> Result<Kept, Error>;
    /// Takes a ticket out: of any number of calls one gets it. `None`: unknown, taken before, or expired.
    async fn take(&self, secret: SecretHash, now: Timestamp) -> Result<Option<Ticket>, Error>;
}

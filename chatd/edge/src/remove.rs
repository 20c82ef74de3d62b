//! How a person's account ends, for who offers it.

use crate::Problem;
use async_trait::async_trait;
use schema::UserId;

/// Removes people; `auth` knows how.
#[async_trait]
pub trait Remove: Send + Sync {
    /// Removes a person with sessions, credentials, profile and contacts. When it returns, that is durable, their
    /// tokens are refused and their sockets are told to close. It runs to its end even if who asked goes away.
    ///
    /// # Errors
    /// `not-found`, or when the store does not answer.
    async fn remove(&self, user: UserId) -> Result<(), Problem>;
}

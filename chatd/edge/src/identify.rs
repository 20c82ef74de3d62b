//! Who opens a socket, when no access token says so.

use crate::{Caller, Problem};
use async_trait::async_trait;
use axum::http::HeaderMap;

/// The ways into a socket besides an access token; `auth` knows them.
#[async_trait]
pub trait Identify: Send + Sync {
    /// The live session behind the sign-in cookie of a request. `None`: no cookie, or of a session that ended.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn by_cookie(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem>;

    /// Whose a one-time ticket is. It is used up by this call, whatever comes of it.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn by_ticket(&self, ticket: &str) -> Result<Option<Caller>, Problem>;
}

//! Who opens a socket without an access token.

use crate::Auth;
use crate::tokens::secret_hash;
use async_trait::async_trait;
use axum::http::HeaderMap;
use edge::{Caller, Identify, Problem};
use schema::Timestamp;
use schema::limits::TICKET_BYTES;

#[async_trait]
impl Identify for Auth {
    /// The caller stays as long as the session.
    async fn by_cookie(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        let Some(row) = self.session_by_cookie(headers).await? else { return Ok(None) };
        let account = self.0.accounts.by_id(row.user_id).await?;
        Ok(account.filter(|account| !account.disabled).map(|account| Caller {
            user: row.user_id,
            session: row.session_id,
            role: account.role.as_str().to_owned(),
            expires_at: row.expires_at,
        }))
    }

    /// Disabling and deleting a user ends every session, and a ticket ends with its session.
    async fn by_ticket(&self, ticket: &str) -> Result<Option<Caller>, Problem> {
        if ticket.len() > TICKET_BYTES {
            return Ok(None);
        }
        let taken = self.0.tickets.take(secret_hash(ticket), Timestamp::now()).await?;
        let live = taken.filter(|ticket| !self.0.revocations.is_ended(ticket.session_id));
        Ok(live.map(|ticket| Caller {
            user: ticket.user_id,
            session: ticket.session_id,
            role: ticket.role.as_str().to_owned(),
            expires_at: ticket.expires_at,
        }))
    }
}

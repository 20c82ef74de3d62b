//! `store::Tickets` on Redis: `all`, a hash of tickets by the hash of their secret; `ends`, the same by end;
//! `of:USER`, those of a person by end.

use super::server::Server;
use async_trait::async_trait;
use engines::redis::Redis;
use redis::Script;
use schema::limits::{TICKET_KEEP, TICKETS, TICKETS_PER_USER};
use schema::{SessionId, Timestamp, UserId};
use std::sync::LazyLock;
use store::Error;
use store::accounts::{Role, SecretHash};
use store::tickets::{Kept, Ticket, Tickets};

static PUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/put.lua")));
static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("lua/take.lua")));

/// Live tickets of all processes, at most `limits::TICKETS`.
pub struct RedisTickets {
    server: Server,
    base: String,
}

impl RedisTickets {
    /// Connects.
    ///
    /// # Errors
    /// When Redis is not there, does not let us in, or is too old.
    pub async fn open(redis: &Redis) -> Result<Self, engines::Error> {
        let server = Server::open(redis).await?;
        let base = server.key("tickets:");
        Ok(Self { server, base })
    }
}

#[async_trait]
impl Tickets for RedisTickets {
    async fn put(&self, secret: SecretHash, ticket: Ticket, now: Timestamp) -> Result<Kept, Error> {
        let margin = i64::try_from(TICKET_KEEP.as_millis()).unwrap_or(i64::MAX);
        let keep_ms = ticket.expires_at.0.saturating_sub(now.0).max(0).saturating_add(margin);
        let mut script = PUT.key(&self.base);
        script.arg(&secret[..]).arg(encode(&ticket)).arg(ticket.user_id.0.simple().to_string());
        script.arg(ticket.expires_at.0).arg(now.0).arg(TICKETS).arg(TICKETS_PER_USER).arg(keep_ms);
        match self.server.run::<(u8, String)>(&script).await? {
            (0, _) => Ok(Kept::Kept),
            (1, _) => Err(Error::Overloaded("tickets")),
            (_, first) => Ok(Kept::TooMany { until: first.parse().map_or(ticket.expires_at, Timestamp) }),
        }
    }

    async fn take(&self, secret: SecretHash, now: Timestamp) -> Result<Option<Ticket>, Error> {
        let ticket: Option<String> = self.server.run(TAKE.key(&self.base).arg(&secret[..])).await?;
        Ok(ticket.as_deref().and_then(decode).filter(|ticket| ticket.expires_at > now))
    }
}

/// User, session, role, end, as text; the user has 32 characters.
fn encode(ticket: &Ticket) -> String {
    let Ticket { user_id, session_id, role, expires_at } = ticket;
    format!("{} {} {} {}", user_id.0.simple(), session_id.0.simple(), role.as_str(), expires_at.0)
}

/// `None`: nothing that we wrote, so it opens nothing.
fn decode(text: &str) -> Option<Ticket> {
    let mut parts = text.split(' ');
    let user_id: UserId = parts.next()?.parse().ok()?;
    let session_id: SessionId = parts.next()?.parse().ok()?;
    let role = parts.next()?;
    let role = [Role::User, Role::Admin].into_iter().find(|one| one.as_str() == role)?;
    let expires_at = Timestamp(parts.next()?.parse().ok()?);
    Some(Ticket { user_id, session_id, role, expires_at })
}

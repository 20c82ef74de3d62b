//! `store::Tickets` in the memory of the process.

use async_trait::async_trait;
use parking_lot::Mutex;
use schema::limits::{TICKETS, TICKETS_PER_USER};
use schema::{Timestamp, UserId};
use std::collections::{BTreeSet, HashMap};
use store::Error;
use store::accounts::SecretHash;
use store::tickets::{Kept, Ticket, Tickets};

/// Live tickets, at most `limits::TICKETS` of about 200 bytes each.
#[derive(Default)]
pub struct MemoryTickets(Mutex<State>);

/// Three views of the same tickets.
#[derive(Default)]
struct State {
    tickets: HashMap<SecretHash, Ticket>,
    by_end: BTreeSet<(Timestamp, SecretHash)>,
    by_user: HashMap<UserId, Vec<SecretHash>>,
}

impl State {
    fn put(&mut self, secret: SecretHash, ticket: Ticket, now: Timestamp) -> Result<Kept, Error> {
        while let Some((end, secret)) = self.by_end.first().copied()
            && end <= now
        {
            self.remove(&secret);
        }
        if self.tickets.len() >= TICKETS {
            return Err(Error::Overloaded("tickets"));
        }
        let mine = self.by_user.get(&ticket.user_id).map(Vec::as_slice).unwrap_or_default();
        if mine.len() >= TICKETS_PER_USER {
            let ends = mine.iter().filter_map(|secret| self.tickets.get(secret)).map(|one| one.expires_at);
            return Ok(Kept::TooMany { until: ends.min().unwrap_or(now) });
        }
        // A secret of 256 random bits does not come twice; were it to, the newer ticket counts.
        self.remove(&secret);
        self.by_user.entry(ticket.user_id).or_default().push(secret);
        self.by_end.insert((ticket.expires_at, secret));
        self.tickets.insert(secret, ticket);
        Ok(Kept::Kept)
    }

    fn remove(&mut self, secret: &SecretHash) -> Option<Ticket> {
        let ticket = self.tickets.remove(secret)?;
        self.by_end.remove(&(ticket.expires_at, *secret));
        if let Some(mine) = self.by_user.get_mut(&ticket.user_id) {
            mine.retain(|one| one != secret);
            if mine.is_empty() {
                self.by_user.remove(&ticket.user_id);
            }
        }
        Some(ticket)
    }
}

#[async_trait]
impl Tickets for MemoryTickets {
    async fn put(&self, secret: SecretHash, ticket: Ticket, now: Timestamp) -> Result<Kept, Error> {
        self.0.lock().put(secret, ticket, now)
    }

    async fn take(&self, secret: SecretHash, now: Timestamp) -> Result<Option<Ticket>, Error> {
        Ok(self.0.lock().remove(&secret).filter(|ticket| ticket.expires_at > now))
    }
}

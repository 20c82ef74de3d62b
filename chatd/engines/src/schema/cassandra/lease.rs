//! Who may change the schema of a keyspace: a row that is set only where there is none, lives for
//! [`SCHEMA_LEASE`] by Cassandra's own clock, and is renewed by its holder while that works.
//!
//! It spares two the same work; it cannot fence a holder that was stopped for longer than it lives. That
//! the statements may run again, and twice, is what makes this harmless.

use super::{Keyspace, now};
use crate::Error;
use crate::schema::Progress;
use schema::limits::{SCHEMA_LEASE, SCHEMA_LEASE_RENEWAL, SCHEMA_LOCK_WAIT, SCHEMA_POLL};
use scylla::statement::Consistency;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// The right to change the schema of a keyspace.
pub(super) struct Lease<'a> {
    keyspace: &'a Keyspace<'a>,
    holder: Uuid,
}

impl<'a> Lease<'a> {
    /// Waits until nobody else holds it, at most [`SCHEMA_LOCK_WAIT`].
    pub(super) async fn take(keyspace: &'a Keyspace<'a>, progress: Progress<'_>) -> Result<Self, Error> {
        let lease = Self { keyspace, holder: Uuid::new_v4() };
        let give_up = Instant::now() + SCHEMA_LOCK_WAIT;
        let mut told = false;
        loop {
            let statement = "INSERT INTO {keyspace}.schema_lease (name, holder, since) VALUES ('apply', ?, ?)
                             IF NOT EXISTS USING TTL ?";
            let wrote = keyspace.serial(statement, (lease.holder, now(), seconds())).await;
            // A write that timed out may have been made: the row tells.
            match (lease.current().await?, wrote) {
                (Some(holder), _) if holder == lease.holder => return Ok(lease),
                (None, Err(error)) => return Err(error),
                (other, _) if Instant::now() > give_up => {
                    let who = other.map(|holder| holder.to_string()).unwrap_or_default();
                    let text =
                        format!("cassandra: another apply ({who}) is still at work; see table schema_lease");
                    return Err(Error::Unavailable(text));
                }
                _ => {}
            }
            if !told {
                progress("cassandra: another apply is at work, or was killed; waiting for it or its lease");
                told = true;
            }
            sleep(SCHEMA_POLL).await;
        }
    }

    /// Does the work, and drops it as soon as the lease is lost.
    pub(super) async fn held_during<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            error = self.keep() => Err(error),
        }
    }

    /// Lets the next one in.
    pub(super) async fn give_back(self) -> Result<(), Error> {
        let statement = "DELETE FROM {keyspace}.schema_lease WHERE name = 'apply' IF holder = ?";
        self.keyspace.serial(statement, (self.holder,)).await.map(drop)
    }

    /// Renews it until it is lost, and says so.
    async fn keep(&self) -> Error {
        let mut until = Instant::now() + SCHEMA_LEASE;
        loop {
            sleep(SCHEMA_LEASE_RENEWAL).await;
            let asked = Instant::now();
            match self.renew().await {
                Ok(true) => until = asked + SCHEMA_LEASE,
                Ok(false) => {
                    return Error::Unavailable(
                        "cassandra: the lease of this apply ran out; apply again".to_owned(),
                    );
                }
                Err(error) if Instant::now() > until => return error,
                Err(_) => {}
            }
        }
    }

    async fn renew(&self) -> Result<bool, Error> {
        let statement =
            "UPDATE {keyspace}.schema_lease USING TTL ? SET holder = ?, since = ? WHERE name = 'apply'
                         IF holder = ?";
        self.keyspace.serial(statement, (seconds(), self.holder, now(), self.holder)).await?;
        Ok(self.current().await? == Some(self.holder))
    }

    /// Who holds it, after all writes in flight are settled.
    async fn current(&self) -> Result<Option<Uuid>, Error> {
        let statement = "SELECT holder FROM {keyspace}.schema_lease WHERE name = 'apply'";
        let found: Vec<(Option<Uuid>,)> = self.keyspace.ask(statement, (), Consistency::Serial).await?;
        Ok(found.first().and_then(|row| row.0))
    }
}

/// How long it lives, as Cassandra counts.
fn seconds() -> i32 {
    i32::try_from(SCHEMA_LEASE.as_secs()).unwrap_or(i32::MAX)
}

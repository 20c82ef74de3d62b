//! People, sessions and what processes share, on PostgreSQL.
//!
//! A change is one statement wherever one can do it, so one round trip: what must not come apart are the parts
//! of one `with`. At PostgreSQL's read committed a statement that waited for a row goes on with that row as it
//! is then, but with all other rows as they were at its beginning. So whoever must see what others added while
//! it waited takes the lock in one statement and looks in the next ([`work`]).
//!
//! Rows are locked in one order, so that nobody waits in a circle: users by id, then sessions, then the rest.

mod accounts;
mod contacts;
mod create;
mod epochs;
mod keys;
mod listener;
mod news;
mod nodes;
mod profiles;
mod refused;
mod rows;
mod sessions;
mod tombstones;
mod work;

pub use keys::{KeysError, share_keys};
pub use nodes::{Node, Nodes};

use listener::Listener;
use refused::{Stored, engine, lost, refused};
use schema::limits::{POSTGRES_ANSWER_TIME, POSTGRES_CONNECTIONS};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres};
use std::sync::Arc;
use store::{Error, News};
use tokio::sync::broadcast;
use tokio::time::timeout;
use uuid::Uuid;

/// A statement with what is bound to it.
type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Accounts and profiles in a database that several processes share. Clones share its connections.
#[derive(Clone)]
pub struct People(Arc<Inner>);

struct Inner {
    pool: PgPool,
    listener: Listener,
}

impl People {
    /// Connects, and listens from now on: `news` tells what other processes change. The tables must be there.
    ///
    /// # Errors
    /// `Unavailable` when PostgreSQL does not answer or does not let us in.
    pub async fn open(
        postgres: &engines::postgres::Postgres,
        node: Uuid,
        news: broadcast::Sender<News>,
    ) -> Result<Self, Error> {
        let postgres = postgres.clone().bounded();
        let pool = postgres.connect(POSTGRES_CONNECTIONS).await.map_err(engine)?;
        let listener = Listener::start(postgres, node, news).await?;
        let people = Self(Arc::new(Inner { pool, listener }));
        people.warn_of_weak_commits().await?;
        Ok(people)
    }

    /// Whether PostgreSQL answered when it was last asked, which is each second.
    ///
    /// # Errors
    /// `Unavailable` with the reason since when it does not.
    pub fn health(&self) -> Result<(), Error> {
        self.0.listener.health()
    }

    /// Ends all connections: what runs is finished, later calls are refused.
    pub async fn close(&self) {
        self.0.listener.stop();
        self.0.pool.close().await;
    }

    /// This process, as it is called in news: one's own are not told again.
    fn node(&self) -> &str {
        self.0.listener.node()
    }

    /// What only looks.
    async fn read(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, Error> {
        self.run(statement, Stored::Nothing).await
    }

    /// What changes something, durably when it is answered.
    async fn write(&self, statement: Statement<'_>) -> Result<Vec<PgRow>, Error> {
        self.run(statement, Stored::Perhaps).await
    }

    async fn run(&self, statement: Statement<'_>, stored: Stored) -> Result<Vec<PgRow>, Error> {
        let mut connection = self.connection().await?;
        if let Ok(answer) = timeout(POSTGRES_ANSWER_TIME, statement.fetch_all(&mut *connection)).await {
            return answer.map_err(|cause| refused(cause, stored));
        }
        // It may never answer again; the pool would wait for it.
        connection.close_on_drop();
        Err(lost("no answer in time", stored))
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Error> {
        match self.0.pool.acquire().await {
            Ok(connection) => Ok(connection),
            Err(sqlx::Error::PoolTimedOut) if self.health().is_ok() => {
                Err(Error::Overloaded("accounts: too many calls wait for PostgreSQL"))
            }
            Err(cause) => Err(lost(&cause.to_string(), Stored::Nothing)),
        }
    }

    /// Each change is promised to be durable; the operator decides, but shall know.
    async fn warn_of_weak_commits(&self) -> Result<(), Error> {
        let rows = self
            .read(sqlx::query("select current_setting('synchronous_commit'), current_setting('fsync')"))
            .await?;
        let settings: Option<(String, String)> =
            rows.first().map(sqlx::FromRow::from_row).transpose().map_err(|c| refused(c, Stored::Nothing))?;
        if settings.is_some_and(|(commit, fsync)| commit == "off" || fsync == "off") {
            tracing::warn!(
                "PostgreSQL runs with fsync or synchronous_commit off: a power cut may lose changes"
            );
        }
        Ok(())
    }
}

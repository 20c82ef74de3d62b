//! A transaction of several statements: for changes that must look again after they have waited for a lock.

use super::refused::{Stored, lost, refused};
use super::{People, Statement};
use schema::limits::POSTGRES_ANSWER_TIME;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, raw_sql};
use store::Error;
use tokio::time::timeout;

/// An open transaction. Dropped before its end it takes its connection with it, which undoes it whatever state
/// that connection is in.
pub(super) struct Work {
    connection: PoolConnection<Postgres>,
    open: bool,
}

impl People {
    pub(super) async fn begin(&self) -> Result<Work, Error> {
        let mut work = Work { connection: self.connection().await?, open: true };
        work.say("begin", Stored::Nothing).await?;
        Ok(work)
    }
}

impl Work {
    pub(super) async fn run(&mut self, statement: Statement<'_>) -> Result<Vec<PgRow>, Error> {
        match timeout(POSTGRES_ANSWER_TIME, statement.fetch_all(&mut *self.connection)).await {
            Ok(answer) => answer.map_err(|cause| refused(cause, Stored::Nothing)),
            Err(_) => Err(lost("no answer in time", Stored::Nothing)),
        }
    }

    /// From here on a failure may mean either outcome.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        self.say("commit", Stored::Perhaps).await?;
        self.open = false;
        Ok(())
    }

    /// Ends it without a change.
    pub(super) async fn undo(mut self) -> Result<(), Error> {
        self.say("rollback", Stored::Nothing).await?;
        self.open = false;
        Ok(())
    }

    async fn say(&mut self, what: &'static str, stored: Stored) -> Result<(), Error> {
        match timeout(POSTGRES_ANSWER_TIME, raw_sql(what).execute(&mut *self.connection)).await {
            Ok(answer) => answer.map(drop).map_err(|cause| refused(cause, stored)),
            Err(_) => Err(lost("no answer in time", stored)),
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}

//! Whether the database of a URL is there, and making it.

use super::Postgres;
use crate::Error;
use sqlx::PgPool;

/// The database that every server has.
const ADMINISTRATION: &str = "postgres";

/// The database that a URL names.
pub enum Database {
    /// It is there: a pool of one connection.
    There(PgPool),
    /// Its server has none of this name.
    Missing(Missing),
}

/// A database that is not there.
pub struct Missing {
    server: PgPool,
    create: String,
}

impl Missing {
    /// The statement that makes it.
    pub fn create(self) -> String {
        self.create
    }

    /// Makes it; whether it did. It does not when another makes it at the same time, or when we may not:
    /// connecting tells.
    pub async fn make(self) -> bool {
        sqlx::raw_sql(sqlx::AssertSqlSafe(self.create)).execute(&self.server).await.is_ok()
    }
}

impl Postgres {
    /// Connects, and looks whether there is such a database only when that is refused: it nearly always is there.
    ///
    /// # Errors
    /// As [`Postgres::connect`].
    pub async fn find(&self) -> Result<Database, Error> {
        match self.connect(1).await {
            Err(Error::Refused(_)) => {}
            told => return told.map(Database::There),
        }
        match self.missing().await? {
            Some(missing) => Ok(Database::Missing(missing)),
            // Another made it just now; or something else was refused, which connecting tells again.
            None => self.connect(1).await.map(Database::There),
        }
    }

    async fn missing(&self) -> Result<Option<Missing>, Error> {
        let name = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        let server = match self.clone().with_database(ADMINISTRATION).connect(1).await {
            Ok(server) => server,
            // Whoever may not look there has a database of their own, or is told so when they connect to it.
            Err(Error::Refused(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let found = sqlx::query("select 1 from pg_database where datname = $1").bind(name);
        let found = found.fetch_optional(&server).await.map_err(|cause| self.not_connected(&cause))?;
        let create = || format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
        Ok(found.is_none().then(|| Missing { server, create: create() }))
    }
}

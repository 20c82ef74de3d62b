//! The SQLite file of people and sessions: how it is opened, written and read.
//!
//! One connection writes, so writers queue here and not at SQLite's lock; a few read beside it (WAL). Every
//! commit is synced (`synchronous=FULL`): a change is durable when its call returns.

use schema::UserId;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{QueryBuilder, Sqlite, SqlitePool, Transaction};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Error;

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Connections that read at once.
const READERS: u32 = 2;
/// How long a call waits for a connection, and SQLite for a lock of another process.
const WAIT: Duration = Duration::from_secs(5);

/// Ids or pairs of ids that one statement asks for; SQLite takes 32,766 parameters.
pub(crate) const BULK: usize = 500;

/// Accounts and profiles in one SQLite file.
#[derive(Clone)]
pub struct People(Arc<Pools>);

struct Pools {
    write: SqlitePool,
    read: SqlitePool,
}

impl People {
    /// Opens the file, which is made when it is missing, and brings its tables up to date.
    ///
    /// # Errors
    /// `Corrupt` when it is no database of ours or damaged, `Unavailable` when it cannot be opened now.
    pub async fn open(file: &Path) -> Result<Self, Error> {
        make_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(WAIT)
            .pragma("secure_delete", "ON"); // what a person had deleted is not left in free pages
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(WAIT);
        let write =
            pool(1).connect_with(options.clone()).await.map_err(|cause| cannot_open(file, &cause.into()))?;
        MIGRATIONS.run(&write).await.map_err(|cause| cannot_open(file, &cause))?;
        let read = pool(READERS).connect_lazy_with(options.read_only(true));
        Ok(Self(Arc::new(Pools { write, read })))
    }

    /// Ends both pools: what runs is finished, later calls are refused.
    pub async fn close(&self) {
        self.0.read.close().await;
        self.0.write.close().await;
    }

    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.0.read
    }

    /// A transaction that no other writer can come before.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, Error> {
        self.0.write.begin_with("BEGIN IMMEDIATE").await.map_err(refused)
    }
}

/// Ends a transaction; from here on a failure may mean either outcome.
pub(crate) async fn commit(transaction: Transaction<'static, Sqlite>) -> Result<(), Error> {
    transaction.commit().await.map_err(|cause| match refused(cause) {
        Error::Unavailable(cause) => Error::Unknown(cause),
        other => other,
    })
}

/// A statement that ends with a list of ids.
pub(crate) fn among(statement: &str, users: &[UserId]) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(statement);
    query.push(" (");
    let mut list = query.separated(", ");
    for user in users {
        list.push_bind(user.as_bytes().to_vec());
    }
    query.push(")");
    query
}

/// A failed statement, in the terms of a store.
pub(crate) fn refused(cause: sqlx::Error) -> Error {
    match &cause {
        sqlx::Error::PoolTimedOut => Error::Overloaded("accounts: too many calls wait for the database"),
        sqlx::Error::Database(told) if told.is_unique_violation() => conflict(told.message()),
        sqlx::Error::Database(told) if damaged(told.code().as_deref()) => {
            Error::Corrupt(format!("accounts database is damaged ({told}); restore it from a backup"))
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            Error::Corrupt(format!("accounts database holds what chatd never wrote: {cause}"))
        }
        _ => Error::Unavailable(format!("accounts database: {cause}")),
    }
}

/// The field behind SQLite's "UNIQUE constraint failed: users.phone".
fn conflict(message: &str) -> Error {
    if message.contains("users.phone") {
        Error::Conflict("phoneNumber")
    } else if message.contains("users.username") {
        Error::Conflict("username")
    } else if message.contains("users.id") {
        Error::Conflict("userId")
    } else if message.contains("sessions.id") {
        Error::Conflict("sessionId")
    } else {
        Error::Conflict("secret")
    }
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`, extended codes included.
fn damaged(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

fn cannot_open(file: &Path, cause: &MigrateError) -> Error {
    let file = file.display();
    let told = match cause {
        MigrateError::VersionMissing(number) => {
            return Error::Corrupt(format!(
                "{file} has migration {number}, which this chatd does not know; run the newer chatd that wrote it"
            ));
        }
        MigrateError::VersionMismatch(number) => {
            return Error::Corrupt(format!(
                "{file} was made by another text of migration {number}; run the chatd that wrote it"
            ));
        }
        MigrateError::Execute(told) | MigrateError::ExecuteMigration(told, _) => told,
        other => return Error::Unavailable(format!("{file} cannot be brought up to date: {other}")),
    };
    match told {
        sqlx::Error::Database(told) if damaged(told.code().as_deref()) => {
            Error::Corrupt(format!("{file} is no database or damaged ({told}); restore it from a backup"))
        }
        told => Error::Unavailable(format!("{file} cannot be opened: {told}")),
    }
}

/// Makes the file before SQLite does, with a mode that its WAL takes over: nobody else may read it.
fn make_private(file: &Path) -> Result<(), Error> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(file)
        .map(drop)
        .map_err(|cause| Error::Unavailable(format!("{} cannot be made: {cause}", file.display())))
}

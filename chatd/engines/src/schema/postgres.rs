//! The migrations of PostgreSQL: each in a transaction of its own, together with the row that says so,
//! under an advisory lock that ends with the connection.

mod facts;

use super::migration::{self, Applied, Migration};
use super::{Change, Progress, Status, Target};
use crate::Error;
pub(super) use facts::facts;
use schema::limits::{SCHEMA_LOCK_WAIT, SCHEMA_STATEMENT_LOCK_WAIT};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Row as _};

/// What `apply` locks: one number for all of chatd's schema in a database (`chatd_sc`).
const LOCK: i64 = 0x6368_6174_645f_7363;
const BOOKKEEPING: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY, \
    name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())";

/// Where each migration stands.
pub(super) async fn status(pool: &PgPool, known: &[Migration]) -> Result<Vec<Status>, Error> {
    let mut connection = pool.acquire().await.map_err(|error| failed("connecting", &error))?;
    Ok(migration::compare(Target::Postgres, known, &applied(&mut connection).await?))
}

/// What `apply` would run.
pub(super) async fn plan(pool: &PgPool, known: &[Migration]) -> Result<Vec<Change>, Error> {
    let mut connection = pool.acquire().await.map_err(|error| failed("connecting", &error))?;
    let found = read(&mut connection).await?;
    let pending = migration::pending(Target::Postgres, known, found.as_deref().unwrap_or_default())?;
    let mut changes: Vec<Change> =
        pending.into_iter().map(|migration| change(&migration.name, migration.statements.clone())).collect();
    if found.is_none() && !changes.is_empty() {
        changes.insert(0, change("bookkeeping", vec![BOOKKEEPING.to_owned()]));
    }
    Ok(changes)
}

/// The same where the server has no database of this name yet.
pub(super) fn plan_anew(create: String, known: &[Migration]) -> Vec<Change> {
    let first = [change("database", vec![create]), change("bookkeeping", vec![BOOKKEEPING.to_owned()])];
    let migrations = known.iter().map(|migration| change(&migration.name, migration.statements.clone()));
    first.into_iter().chain(migrations).collect()
}

fn change(name: &str, statements: Vec<String>) -> Change {
    Change { target: Target::Postgres, name: name.to_owned(), statements }
}

/// Applies what is pending and answers the names of that.
pub(super) async fn apply(
    pool: &PgPool,
    known: &[Migration],
    progress: Progress<'_>,
) -> Result<Vec<String>, Error> {
    // Of its own, so that the lock goes when this future does.
    let connection = pool.acquire().await.map_err(|error| failed("connecting", &error))?;
    let mut connection = connection.detach();
    lock(&mut connection, progress).await?;
    let done = apply_locked(&mut connection, known, progress).await;
    let closed = connection.close().await;
    let done = done?;
    closed.map_err(|error| failed("closing the connection", &error))?;
    Ok(done)
}

async fn lock(connection: &mut PgConnection, progress: Progress<'_>) -> Result<(), Error> {
    let free = sqlx::query("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await;
    let free: bool =
        free.and_then(|row| row.try_get(0)).map_err(|error| failed("locking the schema", &error))?;
    if free {
        return Ok(());
    }
    progress("postgres: another apply is at work, waiting for it");
    set_lock_wait(connection, SCHEMA_LOCK_WAIT).await?;
    let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(connection).await;
    locked.map_err(|error| failed("waiting for another apply", &error)).map(drop)
}

async fn set_lock_wait(connection: &mut PgConnection, wait: std::time::Duration) -> Result<(), Error> {
    let set = format!("SET lock_timeout = {}", wait.as_millis());
    let set = sqlx::raw_sql(AssertSqlSafe(set)).execute(connection).await;
    set.map_err(|error| failed("setting lock_timeout", &error)).map(drop)
}

async fn apply_locked(
    connection: &mut PgConnection,
    known: &[Migration],
    progress: Progress<'_>,
) -> Result<Vec<String>, Error> {
    let found = applied(connection).await?;
    let pending = migration::pending(Target::Postgres, known, &found)?;
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    set_lock_wait(connection, SCHEMA_STATEMENT_LOCK_WAIT).await?;
    let made = sqlx::raw_sql(BOOKKEEPING).execute(&mut *connection).await;
    made.map_err(|error| failed("making the table schema_migrations", &error))?;
    let mut done = Vec::new();
    for migration in pending {
        apply_one(connection, migration).await?;
        progress(&format!("postgres: {} applied", migration.name));
        done.push(migration.name.clone());
    }
    Ok(done)
}

async fn apply_one(connection: &mut PgConnection, migration: &Migration) -> Result<(), Error> {
    let name = &migration.name;
    let mut transaction = connection.begin().await.map_err(|error| failed(name, &error))?;
    for (at, statement) in migration.statements.iter().enumerate() {
        let run = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *transaction).await;
        run.map_err(|error| failed(&format!("{name}, statement {}", at + 1), &error))?;
    }
    sqlx::query("INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)")
        .bind(migration.number)
        .bind(name)
        .bind(&migration.checksum)
        .execute(&mut *transaction)
        .await
        .map_err(|error| failed(name, &error))?;
    transaction.commit().await.map_err(|error| failed(name, &error))
}

/// What was applied, by number.
async fn applied(connection: &mut PgConnection) -> Result<Vec<Applied>, Error> {
    Ok(read(connection).await?.unwrap_or_default())
}

/// The table of bookkeeping; `None` where it is missing.
async fn read(connection: &mut PgConnection) -> Result<Option<Vec<Applied>>, Error> {
    let rows = sqlx::query(
        "SELECT number, name, checksum,
                to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')
         FROM schema_migrations ORDER BY number",
    )
    .fetch_all(connection)
    .await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => {
            return Ok(None);
        }
        Err(error) => return Err(failed("reading schema_migrations", &error)),
    };
    let applied = |row: &PgRow| {
        Ok(Applied {
            number: row.try_get(0)?,
            name: row.try_get(1)?,
            checksum: row.try_get(2)?,
            at: row.try_get(3)?,
        })
    };
    let applied: Result<_, sqlx::Error> = rows.iter().map(applied).collect();
    applied.map(Some).map_err(|error| failed("reading schema_migrations", &error))
}

/// An error of the driver as ours; `what` says during what.
pub(super) fn failed(what: &str, error: &sqlx::Error) -> Error {
    let text = format!("postgres: {what}: {error}");
    match error {
        sqlx::Error::Database(error) => {
            // Of the connection, of resources, of an operator, a lock not got in time, a serialization.
            let passing = ["08", "53", "57P", "55P03", "40"];
            let code = error.code().unwrap_or_default();
            if passing.iter().any(|class| code.starts_with(class)) {
                Error::Unavailable(text)
            } else {
                Error::Refused(text)
            }
        }
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Error::Unavailable(text),
        _ => Error::Refused(text),
    }
}

//! The migrations of Cassandra. It has no transactions for statements that change a schema: each is such
//! that it may run again, agreement of the nodes is awaited behind each, and a migration is noted only
//! when all of its statements are through. What was left half done is done again by the next apply.

mod facts;
mod lease;

use super::migration::{self, Applied, Migration};
use super::{Change, Progress, Status, Target};
use crate::Error;
use crate::cassandra::Cassandra;
pub(super) use facts::facts;
use lease::Lease;
use schema::Timestamp;
use schema::limits::{SCHEMA_QUESTION_TIMEOUT, SCHEMA_STATEMENT_TIMEOUT};
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};
use scylla::response::query_result::QueryResult;
use scylla::serialize::row::SerializeRow;
use scylla::statement::unprepared::Statement;
use scylla::statement::{Consistency, SerialConsistency};
use scylla::value::CqlTimestamp;
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Where the tables are, and how a keyspace that is missing is made.
pub(super) struct Keyspace<'a> {
    session: &'a Session,
    name: &'a str,
    /// As CQL: `{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}`.
    replication: String,
}

/// Where each migration stands.
pub(super) async fn status(keyspace: &Keyspace<'_>, known: &[Migration]) -> Result<Vec<Status>, Error> {
    Ok(migration::compare(Target::Cassandra, known, &keyspace.applied().await?))
}

/// Applies what is pending and answers the names of that.
pub(super) async fn apply(
    keyspace: &Keyspace<'_>,
    known: &[Migration],
    progress: Progress<'_>,
) -> Result<Vec<String>, Error> {
    if migration::pending(Target::Cassandra, known, &keyspace.applied().await?)?.is_empty() {
        return Ok(Vec::new());
    }
    for statement in keyspace.missing_bookkeeping().await? {
        keyspace.change("the bookkeeping", &statement).await?;
    }
    let lease = Lease::take(keyspace, progress).await?;
    let done = lease.held_during(keyspace.apply_pending(known, progress)).await;
    // Not given back, it would run out by itself; a failure of the work says more than one of this.
    let returned = lease.give_back().await;
    let done = done?;
    returned?;
    Ok(done)
}

/// What `apply` would run.
pub(super) async fn plan(keyspace: &Keyspace<'_>, known: &[Migration]) -> Result<Vec<Change>, Error> {
    let pending = migration::pending(Target::Cassandra, known, &keyspace.applied().await?)?.into_iter();
    let change =
        |name: &str, statements| Change { target: Target::Cassandra, name: name.to_owned(), statements };
    let mut changes: Vec<Change> = pending
        .map(|migration| {
            change(&migration.name, migration.statements.iter().map(|text| keyspace.fill(text)).collect())
        })
        .collect();
    if !changes.is_empty() {
        let bookkeeping = keyspace.missing_bookkeeping().await?;
        if !bookkeeping.is_empty() {
            changes.insert(0, change("bookkeeping", bookkeeping));
        }
    }
    Ok(changes)
}

impl<'a> Keyspace<'a> {
    pub(super) fn of(engine: &'a Cassandra, session: &'a Session) -> Self {
        Self { session, name: engine.keyspace(), replication: engine.replication() }
    }

    /// A statement for this keyspace.
    fn fill(&self, statement: &str) -> String {
        statement.replace("{keyspace}", self.name).replace("{replication}", &self.replication)
    }

    /// The statements that make the keyspace and the two tables of bookkeeping, where they are missing.
    async fn missing_bookkeeping(&self) -> Result<Vec<String>, Error> {
        let mut statements = Vec::new();
        if !self.exists().await? {
            let make = "CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {replication}";
            statements.push(self.fill(make));
        }
        let tables = [
            ("schema_lease", "name text PRIMARY KEY, holder uuid, since timestamp"),
            ("schema_migrations", "number int PRIMARY KEY, name text, checksum text, applied_at timestamp"),
        ];
        for (table, columns) in tables {
            if !self.has_table(table).await? {
                let name = format!("{}.{table}", self.name);
                // The id is the same whoever makes it, so that two who make it on two nodes make one table.
                let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
                statements.push(format!("CREATE TABLE IF NOT EXISTS {name} ({columns}) WITH id = {id}"));
            }
        }
        Ok(statements)
    }

    async fn apply_pending(&self, known: &[Migration], progress: Progress<'_>) -> Result<Vec<String>, Error> {
        let found = self.applied().await?;
        let mut done = Vec::new();
        for migration in migration::pending(Target::Cassandra, known, &found)? {
            for (at, statement) in migration.statements.iter().enumerate() {
                let what = format!("{}, statement {}", migration.name, at + 1);
                self.change(&what, statement).await?;
            }
            self.note(migration).await?;
            progress(&format!("cassandra: {} applied", migration.name));
            done.push(migration.name.clone());
        }
        Ok(done)
    }

    /// Runs a statement that changes the schema, and waits until all nodes have the change.
    async fn change(&self, what: &str, statement: &str) -> Result<(), Error> {
        let mut statement = Statement::new(self.fill(statement));
        statement.set_request_timeout(Some(SCHEMA_STATEMENT_TIMEOUT));
        let run = self.session.query_unpaged(statement, ()).await;
        run.map_err(|error| failed(what, &error))?;
        let agreed = self.session.await_schema_agreement().await;
        agreed.map(drop).map_err(|error| {
            Error::Unavailable(format!(
                "cassandra: the nodes do not agree on the schema: {error}; look at `nodetool describecluster`"
            ))
        })
    }

    async fn note(&self, migration: &Migration) -> Result<(), Error> {
        let statement = "INSERT INTO {keyspace}.schema_migrations (number, name, checksum, applied_at)
                         VALUES (?, ?, ?, ?) IF NOT EXISTS";
        let values = (migration.number, &migration.name, &migration.checksum, now());
        self.serial(statement, values).await.map(drop)
    }

    /// What was applied, by number; nothing where the keyspace or the table is missing.
    async fn applied(&self) -> Result<Vec<Applied>, Error> {
        if !self.has_table("schema_migrations").await? {
            return Ok(Vec::new());
        }
        let statement = "SELECT number, name, checksum, applied_at FROM {keyspace}.schema_migrations";
        let rows: Vec<(i32, String, String, CqlTimestamp)> =
            self.ask(statement, (), Consistency::Quorum).await?;
        let mut applied: Vec<_> = rows
            .into_iter()
            .map(|(number, name, checksum, at)| Applied {
                number,
                name,
                checksum,
                at: Timestamp(at.0).to_string(),
            })
            .collect();
        applied.sort_by_key(|applied| applied.number);
        Ok(applied)
    }

    /// A question that is answered by what most of the nodes have.
    async fn ask<R>(
        &self,
        statement: &str,
        values: impl SerializeRow,
        at: Consistency,
    ) -> Result<Vec<R>, Error>
    where
        R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
    {
        let what = "reading the schema";
        let mut statement = Statement::new(self.fill(statement));
        statement.set_consistency(at);
        statement.set_request_timeout(Some(SCHEMA_QUESTION_TIMEOUT));
        let run = self.session.query_unpaged(statement, values).await;
        let result = run.map_err(|error| failed(what, &error))?;
        let odd = |error: &dyn std::fmt::Display| Error::Refused(format!("cassandra: {what}: {error}"));
        let result = result.into_rows_result().map_err(|error| odd(&error))?;
        let rows = result.rows::<R>().map_err(|error| odd(&error))?;
        rows.collect::<Result<_, _>>().map_err(|error| odd(&error))
    }

    async fn exists(&self) -> Result<bool, Error> {
        let statement = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?";
        let found: Vec<(String,)> = self.ask(statement, (self.name,), Consistency::One).await?;
        Ok(!found.is_empty())
    }

    async fn has_table(&self, table: &str) -> Result<bool, Error> {
        let statement =
            "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?";
        let found: Vec<(String,)> = self.ask(statement, (self.name, table), Consistency::One).await?;
        Ok(!found.is_empty())
    }

    /// A write that compares and sets, in one order for all nodes.
    async fn serial(&self, statement: &str, values: impl SerializeRow) -> Result<QueryResult, Error> {
        let mut statement = Statement::new(self.fill(statement));
        statement.set_consistency(Consistency::Quorum);
        statement.set_serial_consistency(Some(SerialConsistency::Serial));
        statement.set_request_timeout(Some(SCHEMA_QUESTION_TIMEOUT));
        let run = self.session.query_unpaged(statement, values).await;
        run.map_err(|error| failed("writing the bookkeeping of the schema", &error))
    }
}

fn now() -> CqlTimestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    CqlTimestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// An error of the driver as ours; `what` says during what.
pub(super) fn failed(what: &str, error: &ExecutionError) -> Error {
    let text = format!("cassandra: {what}: {error}");
    let refused = match error {
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) => matches!(
            error,
            DbError::SyntaxError
                | DbError::Invalid
                | DbError::AlreadyExists { .. }
                | DbError::AuthenticationError
                | DbError::Unauthorized
                | DbError::ConfigError
        ),
        ExecutionError::BadQuery(_) | ExecutionError::PrepareError(_) => true,
        _ => false,
    };
    if refused { Error::Refused(text) } else { Error::Unavailable(text) }
}

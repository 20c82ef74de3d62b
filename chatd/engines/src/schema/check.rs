//! What chatd asks at its start: whether the engines hold what it needs, in a few queries.

use super::{Schema, State, Status, Target, cassandra, kafka, migration, postgres};
use crate::Error;
use crate::postgres::Database;
use schema::limits::SCHEMA_RETRY;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How the engines compare with what this program needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// Everything is there.
    Current,
    /// These migrations and topics are missing: `chatctl schema apply` makes them.
    Behind(Vec<Status>),
    /// These migrations were applied by a newer version, and nothing is missing.
    Ahead(Vec<Status>),
    /// These are not what this program knows; each says what helps.
    Different(Vec<Status>),
}

impl Check {
    fn of(all: Vec<Status>) -> Self {
        let those = |state| -> Option<Vec<Status>> {
            let found: Vec<_> = all.iter().filter(|status| status.state == state).cloned().collect();
            (!found.is_empty()).then_some(found)
        };
        if let Some(different) = those(State::Differs) {
            return Check::Different(different);
        }
        if let Some(behind) = those(State::Pending) {
            return Check::Behind(behind);
        }
        those(State::Newer).map_or(Check::Current, Check::Ahead)
    }
}

/// One line that names what is meant and what helps.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |all: &[Status]| {
            all.iter()
                .map(|status| format!("{} {}", status.target, status.name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Check::Current => f.write_str("the schema is as this version knows it"),
            Check::Behind(all) => {
                write!(f, "the schema is behind: {} missing; run `chatctl schema apply`", names(all))
            }
            Check::Ahead(all) => write!(
                f,
                "the schema is ahead: a newer version applied {}, which this one does not know; run that version",
                names(all)
            ),
            Check::Different(all) => {
                let all = all.iter().map(|status| {
                    let detail = status.detail.as_deref().unwrap_or_default();
                    format!("{} {}: {detail}", status.target, status.name)
                });
                let all = all.collect::<Vec<_>>().join("; ");
                write!(f, "the schema differs: {all}; `chatctl schema verify` tells more")
            }
        }
    }
}

impl Schema {
    /// Compares the applied migrations, and the topics with their partitions, with what this program needs.
    /// An engine that cannot be reached is asked again until `wait` is over.
    ///
    /// # Errors
    /// `Unavailable`, naming the engine, when it could not be reached in that time; `Refused` when it says no.
    pub async fn check(&self, wait: Duration) -> Result<Check, Error> {
        let until = Instant::now() + wait;
        let (postgres, cassandra, kafka) = tokio::try_join!(
            again(Target::Postgres, until, || self.postgres_status()),
            again(Target::Cassandra, until, || self.cassandra_status()),
            again(Target::Kafka, until, || self.topics_there()),
        )?;
        Ok(Check::of([postgres, cassandra, kafka].concat()))
    }

    pub(super) async fn postgres_status(&self) -> Result<Vec<Status>, Error> {
        let Some(postgres) = &self.postgres else { return Ok(Vec::new()) };
        let known = migration::of_postgres();
        match postgres.find().await? {
            Database::There(pool) => postgres::status(&pool, &known).await,
            Database::Missing(_) => Ok(migration::compare(Target::Postgres, &known, &[])),
        }
    }

    pub(super) async fn cassandra_status(&self) -> Result<Vec<Status>, Error> {
        let Some(engine) = &self.cassandra else { return Ok(Vec::new()) };
        let session = engine.connect().await?;
        cassandra::status(&cassandra::Keyspace::of(engine, &session), &migration::of_cassandra()).await
    }

    async fn topics_there(&self) -> Result<Vec<Status>, Error> {
        match &self.kafka {
            Some(kafka) => kafka::there(kafka).await,
            None => Ok(Vec::new()),
        }
    }
}

/// Asks until there is an answer, a refusal, or no time left.
async fn again<T, F: Future<Output = Result<T, Error>>>(
    target: Target,
    until: Instant,
    ask: impl Fn() -> F,
) -> Result<T, Error> {
    loop {
        match ask().await {
            Err(error) if error.retryable() && Instant::now() + SCHEMA_RETRY < until => {
                tracing::warn!(%target, %error, "waiting for an engine");
                sleep(SCHEMA_RETRY).await;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(name: &str, state: State) -> Status {
        let detail = (state == State::Differs).then(|| "restore it".to_owned());
        Status { target: Target::Postgres, name: name.to_owned(), state, applied_at: None, detail }
    }

    #[test]
    fn the_worst_is_told_and_names_what_helps() {
        let told = |states: &[State]| {
            let all = states.iter().enumerate().map(|(at, state)| status(&format!("000{at}_x"), *state));
            Check::of(all.collect()).to_string()
        };
        assert_eq!(told(&[State::Applied]), "the schema is as this version knows it");
        let behind = told(&[State::Applied, State::Pending, State::Newer]);
        assert!(behind.contains("postgres 0001_x") && behind.contains("`chatctl schema apply`"), "{behind}");
        let ahead = told(&[State::Applied, State::Newer]);
        assert!(ahead.contains("a newer version applied postgres 0001_x"), "{ahead}");
        let different = told(&[State::Differs, State::Pending]);
        assert!(different.contains("postgres 0000_x: restore it"), "{different}");
    }
}

//! What the engines must hold, and how they come to hold it: numbered migrations of PostgreSQL and
//! Cassandra and the topics of Kafka, all of them embedded in the binary from `schema/`.
//!
//! - `status` tells where each stands, `plan` what `apply` would run, `apply` runs it;
//! - `verify` compares what is really there with what the migrations make;
//! - `check` is what chatd asks at its start: a few queries.
//!
//! `apply` may run twice at once (one works, the others wait and find nothing to do), and may be killed
//! anywhere (the next one goes on). It removes nothing and changes no topic's partitions.

mod cassandra;
mod check;
mod kafka;
mod migration;
mod postgres;
mod snapshot;
mod statements;

pub use check::Check;
pub use snapshot::{Facts, Snapshot};

use crate::Error;
use crate::cassandra::Cassandra;
use crate::kafka::Kafka;
use crate::postgres::{Database, Postgres};
use serde::Serialize;
use std::fmt;

/// The engines whose schema is meant; those that are left out are not asked.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub postgres: Option<Postgres>,
    pub cassandra: Option<Cassandra>,
    pub kafka: Option<Kafka>,
}

/// Told what is being done, a line each.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// An engine that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    Postgres,
    Cassandra,
    Kafka,
}

impl Target {
    /// Where a migration stands in the sources.
    fn file(self, name: &str) -> String {
        match self {
            Target::Postgres => format!("schema/postgres/{name}.sql"),
            Target::Cassandra => format!("schema/cassandra/{name}.cql"),
            Target::Kafka => "schema/kafka/topics.toml".to_owned(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Target::Postgres => "postgres",
            Target::Cassandra => "cassandra",
            Target::Kafka => "kafka",
        })
    }
}

/// Where a migration or a topic stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// There, as this program knows it.
    Applied,
    /// Not there yet: `apply` makes it.
    Pending,
    /// There, but not as this program knows it.
    Differs,
    /// Made by a newer version of this program.
    Newer,
}

/// One migration or topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub target: Target,
    /// `0001_people`, or the name of a topic.
    pub name: String,
    pub state: State,
    /// When a migration was applied, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<String>,
    /// What differs, and what helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A migration that was applied, or a topic that was made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    pub target: Target,
    pub name: String,
}

/// What `apply` would run for one migration or topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub target: Target,
    pub name: String,
    /// SQL, CQL, or what is done to a topic in words.
    pub statements: Vec<String>,
}

/// One thing that is not what the migrations make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub target: Target,
    /// `table users, column name`; `topic message-events, retention.ms`.
    pub object: String,
    /// `None`: there should be no such thing.
    pub expected: Option<String>,
    /// `None`: it is missing.
    pub found: Option<String>,
    /// What helps, where there is something to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Difference {
    /// What differs, without what helps.
    fn what(&self) -> String {
        let object = &self.object;
        match (&self.expected, &self.found) {
            (Some(_), None) => format!("{object} is missing"),
            (None, Some(_)) => format!("{object} should not be there"),
            (Some(expected), Some(found)) => format!("{object} is {found}, not {expected}"),
            (None, None) => format!("{object} differs"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.what())?;
        match &self.help {
            Some(help) => write!(f, ": {help}"),
            None => Ok(()),
        }
    }
}

impl Schema {
    /// Where each migration and topic stands.
    ///
    /// # Errors
    /// When an engine cannot be asked.
    pub async fn status(&self) -> Result<Vec<Status>, Error> {
        let mut all = self.postgres_status().await?;
        all.extend(self.cassandra_status().await?);
        if let Some(kafka) = &self.kafka {
            all.extend(kafka::status(kafka).await?);
        }
        Ok(all)
    }

    /// What `apply` would do now, in its order; nothing where there is nothing to do.
    ///
    /// # Errors
    /// As `apply`.
    pub async fn plan(&self) -> Result<Vec<Change>, Error> {
        let mut all = Vec::new();
        if let Some(postgres) = &self.postgres {
            let known = migration::of_postgres();
            all.extend(match postgres.find().await? {
                Database::There(pool) => postgres::plan(&pool, &known).await?,
                Database::Missing(missing) => postgres::plan_anew(missing.create(), &known),
            });
        }
        if let Some(engine) = &self.cassandra {
            let session = engine.connect().await?;
            let keyspace = cassandra::Keyspace::of(engine, &session);
            all.extend(cassandra::plan(&keyspace, &migration::of_cassandra()).await?);
        }
        if let Some(kafka) = &self.kafka {
            all.extend(kafka::plan(kafka).await?);
        }
        Ok(all)
    }

    /// How what is really there differs from what the migrations make and the topics are declared as.
    /// Writes nothing.
    ///
    /// # Errors
    /// When an engine cannot be asked.
    pub async fn verify(&self) -> Result<Vec<Difference>, Error> {
        let mut all = Vec::new();
        if let Some(found) = self.postgres_facts().await? {
            let stand = self.postgres_status().await?;
            all.extend(snapshot::verify(Target::Postgres, &stand, &found)?);
        }
        if let Some(found) = self.cassandra_facts().await? {
            let stand = self.cassandra_status().await?;
            all.extend(snapshot::verify(Target::Cassandra, &stand, &found)?);
        }
        if let Some(kafka) = &self.kafka {
            all.extend(kafka::verify(kafka).await?);
        }
        Ok(all)
    }

    /// What the migrations made of a database and a keyspace that hold nothing else, for the snapshots that
    /// `verify` compares with.
    ///
    /// # Errors
    /// When an engine cannot be asked.
    pub async fn snapshots(&self) -> Result<Vec<(Target, Snapshot)>, Error> {
        let found = [
            (Target::Postgres, self.postgres_facts().await?, migration::of_postgres()),
            (Target::Cassandra, self.cassandra_facts().await?, migration::of_cassandra()),
        ];
        let snapshot = |(target, facts, known): (_, Option<Facts>, Vec<_>)| {
            facts.map(|facts| (target, Snapshot::new(&known, facts)))
        };
        Ok(found.into_iter().filter_map(snapshot).collect())
    }

    async fn postgres_facts(&self) -> Result<Option<Facts>, Error> {
        let Some(postgres) = &self.postgres else { return Ok(None) };
        let pool = postgres.connect(1).await?;
        postgres::facts(&pool).await.map(Some)
    }

    async fn cassandra_facts(&self) -> Result<Option<Facts>, Error> {
        let Some(engine) = &self.cassandra else { return Ok(None) };
        let session = engine.connect().await?;
        cassandra::facts(&cassandra::Keyspace::of(engine, &session)).await.map(Some)
    }

    /// Brings the engines to what this program knows, one after the other, and answers what it did.
    ///
    /// # Errors
    /// When an engine cannot be reached or refuses a statement, and when what was applied is not what this
    /// program knows. What was done before stays; the same again goes on behind it.
    pub async fn apply(&self, progress: Progress<'_>) -> Result<Vec<Done>, Error> {
        let mut all = Vec::new();
        let mut done = |target, names: Vec<String>| {
            all.extend(names.into_iter().map(|name| Done { target, name }));
        };
        if let Some(postgres) = &self.postgres {
            let pool = match postgres.find().await? {
                Database::There(pool) => pool,
                Database::Missing(missing) => {
                    if missing.make().await {
                        progress("postgres: made the database");
                    }
                    postgres.connect(1).await?
                }
            };
            done(Target::Postgres, postgres::apply(&pool, &migration::of_postgres(), progress).await?);
        }
        if let Some(engine) = &self.cassandra {
            let session = engine.connect().await?;
            let keyspace = cassandra::Keyspace::of(engine, &session);
            done(Target::Cassandra, cassandra::apply(&keyspace, &migration::of_cassandra(), progress).await?);
        }
        if let Some(kafka) = &self.kafka {
            done(Target::Kafka, kafka::apply(kafka, progress).await?);
        }
        Ok(all)
    }
}

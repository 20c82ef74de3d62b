//! A database, a keyspace and topics that one test has for itself.
//!
//! Other packages' tests include this file by its path; each uses what it needs of it.
#![allow(dead_code, reason = "shared by several test binaries, none of which uses all of it")]

use engines::cassandra::Cassandra;
use engines::kafka::{self, Kafka};
use engines::postgres::Postgres;
use engines::schema::Schema;
use scylla::client::session::Session;
use scylla::statement::unprepared::Statement;
use sqlx::{AssertSqlSafe, PgPool};
use std::time::Duration;

pub(crate) struct Place {
    name: String,
    server: PgPool,
    /// The URLs, as chatd's environment has them.
    pub(crate) environment: [(&'static str, String); 3],
    pub(crate) postgres: Postgres,
    pub(crate) cassandra: Cassandra,
    pub(crate) kafka: Kafka,
    pub(crate) session: Session,
}

/// A server's address; says so where it is not set.
#[expect(clippy::print_stderr, reason = "a test that does not run says so")]
fn address(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        eprintln!("skipped: {name} is not set; compose/test brings the servers up");
    }
    value
}

/// A URL with another path.
fn with_path(url: &str, path: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (place, query) = rest.split_once('?').map_or((rest, String::new()), |(p, q)| (p, format!("?{q}")));
    let authority = place.split('/').next().unwrap();
    format!("{scheme}://{authority}/{path}{query}")
}

impl Place {
    /// `None` where the addresses of the servers are not set.
    pub(crate) async fn new() -> Option<Self> {
        let (postgres, cassandra) = (address("STORES_POSTGRES")?, address("STORES_CASSANDRA")?);
        let kafka = address("STORES_KAFKA")?;
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        let server = Postgres::parse(&postgres).unwrap().connect(1).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
        let environment = [
            ("CHATD_STORES__POSTGRES", with_path(&postgres, &name)),
            ("CHATD_STORES__CASSANDRA", with_path(&cassandra, &name)),
            ("CHATD_STORES__KAFKA", format!("{kafka}?prefix={name}.")),
        ];
        let cassandra = Cassandra::parse(&environment[1].1).unwrap();
        Some(Self {
            server,
            postgres: Postgres::parse(&environment[0].1).unwrap(),
            session: cassandra.connect().await.unwrap(),
            cassandra,
            kafka: Kafka::parse(&environment[2].1).unwrap(),
            environment,
            name,
        })
    }

    pub(crate) fn schema(&self) -> Schema {
        Schema {
            postgres: Some(self.postgres.clone()),
            cassandra: Some(self.cassandra.clone()),
            kafka: Some(self.kafka.clone()),
        }
    }

    /// Runs a statement in the test's database.
    pub(crate) async fn sql(&self, statement: &str) {
        let pool = self.postgres.connect(1).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&pool).await.unwrap();
    }

    /// Runs a statement in the test's keyspace, which it names `{keyspace}`.
    pub(crate) async fn cql(&self, statement: &str) {
        let statement = statement.replace("{keyspace}", &self.name);
        self.change(statement).await;
    }

    /// Runs a statement that may take its time.
    async fn change(&self, statement: String) {
        let mut statement = Statement::new(statement);
        statement.set_request_timeout(Some(Duration::from_secs(120)));
        self.session.query_unpaged(statement, ()).await.unwrap();
    }

    /// The tables of the keyspace.
    pub(crate) async fn tables(&self) -> usize {
        let question = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?";
        let mut question = Statement::new(question);
        question.set_request_timeout(Some(Duration::from_secs(120)));
        let found = self.session.query_unpaged(question, (&self.name,)).await.unwrap();
        found.into_rows_result().unwrap().rows_num()
    }

    /// As an operator finds it who installs for the first time.
    pub(crate) async fn drop_database(&self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&self.server).await.unwrap();
    }

    /// Removes what the test made.
    pub(crate) async fn leave(self) {
        self.drop_database().await;
        self.change(format!("DROP KEYSPACE IF EXISTS {}", self.name)).await;
        let topics = kafka::list(&self.kafka).await.unwrap();
        if !topics.is_empty() {
            let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
            kafka::delete(&self.kafka, &names).await.unwrap();
        }
    }
}

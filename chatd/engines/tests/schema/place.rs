//! A database, a keyspace and topics that one test has for itself.

use engines::cassandra::Cassandra;
use engines::kafka::{self, Kafka};
use engines::postgres::Postgres;
use engines::schema::Schema;
use scylla::client::session::Session;
use sqlx::{AssertSqlSafe, PgPool};

pub(crate) struct Place {
    name: String,
    server: PgPool,
    pub(crate) postgres: Postgres,
    pub(crate) cassandra: Cassandra,
    pub(crate) kafka: Kafka,
    pub(crate) session: Session,
}

impl Place {
    /// `None`, loudly, where the addresses of the servers are not set.
    #[expect(clippy::print_stderr, reason = "a test that does not run says so")]
    pub(crate) async fn new() -> Option<Self> {
        let address = |name: &str| {
            let value = std::env::var(name).ok();
            if value.is_none() {
                eprintln!("skipped: {name} is not set; compose/test brings the servers up");
            }
            value
        };
        let (postgres, cassandra) = (address("STORES_POSTGRES")?, address("STORES_CASSANDRA")?);
        let kafka = address("STORES_KAFKA")?;
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        let postgres = Postgres::parse(&postgres).unwrap();
        let server = postgres.connect(1).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
        let cassandra = Cassandra::parse(&cassandra).unwrap().with_keyspace(&name).unwrap();
        let kafka = Kafka::parse(&format!("{kafka}?prefix={name}.")).unwrap();
        let session = cassandra.connect().await.unwrap();
        Some(Self { postgres: postgres.with_database(&name), name, server, cassandra, kafka, session })
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

    /// Runs a statement in the test's keyspace.
    pub(crate) async fn cql(&self, statement: &str) {
        let statement = statement.replace("{keyspace}", self.cassandra.keyspace());
        self.session.query_unpaged(statement, ()).await.unwrap();
    }

    /// Removes what the test made.
    pub(crate) async fn leave(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&self.server).await.unwrap();
        let drop = format!("DROP KEYSPACE IF EXISTS {}", self.name);
        self.session.query_unpaged(drop, ()).await.unwrap();
        let topics = kafka::list(&self.kafka).await.unwrap();
        if !topics.is_empty() {
            let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
            kafka::delete(&self.kafka, &names).await.unwrap();
        }
    }
}

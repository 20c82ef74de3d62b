//! A database and a keyspace that one test has for itself.

use engines::cassandra::Cassandra;
use engines::postgres::Postgres;
use engines::schema::Schema;
use scylla::client::session::Session;
use sqlx::{AssertSqlSafe, PgPool};

pub(crate) struct Place {
    name: String,
    server: PgPool,
    pub(crate) postgres: Postgres,
    pub(crate) cassandra: Cassandra,
    pub(crate) session: Session,
}

impl Place {
    /// `None`, loudly, where the addresses of the servers are not set.
    pub(crate) async fn new() -> Option<Self> {
        let address = |name: &str| {
            let value = std::env::var(name).ok();
            if value.is_none() {
                eprintln!("skipped: {name} is not set; compose/test brings the servers up");
            }
            value
        };
        let (postgres, cassandra) = (address("STORES_POSTGRES")?, address("STORES_CASSANDRA")?);
        let name = format!("t{}", uuid::Uuid::now_v7().simple());
        let postgres = Postgres::parse(&postgres).unwrap();
        let server = postgres.connect(1).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await.unwrap();
        let cassandra = Cassandra::parse(&cassandra).unwrap().with_keyspace(&name).unwrap();
        let session = cassandra.connect().await.unwrap();
        Some(Self { postgres: postgres.with_database(&name), name, server, cassandra, session })
    }

    pub(crate) fn schema(&self) -> Schema {
        Schema { postgres: Some(self.postgres.clone()), cassandra: Some(self.cassandra.clone()) }
    }

    /// Removes what the test made.
    pub(crate) async fn leave(self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&self.server).await.unwrap();
        let drop = format!("DROP KEYSPACE IF EXISTS {}", self.name);
        self.session.query_unpaged(drop, ()).await.unwrap();
    }
}

//! A database for one test.

use cluster::postgres::People;
use engines::postgres::Postgres;
use engines::schema::Schema;
use futures_util::FutureExt as _;
use sqlx::{AssertSqlSafe, PgPool, raw_sql};
use std::panic::{AssertUnwindSafe, resume_unwind};
use store::News;
use tokio::sync::broadcast;
use uuid::Uuid;

/// An empty database with the tables.
pub(crate) struct Database {
    pub(crate) postgres: Postgres,
    /// For what a test asks or does behind the stores' back.
    pub(crate) pool: PgPool,
}

impl Database {
    /// The stores of another process.
    pub(crate) async fn open(&self) -> (People, broadcast::Receiver<News>) {
        let (news, heard) = broadcast::channel(store::news::BEHIND);
        (People::open(&self.postgres, Uuid::now_v7(), news).await.unwrap(), heard)
    }

    pub(crate) async fn run(&self, statement: impl Into<String>) {
        raw_sql(AssertSqlSafe(statement.into())).execute(&self.pool).await.unwrap();
    }
}

/// Runs a test in a database of its own, which is dropped whatever comes of it.
pub(crate) async fn with_database(test: impl AsyncFnOnce(&Database)) {
    let Ok(url) = std::env::var("STORES_POSTGRES") else {
        eprintln!("skipped: STORES_POSTGRES is not set; compose/test brings the servers up");
        return;
    };
    let server = Postgres::parse(&url).unwrap();
    let admin = server.connect(1).await.unwrap();
    let name = format!("t{}", Uuid::now_v7().simple());
    raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&admin).await.unwrap();
    let postgres = server.with_database(&name);
    let pool = postgres.connect(2).await.unwrap();
    let database = Database { postgres, pool };
    let schema = Schema { postgres: Some(database.postgres.clone()), ..Schema::default() };
    Box::pin(schema.apply(&|_| ())).await.unwrap();
    let outcome = AssertUnwindSafe(Box::pin(test(&database))).catch_unwind().await;
    database.pool.close().await;
    raw_sql(AssertSqlSafe(format!("drop database {name} with (force)"))).execute(&admin).await.unwrap();
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// As [`with_database`], for a test of the stores of one process.
pub(crate) async fn with_people(test: impl AsyncFnOnce(&People)) {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        test(&people).await;
        people.close().await;
    })
    .await;
}

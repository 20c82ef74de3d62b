//! `store::Profiles` on SQLite, and the file itself.

use embedded::People;
use schema::{SessionId, Timestamp};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::Error;
use store::accounts::{NewSession, SessionRow};
use store::contract::profiles as contract;
use store::contract::profiles::person;
use store::profiles::{Name, NewPerson};
use store::{Accounts, Profiles};
use tempfile::TempDir;

async fn open(data: &Path) -> Result<People, Error> {
    People::open(&data.join("people.sqlite")).await
}

macro_rules! promises {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let data = TempDir::new().unwrap();
            contract::$name(&open(data.path()).await.unwrap()).await;
        }
    )*};
}

promises! {
    finds_people
    a_conflict_names_its_field
    lists_people_in_pages
}

#[tokio::test]
async fn deletes_people() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    contract::deletes_people(&people, &people).await;
}

#[tokio::test]
async fn people_survive_and_nobody_else_may_read_them() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    let somebody = person("user1");
    people.create(vec![somebody.clone()]).await.unwrap();
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
    }
    people.close().await;
    let people = open(data.path()).await.unwrap();
    assert!(people.find(&Name::Id(somebody.account.user_id)).await.unwrap().is_some());
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let data = TempDir::new().unwrap();
    std::fs::write(data.path().join("people.sqlite"), [7; 8192]).unwrap();
    let refusal = open(data.path()).await.map(drop).unwrap_err();
    assert!(matches!(refusal, Error::Corrupt(_)), "{refusal}");
    let told = refusal.to_string();
    assert!(told.contains("people.sqlite") && told.contains("backup"), "{told}");
}

#[tokio::test]
async fn a_newer_file_is_refused() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    people.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("people.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'later', 1, x'00', 1)")
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
    let refusal = open(data.path()).await.map(drop).unwrap_err();
    assert!(refusal.to_string().contains("newer chatd"), "{refusal}");
}

/// Sessions that ended by themselves go away when others start; it is done at most once a minute.
#[tokio::test]
async fn expired_sessions_are_pruned() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    let somebody = person("user1");
    let user = somebody.account.user_id;
    people.create(vec![somebody]).await.unwrap();
    let now = Timestamp::now();
    let session = |secret: u8, seconds| NewSession {
        row: SessionRow {
            session_id: SessionId::draw(),
            user_id: user,
            device_name: None,
            created_at: now,
            last_used_at: now,
            expires_at: now.plus_seconds(seconds),
        },
        refresh: Some([secret; 32]),
        cookie: None,
    };
    people.start_sessions(vec![session(1, -5), session(2, 1000)]).await.unwrap();
    people.start_sessions(vec![session(3, 1000)]).await.unwrap();
    let long_ago = now.plus_seconds(-100);
    assert_eq!(people.sessions(user, long_ago, 9).await.unwrap().len(), 3, "pruned twice in a minute");
    people.close().await;
    let people = open(data.path()).await.unwrap();
    people.start_sessions(vec![session(4, 1000)]).await.unwrap();
    assert_eq!(people.sessions(user, long_ago, 9).await.unwrap().len(), 3, "the expired one is still there");
}

/// As many people as one bulk import brings, more than once.
#[tokio::test]
async fn takes_a_bulk_import() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    for call in 0..2 {
        let import: Vec<NewPerson> =
            (0..schema::limits::BULK_MAX).map(|n| person(&format!("user{}", n + call * 4000))).collect();
        let results = people.create(import).await.unwrap();
        let refused = results.iter().filter(|result| **result == Err(Error::Conflict("username"))).count();
        assert_eq!((results.len(), refused), (5000, call * 1000));
    }
}

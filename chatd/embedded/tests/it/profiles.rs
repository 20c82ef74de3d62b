//! `store::Profiles` on SQLite, and the file itself.

use embedded::People;
use schema::Timestamp;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::Error;
use store::Profiles;
use store::contract::profiles::person;
use store::contract::{changes, contacts, profiles, relations};
use store::profiles::{Name, NewPerson};
use tempfile::TempDir;

async fn open(data: &Path) -> Result<People, Error> {
    People::open(&data.join("people.sqlite")).await
}

macro_rules! promises {
    ($($contract:ident::$name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            let data = TempDir::new().unwrap();
            $contract::$name(&open(data.path()).await.unwrap()).await;
        }
    )*};
}

promises! {
    profiles::finds_people
    profiles::a_conflict_names_its_field
    profiles::lists_people_in_pages
    changes::updates_profiles
    changes::a_taken_username_changes_nothing
    changes::changes_privacy
    changes::remembers_presence
    changes::finds_people_in_bulk
    changes::leaves_tombstones
    contacts::puts_contacts
    contacts::contacts_are_bounded
    contacts::contacts_are_people
    contacts::lists_contacts_in_pages
    contacts::tells_contacts_in_bulk
    contacts::contacts_go_with_people
}

#[tokio::test]
async fn deletes_people() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    profiles::deletes_people(&people, &people).await;
}

#[tokio::test]
async fn tells_relations() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    let (epoch, partitions) = (store::contract::messages::EPOCH, store::contract::messages::PARTITIONS);
    let history = embedded::History::open(&data.path().join("history"), epoch, partitions).unwrap();
    relations::tells_relations(&people, &history).await;
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

/// A file of the version before has its people still, and takes what is new.
#[tokio::test]
async fn an_older_file_is_brought_up_to_date() {
    let data = TempDir::new().unwrap();
    let people = open(data.path()).await.unwrap();
    let (somebody, friend) = (person("user1"), person("user2"));
    let (user, other) = (somebody.account.user_id, friend.account.user_id);
    people.create(vec![somebody, friend]).await.unwrap();
    people.close().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(data.path().join("people.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    for undo in [
        "DROP TABLE contacts",
        "DROP TABLE deleted_people",
        "ALTER TABLE users DROP COLUMN chosen_status",
        "DELETE FROM _sqlx_migrations WHERE version = 2",
    ] {
        sqlx::query(undo).execute(&pool).await.unwrap();
    }
    pool.close().await;
    let people = open(data.path()).await.unwrap();
    assert!(people.find(&Name::Id(user)).await.unwrap().unwrap().chosen_status.is_none());
    let contact = store::profiles::Contact { user_id: other, alias: None, created_at: Timestamp(1) };
    people.put_contact(user, contact.clone(), 1).await.unwrap();
    assert_eq!(people.contacts(user, None, 9).await.unwrap(), [contact]);
}

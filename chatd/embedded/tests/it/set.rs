//! The set as a whole: one folder, one process, everything there again.

use embedded::log::LogConfig;
use embedded::{LockError, OpenError};
use schema::event::Topic;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::contract::profiles::person;
use store::messages::Applied;
use store::profiles::Name;
use tempfile::TempDir;

async fn open(data: &Path) -> Result<embedded::Embedded, OpenError> {
    embedded::open(data, LogConfig::default(), Box::new(|cause| panic!("{cause}"))).await
}

#[tokio::test]
async fn a_folder_opens_once_and_again_after_it_was_closed() {
    let parent = TempDir::new().unwrap();
    let data = parent.path().join("data");
    let first = open(&data).await.unwrap();
    let refusal = open(&data).await.map(drop).unwrap_err();
    assert!(matches!(refusal, OpenError::Lock(LockError::Held(_))), "{refusal}");
    let somebody = person("user1");
    first.stores.profiles.create(vec![somebody.clone()]).await.unwrap();
    let applied = Applied { epoch: first.stores.events.epoch(), next: 0, last_event: None };
    first.stores.messages.checkpoint(0, applied.clone()).await.unwrap();
    first.close().await;
    let again = open(&data).await.unwrap();
    let name = Name::Id(somebody.account.user_id);
    assert!(again.stores.profiles.find(&name).await.unwrap().is_some());
    assert_eq!(again.stores.messages.applied(0).await.unwrap(), Some(applied));
    assert_eq!(again.stores.events.end(Topic::Messages, 0).await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_else_may_enter_the_folder() {
    let parent = TempDir::new().unwrap();
    let data = parent.path().join("data");
    drop(open(&data).await.unwrap());
    assert_eq!(data.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

/// A store that refuses is named with its file, and the folder is free afterwards.
#[tokio::test]
async fn a_damaged_store_is_named() {
    let data = TempDir::new().unwrap();
    let file = data.path().join("people.sqlite");
    std::fs::write(&file, [7; 8192]).unwrap();
    let refusal = open(data.path()).await.map(drop).unwrap_err();
    assert!(refusal.to_string().contains("people.sqlite"), "{refusal}");
    std::fs::remove_file(&file).unwrap();
    open(data.path()).await.unwrap();
}

//! What the processes of an installation share: keys, each other's addresses, the epoch of the log.

use crate::database::with_database;
use cluster::kafka::{EpochError, Epochs};
use cluster::postgres::{KeysError, Node, Nodes, People, share_keys};
use edge::secret;
use std::io;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

/// Draws what a first start draws: other bytes each time.
fn draw(dir: &Path) -> io::Result<()> {
    let has_signing =
        std::fs::read_dir(dir)?.any(|e| e.unwrap().file_name().to_string_lossy().ends_with(".p8"));
    let fresh = || Ok(Uuid::new_v4().as_bytes().to_vec());
    for name in ["cursor.key", "link.token"] {
        secret::read_or_draw(&dir.join(name), fresh)?;
    }
    if !has_signing {
        secret::read_or_draw(&dir.join(format!("ed25519-{}.p8", Uuid::now_v7().simple())), fresh)?;
    }
    Ok(())
}

/// What lies in a directory, by name.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), secret::read(&entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_first_starts_one_draws_the_keys() {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        let parent = TempDir::new().unwrap();
        let dirs: Vec<_> = (0..8).map(|n| parent.path().join(format!("{n}/keys"))).collect();
        let shared = dirs.iter().map(|dir| share_keys(&people, dir, draw));
        for outcome in futures_util::future::join_all(shared).await {
            outcome.unwrap();
        }
        let first = files(&dirs[0]);
        assert_eq!(first.len(), 3, "{first:?}");
        for dir in &dirs {
            assert_eq!(files(dir), first);
        }
        people.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_spreads_and_an_altered_one_is_refused() {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        let parent = TempDir::new().unwrap();
        let (one, other) = (parent.path().join("one"), parent.path().join("other"));
        share_keys(&people, &one, draw).await.unwrap();
        share_keys(&people, &other, draw).await.unwrap();
        let name = format!("ed25519-{}.p8", Uuid::now_v7().simple());
        secret::read_or_draw(&one.join(&name), || Ok(vec![7; 83])).unwrap();
        secret::read_or_draw(&one.join("notes.txt"), || Ok(vec![1])).unwrap();
        share_keys(&people, &one, draw).await.unwrap();
        share_keys(&people, &other, draw).await.unwrap();
        assert_eq!(secret::read(&other.join(&name)).unwrap(), [7; 83]);
        assert_eq!(files(&other).len(), 4, "only keys are shared");

        std::fs::write(other.join("cursor.key"), [9; 32]).unwrap();
        let refused = share_keys(&people, &other, draw).await.unwrap_err();
        assert!(matches!(&refused, KeysError::Other { file } if *file == other.join("cursor.key")));
        assert!(refused.to_string().contains("move it away"), "{refused}");
        std::fs::remove_file(other.join("cursor.key")).unwrap();
        share_keys(&people, &other, draw).await.unwrap();
        assert_eq!(
            secret::read(&other.join("cursor.key")).unwrap(),
            secret::read(&one.join("cursor.key")).unwrap()
        );
        people.close().await;
    })
    .await;
}

/// Waits until exactly these are seen.
async fn until_seen(seen: &mut watch::Receiver<Vec<Node>>, expected: &[Uuid]) {
    let ids = |nodes: &Vec<Node>| nodes.iter().map(|node| node.id).collect::<Vec<_>>();
    let found = timeout(Duration::from_secs(20), seen.wait_for(|nodes| ids(nodes) == expected)).await;
    assert!(found.is_ok(), "{expected:?} never seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_see_each_other_come_and_go() {
    with_database(async |database| {
        let mut ids = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
        ids.sort_unstable();
        let mut processes: Vec<(People, Nodes)> = Vec::new();
        for _ in ids {
            let (people, _heard) = database.open().await;
            let nodes = Nodes::open(&people).await.unwrap();
            processes.push((people, nodes));
        }
        let mut seen = processes[2].1.watch();
        assert_eq!(*seen.borrow(), []);
        processes[0].1.announce(ids[0], &["chat", "presence"], "10.0.0.1:9000").await.unwrap();
        until_seen(&mut seen, &ids[..1]).await;
        let roles = ["chat".to_owned(), "presence".to_owned()].to_vec();
        let node = Node { id: ids[0], roles, link: "10.0.0.1:9000".to_owned() };
        assert_eq!(*seen.borrow(), std::slice::from_ref(&node));
        assert_eq!(*processes[0].1.watch().borrow(), [node], "itself too");
        processes[1].1.announce(ids[1], &["websocket"], "10.0.0.2:9000").await.unwrap();
        until_seen(&mut seen, &ids[..2]).await;
        processes[0].1.leave().await.unwrap();
        processes[0].1.leave().await.unwrap();
        until_seen(&mut seen, &ids[1..2]).await;
        // Dead without a word: its lease ends, by the clock of PostgreSQL.
        drop(processes.remove(1));
        database.run("update nodes set beat_at = now() - interval '10.1 s'").await;
        until_seen(&mut seen, &[]).await;
        for (people, _nodes) in processes {
            people.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_processes_outlives_postgresql() {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        let nodes = Nodes::open(&people).await.unwrap();
        let id = Uuid::now_v7();
        nodes.announce(id, &["chat"], "h:1").await.unwrap();
        let mut seen = nodes.watch();
        seen.mark_unchanged();
        database.run("alter table nodes rename to gone").await;
        let changed = timeout(2 * schema::limits::NODE_BEAT, seen.changed()).await;
        assert!(changed.is_err(), "the last list stays");
        assert_eq!(seen.borrow().len(), 1);
        database.run("alter table gone rename to nodes").await;
        database.run("delete from nodes").await;
        let (other, _heard) = database.open().await;
        let others = Nodes::open(&other).await.unwrap();
        until_seen(&mut others.watch(), &[id]).await;
        people.close().await;
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_keeps_its_epoch_until_another_is_adopted() {
    with_database(async |database| {
        let (people, _heard) = database.open().await;
        let first = (0..16).map(|_| people.epoch_of("message-events", "a"));
        for epoch in futures_util::future::join_all(first).await {
            assert_eq!(epoch, Ok(1));
        }
        assert_eq!(people.epoch_of("user-events", "b").await, Ok(1));
        let refused = people.epoch_of("message-events", "b").await.unwrap_err();
        let (topic, found, registered) = ("message-events".into(), "b".into(), "a".into());
        assert_eq!(refused, EpochError::OtherTopic { topic, found, registered });
        assert!(refused.to_string().contains("chatctl topic adopt message-events"), "{refused}");

        let adopt = async |id| engines::postgres::adopt(&database.pool, "message-events", id).await.unwrap();
        assert_eq!(adopt("b").await, 2);
        assert_eq!(people.epoch_of("message-events", "b").await, Ok(2));
        assert!(people.epoch_of("message-events", "a").await.is_err(), "the former one is another now");
        assert_eq!(adopt("b").await, 3, "a topic that has lost its end");
        assert_eq!(people.epoch_of("message-events", "b").await, Ok(3));
        assert_eq!(people.epoch_of("user-events", "b").await, Ok(1));
        people.close().await;
    })
    .await;
}

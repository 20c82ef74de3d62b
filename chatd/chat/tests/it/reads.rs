//! The REST reads, through the routes.

use crate::world::World;
use axum::http::{Method, StatusCode};
use schema::UserId;
use schema::api::{Conversations, History, Sync, SyncEvent};
use serde::de::DeserializeOwned;

async fn get(world: &World, user: UserId, uri: &str) -> (StatusCode, Vec<u8>) {
    world.call(user, Method::GET, uri).await
}

async fn read<T: DeserializeOwned>(world: &World, user: UserId, uri: &str) -> T {
    world.read(user, uri).await
}

fn sequences(page: &History) -> Vec<u64> {
    page.messages.iter().map(schema::message::Entry::sequence).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn history_pages_both_ways_without_skip_or_repeat() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    for n in 0..25 {
        world.send(ann, "bob", &n.to_string(), None).await.unwrap();
    }
    let base = "/api/chat/conversations/bob/messages";
    let newest: History = read(&world, ann, &format!("{base}?limit=10")).await;
    assert_eq!((sequences(&newest), newest.has_more), ((16..=25).collect(), true));
    let cursor = newest.next_cursor.unwrap();
    let older: History = read(&world, ann, &format!("{base}?limit=10&cursor={cursor}")).await;
    assert_eq!(sequences(&older), (6..=15).collect::<Vec<_>>());
    let oldest: History = read(&world, ann, &format!("{base}?limit=10&before=6")).await;
    assert_eq!((sequences(&oldest), oldest.has_more, oldest.next_cursor), ((1..=5).collect(), false, None));
    let after: History = read(&world, ann, &format!("{base}?limit=3&after=20")).await;
    assert_eq!((sequences(&after), after.has_more), (vec![21, 22, 23], true));
    let cursor = after.next_cursor.unwrap();
    let rest: History = read(&world, ann, &format!("{base}?limit=3&cursor={cursor}")).await;
    assert_eq!((sequences(&rest), rest.has_more), (vec![24, 25], false));
    let around: History = read(&world, ann, &format!("{base}?limit=4&around=10")).await;
    assert!(sequences(&around).contains(&10));
    assert_eq!(around.messages.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_are_refused() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    for (uri, status) in [
        ("/api/chat/conversations/bob/messages?limit=0", 400),
        ("/api/chat/conversations/bob/messages?limit=201", 400),
        ("/api/chat/conversations/bob/messages?limit=x", 400),
        ("/api/chat/conversations/bob/messages?before=1&after=2", 400),
        ("/api/chat/conversations/bob/messages?cursor=forged", 400),
        ("/api/chat/conversations/bob/messages?unknown=1", 400),
        ("/api/chat/conversations/nobody/messages", 404),
        ("/api/chat/messages/no-id", 404),
        ("/api/chat/messages/6ba7b810-9dad-41d1-80b4-00c04fd430c8", 404),
        ("/api/chat/conversations?cursor=forged", 400),
        ("/api/chat/sync?cursor=forged", 400),
        ("/api/chat/sync?wait=31", 400),
    ] {
        assert_eq!(get(&world, ann, uri).await.0.as_u16(), status, "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_there_for_its_two_people_only() {
    let world = World::new().await;
    let (ann, _, cem) = (world.person("ann").await, world.person("bob").await, world.person("cem").await);
    let id = world.send(ann, "bob", "secret", None).await.unwrap().message.message_id;
    let uri = format!("/api/chat/messages/{id}");
    assert_eq!(get(&world, ann, &uri).await.0, StatusCode::OK);
    assert_eq!(get(&world, cem, &uri).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_listed_newest_first_with_unread_counts() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for name in ["bob", "cem", "dee"] {
        let peer = world.person(name).await;
        world.send(peer, "ann", "one", None).await.unwrap();
        world.send(peer, "ann", name, None).await.unwrap();
        world.send(ann, name, "own", None).await.unwrap();
    }
    let first: Conversations = read(&world, ann, "/api/chat/conversations?limit=2").await;
    let times: Vec<_> =
        first.conversations.iter().map(|c| c.last_message.as_ref().unwrap().timestamp).collect();
    assert!(times.is_sorted_by(|a, b| a >= b));
    assert_eq!(first.conversations[0].unread_count, 2);
    assert_eq!(first.conversations[0].last_sequence, 3);
    let uri = format!("/api/chat/conversations?limit=2&cursor={}", first.next_cursor.unwrap());
    let rest: Conversations = read(&world, ann, &uri).await;
    assert_eq!(rest.conversations.len(), 1);
    assert!(rest.next_cursor.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_gives_each_change_once_and_waits_for_the_next() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.send(ann, "bob", "one", None).await.unwrap();
    let first: Sync = read(&world, bob, "/api/chat/sync").await;
    assert_eq!(first.events.len(), 1);
    let waiting = format!("/api/chat/sync?wait=30&cursor={}", first.next_cursor);
    let (next, _) = tokio::join!(read::<Sync>(&world, bob, &waiting), world.send(ann, "bob", "two", None));
    assert!(matches!(next.events.as_slice(), [SyncEvent::Message { sequence: 2, .. }]), "{next:?}");
    // The cursor that came back marks the first message DELIVERED, which is news for its sender.
    let mut of_ann: Sync = read(&world, ann, "/api/chat/sync").await;
    while !of_ann.events.iter().any(|event| matches!(event, SyncEvent::Mark { sequence: 1, .. })) {
        of_ann = read(&world, ann, &format!("/api/chat/sync?wait=30&cursor={}", of_ann.next_cursor)).await;
        assert!(!of_ann.events.is_empty(), "the mark did not come");
    }
}

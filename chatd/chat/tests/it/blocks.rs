//! A blocked pair: what each of the two may do and see.

use crate::world::World;
use axum::http::{Method, StatusCode};
use chat::MarkKind;
use schema::api::{Blocks, Conversations, Sync};
use schema::message::Entry;
use schema::{Code, MessageStatus, UserId};

async fn block(world: &World, by: UserId, whom: &str) {
    let (status, body) = world.call(by, Method::PUT, &format!("/api/users/me/blocks/{whom}")).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{}", String::from_utf8_lossy(&body));
}

async fn unblock(world: &World, by: UserId, whom: &str) {
    let (status, body) = world.call(by, Method::DELETE, &format!("/api/users/me/blocks/{whom}")).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{}", String::from_utf8_lossy(&body));
}

/// `sequence status` of what is shown, `sequence hidden` of what is not.
fn places(entries: &[Entry]) -> Vec<String> {
    let place = |entry: &Entry| match entry {
        Entry::Message(message) => format!("{} {:?}", message.sequence, message.status),
        Entry::Hidden(hidden) => format!("{} hidden", hidden.sequence),
    };
    entries.iter().map(place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocked_cannot_tell_and_the_blocker_is_shown_places_only() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.send(ann, "bob", "before", None).await.unwrap();
    block(&world, bob, "ann").await;
    let sent = world.send(ann, "bob", "hidden", Some("c-1")).await.unwrap();
    assert_eq!((sent.message.sequence, sent.status, sent.repeat), (2, MessageStatus::Sent, false));
    assert!(world.send(ann, "bob", "hidden", Some("c-1")).await.unwrap().repeat);
    world.chat.mark(bob, ann, MarkKind::Seen, 1, None).await.unwrap();

    assert_eq!(places(&world.history(ann, bob).await), ["1 Sent", "2 Sent"]);
    assert_eq!(places(&world.history(bob, ann).await), ["1 Seen", "2 hidden"]);
    assert!(world.chat.message(ann, sent.message.message_id).await.is_ok());
    let asked = world.chat.message(bob, sent.message.message_id).await.unwrap_err();
    assert_eq!(asked.code(), Code::NotFound);

    let conversations: Conversations = world.read(bob, "/api/chat/conversations").await;
    let one = &conversations.conversations[0];
    assert_eq!(one.last_message.as_ref().map(|last| last.sequence), Some(1));
    assert_eq!((one.last_sequence, one.unread_count), (2, 0));
    let told: Sync = world.read(bob, "/api/chat/sync").await;
    assert!(!serde_json::to_string(&told).unwrap().contains(&sent.message.message_id.to_string()));
    let told: Sync = world.read(ann, "/api/chat/sync").await;
    assert!(!serde_json::to_string(&told).unwrap().contains("SEEN"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_hidden_stays_hidden_and_everything_else_goes_on() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    block(&world, bob, "ann").await;
    let asked: Conversations = world.read(bob, "/api/chat/conversations").await;
    assert!(asked.conversations.is_empty(), "a block alone is no conversation");
    world.send(ann, "bob", "hidden", None).await.unwrap();
    let asked: Conversations = world.read(bob, "/api/chat/conversations").await;
    assert!(asked.conversations.is_empty(), "nothing in it may be seen");
    let blocking = world.send(bob, "ann", "x", None).await.unwrap_err();
    assert_eq!(blocking.code(), Code::RecipientUnavailable);
    assert!(blocking.to_string().contains("DELETE /api/users/me/blocks"), "{blocking}");

    unblock(&world, bob, "ann").await;
    world.send(ann, "bob", "shown", None).await.unwrap();
    world.send(bob, "ann", "answer", None).await.unwrap();
    world.chat.mark(bob, ann, MarkKind::Seen, 2, None).await.unwrap();
    assert_eq!(places(&world.history(bob, ann).await), ["1 hidden", "2 Seen", "3 Sent"]);
    assert_eq!(places(&world.history(ann, bob).await), ["1 Sent", "2 Seen", "3 Sent"]);
    let world = world.restart().await;
    assert_eq!(places(&world.history(bob, ann).await), ["1 hidden", "2 Seen", "3 Sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_and_blocks_at_once_have_one_order() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let sends = async {
        for n in 0..60 {
            world.send(ann, "bob", &n.to_string(), None).await.unwrap();
        }
    };
    let blocks = async {
        for _ in 0..10 {
            block(&world, bob, "ann").await;
            unblock(&world, bob, "ann").await;
        }
    };
    tokio::join!(sends, blocks);
    let (seen, sent) = (world.history(bob, ann).await, world.history(ann, bob).await);
    assert_eq!(seen.len(), 50, "a page");
    assert!(seen.iter().zip(&sent).all(|(seen, sent)| seen.sequence() == sent.sequence()));
    let world = world.restart().await;
    assert_eq!(places(&world.history(bob, ann).await), places(&seen));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_listed_in_pages_and_bad_ones_refused() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for name in ["bob", "cat", "dan"] {
        let id = world.person(name).await;
        block(&world, ann, &id.to_string()).await;
        block(&world, ann, name).await;
    }
    unblock(&world, ann, "cat").await;
    unblock(&world, ann, "cat").await;
    let first: Blocks = world.read(ann, "/api/users/me/blocks?limit=1").await;
    let cursor = first.next_cursor.unwrap();
    let rest: Blocks = world.read(ann, &format!("/api/users/me/blocks?limit=1&cursor={cursor}")).await;
    assert_eq!((first.blocks.len(), rest.blocks.len(), rest.next_cursor), (1, 1, None));
    assert!(first.blocks[0].user_id < rest.blocks[0].user_id);
    let mallory = world.person("mallory").await;
    let forged = format!("/api/users/me/blocks?cursor={cursor}");
    for (user, method, uri, expected) in [
        (ann, Method::PUT, "/api/users/me/blocks/ann", StatusCode::BAD_REQUEST),
        (ann, Method::PUT, "/api/users/me/blocks/nobody", StatusCode::NOT_FOUND),
        (ann, Method::DELETE, "/api/users/me/blocks/nobody", StatusCode::NOT_FOUND),
        (ann, Method::GET, "/api/users/me/blocks?limit=0", StatusCode::BAD_REQUEST),
        (ann, Method::GET, "/api/users/me/blocks?cursor=x", StatusCode::BAD_REQUEST),
        (mallory, Method::GET, forged.as_str(), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(world.call(user, method, uri).await.0, expected, "{uri}");
    }
}

use crate::world::World;
use chat::{Delivery, MarkKind};
use schema::{SessionId, UserId};
use std::sync::Arc;
use store::messages::StoredMessage;

/// Everything that a device without a cursor is given, in small pages.
pub(crate) async fn backlog(world: &World, user: UserId, session: SessionId) -> Vec<Arc<StoredMessage>> {
    let backlog = world.chat.backlog(user, session, world.chat.position()).await.unwrap();
    let (mut cursor, mut all) = (backlog.from.clone(), Vec::new());
    loop {
        let (page, next) = world.chat.feed(user, &cursor, 7).await.unwrap();
        if page.is_empty() {
            return all;
        }
        cursor = next;
        all.extend(page.into_iter().filter_map(|delivery| match delivery {
            Delivery::Message { message, .. } => backlog.wants(&message).then_some(message),
            Delivery::Mark { .. } => None,
        }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_delivered_comes_in_log_order_without_ones_own() {
    let world = World::new().await;
    let (ann, bob, cem) = (world.person("ann").await, world.person("bob").await, world.person("cem").await);
    let mut expected = Vec::new();
    for n in 0..30 {
        let from = if n % 3 == 0 { cem } else { ann };
        world.send(from, "bob", &n.to_string(), None).await.unwrap();
        expected.push(n.to_string());
        world.send(bob, "ann", "own", None).await.unwrap();
    }
    let contents =
        |rows: &[Arc<StoredMessage>]| rows.iter().map(|row| row.content.clone()).collect::<Vec<_>>();
    assert_eq!(contents(&backlog(&world, bob, SessionId::draw()).await), expected);
    // A conversation that is DELIVERED falls out, the other stays, although it lies on both sides of it.
    world.chat.mark(bob, cem, MarkKind::Delivered, 10, None).await.unwrap();
    expected.retain(|n| n.parse::<u32>().unwrap() % 3 != 0);
    assert_eq!(contents(&backlog(&world, bob, SessionId::draw()).await), expected);
    // Who only sends has nothing to catch up with, however much it was.
    assert_eq!(contents(&backlog(&world, cem, SessionId::draw()).await), Vec::<String>::new());
    let from = world.chat.backlog(cem, SessionId::draw(), world.chat.position()).await.unwrap().from;
    assert!(from.next_in(0) > 30, "nothing is read that was sent long ago: {from:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_exact_at_its_page_borders() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for n in 0..25 {
        world.send(ann, "bob", &n.to_string(), None).await.unwrap();
    }
    world.chat.mark(bob, ann, MarkKind::Seen, 20, None).await.unwrap();
    let (mut cursor, mut contents, mut marks) = (schema::Cursor::start(1, 1), Vec::new(), 0);
    loop {
        let (page, next) = world.chat.feed(ann, &cursor, 4).await.unwrap();
        if page.is_empty() {
            break;
        }
        cursor = next;
        for delivery in page {
            match delivery {
                Delivery::Message { message, .. } => contents.push(message.content.clone()),
                Delivery::Mark { up_to, user, .. } => {
                    assert_eq!((up_to, user), (20, bob));
                    marks += 1;
                }
            }
        }
    }
    assert_eq!(contents, (0..25).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(marks, 1);
}

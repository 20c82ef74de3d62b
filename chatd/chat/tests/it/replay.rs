use crate::world::World;
use chat::Delivery;

#[tokio::test(flavor = "multi_thread")]
async fn undelivered_messages_come_in_order_across_pages_and_without_ones_own() {
    let world = World::new().await;
    let (ann, bob, cem) = (world.person("ann").await, world.person("bob").await, world.person("cem").await);
    for n in 0..45 {
        world.send(ann, "bob", &n.to_string(), None).await.unwrap();
        world.send(bob, "ann", "own", None).await.unwrap();
    }
    world.send(cem, "bob", "one", None).await.unwrap();
    let (_, position) = world.chat.feed(bob, &schema::Cursor::start(1, 1), 200).await.unwrap();
    world.send(ann, "bob", "behind the position", None).await.unwrap();
    let (mut resume, mut all) = (None, Vec::new());
    loop {
        let (page, next) = world.chat.undelivered(bob, &position, resume, 10).await.unwrap();
        assert!(page.len() <= 10);
        all.extend(page);
        resume = next;
        if resume.is_none() {
            break;
        }
    }
    let of_ann: Vec<_> =
        all.iter().filter(|row| row.sender_id == ann).map(|row| row.content.clone()).collect();
    assert_eq!(of_ann, (0..45).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(all.len(), 46);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_exact_at_its_page_borders() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for n in 0..25 {
        world.send(ann, "bob", &n.to_string(), None).await.unwrap();
    }
    world.chat.mark(bob, ann, chat::MarkKind::Seen, 20, None).await.unwrap();
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

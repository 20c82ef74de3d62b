use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_finds_everything_and_goes_on_counting() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for n in 0..300 {
        world.send(ann, "bob", &n.to_string(), Some(&n.to_string())).await.unwrap();
    }
    let world = world.restart().await;
    let repeat = world.send(ann, "bob", "7", Some("7")).await.unwrap();
    assert!(repeat.repeat);
    assert_eq!(repeat.message.sequence, 8);
    assert_eq!(world.send(bob, "ann", "next", None).await.unwrap().message.sequence, 301);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_brings_nothing_back_that_was_delivered() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for n in 0..20 {
        world.send(ann, "bob", &n.to_string(), None).await.unwrap();
    }
    world.chat.mark(bob, ann, chat::MarkKind::Delivered, 20, None).await.unwrap();
    let before = world.chat.position();
    let world = world.restart().await;
    assert_eq!(world.chat.position(), before);
    for user in [ann, bob] {
        assert!(crate::replay::backlog(&world, user, schema::SessionId::draw()).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_survives_a_restart() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.send(ann, "bob", "before", None).await.unwrap();
    let (seen, cursor) = world.chat.feed(bob, &schema::Cursor::start(1, 1), 10).await.unwrap();
    assert_eq!(seen.len(), 1);
    let sealed = world.chat.seal(bob, &cursor);
    let world = world.restart().await;
    world.send(ann, "bob", "after", None).await.unwrap();
    let cursor = world.chat.open_cursor(bob, &sealed).unwrap();
    assert!(world.chat.open_cursor(ann, &sealed).is_err(), "a cursor is its owner's alone");
    let (news, _) = world.chat.feed(bob, &cursor, 10).await.unwrap();
    assert_eq!(news.len(), 1);
}

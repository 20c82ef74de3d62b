use crate::replay::backlog;
use crate::world::World;
use chat::{Error, MarkKind};
use schema::{MessageStatus, SessionId};

#[tokio::test(flavor = "multi_thread")]
async fn marks_move_the_status_forward_and_never_back() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let first = world.send(ann, "bob", "1", None).await.unwrap().message;
    let second = world.send(ann, "bob", "2", None).await.unwrap().message;
    let status = async |id| world.chat.message(ann, id).await.unwrap().status;
    world.chat.mark(bob, ann, MarkKind::Seen, 1, None).await.unwrap();
    world.chat.mark(bob, ann, MarkKind::Delivered, 2, None).await.unwrap();
    world.chat.mark(bob, ann, MarkKind::Delivered, 1, None).await.unwrap();
    assert_eq!(status(first.message_id).await, MessageStatus::Seen);
    assert_eq!(status(second.message_id).await, MessageStatus::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_past_the_last_message_or_without_a_conversation_is_refused() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let none = world.chat.mark(bob, ann, MarkKind::Seen, 0, None).await;
    assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
    world.send(ann, "bob", "1", None).await.unwrap();
    let past = world.chat.mark(bob, ann, MarkKind::Seen, 2, None).await;
    let Err(Error::Invalid(errors)) = past else { panic!("{past:?}") };
    assert_eq!((errors[0].field.as_str(), errors[0].bound.as_deref()), ("upTo", Some("0-1")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_marks_what_it_passed_and_moves_the_device() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for n in 0..250 {
        world.send(ann, "bob", &n.to_string(), None).await.unwrap();
    }
    let (_, cursor) = world.chat.feed(bob, &schema::Cursor::start(1, 1), 200).await.unwrap();
    let session = SessionId::draw();
    world.chat.passed(bob, session, &cursor).await.unwrap();
    assert_eq!(world.chat.device(bob, session).await.unwrap(), Some(cursor.clone()));
    // That device goes on where its cursor was, another one with what is not DELIVERED: the same here.
    for session in [session, SessionId::draw()] {
        let left: Vec<_> = backlog(&world, bob, session).await.iter().map(|row| row.sequence).collect();
        assert_eq!(left, (201..=250).collect::<Vec<_>>());
    }
}

use crate::world::{World, batch, draft};
use chat::{Delivery, Error, Origin, Talk};
use schema::Code;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_acknowledged_when_it_is_visible() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let sent = world.send(ann, "bob", "hello", None).await.unwrap();
    assert!(!sent.repeat);
    assert_eq!((sent.message.sequence, sent.message.recipient_id), (1, bob));
    let read = world.chat.message(bob, sent.message.message_id).await.unwrap();
    assert_eq!(read.content, "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_answers_with_the_stored_message_and_another_body_conflicts() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    let v7 = uuid::Uuid::now_v7().to_string();
    for client in ["c-1", v7.as_str()] {
        let first = world.send(ann, "bob", "hello", Some(client)).await.unwrap();
        let again = world.send(ann, "bob", "hello", Some(client)).await.unwrap();
        assert!(again.repeat);
        assert_eq!(again.message.message_id, first.message.message_id);
        assert_eq!(again.message.sequence, first.message.sequence);
        let other = world.send(ann, "bob", "other", Some(client)).await;
        assert!(matches!(other, Err(Error::ClientMessageIdReused)), "{other:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_under_one_client_id_are_one_message() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    let sends = (0..20).map(|_| world.send(ann, "bob", "hello", Some("same")));
    let sent = futures_util::future::join_all(sends).await;
    let news = sent.iter().filter(|sent| !sent.as_ref().unwrap().repeat).count();
    assert_eq!(news, 1);
    assert_eq!(world.send(ann, "bob", "next", None).await.unwrap().message.sequence, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_of_one_lane_keep_their_order() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    let (tell, mut told) = mpsc::channel(500);
    for n in 0..500 {
        let tell = tell.clone();
        let origin = Origin { user: ann, connection: None, traceparent: None };
        let answer = Box::new(move |sent: Result<chat::Sent, Error>| {
            tell.try_send((n, sent.unwrap().message.sequence)).unwrap();
        });
        world.chat.send(origin, draft("bob", &n.to_string(), None), answer).await;
    }
    for n in 0..500 {
        assert_eq!(told.recv().await, Some((n, n + 1)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_that_looks_like_an_id_is_a_username() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let hex = "a0123456789abcdef0123456789abcde";
    let named = world.person(hex).await;
    assert_eq!(world.send(ann, hex, "hello", None).await.unwrap().message.recipient_id, named);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_not_stored() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    let mut forged = draft("bob", "x", None);
    forged.sender_id = Some("bob".into());
    let mut own = draft("bob", "x", None);
    own.sender_id = Some("ann".into());
    let cases = [
        (forged, Code::Forbidden),
        (draft("nobody", "x", None), Code::NotFound),
        (draft("not a name", "x", None), Code::NotFound),
        (draft("bob", "", None), Code::Invalid),
        (draft("bob", &"x".repeat(4097), None), Code::Invalid),
        (draft("bob", "x", Some(&"c".repeat(65))), Code::Invalid),
    ];
    for (draft, code) in cases {
        assert_eq!(world.send_draft(ann, draft).await.unwrap_err().code(), code);
    }
    assert_eq!(world.send_draft(ann, own).await.unwrap().message.sequence, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_come_in_log_order_with_their_origin() {
    let world = World::new().await;
    let (ann, _) = (world.person("ann").await, world.person("bob").await);
    let mut link = world.chat.deliveries();
    let answered = Arc::new(AtomicUsize::new(0));
    for n in 0..50 {
        let origin = Origin { user: ann, connection: Some(n), traceparent: None };
        let answered = Arc::clone(&answered);
        let answer = Box::new(move |_| _ = answered.fetch_add(1, Ordering::Relaxed));
        world.chat.send(origin, draft("bob", "x", None), answer).await;
    }
    let mut next = 0;
    while next < 50 {
        for delivery in &batch(&mut link).await.deliveries {
            let Delivery::Message { message, origin, .. } = delivery else {
                panic!("only messages were sent")
            };
            assert_eq!((message.sequence, *origin), (next + 1, Some(next)));
            next += 1;
        }
    }
    // An answer leaves before the delivery does.
    assert_eq!(answered.load(Ordering::Relaxed), 50);
}

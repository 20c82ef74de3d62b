//! Two people and their devices, live.

use crate::client::{body, call, text};
use crate::world::{World, other_device};
use schema::wire::stomp::{Command, Frame};
use schema::{Message, MessageStatus};
use serde_json::{Value, json};
use websocket::Config;

#[tokio::test]
async fn two_people_talk_both_ways_with_receipts() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (mut a, mut b) = (world.listen(ann).await, world.listen(bob).await);
    let before = a.ask(text(bob, "hello \u{1f600}")).await;
    let sent: Vec<Value> =
        before.iter().filter(|frame| frame.header("subscription") == Some("status")).map(body).collect();
    assert_eq!(sent[0]["status"], "SENT");
    assert_eq!(sent[0]["sequence"], 1);
    assert!(
        before.iter().all(|frame| frame.header("subscription") != Some("messages")),
        "no copy to the origin"
    );

    let frame = b.on("messages").await;
    assert_eq!(frame.header("destination"), Some("/user/queue/messages"));
    assert_eq!(frame.header("content-type"), Some("application/json"));
    assert!(frame.header("cursor").is_some() && frame.header("message-id").is_some());
    assert_eq!(frame.header("ack"), None);
    let message: Message = body(&frame);
    assert_eq!((message.content.as_str(), message.sequence), ("hello \u{1f600}", 1));
    assert_eq!((message.sender_id, message.status), (ann.user, MessageStatus::Sent));

    b.ask(text(ann, "and back")).await;
    assert_eq!(a.message().await.sequence, 2);
}

#[tokio::test]
async fn sends_of_a_session_keep_their_order_whatever_their_number() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (mut a, mut b) = (world.connect(ann).await, world.listen(bob).await);
    // Many frames in one WebSocket message, more than one message's worth of them.
    for part in 0..10 {
        let mut bytes = Vec::new();
        for i in 0..100 {
            let n = part * 100 + i;
            let frame = text(bob, &n.to_string()).with("receipt", &n.to_string());
            frame.encode(schema::wire::stomp::Version::V12, &mut bytes);
        }
        a.raw(&bytes).await;
    }
    for n in 0..1000 {
        assert_eq!(a.frame().await.header("receipt-id"), Some(n.to_string().as_str()));
    }
    for n in 0..1000_u64 {
        let message = b.message().await;
        assert_eq!((message.content, message.sequence), (n.to_string(), n + 1));
    }
}

#[tokio::test]
async fn other_devices_get_a_copy_and_a_note_to_oneself_goes_to_all() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (mut phone, mut desk) = (world.listen(ann).await, world.listen(other_device(ann)).await);
    phone.ask(text(bob, "one")).await;
    assert_eq!(desk.message().await.content, "one");
    phone.send(&text(ann, "note")).await;
    assert_eq!(desk.message().await.content, "note");
    assert_eq!(phone.message().await.content, "note", "the first message on the phone is the note");
}

#[tokio::test]
async fn a_failed_send_is_told_on_the_error_queue_or_ends_the_session() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    let bad = [
        (call("/app/chat.sendMessage", &json!({"recipientId": "nobody.here", "content": "x"})), "not-found"),
        (call("/app/chat.sendMessage", &json!({"recipientId": bob.user, "content": " "})), "invalid"),
        (call("/app/chat.sendMessage", &json!([])), "malformed"),
        (call("/app/chat.seen", &json!({"peerId": bob.user, "upTo": 7})), "not-found"),
        (
            call(
                "/app/chat.sendMessage",
                &json!({"recipientId": bob.user, "content": "x", "senderId": bob.user}),
            ),
            "forbidden",
        ),
    ];
    for (frame, code) in bad {
        a.send(&frame.with("receipt", code)).await;
        let problem: Value = body(&a.on("errors").await);
        assert_eq!((problem["code"].as_str(), problem["receipt"].as_str()), (Some(code), Some(code)));
        assert_eq!(problem["traceId"].as_str().map(str::len), Some(32));
    }
    a.ask(text(bob, "still here")).await;

    let mut deaf = world.connect(ann).await;
    deaf.send(&call("/app/chat.sendMessage", &json!({})).with("receipt", "r-1")).await;
    let error = deaf.frame().await;
    assert_eq!((error.command, error.header("receipt-id")), (Command::Error, Some("r-1")));
    assert_eq!(deaf.closed().await.0, Some(1008));
}

#[tokio::test]
async fn a_session_that_sends_too_fast_is_told_429() {
    let world = World::with(Config { messages_per_second: 1, messages_burst: 3, ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    for _ in 0..3 {
        a.ask(text(bob, "x")).await;
    }
    a.send(&text(bob, "one too many").with("receipt", "late")).await;
    let problem: Value = body(&a.on("errors").await);
    assert_eq!((problem["status"].as_u64(), problem["receipt"].as_str()), (Some(429), Some("late")));
}

#[tokio::test]
async fn nobody_hears_what_is_not_theirs() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.person("ann").await, world.person("bob").await, world.person("eve").await);
    let bobs = bob.user;
    for destination in [
        "/queue/**".to_owned(),
        "/user/queue/*".to_owned(),
        format!("/user/{bobs}/queue/messages"),
        "/user/bob/queue/messages".to_owned(),
        "/topic/chat".to_owned(),
    ] {
        let mut spy = world.connect(eve).await;
        spy.subscribe("s", &destination, &[]).await;
        let (code, error) = spy.closed().await;
        assert_eq!(code, Some(1002), "{destination}");
        assert!(error.unwrap().contains("unknown destination"));
        let mut forger = world.connect(eve).await;
        forger.send(&call(&destination, &json!({"content": "forged"}))).await;
        assert_eq!(forger.closed().await.0, Some(1002), "{destination}");
    }
    let (mut e, mut b) = (world.listen(eve).await, world.listen(bob).await);
    world.send(ann, bob, "secret").await;
    assert_eq!(b.message().await.content, "secret");
    world.send(ann, eve, "for eve").await;
    assert_eq!(e.message().await.content, "for eve", "the first message of eve's is her own");
}

#[tokio::test]
async fn a_frame_may_come_in_pieces_and_unsubscribe_ends_deliveries() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (mut a, mut b) = (world.connect(ann).await, world.listen(bob).await);
    let content = "long ".repeat(800);
    let bytes = text(bob, &content).with("receipt", "r").to_bytes(schema::wire::stomp::Version::V12);
    for piece in bytes.chunks(700) {
        a.raw(piece).await;
    }
    assert_eq!(a.frame().await.header("receipt-id"), Some("r"));
    assert_eq!(b.message().await.content, content);

    b.ask(Frame::new(Command::Unsubscribe).with("id", "messages")).await;
    world.send(ann, bob, "unheard").await;
    b.subscribe("again", "/user/queue/messages", &[]).await;
    // It comes by the replay of the new subscription, not by the old one.
    loop {
        let frame = b.frame().await;
        assert_ne!(frame.header("subscription"), Some("messages"));
        if body::<Message>(&frame).content == "unheard" {
            break;
        }
    }
}

#[tokio::test]
async fn disconnect_is_answered_after_every_outcome() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.connect(ann).await;
    let mut bytes = Vec::new();
    for n in 0..50 {
        text(bob, "x").with("receipt", &n.to_string()).encode(schema::wire::stomp::Version::V12, &mut bytes);
    }
    Frame::new(Command::Disconnect)
        .with("receipt", "bye")
        .encode(schema::wire::stomp::Version::V12, &mut bytes);
    a.raw(&bytes).await;
    for n in 0..50 {
        assert_eq!(a.frame().await.header("receipt-id"), Some(n.to_string().as_str()));
    }
    assert_eq!(a.frame().await.header("receipt-id"), Some("bye"));
    assert_eq!(a.closed().await.0, Some(1000));
}

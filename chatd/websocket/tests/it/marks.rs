//! DELIVERED and SEEN, and the device's own position.

use crate::client::{Client, body, call};
use crate::world::{Person, World, other_device};
use schema::Message;
use schema::wire::stomp::{Command, Frame, Version};
use serde_json::json;

async fn subscribed(world: &World, person: Person, version: Version, ack: &str) -> Client {
    let mut client = Client::open(world.address).await;
    client.login(&world.token(person), version).await;
    client.subscribe("m", "/user/queue/messages", &[("ack", ack)]).await;
    client
}

/// The contents that a subscription without a cursor starts with, up to `last`.
async fn replayed(world: &World, person: Person, last: &str) -> Vec<String> {
    let mut client = subscribed(world, person, Version::V12, "auto").await;
    let mut contents = Vec::new();
    while contents.last().is_none_or(|content| content != last) {
        contents.push(body::<Message>(&client.on("m").await).content);
    }
    contents
}

#[tokio::test]
async fn an_ack_marks_delivered_and_moves_the_device() {
    for (version, header) in [(Version::V12, "id"), (Version::V11, "message-id")] {
        let world = World::new().await;
        let (ann, bob) = (world.person("ann").await, world.person("bob").await);
        let mut a = world.listen(ann).await;
        let mut b = subscribed(&world, bob, version, "client").await;
        let mut acks = Vec::new();
        for text in ["one", "two", "three"] {
            world.send(ann, bob, text).await;
            let frame = b.on("m").await;
            let ack = if version == Version::V12 { "ack" } else { "message-id" };
            acks.push(frame.header(ack).unwrap().to_owned());
        }
        let ack = |id: &str| Frame::new(Command::Ack).with("subscription", "m").with(header, id);
        b.ask(ack(&acks[1])).await;
        let update = a.status("DELIVERED", 2).await;
        assert_eq!(update["userId"], bob.user.to_string());
        drop(b);
        world.send(ann, bob, "four").await;
        assert_eq!(replayed(&world, bob, "four").await, ["three", "four"], "behind the device's position");
    }
}

#[tokio::test]
async fn individual_acks_move_the_device_only_without_gaps() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    let mut b = subscribed(&world, bob, Version::V12, "client-individual").await;
    let mut acks = Vec::new();
    for text in ["one", "two", "three"] {
        world.send(ann, bob, text).await;
        acks.push(b.on("m").await.header("ack").unwrap().to_owned());
    }
    let ack = |id: &str| Frame::new(Command::Ack).with("id", id);
    b.ask(ack(&acks[0])).await;
    a.status("DELIVERED", 1).await;
    b.ask(Frame::new(Command::Nack).with("id", &acks[1])).await;
    b.ask(ack(&acks[2])).await;
    a.status("DELIVERED", 3).await;
    drop(b);
    world.send(ann, bob, "four").await;
    assert_eq!(replayed(&world, bob, "four").await, ["two", "three", "four"], "what was refused comes again");
}

#[tokio::test]
async fn a_pong_marks_delivered_but_does_not_move_the_device() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    let mut b = subscribed(&world, bob, Version::V12, "client").await;
    world.send(ann, bob, "one").await;
    let first = b.on("m").await.header("ack").unwrap().to_owned();
    b.ask(Frame::new(Command::Ack).with("id", &first)).await;
    a.status("DELIVERED", 1).await;
    world.send(ann, bob, "two").await;
    let reading = tokio::spawn(async move {
        loop {
            b.next().await;
        }
    });
    a.status("DELIVERED", 2).await;
    reading.abort();
    world.send(ann, bob, "three").await;
    assert_eq!(replayed(&world, bob, "three").await, ["two", "three"]);
}

#[tokio::test]
async fn a_client_that_answers_no_ping_has_nothing_delivered() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    // Reads nothing, so it sends no pong.
    let silent = subscribed(&world, bob, Version::V12, "auto").await;
    world.send(ann, bob, "one").await;
    world.send(bob, ann, "from bob").await;
    // Long enough for every frame of the silent one: its own copy of the later message went out.
    while world.metrics.render().unwrap().lines().all(|l| l != "chatd_websocket_frames_out_total 3") {
        tokio::task::yield_now().await;
    }
    assert_eq!(replayed(&world, other_device(bob), "one").await, ["one"]);
    drop(silent);
}

#[tokio::test]
async fn explicit_marks_reach_the_sender_and_the_other_devices() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    let (mut phone, mut desk) = (world.listen(bob).await, world.listen(other_device(bob)).await);
    for text in ["one", "two"] {
        world.send(ann, bob, text).await;
    }
    let seen = call("/app/chat.seen", &json!({"peerId": "ann", "upTo": 2}));
    phone.ask(seen).await;
    for client in [&mut a, &mut desk] {
        assert_eq!(client.status("SEEN", 2).await["userId"], bob.user.to_string());
    }
    phone.send(&call("/app/chat.seen", &json!({"peerId": "ann", "upTo": 3})).with("receipt", "r")).await;
    let problem: serde_json::Value = body(&phone.on("errors").await);
    assert_eq!((problem["code"].as_str(), problem["receipt"].as_str()), (Some("invalid"), Some("r")));
}

#[tokio::test]
async fn a_shown_cursor_is_a_sign_of_delivery() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    for text in ["one", "two"] {
        world.send(ann, bob, text).await;
    }
    let mut b = subscribed(&world, bob, Version::V12, "auto").await;
    b.on("m").await;
    // Not read on from here: no pong of the second message's.
    let cursor = b.on("m").await.header("cursor").unwrap().to_owned();
    drop(b);
    let mut again = world.connect(bob).await;
    again.subscribe("m", "/user/queue/messages", &[("cursor", &cursor)]).await;
    a.status("DELIVERED", 2).await;
}

//! How sockets end: revoked, too slow, silent, drained.

use crate::client::{Came, Client};
use crate::world::World;
use futures_util::StreamExt;
use tokio::task::yield_now;
use websocket::Config;

#[tokio::test]
async fn an_ended_session_loses_its_sockets_and_others_keep_theirs() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let (mut first, mut second, mut b) =
        (world.listen(ann).await, world.listen(ann).await, world.listen(bob).await);
    let other = crate::world::other_device(ann);
    let mut kept = world.listen(other).await;
    world.revocations.end(ann.session);
    assert_eq!(first.closed().await.0, Some(1008));
    assert_eq!(second.closed().await.0, Some(1008));
    world.send(bob, ann, "still there?").await;
    assert_eq!(kept.message().await.content, "still there?");
    world.send(ann, bob, "yes").await;
    assert_eq!(b.message().await.content, "still there?", "a copy of what was sent elsewhere");
    assert_eq!(b.message().await.content, "yes");
    let mut again = Client::open(world.address).await;
    let connect = schema::wire::stomp::Frame::new(schema::wire::stomp::Command::Connect)
        .with("Authorization", &format!("Bearer {}", world.token(ann)));
    again.send(&connect).await;
    assert_eq!(again.closed().await.0, Some(1008));
}

#[tokio::test]
async fn a_session_that_does_not_read_is_closed_and_finds_everything_later() {
    let world =
        World::with(Config { outbox_bytes: 65_536, messages_per_second: 0, ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut slow = world.listen(bob).await;
    // Live from here on: a replay would wait for the reader.
    world.send(ann, bob, "first").await;
    assert_eq!(slow.message().await.content, "first");
    let content = "x".repeat(4000);
    let mut sent = 0;
    let closed = |world: &World| {
        world.metrics.render().unwrap().lines().any(|l| l == "chatd_websocket_closes_total{code=\"1013\"} 1")
    };
    while !closed(&world) {
        world.send(ann, bob, &content).await;
        sent += 1;
        assert!(sent < 10_000, "nobody closed the slow session");
    }
    // What the kernel held comes, then the end; with the code if the close still got through.
    let mut got = 0;
    let code = loop {
        match slow.next().await {
            Came::Frame(_) => got += 1,
            Came::Closed(code) => break code,
        }
    };
    assert!(matches!(code, Some(1013) | None), "{code:?}");
    assert!(got < sent);
    drop(slow);
    let mut again = world.listen(crate::world::other_device(bob)).await;
    let first = again.message().await.sequence;
    let mut sequence = first;
    while sequence < sent + 1 {
        let next = again.message().await.sequence;
        assert_eq!(next, sequence + 1);
        sequence = next;
    }
}

#[tokio::test]
async fn silence_is_broken_by_beats_and_punished_when_beats_were_promised() {
    let world = World::with(Config { heartbeat_ms: 500, ..Config::default() }).await;
    let ann = world.person("ann").await;
    let mut client = Client::open(world.address).await;
    let connect = schema::wire::stomp::Frame::new(schema::wire::stomp::Command::Connect)
        .with("accept-version", "1.2")
        .with("heart-beat", "500,500")
        .with("Authorization", &format!("Bearer {}", world.token(ann)));
    client.send(&connect).await;
    client.frame().await;
    let beat = client.socket().next().await.unwrap().unwrap();
    assert_eq!(beat.into_text().unwrap().as_str(), "\n", "a message of exactly one EOL");
    // The promised beats never come.
    assert_eq!(client.closed().await.0, Some(1002));
}

#[tokio::test]
async fn a_socket_without_connect_is_closed_at_the_deadline() {
    let world = World::with(Config { connect_deadline_s: 1, ..Config::default() }).await;
    let mut client = Client::open(world.address).await;
    let (code, error) = client.closed().await;
    assert_eq!((code, error.as_deref()), (Some(1002), Some("no CONNECT in time")));
}

#[tokio::test]
async fn a_drain_closes_everybody_with_1012_and_lets_nobody_in() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut clients =
        vec![world.listen(ann).await, world.listen(bob).await, Client::open(world.address).await];
    let service = world.service.clone();
    let drained = tokio::spawn(async move { service.drain().await });
    for client in &mut clients {
        assert_eq!(client.closed().await.0, Some(1012));
        // Hears the server out, as a client does.
        while client.socket().next().await.is_some() {}
    }
    drained.await.unwrap();
    assert_eq!(world.service.sockets(), 0);
    let request = format!("ws://{}/ws/websocket", world.address);
    let stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let refused = tokio_tungstenite::client_async(request, stream).await.unwrap_err();
    assert!(matches!(refused, tokio_tungstenite::tungstenite::Error::Http(answer) if answer.status() == 503));
}

#[tokio::test]
async fn a_closed_socket_is_off_the_books() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut client = world.connect(ann).await;
    client.socket().close(None).await.unwrap();
    assert!(matches!(client.next().await, Came::Closed(_)));
    while world.service.sockets() > 0 {
        yield_now().await;
    }
}

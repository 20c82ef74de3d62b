//! How SockJS sessions over HTTP live and end.

use crate::client::{Came, Client, Transport};
use crate::http::{Http, call};
use crate::poller::Poller;
use crate::world::{Person, World, other_device};
use schema::wire::sockjs::{Envelope, Frame};
use schema::wire::stomp::{self, Command, Version};
use tokio::task::yield_now;
use websocket::Config;

async fn connected(world: &World, envelope: Envelope, person: Person) -> Client {
    let mut client = Client::over(Transport::Polled(envelope), world.address, "").await;
    client.login(&world.token(person), Version::V12).await;
    client
}

fn closed(code: u16, reason: &str) -> Frame {
    Frame::Close(code, reason.to_owned())
}

/// Waits until neither a session nor a line is left.
async fn all_gone(world: &World) {
    while world.service.sockets() > 0 || world.service.lines() > 0 {
        yield_now().await;
    }
}

/// What a request with nothing before it is answered, of a stream only the first frame.
async fn one(world: &World, path: &str, envelope: Envelope) -> String {
    let (method, name) = match envelope {
        Envelope::Xhr => ("POST", "xhr"),
        Envelope::XhrStreaming => ("POST", "xhr_streaming"),
        Envelope::EventSource => ("GET", "eventsource"),
    };
    let mut http = Http::open(world.address).await;
    http.request(method, &format!("{path}/{name}"), &[], b"").await;
    assert_eq!(http.head().await.status, 200);
    let mut text = http.text().await;
    text = text.strip_prefix(&envelope.prelude()).unwrap().to_owned();
    if text.is_empty() { http.text().await } else { text }
}

#[tokio::test]
async fn a_second_receiver_is_sent_away_and_the_first_goes_on() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for envelope in Transport::POLLED {
        let mut client = connected(&world, envelope, ann).await;
        client.poller().ask().await;
        let path = client.poller().path.clone();
        for other in Transport::POLLED {
            let mut frame = String::new();
            other.wrap("c[2010,\"Another connection still open\"]", &mut frame);
            assert_eq!(one(&world, &path, other).await, frame);
        }
        client.ask(stomp::Frame::new(Command::Ack).with("id", "1")).await;
    }
}

#[tokio::test]
async fn a_cut_response_ends_the_session_at_once() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for envelope in Transport::POLLED {
        let mut client = connected(&world, envelope, ann).await;
        client.poller().ask().await;
        assert_eq!(world.service.sockets(), 1);
        client.poller().abort().await;
        while world.service.sockets() > 0 {
            yield_now().await;
        }
        for _ in 0..2 {
            assert_eq!(client.poller().next().await, closed(1002, "Connection interrupted"));
        }
        assert_eq!(client.poller().post(&["\n"]).await, 404);
    }
    all_gone(&world).await;
}

#[tokio::test]
async fn an_error_waits_for_the_next_poll_and_the_last_word_is_repeated_until_it_is_forgotten() {
    let world = World::new().await;
    let mut client = Client::over(Transport::Polled(Envelope::Xhr), world.address, "").await;
    // No poll is waiting while this goes wrong.
    client.send_text("HELLO\n\n\0").await;
    while world.service.sockets() > 0 {
        yield_now().await;
    }
    let Came::Frame(error) = client.next().await else { panic!("the ERROR is lost") };
    assert_eq!(error.command, Command::Error);
    for _ in 0..3 {
        assert_eq!(client.poller().next().await, closed(1002, "protocol error"));
    }
    all_gone(&world).await;
    // Forgotten: whoever posts finds nobody, and who asks gets a new session.
    assert_eq!(client.poller().post(&["\n"]).await, 404);
    assert_eq!(client.poller().next().await, Frame::Open);
}

#[tokio::test]
async fn a_session_that_nobody_asks_for_dies_with_everything_it_had() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut deserted = Vec::new();
    for envelope in Transport::POLLED {
        let mut client = connected(&world, envelope, bob).await;
        client.subscribe_all().await;
        client.ask(stomp::Frame::new(Command::Ack).with("id", "1")).await;
        deserted.push(client);
    }
    // Streams are receive requests that go on; these end with their connections.
    deserted.truncate(1);
    world.send(ann, bob, "nobody asks for this").await;
    all_gone(&world).await;
    let mut again = world.listen(other_device(bob)).await;
    assert_eq!(again.message().await.content, "nobody asks for this");
}

#[tokio::test]
async fn a_reader_that_never_comes_is_slow_and_finds_everything_later() {
    let world =
        World::with(Config { outbox_bytes: 65_536, messages_per_second: 0, ..Config::default() }).await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut slow = connected(&world, Envelope::Xhr, bob).await;
    slow.subscribe_all().await;
    // Live from here on: a replay would wait for the reader.
    world.send(ann, bob, "first").await;
    assert_eq!(slow.message().await.content, "first");
    let content = "x".repeat(4000);
    let mut sent = 1;
    while world.service.sockets() > 0 {
        world.send(ann, bob, &content).await;
        sent += 1;
        assert!(sent < 1000, "nobody closed the slow session");
    }
    // What the socket had taken still comes, in order; then the reason.
    let mut last = 1;
    let code = loop {
        match slow.next().await {
            Came::Closed(code) => break code,
            Came::Frame(frame) => {
                let message: schema::Message = crate::client::body(&frame);
                assert_eq!(message.sequence, last + 1);
                last += 1;
            }
        }
    };
    assert_eq!(code, Some(1013));
    assert!(last < sent, "the rest was not held for it");
    let mut again = world.listen(other_device(bob)).await;
    let mut sequence = again.message().await.sequence;
    while sequence < sent {
        let next = again.message().await.sequence;
        assert_eq!(next, sequence + 1);
        sequence = next;
    }
}

#[tokio::test]
async fn a_session_over_http_is_its_openers() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let query = |person| format!("?token={}", world.token(person));
    let mut poller = Poller::open(world.address, Envelope::Xhr, &query(ann)).await;
    assert_eq!(poller.next().await, Frame::Open);
    for stranger in [query(bob), String::new(), "?token=nonsense".to_owned()] {
        for name in ["xhr", "xhr_streaming", "xhr_send"] {
            let path = format!("{}/{name}{stranger}", poller.path);
            let (head, _) = call(world.address, "POST", &path, &[], "[\"x\"]").await;
            assert_eq!(head.status, 404, "{name} {stranger}");
        }
    }
    // Another token of hers will do, and so will a header.
    let header = format!("Bearer {}", world.token(other_device(ann)));
    let path = format!("{}/xhr_send", poller.path);
    let (head, _) = call(world.address, "POST", &path, &[("Authorization", &header)], "[\"\\n\"]").await;
    assert_eq!(head.status, 204);
    // The token of the first request is the identity of CONNECT.
    assert_eq!(poller.post(&["CONNECT\naccept-version:1.2\n\n\0"]).await, 204);
    let Frame::Messages(messages) = poller.next().await else { panic!("no CONNECTED") };
    assert!(messages[0].contains(&ann.user.to_string()), "{messages:?}");
}

#[tokio::test]
async fn ended_sessions_and_drains_have_their_codes() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for envelope in Transport::POLLED {
        let person = other_device(ann);
        let mut client = connected(&world, envelope, person).await;
        client.poller().ask().await;
        world.revocations.end(person.session);
        assert_eq!(client.poller().next().await, closed(1008, "session ended"));
    }
    let mut clients = Vec::new();
    for envelope in Transport::POLLED {
        let mut client = connected(&world, envelope, bob).await;
        client.poller().ask().await;
        clients.push(client);
    }
    let service = world.service.clone();
    let drained = tokio::spawn(async move { service.drain().await });
    for client in &mut clients {
        assert_eq!(client.closed().await.0, Some(1012));
    }
    drained.await.unwrap();
    assert_eq!(call(world.address, "POST", "/ws/a/newcomer/xhr", &[], "").await.0.status, 503);
    all_gone(&world).await;
}

#[tokio::test]
async fn an_address_has_so_many_lines_and_gets_them_back() {
    let world = World::new().await;
    let mut http = Http::open(world.address).await;
    let bound = schema::limits::SOCKJS_SESSIONS_PER_ADDRESS;
    for number in 0..bound {
        let (head, text) = http.call("POST", &format!("/ws/a/s{number}/xhr"), &[], "").await;
        assert_eq!((head.status, text.as_str()), (200, "o\n"), "{number}");
    }
    let (head, text) = http.call("POST", "/ws/a/too-many/xhr", &[], "").await;
    assert_eq!(head.status, 429, "{text}");
    assert_eq!(head.header("retry-after"), "1");
    all_gone(&world).await;
    let (head, _) = http.call("POST", "/ws/a/too-many/xhr", &[], "").await;
    assert_eq!(head.status, 200);
}

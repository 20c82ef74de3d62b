//! STOMP 1.0 to 1.2 over every transport: the same everywhere.

use crate::client::{Client, Transport, body, call, text};
use crate::world::{Person, World, other_device};
use schema::Message;
use schema::wire::sockjs::Envelope;
use schema::wire::stomp::{Command, Frame, Version};
use serde_json::{Value, json};

async fn connected(world: &World, transport: Transport, person: Person, version: Version) -> Client {
    let mut client = Client::over(transport, world.address, "").await;
    client.login(&world.token(person), version).await;
    client
}

#[tokio::test]
async fn people_talk_in_every_version_over_every_transport() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for transport in Transport::ALL {
        for version in Version::ALL {
            let (ann, bob) = (other_device(ann), other_device(bob));
            let mut a = connected(&world, transport, ann, version).await;
            let mut b = connected(&world, transport, bob, version).await;
            a.subscribe_all().await;
            // Nothing of earlier rounds: only what comes from here on.
            let cursor = world.chat.seal(bob.user, &world.chat.position());
            b.subscribe("messages", "/user/queue/messages", &[("cursor", &cursor)]).await;
            let words = format!("{transport:?} {version:?} 100% \u{1f600} \"\\\u{2028}\u{feff}\n");
            let before = a.ask(text(bob, &words)).await;
            let status: Value = body(before.last().unwrap());
            assert_eq!(status["status"], "SENT", "{transport:?} {version:?}");
            assert_eq!(b.message().await.content, words);
            // An error of a SEND has its queue; the session lives on.
            a.send(&call("/app/chat.sendMessage", &json!({"recipientId": "nobody", "content": "x"}))).await;
            let problem: Value = body(&a.on("errors").await);
            assert_eq!(problem["status"], 404, "{problem}");
            // One of the protocol ends it, and says why.
            a.send_text("BEGIN\ntransaction:t\nreceipt:r\n\n\0").await;
            let error = loop {
                let frame = a.frame().await;
                // News of the delivery may come before.
                if frame.command != Command::Message {
                    break frame;
                }
            };
            assert_eq!((error.command, error.header("receipt-id")), (Command::Error, Some("r")));
            assert_eq!(a.closed().await.0, Some(1002), "{transport:?}");
            // A polite goodbye has its receipt.
            b.ask(Frame::new(Command::Disconnect)).await;
            assert_eq!(b.closed().await.0, Some(1000), "{transport:?}");
        }
    }
}

#[tokio::test]
async fn frames_may_be_cut_and_joined_as_clients_like() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for transport in Transport::ALL {
        let mut a = connected(&world, transport, ann, Version::V12).await;
        let mut b = connected(&world, transport, bob, Version::V12).await;
        let cursor = world.chat.seal(bob.user, &world.chat.position());
        b.subscribe("messages", "/user/queue/messages", &[("cursor", &cursor)]).await;
        b.ask(Frame::new(Command::Ack).with("id", "0")).await;
        // In pieces, however emoji fall on their borders.
        for cut in [7, 8] {
            a.cut = cut;
            let words =
                "cut \u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600} to pieces";
            a.ask(text(bob, words)).await;
            assert_eq!(b.message().await.content, words, "{transport:?} {cut}");
        }
        // Three frames and heart-beats in one message.
        a.cut = usize::MAX;
        let frames = ["one", "two", "three"].map(|word| {
            let frame = text(bob, word).with("receipt", word).to_bytes(Version::V12);
            String::from_utf8(frame.to_vec()).unwrap()
        });
        a.send_text(&format!("\n{}\n", frames.join("\n\n"))).await;
        for word in ["one", "two", "three"] {
            assert_eq!(a.frame().await.header("receipt-id"), Some(word));
            assert_eq!(b.message().await.content, word);
        }
    }
}

#[tokio::test]
async fn a_heart_beat_is_a_message_of_exactly_one_line_feed() {
    let world = World::with(websocket::Config { heartbeat_ms: 500, ..Default::default() }).await;
    let ann = world.person("ann").await;
    for envelope in Transport::POLLED {
        let mut client = Client::over(Transport::Polled(envelope), world.address, "").await;
        let connect = Frame::new(Command::Connect)
            .with("accept-version", "1.2")
            .with("heart-beat", "0,500")
            .with("Authorization", &format!("Bearer {}", world.token(ann)));
        client.send(&connect).await;
        assert_eq!(client.frame().await.command, Command::Connected);
        let beat = schema::wire::sockjs::Frame::Messages(vec!["\n".to_owned()]);
        assert_eq!(client.poller().next().await, beat);
    }
}

#[tokio::test]
async fn five_hundred_messages_come_once_and_in_order_whatever_ends_meanwhile() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    for transport in Transport::ALL {
        let bob = other_device(bob);
        let mut b = connected(&world, transport, bob, Version::V12).await;
        let cursor = world.chat.seal(bob.user, &world.chat.position());
        b.subscribe("messages", "/user/queue/messages", &[("cursor", &cursor)]).await;
        let content = "x".repeat(600);
        let send = async {
            for _ in 0..500 {
                world.send(ann, bob, &content).await;
            }
        };
        let receive = async {
            let mut sequences = Vec::new();
            while sequences.len() < 500 {
                sequences.push(body::<Message>(&b.on("messages").await).sequence);
            }
            sequences
        };
        let ((), sequences) = tokio::join!(send, receive);
        assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{transport:?}: {sequences:?}");
        // 500 frames of 1 KB: a streaming response ended at 128 KiB, more than once.
        if let Transport::Polled(Envelope::XhrStreaming | Envelope::EventSource) = transport {
            assert!(b.poller().requests >= 4, "{}", b.poller().requests);
        }
    }
}

#[tokio::test]
async fn what_is_delivered_over_http_is_proved_by_the_next_request() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    for (envelope, sequence) in Transport::POLLED.into_iter().zip(1..) {
        let mut b = connected(&world, Transport::Polled(envelope), bob, Version::V12).await;
        b.subscribe("messages", "/user/queue/messages", &[]).await;
        world.send(ann, bob, "are you there?").await;
        while b.message().await.sequence < sequence {}
        let marked = async { a.status("DELIVERED", sequence).await };
        let polling = async {
            loop {
                b.next().await;
            }
        };
        tokio::select! {
            update = marked => assert_eq!(update["userId"], bob.user.to_string()),
            () = polling => {}
        }
    }
}

#[tokio::test]
async fn what_nobody_asked_for_again_is_not_delivered() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    let mut b = connected(&world, Transport::Polled(Envelope::Xhr), bob, Version::V12).await;
    b.subscribe("messages", "/user/queue/messages", &[]).await;
    world.send(ann, bob, "one").await;
    assert_eq!(b.message().await.content, "one");
    // The response with it was the last: the session dies, and another device has the message still.
    while world.service.sockets() > 1 {
        tokio::task::yield_now().await;
    }
    let mut again = world.listen(other_device(bob)).await;
    assert_eq!(again.message().await.content, "one");
    // The first news of a delivery is that of the new device, which reads on and so answers its pings.
    tokio::select! {
        update = a.status("DELIVERED", 1) => assert_eq!(update["userId"], bob.user.to_string()),
        _ = again.next() => panic!("there was no more to come"),
    }
}

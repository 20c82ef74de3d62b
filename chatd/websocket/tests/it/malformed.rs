//! What is not STOMP, or not what this server speaks, ends in ERROR and close.

use crate::client::{Came, Client, text};
use crate::world::World;
use schema::limits;
use schema::wire::stomp::Command;

#[tokio::test]
async fn malformed_and_unsupported_frames_are_an_error_and_a_close() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let large =
        format!("SEND\ndestination:/app/chat.sendMessage\ncontent-length:{}\n\n", limits::FRAME_BYTES);
    let line = format!("SEND\na:{}\n\n\0", "x".repeat(limits::STOMP_HEADER_BYTES));
    let cases: &[(&str, &str)] = &[
        ("HELLO\n\n\0", "unknown command"),
        ("MESSAGE\n\n\0", "unknown command"),
        ("SEND\n\n\0", "SEND needs a destination"),
        ("SEND\ndestination:/app/nothing\n\n\0", "unknown destination"),
        ("SEND\ndestination:/app/chat.sendMessage\ntransaction:t\n\n\0", "no transactions"),
        ("SEND\ndestination:/app/chat.sendMessage\ncontent-length:1\n\n{}\0", "NUL"),
        ("SEND\ndestination:/app/chat.sendMessage\ncontent-length:x\n\n{}\0", "content-length"),
        ("SUBSCRIBE\ndestination:/user/queue/messages\n\n\0", "SUBSCRIBE needs a id"),
        ("SUBSCRIBE\nid:1\n\n\0", "SUBSCRIBE needs a destination"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\nack:never\n\n\0", "ack must be"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\n\nbody\0", "must not have a body"),
        ("UNSUBSCRIBE\n\n\0", "UNSUBSCRIBE needs a id"),
        ("ACK\n\n\0", "ACK needs a id"),
        ("NACK\n\n\0", "NACK needs a id"),
        ("BEGIN\ntransaction:t\n\n\0", "not supported"),
        ("COMMIT\ntransaction:t\n\n\0", "not supported"),
        ("ABORT\ntransaction:t\n\n\0", "not supported"),
        ("CONNECT\n\n\0", "already connected"),
        ("SEND\na:\\t\n\n\0", "undefined escape"),
        ("SEND\nnothing\n\n\0", "no colon"),
        (&line, "longer than"),
        (&large, "larger than"),
    ];
    for (frame, expected) in cases {
        let mut client = world.connect(ann).await;
        client.raw(frame.as_bytes()).await;
        let (code, error) = client.closed().await;
        assert_eq!(code, Some(1002), "{frame:?}");
        assert!(error.as_ref().is_some_and(|error| error.contains(expected)), "{frame:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_frame_before_connect_is_an_error() {
    let world = World::new().await;
    let mut client = Client::open(world.address).await;
    client.raw(b"SUBSCRIBE\nid:1\ndestination:/user/queue/messages\nreceipt:r\n\n\0").await;
    let Came::Frame(error) = client.next().await else { panic!("closed") };
    assert_eq!((error.command, error.header("receipt-id")), (Command::Error, Some("r")));
    assert_eq!(client.closed().await.0, Some(1002));
}

#[tokio::test]
async fn a_message_beyond_the_bound_is_1009_and_not_utf8_is_1007() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut client = world.connect(ann).await;
    client.raw(&vec![b'\n'; limits::FRAME_BYTES + 1]).await;
    assert_eq!(client.closed().await.0, Some(1009));

    // A text message, in one frame and in two of which each alone ends within a letter.
    for frames in [&[b"SEND\n\xff\n\n\0".as_slice()][..], &[b"SEND\n\xc3", b"\n\n\0"]] {
        let mut client = world.connect(ann).await;
        client.text_frames(frames).await;
        assert_eq!(client.closed().await.0, Some(1007), "{frames:?}");
    }
    // A letter that is cut in two by frames is whole in the message.
    let mut client = world.connect(ann).await;
    client.text_frames(&[b"SEND\ndestination:/\xc3", b"\xa4\n\n\0"]).await;
    assert_eq!(client.closed().await.0, Some(1002));
}

#[tokio::test]
async fn a_frame_just_below_the_bound_is_read() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let mut a = world.listen(ann).await;
    let frame = text(bob, &"x".repeat(limits::FRAME_BYTES - 400)).with("receipt", "r");
    a.send(&frame).await;
    // Read as a frame; the content is what is too long.
    let problem: serde_json::Value = crate::client::body(&a.on("errors").await);
    assert_eq!((problem["code"].as_str(), problem["receipt"].as_str()), (Some("invalid"), Some("r")));
}

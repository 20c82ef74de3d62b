//! SockJS's paths, answers and headers.

use crate::client::{Client, Transport};
use crate::http::{Head, Http, call};
use crate::world::World;
use futures_util::{SinkExt, StreamExt};
use schema::limits;
use schema::wire::sockjs::{Envelope, Frame};
use schema::wire::stomp::Version;
use serde_json::Value;
use tokio_tungstenite::tungstenite::Message as Ws;

fn assert_not_cached(head: &Head) {
    let expected = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
    assert_eq!(head.header("cache-control"), expected);
    assert!(!head.headers.contains_key("set-cookie") && !head.headers.contains_key("last-modified"));
}

#[tokio::test]
async fn the_base_greets_and_info_says_what_there_is() {
    let world = World::new().await;
    for path in ["/ws", "/ws/", "/ws?x=1"] {
        let (head, text) = call(world.address, "GET", path, &[], "").await;
        assert_eq!((head.status, text.as_str()), (200, "Welcome to SockJS!\n"));
        assert_eq!(head.header("content-type"), "text/plain; charset=UTF-8");
    }
    let mut seen = Vec::new();
    for _ in 0..8 {
        let (head, text) = call(world.address, "GET", "/ws/info?t=1", &[], "").await;
        assert_eq!((head.status, head.header("content-type")), (200, "application/json;charset=UTF-8"));
        assert_not_cached(&head);
        let mut info: Value = serde_json::from_str(&text).unwrap();
        let entropy = info.as_object_mut().unwrap().remove("entropy").unwrap().as_u64().unwrap();
        assert!(u32::try_from(entropy).is_ok() && !seen.contains(&entropy), "{entropy} {seen:?}");
        seen.push(entropy);
        let rest = serde_json::json!({"websocket": true, "cookie_needed": false, "origins": ["*:*"]});
        assert_eq!(info, rest);
    }
    let (head, text) = call(world.address, "OPTIONS", "/ws/info", &[], "").await;
    assert_eq!((head.status, text.as_str()), (204, ""));
    assert_eq!(call(world.address, "POST", "/ws/info", &[], "").await.0.status, 405);
    assert_eq!(world.service.lines(), 0);
}

#[tokio::test]
async fn other_paths_and_methods_are_told_apart() {
    let world = World::new().await;
    for path in [
        "/ws/iframe.html",
        "/ws/iframe-1.6.1.html",
        "/ws/a/b/htmlfile?c=x",
        "/ws/a/b/jsonp?c=x",
        "/ws/a/b/jsonp_send",
        "/ws/a/b/nothing",
        "/ws/a",
        "/ws/a/b",
        "/ws/a/b/c/xhr",
        "/ws//b/xhr",
        "/ws/a//xhr",
        "/ws/a.b/c/xhr",
        "/ws/a/b.c/xhr",
        "/ws/a/%ff/xhr",
        "/wsx",
        "/ws/a/b/xhr/",
    ] {
        let (head, text) = call(world.address, "POST", path, &[], "").await;
        assert_eq!(
            (head.status, head.header("content-type")),
            (404, "application/problem+json"),
            "{path} {text}"
        );
    }
    let long = format!("/ws/a/{}/xhr", "x".repeat(limits::SOCKJS_NAME_BYTES + 1));
    assert_eq!(call(world.address, "POST", &long, &[], "").await.0.status, 404);
    for (method, name, allow) in [
        ("GET", "xhr", "OPTIONS, POST"),
        ("GET", "xhr_streaming", "OPTIONS, POST"),
        ("PUT", "xhr_send", "OPTIONS, POST"),
        ("POST", "eventsource", "GET, OPTIONS"),
        ("POST", "websocket", "GET"),
    ] {
        let (head, text) = call(world.address, method, &format!("/ws/a/b/{name}"), &[], "").await;
        assert_eq!((head.status, head.header("allow")), (405, allow), "{name}: {text}");
        if allow.contains("OPTIONS") {
            let (head, text) = call(world.address, "OPTIONS", &format!("/ws/a/b/{name}"), &[], "").await;
            assert_eq!((head.status, text.as_str(), head.header("allow")), (204, "", allow));
        }
    }
    for path in ["/ws/a/b/websocket", "/ws/websocket"] {
        let (head, text) = call(world.address, "GET", path, &[], "").await;
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(head.status, 400);
        assert_eq!(problem["detail"], "Can \"Upgrade\" only to \"WebSocket\".");
        let upgrade = [("Upgrade", "websocket"), ("Connection", "close")];
        assert_eq!(call(world.address, "GET", path, &upgrade, "").await.0.status, 400);
    }
    assert_eq!(world.service.lines(), 0, "none of these opened a session");
}

#[tokio::test]
async fn every_transport_opens_at_once_in_its_own_envelope() {
    let world = World::new().await;
    for (method, name, kind, pieces) in [
        ("POST", "xhr", "application/javascript;charset=UTF-8", vec!["o\n".to_owned()]),
        (
            "POST",
            "xhr_streaming",
            "application/javascript;charset=UTF-8",
            vec![format!("{}\n", "h".repeat(2048)), "o\n".to_owned()],
        ),
        (
            "GET",
            "eventsource",
            "text/event-stream;charset=UTF-8",
            vec!["\r\n".to_owned(), "data: o\r\n\r\n".to_owned()],
        ),
    ] {
        let mut http = Http::open(world.address).await;
        http.request(method, &format!("/ws/000/opens-{name}/{name}"), &[("Origin", &origin(&world))], b"")
            .await;
        let head = http.head().await;
        assert_eq!((head.status, head.header("content-type")), (200, kind));
        assert_eq!(head.header("x-accel-buffering"), "no");
        assert_not_cached(&head);
        for piece in pieces {
            assert_eq!(http.text().await, piece, "{name}");
        }
        assert_eq!(name == "xhr", http_ended(&mut http, name).await);
    }
}

/// Whether the response is over already. A stream is not: nothing more can be asked of it.
async fn http_ended(http: &mut Http, name: &str) -> bool {
    name == "xhr" && http.chunk().await.is_none()
}

fn origin(world: &World) -> String {
    format!("http://{}", world.address)
}

#[tokio::test]
async fn a_foreign_page_neither_opens_nor_uses_a_session() {
    let world = World::new().await;
    let mut poller = crate::poller::Poller::open(world.address, Envelope::Xhr, "").await;
    assert_eq!(poller.next().await, Frame::Open);
    for foreign in ["https://evil.example", "null"] {
        let headers = [("Origin", foreign)];
        for (method, name) in [
            ("POST", "xhr"),
            ("POST", "xhr_streaming"),
            ("POST", "xhr_send"),
            ("GET", "eventsource"),
            ("GET", "websocket"),
        ] {
            let path = format!("{}/{name}", poller.path);
            let (head, _) = call(world.address, method, &path, &headers, "[]").await;
            assert_eq!(head.status, 403, "{foreign} {name}");
        }
        // These tell nothing and change nothing.
        assert_eq!(call(world.address, "GET", "/ws/info", &headers, "").await.0.status, 200);
        let upgrade = [("Origin", foreign), ("Upgrade", "websocket"), ("Connection", "Upgrade")];
        assert_eq!(call(world.address, "GET", "/ws", &upgrade, "").await.0.status, 403);
    }
    assert_eq!(world.service.lines(), 1);
}

#[tokio::test]
async fn what_is_posted_must_be_an_array_of_strings_and_the_session_lives_on() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut client = Client::over(Transport::Polled(Envelope::Xhr), world.address, "").await;
    let large = format!("[\"{}\"]", "x".repeat(limits::FRAME_BYTES * limits::SOCKJS_ARRAY_FRAMES));
    for (body, status, detail) in [
        ("", 400, "Payload expected."),
        ("[\"a", 400, "Broken JSON encoding."),
        ("[1]", 400, "Broken JSON encoding."),
        ("{}", 400, "Broken JSON encoding."),
        (large.as_str(), 413, "bytes"),
    ] {
        let path = format!("{}/xhr_send", client.poller().path);
        let (head, text) = call(world.address, "POST", &path, &[], body).await;
        assert_eq!(head.status, status, "{text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{text}");
    }
    assert_eq!(client.poller().post_raw("[]").await, 204);
    assert_eq!(client.poller().post_raw("[\"\\ud83d\\n\"]").await, 204, "half a letter is no panic");
    let (code, error) = client.closed().await;
    assert_eq!(code, Some(1002), "and no STOMP either: {error:?}");
    // Nobody there.
    let (head, _) = call(world.address, "POST", "/ws/a/unheard-of/xhr_send", &[], "[\"x\"]").await;
    assert_eq!(head.status, 404);
    let mut again = Client::over(Transport::Polled(Envelope::Xhr), world.address, "").await;
    again.login(&world.token(ann), Version::V12).await;
}

#[tokio::test]
async fn over_a_websocket_nothing_is_nothing_and_broken_json_is_the_end() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut client = Client::over(Transport::Framed, world.address, "").await;
    for nothing in ["", "[]", "[\"\"]", "[\"\\n\"]"] {
        client.socket().send(Ws::text(nothing)).await.unwrap();
    }
    client.login(&world.token(ann), Version::V12).await;
    client.socket().send(Ws::text("[\"a")).await.unwrap();
    assert_eq!(client.closed().await.0, Some(1007));
    // The name of a session over a WebSocket is nobody's: as many as like have it at once.
    let mut twins = Vec::new();
    for _ in 0..2 {
        let mut twin = Client::over(Transport::Framed, world.address, "").await;
        twin.login(&world.token(ann), Version::V12).await;
        twins.push(twin);
    }
    // And without SockJS on the base itself.
    let mut plain = Client::open_with(world.address, "/ws", &[]).await;
    plain.login(&world.token(ann), Version::V12).await;
    let mut large = Client::over(Transport::Framed, world.address, "").await;
    let bytes = limits::FRAME_BYTES * limits::SOCKJS_ARRAY_FRAMES + 1;
    large.socket().send(Ws::text("x".repeat(bytes))).await.unwrap();
    assert_eq!(large.closed().await.0, Some(1009));
}

#[tokio::test]
async fn the_last_word_over_a_websocket_comes_framed_and_as_a_close() {
    let world = World::new().await;
    let mut client = Client::over(Transport::Framed, world.address, "").await;
    client.send_text("HELLO\n\n\0").await;
    let mut came = Vec::new();
    while let Some(Ok(message)) = client.socket().next().await {
        came.push(message);
    }
    let texts: Vec<_> = came.iter().filter_map(|message| message.to_text().ok()).collect();
    assert!(texts[0].starts_with("a[\"ERROR\\n") && texts[0].ends_with("\\u0000\"]"), "{texts:?}");
    assert_eq!(texts[1], "c[1002,\"protocol error\"]");
    assert!(matches!(&came[2], Ws::Close(Some(frame)) if u16::from(frame.code) == 1002), "{came:?}");
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_no_chunks_but_an_end() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let world = World::new().await;
    let mut http = Http::open(world.address).await;
    http.stream
        .get_mut()
        .write_all(b"POST /ws/a/old/xhr HTTP/1.0\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    http.stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 ") && !head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
    assert_eq!(body, "o\n");
}

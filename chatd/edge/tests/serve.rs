//! A real socket: upgrades work, heads are bounded, a drain lets requests end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

fn start(app: Router) -> (SocketAddr, CancellationToken, JoinHandle<std::io::Result<()>>) {
    let listener = edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let drain = CancellationToken::new();
    (address, drain.clone(), tokio::spawn(edge::serve(listener, app, drain)))
}

async fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read all of a bad head.
    let _ = stream.write_all(text.as_bytes()).await;
    stream
}

async fn status(address: SocketAddr, text: &str) -> String {
    let mut answer = Vec::new();
    let mut stream = send(address, text).await;
    while answer.len() < 12 && stream.read_buf(&mut answer).await.is_ok_and(|bytes| bytes > 0) {}
    String::from_utf8_lossy(answer.get(9..12).unwrap_or(b"none")).into_owned()
}

#[tokio::test]
async fn a_websocket_passes() {
    let app = Router::new().route(
        "/ws",
        get(|upgrade: WebSocketUpgrade| async {
            upgrade.on_upgrade(|mut socket| async move {
                let _ = socket.send(Message::Text("hello".into())).await;
            })
        }),
    );
    let (address, ..) = start(app);
    let mut stream = send(
        address,
        "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
}

#[tokio::test]
async fn heads_are_bounded() {
    let (address, ..) = start(Router::new().route("/", get(|| async { "ok" })));
    let head = |headers: &str| format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
    assert_eq!(status(address, &head("")).await, "200");
    assert_eq!(status(address, &head(&"a: b\r\n".repeat(99))).await, "200");
    assert_eq!(status(address, &head(&"a: b\r\n".repeat(100))).await, "431");
    // The connection is reset over what was not read, so the 431 may not arrive.
    let large = status(address, &head(&format!("a: {}\r\n", "b".repeat(40_000)))).await;
    assert!(["431", "none"].contains(&large.as_str()), "{large}");
    assert_eq!(status(address, &head("no colon\r\n")).await, "400");
}

#[tokio::test]
async fn a_drain_ends_what_was_begun_and_takes_nothing_new() {
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (handler_began, handler_go) = (began.clone(), go.clone());
    let app = Router::new().route(
        "/",
        get(move || async move {
            handler_began.notify_one();
            handler_go.notified().await;
            "ok"
        }),
    );
    let (address, drain, served) = start(app);
    let mut stream = send(address, "GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    began.notified().await;
    drain.cancel();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
    served.await.unwrap().unwrap();
}

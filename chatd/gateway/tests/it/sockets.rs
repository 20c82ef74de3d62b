//! WebSockets through the gateway: bytes, codes and ends, on both sides.

use crate::fixture::{Front, Process, SOON, at, problem, quick};
use axum::Router;
use axum::extract::Request;
use axum::extract::ws::{CloseFrame as ServerClose, Message as Said, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use edge::{Door, Sockets};
use futures_util::{SinkExt, StreamExt};
use gateway::Table;
use schema::Code;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Says back what it is told, and closes as it is told.
async fn parrot(mut socket: WebSocket) {
    while let Some(Ok(said)) = socket.recv().await {
        let close = match &said {
            Said::Text(text) => text.strip_prefix("close ").and_then(|code| code.parse().ok()),
            _ => None,
        };
        let answer = match (close, said) {
            (Some(code), _) => Said::Close(Some(ServerClose { code, reason: "as told".into() })),
            (None, said @ (Said::Text(_) | Said::Binary(_))) => said,
            (None, _) => continue,
        };
        if socket.send(answer).await.is_err() {
            return;
        }
    }
}

async fn upgrade(request: Request) -> Response {
    use axum::RequestExt;
    assert!(request.headers().contains_key("x-forwarded-for"));
    let uri = request.uri().to_string();
    match request.extract::<WebSocketUpgrade, _>().await {
        Ok(upgrade) => {
            let upgrade = upgrade.protocols(["v12.stomp"]).max_message_size(4 << 20).max_frame_size(4 << 20);
            let mut response = upgrade.on_upgrade(parrot);
            response.headers_mut().insert("x-uri", uri.parse().unwrap());
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn websocket(name: &str) -> Process {
    Process::with(name, Router::new().route("/ws/websocket", any(upgrade)))
}

fn front(processes: &[&Process]) -> Front {
    Front::open(Table { websocket: at(processes), ..Table::default() })
}

async fn open(front: &Front) -> Socket {
    let url = format!("ws://{}/ws/websocket?token=x", front.address);
    timeout(SOON, connect_async(url)).await.unwrap().unwrap().0
}

async fn next(socket: &mut Socket) -> Option<Message> {
    timeout(SOON, socket.next()).await.unwrap().map(Result::unwrap)
}

#[tokio::test]
async fn messages_go_both_ways_small_and_large() {
    let process = websocket("a");
    let front = front(&[&process]);
    let mut request = tokio_tungstenite::tungstenite::client::IntoClientRequest::into_client_request(
        format!("ws://{}/ws/websocket?token=x", front.address),
    )
    .unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "v10.stomp, v12.stomp".parse().unwrap());
    let (mut socket, response) = connect_async(request).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "v12.stomp");
    assert_eq!(response.headers()["x-uri"], "/ws/websocket?token=x");
    front.until_metric("chatd_gateway_tunnels 1").await;
    for length in [0, 1, 125, 126, 65_535, 65_536, 1 << 20] {
        let message = Message::Binary(Bytes::from(vec![7; length]));
        socket.send(message.clone()).await.unwrap();
        assert!(next(&mut socket).await.unwrap() == message, "{length}");
    }
    // Many at once, both ways, in order.
    let (mut write, mut read) = socket.split();
    let sending = async {
        for number in 0..2000 {
            write.send(Message::text(format!("{number}"))).await.unwrap();
        }
    };
    let reading = async {
        for number in 0..2000 {
            let message = timeout(SOON, read.next()).await.unwrap().unwrap().unwrap();
            assert_eq!(message, Message::text(format!("{number}")));
        }
    };
    tokio::join!(sending, reading);
}

#[tokio::test]
async fn codes_of_a_close_pass_through() {
    let process = websocket("a");
    let front = front(&[&process]);
    for code in [1000, 1012, 3000, 4999] {
        let mut socket = open(&front).await;
        socket.send(Message::text(format!("close {code}"))).await.unwrap();
        let expected = CloseFrame { code: CloseCode::from(code), reason: "as told".into() };
        assert_eq!(next(&mut socket).await, Some(Message::Close(Some(expected))));
        assert_eq!(next(&mut socket).await, None);
    }
    let mut socket = open(&front).await;
    let close = CloseFrame { code: CloseCode::Normal, reason: "bye".into() };
    socket.close(Some(close.clone())).await.unwrap();
    assert_eq!(next(&mut socket).await, Some(Message::Close(Some(close))), "the service's answer");
    assert_eq!(next(&mut socket).await, None);
    front.until_metric("chatd_gateway_tunnels 0").await;
}

#[tokio::test]
async fn one_side_that_dies_takes_the_other_with_it() {
    let (first, second) = (websocket("a"), websocket("b"));
    let front = front(&[&first, &second]);
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(open(&front).await);
    }
    let address = second.kill();
    let mut ended = 0;
    for socket in &mut sockets {
        // Of the process that is there it comes back; of the other nothing does but the end.
        let sent = socket.send(Message::text("x")).await;
        let answer = timeout(SOON, socket.next()).await.unwrap();
        ended += usize::from(sent.is_err() || !matches!(answer, Some(Ok(Message::Text(_)))));
    }
    assert!(ended > 0 && ended < 10, "{ended} of 10 were at {address}");
    front.until_metric(&format!("chatd_gateway_tunnels {}", 10 - ended)).await;
    let mut new = open(&front).await;
    new.send(Message::text("again")).await.unwrap();
    assert_eq!(next(&mut new).await, Some(Message::text("again")));
    // And a client that is gone leaves nothing behind.
    drop((new, sockets));
    front.until_metric("chatd_gateway_tunnels 0").await;
}

#[tokio::test]
async fn what_is_refused_is_refused_as_the_service_does() {
    let process = websocket("a");
    let front = front(&[&process]);
    let client = &front.client;
    let get = || client.get(front.url("/ws/websocket"));
    assert_eq!(get().send().await.unwrap().status(), 400);
    let half = get().header("connection", "upgrade").header("upgrade", "websocket");
    assert_eq!(half.send().await.unwrap().status(), 400, "no key");
    // HTTP/2 through the gateway would pass it by.
    let smuggled = get().header("connection", "upgrade, http2-settings").header("upgrade", "h2c");
    assert_eq!(smuggled.header("http2-settings", "AAMAAABk").send().await.unwrap().status(), 400);
    front.until_metric("chatd_gateway_tunnels 0").await;
}

#[tokio::test]
async fn an_address_has_as_many_sockets_as_it_may() {
    let process = websocket("a");
    let table = Table { websocket: at(&[&process]), ..Table::default() };
    let front = Front::with(table, quick(), |door| Door { sockets: Arc::new(Sockets::new(1)), ..door });
    let socket = open(&front).await;
    let refused = connect_async(format!("ws://{}/ws/websocket", front.address)).await.unwrap_err();
    assert!(refused.to_string().contains("429"), "{refused}");
    drop(socket);
    front.until_metric("chatd_gateway_tunnels 0").await;
    open(&front).await;
}

#[tokio::test]
async fn bytes_behind_the_handshake_are_not_lost() {
    let process = websocket("a");
    let front = front(&[&process]);
    let mut stream = TcpStream::connect(front.address).await.unwrap();
    let head = "GET /ws/websocket HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    // A masked text frame in the same segment as the head.
    let frame = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    stream.write_all(&[head.as_bytes(), &frame].concat()).await.unwrap();
    let mut got = Vec::new();
    while !got.ends_with(&[0x81, 2, b'h', b'i']) {
        assert_ne!(timeout(SOON, stream.read_buf(&mut got)).await.unwrap().unwrap(), 0, "{got:?}");
    }
    let text = String::from_utf8_lossy(&got);
    assert!(text.starts_with("HTTP/1.1 101"), "{text}");
    assert!(text.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{text}");
}

#[tokio::test]
async fn a_gateway_that_ends_closes_its_sockets_with_a_word_to_come_back() {
    let process = websocket("a");
    let front = front(&[&process]);
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(open(&front).await);
    }
    let restart = CloseFrame { code: CloseCode::Restart, reason: "".into() };
    let watching = async {
        for socket in &mut sockets {
            assert_eq!(next(socket).await, Some(Message::Close(Some(restart.clone()))));
            assert_eq!(next(socket).await, None);
        }
    };
    tokio::join!(front.gateway.drain(), watching);
    front.until_metric("chatd_gateway_tunnels 0").await;
    let request = front.client.get(front.url("/ws/websocket"));
    let response =
        request.header("connection", "upgrade").header("upgrade", "websocket").send().await.unwrap();
    assert_eq!(problem(response).await.code, Code::Unavailable);
}

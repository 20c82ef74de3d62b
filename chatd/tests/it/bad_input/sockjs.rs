//! SockJS: paths and methods that there are not, handshakes that are none, posts that are no array, and STOMP
//! that is none inside of good arrays.

use super::http::{Call, Want, Wire};
use super::{Tally, survived};
use crate::server::Server;
use futures_util::{SinkExt, StreamExt};
use schema::Code;
use schema::limits::{FRAME_BYTES, SOCKJS_ARRAY_FRAMES, SOCKJS_NAME_BYTES};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;

/// No answer and no close within this is a failure of its own.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn try_all() -> Tally {
    let server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    let port = server.port();
    let mut tally = tokio::task::spawn_blocking(move || {
        let mut tally = Tally::default();
        let mut wire = Wire::new(port);
        paths(&mut wire, &mut tally);
        handshakes(&mut wire, &mut tally);
        posts(&token, &mut wire, &mut tally);
        streams(&mut wire, &mut tally);
        tally
    })
    .await
    .unwrap();
    for text in
        BROKEN.iter().chain(&["[\"GET / HTTP/1.1\\r\\n\"]", "[\"SEND\\n\\n\\u0000\"]", "[\"\\u0000\"]"])
    {
        tally.row(&format!("a WebSocket message {text:?}"), framed(port, text).await);
    }
    survived(&server, &mut tally).await;
    tally
}

/// Texts that are no array of strings.
const BROKEN: [&str; 22] = [
    "nul",
    "{}",
    "{\"a\":1}",
    "[",
    "[\"a\"",
    "[\"a\",]",
    "[,]",
    "[1]",
    "[null]",
    "[true]",
    "[[\"a\"]]",
    "[{\"a\":\"b\"}]",
    "\"a\"",
    "7",
    "[\"a\"] x",
    "[\"a\"][\"b\"]",
    "[\"\\x\"]",
    "[\"\\u12\"]",
    "[\"\\u12g4\"]",
    "[\"a\nb\"]",
    "['a']",
    "[\"\\\"]",
];

fn paths(wire: &mut Wire, tally: &mut Tally) {
    let mut row = |method: &str, path: &str, want: Want| {
        tally.row(&format!("{method} {path}"), wire.expect(&Call::new(method, path), &want));
    };
    let long = "x".repeat(SOCKJS_NAME_BYTES + 1);
    for path in [
        "/ws/nothing",
        "/ws/iframe.html",
        "/ws/a",
        "/ws/a/b",
        "/ws/a/b/",
        "/ws/a/b/nothing",
        "/ws/a/b/htmlfile",
        "/ws/a/b/jsonp",
        "/ws/a/b/XHR",
        "/ws/a/b/xhr/",
        "/ws/a/b/c/xhr",
        "/ws//b/xhr",
        "/ws/a//xhr",
        "/ws/a.b/c/xhr",
        "/ws/a/b.c/xhr",
        "/ws/a/%ff/xhr",
        "/ws/%2e/b/xhr",
        "/wsx",
        &format!("/ws/{long}/b/xhr"),
        &format!("/ws/a/{long}/xhr"),
    ] {
        row("POST", path, Want::code(Code::NotFound));
    }
    for (method, path) in [
        ("GET", "/ws/a/b/xhr"),
        ("PUT", "/ws/a/b/xhr"),
        ("DELETE", "/ws/a/b/xhr"),
        ("GET", "/ws/a/b/xhr_streaming"),
        ("GET", "/ws/a/b/xhr_send"),
        ("PUT", "/ws/a/b/xhr_send"),
        ("POST", "/ws/a/b/eventsource"),
        ("PATCH", "/ws/a/b/eventsource"),
        ("POST", "/ws/a/b/websocket"),
        ("POST", "/ws/websocket"),
        ("PUT", "/ws/websocket"),
        ("POST", "/ws/info"),
        ("DELETE", "/ws/info"),
        ("POST", "/ws"),
        ("BREW", "/ws/a/b/xhr"),
    ] {
        row(method, path, Want::code(Code::MethodNotAllowed));
    }
    for path in ["/ws/none/none/xhr_send", "/ws/none/%F0%9F%98%80/xhr_send"] {
        row("POST", path, Want::code(Code::NotFound));
    }
}

/// Upgrades with one thing wrong.
fn handshakes(wire: &mut Wire, tally: &mut Tally) {
    let good = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let wrong = [
        ("connection", &["", "close", "keep-alive", "Up grade"][..]),
        ("upgrade", &["", "h2c", "web socket", "websockets"][..]),
        ("sec-websocket-version", &["", "8", "14", "x", "-1", "13.0"][..]),
        (
            "sec-websocket-key",
            &[
                "",
                "short",
                "dGhlIHNhbXBsZSBub25jZQ=",
                "dGhlIHNhbXBsZSBub25jZSB0b28gbG9uZw==",
                "!!!!!!!!!!!!!!!!!!!!!!==",
            ][..],
        ),
    ];
    for path in ["/ws/websocket", "/ws/a/b/websocket"] {
        for (name, values) in wrong {
            for value in values.iter().map(Some).chain([None]) {
                let headers = good.iter().filter_map(|(other, good)| match value {
                    _ if *other != name => Some((*other, *good)),
                    Some(value) => Some((name, *value)),
                    None => None,
                });
                let call =
                    headers.fold(Call::new("GET", path), |call, (name, value)| call.header(name, value));
                let want = Want::code(Code::Malformed);
                tally.row(&format!("GET {path}, {name}: {value:?}"), wire.expect(&call, &want));
            }
        }
        for origin in
            ["https://evil.example", "null", "http://127.0.0.1:1", "x", "http://localhost.evil.example"]
        {
            let call =
                good.iter().fold(Call::new("GET", path), |call, (name, value)| call.header(name, value));
            let want = Want::code(Code::Forbidden);
            tally.row(
                &format!("GET {path}, origin {origin}"),
                wire.expect(&call.header("origin", origin), &want),
            );
        }
    }
}

/// Opens a session; its first frame is taken.
fn open(wire: &mut Wire, name: &str, token: Option<&str>) -> Result<(), String> {
    let call = Call::new("POST", &format!("/ws/000/{name}/xhr"));
    let answer = wire.send(&token.iter().fold(call, |call, token| call.bearer(token)))?;
    if answer.status == 200 && answer.text().starts_with('o') {
        Ok(())
    } else {
        Err(format!("not opened: {answer:?}"))
    }
}

/// Posts that are no array of strings: refused, and the session goes on.
fn posts(token: &str, wire: &mut Wire, tally: &mut Tally) {
    let array_max = FRAME_BYTES * SOCKJS_ARRAY_FRAMES;
    let mut bodies: Vec<(Vec<u8>, Code)> =
        BROKEN.iter().map(|text| (text.as_bytes().to_vec(), Code::Malformed)).collect();
    bodies.push((Vec::new(), Code::Malformed));
    bodies.push((b" \n ".to_vec(), Code::Malformed));
    bodies.push((b"[\"\xff\"]".to_vec(), Code::Malformed));
    bodies.push(("[".repeat(10_000).into_bytes(), Code::Malformed));
    bodies.push((format!("[\"{}\"]", "x".repeat(array_max)).into_bytes(), Code::TooLarge));
    for (number, (body, code)) in bodies.into_iter().enumerate() {
        let name = format!("post{number}");
        let shown: String = String::from_utf8_lossy(&body).chars().take(40).collect();
        let outcome = open(wire, &name, None).and_then(|()| {
            let send = Call::new("POST", &format!("/ws/000/{name}/xhr_send"));
            wire.expect(&send.clone().bytes(body), &Want::code(code))?;
            let good = wire.send(&send.bytes("[]"))?;
            if good.status == 204 { Ok(()) } else { Err(format!("the session did not go on: {good:?}")) }
        });
        tally.row(&format!("xhr_send {shown:?}"), outcome);
    }
    // Somebody else's session is not there.
    let stranger = open(wire, "owned", Some(token)).and_then(|()| {
        let want = Want::code(Code::NotFound);
        for transport in ["xhr_send", "xhr", "xhr_streaming"] {
            let call = Call::new("POST", &format!("/ws/000/owned/{transport}")).bytes("[]");
            wire.expect(&call, &want)?;
            wire.expect(&call.bearer("a.b.c"), &want)?;
        }
        Ok(())
    });
    tally.row("another's session", stranger);
}

/// Good arrays whose inside is no STOMP: ERROR, then the session is over.
fn streams(wire: &mut Wire, tally: &mut Tally) {
    for (number, text) in [
        "HELLO\n\n\0",
        "\0",
        "GET / HTTP/1.1\r\n\r\n",
        "SEND\n\n\0",
        "CONNECT\naccept-version:9\n\n\0",
        "CONNECT\naccept-version:1.2\n\n\0",
        "CONNECT\naccept-version:1.2\nAuthorization:Bearer x\n\n\0",
        "CONNECT\nheart-beat:x\n\n\0",
        "SUBSCRIBE\nid:1\ndestination:/user/queue/messages\n\n\0",
        "SEND\nnothing\n\n\0",
        "CONNECT\ncontent-length:99999999999\n\n",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("stream{number}");
        let outcome = open(wire, &name, None).and_then(|()| {
            let send =
                Call::new("POST", &format!("/ws/000/{name}/xhr_send")).bytes(json!([text]).to_string());
            let sent = wire.send(&send)?;
            if sent.status != 204 {
                return Err(format!("not taken: {sent:?}"));
            }
            let mut came = String::new();
            while !came.contains("c[") {
                came.push_str(&wire.send(&Call::new("POST", &format!("/ws/000/{name}/xhr")))?.text());
            }
            if came.contains("ERROR") { Ok(()) } else { Err(format!("no ERROR: {came}")) }
        });
        tally.row(&format!("a stream of {text:?}"), outcome);
    }
}

/// A text over a SockJS WebSocket: the session ends, and says why.
async fn framed(port: u16, text: &str) -> Result<(), String> {
    let url = format!("ws://127.0.0.1:{port}/ws/000/framed/websocket");
    let (mut socket, _) = connect_async(url).await.map_err(|error| error.to_string())?;
    let _ = socket.send(Message::text(text)).await;
    loop {
        match timeout(PATIENCE, socket.next()).await.map_err(|_| "neither an answer nor a close")? {
            Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 1011 => {
                return Err("closed with 1011, a fault of the server's".to_owned());
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
            Some(Ok(_)) => {}
        }
    }
}

//! Clients that are slow, large or odd on purpose, over raw connections: each gets its answer or its close, and
//! the others are served meanwhile. The bounds in time are set to fractions of a second here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::routing::{get, post};
use edge::{Door, Json, Limiter, Revocations, Serve, Verifier};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Longer than any bound below; whoever waits for this has met one that does not hold.
const FOREVER: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);
const LARGE: usize = 8 << 20;

fn start() -> SocketAddr {
    start_with(Serve { head_time: SHORT, stall_time: SHORT, ..Serve::default() })
}

fn start_with(serve: Serve) -> SocketAddr {
    let verifier = Verifier::new("chatd", "chatd", Vec::new(), Arc::new(Revocations::new()));
    let routes = Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/large", get(|| async { "x".repeat(LARGE) }))
        .route("/echo", post(|body: Json<serde_json::Value>| async { body }));
    let door = Door::new(Arc::new(verifier), Arc::new(Limiter::new(0)));
    let app = Door { body_time: SHORT, ..door }.around(routes);
    let listener = edge::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve.run(listener, app, CancellationToken::new()));
    address
}

async fn connect(address: SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(text.as_bytes()).await;
    stream
}

/// Everything that comes until the server closes, which must be within its bounds.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(FOREVER, async {
        // A reset is a close too.
        while stream.read_buf(&mut answer).await.is_ok_and(|bytes| bytes > 0) {}
    });
    closed.await.expect("the server neither answers nor closes");
    String::from_utf8_lossy(&answer).into_owned()
}

fn get_root(headers: &str) -> String {
    format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n")
}

/// An ordinary call, which works whatever others do.
async fn call(address: SocketAddr) {
    let answer = until_closed(connect(address, &get_root("connection: close\r\n")).await).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
}

#[tokio::test]
async fn a_head_that_never_ends_is_closed_and_others_are_served_meanwhile() {
    let address = start();
    let mut dribblers = Vec::new();
    for _ in 0..100 {
        dribblers.push(connect(address, "GET / HTTP/1.1\r\nhost: x\r\na: b").await);
    }
    call(address).await;
    for mut dribbler in dribblers {
        let _ = dribbler.write_all(b"c").await;
        assert!(!until_closed(dribbler).await.contains("200 OK"));
    }
    assert_eq!(until_closed(connect(address, "").await).await, "", "nothing at all is closed too");
}

#[tokio::test]
async fn a_connection_that_is_kept_alive_and_idle_is_closed() {
    let answer = until_closed(connect(start(), &get_root("")).await).await;
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn a_body_that_dribbles_is_answered_in_time_and_closed() {
    let address = start();
    for framing in ["content-length: 100", "transfer-encoding: chunked"] {
        let head =
            format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{framing}\r\n\r\n");
        let mut stream = connect(address, &head).await;
        let (mut read, mut write) = stream.split();
        let (mut answer, mut ticks) = (Vec::new(), tokio::time::interval(SHORT / 10));
        tokio::time::timeout(FOREVER, async {
            loop {
                tokio::select! {
                    bytes = read.read_buf(&mut answer) => {
                        if !bytes.is_ok_and(|bytes| bytes > 0) { break }
                    }
                    _ = ticks.tick() => {
                        let byte: &[u8] = if framing.contains("chunked") { b"1\r\n \r\n" } else { b" " };
                        let _ = write.write_all(byte).await;
                    }
                }
            }
        })
        .await
        .expect("a byte now and then keeps a request alive for ever");
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 400"), "{framing}: {answer}");
        assert!(answer.contains("did not arrive in its time"), "{framing}: {answer}");
        call(address).await;
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let address = start();
    let mut stream = connect(address, "GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // Not read until the server has given up: then what it had sent, and less than all, is there.
    tokio::time::sleep(SHORT * 4).await;
    let mut got = Vec::new();
    let read = tokio::time::timeout(FOREVER, async {
        while stream.read_buf(&mut got).await.is_ok_and(|bytes| bytes > 0) {}
    });
    read.await.expect("the server still writes");
    assert!(got.len() < LARGE, "all of it was written to somebody who did not read");
    call(address).await;
}

#[tokio::test]
async fn more_connections_than_the_bound_are_closed_and_come_back_when_there_is_room() {
    let address = start_with(Serve { connections: 2, ..Serve::default() });
    let held = [connect(address, "GET / HTTP/1.1\r\n").await, connect(address, "GET / HTTP/1.1\r\n").await];
    let third = until_closed(connect(address, &get_root("")).await).await;
    assert_eq!(third, "");
    drop(held);
    let again = async {
        while !until_closed(connect(address, &get_root("connection: close\r\n")).await).await.contains("200")
        {
        }
    };
    tokio::time::timeout(FOREVER, again).await.expect("the room does not come back");
}

#[tokio::test]
async fn what_could_be_read_in_two_ways_is_not_read() {
    let address = start();
    let post = |headers: &str, body: &str| {
        format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n\r\n{body}")
    };
    let smuggled = "GET /large HTTP/1.1\r\nhost: x\r\n\r\n";
    for (case, request) in [
        ("two lengths", post("content-length: 2\r\ncontent-length: 3", "{}")),
        ("two lengths in one line", post("content-length: 2, 3", "{}")),
        ("a length that is none", post("content-length: +2", "{}")),
        ("a negative length", post("content-length: -1", "{}")),
        ("a huge length", post("content-length: 99999999999999999999999", "{}")),
        ("another coding", post("transfer-encoding: gzip", "{}")),
        ("chunked but not last", post("transfer-encoding: chunked, identity", "0\r\n\r\n")),
        (
            "a coding in HTTP/1.0",
            post("transfer-encoding: chunked", "0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
        ),
        ("a chunk without a size", post("transfer-encoding: chunked", "x\r\n\r\n")),
        ("a space before the colon", get_root("content-length : 0\r\n")),
        ("a folded header", get_root("a: b\r\n c: d\r\n")),
        ("a bare CR in a header", get_root("a: b\rc: d\r\n")),
        ("a NUL in a header", get_root("a: b\0c\r\n")),
        ("two hosts", get_root("host: y\r\n")),
        ("no host", "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("no version", "GET /\r\n\r\n".to_owned()),
        ("another version", "GET / HTTP/3.0\r\nhost: x\r\n\r\n".to_owned()),
        ("HTTP/2 unasked", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\x7c\x03\x03".to_owned()),
        ("no request", "\0\0\0\0\0\0".repeat(20)),
    ] {
        let answer = until_closed(connect(address, &request).await).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.is_empty(), "{case}: {answer}");
        assert!(!answer.contains("200 OK"), "{case}: {answer}");
    }
    // RFC 9112, 6.3: the coding outranks the length, and nothing behind it is taken for a request.
    for headers in
        ["content-length: 4\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 4"]
    {
        let request = post(headers, &format!("2\r\n{{}}\r\n0\r\n\r\n{smuggled}"));
        let answer = until_closed(connect(address, &request).await).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        assert!(answer.contains("connection: close") || !answer.contains("200 OK"), "{answer}");
    }
    call(address).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_whole() {
    let address = start();
    let many = get_root(&"a: b\r\n".repeat(schema::limits::HTTP_HEADERS));
    assert!(until_closed(connect(address, &many).await).await.starts_with("HTTP/1.1 431"));
    for (case, request) in [
        ("a long header", get_root(&format!("a: {}\r\n", "b".repeat(100_000)))),
        ("a long name", get_root(&format!("{}: b\r\n", "a".repeat(100_000)))),
        ("a long path", format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(100_000))),
        ("a long query", format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "a=b&".repeat(30_000))),
        ("a long method", format!("{} / HTTP/1.1\r\nhost: x\r\n\r\n", "A".repeat(100_000))),
    ] {
        let answer = until_closed(connect(address, &request).await).await;
        // The connection is reset over what was not read, so the answer may not arrive.
        let refused = ["HTTP/1.1 431", "HTTP/1.1 414", "HTTP/1.1 400", ""];
        assert!(
            refused.iter().any(|start| answer.starts_with(start)) && !answer.contains("200 OK"),
            "{case}: {answer}"
        );
    }
    let announced = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        schema::limits::JSON_BYTES + 1
    );
    let answer = until_closed(connect(address, &announced).await).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "an announced body is refused before it is sent: {answer}");
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, " ".repeat(60_000));
    let endless = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{}",
        chunk.repeat(6)
    );
    let answer = until_closed(connect(address, &endless).await).await;
    assert!(answer.starts_with("HTTP/1.1 413") || answer.is_empty(), "{answer}");
    call(address).await;
}

#[tokio::test]
async fn old_and_odd_but_good_requests_are_served() {
    let address = start();
    let old = until_closed(connect(address, "GET / HTTP/1.0\r\n\r\n").await).await;
    assert!(old.starts_with("HTTP/1.0 200") && old.ends_with("ok"), "{old}");
    let head = until_closed(connect(address, "HEAD / HTTP/1.1\r\nhost: x\r\n\r\n").await).await;
    assert!(head.contains("content-length: 2\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    let two = until_closed(connect(address, &get_root("").repeat(2)).await).await;
    assert_eq!(two.matches("HTTP/1.1 200").count(), 2, "{two}");
    let absolute = until_closed(connect(address, "GET http://x/ HTTP/1.1\r\nhost: x\r\n\r\n").await).await;
    assert!(absolute.ends_with("ok"), "{absolute}");
    for method in ["BREW", "TRACE", "DELETE"] {
        let odd =
            until_closed(connect(address, &format!("{method} / HTTP/1.1\r\nhost: x\r\n\r\n")).await).await;
        assert!(odd.starts_with("HTTP/1.1 405") && odd.contains("method-not-allowed"), "{method}: {odd}");
    }
    let connect_method = "CONNECT other.example:443 HTTP/1.1\r\nhost: x\r\n\r\n";
    let tunnel = until_closed(connect(address, connect_method).await).await;
    assert!(tunnel.starts_with("HTTP/1.1 4"), "{tunnel}");
    let waits = "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";
    let mut stream = connect(address, waits).await;
    let mut answer = Vec::new();
    while !answer.ends_with(b"100 Continue\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
    stream.write_all(b"{}").await.unwrap();
    assert!(until_closed(stream).await.starts_with("HTTP/1.1 200"));
}

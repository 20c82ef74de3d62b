//! Every bound that an operator may set, met at a port of a running server.

use crate::server::Server;
use crate::stomp::Client;
use reqwest::header::HeaderMap;
use schema::wire::stomp::{Command, Frame};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any bound below.
const FOREVER: Duration = Duration::from_secs(60);

fn number(headers: &HeaderMap, name: &str) -> u64 {
    headers[name].to_str().unwrap().parse().unwrap()
}

/// That an answer is a refusal of this bound, with everything it must say.
fn used_up(headers: &HeaderMap, limit: u64) {
    assert_eq!((number(headers, "ratelimit-limit"), number(headers, "ratelimit-remaining")), (limit, 0));
    assert!(number(headers, "ratelimit-reset") >= 1 && number(headers, "retry-after") >= 1, "{headers:?}");
}

async fn post(server: &Server, path: &str, token: Option<&str>, body: &Value) -> reqwest::Response {
    let request = reqwest::Client::new().post(server.api(path)).json(body);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    request.send().await.unwrap()
}

#[tokio::test]
async fn registrations_wrong_passwords_and_look_ups_say_when_they_are_used_up() {
    let server = Server::start_with(&[
        "limits.registrations_per_minute=1",
        "limits.login_failures_per_account=2",
        "limits.lookups_per_minute=2",
    ])
    .await;
    let register =
        |phone: &str| json!({ "phoneNumber": phone, "password": "a long enough one", "displayName": "One" });
    let first = post(&server, "/api/auth/register", None, &register("+4900000001")).await;
    assert_eq!(first.status(), 201);
    let second = post(&server, "/api/auth/register", None, &register("+4900000002")).await;
    assert_eq!(second.status(), 429);
    used_up(second.headers(), 1);

    let guess = json!({ "phoneNumber": "+4900000001", "password": "another one" });
    for expected in [401, 401, 429] {
        let answer = post(&server, "/api/auth/login", None, &guess).await;
        assert_eq!(answer.status(), expected);
        if expected == 429 {
            used_up(answer.headers(), 2);
        }
    }

    let tokens = server.people(&["user1", "user2"]).await;
    let look = |token: &str, query: &str| {
        reqwest::Client::new().get(server.api(&format!("/api/users?{query}"))).bearer_auth(token).send()
    };
    // Somebody who is not there costs as much as somebody who is: otherwise trying would be free.
    assert_eq!(look(&tokens[0], "phoneNumber=%2B4900000001").await.unwrap().status(), 200);
    assert_eq!(look(&tokens[0], "phoneNumber=%2B4900000009").await.unwrap().status(), 404);
    let refused = look(&tokens[0], "username=user2").await.unwrap();
    assert_eq!(refused.status(), 429);
    used_up(refused.headers(), 2);
    assert_eq!(look(&tokens[1], "username=user1").await.unwrap().status(), 200, "each caller has their own");
}

/// Opens a socket and answers the status of the upgrade.
async fn upgrade(server: &Server, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
    let head = format!(
        "GET /ws/websocket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n{headers}\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
    }
    (stream, String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn an_address_has_so_many_sockets_and_gets_them_back() {
    let server =
        Server::start_with(&["limits.sockets_per_address=2", "server.trusted_proxies=[\"127.0.0.1\"]"]).await;
    let (first, answer) = upgrade(&server, "").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let (_second, answer) = upgrade(&server, "").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
    let (_, answer) = upgrade(&server, "").await;
    assert!(answer.starts_with("HTTP/1.1 429") && answer.contains("retry-after"), "{answer}");
    // A SockJS session counts like a socket, whatever carries it.
    let polled = reqwest::Client::new().post(server.api("/ws/000/abc/xhr")).send().await.unwrap();
    assert_eq!(polled.status(), 429);
    used_up(polled.headers(), 2);
    let (_other, answer) = upgrade(&server, "x-forwarded-for: 203.0.113.9\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 101"), "another address: {answer}");
    drop(first);
    let again = async { while !upgrade(&server, "").await.1.starts_with("HTTP/1.1 101") {} };
    tokio::time::timeout(FOREVER, again).await.expect("the place does not come back");
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed_whose_call_it_passes_on() {
    let call = async |server: &Server, client: &str| {
        let request = reqwest::Client::new().get(server.api("/api/limits")).header("x-forwarded-for", client);
        request.header("forwarded", format!("for={client}")).send().await.unwrap().status().as_u16()
    };
    let bound = "limits.requests_per_minute=2";
    let alone = Server::start_with(&[bound]).await;
    for (forged, expected) in [("203.0.113.1", 200), ("203.0.113.2", 200), ("203.0.113.3", 429)] {
        assert_eq!(call(&alone, forged).await, expected, "headers count for nothing: {forged}");
    }
    let behind = Server::start_with(&[bound, "server.trusted_proxies=[\"127.0.0.0/8\"]"]).await;
    for (client, expected) in [
        ("203.0.113.1", 200),
        ("203.0.113.1", 200),
        ("203.0.113.1", 429),
        ("203.0.113.2", 200),
        // What the client wrote itself stands left of what the proxy saw.
        ("198.51.100.7, 203.0.113.1", 429),
        ("2001:db8:1:2::1", 200),
        ("2001:db8:1:2::2", 200),
        ("2001:db8:1:2:ffff::3", 429),
    ] {
        assert_eq!(call(&behind, client).await, expected, "{client}");
    }
    let other = ["server.trusted_proxies=[\"127.0.0.1\"]", "server.forwarded_header=forwarded", bound];
    let other = Server::start_with(&other).await;
    for (forged, expected) in [("198.51.100.1", 200), ("198.51.100.2", 200), ("198.51.100.3", 429)] {
        let request = reqwest::Client::new().get(other.api("/api/limits")).header("x-forwarded-for", forged);
        let answer = request.header("forwarded", "for=203.0.113.1").send().await.unwrap();
        assert_eq!(answer.status(), expected, "only one of the two headers is read");
    }
}

#[tokio::test]
async fn a_socket_that_never_connects_is_closed() {
    let server = Server::start_with(&["limits.connect_deadline_s=1"]).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(upgrade(&server, "").await.0);
    }
    for mut stream in idle {
        let closed = async { while stream.read(&mut [0; 512]).await.is_ok_and(|bytes| bytes > 0) {} };
        tokio::time::timeout(FOREVER, closed).await.expect("an idle upgrade stays for ever");
    }
}

/// The next problem on the errors queue.
async fn problem(client: &mut Client) -> Value {
    loop {
        let frame = client.next().await.unwrap();
        if frame.command == Command::Message && frame.header("destination") == Some("/user/queue/errors") {
            return serde_json::from_slice(&frame.body).unwrap();
        }
    }
}

#[tokio::test]
async fn a_session_that_sends_too_fast_is_told_when_to_go_on() {
    let server = Server::start_with(&["limits.messages_per_second=1", "limits.messages_burst=2"]).await;
    let token = server.people(&["user1"]).await.remove(0);
    let mut client = Client::connect(server.port(), &token).await.unwrap();
    client.subscribe("/user/queue/errors", "e", None).await.unwrap();
    for number in 0..20 {
        client.send("user1", "Hello!", &format!("c-{number}"), &format!("r-{number}")).await.unwrap();
    }
    let problem = problem(&mut client).await;
    assert_eq!((problem["code"].as_str(), problem["retryAfter"].as_u64()), (Some("rate-limited"), Some(1)));
    assert!(problem["receipt"].as_str().unwrap().starts_with("r-"), "{problem}");
}

#[tokio::test]
async fn sizes_are_those_of_the_configuration_and_are_listed() {
    let sets = [
        "limits.json_bytes=5000",
        "limits.frame_bytes=4096",
        "limits.metadata_bytes=20",
        "limits.content_chars=10",
        "limits.page_max=3",
    ];
    let server = Server::start_with(&sets).await;
    let listed: Value = reqwest::get(server.api("/api/limits")).await.unwrap().json().await.unwrap();
    for set in sets {
        let (key, value) = set.split_once('=').unwrap();
        let value: i64 = value.parse().unwrap();
        let found = listed["limits"].as_array().unwrap().iter().find(|limit| limit["key"] == key);
        assert_eq!(found.unwrap()["value"], value, "{key}");
    }
    let token = server.people(&["user1"]).await.remove(0);
    let draft = |field: &str, value: Value| {
        let mut body = json!({ "recipientId": "user1", "content": "Hello!", "messageType": "TEXT" });
        body[field] = value;
        body
    };
    let send = async |body: Value| {
        let answer = post(&server, "/api/chat/messages", Some(&token), &body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(send(draft("content", json!("0123456789"))).await.0, 201);
    assert_eq!(send(draft("content", json!("0123456789x"))).await.1["errors"][0]["bound"], "10 characters");
    assert_eq!(
        send(draft("metadata", json!({ "a": "0123456789012" }))).await.1["errors"][0]["bound"],
        "20 bytes"
    );
    assert_eq!(send(draft("content", json!("x".repeat(5000)))).await.0, 413);
    let page = |limit: u32| {
        let url = server.api(&format!("/api/chat/conversations/user1/messages?limit={limit}"));
        reqwest::Client::new().get(url).bearer_auth(&token).send()
    };
    assert_eq!(page(3).await.unwrap().status(), 200);
    assert_eq!(page(4).await.unwrap().json::<Value>().await.unwrap()["errors"][0]["bound"], "1-3");

    let mut client = Client::connect(server.port(), &token).await.unwrap();
    let large =
        Frame::new(Command::Send).with("destination", "/app/chat.sendMessage").with_body("x".repeat(4096));
    client.put(large).await.unwrap();
    // Closed with an ERROR or at once, but never taken.
    let ended = async { while client.next().await.is_ok_and(|frame| frame.command != Command::Error) {} };
    tokio::time::timeout(FOREVER, ended).await.expect("a frame beyond the bound is taken");
}

#[tokio::test]
async fn json_that_is_nested_too_deeply_is_named_so_on_both_doors() {
    let server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    let nested = |levels: usize| {
        let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        format!(r#"{{"recipientId":"user1","content":"Hello!","messageType":"TEXT","metadata":{deep}}}"#)
    };
    // The draft itself is a level.
    let (good, bad) = (nested(schema::limits::JSON_DEPTH - 1), nested(schema::limits::JSON_DEPTH));
    let send = async |body: String| {
        let request = reqwest::Client::new().post(server.api("/api/chat/messages")).bearer_auth(&token);
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    };
    assert_eq!(send(good.clone()).await.status(), 201);
    let refused = send(bad.clone()).await;
    assert_eq!(refused.status(), 400);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!((&refused["code"], &refused["errors"][0]["bound"]), (&json!("invalid"), &json!("32 levels")));
    let bomb = send("[".repeat(200_000)).await;
    assert_eq!(bomb.json::<Value>().await.unwrap()["code"], "invalid");

    let mut client = Client::connect(server.port(), &token).await.unwrap();
    client.subscribe("/user/queue/errors", "e", None).await.unwrap();
    let frame =
        |body: String| Frame::new(Command::Send).with("destination", "/app/chat.sendMessage").with_body(body);
    client.put(frame(good).with("receipt", "good")).await.unwrap();
    assert_eq!(client.next().await.unwrap().header("receipt-id"), Some("good"));
    client.put(frame(bad)).await.unwrap();
    assert_eq!(problem(&mut client).await["errors"][0]["bound"], "32 levels");
}

fn open_files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
}

#[tokio::test]
async fn connections_leave_open_files_for_the_stores() {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let server = Server::start().await;
    let token = server.people(&["user1"]).await.remove(0);
    let mut client = Client::connect(server.port(), &token).await.unwrap();
    // Room for what is open, and as much again for connections. The server may accept some 128 in a row before it
    // looks at the first of them, and half of the room must be more than that.
    let most = 2 * open_files(server.pid()) + 500;
    let limit = Rlimit { current: Some(most as u64), maximum: Some(most as u64) };
    let pid = Pid::from_raw(i32::try_from(server.pid()).unwrap());
    prlimit(pid, Resource::Nofile, limit).unwrap();

    let mut idle = Vec::new();
    for _ in 0..most {
        idle.push(TcpStream::connect(("127.0.0.1", server.port())).await.unwrap());
    }
    // The last one that came is closed, so all have been looked at.
    let mut last = idle.pop().unwrap();
    let refused = async { while last.read(&mut [0; 64]).await.is_ok_and(|bytes| bytes > 0) {} };
    tokio::time::timeout(FOREVER, refused).await.expect("every connection is taken");
    assert!(open_files(server.pid()) < most, "nothing is left for the stores");
    client.send("user1", "Hello!", "c-1", "r-1").await.unwrap();
    assert_eq!(client.next().await.unwrap().header("receipt-id"), Some("r-1"));
    drop(idle);
    let healed = async { while reqwest::get(server.api("/actuator/health")).await.is_err() {} };
    tokio::time::timeout(FOREVER, healed).await.expect("the room does not come back");
    assert!(!server.log().contains("no connection can be accepted"), "{}", server.log());
}

//! STOMP: frames that are none, frames that ask for what there is not, and bodies that break the rules REST has.

use super::body::of_wrong_type;
use super::http::{Want, whole};
use super::socket::{Came, Socket};
use super::{Tally, survived, values};
use crate::server::Server;
use schema::Code;
use schema::api::Problem;
use schema::limits;
use serde_json::{Value, json};

/// How far a session is when the bad frame comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before CONNECT.
    Door,
    /// Behind CONNECTED of this version.
    Connected(&'static str),
}

/// How a bad frame is answered.
#[derive(Clone, Debug)]
enum Answer {
    /// ERROR whose message holds this text, then a close with this code.
    Fatal(&'static str, u16),
    /// A close with this code, without a frame.
    Closed(u16),
    /// A problem on the error queue; without a subscription to it, ERROR and close.
    Told(Want),
}

struct Row {
    name: String,
    at: At,
    bytes: Vec<u8>,
    answer: Answer,
}

pub(crate) async fn try_all() -> Tally {
    let server = Server::start_with(&["limits.messages_per_second=0"]).await;
    let tokens = server.people(&["user1", "user2"]).await;
    let mut tally = Tally::default();
    // A conversation to be marked.
    let hello = json!({ "recipientId": "user2", "content": "Hello!" });
    let sent = reqwest::Client::new().post(server.api("/api/chat/messages")).bearer_auth(&tokens[0]);
    assert_eq!(sent.json(&hello).send().await.unwrap().status(), 201);
    let mut rows = at_the_door(&tokens[0]);
    rows.extend(no_frames());
    rows.extend(escapes());
    rows.extend(misuse());
    rows.extend(bodies());
    for row in &rows {
        tally.row(&row.name, tried(server.port(), &tokens[0], row).await);
    }
    tally.row("a send that fails without the error queue", deaf(server.port(), &tokens[0]).await);
    survived(&server, &mut tally).await;
    tally
}

async fn tried(port: u16, token: &str, row: &Row) -> Result<(), String> {
    let mut socket = Socket::open(port).await?;
    if let At::Connected(version) = row.at {
        socket.connect(version, token).await?;
        if matches!(row.answer, Answer::Told(_)) {
            socket.put("SUBSCRIBE\nid:e\ndestination:/user/queue/errors\n\n\0").await?;
        }
    }
    socket.put_bytes(&row.bytes).await?;
    match &row.answer {
        Answer::Fatal(text, code) => {
            match socket.next().await? {
                Came::Frame(frame) if frame.command == "ERROR" && frame.text.contains(text) => {}
                other => return Err(format!("wanted ERROR with {text:?}, got {other:?}")),
            }
            closed(&mut socket, *code).await
        }
        Answer::Closed(code) => closed(&mut socket, *code).await,
        Answer::Told(want) => {
            told(&mut socket, want).await?;
            // The session goes on.
            socket.put("SEND\ndestination:/app/chat.join\nreceipt:after\n\n{}\0").await?;
            match socket.next().await? {
                Came::Frame(frame) if frame.command == "RECEIPT" && frame.text.contains("after") => Ok(()),
                other => Err(format!("the session did not go on: {other:?}")),
            }
        }
    }
}

async fn closed(socket: &mut Socket, code: u16) -> Result<(), String> {
    match socket.next().await? {
        Came::Close(got) if got == code => Ok(()),
        other => Err(format!("wanted close {code}, got {other:?}")),
    }
}

async fn told(socket: &mut Socket, want: &Want) -> Result<(), String> {
    let frame = match socket.next().await? {
        Came::Frame(frame) if frame.command == "MESSAGE" => frame,
        other => return Err(format!("wanted a problem, got {other:?}")),
    };
    let problem: Problem =
        serde_json::from_slice(&frame.body).map_err(|error| format!("{error}: {frame:?}"))?;
    if problem.receipt.as_deref() != Some("r-1") {
        return Err(format!("another receipt: {problem:?}"));
    }
    whole(&problem, want).map_err(|what| format!("{what}, wanted {want:?}, got {problem:?}"))
}

async fn deaf(port: u16, token: &str) -> Result<(), String> {
    let mut socket = Socket::open(port).await?;
    socket.connect("1.2", token).await?;
    socket.put("SEND\ndestination:/app/chat.sendMessage\nreceipt:r-1\n\n{}\0").await?;
    match socket.next().await? {
        Came::Frame(frame) if frame.command == "ERROR" && frame.text.contains("receipt-id:r-1") => {}
        other => return Err(format!("wanted ERROR, got {other:?}")),
    }
    closed(&mut socket, 1008).await
}

fn row(at: At, frame: impl Into<Vec<u8>>, answer: Answer) -> Row {
    let bytes = frame.into();
    let name = String::from_utf8_lossy(&bytes).chars().take(70).collect::<String>();
    Row { name: format!("{name:?} {at:?}"), at, bytes, answer }
}

const V12: At = At::Connected("1.2");

fn fatal(text: &'static str) -> Answer {
    Answer::Fatal(text, 1002)
}

/// CONNECT, and what comes before it.
fn at_the_door(token: &str) -> Vec<Row> {
    let refused = || Answer::Fatal("Unauthorized", 1008);
    let connect = |headers: &str| format!("CONNECT\naccept-version:1.2\nhost:x\n{headers}\n\0");
    let bearer = format!("Authorization:Bearer {token}\n");
    let mut rows: Vec<Row> = [
        String::new(),
        "Authorization:\n".to_owned(),
        "Authorization:Bearer\n".to_owned(),
        "Authorization:Bearer \n".to_owned(),
        "Authorization:Bearer a.b.c\n".to_owned(),
        format!("Authorization:Basic {token}\n"),
        format!("Authorization:{token}\n"),
        format!("Authorization:Bearer {token}x\n"),
        format!("Authorization:Bearer {}.\n", &token[..token.rfind('.').unwrap()]),
        format!("login:user1\npasscode:{token}\n"),
        "ticket:nothing\n".to_owned(),
        format!("ticket:{}\n", "t".repeat(4000)),
        format!("Authorization:Bearer x\nAuthorization:Bearer {token}\n"),
    ]
    .iter()
    .map(|headers| row(At::Door, connect(headers), refused()))
    .collect();
    for beat in ["", "soon", "10", "10,", "-1,0", "1.5,1", "10;10", "99999999999,0", "1,2,3"] {
        rows.push(row(At::Door, connect(&format!("{bearer}heart-beat:{beat}\n")), fatal("heart-beat")));
    }
    for version in ["", "2.0", "1", "1.20", "abc", "1.0.1"] {
        let frame = format!("CONNECT\naccept-version:{version}\nhost:x\n{bearer}\n\0");
        rows.push(row(At::Door, frame, fatal("no version in common")));
    }
    for command in [
        "SUBSCRIBE\nid:1\ndestination:/user/queue/messages",
        "SEND\ndestination:/app/chat.join",
        "UNSUBSCRIBE\nid:1",
        "ACK\nid:1",
        "NACK\nid:1",
        "BEGIN\ntransaction:1",
        "DISCONNECT",
    ] {
        rows.push(row(At::Door, format!("{command}\n\n\0"), fatal("CONNECT must come first")));
    }
    rows.push(row(At::Door, connect(&bearer).replace("\n\n\0", "\n\nbody\0"), fatal("must not have a body")));
    rows
}

/// Bytes that are no frame, in a session of 1.2.
fn no_frames() -> Vec<Row> {
    let long = "x".repeat(limits::STOMP_HEADER_BYTES);
    let texts: Vec<(String, &'static str)> = vec![
        ("HELLO\n\n\0".into(), "unknown command"),
        ("send\n\n\0".into(), "unknown command"),
        ("SEND \n\n\0".into(), "unknown command"),
        (" SEND\n\n\0".into(), "unknown command"),
        ("SENDSENDSENDSENDSEND".into(), "unknown command"),
        ("GET / HTTP/1.1\r\nhost: x\r\n\r\n".into(), "unknown command"),
        ("{\"type\":\"SEND\"}\n\n\0".into(), "unknown command"),
        ("MESSAGE\n\n\0".into(), "unknown command"),
        ("CONNECTED\nversion:1.2\n\n\0".into(), "unknown command"),
        ("RECEIPT\nreceipt-id:1\n\n\0".into(), "unknown command"),
        ("ERROR\n\n\0".into(), "unknown command"),
        ("\0".into(), "NUL before the blank line"),
        ("SEND\0".into(), "NUL before the blank line"),
        ("SEND\na:b\0".into(), "NUL before the blank line"),
        ("SEND\nnothing\n\n\0".into(), "no colon"),
        ("SEND\n:value\n\n\0".into(), "no name"),
        (format!("SEND\na:{long}\n\n\0"), "longer than"),
        (format!("SEND\n{long}yy"), "longer than"),
        (format!("SEND\n{}\n\0", "a:b\n".repeat(limits::STOMP_HEADERS + 1)), "more than"),
        (format!("SEND\n\n{}", "x".repeat(limits::FRAME_BYTES - 6)), "larger than"),
        (format!("SEND\ncontent-length:{}\n\n", limits::FRAME_BYTES), "larger than"),
        ("SEND\ncontent-length:18446744073709551615\n\n".into(), "larger than"),
        ("SEND\ncontent-length:99999999999999999999999\n\n".into(), "larger than"),
        ("SEND\ncontent-length:\n\n\0".into(), "content-length"),
        ("SEND\ncontent-length:x\n\n\0".into(), "content-length"),
        ("SEND\ncontent-length:-1\n\n\0".into(), "content-length"),
        ("SEND\ncontent-length:+1\n\n\0".into(), "content-length"),
        ("SEND\ncontent-length:1.0\n\n\0".into(), "content-length"),
        ("SEND\ncontent-length:0x1\n\n\0".into(), "content-length"),
        ("SEND\ncontent-length:1\n\nab\0".into(), "no NUL"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\n\nbody\0".into(), "must not have a body"),
        ("DISCONNECT\n\nbody\0".into(), "must not have a body"),
        ("ACK\nid:1\ncontent-length:2\n\nab\0".into(), "must not have a body"),
    ];
    let mut rows: Vec<Row> = texts.into_iter().map(|(text, why)| row(V12, text, fatal(why))).collect();
    rows.push(row(V12, vec![b'\n'; limits::FRAME_BYTES + 1], Answer::Closed(1009)));
    // Binary, since a text message of bad UTF-8 is the WebSocket's to refuse.
    rows.push(row(V12, b"SEND\na:\xff\xfe\n\n\0".to_vec(), fatal("not UTF-8")));
    rows.push(row(V12, b"SEND\na\xc3:b\n\n\0".to_vec(), fatal("not UTF-8")));
    rows
}

/// Escapes that the session's version does not have.
fn escapes() -> Vec<Row> {
    let frame = |header: &str| format!("SEND\ndestination:/app/chat.join\n{header}\n\n\0");
    let mut rows = Vec::new();
    for (version, bad) in [
        ("1.2", &["a:\\t", "a:\\", "a:x\\", "\\q:b", "a:\\\u{e9}", "a:\\N"][..]),
        ("1.1", &["a:\\r", "a:\\t", "a:\\", "\\0:b"][..]),
    ] {
        for header in bad {
            rows.push(row(At::Connected(version), frame(header), fatal("undefined escape")));
        }
    }
    rows
}

/// Frames that are well formed and ask for what there is not.
fn misuse() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        ("CONNECT\naccept-version:1.2\n\n\0", "already connected"),
        ("STOMP\naccept-version:1.2\n\n\0", "already connected"),
        ("BEGIN\ntransaction:t\n\n\0", "not supported"),
        ("COMMIT\ntransaction:t\n\n\0", "not supported"),
        ("ABORT\ntransaction:t\n\n\0", "not supported"),
        ("SEND\n\n\0", "SEND needs a destination"),
        ("SEND\ndestination:/app/chat.sendMessage\ntransaction:t\n\n\0", "no transactions"),
        ("SUBSCRIBE\nid:1\n\n\0", "SUBSCRIBE needs a destination"),
        ("SUBSCRIBE\ndestination:/user/queue/messages\n\n\0", "SUBSCRIBE needs a"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\nack:never\n\n\0", "ack must be"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\nack:AUTO\n\n\0", "ack must be"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\ncursor:x\n\n\0", "cursor"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\ncursor:\n\n\0", "cursor"),
        ("SUBSCRIBE\nid:1\ndestination:/user/queue/messages\n\n\0SUBSCRIBE\nid:1\ndestination:/user/queue/errors\n\n\0", "in use"),
        ("UNSUBSCRIBE\n\n\0", "UNSUBSCRIBE needs a"),
        ("ACK\n\n\0", "ACK needs a"),
        ("NACK\n\n\0", "NACK needs a"),
    ]
    .into_iter()
    .map(|(frame, why)| row(V12, frame, fatal(why)))
    .collect();
    for destination in [
        "",
        "/",
        "x",
        "/app",
        "/app/",
        "/app/nothing",
        "/app/chat.sendmessage",
        "/app/chat.sendMessage/",
        "/app/chat.sendMessage ",
        "/APP/chat.sendMessage",
        "/app/../app/chat.sendMessage",
        "/user/queue/messages",
        "/user/user2/queue/messages",
        "/queue/messages",
        "/queue/messages-user1",
        "/topic/presence.user2",
        "/queue/**",
        "/app/*",
        "/exchange/x/y",
        "/temp-queue/x",
    ] {
        rows.push(row(
            V12,
            format!("SEND\ndestination:{destination}\n\n{{}}\0"),
            fatal("unknown destination"),
        ));
    }
    for destination in [
        "",
        "/",
        "x",
        "/user",
        "/user/queue",
        "/user/queue/",
        "/user/queue/*",
        "/user/queue/**",
        "/user/queue/messages/",
        "/user/queue/message",
        "/USER/queue/messages",
        "/user/user2/queue/messages",
        "/queue/messages",
        "/queue/messages-user1",
        "/queue/messages-user2",
        "/topic/**",
        "/topic/chat",
        "/topic/presence",
        "/app/chat.sendMessage",
        "/user/queue/messages,/user/queue/errors",
    ] {
        let frame = format!("SUBSCRIBE\nid:1\ndestination:{destination}\n\n\0");
        rows.push(row(V12, frame, fatal("unknown destination")));
    }
    for person in ["nobody.here", "me", "*", "**", "user2 ", "00000000-0000-0000-0000-000000000000", "a/b"] {
        let frame = format!("SUBSCRIBE\nid:1\ndestination:/topic/presence.{person}\nreceipt:r-1\n\n\0");
        rows.push(row(V12, frame, Answer::Told(Want::code(Code::NotFound))));
    }
    let many: String = (0..=limits::SUBSCRIPTIONS)
        .map(|id| format!("SUBSCRIBE\nid:{id}\ndestination:/user/queue/message-status\n\n\0"))
        .collect();
    rows.push(row(V12, many, fatal("subscriptions")));
    rows
}

/// A body's field: its name, its type, whether it must be there.
type Field = (&'static str, &'static str, bool);

/// Destinations with a good body, and what its fields are.
fn calls() -> Vec<(&'static str, Value, &'static [Field])> {
    let draft = json!({ "recipientId": "user2", "content": "Hello!", "messageType": "TEXT" });
    let mark = json!({ "peerId": "user2", "upTo": 0 });
    let draft_fields: &[_] = &[
        ("recipientId", "string", true),
        ("content", "string", true),
        ("messageType", "string", false),
        ("clientMessageId", "string", false),
        ("senderId", "string", false),
        ("replyToMessageId", "string", false),
        ("metadata", "object", false),
    ];
    let mark_fields: &[_] = &[("peerId", "string", true), ("upTo", "integer", true)];
    vec![
        ("/app/chat.sendMessage", draft, draft_fields),
        ("/app/chat.delivered", mark.clone(), mark_fields),
        ("/app/chat.seen", mark, mark_fields),
        (
            "/app/chat.typing",
            json!({ "peerId": "user2", "typing": false }),
            &[("peerId", "string", true), ("typing", "boolean", true)],
        ),
        ("/app/presence.update", json!({ "status": "ONLINE" }), &[("status", "string", true)]),
    ]
}

/// Bodies that break a rule: told as REST tells it.
fn bodies() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |destination: &str, body: &[u8], want: Want| {
        let mut frame =
            format!("SEND\ndestination:{destination}\nreceipt:r-1\ncontent-length:{}\n\n", body.len())
                .into_bytes();
        frame.extend_from_slice(body);
        frame.push(0);
        let shown: String = String::from_utf8_lossy(body).chars().take(80).collect();
        rows.push(Row {
            name: format!("{destination} {shown}"),
            at: V12,
            bytes: frame,
            answer: Answer::Told(want),
        });
    };
    for (destination, good, fields) in calls() {
        let text = good.to_string();
        for bad in
            ["", "nul", "{", "[]", "7", "null", "\"x\"", &format!("{text}{text}"), &text.replace(':', "=")]
        {
            add(destination, bad.as_bytes(), Want::code(Code::Malformed));
        }
        add(destination, b"{\"a\":\"\xff\"}", Want::code(Code::Malformed));
        add(destination, "[".repeat(5_000).as_bytes(), Want::field(Code::Invalid, "request"));
        for &(name, kind, required) in fields {
            let with = |value: Value| {
                let mut changed = good.clone();
                changed[name] = value;
                changed.to_string()
            };
            for value in values::of_other_type(kind) {
                add(destination, with(value.clone()).as_bytes(), of_wrong_type(name, &value));
            }
            for value in values::of_field(name) {
                add(destination, with(value).as_bytes(), Want::field(Code::Invalid, name));
            }
            if required {
                let mut without = good.clone();
                without.as_object_mut().unwrap().remove(name);
                add(destination, without.to_string().as_bytes(), Want::field(Code::Invalid, name));
            }
        }
        let (who, _, _) = fields[0];
        if who == "status" {
            continue;
        }
        for nobody in ["", "nobody.here", "00000000-0000-0000-0000-000000000000", "a\u{0}b", "user2 "] {
            if nobody.is_empty() && destination == "/app/chat.typing" {
                continue; // of the two names that it takes for the peer, none was given
            }
            let mut changed = good.clone();
            changed[who] = json!(nobody);
            add(destination, changed.to_string().as_bytes(), Want::code(Code::NotFound));
        }
    }
    let stolen = json!({ "senderId": "user2", "recipientId": "user2", "content": "x" }).to_string();
    add("/app/chat.sendMessage", stolen.as_bytes(), Want::code(Code::Forbidden));
    rows
}

//! A blocked pair through the real door: to the one who is blocked, the blocker answers exactly as somebody
//! who shows nothing and is never there. Prints the matrix (`--nocapture`).

#![expect(clippy::print_stdout, reason = "the matrix is what the test shows")]

use crate::server::Server;
use crate::stomp::Client;
use reqwest::Method;
use schema::wire::stomp::{Command, Frame};
use serde_json::{Value, json};

/// Fields that differ between any two people, or between any two messages.
const OWN: [&str; 12] = [
    "userId",
    "username",
    "displayName",
    "createdAt",
    "messageId",
    "conversationId",
    "clientMessageId",
    "recipientId",
    "senderId",
    "peer",
    "timestamp",
    "traceId",
];

/// An answer without what tells people and messages apart.
fn plain(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields {
                *field = if OWN.contains(&name.as_str()) { json!("*") } else { plain(field.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = plain(item.take())),
        _ => {}
    }
    value
}

struct Person {
    name: &'static str,
    id: String,
    token: String,
}

struct Pair {
    server: Server,
    http: reqwest::Client,
    /// Who is blocked, who blocks, and somebody who shows nothing to anybody.
    blocked: Person,
    blocker: Person,
    hider: Person,
}

impl Pair {
    async fn new() -> Self {
        let server = Server::start().await;
        let http = reqwest::Client::new();
        let names = ["viewer", "blocker", "hider"];
        let tokens = server.people(&names).await;
        let mut people = Vec::new();
        for (name, token) in names.into_iter().zip(tokens) {
            let me = http.get(server.api("/api/users/me")).bearer_auth(&token).send().await.unwrap();
            let me: Value = me.json().await.unwrap();
            people.push(Person { name, id: me["userId"].as_str().unwrap().to_owned(), token });
        }
        let [blocked, blocker, hider] = people.try_into().ok().unwrap();
        let pair = Self { server, http, blocked, blocker, hider };
        for person in [&pair.blocked, &pair.blocker, &pair.hider] {
            let photo = json!({ "avatarUrl": "https://example.com/avatar.jpg" });
            assert_eq!(pair.call(person, Method::PATCH, "/api/users/me", Some(photo)).await.0, 200);
        }
        let nothing = json!({ "showLastSeen": false, "showProfilePhoto": false });
        pair.call(&pair.hider, Method::PUT, "/api/users/me/privacy", Some(nothing)).await;
        let block = format!("/api/users/me/blocks/{}", pair.blocked.name);
        assert_eq!(pair.call(&pair.blocker, Method::PUT, &block, None).await.0, 204);
        pair
    }

    async fn call(&self, who: &Person, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, self.server.api(path)).bearer_auth(&who.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn socket(&self, who: &Person) -> Client {
        Client::connect(self.server.port(), &who.token).await.unwrap()
    }

    /// Asks the same about the blocker and about the hider; both answers must be one.
    async fn same(
        &self,
        surface: &str,
        method: Method,
        path: impl Fn(&Person) -> String,
        body: impl Fn(&Person) -> Option<Value>,
    ) -> Value {
        let mut answers = Vec::new();
        for person in [&self.blocker, &self.hider] {
            let (status, answer) =
                self.call(&self.blocked, method.clone(), &path(person), body(person)).await;
            answers.push((status, plain(answer)));
        }
        assert_eq!(answers[0], answers[1], "{surface}");
        let (status, answer) = answers.remove(0);
        let shown = match answer.to_string() {
            text if text == "null" => String::new(),
            text => format!(" `{text}`"),
        };
        println!("| {surface} | {status}{shown} | yes |");
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocked_cannot_tell() {
    let pair = Pair::new().await;
    // Both are there the whole time.
    let (mut blocker, mut hider) = (pair.socket(&pair.blocker).await, pair.socket(&pair.hider).await);
    let mut blocked = pair.socket(&pair.blocked).await;
    println!("\n| what the blocked one does | answer | as from one who shows nothing |\n|---|---|---|");
    let none = |_: &Person| None;
    let get = Method::GET;
    pair.same("look-up by id", get.clone(), |p| format!("/api/users/{}", p.id), none).await;
    let by_name = |p: &Person| format!("/api/users?username={}", p.name);
    pair.same("search by username", get.clone(), by_name, none).await;
    let presence = |p: &Person| format!("/api/presence/{}", p.name);
    let shown = pair.same("presence", get.clone(), presence, none).await;
    assert_eq!(shown, json!({ "userId": "*", "status": "OFFLINE" }));
    let query = |p: &Person| Some(json!({ "userIds": [p.id] }));
    pair.same("presence of several", Method::POST, |_| "/api/presence/query".to_owned(), query).await;
    let typing = |p: &Person| format!("/api/presence/typing/{}", p.name);
    pair.same("typing", Method::PUT, typing, |_| Some(json!({ "typing": true }))).await;
    let draft = |p: &Person| {
        Some(
            json!({ "recipientId": p.name, "content": "Hello!", "messageType": "TEXT", "clientMessageId": "c-1" }),
        )
    };
    let messages = |_: &Person| "/api/chat/messages".to_owned();
    let sent = pair.same("send", Method::POST, messages, draft).await;
    assert_eq!((&sent["sequence"], &sent["status"]), (&json!(1), &json!("SENT")));
    pair.same("send again", Method::POST, messages, draft).await;
    let contact = |p: &Person| Some(json!({ "username": p.name }));
    pair.same("add as contact", Method::POST, |_| "/api/users/me/contacts".to_owned(), contact).await;
    pair.same("presence of a contact", get.clone(), presence, none).await;
    pair.same("history", get, |p| format!("/api/chat/conversations/{}/messages", p.name), none).await;
    let seen = |p: &Person| format!("/api/chat/conversations/{}/seen", p.name);
    pair.same("mark seen", Method::PUT, seen, |_| Some(json!({ "upTo": 1 }))).await;

    silence(&pair, &mut blocked, &mut blocker, &mut hider).await;
    println!();
    the_blockers_side(&pair).await;
}

/// What reaches the blocked one's socket while the blocker moves: nothing but the first state.
async fn silence(pair: &Pair, blocked: &mut Client, blocker: &mut Client, hider: &mut Client) {
    for (id, destination) in [
        ("messages", "/user/queue/messages".to_owned()),
        ("status", "/user/queue/message-status".to_owned()),
        ("typing", "/user/queue/typing".to_owned()),
        ("contacts", "/user/queue/presence".to_owned()),
        ("one", format!("/topic/presence.{}", pair.blocker.id)),
        ("other", format!("/topic/presence.{}", pair.hider.id)),
    ] {
        blocked.subscribe(&destination, id, None).await.unwrap();
    }
    let mut states = Vec::new();
    let state = |frame: &Frame| plain(serde_json::from_slice(&frame.body).unwrap());
    // Each topic begins with one, which a store elsewhere is asked for.
    while states.len() < 2 {
        let frame = blocked.next().await.unwrap();
        if matches!(frame.header("subscription"), Some("one" | "other")) {
            states.push(state(&frame));
        }
    }
    for client in [&mut *blocker, hider] {
        let status = json!({ "status": "AWAY" }).to_string();
        client.put(send("/app/presence.update", "away", &status)).await.unwrap();
        receipt(client, "away").await;
    }
    let typing = json!({ "peerId": pair.blocked.id, "typing": true }).to_string();
    blocker.put(send("/app/chat.typing", "typing", &typing)).await.unwrap();
    receipt(blocker, "typing").await;
    let seen = json!({ "peerId": pair.blocked.id, "upTo": 1 }).to_string();
    blocker.put(send("/app/chat.seen", "seen", &seen)).await.unwrap();
    receipt(blocker, "seen").await;
    // What came before this note has arrived when the note has.
    blocked.send(pair.blocked.name, "a note", "note", "note").await.unwrap();
    loop {
        let frame = blocked.next().await.unwrap();
        match frame.header("subscription") {
            None | Some("status") if frame.command == Command::Receipt || own_status(&frame) => {}
            Some("messages") => break,
            Some("one" | "other" | "contacts") => states.push(state(&frame)),
            other => panic!("{other:?} heard {frame:?}"),
        }
    }
    let offline = |state: &Value| state["status"] == "OFFLINE" && state.get("lastSeen").is_none();
    assert!(states.iter().all(offline), "{states:?}");
    println!("| subscription to presence | OFFLINE once, then nothing | yes |");
    println!("| typing and receipts of the blocker | nothing | yes |");
}

/// News of a send of one's own, not of what somebody did with it.
fn own_status(frame: &Frame) -> bool {
    let body: Value = serde_json::from_slice(&frame.body).unwrap();
    body["status"] == "SENT" || body["userId"].is_null()
}

fn send(destination: &str, receipt: &str, body: &str) -> Frame {
    Frame::new(Command::Send)
        .with("destination", destination)
        .with("content-type", "application/json")
        .with("receipt", receipt)
        .with_body(body.to_owned())
}

async fn receipt(client: &mut Client, id: &str) {
    while client.next().await.unwrap().header("receipt-id") != Some(id) {}
}

/// The blocker is shown nothing of the blocked one either, and can't write before the block ends.
async fn the_blockers_side(pair: &Pair) {
    let of = |path: &str| format!("{path}/{}", pair.blocked.name);
    let (blocker, name) = (&pair.blocker, pair.blocked.name);
    println!("| what the blocker does | answer |\n|---|---|");
    let (_, presence) = pair.call(blocker, Method::GET, &of("/api/presence"), None).await;
    assert_eq!(plain(presence.clone()), json!({ "userId": "*", "status": "OFFLINE" }));
    let (status, profile) = pair.call(blocker, Method::GET, &of("/api/users"), None).await;
    assert_eq!((status, profile["avatarUrl"].is_null()), (200, true), "{profile}");
    let history = format!("/api/chat/conversations/{name}/messages");
    let (_, history) = pair.call(blocker, Method::GET, &history, None).await;
    assert_eq!(history["messages"], json!([{ "sequence": 1, "hidden": true }]));
    let draft = json!({ "recipientId": name, "content": "x", "messageType": "TEXT" });
    let (status, refused) = pair.call(blocker, Method::POST, "/api/chat/messages", Some(draft.clone())).await;
    assert_eq!((status, refused["code"].as_str()), (403, Some("recipient-unavailable")), "{refused}");
    println!("| presence, look-up | OFFLINE; 200 without photo |");
    println!("| history | `{}` |", history["messages"]);
    println!("| send | {status} `recipient-unavailable`: {} |", refused["detail"].as_str().unwrap());
    let unblock = of("/api/users/me/blocks");
    assert_eq!(pair.call(blocker, Method::DELETE, &unblock, None).await.0, 204);
    let (status, _) = pair.call(blocker, Method::POST, "/api/chat/messages", Some(draft)).await;
    assert_eq!(status, 201);
    let (_, presence) = pair.call(&pair.blocked, Method::GET, "/api/presence/blocker", None).await;
    assert_eq!(presence["status"], "AWAY", "the block has ended");
    println!("| ends the block | 204; sends 201 and is AWAY again |\n");
}

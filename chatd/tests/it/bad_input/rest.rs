//! REST: every operation of the description, each with everything that can be wrong with it.

use super::http::{Call, Want, Wire};
use super::openapi::operations;
use super::rules;
use super::surface::Surface;
use super::{Tally, survived};
use crate::server::Server;
use schema::Code;
use schema::limits::JSON_BYTES;
use serde_json::{Value, json};

/// What anybody may call.
const PUBLIC: [&str; 6] = [
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/.well-known/jwks.json",
    "/.well-known/jwks.json",
    "/api/limits",
];

/// A server with two people who know each other, and what calls of theirs are made of.
pub(crate) struct World {
    pub(crate) token: String,
    pub(crate) others_token: String,
    message: String,
}

pub(crate) async fn try_all() -> Tally {
    let server = Server::start_with(&[
        "limits.lookups_per_minute=0",
        "limits.login_failures_per_account=0",
        "limits.login_failures_per_address=0",
    ])
    .await;
    let tokens = server.people(&["user1", "user2"]).await;
    let description: Value = reqwest::get(server.api("/openapi.json")).await.unwrap().json().await.unwrap();
    let port = server.port();
    let mut tally = tokio::task::spawn_blocking(move || {
        let mut tally = Tally::default();
        let mut wire = Wire::new(port);
        let world = World::new(&mut wire, &tokens);
        let operations = operations(&description);
        let surface = Surface {
            token: world.token.clone(),
            public: &PUBLIC,
            segments: vec![("messageId", world.message.clone()), ("emoji", "%F0%9F%91%8D".to_owned())],
            good_body,
            bytes_max: JSON_BYTES,
        };
        for operation in &operations {
            surface.try_operation(operation, &mut wire, &mut tally);
        }
        surface.wrong_methods(&operations, &mut wire, &mut tally);
        unknown_paths(&world, &mut wire, &mut tally);
        rules::try_all(&world, &mut wire, &mut tally);
        broken_requests(&world, &mut wire, &mut tally);
        tally
    })
    .await
    .unwrap();
    survived(&server, &mut tally).await;
    tally
}

impl World {
    fn new(wire: &mut Wire, tokens: &[String]) -> Self {
        let draft = json!({ "recipientId": "user2", "content": "Hello!" }).to_string();
        let sent =
            wire.send(&Call::new("POST", "/api/chat/messages").bearer(&tokens[0]).json(draft)).unwrap();
        let sent: Value = serde_json::from_slice(&sent.body).unwrap();
        let message = sent["messageId"].as_str().unwrap().to_owned();
        Self { token: tokens[0].clone(), others_token: tokens[1].clone(), message }
    }
}

/// A body that the call takes, for rows that break one thing of it.
fn good_body(operation: &str) -> Option<Value> {
    let draft = || json!({ "recipientId": "user2", "content": "Hello!", "messageType": "TEXT" });
    Some(match operation {
        "POST /api/auth/register" => {
            json!({ "phoneNumber": "+4915112345678", "password": "a good one 7", "displayName": "Bad Input" })
        }
        "POST /api/auth/login" => json!({ "username": "user1", "password": "not the one" }),
        "POST /api/auth/refresh" => json!({ "refreshToken": "nothing" }),
        "POST /api/auth/password" => {
            json!({ "currentPassword": "not the one", "newPassword": "a good one 7" })
        }
        "POST /api/chat/messages" => draft(),
        "PUT /api/chat/conversations/{peer}/delivered" | "PUT /api/chat/conversations/{peer}/seen" => {
            json!({ "upTo": 0 })
        }
        "PUT /api/presence/me" => json!({ "status": "ONLINE" }),
        "POST /api/presence/query" => json!({ "userIds": ["user2"] }),
        "PUT /api/presence/typing/{peer}" => json!({ "typing": true }),
        "PATCH /api/users/me" => json!({ "displayName": "Bad Input" }),
        "POST /api/users/me/contacts" => json!({ "userId": "user2", "alias": "Friend" }),
        "PUT /api/users/me/contacts/{id}" => json!({ "alias": "Friend" }),
        "PUT /api/users/me/privacy" => json!({ "showLastSeen": true }),
        _ => return None,
    })
}

fn unknown_paths(world: &World, wire: &mut Wire, tally: &mut Tally) {
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/users/me/nothing",
        "/api/chat/messages/",
        "/api//users/me",
        "/api/users/me/",
        "/API/users/me",
        "/api/%75sers/me/x",
        "/api/../admin.token",
    ] {
        let known = Call::new("GET", path).bearer(&world.token);
        tally.row(&format!("GET {path}"), wire.expect(&known, &Want::code(Code::NotFound)));
        if path.starts_with("/api") {
            // Nobody learns without a token which paths there are.
            let want = Want::code(Code::Unauthorized);
            tally.row(&format!("GET {path}, no token"), wire.expect(&Call::new("GET", path), &want));
        }
    }
}

/// Bytes that are no request: refused or closed, never served.
fn broken_requests(world: &World, wire: &mut Wire, tally: &mut Tally) {
    let token = &world.token;
    let get = |rest: &str| {
        format!("GET /api/users/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{rest}\r\n")
    };
    let post = |head: &str, body: &str| {
        format!(
            "POST /api/chat/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n{head}\r\n{body}"
        )
    };
    let many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let rows: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("no HTTP", b"HELLO\r\n\r\n".to_vec(), &[400]),
        ("TLS on a plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), &[400]),
        ("a blank in the path", b"GET /api/ users HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(), &[400]),
        ("a control character in the path", b"GET /api/\x01 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(), &[400]),
        ("another version", b"GET / HTTP/3.7\r\nhost: x\r\n\r\n".to_vec(), &[400, 505]),
        ("a header without a colon", get("nothing\r\n").into_bytes(), &[400]),
        ("a header with NUL", get("x: a\0b\r\n").into_bytes(), &[400]),
        ("a blank before the colon", get("x : y\r\n").into_bytes(), &[400]),
        ("a head that is too large", get(&format!("x: {}\r\n", "y".repeat(40_000))).into_bytes(), &[431]),
        ("too many headers", get(&many).into_bytes(), &[431]),
        (
            "a path that is too long",
            format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)).into_bytes(),
            &[414, 431],
        ),
        ("a negative length", post("content-length: -1\r\n", "").into_bytes(), &[400]),
        ("two lengths", post("content-length: 2\r\ncontent-length: 3\r\n", "{}").into_bytes(), &[400]),
        (
            "a length and chunks",
            post("content-length: 2\r\ntransfer-encoding: gzip\r\n", "{}").into_bytes(),
            &[400],
        ),
        (
            "a chunk that is no number",
            post("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n").into_bytes(),
            &[400],
        ),
        (
            "a chunk beyond all",
            post("transfer-encoding: chunked\r\n", "ffffffffffffffffff\r\n{}\r\n").into_bytes(),
            &[400],
        ),
        (
            "chunks that are too large",
            [
                post("transfer-encoding: chunked\r\n", "").as_bytes(),
                format!("{:x}\r\n{}\r\n0\r\n\r\n", 300_000, " ".repeat(300_000)).as_bytes(),
            ]
            .concat(),
            &[413],
        ),
    ];
    for (what, bytes, statuses) in rows {
        let mut fresh = Wire::new(wire.port());
        let outcome = match fresh.send_bytes(&bytes) {
            Ok(answer) if statuses.contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!(
                "wanted {statuses:?}, got {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )),
            Err(error) => Err(error),
        };
        tally.row(what, outcome);
    }
}

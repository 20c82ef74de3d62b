//! The admin API: its operations, and identity of its own.

use super::http::{Call, Want, Wire};
use super::openapi::operations;
use super::surface::Surface;
use super::{Tally, survived};
use crate::server::Server;
use schema::Code;
use schema::limits::BULK_BYTES;
use serde_json::{Value, json};

pub(crate) async fn try_all() -> Tally {
    let server = Server::start().await;
    let users_token = server.people(&["user1", "user2"]).await.remove(0);
    let description: Value = reqwest::get(server.admin("/openapi.json")).await.unwrap().json().await.unwrap();
    let (port, token) = (server.port() + 10, server.admin_token());
    let mut tally = tokio::task::spawn_blocking(move || {
        let mut tally = Tally::default();
        let mut wire = Wire::new(port);
        let surface = Surface { token, public: &[], segments: Vec::new(), good_body, bytes_max: BULK_BYTES };
        let operations = operations(&description);
        for operation in &operations {
            surface.try_operation(operation, &mut wire, &mut tally);
        }
        surface.wrong_methods(&operations, &mut wire, &mut tally);
        rules(&surface.token, &users_token, &mut wire, &mut tally);
        tally
    })
    .await
    .unwrap();
    survived(&server, &mut tally).await;
    tally
}

fn good_body(operation: &str) -> Option<Value> {
    Some(match operation {
        "POST /admin/users" => json!({ "username": "bad.input", "displayName": "Bad Input" }),
        "POST /admin/users/import" => json!({ "users": [{ "username": "bad.input" }], "onConflict": "fail" }),
        "POST /admin/tokens" => json!({ "users": ["user1"], "expiresIn": 60 }),
        _ => return None,
    })
}

/// Rules across fields, of rows, and of who may call.
fn rules(token: &str, users_token: &str, wire: &mut Wire, tally: &mut Tally) {
    let post = |path: &str, body: Value| Call::new("POST", path).bearer(token).json(body.to_string());
    let hash = "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy";
    let rows = [
        (
            "a user's token",
            Call::new("GET", "/admin/users").bearer(users_token),
            Want::code(Code::Unauthorized),
        ),
        ("an unknown path", Call::new("GET", "/admin/nothing").bearer(token), Want::code(Code::NotFound)),
        ("an unknown path, no token", Call::new("GET", "/admin/nothing"), Want::code(Code::Unauthorized)),
        (
            "a path of the gateway",
            Call::new("GET", "/api/users/me").bearer(token),
            Want::code(Code::NotFound),
        ),
        ("nobody's names", post("/admin/users", json!({ "displayName": "x" })), Want::code(Code::Invalid)),
        (
            "a password and a hash",
            post(
                "/admin/users",
                json!({ "username": "bad.input", "password": "a good one 7", "passwordHash": hash }),
            ),
            Want::code(Code::Invalid),
        ),
        (
            "a taken name",
            post("/admin/users", json!({ "username": "user1" })),
            Want::field(Code::UserAlreadyExists, "username"),
        ),
        (
            "a bad row",
            post("/admin/users/import", json!({ "users": [{ "username": 7 }] })),
            Want::field(Code::Malformed, "users[0].username"),
        ),
        (
            "a row with a bad name",
            post("/admin/users/import", json!({ "users": [{ "username": "A-B" }] })),
            Want::field(Code::Invalid, "users[0].username"),
        ),
        (
            "a row that is no object",
            post("/admin/users/import", json!({ "users": [7] })),
            Want::field(Code::Malformed, "users[0]"),
        ),
        (
            "too many rows",
            post("/admin/users/import", json!({ "users": vec![json!({}); 5001] })),
            Want::field(Code::Invalid, "users"),
        ),
        (
            "a token for nobody",
            post("/admin/tokens", json!({ "users": ["user1", "nobody.here"] })),
            Want::code(Code::NotFound),
        ),
        ("a token for no name", post("/admin/tokens", json!({ "users": [""] })), Want::code(Code::NotFound)),
        (
            "a token for a number",
            post("/admin/tokens", json!({ "users": [7] })),
            Want::field(Code::Malformed, "users[0]"),
        ),
    ];
    for (what, call, want) in rows {
        tally.row(&format!("{} {}, {what}", call.method, call.target), wire.expect(&call, &want));
    }
}

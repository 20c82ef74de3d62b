//! REST: rules across fields and parameters, and what is refused only after somebody was looked up.

use super::Tally;
use super::http::{Call, Want, Wire};
use super::rest::World;
use schema::Code;
use serde_json::{Value, json};

type Row = (&'static str, Call, Want);

pub(crate) fn try_all(world: &World, wire: &mut Wire, tally: &mut Tally) {
    let mut rows = pages(world, wire);
    rows.extend(names(world));
    rows.extend(credentials(world));
    rows.extend(messages(world));
    rows.extend(people(world));
    for (what, call, want) in rows {
        tally.row(&format!("{} {}, {what}", call.method, call.target), wire.expect(&call, &want));
    }
}

fn invalid(field: &str) -> Want {
    Want::field(Code::Invalid, field)
}

/// Which part of a list.
fn pages(world: &World, wire: &mut Wire) -> Vec<Row> {
    let get = |target: String| Call::new("GET", &target).bearer(&world.token);
    let history = "/api/chat/conversations/user2/messages";
    let page = wire.send(&Call::new("GET", "/api/chat/sync").bearer(&world.others_token)).unwrap();
    let page: Value = serde_json::from_slice(&page.body).unwrap();
    let others = page["nextCursor"].as_str().unwrap();
    let mut rows = vec![
        ("two places", get(format!("{history}?before=1&after=1")), invalid("cursor")),
        ("a cursor and a place", get(format!("{history}?cursor=x&around=1")), invalid("cursor")),
        ("all places", get(format!("{history}?cursor=x&before=1&after=1&around=1")), invalid("cursor")),
        ("an unknown parameter", get("/api/chat/sync?limits=5".to_owned()), Want::code(Code::Invalid)),
    ];
    for list in [
        history,
        "/api/chat/conversations",
        "/api/chat/sync",
        "/api/users/me/contacts",
        "/api/users/me/blocks",
    ] {
        rows.push(("another's cursor", get(format!("{list}?cursor={others}")), invalid("cursor")));
    }
    rows
}

/// Exactly one name of somebody.
fn names(world: &World) -> Vec<Row> {
    let get = |target: &str| Call::new("GET", target).bearer(&world.token);
    let login = |body: Value| Call::new("POST", "/api/auth/login").json(body.to_string());
    let contact =
        |body: Value| Call::new("POST", "/api/users/me/contacts").bearer(&world.token).json(body.to_string());
    let both = json!({ "phoneNumber": "+1234567890", "username": "user1", "password": "x" });
    let two = |a: &str, b: &str| json!({ a: "user2", b: "+1234567890" });
    vec![
        ("neither name", get("/api/users"), invalid("phoneNumber")),
        ("both names", get("/api/users?phoneNumber=%2B1234567890&username=user2"), invalid("username")),
        ("nobody", get("/api/users?username=nobody.here"), Want::code(Code::NotFound)),
        ("nobody", get("/api/users?phoneNumber=%2B1234567890"), Want::code(Code::NotFound)),
        ("an unknown parameter", get("/api/users?name=user2"), Want::code(Code::Invalid)),
        ("no name", login(json!({ "password": "x" })), invalid("phoneNumber")),
        ("two names", login(both), invalid("username")),
        ("no name", contact(json!({})), invalid("userId")),
        ("two names", contact(two("userId", "username")), invalid("username")),
        ("two names", contact(two("userId", "phoneNumber")), invalid("phoneNumber")),
        ("two names", contact(two("username", "phoneNumber")), invalid("phoneNumber")),
        ("nobody", contact(json!({ "userId": "nobody.here" })), Want::code(Code::NotFound)),
        ("oneself", contact(json!({ "username": "user1" })), invalid("username")),
    ]
}

/// What opens nothing.
fn credentials(world: &World) -> Vec<Row> {
    let post = |target: &str, body: Value| Call::new("POST", target).json(body.to_string());
    let change = json!({ "currentPassword": "a good one 7", "newPassword": "a better one 7" });
    let wrong = Want::code(Code::InvalidCredentials);
    let dead = Want::code(Code::InvalidRefreshToken);
    vec![
        (
            "a wrong password",
            post("/api/auth/login", json!({ "username": "user1", "password": "x" })),
            wrong.clone(),
        ),
        (
            "an empty password",
            post("/api/auth/login", json!({ "username": "user1", "password": "" })),
            wrong.clone(),
        ),
        (
            "an unknown number",
            post("/api/auth/login", json!({ "phoneNumber": "+1234567890", "password": "x" })),
            wrong,
        ),
        ("a token that is none", post("/api/auth/refresh", json!({ "refreshToken": "x" })), dead.clone()),
        ("an empty token", post("/api/auth/refresh", json!({ "refreshToken": "" })), dead.clone()),
        ("an access token", post("/api/auth/refresh", json!({ "refreshToken": world.token })), dead.clone()),
        ("nothing", Call::new("POST", "/api/auth/refresh"), dead.clone()),
        (
            "a cookie that is none",
            Call::new("POST", "/api/auth/refresh").header("cookie", "chatd_session=x"),
            dead,
        ),
        (
            "an account without a password",
            post("/api/auth/password", change).bearer(&world.token),
            invalid("currentPassword"),
        ),
    ]
}

/// Messages and marks.
fn messages(world: &World) -> Vec<Row> {
    let good = json!({ "recipientId": "user2", "content": "x" });
    let post =
        |body: &Value| Call::new("POST", "/api/chat/messages").bearer(&world.token).json(body.to_string());
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        post(&changed)
    };
    let (forbidden, nobody) = (Want::code(Code::Forbidden), Want::code(Code::NotFound));
    let key = |text: &str| post(&good).header("idempotency-key", text);
    let mark = |peer: &str, kind: &str, up_to: u64| {
        Call::new("PUT", &format!("/api/chat/conversations/{peer}/{kind}"))
            .bearer(&world.token)
            .json(json!({ "upTo": up_to }).to_string())
    };
    vec![
        ("another as sender", with("senderId", json!("user2")), forbidden.clone()),
        ("nobody as sender", with("senderId", json!("nobody.here")), forbidden),
        ("nobody as recipient", with("recipientId", json!("nobody.here")), nobody.clone()),
        ("no name as recipient", with("recipientId", json!("a\u{0}b")), nobody.clone()),
        ("an empty recipient", with("recipientId", json!("")), nobody.clone()),
        ("a long recipient", with("recipientId", json!("u".repeat(10_000))), nobody.clone()),
        ("a place without metadata", with("messageType", json!("LOCATION")), invalid("metadata")),
        ("a contact without metadata", with("messageType", json!("CONTACT")), invalid("metadata")),
        (
            "two keys",
            with("clientMessageId", json!("a")).header("idempotency-key", "b"),
            invalid("clientMessageId"),
        ),
        ("a key that is too long", key(&"k".repeat(65)), invalid("clientMessageId")),
        ("an empty key", key(""), invalid("clientMessageId")),
        ("a key that is no ASCII", key("\u{fc}"), invalid("Idempotency-Key")),
        ("a mark beyond the last", mark("user2", "seen", 99), invalid("upTo")),
        ("a mark beyond the last", mark("user2", "delivered", 99), invalid("upTo")),
        ("a mark where nothing was said", mark("user1", "seen", 1), nobody),
    ]
}

/// Profiles, blocks and presence.
fn people(world: &World) -> Vec<Row> {
    let call = |method: &str, target: &str, body: Value| {
        Call::new(method, target).bearer(&world.token).json(body.to_string())
    };
    let unknown = || json!({ "nothing": 1 });
    let nobody = Want::code(Code::NotFound);
    vec![
        ("an unknown field", call("PATCH", "/api/users/me", unknown()), Want::code(Code::Invalid)),
        ("an unknown setting", call("PUT", "/api/users/me/privacy", unknown()), Want::code(Code::Invalid)),
        (
            "null as a flag",
            call("PUT", "/api/users/me/privacy", json!({ "showLastSeen": null })),
            Want::either("showLastSeen"),
        ),
        (
            "null as a name",
            call("PATCH", "/api/users/me", json!({ "displayName": null })),
            Want::either("displayName"),
        ),
        (
            "a taken name",
            call("PATCH", "/api/users/me", json!({ "username": "user2" })),
            Want::field(Code::UserAlreadyExists, "username"),
        ),
        (
            "a stranger's alias",
            call("PUT", "/api/users/me/contacts/user1", json!({ "alias": "Me" })),
            nobody.clone(),
        ),
        ("to oneself", call("PUT", "/api/presence/typing/nobody.here", json!({ "typing": true })), nobody),
        (
            "names that are none",
            call("POST", "/api/presence/query", json!({ "userIds": [7] })),
            Want::field(Code::Malformed, "userIds[0]"),
        ),
    ]
}

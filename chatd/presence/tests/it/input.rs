//! What the calls answer to what they do not take.

use crate::world::World;
use serde_json::{Value, json};

/// Method, path, body, and what is told of it.
type Case<'a> = (&'a str, &'a str, &'a str, (u16, &'a str, &'a str, &'a str, &'a str));

/// Status and code, then field, reason and bound of the first error.
fn told((status, body): &(u16, Value)) -> (u16, &str, &str, &str, &str) {
    let error = &body["errors"][0];
    let of_error = |name: &str| error[name].as_str().unwrap_or_default();
    let code = body["code"].as_str().unwrap_or_default();
    (*status, code, of_error("field"), of_error("reason"), of_error("bound"))
}

#[tokio::test]
async fn bad_bodies_are_refused_by_name() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    world.person("bob").await;
    let many = json!({"userIds": vec!["bob"; 501]}).to_string();
    let words = "ONLINE, AWAY, BUSY or INVISIBLE";
    let person = "a user id or a username";
    let (query, me, typing) = ("/api/presence/query", "/api/presence/me", "/api/presence/typing/bob");
    let cases: Vec<Case<'_>> = vec![
        ("POST", query, &many, (400, "invalid", "userIds", "names 501 people", "at most 500")),
        ("POST", query, r#"{"userIds":["bob",""]}"#, (400, "invalid", "userIds[1]", "is blank", person)),
        ("POST", query, r#"{"userIds":[" "]}"#, (400, "invalid", "userIds[0]", "is blank", person)),
        ("POST", query, "{}", (400, "invalid", "userIds", "is missing", "required")),
        ("POST", query, r#"{"userIds":[7]}"#, (400, "malformed", "userIds[0]", "is integer `7`", "a string")),
        (
            "POST",
            query,
            r#"{"userIds":"bob"}"#,
            (400, "malformed", "userIds", "is string \"bob\"", "a sequence"),
        ),
        ("PUT", me, r#"{"status":"OFFLINE"}"#, (400, "invalid", "status", "is no status to choose", words)),
        ("PUT", me, r#"{"status":"online"}"#, (400, "invalid", "status", "is no status to choose", words)),
        ("PUT", me, r#"{"status":""}"#, (400, "invalid", "status", "is no status to choose", words)),
        ("PUT", me, r#"{"status":1}"#, (400, "malformed", "status", "is integer `1`", "a string")),
        ("PUT", me, r#"{"status":{"AWAY":null}}"#, (400, "malformed", "status", "is map", "a string")),
        ("PUT", me, r#"{"status":null}"#, (400, "malformed", "status", "is null", "a string")),
        ("PUT", me, "{}", (400, "invalid", "status", "is missing", "required")),
        (
            "PUT",
            typing,
            r#"{"typing":"yes"}"#,
            (400, "malformed", "typing", "is string \"yes\"", "a boolean"),
        ),
        ("PUT", typing, r#"{"typing":1}"#, (400, "malformed", "typing", "is integer `1`", "a boolean")),
        ("PUT", typing, "{}", (400, "invalid", "typing", "is missing", "required")),
        ("PUT", typing, "", (400, "malformed", "", "", "")),
    ];
    for (method, path, body, expected) in cases {
        let answer = world.call(ann, method, path, body).await;
        assert_eq!(told(&answer), expected, "{method} {path} {body:.60}");
    }
}

#[tokio::test]
async fn unknown_people_are_404_alone_and_left_out_among_others() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let nobody = schema::UserId::draw();
    for name in [nobody.to_string().as_str(), "nobody", "%20", "*", "a%2Fb", "me%00", "presence.bob"] {
        let (status, body) = world.call(ann, "GET", &format!("/api/presence/{name}"), "").await;
        assert_eq!((status, body["code"].as_str()), (404, Some("not-found")), "{name}");
        let path = format!("/api/presence/typing/{name}");
        let (status, _) = world.call(ann, "PUT", &path, r#"{"typing":true}"#).await;
        assert_eq!(status, 404, "{name}");
    }
    let (status, body) = world.call(ann, "GET", "/api/presence/Bob", "").await;
    assert_eq!((status, body), (200, json!({"userId": bob.to_string(), "status": "OFFLINE"})));
    let query =
        json!({"userIds": ["nobody", "bob", ann.to_string(), bob.to_string(), nobody.to_string(), "*"]});
    let (status, body) = world.call(ann, "POST", "/api/presence/query", &query.to_string()).await;
    let ids: Vec<&str> =
        body["presences"].as_array().unwrap().iter().map(|one| one["userId"].as_str().unwrap()).collect();
    assert_eq!((status, ids), (200, vec![bob.to_string().as_str(), ann.to_string().as_str()]));
    let (status, body) = world.call(ann, "POST", "/api/presence/query", r#"{"userIds":[]}"#).await;
    assert_eq!((status, body), (200, json!({"presences": []})));
    for status in ["ONLINE", "AWAY", "BUSY", "INVISIBLE"] {
        let body = json!({"status": status}).to_string();
        assert_eq!(world.call(ann, "PUT", "/api/presence/me", &body).await.0, 204);
    }
    let (status, _) = world.call(ann, "PUT", "/api/presence/typing/bob", r#"{"typing":true}"#).await;
    assert_eq!(status, 204);
}

/// A status costs a durable write, so they are bounded; saying the same again costs nothing.
#[tokio::test]
async fn statuses_are_bounded() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    // All of them ask before the first is written.
    let body = r#"{"status":"AWAY"}"#;
    world.see(ann, ann).await;
    let calls = (0..50).map(|_| world.call(ann, "PUT", "/api/presence/me", body));
    let answers = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = answers.iter().filter(|(status, _)| *status != 204).collect();
    assert_eq!(refused.len(), 50 - schema::limits::TYPING_PER_SECOND as usize);
    assert!(refused.iter().all(|(status, body)| *status == 429 && body["code"] == "rate-limited"));
}

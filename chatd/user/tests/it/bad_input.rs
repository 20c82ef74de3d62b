//! What no call takes: every field of every body, empty, too long, of the wrong type, null, unknown. The answer
//! names the field and, where a rule is broken, the bound.

use crate::fixture::Service;
use axum::http::Method;
use schema::api::Problem;
use schema::{Code, User};
use serde_json::{Value, json};

/// Method, path, body as text, the code, and the field that is named.
type Case<'a> = (&'a Method, &'a str, String, Code, &'a str);

/// What is no text, and no flag.
const WRONG_TYPES: [&str; 4] = ["1", "[]", "{}", "1e400"];

async fn refused(service: &Service, (method, path, body, code, field): Case<'_>) {
    let response = service.send(0, method.clone(), path, Some(body.clone().into_bytes())).await;
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let problem: Problem = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| panic!("{method} {path} {body}: {status} {}", String::from_utf8_lossy(&bytes)));
    assert_eq!((problem.code, status), (code, code.status()), "{method} {path} {body}: {}", problem.detail);
    if field.is_empty() {
        return;
    }
    let error = problem.errors.first().unwrap_or_else(|| panic!("{method} {path} {body} names no field"));
    assert_eq!(error.field, field, "{method} {path} {body}");
    assert!(!error.reason.is_empty() && error.bound.is_some(), "{method} {path} {body}: {error:?}");
}

/// The same for every body: no JSON, no object, more than one, nothing.
fn no_bodies<'a>(method: &'a Method, path: &'a str, cases: &mut Vec<Case<'a>>) {
    for body in ["", "{", "{\"", "\u{0}", "nul", "[]"] {
        cases.push((method, path, body.to_owned(), Code::Malformed, ""));
    }
    for body in ["null", "1", "\"x\"", "true"] {
        cases.push((method, path, body.to_owned(), Code::Malformed, "request"));
    }
}

fn profile_cases<'a>(method: &'a Method) -> Vec<Case<'a>> {
    let path = "/api/users/me";
    let mut cases = Vec::new();
    no_bodies(method, path, &mut cases);
    let long = |n: usize| "a".repeat(n);
    let texts: [(&str, Vec<String>); 3] = [
        ("displayName", vec![String::new(), "  ".into(), long(51), "a\u{0}".into(), "a\nb".into()]),
        (
            "username",
            vec![
                String::new(),
                "ab".into(),
                long(33),
                "1abc".into(),
                "a-b".into(),
                "me".into(),
                "ä".repeat(4),
            ],
        ),
        (
            "avatarUrl",
            vec![
                String::new(),
                long(2049),
                "a.jpg".into(),
                "javascript:alert(1)".into(),
                "//x.example/a".into(),
                "https://x.example/ a".into(),
            ],
        ),
    ];
    for (field, values) in texts {
        for value in values {
            cases.push((method, path, json!({ field: value }).to_string(), Code::Invalid, field));
        }
        for wrong in &WRONG_TYPES[..3] {
            cases.push((method, path, format!("{{\"{field}\":{wrong}}}"), Code::Malformed, field));
        }
        cases.push((
            method,
            path,
            format!("{{\"{field}\":\"aaaa\",\"{field}\":\"bbbb\"}}"),
            Code::Invalid,
            field,
        ));
    }
    cases.push((method, path, "{}{}".to_owned(), Code::Malformed, ""));
    cases.push((method, path, json!({"displayName": null}).to_string(), Code::Malformed, "displayName"));
    for unknown in ["phoneNumber", "userId", "privacySettings", "lastSeen", "role", "disabled", "x"] {
        cases.push((method, path, json!({ unknown: "x" }).to_string(), Code::Invalid, unknown));
    }
    cases
}

fn privacy_cases<'a>(method: &'a Method) -> Vec<Case<'a>> {
    let path = "/api/users/me/privacy";
    let mut cases = Vec::new();
    no_bodies(method, path, &mut cases);
    for flag in ["showLastSeen", "showProfilePhoto", "showReadReceipts", "allowMessagesFromUnknown"] {
        for wrong in ["null", "1", "\"true\"", "\"\"", "[]", "{}"] {
            cases.push((method, path, format!("{{\"{flag}\":{wrong}}}"), Code::Malformed, flag));
        }
    }
    for policy in ["lastSeenPolicy", "profilePhotoPolicy"] {
        for wrong in ["null", "1", "true", "[]", "{}", "{\"EVERYONE\":null}"] {
            cases.push((method, path, format!("{{\"{policy}\":{wrong}}}"), Code::Malformed, policy));
        }
        for wrong in ["", "everyone", "FRIENDS", "EVERYONE "] {
            cases.push((method, path, json!({ policy: wrong }).to_string(), Code::Invalid, policy));
        }
    }
    for unknown in ["showStatus", "lastseenpolicy", "userId"] {
        cases.push((method, path, json!({ unknown: true }).to_string(), Code::Invalid, unknown));
    }
    cases
}

fn contact_cases<'a>(post: &'a Method, put: &'a Method) -> Vec<Case<'a>> {
    let (add, rename) = ("/api/users/me/contacts", "/api/users/me/contacts/user2");
    let mut cases = Vec::new();
    no_bodies(post, add, &mut cases);
    no_bodies(put, rename, &mut cases);
    let invalid = |body: Value, field: &'static str| (post, add, body.to_string(), Code::Invalid, field);
    cases.push(invalid(json!({}), "userId"));
    cases.push(invalid(json!({"userId": null, "username": null}), "userId"));
    cases.push(invalid(json!({"userId": "user2", "username": "user2"}), "username"));
    cases.push(invalid(json!({"userId": "user2", "phoneNumber": "+10000002"}), "phoneNumber"));
    cases.push(invalid(json!({"username": "user2", "phoneNumber": "+10000002"}), "phoneNumber"));
    for text in ["", "-", "me", "+10000002", &"a".repeat(33), &"a".repeat(100_000)] {
        cases.push(invalid(json!({ "userId": text }), "userId"));
        cases.push(invalid(json!({ "username": text }), "username"));
    }
    for text in ["", "user2", "10000002", "+1", "+0000000000", &"1".repeat(100)] {
        cases.push(invalid(json!({ "phoneNumber": text }), "phoneNumber"));
    }
    for alias in [String::new(), " ".into(), "a".repeat(51), "a\u{7}".into()] {
        cases.push(invalid(json!({"userId": "user2", "alias": alias}), "alias"));
        cases.push((put, rename, json!({ "alias": alias }).to_string(), Code::Invalid, "alias"));
    }
    for field in ["userId", "username", "phoneNumber", "alias"] {
        for wrong in &WRONG_TYPES[..3] {
            cases.push((post, add, format!("{{\"{field}\":{wrong}}}"), Code::Malformed, field));
        }
    }
    for wrong in &WRONG_TYPES[..3] {
        cases.push((put, rename, format!("{{\"alias\":{wrong}}}"), Code::Malformed, "alias"));
    }
    cases.push((put, rename, "{}".to_owned(), Code::Invalid, "alias"));
    for (method, path) in [(post, add), (put, rename)] {
        cases.push((
            method,
            path,
            json!({"alias": "x", "createdAt": 1}).to_string(),
            Code::Invalid,
            "createdAt",
        ));
    }
    cases
}

#[tokio::test]
async fn bodies_that_break_a_rule_name_the_field() {
    let service = Service::start(2).await;
    service.befriend(0, 1).await;
    let (patch, put, post) = (Method::PATCH, Method::PUT, Method::POST);
    let mut cases = profile_cases(&patch);
    cases.extend(privacy_cases(&put));
    cases.extend(contact_cases(&post, &put));
    assert!(cases.len() > 150, "{}", cases.len());
    let before: User = service.get(0, "/api/users/me").await.json(200);
    let contacts = service.get(0, "/api/users/me/contacts").await.body;
    for case in cases {
        refused(&service, case).await;
    }
    assert_eq!(service.get(0, "/api/users/me").await.json::<User>(200), before, "nothing was changed");
    assert_eq!(service.get(0, "/api/users/me/contacts").await.body, contacts);
}

#[tokio::test]
async fn calls_that_are_none() {
    let service = Service::start(2).await;
    for (method, path, code) in [
        (Method::POST, "/api/users/me", Code::MethodNotAllowed),
        (Method::PUT, "/api/users/me", Code::MethodNotAllowed),
        (Method::DELETE, "/api/users/user2", Code::MethodNotAllowed),
        (Method::PATCH, "/api/users/user2", Code::MethodNotAllowed),
        (Method::DELETE, "/api/users/me/privacy", Code::MethodNotAllowed),
        (Method::DELETE, "/api/users/me/contacts", Code::MethodNotAllowed),
        (Method::POST, "/api/users/me/export", Code::MethodNotAllowed),
        (Method::GET, "/api/users/user2/contacts", Code::NotFound),
        (Method::GET, "/api/users/user2/privacy", Code::NotFound),
        (Method::GET, "/api/users/user2/export", Code::NotFound),
        (Method::GET, "/api/users/me/nothing", Code::NotFound),
    ] {
        service.call(0, method, path, None).await.problem(code);
    }
    service.get(0, "/api/users/me/contacts?page=1").await.problem(Code::Invalid);
    for (method, path) in [
        (Method::PATCH, "/api/users/me"),
        (Method::PUT, "/api/users/me/privacy"),
        (Method::POST, "/api/users/me/contacts"),
        (Method::PUT, "/api/users/me/contacts/user2"),
    ] {
        service.call(0, method, path, None).await.problem(Code::UnsupportedMediaType);
    }
}

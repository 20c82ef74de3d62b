//! Every call with a body, with everything that may be wrong about it: the error names field, bound and fix.

use crate::fixture::{Call, Service, delete, get, post};
use schema::Code;
use schema::api::Session;
use serde_json::{Value, json};

const PHONE: &str = "+10000001";
const GOOD: &str = "correct horse";

/// A body that is wrong in one field, and the field.
fn registrations() -> Vec<(&'static str, Value)> {
    let with = |field: &'static str, value: Value| {
        let mut body = json!({"phoneNumber": "+10000009", "password": GOOD, "displayName": "A"});
        body[field] = value;
        (field, body)
    };
    let mut all = Vec::new();
    for phone in [
        "",
        "+",
        "1234567890",
        "+0123456789",
        "+1234567",
        "+1234567890123456",
        "+12345 67890",
        "+1234567890\n",
        "+１２３４５６７８９",
    ] {
        all.push(with("phoneNumber", phone.into()));
    }
    for password in ["", "1234567", "        ", "password", "QWERTYUIOP", "michael1", "abc\0defgh"] {
        all.push(with("password", password.into()));
    }
    all.push(with("password", "x".repeat(72).into()));
    all.push(with("password", "é".repeat(36).into()));
    for name in ["", "   ", "a\u{0}b", "a\nb"] {
        all.push(with("displayName", name.into()));
    }
    all.push(with("displayName", "x".repeat(51).into()));
    for name in ["", "ab", "1ab", "a-b", "me", "ä-umlaut", "a b", "../etc"] {
        all.push(with("username", name.into()));
    }
    all.push(with("username", "x".repeat(33).into()));
    all.push(with("deviceName", "x".repeat(101).into()));
    all.push(with("deviceName", "a\u{7}b".into()));
    all
}

#[tokio::test]
async fn registering_names_the_field() {
    let service = Service::start().await;
    for (field, body) in registrations() {
        let error = service.call(post("/api/auth/register").json(body.clone())).await.field(Code::Invalid);
        assert_eq!(error.field, field, "{body}");
    }
    let none = service.call(post("/api/auth/register").json(json!({}))).await.problem(Code::Invalid);
    let fields: Vec<_> = none.errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["phoneNumber", "password", "displayName"], "all that is wrong at once");
    service.register(PHONE).await;
    let taken = json!({"phoneNumber": PHONE, "password": GOOD, "displayName": "A"});
    let error = service.call(post("/api/auth/register").json(taken)).await.field(Code::UserAlreadyExists);
    assert_eq!(error.field, "phoneNumber");
    assert_eq!(service.figure("chatd_auth_hashes_made_total"), 1, "what is refused costs no hash");
}

#[tokio::test]
async fn changing_a_password_names_the_field() {
    let service = Service::start().await;
    let session = service.register(PHONE).await;
    let call = |body: Value| post("/api/auth/password").bearer(&session.access_token).json(body);
    for new in ["", "1234567", "        ", "password", "QWERTYUIOP", "a\0bcdefgh", GOOD, &"x".repeat(72)] {
        let body = json!({"currentPassword": GOOD, "newPassword": new});
        assert_eq!(service.call(call(body)).await.field(Code::Invalid).field, "newPassword", "{new:?}");
    }
    let one = service.call(call(json!({"newPassword": "battery staple"}))).await.field(Code::Invalid);
    assert_eq!(one.field, "currentPassword");
    let both = service.call(call(json!({}))).await.problem(Code::Invalid);
    assert_eq!(both.errors.len(), 2);
    // The current one has no rules: it is right or wrong.
    for current in ["", "x", &"x".repeat(200), "a\0b"] {
        let body = json!({"currentPassword": current, "newPassword": "battery staple"});
        service.call(call(body)).await.problem(Code::InvalidCredentials);
    }
    assert!(service.opens(&session.access_token).await);
    service.login(PHONE).await.expect::<Session>(200);
}

/// Bodies that are no bodies of any call.
#[tokio::test]
async fn what_is_no_such_body_is_malformed_everywhere() {
    let service = Service::start().await;
    let session = service.register(PHONE).await;
    let paths = ["/api/auth/register", "/api/auth/login", "/api/auth/refresh", "/api/auth/password"];
    let call = |path: &str| -> Call { post(path).bearer(&session.access_token) };
    let surrogate = r#"{"password":"\ud800","refreshToken":"\ud800","currentPassword":"\ud800"}"#;
    for path in paths {
        for text in ["{", "nonsense", "[1,]", surrogate, "\u{feff}{}"] {
            let answer = service.call(call(path).text(text)).await;
            answer.problem(Code::Malformed);
        }
        for value in [json!([]), json!(5), json!("x"), json!(true)] {
            service.call(call(path).json(value)).await.problem(Code::Malformed);
        }
        let form = call(path).header("content-type", "text/plain").bytes(b"{}".to_vec());
        service.call(form).await.problem(Code::UnsupportedMediaType);
        let not_utf8 =
            call(path).header("content-type", "application/json").bytes(b"{\"x\":\"\xff\"}".to_vec());
        service.call(not_utf8).await.problem(Code::Malformed);
        let large = call(path).json(json!({"password": "x".repeat(300_000)}));
        service.call(large).await.problem(Code::TooLarge);
        let wrong = crate::fixture::call(axum::http::Method::PUT, path).bearer(&session.access_token);
        service.call(wrong).await.problem(Code::MethodNotAllowed);
    }
    for (path, field) in [
        ("/api/auth/register", "displayName"),
        ("/api/auth/login", "username"),
        ("/api/auth/refresh", "refreshToken"),
        ("/api/auth/password", "currentPassword"),
    ] {
        for value in [json!(5), json!([]), json!({})] {
            let mut body = json!({"password": GOOD});
            body[field] = value;
            assert_eq!(
                service.call(call(path).json(body)).await.field(Code::Malformed).field,
                field,
                "{path}"
            );
        }
    }
    assert!(service.opens(&session.access_token).await, "none of it did anything");
}

#[tokio::test]
async fn ids_that_are_none_are_not_there() {
    let service = Service::start().await;
    let session = service.register(PHONE).await;
    for id in ["x", "%00", "..%2f..", "00000000-0000-0000-0000-000000000000", &"a".repeat(5000)] {
        let call = delete(&format!("/api/auth/sessions/{id}")).bearer(&session.access_token);
        service.call(call).await.problem(Code::NotFound);
    }
    for token in ["", "x", "x.y.z", "a.b.c.d", &"x".repeat(9000), &session.refresh_token, "\u{e9}"] {
        let call = get("/api/auth/sessions").header("authorization", &format!("Bearer {token}"));
        service.call(call).await.problem(Code::Unauthorized);
    }
}

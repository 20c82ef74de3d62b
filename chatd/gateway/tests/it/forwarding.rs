//! What goes through, and as what.

use crate::fixture::{Front, Process, all_at, at, header, pieces, problem, quick};
use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::response::IntoResponse;
use axum::routing::get;
use edge::peer::{Proxies, Via};
use edge::{Door, Origins};
use gateway::{Place, Table};
use schema::Code;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::Arc;

#[tokio::test]
async fn each_path_comes_to_its_service() {
    let (auth, user, chat) = (Process::start("auth"), Process::start("user"), Process::start("chat"));
    let table = Table { auth: at(&[&auth]), user: at(&[&user]), chat: at(&[&chat]), ..Table::default() };
    let front = Front::open(table);
    for (path, who) in [
        ("/api/auth/login", "auth"),
        ("/.well-known/jwks.json", "auth"),
        ("/api/users", "user"),
        ("/api/users/me?x=%20y&z", "user"),
        ("/api/chat/messages/a%2Fb", "chat"),
        ("/api/none", "user"),
        ("/api/", "user"),
        ("/api/media/x", "user"),
    ] {
        let told: Value = front.get(path).await.unwrap().json().await.unwrap();
        assert_eq!((&told["who"], &told["uri"]), (&who.into(), &path.into()));
    }
    for path in ["/ws/info", "/none", "/apix", "/.well-known"] {
        let response = front.get(path).await.unwrap();
        let known = path == "/.well-known";
        assert_eq!(response.status(), if known { 200 } else { 404 }, "{path}");
    }
}

#[tokio::test]
async fn a_request_arrives_as_it_was_made_but_for_what_the_gateway_knows_better() {
    let process = Process::start("chat");
    let front = Front::open(all_at(&process));
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let response = front
        .client
        .patch(front.url("/api/chat/messages/1"))
        .header("authorization", "Bearer token")
        .header("cookie", "chatd_session=x")
        .header("host", "chat.example.org")
        .header("idempotency-key", "k")
        .header("traceparent", trace)
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "for=6.6.6.6;proto=https")
        .header("connection", "x-secret")
        .header("x-secret", "1")
        .header("te", "trailers")
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["x-trace-id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    let told: Value = response.json().await.unwrap();
    assert_eq!((&told["method"], &told["bytes"]), (&"PATCH".into(), &5.into()));
    for (name, expected) in [
        ("authorization", &["Bearer token"][..]),
        ("cookie", &["chatd_session=x"]),
        ("host", &["chat.example.org"]),
        ("idempotency-key", &["k"]),
        ("traceparent", &[trace]),
        ("x-forwarded-for", &["127.0.0.1"]),
        ("x-forwarded-proto", &["http"]),
        ("forwarded", &["for=127.0.0.1;proto=http"]),
        ("content-length", &["5"]),
        ("x-forwarded-host", &[]),
        ("x-secret", &[]),
        ("te", &[]),
        ("connection", &[]),
        ("transfer-encoding", &[]),
    ] {
        assert_eq!(header(&told, name), expected, "{name}");
    }
}

#[tokio::test]
async fn a_proxy_that_the_door_trusts_is_believed() {
    let process = Process::start("chat");
    let proxies = Proxies { networks: vec!["127.0.0.1".parse().unwrap()], via: Via::XForwardedFor };
    let trusting = |door: Door| Door { proxies: Arc::new(proxies), ..door };
    let front = Front::with(all_at(&process), quick(), trusting);
    let request = front.client.get(front.url("/api/chat/sync"));
    let request =
        request.header("x-forwarded-for", "6.6.6.6, 203.0.113.9").header("x-forwarded-proto", "https");
    let response = request.send().await.unwrap();
    assert!(response.headers().contains_key("strict-transport-security"));
    let told: Value = response.json().await.unwrap();
    assert_eq!(header(&told, "x-forwarded-for"), ["203.0.113.9"]);
    assert_eq!(header(&told, "forwarded"), ["for=203.0.113.9;proto=https"]);
}

/// What a service's own door would say.
async fn answered() -> impl IntoResponse {
    let mut response = (axum::http::StatusCode::CREATED, "made").into_response();
    for (name, value) in [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("ratelimit-limit", "100"),
        ("ratelimit-remaining", "99"),
        ("access-control-allow-origin", "https://page.example"),
        ("vary", "origin"),
        ("x-frame-options", "SAMEORIGIN"),
        ("cache-control", "private"),
        ("etag", "\"x\""),
        ("keep-alive", "timeout=5"),
        ("connection", "x-hop"),
        ("x-hop", "1"),
    ] {
        response.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

#[tokio::test]
async fn an_answer_arrives_as_it_was_given_and_nothing_is_said_twice() {
    let process = Process::with("chat", Router::new().route("/api/chat/answered", get(answered)));
    let origins = Arc::new(Origins::read(&["https://page.example".to_owned()]).unwrap());
    let front = Front::with(all_at(&process), quick(), |door| Door { origins, ..door });
    let request = front.client.get(front.url("/api/chat/answered"));
    let response = request.header("origin", "https://page.example").send().await.unwrap();
    assert_eq!(response.status(), 201);
    let all = |name: &str| -> Vec<String> {
        let values = response.headers().get_all(name).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    for (name, expected) in [
        ("set-cookie", &["a=1", "b=2"][..]),
        ("ratelimit-limit", &["100"]),
        ("ratelimit-remaining", &["99"]),
        ("access-control-allow-origin", &["https://page.example"]),
        ("vary", &["origin"]),
        ("x-frame-options", &["SAMEORIGIN"]),
        ("cache-control", &["private"]),
        ("etag", &["\"x\""]),
        ("x-content-type-options", &["nosniff"]),
        ("content-length", &["4"]),
        ("x-hop", &[]),
        ("keep-alive", &[]),
    ] {
        assert_eq!(all(name), expected, "{name}");
    }
    assert_eq!(response.text().await.unwrap(), "made");
    // HEAD has the same head.
    let head = front.client.head(front.url("/api/chat/answered")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (201, &"4".parse().unwrap()));
    assert_eq!(head.text().await.unwrap(), "");
}

#[tokio::test]
async fn requests_are_spread_and_who_is_not_ready_gets_none() {
    let all = [Process::start("a"), Process::start("b"), Process::start("c")];
    let table = Table { chat: at(&[&all[0], &all[1], &all[2]]), ..Table::default() };
    let front = Front::open(table);
    let who = async || {
        let response = front.get("/api/chat/sync").await.unwrap();
        response.headers()["x-who"].to_str().unwrap().to_owned()
    };
    let mut seen = HashSet::new();
    for _ in 0..100 {
        seen.insert(who().await);
    }
    assert_eq!(seen.len(), 3);
    all[1].state.unready.store(true, std::sync::atomic::Ordering::SeqCst);
    front.until_metric("chatd_gateway_processes_away{service=\"chat\"} 1").await;
    for _ in 0..50 {
        assert_ne!(who().await, "b");
    }
    all[1].state.unready.store(false, std::sync::atomic::Ordering::SeqCst);
    front.until_metric("chatd_gateway_processes_away{service=\"chat\"} 0").await;
    while who().await != "b" {}
    front.until_metric("chatd_gateway_ejections_total{service=\"chat\"} 1").await;
}

#[tokio::test]
async fn a_service_that_is_away_is_named() {
    let gone: axum::http::Uri = format!("http://{}", Process::start("chat").kill()).parse().unwrap();
    let user = Process::start("user");
    let table = Table { chat: Place::At(vec![gone.clone()]), user: at(&[&user]), ..Table::default() };
    let front = Front::open(table);
    // Before and after anybody has looked.
    for _ in 0..2 {
        let response = front.get("/api/chat/sync").await.unwrap();
        let problem = problem(response).await;
        assert_eq!(problem.code, Code::Unavailable);
        assert!(problem.detail.contains("the chat service") && problem.detail.contains("nothing was done"));
        front.until(|health| health.components.iter().any(|part| part.detail.is_some())).await;
    }
    let response = front.get("/actuator/health/readiness").await.unwrap();
    assert_eq!(response.status(), 503);
    front.until(|health| health.components[0].detail.is_none()).await;
    let health: Value = front.get("/actuator/health").await.unwrap().json().await.unwrap();
    assert_eq!(health["components"][0]["name"], "gateway.user");
    assert_eq!(health["components"][1]["name"], "gateway.chat");
    let detail = health["components"][1]["detail"].as_str().unwrap();
    assert!(detail.contains(&gone.authority().unwrap().to_string()), "{detail}");
    // What is there goes on.
    assert_eq!(front.get("/api/users/me").await.unwrap().status(), 200);
}

#[tokio::test]
async fn bodies_have_a_bound_whether_or_not_they_say_how_long_they_are() {
    let process = Process::start("chat");
    let front = Front::with(all_at(&process), quick(), |door| Door { json_bytes: 100_000, ..door });
    let post = |path: &str| front.client.post(front.url(path));
    let announced = post("/api/chat/messages").body(vec![0; 100_001]).send().await.unwrap();
    assert_eq!(problem(announced).await.code, Code::TooLarge);
    assert_eq!(process.arrived(), 0);
    let streamed = post("/api/chat/messages").body(pieces(11, 10_000)).send().await.unwrap();
    assert_eq!(problem(streamed).await.code, Code::TooLarge);
    for chunked in [false, true] {
        let body = if chunked { pieces(10, 10_000) } else { vec![0; 100_000].into() };
        let told: Value = post("/api/chat/messages").body(body).send().await.unwrap().json().await.unwrap();
        assert_eq!(told["bytes"], 100_000);
    }
}

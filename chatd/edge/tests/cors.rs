//! What a browser is told about pages of other sites.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use axum::routing::{get, post};
use edge::{Door, Limiter, Origins, Revocations, Verifier};
use std::sync::Arc;
use tower::ServiceExt;

const PAGE: &str = "https://chat.example.org";

fn app(origins: &[&str]) -> Router {
    let list: Vec<String> = origins.iter().map(|&origin| origin.to_owned()).collect();
    let verifier = Verifier::new("chatd", "chatd", Vec::new(), Arc::new(Revocations::new()));
    let routes = Router::new()
        .route("/api/limits", get(|| async { "limits" }))
        .route("/api/users/me", get(|| async { "me" }))
        .route("/.well-known/jwks.json", get(|| async { "keys" }))
        .route("/ws/info", get(|| async { "info" }))
        .route("/ws/a/b/xhr", post(|| async { "o\n" }))
        .route("/docs", get(|| async { "docs" }));
    let door = Door::new(Arc::new(verifier), Arc::new(Limiter::new(2)));
    Door { origins: Arc::new(Origins::read(&list).unwrap()), ..door }.around(routes)
}

async fn call(app: &Router, method: Method, path: &str, origin: Option<&str>) -> (u16, HeaderMap) {
    let mut request = Request::builder().method(method.clone()).uri(path);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if method == Method::OPTIONS {
        request = request
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization,content-type");
    }
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (response.status().as_u16(), response.headers().clone())
}

fn about_cors(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(|name| name.as_str()).filter(|name| name.starts_with("access-control")).collect()
}

#[tokio::test]
async fn nothing_is_said_to_foreign_pages() {
    for listed in [&[][..], &[PAGE]] {
        let app = app(listed);
        for origin in
            [None, Some("https://evil.example"), Some("null"), Some("https://chat.example.org.evil.example")]
        {
            for (method, path) in [
                (Method::GET, "/ws/info"),
                (Method::OPTIONS, "/api/users/me"),
                (Method::OPTIONS, "/ws/info"),
                (Method::GET, "/docs"),
            ] {
                let (status, headers) = call(&app, method.clone(), path, origin).await;
                assert_eq!(about_cors(&headers), Vec::<&str>::new(), "{method} {path} {origin:?}");
                assert!(method == Method::GET || status >= 400, "a preflight fails: {status}");
            }
        }
        let (_, headers) = call(&app, Method::GET, "/ws/info", None).await;
        assert_eq!(headers.contains_key("vary"), !listed.is_empty());
    }
}

#[tokio::test]
async fn a_listed_page_may_call_and_read() {
    let app = app(&[PAGE]);
    for (method, path, expected) in [
        (Method::GET, "/api/limits", 200),
        (Method::GET, "/api/users/me", 401),
        (Method::GET, "/.well-known/jwks.json", 429),
        (Method::GET, "/ws/info", 200),
        (Method::POST, "/ws/a/b/xhr", 200),
    ] {
        let (status, headers) = call(&app, method, path, Some(PAGE)).await;
        assert_eq!(status, expected, "{path}");
        assert_eq!(headers["access-control-allow-origin"], PAGE, "{path}");
        assert_eq!(headers["access-control-allow-credentials"], "true", "{path}");
        assert!(
            headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin")),
            "{path}"
        );
        let exposed = headers["access-control-expose-headers"].to_str().unwrap();
        for name in ["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after", "x-trace-id"]
        {
            assert!(exposed.contains(name), "{path}: {exposed}");
        }
    }
    let (_, headers) = call(&app, Method::GET, "/docs", Some(PAGE)).await;
    assert_eq!(about_cors(&headers), Vec::<&str>::new(), "pages are not for other pages");
}

#[tokio::test]
async fn a_preflight_needs_no_token_and_counts_as_no_call() {
    let app = app(&[PAGE]);
    for _ in 0..5 {
        let (status, headers) = call(&app, Method::OPTIONS, "/api/users/me", Some(PAGE)).await;
        assert_eq!(status, 200);
        assert_eq!(headers["access-control-allow-origin"], PAGE);
        let methods = headers["access-control-allow-methods"].to_str().unwrap();
        assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)));
        let allowed = headers["access-control-allow-headers"].to_str().unwrap();
        assert!(
            ["authorization", "content-type", "idempotency-key"].iter().all(|name| allowed.contains(name))
        );
        assert_eq!(headers["access-control-max-age"], "600");
    }
}

#[tokio::test]
async fn a_star_lets_every_page_in_without_credentials() {
    let app = app(&["*", PAGE]);
    let (_, headers) = call(&app, Method::GET, "/ws/info", Some("https://any.example")).await;
    assert_eq!(headers["access-control-allow-origin"], "*");
    assert!(!headers.contains_key("access-control-allow-credentials"));
    let (_, headers) = call(&app, Method::GET, "/ws/info", Some(PAGE)).await;
    assert_eq!(headers["access-control-allow-origin"], PAGE, "who is named is named");
    assert_eq!(headers["access-control-allow-credentials"], "true");
}

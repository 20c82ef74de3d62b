//! What a door leaves to the door of the process behind it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use axum::routing::{any, get};
use edge::{Door, Limiter, Origins, Relayed, Relays, Revocations, Verifier};
use std::sync::Arc;
use tower::ServiceExt;

const PAGE: &str = "https://chat.example.org";

/// As a gateway is: some paths pass on to another process, which is there or not.
fn app(there: bool) -> Router {
    let verifier = Verifier::new("", "", Vec::new(), Arc::new(Revocations::new()));
    let passed_on = move || async move {
        let mut response = axum::response::Response::<Body>::default();
        if there {
            response.extensions_mut().insert(Relayed);
            response.headers_mut().insert("vary", "theirs".parse().unwrap());
        }
        response
    };
    let routes =
        Router::new().route("/api/chat/x", any(passed_on)).route("/api/limits", get(|| async { "limits" }));
    let origins = Arc::new(Origins::read(&[PAGE.to_owned()]).unwrap());
    let relays = Relays::new(|path| path.starts_with("/api/chat"));
    let door = Door::new(Arc::new(verifier), Arc::new(Limiter::new(1)));
    Door { origins, relays, ..door }.around(routes)
}

async fn call(app: &Router, method: Method, path: &str, origin: &str) -> (u16, HeaderMap) {
    let request = Request::builder().method(method).uri(path).header("origin", origin);
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (response.status().as_u16(), response.headers().clone())
}

#[tokio::test]
async fn who_calls_and_how_often_is_the_next_doors_business() {
    let app = app(true);
    for _ in 0..3 {
        let (status, headers) = call(&app, Method::GET, "/api/chat/x", PAGE).await;
        assert_eq!((status, headers.contains_key("ratelimit-limit")), (200, false));
    }
    assert_eq!(call(&app, Method::GET, "/api/none", PAGE).await.0, 401, "and nothing else is");
    assert_eq!(call(&app, Method::GET, "/api/limits", PAGE).await.0, 429);
}

#[tokio::test]
async fn what_other_sites_pages_may_read_is_said_once() {
    for origin in [PAGE, "https://evil.example"] {
        for method in [Method::GET, Method::OPTIONS] {
            let (_, headers) = call(&app(true), method, "/api/chat/x", origin).await;
            assert!(!headers.contains_key("access-control-allow-origin"), "theirs stays as it is");
            assert_eq!(headers.get_all("vary").iter().collect::<Vec<_>>(), ["theirs"]);
        }
    }
    // What the door says in place of an answer that did not come can be read by the page as well.
    for method in [Method::GET, Method::OPTIONS] {
        let (_, headers) = call(&app(false), method, "/api/chat/x", PAGE).await;
        assert_eq!(headers["access-control-allow-origin"], PAGE);
    }
    let (_, headers) = call(&app(false), Method::GET, "/api/chat/x", "https://evil.example").await;
    assert!(!headers.contains_key("access-control-allow-origin"));
}

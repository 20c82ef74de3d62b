//! What a listener answers around its routes: problems with trace ids, and nothing to strangers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::{get, post};
use edge::{Caller, Door, Health, Json, Limiter, Metrics, Problem, Proxies, Revocations, Secure, Verifier};
use edge::{door, operations};
use schema::Code;
use std::sync::Arc;
use tower::ServiceExt;

fn app_with(per_minute: u32) -> Router {
    let verifier = Verifier::new("chatd", "chatd", Vec::new(), Arc::new(Revocations::new()));
    let routes = Router::new()
        .route("/api/limits", get(|| async { Json("limits") }))
        .route("/api/users/me", get(|caller: Caller| async move { Json(caller.user) }))
        .route("/api/auth/login", post(|body: Json<schema::api::Login>| async move { Json(body.0.password) }))
        .route("/panic", get(|| async { panic!("the answer is secret") as &'static str }))
        .route("/path/{n}", get(|path: axum::extract::Path<u8>| async move { path.0.to_string() }))
        .route("/fault", get(|| async { Problem::new(Code::Unavailable, "away").caused_by("secret") }))
        .route("/ws/info", get(|| async { (StatusCode::NOT_FOUND, "plain") }));
    let operations = operations(Arc::new(Health::new()), Arc::new(Metrics::new()));
    door(routes.merge(operations), Arc::new(verifier), Arc::new(Limiter::new(per_minute)))
}

async fn call(app: &Router, request: Request<Body>) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

fn get_request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

async fn problem(response: Response<Body>) -> (StatusCode, schema::api::Problem) {
    let (parts, body) = response.into_parts();
    assert_eq!(parts.headers["content-type"], "application/problem+json");
    assert_eq!(parts.headers["x-content-type-options"], "nosniff");
    let text = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    assert!(!String::from_utf8_lossy(&text).contains("secret"), "{text:?}");
    let problem: schema::api::Problem = serde_json::from_slice(&text).unwrap();
    assert_eq!(parts.headers["x-trace-id"], problem.trace_id.as_str());
    assert_eq!(problem.status, parts.status.as_u16());
    (parts.status, problem)
}

#[tokio::test]
async fn strangers_get_401_for_every_private_path_known_or_not() {
    let app = app_with(0);
    for path in ["/api/users/me", "/api/none", "/api", "/api/", "/api/limits/x", "/api/auth/login/x"] {
        let (status, body) = problem(call(&app, get_request(path)).await).await;
        assert_eq!((status.as_u16(), body.code), (401, Code::Unauthorized), "{path}");
        let mut bad = get_request(path);
        bad.headers_mut().insert("authorization", "Bearer x.y.z".parse().unwrap());
        assert_eq!(call(&app, bad).await.status(), 401, "{path}");
    }
    let wrong_method = Request::delete("/api/users/me").body(Body::empty()).unwrap();
    assert_eq!(call(&app, wrong_method).await.status(), 401);
    assert_eq!(call(&app, get_request("/api/limits")).await.status(), 200);
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems_outside_api_too() {
    let app = app_with(0);
    let (_, body) = problem(call(&app, get_request("/none")).await).await;
    assert_eq!(body.code, Code::NotFound);
    let response = call(&app, Request::put("/api/auth/login").body(Body::empty()).unwrap()).await;
    assert_eq!(response.headers()["allow"], "POST");
    assert_eq!(problem(response).await.1.code, Code::MethodNotAllowed);
    let (_, body) = problem(call(&app, get_request("/path/300")).await).await;
    assert_eq!(body.code, Code::Malformed, "a bare refusal of the router's becomes a problem");
    let response = call(&app, get_request("/ws/info")).await;
    assert_eq!(axum::body::to_bytes(response.into_body(), 99).await.unwrap(), "plain", "SockJS has its own");
}

#[tokio::test]
async fn a_panic_is_a_500_without_its_text_and_is_counted() {
    let before = edge::metrics::panics();
    let (status, body) = problem(call(&app_with(0), get_request("/panic")).await).await;
    assert_eq!((status.as_u16(), body.code), (500, Code::Internal));
    assert!(edge::metrics::panics() > before);
}

#[tokio::test]
async fn a_503_says_when_to_come_back_and_the_trace_is_the_callers() {
    let mut request = get_request("/fault");
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
    let response = call(&app_with(0), request).await;
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(problem(response).await.1.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn bodies_are_checked_before_they_are_read() {
    let app = app_with(0);
    let post = |content_type: &str, body: Vec<u8>| {
        Request::post("/api/auth/login").header("content-type", content_type).body(Body::from(body)).unwrap()
    };
    let good = br#"{"password":"x","phoneNumber":"y"}"#.to_vec();
    assert_eq!(call(&app, post("application/json; charset=utf-8", good.clone())).await.status(), 200);
    assert_eq!(problem(call(&app, post("text/plain", good.clone())).await).await.0.as_u16(), 415);
    assert_eq!(
        problem(call(&app, Request::post("/api/auth/login").body(good.clone().into()).unwrap()).await)
            .await
            .0,
        415
    );
    let mut two = post("application/json", good);
    two.headers_mut().append("content-type", "text/plain".parse().unwrap());
    assert_eq!(problem(call(&app, two).await).await.0.as_u16(), 415, "of two types none counts");
    let large = vec![b' '; schema::limits::JSON_BYTES + 1];
    let (status, body) = problem(call(&app, post("application/json", large.clone())).await).await;
    assert_eq!((status.as_u16(), body.code), (413, Code::TooLarge));
    // Without a length that is announced, the bound stops the reading.
    let chunks = futures_util::stream::iter(
        large.chunks(1000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect::<Vec<_>>(),
    );
    let unannounced = Request::post("/api/auth/login")
        .header("content-type", "application/json")
        .body(Body::from_stream(chunks))
        .unwrap();
    assert_eq!(problem(call(&app, unannounced).await).await.0.as_u16(), 413);
    for bad in [&b"{"[..], b"[]", b"\xff", b"{\"password\":5}", b"null", b""] {
        let (status, _) = problem(call(&app, post("application/json", bad.to_vec())).await).await;
        assert_eq!(status.as_u16(), 400, "{bad:?}");
    }
}

#[tokio::test]
async fn the_bound_answers_429_with_its_headers_but_not_to_operators() {
    let app = app_with(2);
    let first = call(&app, get_request("/api/limits")).await;
    assert_eq!(
        (first.headers()["ratelimit-limit"].as_bytes(), first.headers()["ratelimit-remaining"].as_bytes()),
        (&b"2"[..], &b"1"[..])
    );
    call(&app, get_request("/api/none")).await;
    let third = call(&app, get_request("/api/limits")).await;
    assert!(third.headers().contains_key("retry-after"));
    assert_eq!(third.headers()["ratelimit-remaining"], "0");
    assert_eq!(problem(third).await.1.code, Code::RateLimited);
    for path in ["/actuator/health", "/metrics", "/actuator/prometheus", "/actuator/info"] {
        assert_eq!(call(&app, get_request(path)).await.status(), 200, "{path}");
    }
    assert_eq!(call(&app, get_request("/ws/info")).await.status(), 404);
}

#[tokio::test]
async fn metrics_show_panics_and_requests_by_route() {
    let app = app_with(0);
    call(&app, get_request("/path/1")).await;
    let response = call(&app, get_request("/actuator/prometheus")).await;
    let text = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(text.contains("chatd_panics_total"), "{text}");
    assert!(text.contains(r#"route="/path/{n}""#), "{text}");
    assert!(text.trim_end().ends_with("# EOF"));
    let value = |name: &str| {
        let line = text.lines().find(|line| line.split(' ').next() == Some(name));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .unwrap_or_else(|| panic!("{name}: {text}"))
    };
    assert!(value("process_resident_memory_bytes") > 1e6 && value("process_open_fds") > 2.0);
    assert!(value("process_start_time_seconds") > 1.7e9 && value("process_cpu_seconds_total") >= 0.0);
    assert_eq!(text.matches("# EOF").count(), 1);
}

#[tokio::test]
async fn browsers_are_told_what_they_may_do_with_an_answer() {
    let app = app_with(0);
    let headers = async |path: &str| call(&app, get_request(path)).await.headers().clone();
    for path in ["/api/users/me", "/api/none", "/api/auth/login", "/none", "/actuator/health"] {
        let headers = headers(path).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(
            headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'",
            "{path}"
        );
        assert!(!headers.contains_key("strict-transport-security"), "{path}: not over TLS");
        let private = path.starts_with("/api");
        assert_eq!(headers.get("cache-control").is_some_and(|value| value == "no-store"), private, "{path}");
    }
    assert!(!headers("/api/limits").await.contains_key("cache-control"), "the same for everybody");
}

#[tokio::test]
async fn a_trusted_proxy_may_say_that_the_client_came_over_tls() {
    let verifier = Verifier::new("chatd", "chatd", Vec::new(), Arc::new(Revocations::new()));
    let routes = Router::new().route("/secure", get(|secure: Secure| async move { secure.0.to_string() }));
    // A request that was made in the process comes from the unspecified address.
    let proxies = Proxies { networks: vec!["0.0.0.0".parse().unwrap()], ..Proxies::default() };
    let trusting = Door::new(Arc::new(verifier), Arc::new(Limiter::new(0)));
    let wary = trusting.clone().around(routes.clone());
    let trusting = Door { proxies: Arc::new(proxies), ..trusting }.around(routes);
    for (app, scheme, expected) in
        [(&trusting, "https", true), (&trusting, "http", false), (&wary, "https", false)]
    {
        let mut request = get_request("/secure");
        request.headers_mut().insert("x-forwarded-proto", scheme.parse().unwrap());
        let response = call(app, request).await;
        assert_eq!(response.headers().contains_key("strict-transport-security"), expected, "{scheme}");
        let body = axum::body::to_bytes(response.into_body(), 99).await.unwrap();
        assert_eq!(body, expected.to_string(), "{scheme}");
    }
}

//! What every answer has: an end in time, a trace id, headers that browsers obey, and a problem for a body when
//! it is an error.

use crate::door::{PUBLIC, is_socket, under};
use crate::peer::Secure;
use crate::trace::TRACE_HEADER;
use crate::{Problem, TraceId, metrics};
use axum::extract::{MatchedPath, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use schema::Code;
use schema::limits::{ANSWER_DEADLINE, HSTS_S, HTTP_TIME};
use std::panic::AssertUnwindSafe;
use std::time::Instant;
use tracing::Instrument;

/// Of an answer that is no page: a browser that is made to show it as one runs and loads nothing.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// Gives every request an id, a span and an answer, whatever happens inside.
pub(crate) async fn traced(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = TraceId::of(request.headers());
    request.extensions_mut().insert(trace.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let span = tracing::info_span!("request", trace_id = %trace.0, %method, path);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answer.unwrap_or_else(|panic| fault(panic.as_ref()).into_response());
    let secure = response.extensions().get::<Secure>().copied().unwrap_or_default();
    if is_bare_error(&response) && !is_socket(&path) {
        let (old, mut new) = {
            let problem = bare_problem(&response).into_response();
            (response, problem)
        };
        keep_headers(&old, &mut new);
        response = new;
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        span.in_scope(|| log(&problem));
        let (old, mut new) = (response, problem.render(&trace.0));
        keep_headers(&old, &mut new);
        response = new;
    }
    metrics::observe_request(
        method.as_str(),
        route.as_deref().unwrap_or("none"),
        response.status().as_u16(),
        started.elapsed(),
    );
    if let Ok(value) = HeaderValue::from_str(&trace.0) {
        response.headers_mut().insert(TRACE_HEADER, value);
    }
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        protect(&path, secure, response.headers_mut());
    }
    response
}

/// What browsers are told of every answer; a route that knows better has said so already.
fn protect(path: &str, secure: Secure, headers: &mut HeaderMap) {
    let mut say = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    say(X_CONTENT_TYPE_OPTIONS, "nosniff");
    say(REFERRER_POLICY, "no-referrer");
    say(X_FRAME_OPTIONS, "DENY");
    say(CONTENT_SECURITY_POLICY, NO_PAGE);
    let same_for_all = PUBLIC.contains(&path) && (path.ends_with("jwks.json") || path.ends_with("/limits"));
    if under(path, "/api") && !same_for_all {
        // Tokens and what people wrote to each other lie in no cache, neither a proxy's nor a browser's.
        say(CACHE_CONTROL, "no-store");
    }
    if secure.0
        && let Ok(value) = HeaderValue::try_from(format!("max-age={HSTS_S}"))
    {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(value);
    }
}

/// What layers and routes said besides the body, such as `Allow` and the rate headers.
fn keep_headers(old: &Response, new: &mut Response) {
    let set: Vec<HeaderName> = new.headers().keys().cloned().collect();
    for (name, value) in old.headers() {
        if !set.contains(name) && name != CONTENT_LENGTH {
            new.headers_mut().append(name, value.clone());
        }
    }
}

fn fault(panic: &(dyn std::any::Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    Problem::new(Code::Internal, "the server failed on this call")
        .caused_by(format_args!("panic: {}", text.unwrap_or("without a text")))
}

fn log(problem: &Problem) {
    let (code, detail, cause) = (problem.code(), problem.detail(), problem.cause().unwrap_or_default());
    match code {
        Code::Internal => tracing::error!(code = code.as_str(), detail, cause, "request failed"),
        code if code.status() >= 500 => tracing::warn!(code = code.as_str(), detail, cause, "request failed"),
        code => tracing::debug!(code = code.as_str(), detail, cause, "request refused"),
    }
}

/// An error that some extractor of axum's answered in plain text, before a handler of ours ran.
fn is_bare_error(response: &Response) -> bool {
    let status = response.status();
    let plain = |value: &HeaderValue| value.as_bytes().starts_with(b"text/plain");
    (status.is_client_error() || status.is_server_error())
        && response.extensions().get::<Problem>().is_none()
        && response.headers().get(CONTENT_TYPE).is_none_or(plain)
}

fn bare_problem(response: &Response) -> Problem {
    let status = response.status().as_u16();
    let code = Code::ALL.iter().copied().find(|code| code.status() == status);
    let code = code.unwrap_or(if status < 500 { Code::Malformed } else { Code::Internal });
    Problem::new(code, code.title())
}

/// Ends a request that takes too long. Only the wait ends: what was begun may still be stored.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    if is_socket(request.uri().path()) {
        return next.run(request).await;
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // A body, or a long poll, may take all of `HTTP_TIME`; the work behind it comes on top.
    match tokio::time::timeout(HTTP_TIME + ANSWER_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) if reads => Problem::new(Code::Unavailable, "the answer took too long").into_response(),
        Err(_) => {
            Problem::new(Code::OutcomeUnknown, "the answer took too long; done or not, the server can't tell")
                .into_response()
        }
    }
}

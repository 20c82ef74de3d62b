//! The layers of a listener, from the socket inwards: trace and panics, time, identity, rate, the gate,
//! then the routes with problems for what they do not know.

use crate::caller::{bearer, unauthorized};
use crate::limiter::Peer;
use crate::trace::TRACE_HEADER;
use crate::{Limiter, Problem, TraceId, Verifier, metrics};
use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use schema::Code;
use schema::limits::{ANSWER_DEADLINE, HTTP_TIME, JSON_BYTES};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument;

/// What anybody may call under `/api`.
const PUBLIC: [&str; 5] = [
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/.well-known/jwks.json",
    "/api/limits",
];

/// Puts the layers of every public listener around its routes.
pub fn door(router: Router, verifier: Arc<Verifier>, limiter: Arc<Limiter>) -> Router {
    let gate = Gate { verifier, limiter };
    dressed(
        router
            .fallback(unknown_path)
            .method_not_allowed_fallback(wrong_method)
            .layer(from_fn_with_state(gate, pass)),
    )
}

/// The layers of a listener that has its own idea of who may call, such as the administrators' one.
pub fn shell(router: Router) -> Router {
    dressed(router.fallback(unknown_path).method_not_allowed_fallback(wrong_method))
}

fn dressed(router: Router) -> Router {
    metrics::watch_panics();
    router.layer(DefaultBodyLimit::max(JSON_BYTES)).layer(from_fn(in_time)).layer(from_fn(traced))
}

#[derive(Clone)]
struct Gate {
    verifier: Arc<Verifier>,
    limiter: Arc<Limiter>,
}

/// Whether a path is, or lies under, this prefix.
fn under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Sockets keep their own time, rate and identity.
fn is_socket(path: &str) -> bool {
    under(path, "/ws")
}

/// Knows the caller, counts the call, and lets nobody without a good token near a private path, be it
/// known or not.
async fn pass(State(gate): State<Gate>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(gate.verifier.clone());
    let path = request.uri().path();
    if is_socket(path) || under(path, "/actuator") || path == "/metrics" {
        return next.run(request).await;
    }
    let private = under(path, "/api") && !PUBLIC.contains(&path);
    // A token on a public path changes nothing, so a stale one there is no error either.
    let caller = match bearer(request.headers()) {
        Some(token) if private => gate.verifier.verify(token),
        _ => Err(unauthorized().caused_by("no token")),
    };
    let allowance = match gate.limiter.take(caller.as_ref().ok(), Peer::of_connection(request.extensions())) {
        Ok(allowance) => allowance,
        Err(problem) => {
            let mut response = problem.into_response();
            gate.limiter.refused().write(response.headers_mut());
            return response;
        }
    };
    let mut response = match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) if private => problem.into_response(),
        Err(_) => next.run(request).await,
    };
    if let Some(allowance) = allowance {
        allowance.write(response.headers_mut());
    }
    response
}

/// Gives every request an id, a span and an answer, whatever happens inside.
async fn traced(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let trace = TraceId::of(request.headers());
    request.extensions_mut().insert(trace.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let span = tracing::info_span!("request", trace_id = %trace.0, %method, path);
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answer.unwrap_or_else(|panic| fault(panic.as_ref()).into_response());
    if is_bare_error(&response) && !is_socket(&path) {
        response = bare_problem(&response).into_response();
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
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What layers and routes said besides the body, such as `Allow` and the rate headers.
fn keep_headers(old: &Response, new: &mut Response) {
    for (name, value) in old.headers() {
        if !new.headers().contains_key(name) && name != axum::http::header::CONTENT_LENGTH {
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
async fn in_time(request: Request, next: Next) -> Response {
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

async fn unknown_path() -> Problem {
    Problem::new(Code::NotFound, "there is nothing under this path")
}

/// The router adds `Allow`.
async fn wrong_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("the path takes other methods, see the header {ALLOW}"))
}

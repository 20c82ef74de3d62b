//! SockJS 0.3.3 on `/ws`: greeting, info, and sessions over a WebSocket or over HTTP requests.
//!
//! Over a WebSocket a session is a socket like any other, only framed. Over HTTP it is a [`line`]: the
//! session's task at one end, requests at the other. [`lines`] finds the line of a request, bounds their
//! number and forgets them; [`receive`] is the response that frames go out with; [`send`] takes what the
//! client posts; [`owner`] sees to it that nobody else's request comes on a line.
//!
//! Neighbours: [`crate::session`] by way of [`crate::socket`]; the codec is `schema::wire::sockjs`.
//!
//! Invariants: `o` leaves before anybody asks who it is. A line belongs to who opened it. It holds a bounded
//! number of bytes in each direction, and lives 5 s without a receive request. A response that was cut off
//! ends the session: what it carried is never silently lost. htmlfile, jsonp and the iframe are not offered.

mod line;
mod lines;
mod owner;
mod receive;
mod send;

pub(crate) use line::Carrier;
pub(crate) use lines::{Lines, sweep};

use crate::Hub;
use crate::upgrade::{self, Framing};
use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use edge::Problem;
use schema::wire::sockjs::Envelope;
use schema::{Code, limits};
use serde_json::json;
use std::sync::Arc;

/// Nobody keeps these answers, and no proxy compresses (and so holds back) a stream.
const NOT_CACHED: &str = "no-store, no-cache, no-transform, must-revalidate, max-age=0";
/// What nginx looks for before it buffers a response.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(crate) fn routes(hub: Arc<Hub>) -> Router {
    Router::new()
        .route("/ws", get(greeting))
        .route("/ws/", get(greeting))
        .route("/ws/info", get(info).options(|| async { preflight("GET, HEAD, OPTIONS") }))
        .route("/ws/{server}/{session}/{transport}", any(session))
        .with_state(hub)
}

/// Who comes for a WebSocket gets one, speaking STOMP without SockJS; everybody else a word.
async fn greeting(State(hub): State<Arc<Hub>>, request: Request) -> Response {
    if upgrade::names(request.headers(), &UPGRADE, "websocket") {
        return match upgrade::check_origin(&hub, request.headers()) {
            Ok(()) => upgrade::upgrade(hub, request, Framing::Plain).await,
            Err(problem) => problem.into_response(),
        };
    }
    ([(CONTENT_TYPE, "text/plain; charset=UTF-8")], "Welcome to SockJS!\n").into_response()
}

/// What a client asks first; how long the answer takes sets its time-outs.
async fn info() -> Response {
    let entropy = uuid::Uuid::new_v4().as_u128() & u128::from(u32::MAX);
    let info = json!({
        "websocket": true,
        "cookie_needed": false,
        "origins": ["*:*"],
        "entropy": u32::try_from(entropy).unwrap_or_default(),
    });
    let headers = [(CONTENT_TYPE, "application/json;charset=UTF-8"), (CACHE_CONTROL, NOT_CACHED)];
    (headers, info.to_string()).into_response()
}

/// The answer to OPTIONS; what it says of other origins is the door's.
fn preflight(allow: &'static str) -> Response {
    let cached = "public, max-age=31536000";
    (StatusCode::NO_CONTENT, [(ALLOW, allow), (CACHE_CONTROL, cached)]).into_response()
}

/// What a session's path may end with.
#[derive(Clone, Copy)]
enum Transport {
    WebSocket,
    Send,
    Receive(Envelope),
}

impl Transport {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "websocket" => Transport::WebSocket,
            "xhr" => Transport::Receive(Envelope::Xhr),
            "xhr_streaming" => Transport::Receive(Envelope::XhrStreaming),
            "eventsource" => Transport::Receive(Envelope::EventSource),
            "xhr_send" => Transport::Send,
            _ => return None,
        })
    }

    fn methods(self) -> (Method, &'static str) {
        match self {
            Transport::WebSocket => (Method::GET, "GET"),
            Transport::Receive(Envelope::EventSource) => (Method::GET, "GET, OPTIONS"),
            Transport::Receive(_) | Transport::Send => (Method::POST, "OPTIONS, POST"),
        }
    }
}

async fn session(
    State(hub): State<Arc<Hub>>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let unknown = || Problem::new(Code::NotFound, "there is nothing under this path").into_response();
    let Ok(Path((server, name, transport))) = path else { return unknown() };
    let Some(transport) = Transport::named(&transport) else { return unknown() };
    if !is_name(&server) || !is_name(&name) {
        return unknown();
    }
    let (method, allow) = transport.methods();
    if request.method() == Method::OPTIONS && allow.contains("OPTIONS") {
        return preflight(allow);
    }
    if request.method() != method {
        let detail = format!("this transport takes {method}");
        return ([(ALLOW, allow)], Problem::new(Code::MethodNotAllowed, detail)).into_response();
    }
    if let Err(problem) = upgrade::check_origin(&hub, request.headers()) {
        return problem.into_response();
    }
    match transport {
        Transport::WebSocket => upgrade::upgrade(hub, request, Framing::Sockjs).await,
        Transport::Receive(envelope) => receive::receive(hub, &name, envelope, request).await,
        Transport::Send => send::send(&hub, &name, request).await,
    }
}

/// Any text without a dot, as SockJS says, and not an endless one.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= limits::SOCKJS_NAME_BYTES && !name.contains('.')
}

/// The headers of a response that belongs to a session.
fn session_headers(content_type: &'static str) -> HeaderMap {
    [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CACHE_CONTROL, HeaderValue::from_static(NOT_CACHED)),
        (UNBUFFERED, HeaderValue::from_static("no")),
    ]
    .into_iter()
    .collect()
}

/// The answer to whoever names a session that is not there, or not theirs.
fn no_session() -> Problem {
    Problem::new(Code::NotFound, "there is no such session; open a new one")
}

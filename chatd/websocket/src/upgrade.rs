//! From an HTTP request to a session.

use crate::Hub;
use crate::session::Session;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use edge::{Problem, caller};
use schema::{Code, limits};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Sub-protocols, best first.
const PROTOCOLS: [&str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];

pub(crate) fn routes(hub: Arc<Hub>) -> Router {
    Router::new().route("/ws/websocket", get(upgrade)).with_state(hub)
}

async fn upgrade(
    State(hub): State<Arc<Hub>>,
    headers: HeaderMap,
    uri: Uri,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let detail = format!("this path takes WebSocket upgrades only: {}", rejection.body_text());
            return Problem::new(Code::Malformed, detail).into_response();
        }
    };
    if !origin_allowed(&headers, &hub.config.allowed_origins) {
        let detail = "pages of this origin may not open sockets here; see cors.allowed_origins";
        return Problem::new(Code::Forbidden, detail).into_response();
    }
    if hub.draining.load(Ordering::SeqCst) {
        return Problem::new(Code::Unavailable, "this process is going away; connect again").into_response();
    }
    let token = token(&headers, &uri);
    upgrade
        .read_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .write_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .max_write_buffer_size(limits::OUTBOX_BYTES + limits::JSON_BYTES)
        .max_message_size(limits::FRAME_BYTES)
        .max_frame_size(limits::FRAME_BYTES)
        .protocols(PROTOCOLS)
        .on_upgrade(move |socket| Session::run(hub, socket, token))
}

/// The token of a client that can't put it into CONNECT. A header outranks the query.
fn token(headers: &HeaderMap, uri: &Uri) -> Option<Box<str>> {
    if let Some(token) = caller::bearer(headers) {
        return Some(token.into());
    }
    let mut parameters = uri.query()?.split('&').filter_map(|parameter| parameter.split_once('='));
    // Tokens are base64url and dots: nothing in them is ever percent-encoded.
    parameters.find(|(name, _)| matches!(*name, "token" | "access_token")).map(|(_, token)| token.into())
}

/// Browsers say whose page it is; a page of another host may only come in when it is listed.
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
    own || allowed.iter().any(|one| one == "*" || one == origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(origin: &'static str) -> HeaderMap {
        [(ORIGIN, HeaderValue::from_static(origin)), (HOST, HeaderValue::from_static("a.example:8080"))]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_foreign_page_comes_in_only_when_it_is_listed() {
        assert!(origin_allowed(&HeaderMap::new(), &[]));
        assert!(origin_allowed(&headers("http://a.example:8080"), &[]));
        for foreign in ["http://a.example", "https://b.example", "null", "http://a.example:8080.b.example"] {
            assert!(!origin_allowed(&headers(foreign), &[]), "{foreign}");
        }
        assert!(origin_allowed(&headers("https://b.example"), &["https://b.example".to_owned()]));
        assert!(origin_allowed(&headers("null"), &["*".to_owned()]));
    }

    #[test]
    fn a_token_comes_from_the_header_before_the_query() {
        let uri: Uri = "/ws/websocket?x=1&access_token=q".parse().unwrap();
        assert_eq!(token(&HeaderMap::new(), &uri).as_deref(), Some("q"));
        let headers: HeaderMap =
            [(axum::http::header::AUTHORIZATION, HeaderValue::from_static("Bearer h"))].into_iter().collect();
        assert_eq!(token(&headers, &uri).as_deref(), Some("h"));
        assert_eq!(token(&HeaderMap::new(), &"/ws/websocket".parse().unwrap()), None);
    }
}

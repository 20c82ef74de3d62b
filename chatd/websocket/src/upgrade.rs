//! From an HTTP request to a session.

use crate::Hub;
use crate::session::Session;
use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::{COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Uri};
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
    let entry = Entry::of(&headers, &uri, &hub.config.allowed_origins);
    let frame_bytes = hub.config.frame_bytes;
    upgrade
        .read_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .write_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .max_write_buffer_size(limits::OUTBOX_BYTES + limits::JSON_BYTES)
        .max_message_size(frame_bytes)
        .max_frame_size(frame_bytes)
        .protocols(PROTOCOLS)
        .on_upgrade(move |socket| Session::run(hub, socket, entry))
}

/// What the request that opened a socket, or a SockJS session, said of who it is. CONNECT consumes it; until
/// then nothing of it is believed.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// An access token: from `Authorization: Bearer`, else from `?token=` or `?access_token=`.
    pub(crate) token: Option<Box<str>>,
    /// A one-time ticket, from `?ticket=`.
    pub(crate) ticket: Option<Box<str>>,
    /// The Cookie headers. Empty as well when the page is one whose cookies do not count: `*` in
    /// `cors.allowed_origins` lets any page in, but none with somebody's cookie.
    cookies: Vec<HeaderValue>,
}

impl Entry {
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri, allowed: &[String]) -> Box<Self> {
        let cookies = if origin_named(headers, allowed) {
            headers.get_all(COOKIE).iter().cloned().collect()
        } else {
            Vec::new()
        };
        let token = caller::bearer(headers)
            .or_else(|| parameter(uri, "token"))
            .or_else(|| parameter(uri, "access_token"));
        let ticket = parameter(uri, "ticket");
        Box::new(Self { token: token.map(Into::into), ticket: ticket.map(Into::into), cookies })
    }

    /// The cookies that count, as `edge::Identify::by_cookie` takes them; `None` when there are none.
    #[expect(dead_code, reason = "identity by cookie comes with the next commit")]
    pub(crate) fn cookies(&self) -> Option<HeaderMap> {
        let headers = || self.cookies.iter().map(|value| (COOKIE, value.clone())).collect();
        (!self.cookies.is_empty()).then(headers)
    }
}

/// A parameter of the query. What is looked for here is base64url and dots: never percent-encoded.
fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let mut parameters = uri.query()?.split('&').filter_map(|parameter| parameter.split_once('='));
    parameters.find(|(one, value)| *one == name && !value.is_empty()).map(|(_, value)| value)
}

/// Browsers say whose page it is; a page of another host may only come in when it is listed.
fn origin_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    origin_named(headers, allowed) || allowed.iter().any(|one| one == "*")
}

/// The request comes from no page, from a page of this very server, or from one listed by name.
fn origin_named(headers: &HeaderMap, allowed: &[String]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").is_some_and(|(_, authority)| host == Some(authority));
    own || allowed.iter().any(|one| one == origin && one != "*")
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
        let entry = |headers: &HeaderMap, uri: &str| Entry::of(headers, &uri.parse().unwrap(), &[]);
        let uri = "/ws/websocket?x=1&token=&access_token=q&ticket=t";
        let by_query = entry(&HeaderMap::new(), uri);
        assert_eq!((by_query.token.as_deref(), by_query.ticket.as_deref()), (Some("q"), Some("t")));
        let headers: HeaderMap =
            [(axum::http::header::AUTHORIZATION, HeaderValue::from_static("Bearer h"))].into_iter().collect();
        assert_eq!(entry(&headers, uri).token.as_deref(), Some("h"));
        let nothing = entry(&HeaderMap::new(), "/ws/websocket");
        assert_eq!((&nothing.token, &nothing.ticket), (&None, &None));
    }

    #[test]
    fn cookies_count_only_from_the_own_page_a_listed_one_or_no_page_at_all() {
        let cookie = (COOKIE, HeaderValue::from_static("chatd_session=s"));
        let cookies = |origin: Option<&'static str>, allowed: &[&str]| {
            let mut all = origin.map(headers).unwrap_or_default();
            all.insert(cookie.0.clone(), cookie.1.clone());
            let allowed: Vec<_> = allowed.iter().map(|one| (*one).to_owned()).collect();
            Entry::of(&all, &"/ws/websocket".parse().unwrap(), &allowed).cookies.len()
        };
        assert_eq!(cookies(None, &[]), 1);
        assert_eq!(cookies(Some("http://a.example:8080"), &[]), 1);
        assert_eq!(cookies(Some("https://b.example"), &["https://b.example"]), 1);
        assert_eq!(cookies(Some("https://b.example"), &["*"]), 0, "anybody's page must not use a cookie");
        assert_eq!(cookies(Some("null"), &["*"]), 0);
    }
}

//! From an HTTP request to a session over a WebSocket (RFC 6455, section 4).

use crate::Hub;
use crate::session::Session;
use crate::socket::Socket;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONNECTION, COOKIE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{RequestExt, Router};
use edge::{Problem, SocketPermits, caller, origin};
use schema::{Code, limits};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Sub-protocols, best first.
const PROTOCOLS: [&str; 3] = ["v12.stomp", "v11.stomp", "v10.stomp"];

pub(crate) fn routes(hub: Arc<Hub>) -> Router {
    let plain = async |State(hub): State<Arc<Hub>>, request: Request| {
        if request.method() != Method::GET {
            let problem = Problem::new(Code::MethodNotAllowed, "sockets are opened with GET");
            return ([(ALLOW, "GET")], problem).into_response();
        }
        match check_origin(&hub, request.headers()) {
            Ok(()) => upgrade(hub, request, Framing::Plain).await,
            Err(problem) => problem.into_response(),
        }
    };
    Router::new().route("/ws/websocket", any(plain)).with_state(hub)
}

/// What WebSocket messages hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Pieces of the STOMP stream.
    Plain,
    /// SockJS frames around them.
    Sockjs,
}

/// Opens a socket. The origin was looked at before.
pub(crate) async fn upgrade(hub: Arc<Hub>, mut request: Request, framing: Framing) -> Response {
    if let Err(refusal) = check_handshake(&request) {
        return refusal;
    }
    let entry = Entry::of(request.headers(), request.uri(), &hub.config.allowed_origins);
    let Ok(permits) = request.extract_parts::<SocketPermits>().await;
    let upgrade = match request.extract_parts::<WebSocketUpgrade>().await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Problem::new(Code::Malformed, rejection.body_text()).into_response(),
    };
    if hub.draining.load(Ordering::SeqCst) {
        return going_away().into_response();
    }
    let permit = match permits.take() {
        Ok(permit) => permit,
        Err(problem) => return problem.into_response(),
    };
    let frame_bytes = hub.config.frame_bytes;
    let message_bytes = match framing {
        Framing::Plain => frame_bytes,
        Framing::Sockjs => frame_bytes * limits::SOCKJS_ARRAY_FRAMES,
    };
    upgrade
        .read_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .write_buffer_size(limits::SOCKET_BUFFER_BYTES)
        .max_write_buffer_size(limits::OUTBOX_BYTES + limits::JSON_BYTES)
        .max_message_size(message_bytes)
        .max_frame_size(message_bytes)
        .protocols(PROTOCOLS)
        .on_upgrade(move |socket| {
            let socket = match framing {
                Framing::Plain => Socket::Plain(socket),
                Framing::Sockjs => Socket::framed(socket, message_bytes),
            };
            Session::run(hub, socket, entry, permit)
        })
}

/// What the handshake must say. More than axum asks for: HTTP/1.1, and a key of 16 bytes.
#[expect(clippy::result_large_err, reason = "a refusal is a response")]
fn check_handshake(request: &Request) -> Result<(), Response> {
    let refuse = |detail: &str| Err(Problem::new(Code::Malformed, detail).into_response());
    let headers = request.headers();
    if !names(headers, &UPGRADE, "websocket") || request.version() < Version::HTTP_11 {
        return refuse("Can \"Upgrade\" only to \"WebSocket\".");
    }
    if !names(headers, &CONNECTION, "upgrade") {
        return refuse("\"Connection\" must be \"Upgrade\".");
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let problem = Problem::new(Code::Malformed, "Sec-WebSocket-Version must be 13");
        return Err(([(SEC_WEBSOCKET_VERSION, "13")], problem).into_response());
    }
    if !headers.get(SEC_WEBSOCKET_KEY).is_some_and(|key| is_key(key.as_bytes())) {
        return refuse("Sec-WebSocket-Key must be 16 bytes in base64");
    }
    Ok(())
}

/// Whether a header that holds a list has this word in it.
pub(crate) fn names(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let mut lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.any(|line| line.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
}

/// Whether this is 16 bytes in base64: 22 letters and two signs of padding.
fn is_key(key: &[u8]) -> bool {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key[..22].iter().all(letter) && &key[22..] == b"=="
}

/// Lets no foreign page near a session.
pub(crate) fn check_origin(hub: &Hub, headers: &HeaderMap) -> Result<(), Problem> {
    let detail = "pages of this origin may not open sockets here; see cors.allowed_origins";
    let allowed = origin::is_allowed(headers, &hub.config.allowed_origins);
    if allowed { Ok(()) } else { Err(Problem::new(Code::Forbidden, detail)) }
}

/// The answer to new sessions while the process drains.
pub(crate) fn going_away() -> Problem {
    Problem::new(Code::Unavailable, "this process is going away; connect again")
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
        let cookies = if origin::is_named(headers, allowed) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::{HOST, ORIGIN};

    fn headers(origin: &'static str) -> HeaderMap {
        [(ORIGIN, HeaderValue::from_static(origin)), (HOST, HeaderValue::from_static("a.example:8080"))]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        assert!(is_key(b"dGhlIHNhbXBsZSBub25jZQ=="));
        for key in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=a", "dGhlIHNhbXBsZSBub25j!Q=="] {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
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

//! The plain port beside a TLS one: it sends everybody over and does nothing else.

use crate::{Problem, answer};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{HOST, LOCATION};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use schema::Code;

/// The port that an `https://` address need not name.
const HTTPS: u16 = 443;

/// Answers every request with 308 to the same path on `https://` at this port: 308 and not 301, so that a POST
/// stays one.
pub fn redirect(port: u16) -> Router {
    Router::new()
        .fallback(move |request: Request| async move { over(&request, port) })
        .layer(from_fn(answer::traced))
}

fn over(request: &Request, port: u16) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host =
        host.and_then(|host| host.parse::<Authority>().ok()).filter(|host| !host.as_str().contains('@'));
    let Some(host) = host else {
        let detail = "there is no host header that names this server: call it with https://";
        return Problem::new(Code::Malformed, detail).into_response();
    };
    let port = if port == HTTPS { String::new() } else { format!(":{port}") };
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    match HeaderValue::try_from(format!("https://{}{port}{path}", host.host())) {
        Ok(location) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response(),
        Err(_) => Problem::new(Code::Malformed, "the path cannot be repeated in a header").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn location(port: u16, host: Option<&str>, path: &str) -> (u16, String) {
        let mut request = Request::post(path).body(Body::empty()).unwrap();
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host.parse().unwrap());
        }
        let response = over(&request, port);
        let location = response.headers().get(LOCATION).map_or("", |location| location.to_str().unwrap());
        (response.status().as_u16(), location.to_owned())
    }

    #[test]
    fn everybody_is_sent_to_the_same_path_on_this_host() {
        let to = |host, path| location(8443, Some(host), path);
        assert_eq!(to("a.example", "/x?y=%20"), (308, "https://a.example:8443/x?y=%20".to_owned()));
        assert_eq!(to("a.example:80", "/"), (308, "https://a.example:8443/".to_owned()));
        assert_eq!(to("[::1]:80", "/"), (308, "https://[::1]:8443/".to_owned()));
        assert_eq!(location(443, Some("a.example"), "/x"), (308, "https://a.example/x".to_owned()));
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        for bad in [None, Some(""), Some("evil.example@a"), Some("a b"), Some("a/b")] {
            assert_eq!(location(443, bad, "/").0, 400, "{bad:?}");
        }
    }
}

//! Which headers go through, and which are said anew (RFC 9110, 7.6; RFC 7239; W3C Trace Context).

use axum::http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use axum::http::{Extensions, HeaderMap, HeaderValue};
use edge::{Peer, Secure, TraceId};
use std::net::IpAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What concerns one connection only.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The protocol that a request, or its answer, changes to. HTTP itself is none: through it a caller could have
/// further requests pass behind the gateway's back.
pub(crate) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    if !asks.flat_map(|line| line.split(',')).any(|word| word.trim().eq_ignore_ascii_case("upgrade")) {
        return None;
    }
    let mut lines = headers.get_all(UPGRADE).iter();
    let protocol = lines.next().filter(|_| lines.next().is_none())?;
    let text = protocol.to_str().ok()?.to_ascii_lowercase();
    let http = text.split(',').map(str::trim).any(|one| one.starts_with("h2") || one.starts_with("http"));
    (!http).then(|| protocol.clone())
}

/// Takes away what concerns one connection, and what `Connection` says does. It can't say so of `Host`: what
/// is somebody's own page rests on it.
pub(crate) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(|word| word.trim().parse().ok())
        .filter(|name| *name != HOST)
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// Makes a caller's headers those of the request to a service. What is said of the caller's address is what
/// the door found out, whoever wrote there before.
pub(crate) fn pass_on(headers: &mut HeaderMap, extensions: &Extensions, protocol: Option<&HeaderValue>) {
    strip(headers);
    // The gateway has said "continue" itself.
    headers.remove(EXPECT);
    let length = headers.get(CONTENT_LENGTH).cloned();
    if let Some(length) = length {
        // Twice the same one is once.
        headers.insert(CONTENT_LENGTH, length);
    }
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| **name == FORWARDED || name.as_str().starts_with("x-forwarded-"))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
    let Peer(address) = Peer::of_connection(extensions);
    let secure = extensions.get::<Secure>().copied().unwrap_or_default();
    let scheme = if secure.0 { "https" } else { "http" };
    let forwarded = match address {
        IpAddr::V4(v4) => format!("for={v4};proto={scheme}"),
        IpAddr::V6(v6) => format!("for=\"[{v6}]\";proto={scheme}"),
    };
    // A service reads one of the two, as it is configured; both say the same.
    set(headers, X_FORWARDED_FOR, &address.to_string());
    set(headers, FORWARDED, &forwarded);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    trace(headers, extensions);
    if let Some(protocol) = protocol {
        changed(headers, protocol.clone());
    }
}

/// Says that this connection, too, changes to the protocol.
pub(crate) fn changed(headers: &mut HeaderMap, protocol: HeaderValue) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol);
}

/// The caller's `traceparent` when the door took the trace id from it, else one with the door's.
fn trace(headers: &mut HeaderMap, extensions: &Extensions) {
    let Some(TraceId(id)) = extensions.get::<TraceId>() else { return };
    let mut given = headers.get_all(TRACEPARENT).iter();
    let taken =
        given.next().and_then(|value| value.to_str().ok()).is_some_and(|text| text.contains(id.as_str()));
    if !taken || given.next().is_some() {
        let span = rand::random_range(1..=u64::MAX);
        set(headers, TRACEPARENT, &format!("00-{id}-{span:016x}-00"));
    }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => headers.insert(name, value),
        // Addresses and hex digits are good in a header.
        Err(_) => headers.remove(name),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = map.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_concerns_one_connection_ends_here() {
        let mut map = headers(&[
            ("connection", "keep-alive, X-One"),
            ("connection", "x-two, host"),
            ("host", "a.example"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic eA=="),
            ("x-one", "1"),
            ("x-two", "2"),
            ("x-three", "3"),
            ("cookie", "a=b"),
        ]);
        strip(&mut map);
        assert_eq!(names(&map), ["cookie", "host", "x-three"]);
    }

    #[test]
    fn what_is_said_of_the_caller_is_what_the_door_found() {
        let mut map = headers(&[
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-for", "7.7.7.7"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=6.6.6.6"),
            ("authorization", "Bearer x"),
            ("content-length", "5"),
            ("content-length", "5"),
            ("expect", "100-continue"),
        ]);
        let mut extensions = Extensions::new();
        extensions.insert(Peer("2001:db8:1:2::".parse().unwrap()));
        extensions.insert(Secure(true));
        extensions.insert(TraceId("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()));
        pass_on(&mut map, &extensions, None);
        assert_eq!(map["x-forwarded-for"], "2001:db8:1:2::");
        assert_eq!(map["forwarded"], "for=\"[2001:db8:1:2::]\";proto=https");
        assert_eq!(map["x-forwarded-proto"], "https");
        assert!(map["traceparent"].to_str().unwrap().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
        assert_eq!(map.get_all("content-length").iter().count(), 1);
        assert_eq!(map["authorization"], "Bearer x");
        assert!(!map.contains_key("x-forwarded-host") && !map.contains_key("expect"));
    }

    #[test]
    fn a_trace_goes_on() {
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let mut extensions = Extensions::new();
        extensions.insert(TraceId("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()));
        let mut map = headers(&[("traceparent", given)]);
        pass_on(&mut map, &extensions, None);
        assert_eq!(map["traceparent"], given);
        for bad in [&[("traceparent", "nonsense")][..], &[("traceparent", given), ("traceparent", "x")]] {
            let mut map = headers(bad);
            pass_on(&mut map, &extensions, None);
            assert_ne!(map["traceparent"], given);
            assert_eq!(map.get_all("traceparent").iter().count(), 1);
        }
    }

    #[test]
    fn only_what_is_no_http_is_changed_to() {
        let asks = |protocol: &str| {
            upgrade(&headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", protocol)])).is_some()
        };
        assert!(asks("websocket") && asks("WebSocket") && asks("other/1"));
        assert!(!asks("h2c") && !asks("HTTP/2.0") && !asks("websocket, h2c"));
        assert!(upgrade(&headers(&[("upgrade", "websocket")])).is_none());
        assert!(upgrade(&headers(&[("connection", "upgrade")])).is_none());
    }
}

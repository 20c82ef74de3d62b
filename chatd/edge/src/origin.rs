//! Whose page a browser's request comes from (RFC 6454), the one rule for sockets and cookies.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether the page may come in: as [`is_named`], or every page when `*` is listed.
pub fn is_allowed(headers: &HeaderMap, allowed: &[String]) -> bool {
    allowed.iter().any(|one| one == "*") || is_named(headers, allowed)
}

/// Whether the request comes from no page, from a page of this very server, or from one that is listed by
/// name. Only then a cookie counts: `*` lets any page in, but none with somebody's cookie.
pub fn is_named(headers: &HeaderMap, allowed: &[String]) -> bool {
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
    fn a_foreign_page_comes_in_only_when_it_is_listed_and_a_star_names_nobody() {
        let listed = ["https://b.example".to_owned()];
        let star = ["*".to_owned()];
        for own in [HeaderMap::new(), headers("http://a.example:8080")] {
            assert!(is_named(&own, &[]) && is_allowed(&own, &[]) && is_named(&own, &star));
        }
        for foreign in
            ["http://a.example", "https://b.example", "null", "*", "http://a.example:8080.b.example"]
        {
            let foreign = headers(foreign);
            assert!(!is_named(&foreign, &[]) && !is_allowed(&foreign, &[]));
            assert!(!is_named(&foreign, &star) && is_allowed(&foreign, &star));
        }
        assert!(is_named(&headers("https://b.example"), &listed));
        assert!(!is_named(&headers("https://b.example.evil"), &listed));
        let mut opaque = headers("null");
        opaque.insert(ORIGIN, HeaderValue::from_bytes(b"http://\xff").unwrap());
        assert!(!is_named(&opaque, &[]));
    }
}
